"""Workbooks and reports of prices and comparisons: their numbers are the JSON's."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from openpyxl.utils import range_boundaries

from flask_api.documents.charts import ticks, waterfall, yearly
from flask_api.documents.info import DocumentInfo
from flask_api.documents.numbers import figures, money, quantity, short
from flask_api.documents.steps import Step, axis_start, bars
from flask_api.domains.price.files import (
    comparison_workbook,
    page,
    reading,
    workbook,
)
from flask_api.domains.price.files.citations import citations

#: Sixteen digits are written: half of the last one is 5e-16.
DIGITS = 1e-15
SCRIPT = "<script>alert(1)</script>"
LOADS = re.compile(r"""\b(?:src|href)\s*=|url\(|@import|<link|<script|\bon\w+=['"]""")
INFO = DocumentInfo("price.data", "A price", "job-1")
AUDIT = [
    {
        "convention": "loan_deduction",
        "chosen": "interest",
        "choices": [
            {"choice": "interest", "price": 2.0, "difference": 0.0},
            {"choice": "whole_payment", "price": 1.75, "difference": -0.25},
            {
                "choice": "proportion",
                "price": None,
                "difference": None,
                "reason": SCRIPT,
            },
        ],
        "effect": 0.25,
    }
]


@pytest.fixture(params=["version=1&extension=loan", "version=corn_stover_ethanol"])
def question(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def sheets(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def book_of(result: dict[str, Any], writer: Any = workbook.write_workbook) -> Any:
    file = io.BytesIO()
    writer(result, INFO, file)
    return sheets(file.getvalue())


def page_of(result: dict[str, Any], writer: Any = page.write_report) -> str:
    file = io.BytesIO()
    writer(result, INFO, file)
    return file.getvalue().decode()


def priced(client: FlaskClient, question: str = "") -> dict[str, Any]:
    answer = client.get(f"/price/data?{question}")
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json
    return result


def compared(client: FlaskClient, *variants: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/price/comparison", json={"variants": list(variants)})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json
    return result


def cells(book: Any, reference: str) -> list[Any]:
    """Values at a chart's range, such as `'Cash flow'!$B$2:$B$4`."""
    name, _, area = reference.rpartition("!")
    left, top, right, bottom = range_boundaries(area.replace("$", ""))
    sheet = book[name.strip("'").replace("''", "'")]
    rows = sheet.iter_rows(top, bottom, left, right, values_only=True)
    return [value for row in rows for value in row]


def series(sheet: Any) -> Iterator[tuple[str, str]]:
    """Ranges of categories and values of every series of every chart of a sheet."""
    for chart in sheet._charts:
        for part in chart._charts:
            for one in part.series:
                categories = one.cat.strRef or one.cat.numRef
                yield categories.f, one.val.numRef.f


# -- the workbook of a price -------------------------------------------------------


def test_the_workbook_holds_the_numbers_of_the_answer(
    client: FlaskClient, question: str
) -> None:
    result = priced(client, question)
    got = client.get(f"/price/data?{question}&format=xlsx")
    assert got.status_code == 200
    assert '.xlsx"' in got.headers["Content-Disposition"]
    book = sheets(got.data)
    assert book.sheetnames == [
        "Summary",
        "Capital ladder",
        "Cash flow",
        "Cost breakdown",
        "Inputs",
        "Conventions",
        "Price history",
        "Sources",
        "Provenance",
    ]
    data = result["price_data"]
    assert book["Summary"]["B5"].value == pytest.approx(
        data["current_price"], rel=DIGITS
    )
    summary = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    overnight = data["economics"]["total_overnight_cost"]
    assert summary["Total overnight cost"] == pytest.approx(overnight, rel=DIGITS)
    rows = list(book["Cash flow"].iter_rows(min_row=2, values_only=True))
    table = data["cash_flow_table"]
    for row, year in zip(rows, table, strict=True):
        assert row[: len(year)] == pytest.approx(tuple(year.values()), rel=DIGITS)
    rungs = [row[1] for row in book["Capital ladder"].values][1:]
    assert rungs == pytest.approx(
        [rung["value"] for rung in data["capital_ladder"]], rel=DIGITS
    )
    parts = [row[1] for row in book["Cost breakdown"].values][1:]
    assert sum(parts[:-1]) == pytest.approx(parts[-1], rel=1e-12)  # some roundings
    given = {row[2]: row[3] for row in book["Inputs"].iter_rows(2, values_only=True)}
    assert given == pytest.approx(
        {item["name"]: item["value"] for item in data["inputs"]}, rel=DIGITS
    )
    told = dict(book["Provenance"].values)
    made = result["metadata"]["provenance"]
    assert told["result sha256"] == made["result_sha256"]
    assert result["metadata"]["source"] in dict(book["Sources"].values)["Model"]


def test_the_charts_of_the_workbook_point_at_their_numbers(
    client: FlaskClient, question: str
) -> None:
    data = priced(client, question)["price_data"]
    book = sheets(client.get(f"/price/data?{question}&format=xlsx").data)
    assert {name: len(book[name]._charts) for name in book.sheetnames} == {
        **dict.fromkeys(book.sheetnames, 0),
        "Capital ladder": 1,
        "Cash flow": 1,
        "Cost breakdown": 2,
    }
    flows = list(series(book["Cash flow"]))
    assert len(flows) == 2
    for (years, values), name in zip(
        flows, ("cash_flow", "cumulative_npv"), strict=True
    ):
        table = data["cash_flow_table"]
        assert cells(book, years) == [row["year"] for row in table]
        wanted = [row[name] for row in table]
        assert cells(book, values) == pytest.approx(wanted, rel=DIGITS)
    # stacked: invisible base, total and parts; their tops are the levels of the steps
    steps = reading.ladder(data)
    stacked = [cells(book, values) for _, values in series(book["Capital ladder"])]
    tops = [sum(column) for column in zip(*stacked, strict=True)]
    assert tops == pytest.approx([max(b.start, b.end) for b in bars(steps)], rel=1e-12)
    labels = {cells(book, names)[0] for names, _ in series(book["Capital ladder"])}
    assert labels == {"Bare erected cost"}


def test_the_csv_of_a_price_is_its_year_table(client: FlaskClient) -> None:
    table = priced(client)["price_data"]["cash_flow_table"]
    got = client.get("/price/data?format=csv")
    assert got.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(got.get_data(as_text=True))))
    assert [float(row["cash_flow"]) for row in rows] == [r["cash_flow"] for r in table]


def test_the_audit_tells_what_other_choices_would_do(client: FlaskClient) -> None:
    result = priced(client)
    result["price_data"]["audit"] = AUDIT
    rows = list(book_of(result)["Conventions"].values)
    assert ("Loan deduction", "interest", "whole payment".replace(" ", "_")) in [
        row[:3] for row in rows
    ]
    assert any(row[2:5] == ("whole_payment", 1.75, -0.25) for row in rows)
    assert any(row[5] == SCRIPT for row in rows)
    text = page_of(result)
    assert "−0.25" in text and "whole_payment" in text
    assert SCRIPT not in text and "&lt;script&gt;" in text


def test_what_an_older_result_lacks_is_left_out(client: FlaskClient) -> None:
    result = priced(client)
    data = result["price_data"]
    for name in ("inputs", "economics", "price_history", "capital_ladder"):
        data.pop(name)
    data["cost_breakdown"] = {"capital": None}
    data["cash_flow_table"] = []
    result["metadata"] = {}
    assert book_of(result)["Summary"]["B5"].value == pytest.approx(
        data["current_price"], rel=DIGITS
    )
    assert figures(data["current_price"]) in page_of(result)


def test_every_figure_is_in_its_own_unit(client: FlaskClient) -> None:
    result = priced(client, "version=corn_stover_ethanol")
    shown = {item.name: item for item in reading.economics(result)}
    price = result["metadata"]["unit"]
    assert price == "$/kg"
    assert {name: item.unit for name, item in shown.items() if item.unit != "$"} == {
        "internal_rate_of_return": "1/year",
        "average_selling_price": price,
        "calculation_mode": "",
        "solved_price": price,
        "payback_years": "years",
        "discounted_payback_years": "years",
        "irr_at_base_price": "1/year",
        "irr_all_roots": "",  # written with each of them
        "levelised_cost": price,
    }
    assert shown["npv_at_base_price"].unit == shown["cumulative_npv"].unit == "$"
    rates = result["price_data"]["economics"]["irr_all_roots"]
    told = "; ".join(quantity(rate, "1/year") for rate in rates)
    assert shown["irr_all_roots"].value == told


def test_the_levelised_cost_has_a_tile_and_its_source(client: FlaskClient) -> None:
    result = priced(client)
    text, cost = page_of(result), result["price_data"]["economics"]["levelised_cost"]
    tile = f"<dt>Levelised cost</dt><dd>{quantity(cost, '$/unit')}</dd>"
    assert tile in text
    assert any(
        "Annual Technology Baseline" in source for _, source in citations(result)
    )
    result["price_data"]["economics"]["levelised_cost"] = None
    assert tile not in page_of(result)
    assert not any("Technology Baseline" in source for _, source in citations(result))


# -- the report of a price ---------------------------------------------------------


def test_the_report_shows_the_numbers_of_the_answer(
    client: FlaskClient, question: str
) -> None:
    result = priced(client, question)
    got = client.get(f"/price/data?{question}&format=html")
    assert got.status_code == 200
    text = got.get_data(as_text=True)
    data, unit = result["price_data"], result["metadata"]["unit"]
    assert f"{figures(data['current_price'])} {unit}" in text
    for row in data["cash_flow_table"]:
        for name in ("cash_flow", "cumulative_npv", "tax", "fixed_capital"):
            assert f"<td>{money(row[name])}</td>" in text
    for step in reading.breakdown(data):
        assert figures(step.value) in text
    for rung in data["capital_ladder"]:
        assert money(rung["value"]) in text
    for item in data["inputs"]:
        assert item["label"].replace("'", "&#39;") in text
    assert text.count('<svg class="chart"') == 3
    assert result["metadata"]["provenance"]["result_sha256"] in text


def test_the_report_loads_and_runs_nothing(client: FlaskClient, question: str) -> None:
    text = client.get(f"/price/data?{question}&format=html").get_data(as_text=True)
    assert not LOADS.search(text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text and "@media print" in text


def test_a_hostile_model_is_harmless_in_both(client: FlaskClient) -> None:
    result = priced(client)
    result["metadata"] |= {
        "title": SCRIPT,
        "source": f'"><img src=x onerror=1>{SCRIPT}',
    }
    result["price_data"]["inputs"][0] |= {"label": "=1+1", "source": SCRIPT}
    result["price_data"]["capital_ladder"][0]["label"] = SCRIPT
    text = page_of(result)
    assert "<script" not in text and "<img" not in text
    book = book_of(result)
    assert (book["Inputs"]["A2"].value, book["Inputs"]["A2"].data_type) == ("=1+1", "s")


def test_an_impossible_plant_is_refused_in_every_format(client: FlaskClient) -> None:
    for form in ("csv", "xlsx", "html"):
        got = client.get(f"/price/data?version=nope&format={form}")
        assert (got.status_code, got.json["code"]) == (400, "INVALID_INPUT")
    got = client.get("/price/data?format=pdf")
    assert got.status_code == 400 and "xlsx" in got.json["message"]


def test_who_does_not_wait_for_a_workbook_asks_again(client: FlaskClient) -> None:
    address = "/price/data?version=1&format=xlsx"
    got = client.get(address, headers={"Prefer": "respond-async"})
    assert got.status_code == 202
    assert got.headers["Location"] == address
    again = client.get(address)
    assert again.status_code == 200
    etag = {"If-None-Match": again.headers["ETag"]}
    assert client.get(address, headers=etag).status_code == 304


def test_rules_are_cited_where_they_are_used(client: FlaskClient) -> None:
    plain = dict(citations(priced(client)))
    assert not any("MACRS" in what for what in plain)
    ethanol = dict(citations(priced(client, "version=corn_stover_ethanol")))
    assert "946" in ethanol["Depreciation by MACRS"]
    result = priced(client)
    values = {"v4_quantity": 5.0, "v4_unit_cost": 85.0, "loss_limit": 0.8}
    result["price_data"]["inputs"] = [
        {"name": name, "value": value} for name, value in values.items()
    ]
    cited = " ".join(source for _, source in citations(result))
    assert "45Q" in cited and "172" in cited and "45V" not in cited


# -- comparisons -------------------------------------------------------------------

VARIANTS: tuple[dict[str, Any], ...] = (
    {"extension": "loan"},
    {"id": SCRIPT, "overrides": {"S11": 250_000, "labor_cost": 20_000}},
    {"id": "=cmd", "overrides": {"required_irr": 0.08}},
)


def test_the_workbook_of_a_comparison_holds_its_numbers(client: FlaskClient) -> None:
    result = compared(client, *VARIANTS)
    job = client.get("/api/jobs?kind=price.comparison").json["jobs"][0]["id"]
    book = sheets(client.get(f"/api/jobs/{job}/result?format=xlsx").data)
    found = result["comparisons"]
    assert len(book.sheetnames) == 4 + len(found)
    rows = list(book["Comparison"].iter_rows(min_row=2, values_only=True))
    assert rows[0][1] == pytest.approx(result["base_price"], rel=DIGITS)
    assert [row[0] for row in rows[1:]] == list(found)
    assert [row[1] for row in rows[1:]] == pytest.approx(
        [about["price"] for about in found.values()], rel=DIGITS
    )
    drivers = list(book["Drivers"].iter_rows(min_row=2, values_only=True))
    heads = [cell.value for cell in book["Drivers"][1]]
    at = heads.index("Contribution")
    for name, about in found.items():
        parts = [row[at] for row in drivers if row[0] == name]
        # the parts add up: promised to 1e-9
        assert sum(parts) == pytest.approx(about["price_difference"], abs=1e-9)


def test_the_waterfall_of_a_variant_climbs_from_the_base_to_it(
    client: FlaskClient,
) -> None:
    result = compared(client, *VARIANTS)
    book = book_of(result, comparison_workbook.write_workbook)
    for variant, sheet in zip(
        reading.variants(result), book.worksheets[2:], strict=False
    ):
        assert len(sheet._charts) == 1
        levels = [bar.end for bar in bars(variant.steps)]
        assert levels[0] == pytest.approx(result["base_price"], rel=1e-12)
        assert levels[-2] == pytest.approx(levels[-1], rel=1e-9)
        stacked = [cells(book, values) for _, values in series(sheet)]
        tops = [sum(column) for column in zip(*stacked, strict=True)]
        wanted = [max(bar.start, bar.end) for bar in bars(variant.steps)]
        assert tops == pytest.approx(wanted, rel=1e-12)
        assert "cmd" not in sheet.title or sheet["A2"].data_type == "s"


def test_the_report_of_a_comparison_shows_its_numbers(client: FlaskClient) -> None:
    result = compared(client, *VARIANTS)
    text = page_of(result, page.write_comparison)
    assert not LOADS.search(text)
    assert "&lt;script&gt;alert(1)" in text
    assert figures(result["base_price"]) in text
    for about in result["comparisons"].values():
        assert figures(about["price"]) in text
        for driver in about["drivers"]:
            assert figures(driver["contribution"]) in text
    assert text.count('<svg class="chart"') == len(VARIANTS)


def test_a_variant_without_a_price_is_told_with_its_reason(
    client: FlaskClient,
) -> None:
    result = compared(client, *VARIANTS[:1])
    reason = "no price can save it"
    result["comparisons"]["dead"] = {
        "price": None,
        "drivers": None,
        "impact_metrics": None,
        "waterfall": [],
        "error": reason,
    }
    assert reason in page_of(result, page.write_comparison)
    book = book_of(result, comparison_workbook.write_workbook)
    assert reason in [row[-1] for row in book["Comparison"].values]
    assert "dead" not in book.sheetnames


# -- pictures ----------------------------------------------------------------------


def test_each_bar_begins_where_the_last_one_ended() -> None:
    steps = [
        Step("a", 2.0, True),
        Step("b", -3.0),
        Step("c", 0.5),
        Step("d", -0.5, True),
    ]
    assert [(bar.start, bar.end) for bar in bars(steps)] == [
        (0.0, 2.0),
        (2.0, -1.0),
        (-1.0, -0.5),
        (0.0, -0.5),
    ]


def test_an_axis_is_cut_only_where_parts_could_not_be_seen() -> None:
    flat = [Step("a", 100.0, True), Step("b", 1.0), Step("c", 101.0, True)]
    assert 90 < axis_start(flat) < 100
    steep = [Step("a", 100.0, True), Step("b", 60.0), Step("c", 160.0, True)]
    assert axis_start(steep) == 0
    below = [Step("a", 1.0, True), Step("b", -1.5), Step("c", -0.5, True)]
    assert axis_start(below) == 0
    assert "axis not from 0" in waterfall(flat, "$", "t", cut=True)
    assert "axis not from 0" not in waterfall(flat, "$", "t")


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3e8, 7e9), (1.97, 2.01), (0, 0), (5, 5), (-2, -1)]
)
def test_ticks_are_round_and_span_the_values(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low + 1e-9 and found[-1] >= high - 1e-9
    assert 2 <= len(found) <= 9


def test_pictures_stay_inside_their_frame() -> None:
    picture = waterfall([Step("x" * 90, -5.0), Step("b", 9.0)], "$/kg", "t")
    assert "x" * 42 not in re.sub(r"<title>.*?</title>", "", picture)
    assert not re.findall(r'[xy]\d?="-', picture)
    years = yearly([0, 1, 2], [-5.0, 3.0, 4.0], [-5.0, -2.0, 2.0], ("a", "b"), "$", "t")
    assert not re.findall(r'(?:[xy]\d?|width|height)="-', years)
    assert "nan" not in years and years.count("<rect") == 4  # three, and the key's
    assert (
        str(waterfall([], "$", "t")) == str(yearly([], [], [], ("", ""), "$", "")) == ""
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (figures(2.0057890737), "2.00579"),
        (figures(-1234567.8), "−1,234,568"),
        (figures(0.05), "0.05"),
        (figures(float("nan")), "—"),
        (figures(1e-9), "1.00000e−09"),
        (money(-1234.56), "−1,235"),
        (money(12.345), "12.35"),
        (money(-4e-7), "0"),
        (short(1_500_000.0), "1.5\u00a0M"),
        (short(-200_000.0), "−200\u00a0k"),
        (quantity(0.053803, "1/year"), "5.3803 %/year"),
        (quantity(None, "$"), "— $"),
    ],
)
def test_numbers_are_shown_as_people_read_them(text: str, wanted: str) -> None:
    assert text == wanted
