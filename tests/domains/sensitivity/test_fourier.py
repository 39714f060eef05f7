"""eFAST and RBD-FAST: against SALib on its own samples, closed forms, and promises."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.sensitivity.variance.fast import fast
from flask_api.domains.sensitivity.variance.fourier import (
    beyond,
    curve_indices,
    frequencies,
    left_out,
    sorted_indices,
)
from flask_api.domains.sensitivity.variance.rbd_fast import rbd_fast
from flask_api.domains.sensitivity.variance.shapley import shapley
from flask_api.domains.sensitivity.variance.sobol import sobol
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import LogNormal, Normal, Uniform
from flask_api.numerics.errors import InputError

SALIB = json.loads(
    (Path(__file__).parents[2] / "data" / "variance_salib.json").read_text()
)["cases"]
FIRST = [0.31390519, 0.44241114, 0.0]
TOTAL = [0.55758886, 0.44241114, 0.24368366]
CIRCLE = {name: Uniform(-np.pi, np.pi) for name in ("x1", "x2", "x3")}
PROBLEM = {"num_vars": 3, "names": list(CIRCLE), "bounds": [[-np.pi, np.pi]] * 3}


def ishigami(x) -> dict[str, Any]:
    return {
        "y": np.sin(x["x1"])
        + 7 * np.sin(x["x2"]) ** 2
        + 0.1 * x["x3"] ** 4 * np.sin(x["x1"])
    }


def on(x) -> np.ndarray:
    return ishigami(dict(zip(CIRCLE, x.T, strict=True)))["y"]


def report(method, model, inputs, samples, seed=0, **options) -> dict[str, Any]:
    *_, state = method(model, inputs, ["y"], samples, seed=seed, **options)
    return state.report("y")


def values(known, kind: str) -> list[float]:
    return [row["value"] for row in known[kind].values()]


def test_efast_is_that_of_salib_on_its_own_sample():
    from SALib.sample import fast_sampler

    case = SALIB["eFAST"]
    n = case["N"]
    x = fast_sampler.sample(PROBLEM, n, M=case["M"], seed=case["sample_seed"])
    assert x[-1] == pytest.approx(case["X"]["last"], abs=1e-14)
    got = [curve_indices(on(part), case["M"]) for part in np.split(x, 3)]
    assert [first for first, _ in got] == pytest.approx(case["S1"], abs=1e-14)
    assert [total for _, total in got] == pytest.approx(case["ST"], abs=1e-14)


@pytest.mark.parametrize("n", [65, 66, 1000, 1025])
def test_efast_is_that_of_salib_for_even_and_odd_curves(n):
    from SALib.analyze import fast as theirs

    y = np.random.default_rng(n).normal(size=n).cumsum()
    problem = {"num_vars": 1, "names": ["x"], "bounds": [[0, 1]]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its intervals are unreliable
        known = theirs.analyze(problem, y, M=4, num_resamples=2)
    assert curve_indices(y, 4) == pytest.approx(
        (known["S1"][0], known["ST"][0]), abs=1e-13
    )


def test_rbd_fast_is_that_of_salib_on_its_own_sample():
    from SALib.sample import latin

    case = SALIB["rbd_fast"]
    x = latin.sample(PROBLEM, case["N"], seed=case["sample_seed"])
    first, _ = sorted_indices(np.ascontiguousarray(x.T), on(x), case["M"])
    assert first == pytest.approx(case["S1"], abs=1e-14)


@pytest.mark.parametrize("n", [61, 64, 500, 1001])
def test_rbd_fast_is_that_of_salib_for_even_and_odd_samples(n):
    from SALib.analyze import rbd_fast as theirs

    rng = np.random.default_rng(n)
    x = rng.random((n, 3))
    y = x @ [1, 2, 3] + rng.normal(size=n)
    known = theirs.analyze(PROBLEM, x, y, M=6, num_resamples=2, seed=1)
    first, _ = sorted_indices(np.ascontiguousarray(x.T), y, 6)
    assert first == pytest.approx(np.array(known["S1"]), abs=1e-13)


def test_frequencies_are_those_of_salib():
    # by hand: (1025 - 1) / 8 = 128, 128 / 8 = 16; too few for 20 others: they repeat
    assert frequencies(4, 1025, 4).tolist() == [128, 1, 8, 16]
    assert frequencies(21, 1025, 4).tolist() == [128, *range(1, 17), 1, 2, 3, 4]
    assert frequencies(1, 65, 4).tolist() == [8]


def test_efast_finds_the_shares_of_an_additive_model():
    inputs = {"a": Uniform(0, 1), "b": Uniform(-1, 1), "c": Normal(0, 1)}
    known = report(fast, lambda x: {"y": 3 * x["a"] - x["b"]}, inputs, 1025)
    # a line on a triangular wave holds 98.6 % + 1.2 % + .. in harmonics 1, 3: 0.16 %
    # are lost to the fifth and above, and phases scatter by 0.002: 4 of it
    shares = [9 / 13, 4 / 13, 0]
    assert values(known, "first") == pytest.approx(shares, abs=0.01)
    assert values(known, "total") == pytest.approx(shares, abs=0.01)


def test_efast_is_near_the_closed_form_of_ishigami():
    # its own bias: 0.023 and 0.045 at most, as SALib's on the same frequencies
    known = report(fast, ishigami, CIRCLE, 1025)
    assert values(known, "first") == pytest.approx(FIRST, abs=0.035)
    assert values(known, "total") == pytest.approx(TOTAL, abs=0.06)
    assert known["curves"] == 24
    assert known["evaluations"] == 24 * 1025


def test_intervals_of_efast_cover_the_mean_of_all_curves_as_often_as_they_say():
    runs = []
    for seed in range(200):
        known = report(fast, ishigami, CIRCLE, 257, seed=seed)
        runs.append(
            [
                [row[key] for key in ("lower", "value", "upper")]
                for kind in ("first", "total")
                for row in known[kind].values()
            ]
        )
    low, value, high = np.array(runs).transpose(2, 0, 1)
    mean = value.mean(axis=0)
    share = ((low <= mean) & (mean <= high)).mean(axis=0)
    # a share of 0.95 has an error of 0.0154: 3 of it, and 0.02 as the mean of 8 curves
    # is not quite Gaussian
    assert (abs(share - 0.95) < 3 * 0.0154 + 0.02).all(), share


def test_rbd_fast_has_the_closed_form_of_ishigami():
    # 200 seeds scatter by 0.006 at n = 8192, and M = 10 loses 0.001: 4 of it
    known = report(rbd_fast, ishigami, CIRCLE, 1 << 13)
    assert values(known, "first") == pytest.approx(FIRST, abs=0.026)
    assert known["variance"] == pytest.approx(13.8445879, rel=0.07)  # 4 errors


def test_rbd_fast_finds_the_shares_of_an_additive_model():
    inputs = {"a": Normal(5, 1), "b": Normal(0, 2), "c": Uniform(0, 1)}
    known = report(rbd_fast, lambda x: {"y": 3 * x["a"] - x["b"]}, inputs, 1 << 13)
    for row, share in zip(known["first"].values(), [9 / 13, 4 / 13, 0], strict=True):
        assert abs(row["value"] - share) < 4 * row["standard_error"]
        assert row["standard_error"] < 0.01


def test_intervals_of_rbd_fast_cover_the_truth_as_often_as_they_say():
    # 300 runs: a share of 0.95 has an error of 0.0126; 3.5 of it. Chance's part in an
    # index of 0 is a sum of squares, wider below: there it may be more.
    hits = np.zeros(3)
    for seed in range(300):
        known = report(rbd_fast, ishigami, CIRCLE, 1000, seed=seed, sampling="random")
        hits += [
            row["lower"] <= share <= row["upper"]
            for row, share in zip(known["first"].values(), FIRST, strict=True)
        ]
    share = hits / 300
    assert (abs(share[:2] - 0.95) < 3.5 * 0.0126).all(), share
    assert 0.95 - 3.5 * 0.0126 < share[2], share


def test_what_the_harmonics_of_an_input_leave_out_is_told():
    # a uniform input is a triangular wave: odd harmonics k share by 96 / (pi k)^4
    line = {"a": Uniform(0, 1)}
    for harmonics, odd in ((1, [1]), (2, [1]), (4, [1, 3])):
        share = sum(96 / (np.pi * k) ** 4 for k in odd)
        notes = left_out(line, harmonics)
        assert (share < 0.98) == bool(notes)
        left = 1 - share
        half = (np.arange(4096) + 0.5) / 4096
        wave = np.concatenate([half, half[::-1]])
        assert beyond(wave, harmonics) == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize(("method", "harmonics"), [(rbd_fast, 10), (fast, 4)])
def test_an_index_that_harmonics_cut_short_says_by_how_much(method, harmonics):
    inputs = {"tail": LogNormal(0, 1), "even": Uniform(0, 1)}
    known = report(method, lambda x: {"y": x["tail"]}, inputs, 4097)
    (note,) = known["notes"]
    (percent,) = re.findall(r"tail \((\d+)%\)", note)
    held = int(percent) / 100
    assert "even" not in note
    # the largest of 4,097 draws move the variance, and so the share that is held
    assert known["first"]["tail"]["value"] == pytest.approx(held, abs=0.1)
    assert held < 0.85
    more = report(method, lambda x: {"y": x["tail"]}, inputs, 4097,
                  harmonics=3 * harmonics)  # fmt: skip
    assert known["first"]["tail"]["value"] < more["first"]["tail"]["value"] < 1
    plain = {"even": Uniform(0, 1), "bell": Normal(0, 1)}
    told = report(method, lambda x: {"y": x["even"]}, plain, 4097)["notes"]
    assert len(told) == (method is fast)  # 4 harmonics hold 96 % of a normal, 10 99 %


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**63 - 1), st.sampled_from([fast, rbd_fast]))
def test_first_order_indices_sum_to_one_at_most_within_their_intervals(seed, method):
    # nothing but main effects, so that the true sum is 1
    def line(x):
        return {"y": x["x1"] - 2 * x["x2"] + 0.5 * x["x3"]}

    known = report(method, line, CIRCLE, 1025, seed=seed)
    rows = known["first"].values()
    slack = sum(row["upper"] - row["value"] for row in rows)
    assert sum(row["value"] for row in rows) <= 1 + slack + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(4)), st.floats(-100, 100), st.floats(0.01, 100))
def test_permuting_inputs_permutes_results_and_units_change_nothing(order, up, scale):
    rng = np.random.default_rng(8)
    x = rng.random((4, 200))
    y = x[0] + x[1] * x[2]
    plain = sorted_indices(x, y, 5)
    moved = sorted_indices(x[order] * scale, up + scale * y, 5)
    for ours, theirs in zip(moved, plain, strict=True):
        assert ours == pytest.approx(theirs[order], rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("method", [fast, rbd_fast, sobol, shapley])
def test_outputs_too_large_to_square_count_as_no_value(method):
    known = report(method, lambda x: {"y": x["x1"] * 1e200}, CIRCLE, 256)
    assert known["failed"] > 0
    shown = known["effects"] if method is shapley else known["first"]
    assert shown == dict.fromkeys(CIRCLE)


@pytest.mark.parametrize("method", [fast, rbd_fast])
@pytest.mark.parametrize("level", [0.0, 3.3, 1e9])
def test_a_constant_output_has_indices_0_and_a_note(method, level):
    known = report(method, lambda x: {"y": np.full(len(x["x1"]), level)}, CIRCLE, 129)
    assert values(known, "first") == [0.0] * 3
    assert known["notes"] == ["y does not vary: all its indices are 0"]


def test_rows_without_a_value_are_left_out_by_rbd_fast_and_counted():
    def gaps(x):
        return {"y": np.where(x["x2"] > 2.5, np.nan, ishigami(x)["y"])}

    known = report(rbd_fast, gaps, CIRCLE, 2000)
    assert known["rows"] + known["failed"] == 2000
    # a Latin hypercube: exactly the share of x2 above 2.5, but for one slice
    assert known["failed"] == pytest.approx(2000 * (np.pi - 2.5) / (2 * np.pi), abs=1)
    assert known["first"]["x2"]["value"] > 0.3
    nothing = report(
        rbd_fast, lambda x: {"y": np.full(len(x["x1"]), np.nan)}, CIRCLE, 99
    )
    assert nothing["first"] == dict.fromkeys(CIRCLE)
    assert "wanted more than 40" in nothing["notes"][0]


def test_a_curve_with_a_gap_is_left_out_by_efast_and_counted():
    calls: list[int] = []

    def gap_once(x):
        y = ishigami(x)["y"]
        if not calls:
            y[3] = np.nan
        calls.append(1)
        return {"y": y}

    known = report(fast, gap_once, CIRCLE, 129, curves=2)
    assert (known["curves"], known["failed"]) == (5, 1)
    assert known["first"]["x1"]["lower"] is None
    assert known["first"]["x2"]["lower"] < known["first"]["x2"]["upper"]
    assert "1 of 6 curves" in known["notes"][0]


def test_states_grow_and_the_model_sees_short_columns():
    sizes: list[int] = []

    def model(x):
        sizes.append(len(x["x1"]))
        return ishigami(x)

    states = [
        (state.done, state.total)
        for state in fast(model, CIRCLE, ["y"], 2 * BLOCK + 1, seed=1, curves=1)
    ]
    assert states == [(k * (2 * BLOCK + 1), 3 * (2 * BLOCK + 1)) for k in (1, 2, 3)]
    assert [state.done for state in rbd_fast(model, CIRCLE, ["y"], 100, seed=1)] == [
        64,
        100,
    ]
    assert max(sizes) == BLOCK


@pytest.mark.parametrize("method", [fast, rbd_fast])
def test_the_same_seed_gives_the_same_bits_and_seed_0_is_one_of_them(method):
    zero, again, one = (
        report(method, ishigami, CIRCLE, 200, seed=s) for s in (0, 0, 1)
    )
    assert zero == again
    assert zero["first"] != one["first"]


def test_curves_stay_inside_unbounded_distributions():
    known = report(fast, lambda x: {"y": x["a"]}, {"a": Normal(0, 1)}, 1025)
    assert values(known, "first") == pytest.approx([1], abs=0.06)  # tails are lost


@pytest.mark.parametrize(
    ("method", "options", "message", "field"),
    [
        (fast, {"samples": 64}, "wants more than 64 for each", "config.samples"),
        (fast, {"curves": 0}, "got 0 curves", "config.curves"),
        (fast, {"harmonics": 0}, "got 0 harmonics", "config.harmonics"),
        (fast, {"inputs": {}}, "no uncertain input", "parameters"),
        (rbd_fast, {"samples": 40}, "wants more than 40", "config.samples"),
        (rbd_fast, {"harmonics": 0}, "got 0 harmonics", "config.harmonics"),
        (rbd_fast, {"sampling": "sobol"}, "offered: lhs, random", "config.sampling"),
        (rbd_fast, {"inputs": {}}, "no uncertain input", "parameters"),
        (rbd_fast, {"samples": 10**9}, "all are kept", "config.samples"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_field(
    method, options, message, field
):
    with pytest.raises(InputError, match=message) as refused:
        report(method, ishigami, **({"inputs": CIRCLE, "samples": 500} | options))
    assert refused.value.field == field
