"""`/sensitivity/surface`: products and normal laws in closed form, plants, refusals."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient
from scipy.stats import norm

from flask_api.analysis import Context, Stopped
from flask_api.domains.sensitivity.surface.job import surface
from flask_api.domains.sensitivity.surface.schema import SURFACES, SurfaceRequest
from flask_api.errors import ValidationError
from flask_api.numerics import InputError, NoSolutionError
from flask_api.validation import validate
from tests.domains.sensitivity.conftest import Watch

PRODUCT = {"formula": "a * b", "inputs": {"a": [1, 3], "b": [-1, 1]}}
NORMAL = {"kind": "normal", "mean": 1, "std": 2}
#: y = k u + m + v: normal with mean k + m + 1 and variance 4 k^2 + 4.
LINEAR = {
    "outputs": {"y": "k * u + m + v", "z": "k - m"},
    "inputs": {
        "k": [0, 2],
        "m": [0, 1],
        "u": {"distribution": NORMAL},
        "v": {"distribution": NORMAL},
    },
}


def run(watch: Watch | None = None, **body: Any) -> dict[str, Any]:
    request = validate(SurfaceRequest, body)
    found = surface(request, watch or Watch(), Context())
    result: dict[str, Any] = orjson.loads(orjson.dumps(found))
    return result


def grid(*items: tuple[str, int], **more: Any) -> list[dict[str, Any]]:
    return [{"id": id, "steps": steps} for id, steps in items]


# -- what comes out ----------------------------------------------------------------


def test_a_product_is_the_product_of_rows_and_columns() -> None:
    answer = run(model=PRODUCT, parameters=grid(("a", 5), ("b", 3)))
    rows, columns = (d["values"] for d in answer["decisions"])
    assert rows == [1.0, 1.5, 2.0, 2.5, 3.0] and columns == [-1.0, 0.0, 1.0]
    told = answer["outputs"]["result"]
    assert told["values"] == np.outer(rows, columns).tolist()
    assert told["best"] == {
        "lowest": {"at": {"a": 3.0, "b": -1.0}, "value": -3.0},
        "highest": {"at": {"a": 3.0, "b": 1.0}, "value": 3.0},
    }
    assert told["uncertain"] is None and told["failed"] == 0
    assert answer["today"] == {
        "inputs": {"a": 2.0, "b": 0.0},
        "outputs": {"result": 0.0},
    }
    assert answer["table"][1] == {"output": "result", "a": 1.0, "b": 0.0, "value": 0.0}
    assert len(answer["table"]) == answer["metadata"]["points"] == 15
    assert answer["metadata"]["samples"] is None


def test_one_decision_gives_a_list() -> None:
    inputs = PRODUCT["inputs"] | {"b": 4}  # type: ignore[operator]
    model = PRODUCT | {"inputs": inputs}
    answer = run(model=model, parameter={"id": "a", "steps": 3})
    assert answer["outputs"]["result"]["values"] == [4.0, 8.0, 12.0]


def test_percentiles_of_a_linear_model_are_those_of_the_normal_law() -> None:
    answer = run(
        model=LINEAR,
        parameters=grid(("k", 3), ("m", 2)),
        uncertain=["u", "v"],
        config={"seed": 0, "samples": 4096, "percentiles": [10, 50, 90]},
    )
    k, m = (np.array(d["values"]) for d in answer["decisions"])
    mean = k[:, None] + m + 1
    std = np.sqrt(4 * k[:, None] ** 2 + 4) + 0 * m
    told = answer["outputs"]["y"]["uncertain"]
    for one in told["percentiles"]:
        share = one["percentile"] / 100
        # in deviations, 20 seeds err by 0.007 at most: three times as much
        off = (np.array(one["values"]) - norm.ppf(share, mean, std)) / std
        assert np.abs(off).max() < 0.02
        assert one["best"]["highest"]["at"]["m"] == 1.0
    # the same seeds: 0.0004 and 0.0015
    assert np.array(told["mean"]) == pytest.approx(mean, abs=0.0015)
    assert np.array(told["std"]) == pytest.approx(std, rel=0.005)
    assert told["percentile_rank_error"] == 0
    # with the same draws everywhere m shifts everything by exactly itself
    middle = np.array(told["percentiles"][1]["values"])
    assert middle[:, 1] - middle[:, 0] == pytest.approx(1.0, rel=1e-12)
    assert answer["outputs"]["y"]["values"] == mean.tolist()  # medians of u and v are 1
    row = answer["table"][0]
    assert list(row) == [
        *("output", "k", "m", "value", "mean", "std", "p10", "p50", "p90", "failed")
    ]
    assert {r["of"] for r in answer["best"]} == {"value", "mean", "p10", "p50", "p90"}


def test_all_outputs_come_from_the_same_draws() -> None:
    answer = run(
        model=LINEAR,
        parameters=grid(("k", 3), ("m", 2)),
        uncertain=["u"],
        config={"seed": 0, "samples": 64, "outputs": ["z", "y"]},
    )
    assert list(answer["outputs"]) == ["z", "y"]
    z = answer["outputs"]["z"]
    assert z["uncertain"]["std"] == [[0.0, 0.0]] * 3
    assert z["uncertain"]["mean"] == z["values"]


def test_correlated_draws_spread_as_the_book_says() -> None:
    answer = run(
        model=LINEAR,
        parameters=grid(("k", 2)),
        uncertain={"u": None, "v": None},
        config={
            "seed": 0,
            "samples": 4096,
            "outputs": ["y"],
            "correlation": [["u", "v", 0.9]],
        },
    )
    rho = 2 * math.sin(math.pi / 6 * 0.9)
    std = math.sqrt(4 * 4 + 4 + 2 * rho * 2 * 4)
    found = answer["outputs"]["y"]["uncertain"]["std"][1]
    assert found == pytest.approx(std, rel=4 / math.sqrt(2 * 4096))
    assert answer["metadata"]["correlation"]["names"] == ["u", "v"]


def test_the_price_of_a_plant_moves_by_cost_over_units() -> None:
    # Fully deductible costs enter the price linearly, by 1/units.
    answer = run(
        parameters=[
            {"id": "labor_cost", "range": [20_000, 30_000], "steps": 3},
            {"id": "S36", "range": [4_000, 6_000], "steps": 2},
        ]
    )
    values = np.array(answer["outputs"]["price"]["values"])
    assert np.diff(values[:, 0]) == pytest.approx([5_000 / 30_000] * 2, rel=1e-9)
    assert np.diff(values[0]) == pytest.approx([2_000 / 30_000], rel=1e-9)
    assert answer["outputs"]["price"]["unit"] == "$/unit"
    assert answer["decisions"][0]["today"] == 24_000
    assert answer["today"]["outputs"]["price"] == pytest.approx(2.0057890737900124)


def test_an_uncertain_plant_has_percentiles_of_several_outputs() -> None:
    answer = run(
        parameters=[{"id": "S11", "range": [150e3, 250e3], "steps": 3}],
        uncertain=[
            {
                "id": "S35",
                "distribution": {"kind": "normal", "mean": 24e3, "std": 2.4e3},
            }
        ],
        config={"seed": 1, "outputs": ["price", "npv"]},
    )
    told = answer["outputs"]["price"]["uncertain"]
    assert told["std"] == pytest.approx([2.4e3 / 30e3] * 3, rel=4 / math.sqrt(2048))
    by_percent = {p["percentile"]: p["values"] for p in told["percentiles"]}
    gap = np.array(by_percent[95]) - np.array(by_percent[5])
    # scatter of a sample quantile at 5 %: 2.1 std / sqrt(1024), two of them, four of it
    expected = 2 * 1.6449 * 0.08
    assert gap == pytest.approx(expected, abs=4 * 2 * 2.1 * 0.08 / 32)
    assert answer["outputs"]["npv"]["unit"] == "$"


def test_whole_years_make_whole_steps() -> None:
    answer = run(parameters=[{"id": "plant_lifetime", "range": [18, 22], "steps": 100}])
    assert answer["decisions"][0]["values"] == [18, 19, 20, 21, 22]
    assert answer["decisions"][0]["integer"] is True


def test_points_without_an_answer_are_null_and_told() -> None:
    watch = Watch()
    model = {"formula": "sqrt(a) + b", "inputs": {"a": [-1, 1], "b": [0, 1]}}
    answer = run(watch, model=model, parameters=grid(("a", 3)), uncertain=["b"])
    told = answer["outputs"]["result"]
    assert told["values"] == [None, 0.5, 1.5]
    assert told["failed"] == 1 and told["uncertain"]["failed"] == [1024, 0, 0]
    assert "1 of 3 points" in watch.warnings[0]
    assert watch.warnings == answer["metadata"]["warnings"]
    with pytest.raises(NoSolutionError, match="any of the 3 points"):
        run(
            model={"formula": "log(a)", "inputs": {"a": [-2, -1]}},
            parameters=grid(("a", 3)),
        )


def test_what_has_a_distribution_and_is_held_is_said() -> None:
    answer = run(model=LINEAR, parameters=grid(("k", 2)), uncertain=["u"])
    (said,) = [a for a in answer["metadata"]["assumptions"] if "held" in a]
    assert said.startswith("v: held")


def test_columns_of_the_table_have_names_of_their_own() -> None:
    model = {"formula": "mean + p5", "inputs": {"mean": [0, 1], "p5": [0, 1]}}
    answer = run(model=model, parameters=grid(("mean", 2), ("p5", 2)))
    assert list(answer["table"][0]) == ["output", "input mean", "input p5", "value"]


def test_the_same_seed_gives_the_same_surface_and_another_another() -> None:
    def ask(seed: int) -> Any:
        config = {"seed": seed, "samples": 64}
        return run(
            model=LINEAR, parameters=grid(("k", 3)), uncertain=["u"], config=config
        )["outputs"]

    assert ask(0) == ask(0)
    assert ask(0) != ask(1)


# -- on the way --------------------------------------------------------------------


def test_watchers_see_the_grid_fill_and_then_sharpen() -> None:
    watch = Watch()
    run(
        watch,
        model=LINEAR,
        parameters=grid(("k", 100), ("m", 100)),
        uncertain=["u"],
        config={"samples": 64},
    )
    done = [d / t for d, t, _ in watch.reports]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 1
    sizes = [len(orjson.dumps(partial)) for _, _, partial in watch.reports]
    assert max(sizes) <= 16_384
    last = watch.reports[-1][2]
    assert last["of"] == "p50" and last["output"] == "y"
    assert np.shape(last["values"]) == (30, 30)
    assert [len(d["values"]) for d in last["decisions"]] == [30, 30]
    assert last["decisions"][0]["values"][-1] == 2.0
    assert watch.phases == ["grid", "draws"]


def test_live_numbers_of_any_size_stay_small() -> None:
    watch = Watch()
    tiny = "a * 1e-200 / 7 + b * 1e-207"
    model = {"formula": tiny, "inputs": {"a": [-1e-9, 1], "b": [-1e-9, 1]}}
    run(watch, model=model, parameters=grid(("a", 100), ("b", 100)))
    run(watch, model=model, parameters=grid(("a", 1000)))
    assert max(len(orjson.dumps(p)) for _, _, p in watch.reports) <= 16_384


def test_it_stops_between_blocks_and_within_them() -> None:
    whole = Watch()
    example = dict(SURFACES[0].example)
    run(whole, **example)
    for stop in (0, len(whole.reports) // 2, len(whole.reports) - 1):
        with pytest.raises(Stopped):
            run(Watch(stop_after=stop), **example)


# -- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"parameters": ["a", "b", "c"]}, "parameters", "3 parameters (a, b, c)"),
        (
            {"parameters": grid(("a", 1000), ("b", 11))},
            "parameters[0].steps",
            "11,000 points",
        ),
        (
            {
                "parameters": grid(("a", 11), ("b", 10)),
                "uncertain": ["c"],
                "config": {"samples": 1_000_000},
            },
            "config.samples",
            "samples 909,090 or fewer",
        ),
        (
            {
                "parameters": [{"id": "a", "distribution": NORMAL}],
            },
            "parameters[0].distribution",
            "`uncertain`",
        ),
        (
            {"parameters": [{"id": "a", "mode": "monte_carlo"}]},
            "parameters[0].mode",
            "chosen and drawn",
        ),
        ({"parameters": ["a"], "uncertain": ["a"]}, "uncertain[0].id", "leave it out"),
        ({"parameters": ["a"], "uncertain": ["q"]}, "uncertain[0].id", "no input"),
    ],
)
def test_what_makes_no_surface_is_refused_by_its_place(
    body: dict[str, Any], field: str, says: str
) -> None:
    inputs = {"a": [0, 1], "b": [0, 1], "c": [0, 1]}
    with pytest.raises(InputError) as caught:
        run(**body, model={"formula": "a + b + c", "inputs": inputs})
    assert caught.value.field == field
    assert says in str(caught.value)


def test_tables_too_large_for_an_answer_are_refused() -> None:
    outputs = {f"y{i}": f"a + b + c + {i}" for i in range(50)}
    inputs = {"a": [0, 1], "b": [0, 1], "c": [0, 1]}
    with pytest.raises(InputError, match="fewer outputs") as caught:
        run(
            model={"outputs": outputs, "inputs": inputs},
            parameters=grid(("a", 100), ("b", 100)),
            uncertain=["c"],
            config={"outputs": list(outputs)},
        )
    assert caught.value.field == "config.outputs"


def test_a_choice_is_no_axis() -> None:
    with pytest.raises(InputError, match="no axis"):
        run(parameters=[{"id": "S20", "type": "categorical", "values": ["macrs"]}])


def test_settings_of_draws_without_draws_are_refused() -> None:
    with pytest.raises(ValidationError, match="nothing is drawn"):
        run(model=PRODUCT, parameters=["a"], config={"samples": 100})


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_it_is_answered_over_rest_with_its_tables(
    client: FlaskClient, prefix: str
) -> None:
    got = client.post(f"{prefix}/sensitivity/surface", json=SURFACES[0].example)
    assert got.status_code == 200
    assert got.json["analysis_id"] == got.headers["X-Job-ID"]
    address = f"/api/jobs/{got.json['analysis_id']}/result?format=csv"
    lines = client.get(address).text.split("\r\n")
    assert lines[0] == (
        "output,number_of_units,bare_erected_cost,value,mean,std,p5,p50,p95,failed"
    )
    assert len(lines) - 2 == 15
    best = client.get(f"{address}&table=best").text
    assert best.startswith("output,of,end,value,number_of_units,bare_erected_cost")
    assert client.get(address.replace("csv", "xlsx")).status_code == 200


def test_a_wrong_request_is_refused_over_rest(client: FlaskClient) -> None:
    got = client.post(
        "/sensitivity/surface", json={"parameters": ["S11", "S35", "S36"]}
    )
    assert got.status_code == 400
    assert got.json["details"][0]["field"] == "parameters"


def test_a_newsvendor_stocks_what_the_critical_ratio_says() -> None:
    # The model of the page. Arrow, Harris, Marschak (1951), doi:10.2307/1906813.
    formula = "price * min(stock, demand) - cost * stock"
    inputs = {"price": 5, "cost": 3, "demand": 100, "stock": [60, 140]}
    demand = {"kind": "normal", "mean": 100, "std": 20}
    answer = run(
        model={"formula": formula, "inputs": inputs},
        parameters=[{"id": "stock", "steps": 801}],
        uncertain=[{"id": "demand", "distribution": demand}],
        config={"seed": 1, "samples": 4096},
    )
    q = np.array(answer["decisions"][0]["values"])
    told = answer["outputs"]["result"]["uncertain"]
    law = norm(100, 20)
    sold = q - (q - 100) * law.cdf(q) - 20 * norm.pdf((q - 100) / 20)
    # one input under Sobol: each of n slices is met once, so the mean errs by less than
    # slope x (range of 4,096 draws: 7.5 deviations)/n
    error = 5 * 7.5 * 20 / 4096
    assert told["mean"] == pytest.approx((5 * sold - 3 * q).tolist(), abs=error)
    # two such errors, 0.37, at a curvature of 5 f(z)/20 = 0.097: sqrt(2 x 0.37/0.097)
    best = told["best_mean"]["highest"]["at"]["stock"]
    assert best == pytest.approx(law.ppf((5 - 3) / 5), abs=2.8)
