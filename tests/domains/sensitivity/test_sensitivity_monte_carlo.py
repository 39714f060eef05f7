"""Monte Carlo of the price: the answer's shape and its numbers."""

from __future__ import annotations

import math

import orjson
import pytest

from flask_api.analysis import Stopped
from flask_api.numerics import NoSolutionError

LABOR = {"kind": "normal", "mean": 24_000, "std": 2_400}
UTILITY = {"kind": "normal", "mean": 5_000, "std": 1_000}
COSTS = [
    {"id": "S35", "distribution": LABOR},
    {"id": "S36", "distribution": UTILITY},
]


def test_yearly_costs_move_the_price_by_cost_over_units(monte_carlo):
    # Fully deductible costs enter the price linearly: its law is a normal one.
    n = 65_536
    body = {
        "parameters": COSTS,
        "iterations": n,
        "config": {"seed": 0, "target": {"op": "<", "value": 2.0057890737900124}},
    }
    answer = monte_carlo(body)
    r = answer["results"]
    std = math.hypot(2_400, 1_000) / 30_000
    assert r["mean"] == pytest.approx(2.0057890737900124, abs=4 * std / math.sqrt(n))
    assert r["std"] == pytest.approx(std, rel=4 / math.sqrt(2 * n))
    assert r["probability_of_target"] == pytest.approx(0.5, abs=2 / math.sqrt(n))
    shares = {row["id"]: row["variance_share"] for row in r["contribution"]}
    assert shares == pytest.approx({"S35": 5.76 / 6.76, "S36": 1 / 6.76}, abs=0.01)
    alone = r["per_parameter"]["S35"]
    assert alone["std"] == pytest.approx(2_400 / 30_000, rel=4 / math.sqrt(2 * 16_384))
    assert alone["n"] == answer["metadata"]["per_parameter_draws"] == 16_384


def test_the_answer_has_the_promised_keys(monte_carlo):
    answer = monte_carlo({"parameters": COSTS, "iterations": 1000})
    assert set(answer) == {"results", "iterations", "converged", "metadata"}
    assert answer["converged"] is None
    promised = {
        "distribution",
        "percentiles",
        "mean",
        "std",
        "sem",
        "skewness",
        "kurtosis",
        "min",
        "max",
        "probability_of_target",
        "convergence",
        "contribution",
        "outputs",
        "per_parameter",
    }
    assert promised <= set(answer["results"])
    assert set(answer["results"]["convergence"][0]) == {"n", "mean", "low", "high"}
    assert sum(
        b["probability"] for b in answer["results"]["distribution"]
    ) == pytest.approx(1)


def test_all_outputs_come_from_the_same_draws(monte_carlo):
    answer = monte_carlo(
        {
            "parameters": COSTS,
            "iterations": 2000,
            "config": {"outputs": ["price", "npv", "irr"], "bins": 7},
        }
    )
    outputs = answer["results"]["outputs"]
    assert list(outputs) == ["price", "npv", "irr"]
    assert all(len(o["distribution"]) == 7 for o in outputs.values())
    assert outputs["price"]["mean"] == answer["results"]["mean"]
    correlations = [o["contribution"][0]["rank_correlation"] for o in outputs.values()]
    assert correlations[0] > 0.9
    assert correlations[1] == pytest.approx(-correlations[0], abs=1e-3)


@pytest.mark.parametrize("sampling", ["sobol", "random"])
def test_the_same_seed_gives_the_same_bits(sampling, monte_carlo):
    def run(seed):
        config = {"seed": seed, "sampling": sampling}
        return monte_carlo(
            {"parameters": ["S11", "S35"], "iterations": 20_000, "config": config}
        )

    zero, again, one = run(0), run(0), run(1)
    assert zero == again
    assert zero["results"]["mean"] != one["results"]["mean"]


def test_an_unasked_seed_is_drawn_and_told(monte_carlo):
    body = {"parameters": ["S11"], "iterations": 500}
    first = monte_carlo(body)
    seed = first["metadata"]["seed"]
    assert (
        monte_carlo({**body, "config": {"seed": seed}})["results"] == first["results"]
    )
    assert monte_carlo(body)["metadata"]["seed"] != seed


def test_a_parameter_without_distribution_says_what_was_assumed(monte_carlo):
    answer = monte_carlo(
        {
            "parameters": ["S11", {"id": "S35", "range": [20e3, 30e3]}, COSTS[1]],
            "iterations": 500,
        }
    )
    inputs = answer["metadata"]["inputs"]
    assert inputs["S35"]["distribution"] == {"kind": "uniform", "low": 2e4, "high": 3e4}
    assert inputs["S36"]["distribution"] == UTILITY
    assert inputs["S11"]["origin"] in ("range", "default", "model")
    said = [text for text in answer["metadata"]["assumptions"] if "S11" in text]
    assert len(said) == (inputs["S11"]["origin"] != "model")


def test_draws_without_a_solution_are_counted_and_left_out(monte_carlo, watch):
    # No plant sells a negative number of units: half of the draws have no price.
    item = {"id": "S12", "distribution": {"kind": "uniform", "low": -1e4, "high": 1e4}}
    seen = watch()
    answer = monte_carlo({"parameters": [item], "iterations": 4096}, seen)
    assert answer["metadata"]["failed_draws"] == 2048
    assert answer["metadata"]["n"] == 2048
    assert "2048 of 4096 draws" in seen.warnings[0]
    assert answer["metadata"]["warnings"] == seen.warnings


def test_a_run_without_any_solution_says_so(monte_carlo):
    item = {"id": "S12", "distribution": {"kind": "constant", "value": -1}}
    with pytest.raises(NoSolutionError, match="none of the 500 draws"):
        monte_carlo({"parameters": [item], "iterations": 500})


def test_the_histogram_grows_while_it_runs(monte_carlo, watch):
    seen = watch()
    answer = monte_carlo({"parameters": ["S11", "S35"], "iterations": 50_000}, seen)
    draws = [partial["n"] for _, _, partial in seen.reports]
    assert list(dict.fromkeys(draws))[:3] == [0, 64, 128]
    assert draws == sorted(draws)
    last = seen.reports[-1]
    assert last[0] == last[1]
    assert {"histogram", "mean", "p5", "p50", "p95"} <= set(last[2])
    assert last[2]["mean"] == answer["results"]["mean"]
    assert all(len(orjson.dumps(p)) < 16_000 for _, _, p in seen.reports)
    done = [report[0] for report in seen.reports]
    assert done == sorted(done)


@pytest.mark.parametrize("after", [0, 1, 8, 12])
def test_it_stops_when_told(after, monte_carlo, watch):
    with pytest.raises(Stopped):
        monte_carlo({"parameters": ["S11", "S35"]}, watch(stop_after=after))


def test_an_input_that_is_zero_can_be_drawn_and_analyzed(monte_carlo, analyze):
    shape = {"kind": "uniform", "low": 0, "high": 20_000}
    body = {"parameters": [{"id": "owners_costs", "distribution": shape}]}
    answer = monte_carlo({**body, "iterations": 500})
    assert answer["results"]["min"] >= 2.0057890737900124
    metadata = analyze(body)["results"]["owners_costs"]["metadata"]
    assert metadata["range"] == pytest.approx({"min": 1_000, "max": 19_000})


def test_a_choice_cannot_be_drawn(monte_carlo):
    item = {"id": "S20", "type": "categorical", "values": ["7-MACRS"]}
    with pytest.raises(ValueError, match="can't be drawn"):
        monte_carlo({"parameters": [item]})


def test_that_years_are_rounded_is_told(monte_carlo):
    body = {"parameters": [{"id": "S10", "range": [10, 30]}], "iterations": 100}
    said = monte_carlo(body)["metadata"]["assumptions"]
    assert "S10: draws are rounded to whole years" in said


def test_a_stop_is_heard_within_a_block_of_many_lifetimes(monte_carlo, watch):
    body = {"parameters": [{"id": "S10", "range": [1, 100]}], "iterations": 60_000}
    seen = watch(stop_after=300)
    with pytest.raises(Stopped):
        monte_carlo(body, seen)
    # the report that raised repeats the one before: no block had ended in between
    assert seen.reports[-1] == seen.reports[-2]
