"""What a dollar borrowed costs, year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.calculation.arrays import Amount, Array, spread, to_date


@dataclass(frozen=True)
class LoanPatterns:
    """Flows per dollar drawn in total; a samples axis follows where rate or term vary.

    construction_interest   paid in each construction year, shape (construction years,)
    principal               owed when operation begins; above 1 if interest was added
    interest                part of each operating year's payment, shape (years,)
    payment                 interest and repayment, shape (years,)
    balance                 owed after each operating year's payment, shape (years,)
    """

    construction_interest: Array
    principal: Amount
    interest: Array
    payment: Array
    balance: Array


def construction_interest(
    schedule: Array | Sequence[float], rate: Amount, convention: str
) -> tuple[Array, Amount]:
    """Interest paid in each construction year, and the principal at its end.

    schedule     share of the loan drawn in each construction year, sum 1, shape
                 (construction years,) or (construction years, samples)
    convention   `own_year`: on that year's draw; `cumulative`: on all draws so far;
                 `none`: free; `capitalised`: nothing is paid, what was owed at the
                 end of each year grows by the interest, and the last draw bears none
    """
    draws = np.asarray(schedule, dtype=float)
    if draws.ndim == 1 and np.ndim(rate):
        draws = draws[:, None]
    free = np.zeros_like(draws * rate)
    if convention == "capitalised":
        principal: Amount = 0.0
        for draw in draws:
            principal = principal * (1 + rate) + draw
        return free, principal
    if convention == "none":
        return free, 1.0
    base = draws if convention == "own_year" else to_date(draws)
    return base * rate, 1.0


def repayment(
    rate: Amount | Sequence[Amount], term: Amount, years: int, method: str
) -> tuple[Array, Array, Array]:
    """Interest, payment and balance in each operating year, per dollar of principal.

    rate     for the whole term, or one of each operating year: then level payments are
             set anew where it changes, for what is owed and the years left
    term     whole years to repay, counted from the first operating year; at most
             `years`
    method   `level_payment` (annuity), `level_principal` or `bullet`
    """
    rates = list(rate) if isinstance(rate, Sequence) else [rate] * years
    term = np.minimum(term, years)
    shape = np.broadcast_shapes(np.shape(term), *(np.shape(one) for one in rates))
    kind = np.result_type(float, *rates)
    interest, payment, balance = np.zeros((3, years, *shape), kind)
    owed: Amount = np.ones(shape, kind)
    repaid: Amount = 1 / term
    for year in range(int(np.max(term))):
        interest[year] = owed * rates[year]
        if method == "level_payment":
            if year == 0 or rates[year] is not rates[year - 1]:
                repaid = owed * _first_repaid(rates[year], np.maximum(term - year, 1))
            else:  # not payment less interest: that would add up roundings likewise
                repaid = repaid * (1 + rates[year])
        elif method == "bullet":
            repaid = np.where(year + 1 == term, 1.0, 0.0)
        payment[year] = np.where(year < term, interest[year] + repaid, 0.0)
        # at the end of the term: what rounding left over
        owed = np.where(year + 1 < term, owed - repaid, 0.0)
        balance[year] = owed
    return interest, payment, balance


def _first_repaid(rate: Amount, term: Amount) -> Amount:
    """What the first of `term` equal payments repays of a dollar, beside interest.

    As interest falls by what was repaid, each year repays 1 + rate times as much as
    the one before: the first is 1 over the sum of these powers.
    """
    rate = np.asarray(rate)
    # next to no interest the first terms of its series are exact, expm1 is not
    low = np.abs(rate) < 1e-10
    growth = np.expm1(term * np.log1p(np.where(low, 1.0, rate)))  # (1+rate)^term - 1
    return np.where(low, (1 - rate * (term - 1) / 2) / term, rate / growth)


@dataclass(frozen=True)
class RevenueLoan:
    """A loan repaid by a share of revenue, the rest at the end of its term.

    owed         $ when operation begins
    rates        interest of each operating year
    term         whole years, at most the plant's life
    share        of a year's revenue that goes to the lender
    """

    owed: Amount
    rates: Sequence[Amount]
    term: Amount
    share: Amount

    def pay(
        self, year: int, owed: Amount, revenue: Amount
    ) -> tuple[Amount, Amount, Amount]:
        """Interest that accrues, payment, and what is owed after operating `year`.

        A payment smaller than the interest raises what is owed.
        """
        interest = owed * self.rates[year - 1]
        due = owed + interest
        share = np.minimum(self.share * np.maximum(revenue, 0.0), due)
        payment = np.where(year < self.term, share, due)
        return interest, payment, due - payment


def loan(
    schedule: Array | Sequence[float],
    rate: Amount,
    term: Amount,
    years: int,
    method: str = "level_payment",
    interest_in_construction: str = "cumulative",
    rates: Sequence[Amount] | None = None,
) -> LoanPatterns:
    """All flows of a loan that is drawn by `schedule`, per dollar drawn in total.

    rates   of each operating year, where they differ from `rate`

    A loan repaid by a share of revenue follows the price (`RevenueLoan`): here only
    its construction and its principal.
    """
    paid, principal = construction_interest(schedule, rate, interest_in_construction)
    if method == "revenue_share":
        none = np.zeros(years)
        return LoanPatterns(paid, principal, none, none, none)
    parts = repayment(rate if rates is None else rates, term, years, method)
    if np.ndim(principal):
        parts = spread(parts[0]), spread(parts[1]), spread(parts[2])
    interest, payment, balance = parts
    return LoanPatterns(
        paid, principal, interest * principal, payment * principal, balance * principal
    )
