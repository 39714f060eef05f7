"""A plant's cash flow written down year by year in plain Python, as docs/price-model.md
says it: nothing shared with the code under test but the names of the inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# IRS Publication 946, table A-1, percent
MACRS = {
    "MACRS3": (33.33, 44.45, 14.81, 7.41),
    "MACRS7": (14.29, 24.49, 17.49, 12.49, 8.93, 8.92, 8.93, 4.46),
}


def _table(method: str, life: int) -> list[float]:
    if method in MACRS:
        return [percent / 100 for percent in MACRS[method]]
    return [1 / life] * life if method == "straight_line" else [1 / 5] * 5  # SL5


def cash_flow(
    p: Mapping[str, Any], plant: Mapping[str, Any], price: float
) -> list[tuple[int, float]]:
    """(year, $) of every year; `p` holds all inputs, `plant` what a file fixes."""
    rungs = [p["epc"], p["process_contingency"], p["project_contingency"]]
    if plant["contingency_basis"] == "bare":
        overnight = p["bare_erected_cost"] * (1 + sum(rungs))
    else:
        overnight = p["bare_erected_cost"] * math.prod(1 + rung for rung in rungs)
    fixed_capital = overnight + p["owners_costs"]
    working = fixed_capital * p["working_capital_fraction"]
    flow, debt = [], 0.0
    schedule, rate = plant["schedule"], p["loan_rate"]
    for k, share in enumerate(schedule):
        draw = fixed_capital * share * p["loan_fraction"]
        if plant["construction_interest"] == "capitalised":
            debt *= 1 + rate
        debt += draw
        paid = {"cumulative": debt * rate, "own_year": draw * rate}
        cash = draw - fixed_capital * share
        cash -= paid.get(plant["construction_interest"], 0.0)
        cash -= p["land_cost"] if k == 0 else 0.0
        if k == len(schedule) - 1:
            cash -= working + p["startup_costs"]
        flow.append((k + 1 - len(schedule), cash))
    return flow + _operation(p, plant, price, overnight, working, debt)


def _operation(
    p: Mapping[str, Any],
    plant: Mapping[str, Any],
    price: float,
    overnight: float,
    working: float,
    debt: float,
) -> list[tuple[int, float]]:
    life, rate = int(p["plant_lifetime"]), p["loan_rate"]
    term, owed, losses, flow = min(int(p["loan_years"]), life), debt, 0.0, []
    by_income = plant["depreciation"] == "as_income_allows"
    left = overnight if by_income else 0.0
    for year in range(1, life + 1):
        level = (1 + p["inflation_rate"]) ** year
        early = min(1.0, max(0.0, p["startup_months"] / 12 - (year - 1)))

        def ramp(what: str, early: float = early, level: float = level) -> float:
            return level * (1 - early * (1 - p[f"startup_{what}_fraction"]))

        sales = p["number_of_units"] * price + p["byproduct_revenue"]
        margin = sales * ramp("sales")
        if plant["operating_cost"] == "itemised":
            slots = sum(p[f"v{i}_quantity"] * p[f"v{i}_unit_cost"] for i in (1, 10))
            margin -= (p["variable_cost"] + slots) * ramp("variable")
            margin -= (p["labor_cost"] + p["fixed_cost"]) * ramp("fixed")
        else:
            margin *= 1 - p["operating_cost_fraction"]
        interest = payment = 0.0
        if year <= term:
            interest = owed * rate
            payment = debt / term + interest
            if plant["loan_repayment"] == "level_payment" and rate:
                payment = debt * rate / (1 - (1 + rate) ** -term)
            elif plant["loan_repayment"] == "level_payment":
                payment = debt / term
            owed -= payment - interest
        income = margin
        income -= payment if plant["loan_deduction"] == "whole_payment" else interest
        if not by_income:
            table = _table(plant["depreciation"], life)
            income -= overnight * table[year - 1] if year <= len(table) else 0.0
        replaced = 0.0
        for bought, dollars in plant["replacements"].items():
            replaced += dollars * p["replacement_factor"] if bought == year else 0.0
            if plant["replacement_depreciation"] != "none":
                table = _table(plant["replacement_depreciation"], life)
                if bought <= year < bought + len(table) and bought <= life:
                    part = table[year - bought] * p["replacement_factor"]
                    income -= dollars * part
        written_off = min(max(income, 0.0), left)
        left -= written_off
        losses += income - written_off
        taxed, losses = max(losses, 0.0), min(losses, 0.0)
        state = taxed * p["state_tax_rate"]
        base = taxed - state if plant["state_deductible"] else taxed
        cash = margin - payment - replaced - state - base * p["federal_tax_rate"]
        if year == life:
            cash += working + p["land_cost"]
        flow.append((year, cash))
    return flow


def net_present_value(flow: list[tuple[int, float]], rate: float) -> float:
    return math.fsum(cash * (1 + rate) ** -year for year, cash in flow)
