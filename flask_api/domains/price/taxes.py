"""Income tax with losses carried forward without limit."""

from __future__ import annotations

import numpy as np

from flask_api.domains.price.arrays import Amount, Array, to_date


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


def depreciation_as_income_allows(income: Array, capital: Amount) -> Array:
    """Write-off of each year: all positive income until the capital is used up.

    income    income before this write-off, axis 0 runs over the years
    capital   what may be written off in total
    """
    used = np.minimum(to_date(np.maximum(income, 0.0)), capital)
    return np.diff(used, axis=0, prepend=np.zeros_like(used[:1]))
