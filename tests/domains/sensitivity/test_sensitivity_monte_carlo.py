"""Monte Carlo of the price: the answer's shape and its numbers."""

from __future__ import annotations

import math

import orjson
import pytest

from flask_api.analysis import Stopped
from flask_api.numerics import InputError, NoSolutionError

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


# -- sampling, correlation, stopping ---------------------------------------------------

SUM = {
    "formula": "a + b",
    "inputs": {
        "a": {"distribution": {"kind": "normal", "mean": 5, "std": 3}},
        "b": {"distribution": {"kind": "normal", "mean": 5, "std": 4}},
    },
}


def of_sum(monte_carlo, iterations=16_384, watch=None, **config):
    body = {"model": SUM, "parameters": ["a", "b"], "iterations": iterations}
    return monte_carlo(body | {"config": {"seed": 1, **config}}, watch)


@pytest.mark.parametrize("sampling", ["lhs", "sobol"])
def test_even_points_know_a_mean_better_than_independent_draws(sampling, monte_carlo):
    answer = of_sum(monte_carlo, sampling=sampling)
    # additive: both err by far less than 5/sqrt(n) = 0.04
    assert answer["results"]["mean"] == pytest.approx(10, abs=1e-3)
    # a hypercube leaves the covariance to chance: 12/sqrt(n), a fifth of it in std
    error = 12 / math.sqrt(16_384) / 5
    assert answer["results"]["std"] == pytest.approx(5, abs=4 * error)
    said = " ".join(answer["metadata"]["assumptions"])
    assert ("Latin" in said) == (sampling == "lhs")


@pytest.mark.parametrize("sampling", ["sobol", "lhs", "random"])
@pytest.mark.parametrize(
    "correlation",
    [
        {"pairs": [["a", "b", 0.5]]},
        [["b", "a", 0.5]],
        {"names": ["a", "b"], "matrix": [[1, 0.5], [0.5, 1]]},
        {"pairs": [["a", "b", 0.5]], "method": "iman_conover"},
    ],
)
def test_correlated_inputs_add_their_covariance(sampling, correlation, monte_carlo):
    n = 16_384
    answer = of_sum(monte_carlo, n, sampling=sampling, correlation=correlation)
    rho = 2 * math.sin(math.pi / 6 * 0.5)
    std = math.sqrt(3**2 + 4**2 + 2 * rho * 3 * 4)
    # four standard errors of a standard deviation of normal draws
    assert answer["results"]["std"] == pytest.approx(std, rel=4 / math.sqrt(2 * n))
    assert all("own_share" in row for row in answer["results"]["contribution"])
    told = answer["metadata"]["correlation"]
    assert told["names"] == ["a", "b"] and told["matrix"][0][1] == 0.5
    said = answer["metadata"]["assumptions"][0]
    assert said == "a, b are correlated by rank; all others vary independently"


def test_inputs_of_a_plant_are_correlated_under_any_name(monte_carlo):
    n = 16_384
    correlation = {"pairs": [["laborAmount35", "S36", 0.8]]}
    body = {"parameters": COSTS, "iterations": n}
    answer = monte_carlo(body | {"config": {"seed": 1, "correlation": correlation}})
    rho = 2 * math.sin(math.pi / 6 * 0.8)
    std = math.sqrt(2_400**2 + 1_000**2 + 2 * rho * 2_400 * 1_000) / 30_000
    assert answer["results"]["std"] == pytest.approx(std, rel=4 / math.sqrt(2 * n))
    assert answer["metadata"]["correlation"]["names"] == ["S35", "S36"]


@pytest.mark.parametrize("sampling", ["sobol", "lhs", "random"])
def test_a_run_stops_once_its_metric_is_known(sampling, monte_carlo, watch):
    seen = watch()
    stop = {"metric": "mean", "relative_error": 0.01}
    answer = of_sum(monte_carlo, 1_000_000, seen, sampling=sampling, stop=stop)
    assert answer["converged"] is True
    assert 1024 <= answer["iterations"] < 1_000_000
    told = answer["metadata"]["stop"]
    assert told["converged"] and told["reached"] <= 0.01
    assert told["draws"] == answer["iterations"] == answer["metadata"]["n"]
    assert told["lower"] <= 10 <= told["upper"]
    assert answer["metadata"]["replicates"] == (1 if sampling == "random" else 16)
    shares = [done / total for done, total, _ in seen.reports]
    assert shares == sorted(shares) and shares[-1] == 1
    assert any("stop" in partial for _, _, partial in seen.reports)


def test_a_run_that_does_not_get_there_says_so(monte_carlo, watch):
    seen = watch()
    stop = {"metric": "p99", "relativeError": 1e-6}
    answer = of_sum(monte_carlo, 5000, seen, stop=stop, sampling="random")
    assert answer["converged"] is False and answer["iterations"] == 5000
    assert "give more iterations" in seen.warnings[0]


def test_intervals_from_replicates_are_those_of_even_points(monte_carlo):
    one = of_sum(monte_carlo)["results"]
    many = of_sum(monte_carlo, replicates=16)
    assert many["results"]["sem"] < one["sem"] / 5
    # 16 designs: Student's t with 15 degrees of freedom; six of these is never
    assert abs(many["results"]["mean"] - 10) < 6 * many["results"]["sem"]
    assert any("16 independent designs" in t for t in many["metadata"]["assumptions"])


@pytest.mark.parametrize(
    ("config", "field", "says"),
    [
        ({"correlation": {}}, "config.correlation", "wanted"),
        ({"correlation": [["a", "z", 0.5]]}, "config.correlation.pairs[0][1]", "'z'"),
        ({"correlation": [["a", "a", 0.5]]}, "config.correlation.pairs[0]", "always 1"),
        ({"correlation": [["a", "b", 2]]}, "config.correlation.pairs[0][2]", "-1 to 1"),
        ({"correlation": {"pairs": [], "method": "magic"}}, "config.correlation.method",
         "copula"),
        ({"stop": {"metric": "mode", "relative_error": 0.1}}, "config.stop.metric",
         "p90"),
        ({"stop": {"metric": "probability_of_target", "relative_error": 0.1}},
         "config.stop.metric", "config.target"),
    ],
)  # fmt: skip
def test_a_wrong_correlation_or_stop_is_refused(config, field, says, monte_carlo):
    with pytest.raises(InputError) as caught:
        of_sum(monte_carlo, **config)
    assert caught.value.field == field
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("config", "field", "says"),
    [
        ({"outputs": ["price", "cost"]}, "config.outputs[1]", "price, npv, irr"),
        ({"stop": {"metric": "mean", "relative_error": 0.1, "output": "cost"}},
         "config.stop.output", "price, npv, irr"),
    ],
)  # fmt: skip
def test_an_output_that_is_none_is_refused_before_a_job_is_made(
    config, field, says, client
):
    params = {"parameters": ["S11"], "config": config}
    body = {"kind": "sensitivity.monte_carlo", "params": params}
    got = client.post("/api/jobs", json=body)
    assert got.status_code == 400, got.json
    assert got.json["details"][0]["field"] == field
    assert says in got.json["details"][0]["problem"]


def test_a_stop_goes_by_an_output_that_is_computed(client):
    stop = {"metric": "mean", "relative_error": 0.1, "output": "npv"}
    body = {"parameters": ["S11"], "config": {"stop": stop}}
    got = client.post("/sensitivity/monte-carlo", json=body)
    assert got.status_code == 400, got.json
    assert got.json["details"][0]["field"] == "config.stop.output"
    assert "these are computed: price" in got.json["message"]


def test_an_impossible_correlation_is_refused_with_the_nearest(client):
    matrix = [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]
    body = {
        "parameters": ["S11", "S35", "S36"],
        "config": {"correlation": {"names": ["S11", "S35", "S36"], "matrix": matrix}},
    }
    got = client.post("/sensitivity/monte-carlo", json=body)
    assert got.status_code == 400, got.json
    assert got.json["details"][0]["field"] == "config.correlation"
    assert "nearest" in got.json["message"]
    nearest = next(d["nearest"] for d in got.json["details"] if "nearest" in d)
    assert len(nearest["matrix"]) == 3
    again = client.post(
        "/sensitivity/monte-carlo",
        json=body | {"config": {"correlation": nearest}, "iterations": 100},
    )
    assert again.status_code == 200, again.json
