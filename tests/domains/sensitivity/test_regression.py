"""SRC, PCC, SRRC and PRCC, judged by closed forms and by OpenTURNS."""

from __future__ import annotations

import math

import numpy as np
import openturns as ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flask_api.domains.sensitivity.given_data.linear_fit import fit
from flask_api.domains.sensitivity.given_data.regression import regression
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

NORMALS = {
    name: make({"kind": "normal", "mean": 1, "std": std})
    for name, std in {"a": 1.0, "b": 2.0, "c": 0.5, "noise": 3.0}.items()
}


def line(x):
    return {"y": 3 * x["a"] - x["b"] + 2 * x["c"] + x["noise"]}


def last(model=line, inputs=NORMALS, samples=2_000, output="y", **options):
    options = {"seed": 0, "ranked": False} | options
    *_, state = regression(model, inputs, [output], samples, **options)
    assert state.done == state.total == samples
    return state.report(output)


def values(indices):
    return [None if one is None else one["value"] for one in indices.values()]


def fitted(x, y, ranked):
    found = fit(x, y, ranked)
    assert found is not None
    return found


def linear_truth(ranked):
    """(standardised, partial) of a line in three normal inputs and noise.

    Ranks of two normals with correlation r correlate with 6/pi asin(r/2) (Pearson
    1907), and ranks of independent inputs don't: the same formulas hold for them.
    """
    r = np.array([3, -2, 1]) / math.sqrt(9 + 4 + 1 + 9)
    if ranked:
        r = 6 / np.pi * np.arcsin(r / 2)
    return r, r / np.sqrt(1 - r @ r + r * r)


def sample(seed, n):
    z = stream(seed).standard_normal((4, n))
    return z[:3], np.array([3, -2, 1]) @ z[:3] + 3 * z[3]


@pytest.mark.parametrize("ranked", [False, True])
def test_a_line_in_normal_inputs_has_the_coefficients_of_the_book(ranked):
    n = 20_000
    slopes, partial = linear_truth(ranked)
    x, y = sample(0, n)
    found = fitted(x, y, ranked)
    # errors below 1/sqrt(n) each: four of them
    assert found.standardised == pytest.approx(slopes, abs=4 / math.sqrt(n))
    assert found.partial == pytest.approx(partial, abs=4 / math.sqrt(n))
    assert found.r2 == pytest.approx(slopes @ slopes, abs=4 / math.sqrt(n))


@pytest.mark.parametrize("ranked", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_openturns_finds_the_same_coefficients(ranked, ties):
    random = stream(1)
    x = random.random((6, 500))
    x[1] += 0.7 * x[0]  # correlated inputs
    y = np.exp(2 * x[0]) + x[1] * x[2] - x[3] + 0.1 * random.standard_normal(500)
    if ties and not ranked:  # OpenTURNS gives tied values different ranks
        x[4] = np.round(3 * x[4])
    peer = ot.CorrelationAnalysis(ot.Sample(x.T.copy()), ot.Sample(y[:, None]))
    found = fitted(x, y, ranked)
    partial = peer.computePRCC() if ranked else peer.computePCC()
    slopes = peer.computeSRRC() if ranked else peer.computeSRC()
    # two ways to the same least squares, condition below 100
    assert found.partial == pytest.approx(np.array(partial), abs=1e-12)
    assert found.standardised == pytest.approx(np.array(slopes), abs=1e-12)


def test_p_values_are_those_of_the_regression_table():
    x, y = sample(2, 60)
    found = fitted(x, y, False)
    design = np.vstack([np.ones(60), x])
    slopes, rest, *_ = np.linalg.lstsq(design.T, y, rcond=None)
    error = np.sqrt(np.diagonal(np.linalg.inv(design @ design.T)) * rest[0] / 56)
    expected = 2 * stats.t.sf(np.abs(slopes / error), 56)[1:]
    assert found.p_value == pytest.approx(expected, rel=1e-6)
    left = rest[0] / ((y - y.mean()) ** 2).sum()
    assert found.r2 == pytest.approx(1 - left, rel=1e-12)
    assert found.r2_adjusted == pytest.approx(1 - left * 59 / 56, rel=1e-12)


def test_tied_values_share_the_mean_of_their_ranks():
    x, y = sample(4, 200)
    x, y = np.round(x), np.round(y / 2)
    found = fitted(x, y, True)
    plain = fitted(stats.rankdata(x, axis=1), stats.rankdata(y), False)
    assert found.partial == pytest.approx(plain.partial, abs=1e-13)
    assert found.standardised == pytest.approx(plain.standardised, abs=1e-13)


@pytest.mark.parametrize("ranked", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_standard_errors_are_those_of_leaving_out_one_row_after_the_other(ranked, ties):
    n = 300 if ranked else 1_500
    z = stream(5).standard_normal((4, n))
    # ranks that no straight line joins; else without rows far out, which the jackknife
    # weighs more
    z[1] = 0.5 * z[1] + (z[0] ** 2 if ranked else z[0])
    x, y = z[:3], 2 * z[0] + z[1] ** 2 / 2 - z[2] + 0.3 * z[3]
    if ties:
        x, y = np.round(2 * x), np.round(2 * y)
    found = fitted(x, y, ranked)
    slopes, fisher = [], []
    for i in range(n):
        one = fitted(np.delete(x, i, axis=1), np.delete(y, i), ranked)
        slopes.append(one.standardised)
        fisher.append(np.arctanh(one.partial))
    # influence and jackknife differ by terms of 1/n: measured 1 to 4 %
    scale = (n - 1) / math.sqrt(n)
    assert found.standardised_error == pytest.approx(
        np.std(slopes, axis=0) * scale, rel=0.06
    )
    assert found.fisher_error == pytest.approx(np.std(fisher, axis=0) * scale, rel=0.06)


def coverage(make_sample, truth, ranked, n, runs):
    """Share of runs whose 95 % intervals hold the truth: (slopes, partials)."""
    hits = np.zeros((2, len(truth[0])))
    for seed in range(runs):
        x, y = make_sample(seed, n)
        found = fitted(x, y, ranked)
        t = stats.t.ppf(0.975, found.freedom)
        off = np.abs(found.standardised - truth[0])
        hits[0] += off <= t * found.standardised_error
        off = np.abs(np.arctanh(found.partial) - np.arctanh(truth[1]))
        hits[1] += off <= 1.959964 * found.fisher_error
    return hits / runs


def curved(seed, n):
    """No noise: what a line leaves over is not Gaussian, and not alike everywhere."""
    x = stream(seed, 1).random((3, n))
    return x, np.exp(2 * x[0]) + 3 * x[1] ** 4 + x[2] * x[0]


@pytest.mark.parametrize("ranked", [False, True])
def test_intervals_hold_the_truth_as_often_as_they_say(ranked):
    runs = 600
    found = coverage(sample, linear_truth(ranked), ranked, 200, runs)
    x, y = curved(0, 300_000)
    many = fitted(x, y, ranked)
    truth = (many.standardised, many.partial)
    found = np.stack([found, coverage(curved, truth, ranked, 200, runs)])
    # four standard errors of a share of 0.95 in 600 runs
    assert np.abs(found - 0.95).max() < 4 * math.sqrt(0.95 * 0.05 / runs)


@pytest.mark.parametrize("ranked", [False, True])
def test_intervals_of_few_rows_are_too_wide_rather_than_too_narrow(ranked):
    runs = 600
    found = coverage(sample, linear_truth(ranked), ranked, 20, runs)
    assert found.min() > 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)


def test_intervals_on_a_sobol_sample_are_too_wide_rather_than_too_narrow():
    x, y = curved(0, 300_000)
    many = fitted(x, y, True)
    inputs = {k: make({"kind": "uniform", "low": 0, "high": 1}) for k in "abc"}

    def model(x):
        return {"y": np.exp(2 * x["a"]) + 3 * x["b"] ** 4 + x["c"] * x["a"]}

    hits = 0
    for seed in range(30):
        r = last(model, inputs, 256, seed=seed, ranked=True, sampling="sobol")
        hits += sum(
            one["lower"] <= truth <= one["upper"]
            for one, truth in zip(r["prcc"].values(), many.partial, strict=True)
        )
    assert hits >= 0.95 * 90


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(4)), seed=st.integers(0, 2**63 - 1))
def test_other_order_of_inputs_and_other_scales_change_no_rank_coefficient(order, seed):
    x = stream(seed).random((4, 60))
    y = x[0] + x[1] ** 2 - 0.3 * x[2] + 0.2 * stream(seed, 1).random(60)
    found, other = fitted(x, y, True), fitted(np.exp(3 * x[order]), -np.exp(-y), True)
    assert other.partial == pytest.approx(found.partial[list(order)], abs=1e-10)
    assert other.fisher_error == pytest.approx(found.fisher_error[list(order)])
    assert np.abs(found.partial).max() <= 1


def test_inputs_that_determine_each_other_are_named_and_the_others_told():
    x, y = sample(3, 400)
    x = np.vstack([x, x[0] - 2 * x[1], np.full(400, 5.0)])
    found, alone = fitted(x, y, False), fitted(x[:3], y, False)
    assert found.together == [[0, 1, 3]]
    assert found.constant == [4]
    assert np.isnan(found.partial[[0, 1, 3, 4]]).all()
    assert np.isnan(found.standardised_error[[0, 1, 3, 4]]).all()
    assert found.partial[2] == pytest.approx(alone.partial[2], abs=1e-12)
    assert found.fisher_error[2] == pytest.approx(alone.fisher_error[2], rel=1e-9)
    assert found.freedom == alone.freedom == 396


def test_a_constant_input_is_named():
    inputs = NORMALS | {"fixed": make({"kind": "constant", "value": 2})}
    r = last(inputs=inputs)
    assert r["src"]["fixed"] == {"value": None, "lower": None, "upper": None}
    assert r["notes"][0].startswith("fixed does not vary")
    assert r["ranking"][-1] == {"id": "fixed", "effect": None}


def test_a_fit_that_explains_little_sends_to_other_methods():
    inputs = {"x": make({"kind": "uniform", "low": -1, "high": 1})}
    r = last(lambda x: {"y": x["x"] ** 2}, inputs)
    assert r["r2"] < 0.05
    assert "use PRCC (if it only rises or falls), Sobol" in r["notes"][0]
    ranked = last(lambda x: {"y": x["x"] ** 2}, inputs, ranked=True)
    assert "use Sobol indices, PAWN or delta" in ranked["notes"][0]


def test_an_exact_line_has_partial_correlations_of_one():
    r = last()
    assert values(r["pcc"]) == pytest.approx([1, -1, 1, 1], abs=1e-15)
    assert r["r2"] == pytest.approx(1, abs=1e-14)
    assert all(one["lower"] == one["upper"] for one in r["pcc"].values())
    # the spreads of the sample are not those of the distributions: twice the half-width
    # is four standard errors
    for name, share in zip("abc", linear_truth(False)[0], strict=True):
        one = r["src"][name]
        assert 0 < abs(one["value"] - share) < one["upper"] - one["lower"]
    unused = last(lambda x: {"y": x["a"] + x["b"]})
    assert values(unused["pcc"])[2:] == [None, None]
    assert values(unused["src"])[2:] == pytest.approx([0, 0], abs=1e-14)
    assert "exactly a line" in unused["notes"][-1]


def test_rows_without_answer_are_left_out_and_counted():
    def fails(x):
        return {"y": np.where(x["a"] > 1, line(x)["y"], np.nan)}

    r = last(fails)
    assert r["rows"] + r["failed"] == 2_000 and 900 < r["failed"] < 1_100
    assert values(r["pcc"]) == pytest.approx([1, -1, 1, 1], abs=1e-12)
    none = last(lambda x: {"y": np.full(len(x["a"]), np.nan)})
    assert none["notes"] == ["y has no value in any row"]
    assert values(none["src"]) == [None] * 4


def test_a_constant_output_has_no_coefficients_and_a_note():
    r = last(lambda x: {"y": np.ones(len(x["a"]))}, ranked=True)
    assert values(r["prcc"]) == values(r["srrc"]) == [0, 0, 0, 0]
    assert r["notes"] == ["y does not vary: all its coefficients are 0"]


def test_too_few_rows_say_how_many_are_wanted():
    r = last(samples=6)
    assert (
        "rows with a value of y: 6" in r["notes"][0] and "7 at least" in r["notes"][0]
    )
    assert values(r["src"]) == [None] * 4


def test_the_same_seed_gives_the_same_bits_and_blocks_stay_small():
    sizes = []

    def model(x):
        sizes.append(len(x["a"]))
        return {"y": line(x)["y"], "z": x["a"] ** 3}

    states = list(regression(model, NORMALS, ["y", "z"], 40_000, seed=0, ranked=True))
    assert max(sizes) == BLOCK and sum(sizes) == 40_000
    cube = last(lambda x: {"z": x["a"] ** 3}, samples=40_000, output="z", ranked=True)
    assert states[-1].report("z") == cube


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"samples": 0}, "config.samples"),
        ({"samples": 10**9}, "config.samples"),
        ({"inputs": {}}, "parameters"),
        ({"sampling": "grid"}, "config.sampling"),
    ],
)
def test_what_cannot_be_sampled_is_refused(options, field):
    with pytest.raises(InputError) as refused:
        last(**options)
    assert refused.value.field == field
