"""Every method of `/sensitivity/analyze`, from request to answer."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from flask_api.analysis import Stopped
from flask_api.domains.sensitivity.methods import METHODS
from flask_api.errors import ValidationError
from flask_api.numerics import InputError, NoSolutionError
from tests.doc_pages import DOCS, blocks

ENDS = [-math.pi, math.pi]
ISHIGAMI = {
    "formula": "sin(a) + 7 * sin(b)**2 + 0.1 * c**4 * sin(a)",
    "inputs": {"a": ENDS, "b": {"value": 0.5, "range": ENDS}, "c": ENDS},
}
#: y = a + 2 b, uniform inputs of width 1: variance shares 1/5 and 4/5.
LINE = {"formula": "a + 2 * b + 3", "inputs": {"a": [0, 1], "b": [0, 1]}}
PLANT = ["S11", "S35", "plant_lifetime"]

#: Saltelli et al. (2008), Global Sensitivity Analysis, 4.
FIRST = {"a": 0.313905, "b": 0.442411, "c": 0.0}
TOTAL = {"a": 0.557589, "b": 0.442411, "c": 0.243684}
SHAPLEY = {"a": 0.435747, "b": 0.442411, "c": 0.121842}

ALL = ["local", *METHODS]
#: For tests of what does not depend on size: delta's bootstrap is slow.
SMALL: dict[str, dict[str, Any]] = {"delta": {"samples": 256, "resamples": 10}}
every_method = pytest.mark.parametrize("method", ALL)


def ask(method: str, model: Any = ISHIGAMI, **config: Any) -> dict[str, Any]:
    body = {"method": method, "parameters": [{}], "config": {"seed": 1, **config}}
    return body | {"model": model}


def values(rows: dict[str, Any]) -> dict[str, Any]:
    return {id: row["value"] for id, row in rows.items()}


def test_all_methods_of_the_request_are_offered(analyze):
    from flask_api.domains.sensitivity.schema import AnalyzeRequest

    named = set(AnalyzeRequest.model_fields["method"].annotation.__args__)
    assert named == {"oat", "tornado", "spider", "local", *METHODS}


# -- what comes out ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "index", "known", "error"),
    [
        # 4,096 rows: errors of some 0.5 %, of bias where slices are wide 1 %
        ("sobol", "first", FIRST, 0.01),
        ("sobol", "total", TOTAL, 0.01),
        ("shapley", "shapley", SHAPLEY, 0.01),
        ("rbd_fast", "first", FIRST, 0.03),
        ("delta", "first", FIRST, 0.04),
        # eFAST mixes frequencies: a bias of some 0.05 in the total of b, 0.03 of c
        ("fast", "first", FIRST, 0.03),
        ("fast", "total", TOTAL, 0.06),
    ],
)
def test_ishigami_has_its_closed_form(method, index, known, error, analyze):
    answer = analyze(ask(method))
    assert values(answer["indices"][index]) == pytest.approx(known, abs=error)
    assert answer["method"] == method
    rows = answer["outputs"]["result"]["indices"][index]
    assert rows == answer["indices"][index]
    for id, row in rows.items():
        assert answer["results"][id][index]["value"] == row["value"]
        assert row["lower"] <= row["value"] <= row["upper"]


def test_second_order_tells_which_two_act_together(analyze):
    answer = analyze(ask("sobol", second_order=True, samples=8192))
    pairs = {(r["id"], r["with"]): r["value"] for r in answer["indices"]["second"]}
    known = {("a", "b"): 0, ("a", "c"): 0.243684, ("b", "c"): 0}
    assert pairs == pytest.approx(known, abs=0.03)
    shown = [row for row in answer["table"] if row["index"] == "second"]
    assert [(row["id"], row["with"]) for row in shown] == list(pairs)
    assert analyze(ask("sobol"))["indices"]["second"] is None


def test_a_line_is_told_exactly(analyze):
    src = analyze(ask("src", LINE))
    shares = {"a": 0.2**0.5, "b": 0.8**0.5}
    # of a sample: its own spreads differ from the true ones by 1/sqrt(2 n)
    assert values(src["indices"]["src"]) == pytest.approx(shares, abs=0.03)
    assert src["outputs"]["result"]["r2"] == pytest.approx(1, abs=1e-12)
    morris = analyze(ask("morris", LINE))
    assert values(morris["indices"]["mu_star"]) == pytest.approx({"a": 1, "b": 2})
    assert morris["results"]["a"]["sigma"] == pytest.approx(0, abs=1e-12)
    assert morris["results"]["a"]["shape"] == "linear"
    local = analyze(ask("local", LINE))
    assert values(local["indices"]["derivative"]) == {"a": 1, "b": 2}
    assert local["results"]["b"]["elasticity"] == pytest.approx(2 * 0.5 / 4.5)
    assert local["results"]["b"]["scheme"] == "exact"


@pytest.mark.parametrize("method", ["prcc", "pawn", "delta"])
def test_the_steeper_input_of_a_line_comes_first(method, analyze):
    answer = analyze(ask(method, LINE))
    assert [row["id"] for row in answer["ranking"]] == ["b", "a"]
    assert answer["tornado"][0] == {"id": "b", "low": 3.5, "high": 5.5, "swing": 2}


def test_local_slopes_of_a_plant_come_by_rule_difference_and_neighbours(analyze):
    answer = analyze(
        {
            "method": "local",
            "parameters": PLANT,
            "config": {"outputs": ["price", "npv"]},
        }
    )
    labor = answer["results"]["S35"]
    # price rises by cost / units; NPV is the same loss of cash, after tax, each year
    assert labor["derivative"]["value"] == pytest.approx(1 / 30_000, rel=1e-12)
    assert labor["elasticity"] == pytest.approx(24_000 / 30_000 / 2.0057890737900124)
    assert labor["scheme"] == "exact"
    npv = labor["outputs"]["npv"]
    assert npv["scheme"].startswith("differences")
    slope = npv["derivative"]
    assert slope["lower"] <= slope["value"] <= slope["upper"] < 0
    lifetime = answer["results"]["plant_lifetime"]
    assert lifetime["scheme"] == "difference of neighbours"
    curve = analyze(
        {
            "parameter": {
                "id": "S10",
                "mode": "directvalue",
                "values": [lifetime["baseline_value"] + d for d in (-1, 1)],
            }
        }
    )["results"]["sensitivity_curve"]
    difference = (curve[1]["result"] - curve[0]["result"]) / 2
    assert lifetime["derivative"]["value"] == pytest.approx(difference, rel=1e-9)


def test_where_the_output_has_a_kink_there_is_no_slope(analyze):
    model = {"formula": "abs(x) + y", "inputs": {"x": [-1, 1], "y": [0, 1]}}
    answer = analyze(ask("local", model) | {"parameters": ["x", "y"]})
    assert answer["results"]["x"]["derivative"]["value"] is None
    assert "kink" in answer["metadata"]["warnings"][0]
    assert [row["id"] for row in answer["ranking"]] == ["y", "x"]


def test_a_spider_moves_all_by_the_same_percentages(analyze):
    body = {"method": "spider", "parameters": ["S11", "S35", "S10"]}
    answer = analyze(body)
    curve = answer["results"]["S35"]["sensitivity_curve"]
    assert [p["change"] for p in curve] == pytest.approx(list(range(-20, 21, 5)))
    for point in curve:
        change = 24_000 / 30_000 / 2.0057890737900124 * point["change"]
        assert point["result_change"] == pytest.approx(change, abs=1e-9)
    years = [p["value"] for p in answer["results"]["S10"]["sensitivity_curve"]]
    assert years == sorted({round(v) for v in years})
    config = {"percentages": [-50, 0, 50], "outputs": ["price", "npv"]}
    wide = analyze(body | {"config": config})["results"]["S11"]
    assert [p["value"] for p in wide["sensitivity_curve"]] == [1e5, 2e5, 3e5]
    for part in wide["outputs"].values():
        assert [p["change"] for p in part["sensitivity_curve"]] == [-50, 0, 50]


def test_a_spider_leaves_out_what_is_impossible_and_says_so(analyze):
    config = {"percentages": [-200, -50, 0, 50]}
    answer = analyze({"method": "spider", "parameters": ["S11"], "config": config})
    curve = answer["results"]["S11"]["sensitivity_curve"]
    assert [p["change"] for p in curve] == [-50, 0, 50]
    assert "-200 % left out" in answer["metadata"]["warnings"][0]
    ranged = {"id": "S11", "range": [1e5, 3e5]}
    warned = analyze({"method": "spider", "parameters": [ranged]})["metadata"]
    assert "don't count" in warned["warnings"][0]


# -- what every method promises ------------------------------------------------------


@every_method
def test_the_answer_has_the_promised_keys(method, analyze):
    config = SMALL.get(method, {})
    answer = analyze({"method": method, "parameters": PLANT, "config": config})
    assert set(answer) == {
        "method", "results", "ranking", "tornado", "indices", "outputs", "table",
        "metadata",
    }  # fmt: skip
    assert set(answer["results"]) == set(PLANT)
    five = {"sensitivity_curve", "elasticity", "impact_score", "confidence_intervals"}
    for id in PLANT:
        assert five < set(answer["results"][id])
    assert {row["id"] for row in answer["tornado"]} == set(PLANT)
    effects = [abs(row["effect"]) for row in answer["ranking"]]
    assert effects == sorted(effects, reverse=True) and len(effects) == 3
    metadata = answer["metadata"]
    assert metadata["model"]["version"] == "1" and metadata["output"] == "price"
    assert metadata["evaluations"] >= 0 and "seed" in metadata
    assert set(metadata["inputs"]) == set(PLANT)


@every_method
def test_the_same_seed_gives_the_same_answer(method, analyze):
    body = {"method": method, "parameters": PLANT}
    config = SMALL.get(method, {})
    zero, again, one = (
        analyze({**body, "config": {**config, "seed": seed}}) for seed in (0, 0, 1)
    )
    assert zero == again
    if method != "local":
        assert zero["indices"] != one["indices"]


@every_method
def test_several_outputs_come_from_one_pass(method, analyze):
    model = {
        "outputs": {"sum": "a + b", "product": "a * b", "nothing": "5"},
        "inputs": {"a": [1, 2], "b": [1, 3]},
    }
    outputs = ["product", "sum", "nothing"]
    answer = analyze(ask(method, model, outputs=outputs, **SMALL.get(method, {})))
    assert list(answer["outputs"]) == ["product", "sum", "nothing"]
    assert answer["indices"] == answer["outputs"]["product"]["indices"]
    assert set(answer["results"]["a"]["outputs"]) == {"product", "sum", "nothing"}
    # what is constant has indices 0, and a note says so
    for rows in answer["outputs"]["nothing"]["indices"].values():
        assert rows is None or all(row["value"] == 0 for row in rows.values())
    said = " ".join(answer["metadata"]["warnings"])
    assert "nothing does not" in said or "nothing indices are 0" in said


@every_method
def test_a_single_parameter_has_its_keys_directly_under_results(method, analyze):
    config = SMALL.get(method, {})
    answer = analyze({"method": method, "parameter": {"id": "S11"}, "config": config})
    assert answer["parameter_id"] == "S11"
    main = next(iter(answer["indices"]))
    assert answer["results"][main] is not None and "S11" not in answer["results"]


@every_method
def test_indices_grow_while_it_runs_and_stay_small(method, analyze, watch):
    seen = watch()
    names = {f"{'x' * 50}{i}": [0, i] for i in range(1, 90)}
    model = {"formula": " + ".join(names), "inputs": names}
    config = {"samples": 200} if method in ("morris",) else {}
    if method == "fast":
        config = {"samples": 1025, "curves": 1}
    config = SMALL.get(method, config)
    analyze(ask(method, model, **config), seen)
    shares = [done / total for done, total, _ in seen.reports]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert all(len(orjson.dumps(p)) <= 16_384 for _, _, p in seen.reports)
    last = seen.reports[-1][2]
    assert len(last["rows"]) == 60 and last["rows"][0]["effect"] is not None
    assert seen.phases == [method]


@every_method
def test_it_stops_when_told(method, analyze, watch):
    for after in (0, 1, 2):  # before, at the first block, later
        with pytest.raises(Stopped):
            analyze({"method": method, "parameters": PLANT}, watch(after))


@pytest.mark.parametrize("method", METHODS)
def test_rows_without_an_answer_are_left_out_and_counted(method, analyze, watch):
    model = {
        "formula": "where(a > 0.98, sqrt(-a), a + b)",
        "inputs": {"a": [0, 1], "b": [0, 1]},
    }
    seen = watch()
    if method in ("morris", "fast"):  # both touch the ends on every path
        with pytest.raises(NoSolutionError, match="none of the"):
            analyze(ask(method, model | {"formula": "sqrt(-1 - a) + b"}))
        return
    answer = analyze(ask(method, model), seen)
    report = answer["outputs"]["result"]
    # a row of sobol holds a twice, of shapley too: it fails if either is above 0.98
    share = report["failed"] / (report["rows"] + report["failed"])
    assert 0.01 < share < 0.05
    assert any("have no solution and are left out" in text for text in seen.warnings)
    assert answer["metadata"]["warnings"] == seen.warnings


@pytest.mark.parametrize("method", METHODS)
def test_no_row_with_an_answer_is_said(method, analyze):
    model = {"formula": "sqrt(-1 - a) + b", "inputs": {"a": [0, 1], "b": [0, 1]}}
    with pytest.raises(NoSolutionError, match="none of the"):
        analyze(ask(method, model))


def test_a_model_without_a_value_today_can_be_sampled_all_the_same(analyze):
    model = {"formula": "log(a * b)", "inputs": {"a": [-1, 1], "b": [-1, 1]}}
    answer = analyze(ask("sobol", model))
    assert answer["tornado"] == [] and answer["ranking"]
    assert answer["metadata"]["baseline"] is None
    assert "no tornado" in answer["metadata"]["warnings"][0]
    with pytest.raises(NoSolutionError):
        analyze(ask("local", model))


@pytest.mark.parametrize("method", ["sobol", "shapley", "pawn", "delta", "rbd_fast"])
def test_the_order_of_the_inputs_changes_no_more_than_noise(method, analyze):
    body = ask(method)
    there, back = (
        analyze(body | {"parameters": names})["ranking"]
        for names in (["a", "b", "c"], ["c", "b", "a"])
    )
    other = {row["id"]: row["effect"] for row in back}
    for row in there:
        assert row["effect"] == pytest.approx(other[row["id"]], abs=0.05)


# -- settings ------------------------------------------------------------------------


def test_samples_that_are_no_power_of_two_are_rounded_up_and_said(analyze):
    answer = analyze(ask("sobol", samples=1000))
    assert answer["outputs"]["result"]["rows"] == 1024
    assert answer["metadata"]["evaluations"] == 1024 * 5
    assert "rounded up from 1,000 to 1,024" in answer["metadata"]["warnings"][0]


@pytest.mark.parametrize("method", ["sobol", "shapley", "morris"])
def test_groups_count_as_one_input(method, analyze):
    groups = {"angles": ["b", "a"]}
    answer = analyze(ask(method, groups=groups))
    main = next(iter(answer["indices"]))
    assert set(answer["indices"][main]) == {"angles", "c"}
    assert set(answer["results"]) == {"a", "b", "c", "angles"}
    if method == "sobol":
        known = {"angles": 1.0, "c": TOTAL["c"]}  # c acts with a alone
        assert values(answer["indices"]["total"]) == pytest.approx(known, abs=0.02)


def test_groups_know_inputs_in_any_spelling(analyze):
    groups = {"capital": ["bare_erected_cost"], "people": ["laborAmount35"]}
    body = {"method": "sobol", "parameters": PLANT, "config": {"groups": groups}}
    answer = analyze(body | {"config": {"groups": groups, "samples": 64}})
    assert set(answer["indices"]["total"]) == {"capital", "people", "plant_lifetime"}


def test_a_bootstrap_tells_how_stable_the_ranks_are(analyze):
    answer = analyze(ask("sobol", resamples=200))
    rank = answer["results"]["a"]["ranks"]
    assert rank["rank"] == 1 and rank["stability"] > 0.9
    assert answer["outputs"]["result"]["interval"] == "bootstrap"


def test_shapley_effects_of_correlated_inputs_share_what_they_do_together(analyze):
    # y = a + b, normal with correlation r: both are alike, whatever r is
    normal = {"kind": "normal", "mean": 0, "std": 1}
    model = {
        "formula": "a + b + c",
        "inputs": {n: {"distribution": normal} for n in "abc"},
    }
    pairs = {"pairs": [["a", "b", 0.5]]}
    answer = analyze(ask("shapley", model, correlation=pairs))
    r = 2 * math.sin(math.pi / 6 * 0.5)  # of the scores
    share = (1 + r) / (3 + 2 * r)
    known = {"a": share, "b": share, "c": 1 / (3 + 2 * r)}
    assert values(answer["indices"]["shapley"]) == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize(
    ("method", "config", "field", "says"),
    [
        ("sobol", {"correlation": {"pairs": [["a", "b", 0.5]]}},
         "config.correlation", "use shapley"),
        ("pawn", {"correlation": {}}, "config.correlation", "got nothing"),
        ("oat", {"correlation": {}}, "config.correlation", "use shapley"),
        ("shapley", {"correlation": {"pairs": [["a", "z", 0.5]]}},
         "config.correlation", "z"),
        ("shapley", {"correlation": {"pairs": [["a", "b", 0.5]],
                                     "method": "iman_conover"}},
         "config.correlation.method", "copula"),
        ("oat", {"samples": 10}, "config.samples", "no setting of method oat"),
        ("local", {"samples": 10}, "config.samples", "no setting of method local"),
        ("pawn", {"confidence_level": 0.9}, "config.confidence_level", "pawn"),
        ("sobol", {"monte_carlo_iterations": 10}, "config.monte_carlo_iterations", ""),
        ("sobol", {"levels": 4}, "config.levels", "which takes"),
        ("sobol", {"samples": 1}, "config.samples", "2 to"),
        ("sobol", {"sampling": "lhs"}, "config.sampling", "sobol or random"),
        ("rbd_fast", {"sampling": "sobol"}, "config.sampling", "lhs or random"),
        ("morris", {"sampling": "random"}, "config.sampling", "no setting"),
        ("sobol", {"resamples": 1}, "config.resamples", "at least 2"),
        ("sobol", {"groups": {"g": ["z"]}}, "config.groups.g", "no input"),
        ("sobol", {"groups": {"g": ["a"], "h": ["a"]}}, "config.groups.h", "already"),
        ("morris", {"levels": 3}, "config.levels", ""),
        ("morris", {"samples": 1}, "config.samples", "at least 2"),
        ("fast", {"samples": 20}, "config.samples", ""),
        ("fast", {"samples": 2**30}, "config.samples", "at most"),
        ("rbd_fast", {"samples": 20}, "config.samples", "more than 40"),
        ("delta", {"samples": 10}, "config.samples", "50"),
        ("src", {"samples": 2**31}, "config.samples", "all are kept"),
        ("spider", {"percentages": [-300, -200]}, "config.percentages", "least 0"),
    ],
)  # fmt: skip
def test_a_setting_that_the_method_has_not_is_refused(
    method, config, field, says, analyze
):
    body = ask(method, **config)
    if method == "spider":
        body = {"method": method, "parameters": ["S11"], "config": config}
    with pytest.raises(InputError) as caught:
        analyze(body)
    assert caught.value.field.startswith(field), caught.value
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"samples": 0}, "config.samples"),
        ({"samples": 10**12}, "config.samples"),
        ({"samples": "many"}, "config.samples"),
        ({"resamples": -1}, "config.resamples"),
        ({"resamples": 10**6}, "config.resamples"),
        ({"groups": {"g": []}}, "config.groups.g"),
        ({"groups": ["a"]}, "config.groups"),
        ({"groups": {"": ["a"]}}, "config.groups"),
        ({"second_order": 1}, "config.second_order"),
        ({"slices": 1}, "config.slices"),
        ({"sampling": "halton"}, "config.sampling"),
        ({"percentages": [5]}, "config.percentages"),
    ],
)
def test_a_setting_that_no_method_has_is_refused(config, field, analyze):
    with pytest.raises(ValidationError) as caught:
        analyze(ask("sobol", **config))
    assert caught.value.details[0]["field"].startswith(field)


@pytest.mark.parametrize("method", ["spider", *ALL])
def test_choices_are_refused_with_what_to_use_instead(method, analyze):
    choice = {"id": "S20", "type": "categorical", "values": ["Straight-Line"]}
    with pytest.raises(InputError, match="method oat") as caught:
        analyze({"method": method, "parameters": ["S11", choice]})
    assert caught.value.field == "parameters[1]"


@every_method
def test_curves_with_drawn_intervals_are_not_of_these_methods(method, analyze):
    with pytest.raises(InputError, match="leave out type") as caught:
        analyze(ask(method) | {"type": "monte_carlo"})
    assert caught.value.field == "type"


def test_the_page_tells_every_method_with_formula_and_source() -> None:
    overview = (DOCS / "sensitivity.md").read_text()
    for method in ("oat", "tornado", "spider", *ALL):
        assert f"[`{method}`](methods/{method}.md)" in overview, method
        page = (DOCS / "methods" / f"{method}.md").read_text()
        assert "## When to use it" in page and "doi:" in page, method


def test_the_indices_of_the_page_are_those_of_its_example(analyze):
    (code,) = [b.body for b in blocks(DOCS / "formulas.md") if b.info == "python"]
    known: dict[str, Any] = {}
    exec(code, known)
    found = analyze(ask("sobol", samples=65_536))["indices"]
    assert found["first"]["b"]["value"] == pytest.approx(known["first_of_b"], abs=2e-3)
    assert found["total"]["c"]["value"] == pytest.approx(known["total_of_c"], abs=2e-3)
    shapley = analyze(ask("shapley", samples=65_536))["indices"]["shapley"]
    assert shapley["c"]["value"] == pytest.approx(known["shapley_of_c"], abs=2e-3)
    assert [TOTAL["c"], SHAPLEY["c"], FIRST["b"]] == pytest.approx(
        [known["total_of_c"], known["shapley_of_c"], known["first_of_b"]], abs=1e-6
    )


# -- over REST -----------------------------------------------------------------------


def test_the_indices_are_a_table_of_the_result(client: FlaskClient) -> None:
    got = client.post("/sensitivity/analyze", json=ask("sobol", samples=64))
    assert got.status_code == 200, got.json
    address = f"/api/jobs/{got.headers['X-Job-ID']}/result?format=csv&table=indices"
    head, *rows = client.get(address).text.replace("\r", "").strip().split("\n")
    assert head.startswith("output,index,id,with,value,lower,upper")
    assert [row.split(",")[:3] for row in rows] == [
        ["result", index, id] for index in ("total", "first") for id in "abc"
    ]


@pytest.mark.parametrize("method", ["oat", "tornado", "spider", "local", *METHODS])
def test_the_tables_of_a_run_are_those_that_have_rows(
    client: FlaskClient, method: str
) -> None:
    small = {"samples": 65} if method in ("fast", "rbd_fast") else {"samples": 64}
    more = {"resamples": 4, "keep_resamples": True} if method == "sobol" else {}
    config = small | more if method in METHODS else {}
    params = ask(method, LINE) | {"config": {"seed": 1, **config}}
    made = client.post(
        "/api/jobs",
        json={"kind": "sensitivity.analyze", "params": params},
        headers={"Prefer": "wait=60"},
    )
    job = client.get(f"/api/jobs/{made.json['job_id']}").json
    address = f"/api/jobs/{job['job_id']}/result?format=csv"
    curves = method in ("oat", "tornado", "spider")
    assert job["tables"][0] == ("curve" if curves else "indices")
    assert ("resamples" in job["tables"]) == (method == "sobol")
    assert (
        client.get(address).text
        == client.get(f"{address}&table={job['tables'][0]}").text
    )
    for table in job["tables"]:
        assert client.get(f"{address}&table={table}").text.count("\n") > 1, table
    got = client.get(f"{address}&table={'indices' if curves else 'curve'}")
    assert got.status_code == 400
    assert got.json["message"].endswith(f"it has {', '.join(job['tables'])}")


def test_every_distribution_can_be_drawn(client: FlaskClient) -> None:
    shapes: list[dict[str, Any]] = [
        {"kind": "pert", "low": 1, "mode": 2, "high": 3, "lambda": 5},
        {"kind": "beta", "a": 2, "b": 2, "low": 1, "high": 3},
        {"kind": "gamma", "mean": 2, "std": 0.5},
        {"kind": "weibull", "shape": 2, "scale": 2},
        {"kind": "discrete", "values": [1, 2, 3], "weights": [1, 2, 1]},
        {"kind": "empirical", "data": [1, 2, 2, 3]},
        {"kind": "truncated", "low": 1, "high": 3,
         "of": {"kind": "normal", "mean": 2, "std": 1}},
    ]  # fmt: skip
    names = [f"x{i}" for i in range(len(shapes))]
    inputs = {n: {"distribution": s} for n, s in zip(names, shapes, strict=True)}
    body = ask("sobol", {"formula": " + ".join(names), "inputs": inputs}, samples=256)
    got = client.post("/sensitivity/analyze", json=body)
    assert got.status_code == 200, got.json
    inputs = got.json["metadata"]["inputs"]
    assert [inputs[n]["distribution"]["kind"] for n in names] == [
        s["kind"] for s in shapes
    ]
    # each has the mean 2, but the Weibull: 2 gamma(3/2); 256 rows
    mean = got.json["outputs"]["result"]["mean"]
    assert mean == pytest.approx(12 + 2 * math.gamma(1.5), abs=0.1)
