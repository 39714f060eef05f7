"""A plant's cash flow written down year by year in plain Python, as docs/price-model.md
says it: nothing shared with the code under test but the names of inputs and choices."""

from __future__ import annotations

import math
from collections.abc import Mapping

from flask_api.domains.price.model import Structure

Row = dict[str, float]

# IRS Publication 946, table A-1, percent
MACRS = {
    "macrs_3": (33.33, 44.45, 14.81, 7.41),
    "macrs_7": (14.29, 24.49, 17.49, 12.49, 8.93, 8.92, 8.93, 4.46),
}
F_SLOTS = ("raw_material", "labor", "utility", "maintenance", "insurance")


def shares(
    method: str, life: int, table: tuple[float, ...] | None = None
) -> list[float]:
    """Share of the capital written off in its first, second, ... year."""
    if method in MACRS:
        return [percent / 100 for percent in MACRS[method]]
    if method == "custom":
        assert table is not None
        return list(table)
    if method == "straight_line":
        return [1 / life] * life
    kind, years = method.rsplit("_", 1)
    n = int(years)
    if kind == "sum_of_years_digits":
        return [(n - k) / (n * (n + 1) / 2) for k in range(n)]
    if kind == "double_declining":
        return [2 / n * (1 - 2 / n) ** k for k in range(n)]
    assert kind == "straight_line"
    return [1 / n] * n


class Plant:
    """One plant: `p` holds the value of every input, `s` what a file fixes."""

    def __init__(self, p: Mapping[str, float], s: Structure) -> None:
        self.p, self.s, self.c = p, s, s.conventions
        self.life = int(p["plant_lifetime"])
        target = int(p["target_row"])
        self.horizon = self.life if target == 0 else min(target, self.life)
        rungs = [p["epc"], p["process_contingency"], p["project_contingency"]]
        bare = p["bare_erected_cost"]
        if self.c.contingency_basis == "bare":
            self.overnight = bare + sum(bare * rung for rung in rungs)
        else:
            self.overnight = bare * math.prod(1 + rung for rung in rungs)
        self.capital = self.overnight + p["owners_costs"]
        self.working = self.capital * p["working_capital_fraction"]
        cut = p["investment_credit"] * p["investment_credit_basis_reduction"]
        self.basis = self.overnight * (1 - cut)
        self.rate = p["required_irr"]
        if self.c.required_rate == "real":
            self.rate = (1 + self.rate) * (1 + p["inflation_rate"]) - 1

    def at(self, name: str, year: int) -> float:
        """The value of an input in an operating year."""
        for period in self.s.periods:
            if period.start <= year <= period.end and name in period.values:
                return period.values[name]
        return self.p[name]

    def level(self, year: int) -> float:
        return float((1 + self.p["inflation_rate"]) ** year)

    def ramp(self, what: str, year: int) -> float:
        inside = min(1.0, max(0.0, self.p["startup_months"] / 12 - (year - 1)))
        return 1 - inside * (1 - self.p[f"startup_{what}_fraction"])

    # -- construction ------------------------------------------------------------------

    def schedule(self) -> list[float]:
        if self.s.schedule is not None:
            return list(self.s.schedule)
        years = int(self.p["construction_years"])
        return [1 / years] * years

    def construction(self) -> tuple[list[Row], float]:
        """Rows of the construction years, and what is owed at their end."""
        rows, debt, rate = [], 0.0, self.p["loan_rate"]
        schedule = self.schedule()
        for k, share in enumerate(schedule):
            draw = self.capital * share * self.p["loan_fraction"]
            if self.c.construction_interest == "capitalised":
                debt *= 1 + rate
            debt += draw
            interest = {"cumulative": debt * rate, "own_year": draw * rate}.get(
                self.c.construction_interest, 0.0
            )
            cash = draw - self.capital * share - interest
            if k == 0:
                cash -= self.p["land_cost"]
            if k == len(schedule) - 1:
                cash -= self.working + self.p["startup_costs"]
            rows.append(
                {
                    "year": k + 1 - len(schedule),
                    "loan_interest": interest,
                    "loan_balance": debt,
                    "cash_flow": cash,
                }
            )
        return rows, debt

    # -- operation ---------------------------------------------------------------------

    def sales(self, year: int, price: float) -> Row:
        """Revenue, by-products and operating cost of a year."""
        at, level = self.at, self.level(year)
        units = at("number_of_units", year) + sum(
            at(f"product_{k}_units", year) * self.p[f"product_{k}_relative_price"]
            for k in range(2, 6)
        )
        sold = self.ramp("sales", year) * level
        steady = self.ramp("fixed", year) * level
        other = at("byproduct_revenue", year)
        for n in range(1, 11):
            other += at(f"r{n}_quantity", year) * at(f"r{n}_unit_price", year)
        rent = sum(at(f"rf{n}_revenue", year) for n in range(1, 6))
        row = {
            "price": price * level,
            "revenue": price * units * sold,
            "byproduct_revenue": other * sold + rent * steady,
        }
        if self.c.operating_cost == "fraction_of_revenue":
            cost = row["revenue"] + row["byproduct_revenue"]
            row["operating_cost"] = at("operating_cost_fraction", year) * cost
            return row
        variable = at("variable_cost", year) + at("carbon_capture_cost", year)
        variable += at("convenience_fee", year)
        for n in range(1, 11):
            credit = n in (4, 5) and self.c.v4_v5 == "credits"
            if f"V{n}" not in self.s.off and not credit:
                variable += at(f"v{n}_quantity", year) * at(f"v{n}_unit_cost", year)
        fixed = at("fixed_cost", year)
        for n, name in enumerate(F_SLOTS, start=1):
            fixed += 0.0 if f"F{n}" in self.s.off else at(f"{name}_cost", year)
        row["operating_cost"] = fixed * steady
        row["operating_cost"] += variable * self.ramp("variable", year) * level
        return row

    def credits(self, year: int) -> float:
        """Tax credits earned in a year."""
        earned = 0.0
        if self.c.v4_v5 == "credits":
            for n, last in ((4, "credit_45q_years"), (5, "credit_45v_years")):
                if year <= self.p[last] and f"V{n}" not in self.s.off:
                    amount = self.at(f"v{n}_quantity", year)
                    earned += amount * self.at(f"v{n}_unit_cost", year)
        earned *= self.ramp("sales", year)
        if self.c.credit_indexation == "inflation":
            earned *= self.level(year)
        return earned + (
            self.p["investment_credit"] * self.overnight if year == 1 else 0.0
        )

    def written_off(self, year: int) -> float:
        """Depreciation of a year by fixed tables."""
        total = 0.0
        for asset in self.s.assets:
            if asset.method != "as_income_allows":
                table = shares(asset.method, self.life, asset.table)
                if year <= len(table):
                    total += self.basis * asset.share * table[year - 1]
        for bought, dollars in self.s.replacements.items():
            if self.s.replacement_method is not None and bought <= year:
                table = shares(self.s.replacement_method, self.life)
                if bought <= self.life and year - bought < len(table):
                    part = dollars * self.p["replacement_factor"]
                    total += part * table[year - bought]
        return total

    def depreciable(self) -> tuple[float, float]:
        """Capital to be written off by fixed tables, and as income allows."""
        by_income = sum(
            asset.share * self.basis
            for asset in self.s.assets
            if asset.method == "as_income_allows"
        )
        fixed = sum(asset.share for asset in self.s.assets) * self.basis - by_income
        if self.s.replacement_method is not None:
            for bought, dollars in self.s.replacements.items():
                if bought <= self.life:
                    fixed += dollars * self.p["replacement_factor"]
        return fixed, by_income

    def payment(self, year: int, owed: float, debt: float, revenue: float) -> float:
        """What the lender gets in a year."""
        term = min(int(self.p["loan_years"]), self.life)
        rate = self.loan_rate(year)
        if year > term:
            return 0.0
        match self.c.loan_repayment:
            case "revenue_share":
                part = self.p["repayment_of_revenue"] * max(revenue, 0.0)
                due = owed * (1 + rate)
                return due if year == term else min(part, due)
            case "bullet":
                return owed * rate + (owed if year == term else 0.0)
            case "level_principal":
                return owed * rate + debt / term
        left = term - year + 1
        if rate == 0:
            return owed / left
        return owed * rate / (1 - (1 + rate) ** -left)

    def loan_rate(self, year: int) -> float:
        varies = self.c.interest_type == "variable"
        return self.at("loan_rate", year) if varies else self.p["loan_rate"]

    def end(self, book: float) -> float:
        """What is taxed (or deducted: negative) of salvage and book value."""
        salvage = self.p["salvage_fraction"] * self.overnight
        off = self.c.book_value_at_end == "written_off"
        if self.c.salvage_tax == "none":
            return -book if off else 0.0
        if self.c.salvage_tax == "whole":
            return salvage - book if off else salvage
        return salvage - book if off else max(salvage - book, 0.0)

    def operation(self, price: float, debt: float) -> list[Row]:
        rows: list[Row] = []
        owed, pool, waiting = debt, dict[int, float](), 0.0
        left_fixed, left = self.depreciable()
        for year in range(1, self.life + 1):
            at = price if year <= self.horizon else self.p["selling_price"]
            row = {"year": year, **self.sales(year, at)}
            interest = owed * self.loan_rate(year)
            payment = self.payment(year, owed, debt, row["revenue"])
            owed += interest - payment
            if year >= self.p["loan_years"]:
                owed = 0.0  # and not a rounding that grows by the rate each year
            earned = row["revenue"] + row["byproduct_revenue"] - row["operating_cost"]
            fixed = self.written_off(year)
            left_fixed -= fixed
            income = earned - fixed
            income -= {
                "interest": interest,
                "whole_payment": payment,
                "proportion": self.p["interest_proportion"] * payment,
            }[self.c.loan_deduction]
            allowed = min(max(income, 0.0), left)
            left -= allowed
            income -= allowed
            if year == self.life:
                income += self.end(left_fixed + left)
            taxed = self.after_losses(pool, year, income)
            expired = sum(
                pool.pop(u) for u in list(pool) if u + self.loss_years <= year
            )
            state = taxed * self.at("state_tax_rate", year)
            base = taxed - state if self.c.state_deductible else taxed
            tax = state + base * self.at("federal_tax_rate", year)
            credit = self.credits(year)
            used = credit
            if self.c.credit_use == "carried_forward":
                waiting += credit
                used = min(tax, waiting)
                waiting -= used
            spent = self.s.replacements.get(year, 0.0) * self.p["replacement_factor"]
            cash = earned - payment - spent - tax + used
            if year == self.life:
                cash += self.working + self.p["land_cost"]
                cash += self.p["salvage_fraction"] * self.overnight
            rows.append(
                row
                | {
                    "depreciation": fixed + allowed,
                    "loan_interest": interest,
                    "loan_payment": payment,
                    "loan_balance": owed,
                    "taxable_income": income,
                    "taxed_income": taxed,
                    "forwarded_losses": -sum(pool.values()),
                    "expired_losses": expired,
                    "tax": tax,
                    "credits_earned": credit,
                    "credits_used": used,
                    "cash_flow": cash,
                }
            )
        return rows

    @property
    def loss_years(self) -> float:
        """Years for which a loss may be carried forward."""
        return math.inf if self.p["loss_years"] == 100 else self.p["loss_years"]

    def after_losses(self, pool: dict[int, float], year: int, income: float) -> float:
        """Income that is taxed after losses of earlier years, the oldest first."""
        if income <= 0:
            pool[year] = -income
            return 0.0
        may = self.p["loss_limit"] * income
        taxed = income
        for origin in sorted(pool):
            used = min(pool[origin], may)
            pool[origin] -= used
            may -= used
            taxed -= used
        return taxed


def year_table(p: Mapping[str, float], s: Structure, price: float) -> list[Row]:
    """One row a year, from the first of construction to the last of operation."""
    plant = Plant(p, s)
    rows, debt = plant.construction()
    return rows + plant.operation(price, debt)


def net_present_value(p: Mapping[str, float], s: Structure, price: float) -> float:
    """NPV over construction and the operating years that count in it."""
    plant = Plant(p, s)
    return math.fsum(
        row["cash_flow"] * (1 + plant.rate) ** -row["year"]
        for row in year_table(p, s, price)
        if row["year"] <= plant.horizon
    )


def turnover(p: Mapping[str, float], s: Structure, price: float) -> float:
    """Sum of the present values of all cash flows, whichever way they go, and sales."""
    plant = Plant(p, s)
    return math.fsum(
        (abs(row["cash_flow"]) + abs(row.get("revenue", 0.0)))
        * (1 + plant.rate) ** -row["year"]
        for row in year_table(p, s, price)
    )


def solved_price(p: Mapping[str, float], s: Structure) -> float:
    """Price at which NPV is 0, by halving a bracket until it is two neighbours."""
    width = 1.0
    while net_present_value(p, s, -width) > 0 or net_present_value(p, s, width) < 0:
        width *= 2
        assert width < 1e12, "there is no price"
    low, high = -width, width
    while low < (middle := (low + high) / 2) < high:
        if net_present_value(p, s, middle) < 0:
            low = middle
        else:
            high = middle
    return high
