"""`POST /sensitivity/optimize` as a worker computes it, on the price model."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import orjson
import pytest

from flask_api.analysis import Context, Stopped
from flask_api.domains.price.catalogue import load
from flask_api.domains.sensitivity.optimization.job import optimize as run
from flask_api.domains.sensitivity.optimization.schema import OptimizeRequest
from flask_api.errors import ValidationError
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.validation import validate
from tests.doc_pages import DOCS, blocks

COST = {"id": "bare_erected_cost", "range": {"min": 100e3, "max": 300e3}}
UNITS = {"id": "S12", "range": [20e3, 40e3]}


@pytest.fixture
def optimize(watch):
    def answer(body, seen=None):
        found = run(validate(OptimizeRequest, body), seen or watch(), Context())
        result = orjson.loads(orjson.dumps(found))
        return result

    return answer


def price(**overrides):
    return load("1", None, overrides).solved_price()


def details_of(error: InputError | NoSolutionError) -> dict[str, Any]:
    assert isinstance(error.details, dict)
    return error.details


# -- the price model's own answers -------------------------------------------------


def test_the_price_is_lowest_where_the_plant_is_cheap_and_sells_most(optimize):
    answer = optimize({"parameters": [COST, UNITS], "config": {"seed": 1}})
    assert answer["best"]["inputs"] == {"bare_erected_cost": 100e3, "S12": 40e3}
    cheapest = price(bare_erected_cost=100e3, number_of_units=40e3)
    # one plant alone and one among many: the same formulas, other sums
    assert answer["value"] == pytest.approx(cheapest, rel=1e-12)
    assert answer["best"]["outputs"]["price"] == answer["value"]
    assert answer["baseline"]["value"] == pytest.approx(price(), rel=1e-12)
    assert answer["improvement"] == pytest.approx(price() - cheapest, rel=1e-12)
    assert answer["active_constraints"] == [
        "bare_erected_cost >= 100000",
        "S12 <= 40000",
    ]
    assert [row["bound"] for row in answer["decisions"]] == ["lower", "upper"]


@pytest.mark.parametrize(
    "method", ["differential_evolution", "shgo", "lbfgsb", "cobyqa"]
)
def test_every_method_finds_that_corner(optimize, method):
    body = {"parameters": [COST, UNITS], "method": method, "config": {"seed": 1}}
    answer = optimize(body)
    assert answer["best"]["inputs"] == {"bare_erected_cost": 100e3, "S12": 40e3}
    assert answer["metadata"]["method"].startswith(method)


def test_the_best_lifetime_is_the_one_that_counting_finds(optimize):
    answer = optimize({"parameters": [{"id": "S10", "range": [3, 60]}]})
    lifetimes = np.arange(3.0, 61.0)
    counted = load("1").evaluate({"plant_lifetime": lifetimes})["price"]
    assert answer["best"]["inputs"]["S10"] == lifetimes[np.argmin(counted)]
    assert answer["value"] == pytest.approx(counted.min(), rel=1e-12)
    assert answer["metadata"]["method"] == "enumeration"
    assert answer["evaluations"] == 58


def test_the_cost_at_which_the_price_is_2_is_that_of_the_linear_relation(optimize):
    # With taxes paid in every year the price is linear in the bare erected cost:
    # the line through two prices that the model solves, read at 2.
    one, other = price(bare_erected_cost=150e3), price(bare_erected_cost=250e3)
    cost = 150e3 + (2 - one) / (other - one) * 100e3
    assert price(bare_erected_cost=cost) == pytest.approx(2.0, rel=1e-13)
    answer = optimize({"objective": "target", "target": 2.0, "parameters": [COST]})
    assert answer["converged"]
    assert answer["best"]["inputs"]["bare_erected_cost"] == pytest.approx(
        cost, rel=1e-12
    )
    assert answer["solutions"] == [
        {"inputs": answer["best"]["inputs"], "value": answer["value"]}
    ]
    assert answer["improvement"] is None


def test_npv_is_0_at_the_solved_price(optimize):
    selling = {"id": "selling_price", "range": [1, 5]}
    body = {"objective": "target", "target": 0, "output": "npv"}
    answer = optimize({**body, "parameters": [selling]})
    assert answer["best"]["inputs"]["selling_price"] == pytest.approx(
        price(), rel=1e-12
    )


def test_several_inputs_bring_the_price_to_a_target_near_today(optimize):
    body = {"objective": "target", "target": 1.9, "parameters": [COST, UNITS]}
    inputs = optimize(body)["best"]["inputs"]
    found = price(
        bare_erected_cost=inputs["bare_erected_cost"], number_of_units=inputs["S12"]
    )
    assert found == pytest.approx(1.9, rel=1e-9)
    assert inputs["bare_erected_cost"] < 200e3 and 30e3 < inputs["S12"] < 33e3


def test_constraints_on_outputs_and_sums_bind(optimize):
    body = {
        "objective": "max",
        "output": "npv",
        "parameters": [COST, UNITS],
        "constraints": [
            {"output": "price", "op": ">=", "value": 1.9},
            {"expression": "S11 + 2*S12 - 1000", "op": "<=", "value": 339e3},
        ],
        "config": {"seed": 1},
    }
    answer = optimize(body)
    units = answer["best"]["inputs"]["S12"]
    cost = answer["best"]["inputs"]["bare_erected_cost"]
    # both bind: on the line cost = 340,000 - 2 units the price falls with units
    assert cost + 2 * units == pytest.approx(340e3, rel=1e-6)
    assert price(bare_erected_cost=cost, number_of_units=units) == pytest.approx(
        1.9, rel=1e-6
    )
    assert answer["active_constraints"] == [
        "price >= 1.9",
        "S11 + 2*S12 - 1000 <= 339000",
    ]
    assert [row["active"] for row in answer["constraints"]] == [True, True]


def test_coefficients_may_be_given_as_a_mapping_and_fixed_inputs_are_constants(
    optimize,
):
    # S35 is not chosen: 24,000 in version 1
    limit = {"expression": {"S12": 2, "S35": 1}, "op": "<=", "value": 84e3}
    body = {"parameters": [UNITS], "constraints": [limit], "config": {"seed": 0}}
    answer = optimize(body)
    assert answer["best"]["inputs"]["S12"] == pytest.approx(30e3, rel=1e-6)


# -- uncertainty -------------------------------------------------------------------


def test_the_mean_price_over_draws_is_that_of_a_linear_model(optimize):
    # dp/d(labor) = 1/units, taxes being paid in every year: the mean of the price is
    # the price at the mean
    labor = {"id": "labor_cost", "range": {"min": 20e3, "max": 30e3}}
    body = {
        "parameters": [COST],
        "uncertain": [labor],
        "config": {"seed": 1, "draws": 1024},
    }
    answer = optimize(body)
    assert answer["metadata"]["statistic"] == "mean"
    expected = price(bare_erected_cost=100e3, labor_cost=25e3)
    # stratified draws: the mean errs by less than range / draws
    assert answer["value"] == pytest.approx(expected, abs=(1 / 3) / 1024)
    nominal = answer["best"]["outputs_at_model_values"]["price"]
    assert nominal == pytest.approx(price(bare_erected_cost=100e3), rel=1e-12)


def test_a_percentile_can_be_brought_to_a_target(optimize):
    labor = {"id": "labor_cost", "range": {"min": 20e3, "max": 30e3}}
    body = {
        "objective": "target",
        "target": 2.0,
        "parameters": [COST],
        "uncertain": [labor],
        "config": {
            "seed": 1,
            "draws": 1024,
            "statistic": "percentile",
            "percentile": 90,
        },
    }
    cost = optimize(body)["best"]["inputs"]["bare_erected_cost"]
    at_90 = price(bare_erected_cost=cost, labor_cost=29e3)
    assert at_90 == pytest.approx(2.0, abs=2 * (1 / 3) / 1024)


# -- what any run promises ---------------------------------------------------------

BODY = {
    "parameters": [COST, {"id": "plant_lifetime", "range": [5, 40]}],
    "constraints": [{"output": "npv", "op": ">=", "value": 0}],
    "config": {"seed": 0},
}


def test_the_same_seed_gives_the_same_answer(optimize):
    assert optimize(BODY) == optimize(BODY)
    other = optimize({**BODY, "config": {"seed": 5}})
    assert other["trace"] != optimize(BODY)["trace"]


def test_progress_rises_and_shows_the_best_so_far(optimize, watch):
    seen = watch()
    answer = optimize(BODY, seen)
    shares = [done / total for done, total, _ in seen.reports]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    values = [p["best"]["value"] for _, _, p in seen.reports if p["best"]]
    assert values[-1] == answer["value"]
    largest = max(len(orjson.dumps(partial)) for _, _, partial in seen.reports)
    assert largest <= 16_384


def test_a_stop_is_heard_within_a_block(optimize, watch):
    body = {
        **BODY,
        "uncertain": ["labor_cost"],
        "config": {"seed": 1, "draws": 100_000},
    }
    seen = watch(stop_after=20)
    with pytest.raises(Stopped):
        optimize(body, seen)
    assert len(seen.reports) == 21
    # 100,000 draws are seven blocks: it was stopped at the third point
    assert seen.reports[-1][0] <= 3


def test_all_inputs_may_be_chosen_and_a_watcher_sees_little_of_it(optimize, watch):
    seen = watch()
    answer = optimize({"parameters": [{}], "config": {"seed": 0}}, seen)
    assert answer["value"] < 1.3 and len(answer["decisions"]) > 10
    # no loan: its rate and years keep their values
    inputs = answer["best"]["inputs"]
    assert (inputs["loan_rate"], inputs["loan_years"]) == (0.04, 20)
    largest = max(len(orjson.dumps(partial)) for _, _, partial in seen.reports)
    assert largest <= 16_384


def test_a_spent_budget_gives_the_best_so_far_and_says_so(optimize, watch):
    seen = watch()
    answer = optimize({**BODY, "budget": 60}, seen)
    assert not answer["converged"] and answer["evaluations"] == 60
    assert "60 evaluations" in answer["message"]
    assert any("not converged" in warning for warning in seen.warnings)


def test_points_without_an_answer_are_counted(optimize):
    # sold for less than it costs to run, a plant has no rate of return
    selling = {"id": "selling_price", "range": [0.5, 5]}
    body = {"objective": "max", "output": "irr", "config": {"seed": 1}}
    answer = optimize({**body, "parameters": [selling]})
    assert answer["metadata"]["failed"] > 0
    assert answer["best"]["inputs"]["selling_price"] == 5


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"parameters": ["nope"]}, "parameters[0].id", "no input"),
        ({"parameters": ["S20"]}, "parameters[0].id", "choice"),
        (
            {"parameters": [{"id": "depreciation_method", "type": "categorical"}]},
            "parameters[0].id",
            "choice",
        ),
        (
            {"parameters": [{"id": "S11", "mode": "montecarlo", "values": []}]},
            "parameters[0].mode",
            "chosen and drawn",
        ),
        ({"parameters": ["S11"], "uncertain": ["S11"]}, "uncertain[0].id", "chosen"),
        ({"parameters": ["S11"], "uncertain": ["nope"]}, "uncertain[0].id", "no input"),
        (
            {"parameters": ["S11"], "config": {"statistic": "mean"}},
            "config.statistic",
            "nothing is uncertain",
        ),
        (
            {"parameters": [{"id": "S11", "range": [-5, 1]}]},
            "parameters[0]",
            "at least 0",
        ),
        (
            {
                "parameters": [
                    {"id": "S11", "compareToKey": "npv"},
                    {"id": "S12", "compareToKey": "irr"},
                ]
            },
            "output",
            "one objective",
        ),
        (
            {
                "parameters": ["S11"],
                "constraints": [{"expression": "S35", "op": "<=", "value": 1}],
            },
            "constraints[0].expression",
            "none of its inputs",
        ),
        (
            {
                "parameters": ["S11"],
                "uncertain": ["S35"],
                "constraints": [{"expression": "S11+S35", "op": "<=", "value": 1}],
            },
            "constraints[0].expression",
            "uncertain",
        ),
        (
            {
                "parameters": ["S11"],
                "constraints": [{"expression": "S11**2", "op": "<=", "value": 1}],
            },
            "constraints[0].expression",
            "character",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_by_its_field(optimize, body, field, says):
    with pytest.raises(InputError, match=says) as refused:
        optimize(body)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"budget": 0}, "budget"),
        ({"budget": {"evaluations": 0}}, "budget.evaluations"),
        ({"budget": {"seconds": 0}}, "budget.seconds"),
        ({"budget": True}, "budget"),
        ({"output": "profit"}, "output"),
        (
            {"constraints": [{"output": "profit", "op": "<=", "value": 1}]},
            "constraints[0].output",
        ),
        ({"parameters": [{"id": "S11", "range": [3, 1]}]}, "parameters[0].range"),
        ({"parameters": []}, "parameters"),
        ({"objective": "best"}, "objective"),
        ({"objective": "target"}, "body"),
        ({"target": 2.0}, "body"),
        ({"method": "magic"}, "method"),
        ({"constraints": [{"op": "<=", "value": 1}]}, "constraints[0]"),
        (
            {"constraints": [{"output": "npv", "op": "~", "value": 1}]},
            "constraints[0].op",
        ),
        ({"config": {"percentile": 50}}, "config"),
        ({"config": {"statistic": "percentile"}}, "config"),
        ({"config": {"draws": 1}}, "config.draws"),
        ({"config": {"sede": 1}}, "config.sede"),
    ],
)
def test_a_wrong_body_is_refused_by_its_field(change, field):
    with pytest.raises(ValidationError) as refused:
        validate(OptimizeRequest, {"parameters": ["S11"]} | change)
    assert refused.value.details[0]["field"] == field


def test_a_target_out_of_reach_is_refused_with_the_nearest_value(optimize):
    body = {"objective": "target", "target": 9.0, "parameters": [COST]}
    with pytest.raises(NoSolutionError, match="nearest value reached is 2.30") as told:
        optimize(body)
    assert told.value.field == "target"
    nearest = details_of(told.value)["nearest"]
    assert nearest["inputs"] == {"bare_erected_cost": 300e3}
    assert nearest["value"] == pytest.approx(price(bare_erected_cost=300e3), rel=1e-12)


def test_a_target_between_whole_numbers_is_answered_with_the_nearest(optimize):
    lifetime = {"id": "plant_lifetime", "range": [5, 40]}
    body = {"objective": "target", "target": 2.0, "parameters": [lifetime]}
    answer = optimize(body)
    assert not answer["converged"] and answer["solutions"] == []
    misses = {n: abs(price(plant_lifetime=n) - 2.0) for n in range(15, 26)}
    assert answer["best"]["inputs"]["plant_lifetime"] == min(
        misses, key=misses.__getitem__
    )


def test_no_feasible_point_is_refused_with_the_least_violated_one(optimize):
    limit = {"output": "npv", "op": ">=", "value": 1e9}
    body = {"parameters": [COST], "constraints": [limit], "budget": 2000}
    with pytest.raises(NoSolutionError, match="least violated") as told:
        optimize(body)
    assert told.value.field == "constraints"
    least = details_of(told.value)["least_violated"]["inputs"]
    # a population of 64 has come so near its end when the budget is spent
    assert least["bare_erected_cost"] == pytest.approx(100e3, rel=1e-4)


def test_contradicting_sums_are_refused_before_anything_is_computed(optimize, watch):
    limit = {"expression": "S11", "op": ">=", "value": 1e9}
    seen = watch()
    with pytest.raises(NoSolutionError, match="no point within the ranges") as told:
        optimize({"parameters": [COST], "constraints": [limit]}, seen)
    assert details_of(told.value)["least_violated"]["inputs"] == {
        "bare_erected_cost": 300e3
    }
    assert len(seen.reports) == 1


def test_ranges_without_any_answer_are_refused(optimize):
    selling = {"id": "selling_price", "range": [0.01, 0.02]}
    body = {"output": "irr", "parameters": [selling], "budget": 300}
    with pytest.raises(NoSolutionError, match="none of the") as told:
        optimize(body)
    assert told.value.field == "parameters"


def test_the_seeds_forms_of_parameters_are_understood(optimize):
    answer = optimize({"parameters": {"bare_erected_cost": {"range": [1e5, 2e5]}}})
    assert answer["best"]["inputs"] == {"bare_erected_cost": 1e5}
    moved = {"S11": {"mode": "percentage", "values": [-10, 10], "compareToKey": "npv"}}
    answer = optimize({"parameters": moved, "objective": "max"})
    assert answer["metadata"]["output"] == "npv"
    assert answer["best"]["inputs"] == {"S11": pytest.approx(180e3)}
    assert math.isfinite(answer["improvement"])


def test_the_worked_example_of_the_page_gives_the_same_cost(optimize):
    page = DOCS / "optimization.md"
    (code,) = [b.body for b in blocks(page) if b.info == "python"]
    worked: dict[str, Any] = {}
    exec(code, worked)
    for cost in (150_000, 250_000):
        shown = worked[f"price_at_{cost:_}"]
        assert shown == pytest.approx(price(bare_erected_cost=float(cost)), rel=1e-13)
    text = page.read_text()
    assert f"`cost` is {worked['cost']:,.3f}" in text
    request = re.search(r'^`(\{"objective": "target".*\})`$', text, re.M)
    assert request is not None
    answer = optimize(orjson.loads(request[1]))
    found = answer["best"]["inputs"]["S11"]
    assert found == pytest.approx(worked["cost"], rel=1e-12)
    assert f"from {answer['evaluations']} points" in text


def test_a_formula_is_searched_like_a_plant(optimize):
    model = {
        "outputs": {"valley": "(1-a)**2 + 100*(b-a**2)**2", "total": "a + b"},
        "inputs": {
            "a": {"value": -1.2, "range": [-2, 2]},
            "b": {"value": 1, "range": [-2, 2]},
        },
    }
    body = {"model": model, "parameters": ["a", "b"], "config": {"seed": 1}}
    answer = optimize(body)
    assert answer["metadata"]["output"] == "valley"
    assert answer["best"]["inputs"] == pytest.approx({"a": 1.0, "b": 1.0}, abs=1e-6)
    assert answer["best"]["outputs"]["total"] == pytest.approx(2.0, abs=1e-6)
    limit = {"output": "total", "op": "<=", "value": 1}
    within = optimize({**body, "constraints": [limit]})
    assert within["active_constraints"] == ["total <= 1"]
    goal = {"objective": "target", "output": "total", "target": 3}
    met = optimize({**body, **goal})["best"]["outputs"]["total"]
    assert met == pytest.approx(3.0, rel=1e-12)
