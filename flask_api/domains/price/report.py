"""What a plant's price is made of, and the figures a reader looks for first."""

from __future__ import annotations

from typing import Any

import numpy as np

from flask_api.domains.price.calculation import cash_flow
from flask_api.domains.price.calculation.amounts import revenue_term, units_sold
from flask_api.domains.price.calculation.plan import price_level
from flask_api.domains.price.measures.irr import all_rates
from flask_api.domains.price.measures.levelised import levelised_cost
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
    "credits": (("credits_used", -1),),
    "salvage": (("salvage", -1),),
}
CALCULATIONS = {
    "price": "price at which net present value is 0",
    "npv": "net present value at the selling price",
}


def cost_breakdown(model: PriceModel, table: Table) -> dict[str, float | None]:
    """$ per unit that each part adds to the price; the parts sum to it.

    Each is the present value of the part's flows over that of the units sold, in the
    years that count in NPV. A loan counts with what it costs above the money it brings.
    Where NPV is not 0 (the model solves none), `net_present_value` is a part as well.
    All are None where nothing is sold.
    """
    counted = np.array(table["year"]) <= _horizon(model)
    worth = np.where(counted, table["discount_factor"], 0.0)
    columns = {name: np.array(column) for name, column in table.items()}
    building = columns["year"] < 1
    columns["construction_interest"] = np.where(building, columns["loan_interest"], 0)
    _, plan, pattern, money = model.parts()
    units, sales = revenue_term(plan, pattern, money, kept=False)
    sold = float(worth[~building] @ sales * units)
    parts = {
        part: sum(sign * float(worth @ columns[name]) for name, sign in members)
        for part, members in _PARTS.items()
    }
    if model.structure.solves == "npv":
        parts["net_present_value"] = float(worth @ columns["cash_flow"])
    return {part: value / sold if sold else None for part, value in parts.items()}


def payback_years(table: Table, column: str = "cash_flow") -> float | None:
    """Years of operation until a cash flow has paid for itself, or None.

    column   `cash_flow`, or `discounted_cash_flow` for the discounted payback
    """
    cumulative = np.cumsum(table[column])
    years = np.array(table["year"])
    # at the solved price the last sum of what is discounted is 0 but for roundings
    below = np.flatnonzero(cumulative < -1e-9 * np.abs(cumulative).max())
    if len(below) == 0:
        return 0.0
    last = int(below[-1])
    if last == len(cumulative) - 1:
        return None
    gain = cumulative[last + 1] - cumulative[last]
    return float(min(years[last] - cumulative[last] / gain, years[last + 1]))


def economics(model: PriceModel, table: Table, price: float) -> dict[str, Any]:
    """The economic summary: totals and yearly averages at a price, $ unless named.

    `npv_at_base_price` and `irr_at_base_price` are those at the file's selling price,
    `irr_all_roots` all rates at which that cash flow is worth nothing: the rate is
    unique where there is one. `levelised_cost` is that of the Annual Technology
    Baseline. What has no value is None.
    """
    operating = [index for index, year in enumerate(table["year"]) if year >= 1]

    def average(column: str) -> float:
        return float(np.mean([table[column][index] for index in operating]))

    at_base = model.evaluate({}, outputs=("npv", "irr"))
    values = model.baseline()
    last = table["year"].index(_horizon(model))
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
        "cumulative_npv": table["cumulative_npv"][last],
        "calculation_mode": CALCULATIONS[model.structure.solves],
        "solved_price": price if model.structure.solves == "price" else None,
        "payback_years": payback_years(table),
        "discounted_payback_years": payback_years(table, "discounted_cash_flow"),
        "npv_at_base_price": float(at_base["npv"][0]),
        "irr_at_base_price": float(at_base["irr"][0]),
        "irr_all_roots": irr_all_roots(model),
        "levelised_cost": levelised_cost(model),
        "products": products(model, price),
    }


def irr_all_roots(model: PriceModel) -> list[float]:
    """All internal rates at the selling price, sorted; [] where there is none."""
    table = model.cash_flow_table(model.baseline()["selling_price"])
    cash = table["cash_flow"][: table["year"].index(_horizon(model)) + 1]
    return all_rates(cash) if np.isfinite(cash).all() and any(cash) else []


def products(model: PriceModel, price: float) -> list[dict[str, Any]]:
    """Every product sold: its name, units in a full year, and price in $ per unit.

    The first is the one whose price is solved; the others cost a multiple of it.
    """
    values = model.baseline()
    found: list[dict[str, Any]] = [
        {"name": model.product_unit, "units": values["number_of_units"], "price": price}
    ]
    periods = model.structure.periods
    for n in range(2, 6):
        name = f"product_{n}_units"
        if values[name] or any(name in period.values for period in periods):
            found.append(
                {
                    "name": model.structure.products.get(n, f"product {n}"),
                    "units": values[name],
                    "price": price * values[f"product_{n}_relative_price"],
                }
            )
    return found


def average_selling_price(model: PriceModel, table: Table) -> float | None:
    """Undiscounted revenue over units sold, $ per unit; None where nothing is sold."""
    sold = sum(units_by_year(model))
    return float(sum(table["revenue"]) / sold) if sold else None


def units_by_year(model: PriceModel) -> list[float]:
    """Units sold in each operating year, with the ramp-up.

    Of further products, as many units of the first as bring the same revenue.
    """
    values, plan, pattern, _ = model.parts()
    result: list[float] = []
    for year, volume in enumerate(pattern.volume):
        changes = plan.changes[year] if plan.changes else {}
        result.append(float(volume * units_sold({**values, **changes})))
    return result


def price_by_year(model: PriceModel, price: float) -> list[dict[str, float]]:
    """Price of each operating year, in that year's money.

    Years after `target_row` sell at the selling price.
    """
    values, horizon = model.baseline(), _horizon(model)
    level = price_level(values["inflation_rate"], int(values["plant_lifetime"]))
    return [
        {"year": year, "price": float(at * growth)}
        for year, growth in enumerate(level, start=1)
        for at in (price if year <= horizon else values["selling_price"],)
    ]


def _horizon(model: PriceModel) -> int:
    """The last operating year that counts in NPV."""
    return model.plan(model.baseline()).horizon


def rows(table: Table) -> list[dict[str, float]]:
    """The year table as one mapping per year."""
    names = ("year", *cash_flow.COLUMNS)
    return [
        {**dict(zip(names, values, strict=True)), "year": int(values[0])}
        for values in zip(*(table[name] for name in names), strict=True)
    ]
