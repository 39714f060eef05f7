"""Sobol indices: against SALib on its own sample, closed forms, and their promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.sensitivity.variance.sobol import (
    power_of_two,
    resampling_counts,
    sobol,
)
from flask_api.domains.sensitivity.variance.sobol_indices import (
    Accumulator,
    Estimates,
    indices,
)
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import Normal, Uniform
from flask_api.numerics.errors import InputError

SALIB = json.loads(
    (Path(__file__).parents[2] / "data" / "variance_salib.json").read_text()
)["cases"]
#: Closed forms: Ishigami and Homma (1990) with a = 7, b = 0.1.
ISHIGAMI_FIRST = [0.31390519, 0.44241114, 0.0]
ISHIGAMI_TOTAL = [0.55758886, 0.44241114, 0.24368366]
CIRCLE = {name: Uniform(-np.pi, np.pi) for name in ("x1", "x2", "x3")}


def ishigami(x) -> dict[str, Any]:
    return {
        "y": np.sin(x["x1"])
        + 7 * np.sin(x["x2"]) ** 2
        + 0.1 * x["x3"] ** 4 * np.sin(x["x1"])
    }


def last(model, inputs, outputs=("y",), samples=1 << 12, seed=0, **options):
    *_, state = sobol(model, inputs, outputs, samples, seed=seed, **options)
    return state


def of(y) -> Estimates:
    known = indices(y, second=True)
    assert known is not None
    return known


def values(report, kind: str) -> list[float]:
    return [row["value"] for row in report[kind].values()]


def salib_rows() -> np.ndarray:
    return np.reshape(SALIB["sobol"]["Y"], (SALIB["sobol"]["N"], 8)).T


def test_indices_are_those_of_salib_on_its_own_sample():
    case, known = SALIB["sobol"], of(salib_rows())
    assert known.first == pytest.approx(case["S1"], abs=1e-14)
    assert known.total == pytest.approx(case["ST"], abs=1e-14)
    assert known.second is not None
    pairs = known.second[np.triu_indices(3, 1)]
    theirs = np.array(case["S2"], dtype=float)[np.triu_indices(3, 1)]
    assert pairs == pytest.approx(theirs, abs=1e-14)


def test_the_bootstrap_is_that_of_salib_with_its_own_resamples():
    case = SALIB["sobol"]
    n, size = case["N"], case["num_resamples"]
    drawn = np.random.default_rng(case["analyze_seed"]).integers(n, size=(n, size))
    counts = np.array([np.bincount(rows, minlength=n) for rows in drawn.T])
    sums = Accumulator(3, True, size)
    sums.add(salib_rows())
    sums.resample(0, counts[:64].astype(float))
    sums.resample(64, counts[64:].astype(float))
    theirs = (
        case["S1_conf"],
        case["ST_conf"],
        np.array(case["S2_conf"], dtype=float)[np.triu_indices(3, 1)],
    )
    for ours, conf in zip(sums.replicates(), theirs, strict=True):
        assert ours is not None
        half = 1.959963984540054 * ours.std(axis=0, ddof=1)
        assert half == pytest.approx(conf, abs=1e-14)


def test_rows_in_blocks_give_what_all_at_once_gives():
    whole, parts = of(salib_rows()), Accumulator(3, True)
    for low in range(0, 256, 32):
        parts.add(salib_rows()[:, low : low + 32])
    known = parts.estimates()
    assert known is not None
    assert known.variance == pytest.approx(whole.variance, rel=1e-13)
    for name in ("first", "total", "second"):
        theirs = getattr(whole, name)
        assert getattr(known, name) == pytest.approx(theirs, abs=1e-13, nan_ok=True)
        # each block is centred by what was known then: equal as n grows, not in bits
        error = getattr(known, f"{name}_error")
        wanted = getattr(whole, f"{name}_error")
        assert error == pytest.approx(wanted, rel=0.005, nan_ok=True)


def test_ishigami_has_its_closed_form():
    # 40 seeds scatter by 0.0003 (first), 0.0004 (total), 0.0007 (second): 5 of each
    report = last(ishigami, CIRCLE, samples=1 << 14, second_order=True).report("y")
    assert values(report, "first") == pytest.approx(ISHIGAMI_FIRST, abs=0.0015)
    assert values(report, "total") == pytest.approx(ISHIGAMI_TOTAL, abs=0.002)
    second = [row["value"] for row in report["second"]]
    assert [row["ids"] for row in report["second"]] == [
        ["x1", "x2"],
        ["x1", "x3"],
        ["x2", "x3"],
    ]
    assert second == pytest.approx([0.0, 0.24368366, 0.0], abs=0.0035)
    assert report["variance"] == pytest.approx(13.8445879, rel=1e-4)
    assert report["mean"] == pytest.approx(3.5, abs=1e-3)
    assert report["evaluations"] == 8 << 14


def test_sobols_g_has_its_closed_form():
    a = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0]
    part = [1 / (3 * (1 + v) ** 2) for v in a]
    variance = np.prod([1 + v for v in part]) - 1
    total = [v / (1 + v) * (variance + 1) / variance for v in part]

    def g(x):
        factors = [
            (abs(4 * column - 2) + v) / (1 + v)
            for column, v in zip(x.values(), a, strict=True)
        ]
        return {"y": np.prod(factors, axis=0)}

    cube = {f"x{i}": Uniform(0, 1) for i in range(6)}
    report = last(g, cube, samples=1 << 13, second_order=True).report("y")
    # 40 seeds scatter by 0.0012 at most: 5 of it
    assert values(report, "first") == pytest.approx(
        [v / variance for v in part], abs=0.006
    )
    assert values(report, "total") == pytest.approx(total, abs=0.006)
    assert report["second"][0]["value"] == pytest.approx(
        part[0] * part[1] / variance, abs=0.006
    )


def test_a_linear_model_shares_by_squared_slope_and_spread():
    inputs = {"a": Normal(5, 1), "b": Normal(0, 2), "c": Uniform(0, 1)}
    report = last(
        lambda x: {"y": 100 + 3 * x["a"] - x["b"] + 0 * x["c"]}, inputs
    ).report("y")
    # the tails of a Gaussian settle slower: 40 seeds scatter by 0.0012
    assert values(report, "first") == pytest.approx([9 / 13, 4 / 13, 0], abs=0.006)
    assert values(report, "total") == pytest.approx([9 / 13, 4 / 13, 0], abs=0.006)
    assert report["total"]["c"] == dict.fromkeys(
        ("value", "lower", "upper", "standard_error"), 0.0
    )


def test_a_product_of_centred_inputs_is_all_interaction():
    inputs = {"a": Uniform(-1, 1), "b": Uniform(-1, 1)}
    report = last(lambda x: {"y": x["a"] * x["b"]}, inputs, second_order=True).report(
        "y"
    )
    assert values(report, "first") == pytest.approx([0, 0], abs=0.01)
    assert values(report, "total") == pytest.approx([1, 1], abs=0.01)
    assert report["second"][0]["value"] == pytest.approx(1, abs=0.02)


def test_a_group_counts_as_one():
    report = last(
        ishigami, CIRCLE, groups={"odd": ["x1", "x3"]}, second_order=True
    ).report("y")
    # its first order holds the interaction inside it
    odd = ISHIGAMI_FIRST[0] + ISHIGAMI_TOTAL[2]
    assert list(report["first"]) == ["odd", "x2"]
    assert values(report, "first") == pytest.approx([odd, 1 - odd], abs=0.005)
    assert values(report, "total") == pytest.approx([odd, 1 - odd], abs=0.005)
    assert report["evaluations"] == 6 << 12


def test_several_outputs_in_one_pass_are_those_of_each_alone():
    def both(x):
        return ishigami(x) | {"z": x["x3"] - 2 * x["x2"]}

    options: dict[str, Any] = {"second_order": True, "resamples": 8, "samples": 1024}
    together = last(both, CIRCLE, ("y", "z"), **options)
    for name in ("y", "z"):
        alone = last(both, CIRCLE, (name,), **options).report(name)
        assert together.report(name) == alone


def test_rows_without_a_value_count_nothing_and_are_counted():
    def gaps(x):
        return {"y": np.where(x["x3"] > 3, np.nan, ishigami(x)["y"])}

    rows = salib_rows().copy()
    rows[3, ::7] = np.nan
    rows[0, ::11] = np.inf
    good = np.isfinite(rows).all(axis=0)
    ours, theirs = of(rows), of(rows[:, good])
    assert (ours.rows, ours.failed) == (int(good.sum()), int((~good).sum()))
    assert ours.first == pytest.approx(theirs.first, abs=1e-14)
    assert ours.total_error == pytest.approx(theirs.total_error, abs=1e-14)
    report = last(gaps, CIRCLE, resamples=20).report("y")
    assert report["rows"] + report["failed"] == 1 << 12
    # a row holds 5 values with x3 of A or of B: all good in (0.977..)^2 of all
    share = ((3 + np.pi) / (2 * np.pi)) ** 2
    assert report["rows"] / 4096 == pytest.approx(share, abs=0.01)
    assert all(row["lower"] < row["upper"] for row in report["first"].values())


def test_an_output_without_any_value_has_no_indices_and_says_so():
    report = last(lambda x: {"y": np.full(len(x["x1"]), np.nan)}, CIRCLE).report("y")
    assert report["failed"] == 1 << 12
    assert report["total"] == dict.fromkeys(CIRCLE)
    assert report["notes"] == ["y has no value in any row"]


@pytest.mark.parametrize("level", [0.0, 3.3, 1e9, -1e-9])
@pytest.mark.parametrize("resamples", [0, 5])
def test_a_constant_output_has_indices_0_and_a_note(level, resamples):
    report = last(
        lambda x: {"y": np.full(len(x["x1"]), level)}, CIRCLE, resamples=resamples
    ).report("y")
    assert values(report, "first") + values(report, "total") == [0.0] * 6
    assert report["notes"] == ["y does not vary: all its indices are 0"]
    assert report["variance"] == 0.0


def test_a_small_spread_beside_a_large_mean_is_no_constant():
    report = last(lambda x: {"y": 1e9 + ishigami(x)["y"]}, CIRCLE).report("y")
    assert values(report, "total") == pytest.approx(ISHIGAMI_TOTAL, abs=0.01)


def test_samples_are_rounded_up_to_a_power_of_two_and_that_is_said():
    state = last(ishigami, CIRCLE, samples=1000)
    assert (state.done, state.total, state.asked) == (1024, 1024, 1000)
    assert state.report("y")["notes"][0].startswith(
        "samples rounded up from 1,000 to 1,024"
    )
    assert [power_of_two(n) for n in (2, 3, 4, 5, 1 << 20)] == [2, 4, 4, 8, 1 << 20]


def test_the_same_seed_gives_the_same_bits_and_seed_0_is_one_of_them():
    zero, again, one = (
        last(ishigami, CIRCLE, samples=256, seed=seed, resamples=9).report("y")
        for seed in (0, 0, 1)
    )
    assert zero == again
    assert zero["first"] != one["first"]


def test_a_state_grows_from_64_rows_and_the_model_sees_short_columns():
    sizes: list[int] = []

    def model(x):
        sizes.append(len(x["x1"]))
        return ishigami(x)

    states = [
        (state.done, state.report("y")["total"]["x1"]["value"])
        for state in sobol(model, CIRCLE, ["y"], 1 << 13, seed=3)
    ]
    assert [done for done, _ in states[:4]] == [64, 128, 256, 512]
    assert states[-1][0] == 1 << 13
    assert all(0.3 < value < 0.8 for _, value in states)
    assert max(sizes) <= BLOCK


def test_resamples_count_rows_as_a_poisson_draw_does():
    strips = list(resampling_counts(5, 64, 256, 100))
    counts = np.vstack([each for _, each in strips])
    assert [low for low, _ in strips] == [0, 64]
    # 25,600 counts: errors of the mean 0.006, of the variance 0.011; 4 of each
    assert counts.mean() == pytest.approx(1, abs=0.025)
    assert counts.var() == pytest.approx(1, abs=0.045)
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.0121)
    other = np.vstack([each for _, each in resampling_counts(5, 128, 256, 100)])
    assert abs(np.corrcoef(counts.ravel(), other.ravel())[0, 1]) < 4 / 160


def test_resamples_of_blocks_with_other_levels_add_up_to_those_of_the_whole():
    rows = salib_rows() + np.repeat([50.0, 0.0, -20.0, 1.0], 64)
    counts = np.vstack([each for _, each in resampling_counts(0, 0, 256, 9)])
    whole, parts = Accumulator(3, True, 9), Accumulator(3, True, 9)
    whole.add(rows)
    whole.resample(0, counts.astype(float))
    for low in range(0, 256, 64):
        parts.add(rows[:, low : low + 64])
        parts.resample(0, counts[:, low : low + 64].astype(float))
    # totals and the variance do not depend on what values are centred about
    assert parts.replicates()[1] == pytest.approx(whole.replicates()[1], rel=1e-12)


def test_the_bootstrap_in_single_precision_is_that_in_double():
    counts = np.vstack([each for _, each in resampling_counts(0, 0, 256, 40)])
    single, double = Accumulator(3, True, 40), Accumulator(3, True, 40)
    for sums, weights in ((single, counts), (double, counts.astype(float))):
        sums.add(salib_rows() * 1e-60)  # which single precision cannot hold
        sums.resample(0, weights)
    for ours, theirs in zip(single.replicates(), double.replicates(), strict=True):
        assert ours is not None and theirs is not None
        assert ours == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("resamples", [0, 200])
def test_intervals_cover_the_truth_as_often_as_they_say(resamples):
    # 300 runs of independent rows. A share of 0.95 has an error of 0.0126; the indices
    # of one run are dependent, so each is judged by itself: 3.5 errors, and 0.01 for
    # the skewness that 512 rows leave.
    wanted = np.array([*ISHIGAMI_FIRST, *ISHIGAMI_TOTAL, 0.0, 0.24368366, 0.0])
    hits = np.zeros(9)
    for seed in range(300):
        report = last(
            ishigami,
            CIRCLE,
            samples=512,
            seed=seed,
            sampling="random",
            second_order=True,
            resamples=resamples,
        ).report("y")
        rows = [*report["first"].values(), *report["total"].values(), *report["second"]]
        low, high = (np.array([row[end] for row in rows]) for end in ("lower", "upper"))
        hits += (low <= wanted) & (wanted <= high)
    share = hits / 300
    assert (abs(share - 0.95) < 3.5 * 0.0126 + 0.01).all(), share


def test_intervals_of_even_points_cover_at_least_as_often():
    wanted = np.array(ISHIGAMI_TOTAL)
    hits = np.zeros(3)
    for seed in range(60):
        rows = last(ishigami, CIRCLE, samples=512, seed=seed).report("y")["total"]
        hits += [
            row["lower"] <= w <= row["upper"]
            for row, w in zip(rows.values(), wanted, strict=True)
        ]
    assert (hits / 60 > 0.95 - 3 * 0.0282).all()  # the error of 60 tries


def test_ranks_are_stable_where_totals_are_far_apart():
    def close(x):
        return {"y": 3 * x["x1"] + x["x2"] + 1.0001 * x["x3"]}

    ranks = last(close, CIRCLE, samples=256, sampling="random", resamples=200).report(
        "y"
    )["ranks"]
    assert ranks["x1"] == {"rank": 1, "stability": 1.0, "lower": 1, "upper": 1}
    assert (ranks["x2"]["lower"], ranks["x2"]["upper"]) == (2, 3)
    assert 0.2 < ranks["x2"]["stability"] < 0.98
    assert last(close, CIRCLE, samples=64).report("y")["ranks"] is None


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)), st.floats(-100, 100), st.floats(0.01, 100))
def test_permuting_inputs_permutes_results_and_units_change_nothing(order, up, scale):
    y = np.random.default_rng(3).normal(size=(10, 64)).cumsum(axis=0)
    plain = of(y)
    a, ab, ba, b = y[:1], y[1:5], y[5:9], y[9:]
    moved = of(up + scale * np.vstack([a, ab[order], ba[order], b]))
    assert moved.first == pytest.approx(plain.first[order], rel=1e-9, abs=1e-9)
    error = plain.total_error[order]
    assert moved.total_error == pytest.approx(error, rel=1e-9, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**63 - 1))
def test_first_order_indices_sum_to_one_at_most_within_their_intervals(seed):
    report = last(ishigami, CIRCLE, samples=1024, seed=seed).report("y")
    slack = sum(row["upper"] - row["value"] for row in report["first"].values())
    assert report["first_sum"] <= 1 + slack
    for first, total in zip(
        report["first"].values(), report["total"].values(), strict=True
    ):
        assert first["lower"] <= total["upper"]


@pytest.mark.parametrize(
    ("options", "message", "field"),
    [
        ({"samples": 1}, "got 1 samples; wanted 2 to", "config.samples"),
        ({"inputs": {}}, "no uncertain input", "parameters"),
        ({"resamples": 1}, "got 1 resamples", "config.resamples"),
        ({"sampling": "latin"}, "offered: random, sobol", "config.sampling"),
        ({"groups": {"g": []}}, "no input in this group", "config.groups.g"),
        ({"groups": {"g": ["x9"]}}, "'x9', which does not vary", "config.groups.g"),
        ({"groups": {"g": ["x1"], "h": ["x1"]}}, "in 'g' already", "config.groups.h"),
        ({"groups": {"x1": ["x2"]}}, "like an input outside it", "config.groups.x1"),
        (
            {"inputs": {f"x{i}": Uniform(0, 1) for i in range(2001)}},
            "got 2001 inputs or groups; wanted at most 2000: form groups",
            "config.groups",
        ),
        (
            {
                "inputs": {f"x{i}": Uniform(0, 1) for i in range(129)},
                "second_order": True,
            },
            "got 129 inputs or groups; wanted at most 128 with second order",
            "config.groups",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_field(options, message, field):
    with pytest.raises(InputError, match=message) as refused:
        last(ishigami, **({"inputs": CIRCLE} | options))
    assert refused.value.field == field
