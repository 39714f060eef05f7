"""The Monte Carlo driver, judged by models whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from flask_api.numerics.contribution import (
    average_ranks,
    rank_correlation,
    variance_share,
)
from flask_api.numerics.distributions import make
from flask_api.numerics.monte_carlo import simulate
from flask_api.numerics.one_at_a_time import curves, elasticity, impact_score
from flask_api.numerics.streams import stream
from flask_api.numerics.summary import Question, Summary

NORMALS = {
    name: make({"kind": "normal", "mean": 1, "std": std})
    for name, std in {"a": 1.0, "b": 2.0, "c": 3.0}.items()
}


def last(model, inputs, n, **options):
    options.setdefault("seed", 0)
    *_, state = simulate(model, inputs, ["y"], n, **options)
    return state


def total(x):
    return {"y": sum(x.values())}


@pytest.mark.parametrize("sampling", ["random", "sobol"])
def test_a_sum_of_normals_has_the_mean_variance_and_shares_of_the_book(sampling):
    n = 2**17
    state = last(
        total, NORMALS, n, sampling=sampling, question=Question(target=("<", 3))
    )
    r = state.summaries["y"].report()
    std = math.sqrt(14)
    # four standard errors of independent draws
    assert r["mean"] == pytest.approx(3, abs=4 * std / math.sqrt(n))
    assert r["std"] == pytest.approx(std, rel=4 / math.sqrt(2 * n))
    assert r["skewness"] == pytest.approx(0, abs=4 * math.sqrt(6 / n))
    assert r["kurtosis"] == pytest.approx(0, abs=4 * math.sqrt(24 / n))
    assert r["probability_of_target"] == pytest.approx(0.5, abs=2 / math.sqrt(n))
    interval = r["probability_interval"]
    assert interval["lower"] < 0.5 < interval["upper"]
    p = {row["percentile"]: row["value"] for row in r["percentiles"]}
    # sqrt(p(1-p)/n)/density at 5 %: 2.1 std/sqrt(n); four of it
    assert p[5] == pytest.approx(3 - 1.6448536 * std, abs=8.5 * std / math.sqrt(n))
    shares = {c["id"]: c["variance_share"] for c in state.contribution("y")}
    # sample share of 65,536 draws: error below 2 sqrt(share/m) = 0.007
    expected = {"a": 1 / 14, "b": 4 / 14, "c": 9 / 14}
    assert shares == pytest.approx(expected, abs=0.008)
    assert [c["id"] for c in state.contribution("y")] == ["c", "b", "a"]


def test_a_product_of_lognormals_is_lognormal():
    inputs = {
        "a": make({"kind": "lognormal", "mu": 0.1, "sigma": 0.3}),
        "b": make({"kind": "lognormal", "mu": -0.2, "sigma": 0.4}),
    }
    n = 2**16
    r = last(lambda x: {"y": x["a"] * x["b"]}, inputs, n).summaries["y"].report()
    truth = stats.lognorm(0.5, 0, math.exp(-0.1))
    assert r["mean"] == pytest.approx(truth.mean(), abs=4 * truth.std() / math.sqrt(n))
    p = {row["percentile"]: row["value"] for row in r["percentiles"]}
    for q in (5, 50, 95):
        # four standard errors of a quantile: sqrt(p(1-p)/n)/density
        error = math.sqrt(q / 100 * (1 - q / 100) / n) / truth.pdf(truth.ppf(q / 100))
        assert p[q] == pytest.approx(truth.ppf(q / 100), abs=4 * error)


def test_the_sum_of_two_uniforms_is_a_triangle():
    inputs = {k: make({"kind": "uniform", "low": 0, "high": 1}) for k in "ab"}
    ask = Question(bins=4, target=(">=", 1.5))
    r = last(total, inputs, 2**16, question=ask).summaries["y"].report()
    assert r["probability_of_target"] == pytest.approx(1 / 8, abs=4 * 0.33 / 256)
    shares = [b["probability"] for b in r["distribution"]]
    # the outermost draw lies some 1/256 inside [0, 2]: edges move by half of that
    assert shares == pytest.approx([1 / 8, 3 / 8, 3 / 8, 1 / 8], abs=0.01)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    runs = [
        last(total, NORMALS, 5000, seed=s).summaries["y"].report() for s in (0, 0, 1)
    ]
    assert runs[0] == runs[1]
    assert runs[0]["mean"] != runs[2]["mean"]


def test_sobol_points_settle_much_faster_than_random_ones():
    errors = {}
    for sampling in ("random", "sobol"):
        means = [
            last(total, NORMALS, 4096, seed=s, sampling=sampling)
            .summaries["y"]
            .moments.mean
            for s in range(20)
        ]
        errors[sampling] = math.sqrt(np.mean([(m - 3) ** 2 for m in means]))
    # 20 seeds tell a root mean square to 16 %; the ratio is some 60 here
    assert errors["sobol"] < errors["random"] / 10


def test_every_draw_is_counted_once_and_failed_ones_are_left_out():
    def half(x):
        return {"y": np.where(x["a"] > 1, x["a"], np.nan)}

    s = last(half, NORMALS, 10_000).summaries["y"]
    assert s.failed == 5000  # Sobol: exactly half lie above the median
    assert s.moments.n == 5000
    assert s.moments.low > 1


def test_a_model_without_any_solution_has_no_statistics():
    state = last(lambda x: {"y": x["a"] * np.nan}, NORMALS, 500)
    r = state.summaries["y"].report()
    assert (r["n"], r["failed"], r["mean"], r["distribution"]) == (0, 500, None, [])
    assert state.contribution("y")[0]["rank_correlation"] is None


@pytest.mark.parametrize("n", [100, 1000, 300_000])
def test_the_convergence_series_is_short_and_ends_at_the_result(n):
    r = last(total, {"a": NORMALS["a"]}, n).summaries["y"].report()
    series = r["convergence"]
    assert 2 <= len(series) <= 60
    assert [p["n"] for p in series] == sorted({p["n"] for p in series})
    assert series[-1]["n"] == n
    assert series[-1]["mean"] == r["mean"]
    assert series[-1]["high"] - r["mean"] == pytest.approx(
        1.959964 * r["sem"], rel=1e-6
    )


def test_the_first_state_comes_after_a_few_draws_and_the_last_is_complete():
    done = [s.done for s in simulate(total, NORMALS, ["y"], 50_000, seed=0)]
    assert done[0] == 64
    assert done == sorted(set(done))
    assert done[-1] == 50_000


def test_above_the_exact_limit_the_error_is_stated_and_kept():
    ask = Question(exact=10_000)
    r = last(total, {"a": NORMALS["a"]}, 100_000, question=ask).summaries["y"].report()
    assert 0 < r["percentile_rank_error"] < 1e-3
    for row in r["percentiles"]:
        truth = stats.norm(1, 1).cdf(row["value"])
        assert truth == pytest.approx(row["percentile"] / 100, abs=1e-3)


def test_ranks_and_their_correlation_are_scipys_with_ties_too():
    rng = stream(1)
    x, y = rng.integers(0, 9, 500).astype(float), rng.random(500)
    assert average_ranks(x).tolist() == stats.rankdata(x).tolist()
    assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
    assert rank_correlation(np.ones(9), y[:9]) is None


def test_a_parabola_counts_in_full_though_its_correlation_is_nothing():
    x, noise = stream(2).standard_normal((2, 65_536))
    y = x**2 + noise  # variance 2 + 1
    assert rank_correlation(x, y) == pytest.approx(0, abs=4 / 256)
    # error of a sampled share: fourth moments of x^2 make it some 0.005
    assert variance_share(x, y) == pytest.approx(2 / 3, abs=0.02)
    assert variance_share(noise, y) == pytest.approx(1 / 3, abs=0.02)
    assert variance_share(np.ones(100), y[:100]) == 0.0
    assert variance_share(x[:100], np.ones(100)) is None


def test_one_input_moves_and_its_slope_is_the_derivative():
    def cubic(x):
        return {"y": x["a"] ** 3, "z": 2 * x["a"]}

    values = np.array([1.0, 2.0, 3.0])
    found = curves(cubic, {"a": 2.0}, "a", values, (0.0, np.inf), ["y", "z"])
    assert found["y"].results.tolist() == [1.0, 8.0, 27.0]
    assert (found["y"].low, found["y"].high, found["y"].swing) == (1.0, 27.0, 26.0)
    # central difference of step 2e-5: error h^2 = 4e-10 of f''' / 6 = 1
    assert found["y"].slope == pytest.approx(12, rel=1e-9)
    assert elasticity(found["y"].slope, 2.0, 8.0) == pytest.approx(3, rel=1e-9)
    assert elasticity(found["z"].slope, 2.0, 0.0) is None
    assert impact_score(26.0, 8.0) == pytest.approx(26 / 34)
    assert impact_score(0.0, 0.0) == 0.0


def test_a_slope_at_the_edge_is_one_sided():
    def root(x):
        return {"y": np.sqrt(np.where(x["a"] >= 1, x["a"], np.nan))}

    found = curves(root, {"a": 1.0}, "a", np.array([1.0, 4.0]), (1.0, 9.0), ["y"])
    # forward difference of step 1e-5: error h f''/2 = 1.25e-6
    assert found["y"].slope == pytest.approx(0.5, abs=2e-6)


def test_beside_a_negative_result_elasticity_changes_sign_and_impact_does_not():
    assert elasticity(2.0, 3.0, -4.0) == -1.5
    assert elasticity(2.0, 3.0, 0.0) is None
    assert impact_score(1.0, -3.0) == 0.25


def test_an_input_without_effect_has_no_share_on_average():
    rng = np.random.default_rng(0)
    found = [variance_share(*rng.random((2, 200))) for _ in range(400)]
    shares = np.array([share for share in found if share is not None])
    spread = float(shares.std()) / 20  # standard error of the mean of 400
    assert len(shares) == 400
    assert shares.mean() == pytest.approx(0, abs=4 * spread)


def test_percentiles_of_a_summary_are_those_of_all_its_values():
    summary = Summary(Question(percentiles=(0, 33, 100)), 300)
    values = np.random.default_rng(1).lognormal(size=300) + np.arange(300)
    for part in np.split(values, 3):
        summary.add(part)
    found = [row["value"] for row in summary.report()["percentiles"]]
    # numpy interpolates from the other end: one rounding
    assert found == pytest.approx(np.percentile(values, [0, 33, 100]), rel=1e-15)
