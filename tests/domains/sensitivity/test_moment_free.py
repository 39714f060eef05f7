"""PAWN and delta, judged by closed forms and by SALib on the same samples."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SALib.analyze import delta as salib_delta
from SALib.analyze import pawn as salib_pawn
from SALib.sample import latin
from scipy import stats

from flask_api.domains.sensitivity.given_data import pawn as pawn_maths
from flask_api.domains.sensitivity.given_data.delta import (
    delta,
    delta_indices,
    resampling_counts,
)
from flask_api.domains.sensitivity.given_data.density_shift import (
    between_share,
    class_count,
    classes_of,
    grid_of,
    shifts,
)
from flask_api.domains.sensitivity.given_data.first_order import first_order
from flask_api.domains.sensitivity.given_data.pawn import (
    STATISTICS,
    Ordered,
    pawn,
    slice_codes,
)
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

UNIT = {name: make({"kind": "uniform", "low": 0, "high": 1}) for name in "abc"}
PROBLEM = {"num_vars": 3, "names": list("abc"), "bounds": [[-math.pi, math.pi]] * 3}


def ishigami(x):
    return np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])


@pytest.fixture(scope="module")
def salibs_sample():
    """SALib's Latin hypercube of 2,000 points, seed 4, and Ishigami there."""
    x = latin.sample(PROBLEM, 2_000, seed=4).T.copy()
    return x, ishigami(x)


def last(method, model, samples=2_000, inputs=UNIT, output="y", **options):
    *_, state = method(model, inputs, [output], samples, **({"seed": 0} | options))
    assert state.done == state.total == samples
    return state.report(output)


def first_alone(x):
    return {"y": x["a"]}


# --- PAWN ---------------------------------------------------------------------------


def gaps(x, y, slices=10):
    """Distances of each slice of each input, shape (inputs, slices)."""
    ordered = Ordered.of(y)
    return np.stack(
        [pawn_maths.distances(ordered, slice_codes(r, slices), slices) for r in x]
    )


def test_pawn_is_that_of_salib_1_6_on_its_sample(salibs_sample):
    found = np.stack([pawn_maths.statistics(g) for g in gaps(*salibs_sample)])
    # shares of 200 and 2,000 rows: equal to rounding
    expected = {
        "minimum": [0.171, 0.197, 0.0755],
        "mean": [0.2272399497487437, 0.34784447236180904, 0.11033819095477386],
        "median": [0.24875, 0.38725, 0.10175],
        "maximum": [0.298, 0.5055, 0.19538190954773868],
        "cv": [0.21292133336316527, 0.31605005491599203, 0.34024977695091435],
    }
    for kind, wanted in expected.items():
        assert found[:, STATISTICS.index(kind)] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("slices", [3, 7, 20])
def test_pawn_is_that_of_salib_with_repeated_outputs(slices):
    x = stream(1).random((3, 700))
    y = np.round(4 * x[0] + x[1] ** 2, 1)
    theirs = salib_pawn.analyze(PROBLEM, x.T, y, S=slices)
    found = np.stack([pawn_maths.statistics(g) for g in gaps(x, y, slices)])
    for i, kind in enumerate(STATISTICS):
        key = "CV" if kind == "cv" else kind
        assert found[:, i] == pytest.approx(theirs[key], rel=1e-11), kind


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.integers(0, 8), min_size=4, max_size=60),
    seed=st.integers(0, 2**32),
)
def test_each_distance_is_that_of_two_step_functions(values, seed):
    y = np.array(values, dtype=float)
    codes = stream(seed).integers(0, 3, len(y)).astype(np.int16)
    found = pawn_maths.distances(Ordered.of(y), codes, 3)
    for s, gap in enumerate(found):
        mine = y[codes == s]
        if not len(mine):
            assert np.isnan(gap)
            continue
        steps = np.abs([(mine <= v).mean() - (y <= v).mean() for v in values])
        assert gap == pytest.approx(steps.max(), abs=1e-12)


def test_an_output_that_is_its_input_has_the_distances_of_slices_of_a_line():
    r = last(pawn, first_alone, 20_000)
    expected = [max(s, 9 - s) / 10 for s in range(10)]
    # each edge of a slice is off by one row in 20,000 at most
    assert r["distances"]["a"] == pytest.approx(expected, abs=3e-4)
    assert r["above_noise"] == {"a": True, "b": False, "c": False}
    assert r["ranking"][0]["id"] == "a"
    assert "b, c: no more effect on y" in r["notes"][0]


def test_the_noise_level_is_what_inputs_without_effect_come_to():
    hits, level = 0, {}
    for seed in range(60):
        x = stream(seed, 1).random((1, 500))
        y = stream(seed, 2).random(500)
        ordered = Ordered.of(y)
        noise = pawn_maths._noise(ordered, 10, seed, 64)
        assert noise is not None
        hits += np.median(gaps(x, y)) <= noise["median"]["upper"]
        level = noise["mean"]
    # 95 %, less what 64 dummies leave unknown; four standard errors of 60 runs
    assert hits / 60 > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 60)
    # Kolmogorov's mean 0.8687/sqrt(m), m = 50 x 500/450 as a slice is in the whole
    mean = stats.kstwobign.mean() * math.sqrt((1 - 50 / 500) / 50)
    assert level["mean"] == pytest.approx(mean, rel=0.08)


def test_an_input_with_few_values_has_a_slice_for_each():
    codes = slice_codes(np.array([0.0, 1, 0, 1, 1, 0, 0, 0]), 10)
    assert len(set(codes)) == 2 and (codes >= 0).all()
    inputs = UNIT | {
        "switch": make({"kind": "discrete", "values": [0, 1], "weights": [1, 1]})
    }
    r = last(pawn, lambda x: {"y": x["switch"] + 0 * x["a"]}, inputs=inputs)
    # one of two equally likely values: half of the mass moves
    assert r["maximum"]["switch"] == pytest.approx(0.5, abs=0.05)


# --- delta --------------------------------------------------------------------------


def test_delta_is_that_of_salib_on_the_same_rows(salibs_sample):
    x, y = salibs_sample
    n = len(y)
    counts = resampling_counts(0, n, 2)
    found = delta_indices(x, y, counts)
    edges = np.linspace(0, n, class_count(n) + 1)
    points = np.linspace(y.min(), y.max(), 100)
    theirs = [salib_delta.calc_delta(y, points, row, edges) for row in x]
    assert found.raw == pytest.approx(theirs, rel=1e-12)
    parts = [classes_of(np.argsort(row), y, class_count(n)) for row in x]
    share = [between_share(y, part) for part in parts]
    theirs = [salib_delta.sobol_first(y, row, edges) for row in x]
    assert share == pytest.approx(theirs, rel=1e-12)


def test_the_bootstrap_takes_out_the_bias_that_salib_takes_out():
    n = 400
    x, y = stream(6).random((1, n)), stream(7).standard_normal(n)  # no effect
    found = delta_indices(x, y, resampling_counts(0, n, 400))
    edges = np.linspace(0, n, class_count(n) + 1)
    points = np.linspace(y.min(), y.max(), 100)
    random = stream(5)
    again = []
    for _ in range(100):
        rows = random.integers(0, n, n)
        again.append(salib_delta.calc_delta(y[rows], points, x[0, rows], edges))
    # means of 400 and 100 resamples, four standard errors; our kernels and classes
    # stay as they are, which moves the mean by less than that
    error = 4 * np.std(again) * math.sqrt(1 / 400 + 1 / 100)
    assert found.value[0] == pytest.approx(2 * found.raw[0] - np.mean(again), abs=error)
    assert found.raw[0] - found.value[0] > 3 * error


def normal_line(seed, n):
    x = stream(seed).standard_normal((3, n))
    return x, 2 * x[0] + x[1] + 0.3 * x[2]


def delta_of_normal_line(slope, variance=5.09):
    """Half the area between two normal densities, averaged over the input."""
    y = np.linspace(-8, 8, 4_001) * math.sqrt(variance)
    spread = math.sqrt(variance - slope * slope)
    areas = [
        np.trapezoid(
            np.abs(
                stats.norm.pdf(y, 0, math.sqrt(variance))
                - stats.norm.pdf(y, slope * z, spread)
            ),
            y,
        )
        for z in stats.norm.ppf((np.arange(200) + 0.5) / 200)
    ]
    return float(np.mean(areas)) / 2


def test_delta_of_a_line_in_normals_comes_to_its_closed_form():
    truth = [delta_of_normal_line(slope) for slope in (2, 1, 0.3)]
    x, y = normal_line(0, 20_000)
    found = delta_indices(x, y, resampling_counts(0, 20_000, 10))
    # measured over 60 samples of 10,000 rows: off by -0.016, -0.010, 0.004, each
    # scattering by 0.004; four of that
    assert found.value == pytest.approx(truth, abs=0.016 + 0.016)
    assert (np.diff(found.value) < 0).all()


def test_intervals_of_delta_tell_how_the_estimate_scatters():
    runs, n = 150, 400
    found = []
    for seed in range(runs):
        x, y = normal_line(seed, n)
        found.append(delta_indices(x, y, resampling_counts(seed, n, 60)))
    value = np.stack([one.value for one in found])
    half = np.stack([one.half for one in found])
    share = (np.abs(value - value.mean(axis=0)) <= half).mean(axis=0)
    # four standard errors of a share of 0.95 in 150 runs
    assert np.abs(share - 0.95).max() < 4 * math.sqrt(0.95 * 0.05 / runs)


def test_the_scatter_of_the_correction_is_part_of_the_interval():
    runs, n, found = 600, 300, []
    for seed in range(runs):
        x, y = normal_line(seed, n)
        one = delta_indices(x[2:], y, resampling_counts(seed, n, 20))
        found.append((one.value[0], one.half[0]))
    value, half = np.array(found).T
    # 600 values tell a spread within 3 %: three of it, and what 20 resamples leave out
    assert 0.9 < half.mean() / 1.959964 / value.std() < 1.15


def test_first_order_indices_of_a_line_and_their_intervals_are_those_of_the_book():
    truth = np.array([4, 1, 0.09]) / 5.09
    runs, hits = 600, np.zeros(3)
    for seed in range(runs):
        x, y = normal_line(seed, 500)
        found = [first_order(np.argsort(row), row, y) for row in x]
        value = np.array([one.value for one in found])
        hits += np.abs(value - truth) <= 1.959964 * np.array([f.error for f in found])
    # four standard errors; too wide where the effect is small
    share, error = hits / runs, 4 * math.sqrt(0.95 * 0.05 / runs)
    assert np.abs(share[:2] - 0.95).max() < error
    assert share[2] > 0.95 - error


def test_first_order_indices_and_their_intervals_are_those_of_the_book():
    truth = np.array([0.31390519, 0.44241114, 0.0])  # Ishigami, methods.md 5
    runs, hits, total = 300, np.zeros(3), np.zeros(3)
    for seed in range(runs):
        x = (2 * stream(seed, 3).random((3, 1_000)) - 1) * math.pi
        y = ishigami(x)
        found = [first_order(np.argsort(row), row, y) for row in x]
        value = np.array([one.value for one in found])
        error = np.array([one.error for one in found])
        total += value
        hits += np.abs(value - truth) <= 1.959964 * error
    # scatter 0.025 a run: four standard errors of the mean of 300
    assert total / runs == pytest.approx(truth, abs=4 * 0.025 / math.sqrt(runs))
    share = hits / runs
    assert np.abs(share[:2] - 0.95).max() < 4 * math.sqrt(0.95 * 0.05 / runs)
    assert share[2] >= 0.95  # without effect: too wide rather than too narrow


def test_classes_of_one_single_value_count_as_what_they_are():
    x = stream(0).random(1_000)
    y = (x > 0.5).astype(float) + (x > 0.75)
    part = classes_of(np.argsort(x), y, 4)
    ones = np.ones((1_000, 1), dtype=np.uint8)
    found = shifts(y, part, grid_of(y, ones, part.width))
    # quarters with masses 0, 0, 1, 2 against shares 1/2, 1/4, 1/4: the edges of the
    # quarters lie a few rows beside the steps
    expected = (0.5 * (1 - 0.5) + 0.5 * (1 - 0.25)) * 1.0
    assert found[0] == pytest.approx(expected, abs=0.12)
    part = classes_of(np.argsort(x), np.floor(4 * np.argsort(np.argsort(x)) / 1_000), 4)
    y = np.floor(4 * np.argsort(np.argsort(x)) / 1_000)
    assert shifts(y, part, grid_of(y, ones, part.width))[0] == pytest.approx(0.75)


def test_an_output_that_is_its_input_has_a_delta_near_one_with_many_rows():
    x = stream(0).random(50_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = delta_indices(x[None], x, resampling_counts(0, 50_000, 2))
    classes = class_count(50_000)
    # each class holds 1/classes of the range: the rest of the density is elsewhere;
    # kernels reach over both edges of a class by some tenths of its width
    assert found.raw[0] == pytest.approx(1 - 1.5 / classes, abs=0.5 / classes)


def test_a_dummy_tells_inputs_without_effect():
    r = last(delta, lambda x: {"y": np.sin(6 * x["a"]) + x["b"] ** 2}, 1_000)
    assert r["above_dummy"] == {"a": True, "b": True, "c": False}
    assert r["dummy"]["lower"] < r["dummy"]["value"] < r["dummy"]["upper"]
    assert "c: no more effect on y" in r["notes"][0]
    assert [row["id"] for row in r["ranking"]][:2] == ["a", "b"]


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(3)))
def test_other_order_of_inputs_permutes_the_results(order):
    x, y = normal_line(1, 300)
    counts = resampling_counts(1, 300, 5)
    found, other = delta_indices(x, y, counts), delta_indices(x[order], y, counts)
    assert (other.value == found.value[list(order)]).all()
    assert (gaps(x, y)[list(order)] == gaps(x[order], y)).all()


# --- both ---------------------------------------------------------------------------

BOTH = pytest.mark.parametrize(
    ("method", "index"), [(pawn, "median"), (delta, "delta_raw")]
)


@BOTH
def test_rows_without_answer_are_left_out_and_counted(method, index):
    def fails(x):
        return {"y": np.where(x["c"] > 0.1, x["a"], np.nan)}

    r = last(method, fails)
    assert r["rows"] + r["failed"] == 2_000 and 150 < r["failed"] < 250
    assert r[index]["a"] > 3 * r[index]["b"]
    none = last(method, lambda x: {"y": np.full(len(x["a"]), np.nan)})
    assert none["rows"] == 0 and none[index] == dict.fromkeys("abc")
    assert len(none["notes"]) == 1


@BOTH
def test_a_constant_output_has_no_indices_and_a_note(method, index):
    r = last(method, lambda x: {"y": np.ones(len(x["a"]))})
    assert r[index] == dict.fromkeys("abc", 0)
    assert "does not vary" in r["notes"][0]


@BOTH
def test_a_constant_input_does_nothing(method, index):
    inputs = UNIT | {"fixed": make({"kind": "constant", "value": 3})}
    r = last(method, first_alone, inputs=inputs)
    assert r["ranking"][0]["id"] == "a"
    assert r[index]["fixed"] is None or r[index]["fixed"] < 0.1


@BOTH
def test_the_same_seed_gives_the_same_bits_and_blocks_stay_small(method, index):
    sizes = []

    def model(x):
        sizes.append(len(x["a"]))
        return {"y": x["a"] + x["b"], "z": x["c"]}

    less = {"resamples": 4} if method is delta else {"dummies": 8}
    states = list(method(model, UNIT, ["y", "z"], 20_000, seed=0, **less))
    assert max(sizes) <= BLOCK and sum(sizes) == 20_000
    assert states[0].done == 64
    alone = last(method, lambda x: {"z": x["c"]}, 20_000, output="z", **less)
    assert states[-1].report("z") == alone
    other = last(method, lambda x: {"z": x["c"]}, 20_000, output="z", seed=1, **less)
    assert other[index] != alone[index]


@pytest.mark.parametrize(
    ("method", "options", "field"),
    [
        (pawn, {"slices": 1}, "config.slices"),
        (pawn, {"slices": 10**6}, "config.slices"),
        (pawn, {"dummies": -1}, "config.dummies"),
        (pawn, {"samples": 0}, "config.samples"),
        (pawn, {"inputs": {}}, "parameters"),
        (delta, {"samples": 10}, "config.samples"),
        (delta, {"samples": 10**7}, "config.samples"),
        (delta, {"resamples": 1}, "config.resamples"),
        (delta, {"resamples": 10**6}, "config.resamples"),
        (delta, {"inputs": {}}, "parameters"),
    ],
)
def test_what_cannot_be_judged_is_refused(method, options, field):
    with pytest.raises(InputError) as refused:
        last(method, first_alone, **options)
    assert refused.value.field == field
