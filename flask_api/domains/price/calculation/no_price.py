"""Why a plant has no price at which its net present value is 0, in words."""

from __future__ import annotations

import numpy as np

from flask_api.domains.price.calculation.amounts import Amounts
from flask_api.domains.price.calculation.arrays import Values
from flask_api.domains.price.calculation.plan import Patterns, Plan


def reason(plan: Plan, values: Values, pattern: Patterns, money: Amounts) -> str:
    """The reason, ready to follow "no price can save this plant: "; one plant only."""
    counted = [
        year
        for span, year in zip(plan.spans, money.yearly, strict=True)
        if span.years is None or span.years[: plan.horizon].any()
    ]
    if not any(year.units for year in counted):
        few = "" if len(plan.spans) == 1 else ", also in every period,"
        return (
            f"number_of_units is 0{few} and no other product is sold, it sells nothing"
        )
    if not any(year.units * year.kept for year in counted):
        return "operating_cost_fraction is 1, so its operating cost takes all revenue"
    if not pattern.sales[: plan.horizon].any():
        until = (
            "for its whole life"
            if plan.horizon == plan.operating_years
            else f"until operating year {plan.horizon} (target_row)"
        )
        return (
            f"it is in its ramp-up {until} (startup_months) and sells nothing then "
            "(startup_sales_fraction)"
        )
    rate = max(float(np.max(year.tax_rate)) for year in counted)
    if rate >= 1:
        return f"state and federal tax together take {rate:.0%} of every further dollar"
    return (
        "none was found at which net present value is 0; its amounts may be too large "
        "or too small to add up"
    )
