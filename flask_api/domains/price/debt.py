"""What a dollar borrowed costs, year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.arrays import Amount, Array, spread, to_date


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
    rate: Amount, term: Amount, years: int, method: str
) -> tuple[Array, Array, Array]:
    """Interest, payment and balance in each operating year, per dollar of principal.

    term     whole years to repay, counted from the first operating year; at most
             `years`
    method   `level_payment` (annuity) or `level_principal`
    """
    term = np.minimum(term, years)
    level = _annuity(rate, term)
    shape = (years, *np.shape(level))
    interest, payment, balance = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    owed: Amount = np.ones(np.shape(level))
    for year in range(int(np.max(term))):
        interest[year] = owed * rate
        paid = level if method == "level_payment" else interest[year] + 1 / term
        payment[year] = np.where(year < term, paid, 0.0)
        # at the end of the term: what rounding left over
        owed = np.where(year + 1 < term, owed + interest[year] - paid, 0.0)
        balance[year] = owed
    return interest, payment, balance


def _annuity(rate: Amount, term: Amount) -> Amount:
    """Equal payment that clears a dollar at `rate` in `term` years."""
    rate = np.asarray(rate, dtype=float)
    shrink = -np.expm1(-term * np.log1p(rate))  # 1 - (1+rate)^-term, exact near 0
    free = rate == 0
    return np.where(free, 1 / term, rate / np.where(free, 1.0, shrink))


def loan(
    schedule: Array | Sequence[float],
    rate: Amount,
    term: Amount,
    years: int,
    method: str = "level_payment",
    interest_in_construction: str = "cumulative",
) -> LoanPatterns:
    """All flows of a loan that is drawn by `schedule`, per dollar drawn in total."""
    paid, principal = construction_interest(schedule, rate, interest_in_construction)
    parts = repayment(rate, term, years, method)
    if np.ndim(principal):
        parts = spread(parts[0]), spread(parts[1]), spread(parts[2])
    interest, payment, balance = parts
    return LoanPatterns(
        paid, principal, interest * principal, payment * principal, balance * principal
    )
