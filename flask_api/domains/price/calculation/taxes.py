"""Income tax: its rate, losses carried forward, and credits that wait for tax."""

from __future__ import annotations

import numpy as np

from flask_api.domains.price.calculation.arrays import Amount, Array, to_date


def combined_rate(state: Amount, federal: Amount, deductible: bool) -> Amount:
    """Tax on a dollar of taxed income, both taxes together.

    deductible   the state's tax lowers the federal base
    """
    return state + federal * (1 - state) if deductible else state + federal


def taxed_to_date(taxable: Array) -> Array:
    """Income that has been taxed by the end of each year, shape as `taxable`.

    taxable   income less all deductions of each operating year; losses are negative.
              Axis 0 runs over the years.

    With unlimited carry-forward this is the highest level that cumulative taxable
    income has reached so far, and never below 0: no loop over a pool of losses needed.
    """
    reached = to_date(taxable)
    np.maximum(reached, 0.0, out=reached)
    for year in range(1, len(reached)):
        reached[year] = np.maximum(reached[year], reached[year - 1])
    return reached


def taxed_income(taxable: Array) -> tuple[Array, Array]:
    """Income taxed in each year, and losses still to be used after it (<= 0)."""
    reached = taxed_to_date(taxable)
    taxed = np.diff(reached, axis=0, prepend=np.zeros_like(reached[:1]))
    return taxed, to_date(taxable) - reached


class Losses:
    """Losses carried forward within limits, oldest used first, for many plants at once.

    limit    part of a year's positive income that earlier losses may offset, 0..1
    expire   years after its own in which a loss may be used, whole; 0 = never
    years    operating years there will be

    Instead of a pool for each year of origin it keeps two sums: losses made to date,
    and losses gone to date (used or expired). As the oldest go first, what expires
    after year u + expire is what losses gone lack of the losses made by year u.
    """

    def __init__(self, limit: Amount, expire: Amount, years: int) -> None:
        self._limit, self._expire = limit, expire
        self._forever = bool(np.all(np.asarray(expire) >= years))
        self._made: list[Amount] = [0.0]
        self._gone: Amount = 0.0

    def tax(self, income: Amount) -> tuple[Amount, Amount]:
        """Income taxed in the next year, and losses that expire at its end.

        income   taxable income of that year before earlier losses; negative: a loss
        """
        earned = np.maximum(income, 0.0)
        made = self._made[-1]
        offset = np.minimum(self._limit * earned, made - self._gone)
        self._made.append(made + (earned - income))
        gone = self._gone + offset
        self._gone = gone if self._forever else np.maximum(gone, self._too_old())
        return earned - offset, self._gone - gone

    @property
    def left(self) -> Amount:
        """Losses that may still be used in a later year, >= 0."""
        return self._made[-1] - self._gone

    def _too_old(self) -> Amount:
        """Losses made so long ago that no later year may use them."""
        year = len(self._made) - 1
        last = np.maximum(np.asarray(year - self._expire), 0).astype(int)
        if last.ndim == 0:
            return self._made[int(last)]
        made = np.array(np.broadcast_arrays(*self._made))
        made = np.broadcast_to(made.reshape(year + 1, -1), (year + 1, last.size))
        return np.asarray(made[last, np.arange(last.size)])


def taxed_at_end(salvage: Amount, book: Amount, taxed: str, rest: str) -> Amount:
    """What the plant's end adds to the taxable income of its last year.

    salvage   proceeds of what is left of the plant
    book      capital not yet depreciated
    taxed     `gain`: what exceeds the book value; `whole`: all proceeds; `none`
    rest      `lost`: what is not depreciated by then never is; `written_off`: it is
              deducted at once
    """
    if rest == "written_off":
        return -book if taxed == "none" else salvage - book
    if taxed == "gain":
        return np.maximum(salvage - book, 0.0)
    return salvage if taxed == "whole" else 0.0
