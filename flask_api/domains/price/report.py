"""What a plant's price is made of, and the figures a reader looks for first."""

from __future__ import annotations

from typing import Any

import numpy as np

from flask_api.domains.price import cash_flow
from flask_api.domains.price.model import PriceModel

Table = dict[str, list[float]]

#: Parts of the price: each is a sum of table columns with their sign.
_PARTS = {
    "capital": (("fixed_capital", 1), ("startup_costs", 1)),
    "working_capital_and_land": (("working_capital", 1), ("land", 1)),
    "operating_cost": (("operating_cost", 1),),
    "loan": (("loan", -1), ("loan_payment", 1), ("construction_interest", 1)),
    "tax": (("tax", 1),),
    "byproducts": (("byproduct_revenue", -1),),
}


def cost_breakdown(model: PriceModel, table: Table) -> dict[str, float]:
    """$ per unit that each part adds to a solved price; the parts sum to it.

    Each is the present value of the part's flows over that of the units sold. A loan
    counts with what it costs above the money it brings.
    """
    worth = np.array(table["discount_factor"])
    columns = {name: np.array(column) for name, column in table.items()}
    building = columns["year"] < 1
    columns["construction_interest"] = np.where(building, columns["loan_interest"], 0)
    values, _, pattern, _ = model.parts()
    units = float(worth[~building] @ pattern.sales) * values["number_of_units"]
    return {
        part: sum(sign * float(worth @ columns[name]) for name, sign in members) / units
        for part, members in _PARTS.items()
    }


def payback_years(table: Table) -> float | None:
    """Years of operation until the undiscounted cash flow has paid for itself."""
    cumulative = np.cumsum(table["cash_flow"])
    years = np.array(table["year"])
    below = np.flatnonzero(cumulative < 0)
    if len(below) == 0:
        return 0.0
    last = int(below[-1])
    if last == len(cumulative) - 1:
        return None
    gain = cumulative[last + 1] - cumulative[last]
    return float(years[last] - cumulative[last] / gain)


def economics(model: PriceModel, table: Table, price: float) -> dict[str, Any]:
    """The economic summary: totals and yearly averages at a price, $ unless named.

    `npv_at_base_price` and `irr_at_base_price` are those at the file's selling price.
    """
    operating = [index for index, year in enumerate(table["year"]) if year >= 1]

    def average(column: str) -> float:
        return float(np.mean([table[column][index] for index in operating]))

    at_base = model.evaluate({}, outputs=("npv", "irr"))
    values = model.baseline()
    return {
        "internal_rate_of_return": values["required_irr"],
        "average_selling_price": average_selling_price(model, table),
        "total_overnight_cost": model.capital_ladder()["total_overnight_cost"],
        "average_annual_revenue": average("revenue"),
        "average_annual_operating_expenses": average("operating_cost"),
        "average_annual_depreciation": average("depreciation"),
        "average_annual_state_taxes": average("state_tax"),
        "average_annual_federal_taxes": average("federal_tax"),
        "average_annual_after_tax_cash_flow": average("cash_flow"),
        "cumulative_npv": table["cumulative_npv"][-1],
        "calculation_mode": "price at which net present value is 0",
        "solved_price": price,
        "payback_years": payback_years(table),
        "npv_at_base_price": float(at_base["npv"][0]),
        "irr_at_base_price": float(at_base["irr"][0]),
    }


def average_selling_price(model: PriceModel, table: Table) -> float:
    """Undiscounted revenue over units sold, $ per unit."""
    return float(sum(table["revenue"]) / sum(units_by_year(model)))


def units_by_year(model: PriceModel) -> list[float]:
    """Units sold in each operating year, with the ramp-up."""
    values, _, pattern, _ = model.parts()
    years = np.arange(1, len(pattern.sales) + 1)
    volume = pattern.sales / (1 + values["inflation_rate"]) ** years
    return [float(share * values["number_of_units"]) for share in volume]


def price_by_year(model: PriceModel, price: float) -> list[dict[str, float]]:
    """Price of each operating year, in that year's money."""
    values, plan, _, _ = model.parts()
    growth = 1 + values["inflation_rate"]
    return [
        {"year": year, "price": price * growth**year}
        for year in range(1, plan.operating_years + 1)
    ]


def rows(table: Table) -> list[dict[str, float]]:
    """The year table as one mapping per year."""
    names = ("year", *cash_flow.COLUMNS)
    return [
        {**dict(zip(names, values, strict=True)), "year": int(values[0])}
        for values in zip(*(table[name] for name in names), strict=True)
    ]
