"""Stop rules, honest intervals, and what inputs contribute when they move together."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from scipy.stats import binom

from flask_api.numerics import InputError
from flask_api.numerics.correlation import read_correlation
from flask_api.numerics.designs import blocks
from flask_api.numerics.distributions import make
from flask_api.numerics.monte_carlo import Simulation, simulate
from flask_api.numerics.replicates import half_width
from flask_api.numerics.stopping import StopRule, read_metric, read_stop
from flask_api.numerics.summary import Metric, Question

NORMALS = {
    name: make({"kind": "normal", "mean": 1, "std": std})
    for name, std in {"a": 1.0, "b": 2.0, "c": 3.0}.items()
}
UNIFORMS = {name: make({"kind": "uniform", "low": 0, "high": 1}) for name in "ab"}


def total(x):
    return {"y": sum(x.values())}


def bent(x):
    """Smooth and not additive: mean (e - 1)^2, so Sobol points gain much."""
    return {"y": np.exp(x["a"]) * np.exp(x["b"])}


def last(model, inputs, n, **options) -> Simulation:
    options.setdefault("seed", 0)
    *_, state = simulate(model, inputs, ["y"], n, **options)
    return state


def stop(metric, error):
    return StopRule(read_metric(metric, "m"), error)


@pytest.mark.parametrize("sampling", ["sobol", "lhs", "random"])
@pytest.mark.parametrize(
    ("metric", "truth"),
    [
        ("mean", 3.0),
        ("std", math.sqrt(14)),
        ("p90", 3 + 1.2815515655 * math.sqrt(14)),
        ("probability_of_target", 0.5),
    ],
)
def test_a_run_ends_when_its_number_is_known_and_the_number_is_right(
    sampling, metric, truth
):
    state = last(
        total,
        NORMALS,
        2**20,
        sampling=sampling,
        stop=stop(metric, 0.01),
        question=Question(target=("<", 3.0)),
    )
    assert state.converged
    assert state.reached is not None
    r = state.reached.report()
    assert r["reached"] <= 0.01
    assert r["draws"] == state.done < 2**20
    assert state.done in {start + n for start, n in blocks(2**20)}
    # half the interval is 1.96 standard errors: twice that is nearly four
    assert r["value"] == pytest.approx(truth, rel=0.02)
    expected = "independent draws" if sampling == "random" else "16 replicates"
    assert r["basis"] == expected
    series = state.summaries["y"].report()["convergence"]
    assert series[-1]["n"] == state.done


def test_sobol_points_stop_far_earlier_than_random_ones():
    rule = stop("mean", 0.002)
    draws = {
        s: last(total, NORMALS, 2**20, sampling=s, stop=rule).done
        for s in ("sobol", "random")
    }
    assert draws["sobol"] * 20 < draws["random"]


def test_what_is_not_reached_is_said():
    state = last(total, NORMALS, 5000, sampling="random", stop=stop("mean", 1e-6))
    assert state.converged is False
    assert state.done == 5000
    assert state.reached is not None
    r = state.reached.report()
    assert r["wanted"] == 1e-6
    # 1.96 sqrt(14)/sqrt(5000)/3, whose own scatter is 1 % of it
    assert r["reached"] == pytest.approx(1.96 * math.sqrt(14 / 5000) / 3, rel=0.1)
    assert r["draws"] == 5000


def test_a_metric_of_nothing_is_never_reached():
    centred = {"a": make({"kind": "constant", "value": 0})}
    state = last(total, centred, 3000, stop=stop("mean", 0.1))
    assert state.converged is False
    assert state.reached is not None
    assert state.reached.report()["reached"] is None
    failed = last(lambda x: {"y": x["a"] * np.nan}, NORMALS, 3000, stop=stop("p5", 0.1))
    assert failed.converged is False
    assert failed.reached is not None
    assert failed.reached.report()["value"] is None


def test_without_a_rule_there_is_nothing_to_converge_to():
    assert last(total, NORMALS, 200).converged is None


def covered(n, runs, truths, **options):
    """Per metric, how many of `runs` intervals hold the truth."""
    watched = next((metric for metric in truths if metric.share), None)
    question = Question(target=("<", 2.0), watched=watched)
    hits = dict.fromkeys(truths, 0)
    for seed in range(runs):
        state = last(bent, UNIFORMS, n, seed=seed, question=question, **options)
        for metric, truth in truths.items():
            found = state.summaries["y"].interval(metric)
            assert found is not None
            hits[metric] += found.lower <= truth <= found.upper
    return list(hits.values())


MEAN = (math.e - 1) ** 2
SECOND = ((math.e**2 - 1) / 2) ** 2
STD = math.sqrt(SECOND - MEAN**2)
#: y < 2 where a + b < log 2, a triangle of area (log 2)^2 / 2
SMALL = math.log(2) ** 2 / 2


TRUTHS = {
    Metric("mean"): MEAN,
    Metric("std"): STD,
    Metric("probability_of_target"): SMALL,
}


@pytest.mark.parametrize(
    ("sampling", "replicates"),
    [("sobol", 8), ("sobol", 16), ("lhs", 16), ("random", 1)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(sampling, replicates):
    runs = 200
    # 95 % of 200, within what 1 in 10,000 binomial counts would leave
    low, high = binom.ppf([5e-5, 1 - 5e-5], runs, 0.95)
    for hits in covered(1024, runs, TRUTHS, sampling=sampling, replicates=replicates):
        assert low <= hits <= high


@pytest.mark.parametrize(("sampling", "replicates"), [("lhs", 16), ("random", 1)])
def test_a_percentile_is_held_too(sampling, replicates):
    # y < q where a + b < log q: q = exp(sqrt(2 p)) for p below a half
    truths = {Metric("p25", 0.25): math.exp(math.sqrt(0.5))}
    low, high = binom.ppf([5e-5, 1 - 5e-5], 100, 0.95)
    (hits,) = covered(2048, 100, truths, sampling=sampling, replicates=replicates)
    assert low <= hits <= high


def test_one_scramble_alone_would_be_far_too_modest():
    # the formula for independent draws covers always: no honest 95 %
    state = last(bent, UNIFORMS, 4096)
    plain = state.summaries["y"].interval(Metric("mean"))
    sixteen = last(bent, UNIFORMS, 4096, replicates=16)
    honest = sixteen.summaries["y"].interval(Metric("mean"))
    assert plain is not None
    assert honest is not None
    assert (honest.upper - honest.lower) * 10 < plain.upper - plain.lower
    assert abs(honest.value - MEAN) < (plain.upper - plain.lower) / 20


def test_replicates_tell_the_standard_error_and_the_convergence_band():
    r = last(bent, UNIFORMS, 4096, replicates=16).summaries["y"].report()
    end = r["convergence"][-1]
    # Student's t of 15 degrees: 2.1314
    assert end["high"] - end["mean"] == pytest.approx(2.13145 * r["sem"], rel=1e-4)


def test_a_rare_target_keeps_an_interval_of_some_width():
    state = last(
        bent, UNIFORMS, 2048, replicates=16, question=Question(target=(">", 7.38))
    )
    found = state.summaries["y"].interval(Metric("probability_of_target"))
    assert found is not None
    assert found.upper > 0
    assert found.basis == "independent draws"


def test_students_interval_is_the_one_of_the_book():
    # 1, 2, 3: mean 2, spread 1/sqrt(3), t = 4.30265
    assert half_width([1, 2, 3], 0.95) == pytest.approx(
        4.30265 / math.sqrt(3), rel=1e-5
    )
    assert half_width([1], 0.95) is None
    assert half_width([1, None, 2], 0.95) is None


def test_a_stop_rule_gives_the_same_bits_each_time():
    runs = [last(total, NORMALS, 10**5, stop=stop("p5", 0.02)) for _ in range(2)]
    assert runs[0].done == runs[1].done
    assert runs[0].summaries["y"].report() == runs[1].summaries["y"].report()


@pytest.mark.parametrize("sampling", ["lhs", "sobol"])
def test_memory_does_not_grow_with_the_draws(sampling):
    peaks = []
    for n in (2**17, 2**19):
        tracemalloc.start()
        last(total, NORMALS, n, sampling=sampling, question=Question(exact=1000))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_correlated_inputs_explain_together_what_the_book_says():
    # y = a + b + c, all of variance 1, a and b correlated by r: variance 3 + 2 r.
    # Knowing a explains (1 + r)^2, what only a tells 1 - r^2, c 1 both ways.
    inputs = {k: make({"kind": "normal", "mean": 0, "std": 1}) for k in "abc"}
    ranks = 0.6
    r = 2 * math.sin(math.pi / 6 * ranks)
    asked = read_correlation([["a", "b", ranks]], list(inputs))
    n = 2**16
    state = last(total, inputs, n, correlation=asked)
    variance = 3 + 2 * r
    found = {row["id"]: row for row in state.contribution("y")}
    # a sampled share scatters by some 2 sqrt(share/n) = 0.006
    for name in "ab":
        shares = found[name]
        assert shares["variance_share"] == pytest.approx(
            (1 + r) ** 2 / variance, abs=0.01
        )
        assert shares["own_share"] == pytest.approx((1 - r * r) / variance, abs=0.01)
    for key in ("variance_share", "own_share"):
        assert found["c"][key] == pytest.approx(1 / variance, abs=0.01)
    assert "own_share" not in last(total, inputs, 100).contribution("y")[0]


def test_an_input_that_others_tell_has_no_share_of_its_own():
    inputs = {k: make({"kind": "normal", "mean": 0, "std": 1}) for k in "ab"}
    asked = read_correlation([["a", "b", 1]], ["a", "b"])
    rows = last(total, inputs, 4096, correlation=asked).contribution("y")
    assert [row["own_share"] for row in rows] == [0.0, 0.0]
    assert rows[0]["variance_share"] == pytest.approx(1, abs=1e-6)


def test_correlation_widens_the_sum_as_the_book_says():
    asked = read_correlation([["a", "b", 0.5]], list(NORMALS))
    state = last(total, NORMALS, 2**16, correlation=asked)
    expected = 14 + 2 * 2 * 2 * math.sin(math.pi / 12)
    assert state.summaries["y"].moments.std == pytest.approx(
        math.sqrt(expected), rel=4 / math.sqrt(2**17)
    )


@pytest.mark.parametrize(
    ("described", "field", "says"),
    [
        ({"metric": "mode", "relative_error": 0.1}, "f.metric", "offered: mean"),
        ({"metric": "p100", "relative_error": 0.1}, "f.metric", "p90"),
        ({"metric": 3, "relative_error": 0.1}, "f.metric", "got 3"),
        ({"metric": "mean", "relative_error": 0}, "f.relative_error", "between 0"),
        ({"metric": "mean"}, "f.relative_error", "got None"),
        ({"metric": "mean", "relative_error": "x"}, "f.relative_error", "'x'"),
        ({"metric": "mean", "relative_error": 0.1, "a": 1}, "f.a", "wanted metric"),
        (
            {"metric": "mean", "relative_error": 0.1, "output": "z"},
            "f.output",
            "computed: y",
        ),
        (
            {"metric": "probability_of_target", "relative_error": 0.1},
            "f.metric",
            "needs a target",
        ),
    ],
)
def test_what_is_no_stop_rule_is_refused_by_its_field(described, field, says):
    with pytest.raises(InputError, match=None) as caught:
        read_stop(described, ["y"], target=False, field="f")
    assert caught.value.field == field
    assert says in str(caught.value)


def test_a_stop_rule_is_read():
    rule = read_stop({"metric": "p2.5", "relative_error": 0.01}, ["y"], False)
    assert rule == StopRule(Metric("p2.5", 0.025), 0.01)
    assert read_stop(None, ["y"], False) is None
