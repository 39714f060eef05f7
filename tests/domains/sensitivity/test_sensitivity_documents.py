"""Reports and workbooks of sensitivity: their pictures and numbers are the JSON's."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import orjson
import pytest
from flask.testing import FlaskClient

from flask_api.analysis import discover
from flask_api.documents.info import DocumentInfo
from flask_api.documents.numbers import figures, shown
from flask_api.domains.sensitivity.files import (
    analysis,
    derivatives,
    efficacy,
    fitting,
    monte_carlo,
    optimization,
    surface,
)
from flask_api.domains.sensitivity.files.parameter_pictures import (
    distribution_function,
)
from flask_api.domains.sensitivity.files.words import CURVES, INDICES
from tests.domains.sensitivity.read_documents import Page, cells, documents

#: Sixteen digits are written: half of the last one is 5e-16.
DIGITS = 1e-15
SCRIPT = "<script>alert(1)</script>"
INPUTS = {
    "one": {"value": 2, "range": [1, 4], "unit": "kg"},
    "two": {"value": 3, "range": [1, 5]},
    "three": {"value": 1, "range": [0.5, 2]},
}
MODEL = {"formula": "one*two + three**2 + 0.1*one", "inputs": INPUTS}
SAMPLED = dict.fromkeys(INDICES, 256) | {"local": None, "morris": 20, "fast": 257}


def asked(client: FlaskClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/sensitivity/{path}", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json or {}
    return result


def analyzed(client: FlaskClient, method: str, **more: Any) -> dict[str, Any]:
    config = {"seed": 1, **more.pop("config", {})}
    if SAMPLED.get(method):
        config.setdefault("samples", SAMPLED[method])
    body = {"model": MODEL, "parameters": list(INPUTS), "method": method, **more}
    return asked(client, "analyze", {**body, "config": config})


# -- the methods of analyze --------------------------------------------------------


@pytest.mark.parametrize("method", INDICES)
def test_a_report_of_indices_shows_and_lists_the_numbers_of_the_answer(
    client: FlaskClient, method: str
) -> None:
    made = documents(analysis, analyzed(client, method))
    ranked = made.result["ranking"]
    name = next(iter(INDICES[method].indices))
    drawn = made.page.picture(f"{INDICES[method].indices[name]} ")
    for row in ranked:
        assert figures(row["effect"], 5) in drawn["texts"]
        assert row["id"] in drawn["texts"]
    assert made.page.count(f"{INDICES[method].indices[name]} ", "s0") >= len(ranked)
    whiskers = made.page.count(f"{INDICES[method].indices[name]} ", "whisker")
    wide = [
        row
        for shown_name in INDICES[method].indices
        if shown_name not in ("second", "derivative")
        for row in made.result["indices"][shown_name].values()
        if row["lower"] is not None and row["upper"] > row["lower"]
    ]
    assert whiskers == len(wide)
    told_ends = " ".join(drawn["texts"])
    for row in wide:
        assert f"({figures(row['lower'])} to {figures(row['upper'])})" in told_ends
    table = made.rows("Indices")
    for row, told in zip(table, made.result["table"], strict=True):
        assert row["Id"] == told["id"]
        for key in ("value", "lower", "upper"):
            expected = told.get(key)
            same = pytest.approx(expected, rel=DIGITS) if expected is not None else None
            assert row[key.capitalize()] == same
    first = made.page.tables["Indices"][1]
    assert shown(made.result["table"][0]["value"]) in first
    assert made.page.tables["Sources"], "whose method it is"
    assert "Sources" in made.book.sheetnames
    assert f"{ranked[0]['id']} matters most for" in made.html
    assert made.charts() == len(made.page.pictures)


@pytest.mark.parametrize("method", CURVES)
def test_a_report_of_curves_shows_and_lists_every_point(
    client: FlaskClient, method: str
) -> None:
    made = documents(analysis, analyzed(client, method))
    bars = made.page.picture("at both ends of each input")
    for row in made.result["tornado"]:
        assert figures(row["swing"], 5) in bars["texts"]
    assert made.page.count("at both ends", "down") == 1 + 3  # one in the key
    points = made.rows("Points")
    expected = [
        (id, point["value"], point["result"])
        for id, part in made.result["results"].items()
        for point in part["sensitivity_curve"]
    ]
    got = [(row["Input"], row["Value"], row["Output"]) for row in points]
    assert [row[0] for row in got] == [row[0] for row in expected]
    for one, other in zip(got, expected, strict=True):
        assert one[1:] == pytest.approx(other[1:], rel=DIGITS)
    assert f"{made.result['tornado'][0]['id']} moves result most" in made.html.replace(
        str(made.result["metadata"]["output"]), "result"
    )
    if method == "spider":
        assert made.page.count("Change of", "line") >= 3
    if method == "oat":
        titles = [picture["title"] for picture in made.page.pictures]
        output = made.result["metadata"]["output"]
        assert {f"{output} by {id}" for id in INPUTS} <= set(titles)
    assert made.charts() == len(made.page.pictures)


def test_error_bars_of_the_spreadsheet_reach_to_the_ends_of_the_intervals(
    client: FlaskClient,
) -> None:
    made = documents(analysis, analyzed(client, "sobol"))
    bars = made.book["Sobol indices"]._charts[0]
    for series, name in zip(bars.series, ("total", "first"), strict=True):
        values = cells(made.book, series.val.numRef.f)
        below = cells(made.book, series.errBars.minus.numRef.f)
        above = cells(made.book, series.errBars.plus.numRef.f)
        rows = [made.result["indices"][name][r["id"]] for r in made.result["ranking"]]
        for row, value, minus, plus in zip(rows, values, below, above, strict=True):
            assert value == pytest.approx(row["value"], rel=DIGITS)
            assert value - minus == pytest.approx(row["lower"], abs=1e-12)
            assert value + plus == pytest.approx(row["upper"], abs=1e-12)


def test_morris_has_its_plane_with_a_point_for_each_input(client: FlaskClient) -> None:
    made = documents(analysis, analyzed(client, "morris"))
    assert made.page.count("Morris plane", "dot") == 3
    assert made.page.count("Morris plane", "guide") == 3


def test_second_order_is_a_heat_map_with_both_halves(client: FlaskClient) -> None:
    config = {"second_order": True, "resamples": 50, "samples": 8192}
    made = documents(analysis, analyzed(client, "sobol", config=config))
    assert made.page.count("Second order", "cell") == 6
    strongest = max(made.result["indices"]["second"], key=lambda row: row["value"])
    assert {strongest["id"], strongest["with"]} == {"one", "two"}
    assert "interact: " in made.html
    assert "of the resamples" in made.html


def test_every_output_has_pictures_and_rows(client: FlaskClient) -> None:
    model = {
        "outputs": {"sum": "one + two", "product": "one*two + 0.1*three"},
        "inputs": INPUTS,
    }
    result = analyzed(
        client, "sobol", model=model, config={"outputs": ["sum", "product"]}
    )
    made = documents(analysis, result)
    made.page.picture("First order of sum")
    made.page.picture("First order of product")
    assert {row["Output"] for row in made.rows("Indices")} == {"sum", "product"}


def test_categorical_inputs_are_bars(client: FlaskClient) -> None:
    body = {
        "version": 1,
        "parameters": [
            {"id": "S20", "type": "categorical", "values": ["macrs_5", "macrs_15"]},
            {"id": "labor_cost", "range": [20e3, 30e3]},
        ],
    }
    made = documents(analysis, asked(client, "analyze", body))
    assert "macrs_5" in made.page.picture("price by S20")["texts"]


# -- flags of parameters -----------------------------------------------------------


def test_flags_choose_the_pictures_of_each_input(client: FlaskClient) -> None:
    parameters = [
        {"id": "one", "waterfall": True, "bar": True},
        {"id": "two", "point": True, "comparisonType": "secondary"},
        {"id": "three"},
    ]
    for method in ("oat", "sobol"):
        result = analyzed(client, method, parameters=parameters)
        made = documents(analysis, result)
        output = result["metadata"]["output"]
        titles = [picture["title"] for picture in made.page.pictures]
        assert f"{output} as one rises" in titles
        assert f"{output} at values of one" in titles
        assert titles.count(f"{output} by two") == 1
        assert not any("three" in title for title in titles)
        sheets = {"Single inputs", "Single inputs, secondary axis"}
        assert sheets <= set(made.book.sheetnames)
        points = result["results"]["one"]["sensitivity_curve"]
        climb = made.page.picture(f"{output} as one rises")["texts"]
        assert figures(points[0]["result"]) in climb
        assert figures(points[-1]["result"]) in climb


def test_flags_of_an_item_without_id_are_for_all_its_inputs(
    client: FlaskClient,
) -> None:
    parameters = [{"bar": True}, {"id": "two", "point": True}]
    result = analyzed(client, "oat", parameters=parameters)
    kinds = {row["id"]: row["kinds"] for row in result["metadata"]["pictures"]}
    assert kinds == {"one": ["bar"], "three": ["bar"], "two": ["point"]}


def test_flags_of_monte_carlo_show_the_input_alone(client: FlaskClient) -> None:
    parameters = [{"id": "one", "bar": True, "waterfall": True}, {"id": "two"}]
    body = {"model": MODEL, "parameters": parameters, "iterations": 500}
    made = documents(monte_carlo, asked(client, "monte-carlo", body))
    made.page.picture("one alone varies")
    made.page.picture("from percentile to percentile, one alone varies")


# -- the other analyses ------------------------------------------------------------


def test_monte_carlo_shows_distribution_functions_and_target(
    client: FlaskClient,
) -> None:
    config = {"seed": 1, "target": {"op": "<", "value": 8}, "bins": 20}
    body = {"model": MODEL, "parameters": list(INPUTS), "iterations": 2000}
    result = asked(client, "monte-carlo", {**body, "config": config})
    made = documents(monte_carlo, result)
    output = result["metadata"]["output"]
    assert made.page.count(f"Distribution of {output}", "s0") == 20
    assert made.page.count(f"Distribution of {output}", "mark") == 4  # two in the key
    assert made.page.count("Probability of less, and of more", "line") == 4
    assert made.page.count("Mean of", "band") == 1
    assert made.page.count("Contribution", "bar") == 3
    part = result["results"]
    for row in part["contribution"]:
        share = figures(row["variance_share"], 5)
        assert share in made.page.picture("Contribution")["texts"]
    statistics = made.rows("Statistics")[0]
    for key, head in (("mean", "Mean"), ("std", "Std"), ("n", "N")):
        assert statistics[head] == pytest.approx(part[key], rel=DIGITS)
    for row, told in zip(made.rows("Percentiles"), part["percentiles"], strict=True):
        assert row["Value"] == pytest.approx(told["value"], rel=DIGITS)
    assert len(made.rows("Histogram")) == 20
    assert figures(part["probability_of_target"], 5) in made.html
    assert made.charts() == len(made.page.pictures)


def test_a_distribution_function_ends_at_one_and_meets_its_percentiles(
    client: FlaskClient,
) -> None:
    body = {"model": MODEL, "parameters": list(INPUTS), "iterations": 5000}
    result = asked(client, "monte-carlo", {**body, "config": {"bins": 200}})
    part = result["results"]
    curve = distribution_function("", part["distribution"])
    assert curve.y[-1] == pytest.approx(1, abs=1e-12)  # 200 roundings
    assert curve.x[-1] == pytest.approx(part["max"], rel=1e-12)
    assert curve.x[0] == pytest.approx(part["min"], rel=1e-12)
    # a straight line within a bin of at most 1.5 % of the draws: half of it, and luck
    for row in part["percentiles"]:
        share = np.interp(row["value"], curve.x, np.array(curve.y, dtype=float))
        assert share == pytest.approx(row["percentile"] / 100, abs=0.01)


def test_an_optimisation_shows_its_trace_and_decisions(client: FlaskClient) -> None:
    body = {
        "model": MODEL,
        "parameters": list(INPUTS),
        "constraints": [{"expression": "one + two", "op": ">=", "value": 4}],
        "budget": 600,
        "config": {"seed": 1},
    }
    result = asked(client, "optimize", body)
    made = documents(optimization, result)
    assert made.page.count("Best", "line") >= 1
    assert made.page.count("Where in its range", "bar") == 6
    decisions = made.rows("Decisions")
    for row, told in zip(decisions, result["decisions"], strict=True):
        assert row["Value"] == pytest.approx(told["value"], rel=DIGITS)
    assert len(made.rows("Trace")) == len(result["trace"])
    assert shown(result["value"]) in made.html
    assert made.charts() == 2


def test_a_goal_seek_shows_its_target_and_solutions(client: FlaskClient) -> None:
    body = {"model": MODEL, "parameters": ["one"], "objective": "target", "target": 9}
    result = asked(client, "optimize", body)
    made = documents(optimization, result)
    assert "Goal seek" in made.html and "target: 9" in made.html
    solution = made.rows("Solutions")[0]
    expected = result["solutions"][0]["inputs"]["one"]
    assert solution["one"] == pytest.approx(expected, rel=DIGITS)


def test_derivatives_show_price_slope_curvature_and_elasticity(
    client: FlaskClient,
) -> None:
    answer = client.get("/sensitivity/derivatives/number_of_units?points=7")
    result: dict[str, Any] = answer.json or {}
    made = documents(derivatives, result)
    titles = [picture["title"].split(" by ")[0] for picture in made.page.pictures]
    assert titles == [
        "Price",
        "First derivative of the price",
        "Second derivative of the price",
        "Elasticity of the price",
    ]
    for row, slope in zip(
        made.rows("Derivatives"), result["derivatives"]["first_order"], strict=True
    ):
        assert row["First order"] == pytest.approx(slope, rel=DIGITS)
    cross = {row["Input"]: row["Cross effect"] for row in made.rows("Cross effects")}
    assert cross == pytest.approx(result["derivatives"]["cross_effects"], rel=DIGITS)
    assert made.charts() == 4


def test_efficacy_shows_scores_and_levers(client: FlaskClient) -> None:
    given = analyzed(client, "oat")
    body = {"sensitivity_data": given, "price_data": {"points": [1.0, 1.1, 1.3]}}
    result = asked(client, "efficacy", body)
    made = documents(efficacy, result)
    assert made.page.count("Levers: leverage against certainty", "dot") == 3
    for row, told in zip(made.rows("Levers"), result["levers"], strict=True):
        assert row["Efficacy"] == pytest.approx(told["efficacy"], rel=DIGITS)
    assert figures(result["overall_score"]) in made.html
    assert made.charts() == len(made.page.pictures)


def test_a_surface_of_two_is_a_heat_map_and_of_one_a_line(client: FlaskClient) -> None:
    two = [{"id": "one", "range": [1, 4], "steps": 4}, {"id": "two", "steps": 3}]
    body = {"model": MODEL, "parameters": two, "uncertain": ["three"]}
    result = asked(client, "surface", {**body, "config": {"samples": 64}})
    made = documents(surface, result)
    assert made.page.count("all other inputs as they are", "cell") == 12
    assert made.page.count("P50 of", "cell") == 12
    rows = made.rows("Surface")
    assert len(rows) == 12
    for row, told in zip(rows, result["table"], strict=True):
        assert row["value"] == pytest.approx(told["value"], rel=DIGITS)
    line = asked(client, "surface", {"model": MODEL, "parameters": two[:1]})
    drawn = documents(surface, line)
    assert drawn.page.count("by one", "line") == 1
    assert drawn.charts() == 1


def test_a_fit_shows_a_qq_plot_of_each_of_the_best(client: FlaskClient) -> None:
    example = discover().by_kind["sensitivity.fit"].example
    result = asked(client, "fit", dict(example))
    made = documents(fitting, result)
    best = result["fits"][0]
    assert made.page.count(f"QQ plot: {best['kind']}", "dot") == len(example["data"])
    weights = made.page.picture("Akaike's weight")["texts"]
    assert figures(best["weight"], 5) in weights
    for row, told in zip(made.rows("Fits"), result["table"], strict=True):
        assert row["Aic"] == pytest.approx(told["aic"], rel=DIGITS)
    assert made.charts() == len(made.page.pictures)


# -- what all of them keep ---------------------------------------------------------


@pytest.mark.parametrize("method", ["oat", "spider", "morris", "sobol"])
def test_names_that_are_code_stay_text(client: FlaskClient, method: str) -> None:
    parameters = [{"id": "one", "point": True}, {"id": "two", "bar": True}, "three"]
    result = analyzed(client, method, parameters=parameters)
    text = orjson.dumps(result).replace(b'"one"', orjson.dumps(SCRIPT))
    made = documents(analysis, orjson.loads(text.replace(b'"two"', b'"=cmd|x!A1"')))
    assert SCRIPT not in made.html
    assert "&lt;script&gt;" in made.html
    cells = [
        cell
        for sheet in made.book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert "=cmd|x!A1" in [cell.value for cell in cells]
    with zipfile.ZipFile(io.BytesIO(made.xlsx)) as parts:
        charts = [parts.read(n).decode() for n in parts.namelist() if "/chart" in n]
    references = [
        ref for chart in charts for ref in re.findall("<c:f>(.*?)</c:f>", chart)
    ]
    assert references and not [ref for ref in references if "cmd" in ref]


@pytest.mark.parametrize("method", ["oat", "sobol"])
def test_ten_thousand_inputs_make_a_page_of_bounded_size(
    client: FlaskClient, method: str
) -> None:
    result = analyzed(client, method)
    file = io.BytesIO()
    large = _multiplied(result, 10_000)
    analysis.write_page(large, DocumentInfo("sensitivity.analyze", "", "j-1"), file)
    assert len(file.getvalue()) < 2_000_000  # measured: 0.5 MB
    page = Page(file.getvalue().decode())
    assert page.count("at both ends of each input", "down") == 25 + 1  # the key's
    assert "9975 more in the tables" in file.getvalue().decode()


def test_a_workbook_has_all_inputs_and_charts_of_the_strongest(
    client: FlaskClient,
) -> None:
    made = documents(analysis, _multiplied(analyzed(client, "tornado"), 500))
    assert len(made.rows("Inputs")) == 500
    tornado = made.book["Tornado"]._charts[0]
    assert tornado.series[0].val.numRef.f.endswith("$D$6:$D$30")  # 25 rows


def _multiplied(result: dict[str, Any], n: int) -> dict[str, Any]:
    """The same answer with its first input again and again under other names."""
    ids = [f"input {number}" for number in range(n)]
    first = result["tornado"][0]["id"]
    result["tornado"] = [{**result["tornado"][0], "id": id} for id in ids]
    result["ranking"] = [{**result["ranking"][0], "id": id} for id in ids]
    result["results"] = dict.fromkeys(ids, result["results"][first])
    for part in (result, *result.get("outputs", {}).values()):
        part["ranking"] = result["ranking"]
        if "indices" in part:
            part["indices"] = {
                name: dict.fromkeys(ids, rows[first])
                for name, rows in part["indices"].items()
                if isinstance(rows, dict)
            }
    if "table" in result:
        result["table"] = [{**result["table"][0], "id": id} for id in ids]
    return result


def test_warnings_of_the_answer_are_remarks_of_the_report(client: FlaskClient) -> None:
    result = analyzed(client, "sobol")
    result["metadata"]["warnings"] = ["N was rounded up to 256"]
    made = documents(analysis, result, warnings=("told on the way",))
    assert "N was rounded up to 256" in made.html and "told on the way" in made.html
    told = [row[0] for row in made.book["Summary"].iter_rows(values_only=True)]
    assert {"N was rounded up to 256", "told on the way"} <= set(told)


def test_an_answer_without_numbers_is_a_report_all_the_same(
    client: FlaskClient,
) -> None:
    result = analyzed(client, "sobol")
    output = result["metadata"]["output"]
    empty = {"value": None, "lower": None, "upper": None}
    for part in (result, result["outputs"][output]):
        part["ranking"] = [{"id": id, "effect": None} for id in INPUTS]
        part["indices"] = {
            name: dict.fromkeys(INPUTS, empty) for name in ("total", "first")
        } | {"second": None}
    result["metadata"]["baseline"], result["tornado"] = None, []
    made = documents(analysis, result)
    assert "No input has a Total order" in made.html


def test_every_analysis_of_the_domain_has_a_report_of_its_own() -> None:
    for kind, entry in discover().by_kind.items():
        if kind.startswith("sensitivity."):
            assert set(entry.documents) == {"html", "xlsx"}, kind


@pytest.mark.parametrize("form", ["html", "xlsx"])
def test_a_worker_makes_the_report_of_a_finished_job(
    client: FlaskClient, form: str, tmp_path: Path
) -> None:
    result = analyzed(client, "morris")
    answer = client.get(f"/api/jobs/{result['analysis_id']}/result?format={form}")
    assert answer.status_code == 200, answer.text
    if form == "html":
        assert "Morris plane" in answer.text
    else:
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        assert "Morris screening" in book.sheetnames
