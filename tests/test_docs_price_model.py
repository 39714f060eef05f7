"""The price that docs/price-by-hand.md works out is the one that the service finds."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from flask_api.domains.price.calculation.depreciation import METHODS as DEPRECIATION
from flask_api.domains.price.calculation.depreciation import method_name
from flask_api.domains.price.calculation.flows import flows, years
from flask_api.domains.price.calculation.plan import price_level
from flask_api.domains.price.calculation.solve import net_present_value, required_price
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.derivatives import gradient
from flask_api.domains.price.inputs import YEARLY
from flask_api.domains.price.measures.levelised import levelised_cost
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.report import cost_breakdown, payback_years
from tests.doc_pages import DOCS, blocks, text_of

PAGE = "price-by-hand.md"
Table = dict[str, list[str]]
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> PriceModel:
    """The plant of the page, from the page's own text."""
    folder = tmp_path_factory.mktemp("models")
    (text,) = [block.body for block in blocks(DOCS / PAGE) if block.info == "yaml"]
    (folder / "kiln.yaml").write_text(text)
    return load("kiln", None, None, str(folder))


# -- reading the page --------------------------------------------------------------


def computed(expression: str) -> float:
    """What a line of arithmetic comes to: + - x / ^ and brackets."""
    text = expression.replace(",", "").replace(" x ", " * ").replace("^", "**")

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.UnaryOp):
            return -value(node.operand)
        assert isinstance(node, ast.BinOp), text
        return float(OPERATORS[type(node.op)](value(node.left), value(node.right)))

    return value(ast.parse(text.strip(), mode="eval").body)


def printed(cell: str) -> tuple[float, float]:
    """A number of the page, and half a unit of its last digit."""
    found = re.match(r"-?[\d,]+(?:\.(\d+))?", cell.strip().strip("`*"))
    assert found, cell
    return float(found[0].replace(",", "")), 0.5 * 10.0 ** -len(found[1] or "")


def assert_printed(cell: str, value: float, what: str = "") -> None:
    """The page shows this value, rounded to its last digit."""
    shown, half = printed(cell)
    close = half * (1 + 1e-9) + 1e-15 * abs(value)
    assert abs(shown - value) <= close, f"{what}: {cell}, not {value}"


def sums() -> list[tuple[str, str, str]]:
    """Each line of arithmetic: its name, what is computed, what comes out."""
    return [
        (parts[0].strip(), parts[1], parts[2])
        for block in blocks(DOCS / PAGE)
        if block.info == "text"
        for line in block.body.splitlines()
        if len(parts := line.split(" = ")) == 3 or pytest.fail(line)
    ]


def tables() -> Iterator[tuple[str, list[str], Table]]:
    """Each table: the name of its first column, the others' names, its rows."""
    for part in re.findall(r"(?:^\|.*\n)+", text_of(PAGE), re.M):
        head, _, *rows = [
            [cell.strip() for cell in line.strip("|\n").split("|")]
            for line in part.splitlines()
        ]
        yield head[0], head[1:], {row[0].strip("`"): row[1:] for row in rows}


def table(first: str, *has: str) -> Table:
    (found,) = [
        rows for name, _, rows in tables() if name == first and {*has} <= {*rows}
    ]
    return found


def assert_row(rows: Table, name: str, values: object) -> None:
    for cell, value in zip(rows[name], np.ravel(np.asarray(values)), strict=True):
        assert_printed(cell, float(value), name)


# -- the page and the service ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expression", "value"), sums(), ids=[f"{one[0]}" for one in sums()]
)
def test_each_line_of_arithmetic_comes_to_what_it_says(
    name: str, expression: str, value: str
) -> None:
    assert_printed(value, computed(expression), name)


def test_the_capital_ladder_is_the_one_of_the_service(kiln: PriceModel) -> None:
    ladder = kiln.capital_ladder()
    rows = table("rung")
    for rung, (by_hand, dollars) in rows.items():
        assert_printed(dollars, computed(by_hand))
        assert_printed(dollars, ladder[rung], rung)
    assert not any(value for rung, value in ladder.items() if rung not in rows)


def test_what_a_year_sells_costs_and_deducts_is_what_the_service_says(
    kiln: PriceModel,
) -> None:
    values, plan, pattern, money = kiln.parts()
    parts = years(plan, values, pattern, money, 1)
    found = kiln.cash_flow_table(80)
    sold, amounts = table("year", "ramp"), table("year", "credit")
    sales = "sales at a price of 1 $/t: 1,000 x ramp x level"
    assert_row(sold, "price level, 1.02^t", price_level(0.02, 5))
    assert_row(sold, "discount factor, 1.1^-t", parts.discount)
    assert_row(sold, "ramp", pattern.volume)
    assert_row(sold, sales, parts.kept)
    cost = "operating cost: (20,000 x ramp + 15,000) x level"
    assert_row(sold, cost, found["operating_cost"][2:])
    assert_row(amounts, "credit", found["credits_earned"][2:])
    assert_row(amounts, "loan payment", found["loan_payment"][2:])
    back = np.subtract(found["salvage"], found["working_capital"])[2:]
    assert_row(amounts, "working capital and salvage", back)
    assert_row(amounts, "depreciation", found["depreciation"][2:])
    assert_row(amounts, "interest", found["loan_interest"][2:])
    all_but_price = "A: credit - cost - payment + what comes back"
    assert_row(amounts, all_but_price, parts.cash + parts.credits)
    deducted = "D: cost + depreciation + interest - salvage"
    assert_row(amounts, deducted, parts.deducted)


def test_the_steps_to_the_price_are_those_of_the_solver(kiln: PriceModel) -> None:
    values, plan, pattern, money = kiln.parts()
    boiled = flows(plan, values, pattern, money, 1)
    line = {name: value for name, _, value in sums()}
    scale = float(boiled.per_price)
    assert_printed(line["a"], float(boiled.other[0]))
    assert_printed(line["b"], float(boiled.value) * scale)
    assert_printed(line["tax rate"], float(boiled.tax_rate))
    assert_printed(line["no tax"], float(-boiled.other[0] / boiled.value / scale))
    start, _ = printed(first_guess())
    npv, slope = net_present_value(boiled, np.array([start * scale]))
    # 7 digits of the starting price, times the slope
    assert printed(line["NPV"])[0] == pytest.approx(float(npv[0]), abs=5e-3)
    assert_printed(line["slope"], float(slope[0]) * scale)
    assert_printed(line["price"], float(required_price(boiled)[0]))
    assert_printed(line["price"], kiln.solved_price())


def first_guess() -> str:
    """The price in the head of the table of that step."""
    found = re.search(r"\| year at ([\d.]+) \$/t \|", text_of(PAGE))
    assert found
    return found[1]


def test_taxes_at_the_first_guess_are_those_of_the_year_table(
    kiln: PriceModel,
) -> None:
    rows = next(rows for _, _, rows in tables() if "sum so far" in rows)
    found = kiln.cash_flow_table(float(first_guess()))
    assert_row(rows, "taxable income", found["taxable_income"][2:])
    assert_row(rows, "sum so far", np.cumsum(found["taxable_income"][2:]))
    assert_row(rows, "taxed", found["taxed_income"][2:])


def test_the_price_and_the_year_table_are_those_of_the_service(
    kiln: PriceModel,
) -> None:
    price = re.search(r"\*\*([\d.]+) \$/t\*\*", text_of(PAGE))
    assert price
    assert_printed(price[1], kiln.solved_price())
    found = kiln.cash_flow_table()
    rows = table("year", "cash_flow")
    assert len(rows) >= 17
    for name, cells in rows.items():
        for cell, value in zip(cells, found[name], strict=True):
            # a sum that is 0 is so to the roundings of what it is a sum of
            assert_printed(cell, value if abs(value) > 1e-9 else 0.0, name)
    assert found["year"] == [-1, 0, 1, 2, 3, 4, 5]


def test_what_else_the_page_says_is_what_the_service_says(kiln: PriceModel) -> None:
    year_table = kiln.cash_flow_table()
    parts: Mapping[str, float | None] = cost_breakdown(kiln, year_table)
    shown = table("part")
    for part, value in parts.items():
        assert value is not None
        if part in shown:
            assert_printed(shown[part][0], value, part)
        else:
            assert value == 0
    line = {name: value for name, _, value in sums()}
    payback = payback_years(year_table)
    assert payback is not None
    assert_printed(line["payback_years"], payback)
    _, slopes = gradient(kiln, ["fixed_cost"])
    assert_printed(line["d price / d fixed_cost"], float(slopes["fixed_cost"][0]))
    at_base = kiln.evaluate({}, ("npv", "irr"))
    last = text_of(PAGE).split("At the file's own selling price")[1]
    assert f"{at_base['irr'][0]:.2%}".replace("%", " %") in last
    assert f"{at_base['npv'][0]:,.2f} $" in last


# -- the page of the model ---------------------------------------------------------


def section(name: str) -> str:
    return text_of("price-model.md").split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]


def test_the_methods_of_depreciation_on_the_page_are_those_there_are() -> None:
    rows = re.findall(r"^\| (`.*?) \|", section("Depreciation"), re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    plain = {re.sub(r"_n\b|_n(?=_)|_<n>|_\d+", "", name) for name in named}
    offered = re.findall(r"[a-z][\w<>]*_\w*[\w<>]*|custom", DEPRECIATION)
    assert plain == {re.sub(r"_<n>|_\d+", "", name) for name in offered}
    for name in named:
        method_name(re.sub(r"_n(?=_|$)", "_10", name))
    spoken = section("Depreciation").split("Without its `_n`")[1]
    for spelling in re.findall(r"`([A-Z0-9][\w-]+)`", spoken):
        assert method_name(spelling)


def test_every_input_that_may_differ_by_year_is_named() -> None:
    page = section("A year of operation")
    plain = [n for n in YEARLY if not re.search(r"\d|_cost$|_fee$|_revenue$", n)]
    assert len(plain) == 5
    assert not [name for name in plain if f"`{name}`" not in page]


def test_the_levelised_cost_is_what_the_pages_formula_gives(kiln: PriceModel) -> None:
    debt, r, loan, inflation, life = 0.5, 0.1, 0.05, 0.02, 5
    tax = 0.05 + 0.21 * 0.95
    i_n = (1 - debt) * r + debt * loan * (1 - tax)
    i = (1 + i_n) / (1 + inflation) - 1
    crf = i / (1 - (1 + i) ** -life)
    shares = (0.3333, 0.4445, 0.1481, 0.0741)
    worth = sum(s / (1 + i_n) ** t for t, s in enumerate(shares, start=1))
    finance = sum(
        0.5 * (1 + (1 - tax) * (1.05 ** (ahead + 0.5) - 1)) for ahead in (1, 0)
    )
    cost = crf * finance * (120_000 - tax * 110_000 * worth) / (1 - tax) + 35_000
    # the credit of three years, as an equal real amount each year of life
    credit = sum(c / (1 + i_n) ** t for t, c in enumerate((4500, 6000, 6000), start=1))
    level = credit * crf / (1 - tax)
    assert levelised_cost(kiln) == pytest.approx((cost - level) / 1000, rel=1e-12)
