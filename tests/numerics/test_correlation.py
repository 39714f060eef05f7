"""Inputs that move together: what is asked for is drawn, and marginals stay."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm, spearmanr

from flask_api.numerics import InputError
from flask_api.numerics.correlation import Correlation, read_correlation
from flask_api.numerics.designs import BLOCK, blocks, parts
from flask_api.numerics.distributions import make
from flask_api.numerics.nearest_correlation import (
    lower_factor,
    nearest_correlation,
    smallest_eigenvalue,
)
from flask_api.numerics.sampling import Sampler, reordered
from flask_api.numerics.streams import stream

INPUTS = {
    "a": make({"kind": "normal", "mean": 5, "std": 2}),
    "b": make({"kind": "lognormal", "mu": 0, "sigma": 1}),
    "c": make({"kind": "triangular", "low": 0, "mode": 1, "high": 4}),
    "d": make({"kind": "weibull", "shape": 0.7, "scale": 2}),
}
RANKS = np.array([[1, 0.7, -0.4], [0.7, 1, 0.1], [-0.4, 0.1, 1]])
ASKED = {"names": ["b", "a", "d"], "matrix": RANKS.tolist()}


def drawn(n, **options):
    options.setdefault("seed", 1)
    sampler = Sampler(INPUTS, n, **options)
    parts = [sampler.block(start, m) for start, m in blocks(n)]
    return {name: np.concatenate([part[name] for part in parts]) for name in INPUTS}


def test_the_nearest_correlation_matrix_is_the_published_one():
    # Higham (2002), section 4, to the digits printed there
    a = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.0]])
    x = nearest_correlation(a)
    assert x[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert x[0, 2] == pytest.approx(0.1573, abs=5e-5)
    b = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    x = nearest_correlation(b)
    assert x[0].tolist() == pytest.approx([1, -0.8084, 0.1916, 0.1068], abs=5e-5)
    assert x[1, 2] == pytest.approx(-0.6562, abs=5e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 7), st.integers(0, 10**6))
def test_the_nearest_matrix_is_a_correlation_and_none_is_nearer(d, seed):
    rng = stream(seed)
    a = np.triu(rng.uniform(-1, 1, (d, d)), 1)
    a = a + a.T + np.eye(d)
    x = nearest_correlation(a)
    assert (np.diag(x) == 1).all()
    assert (x == x.T).all()
    assert smallest_eigenvalue(x) > -1e-12
    # a convex set: no correlation matrix lies on the other side of the tangent
    for _ in range(20):
        root = rng.standard_normal((d, d + 1))
        other = root @ root.T
        other /= np.sqrt(np.outer(np.diag(other), np.diag(other)))
        assert float(((a - x) * (other - x)).sum()) < 1e-7


def test_a_correlation_matrix_is_its_own_nearest():
    np.testing.assert_allclose(nearest_correlation(RANKS), RANKS, atol=1e-14)


@pytest.mark.parametrize("matrix", [RANKS, np.ones((3, 3)), np.eye(2)])
def test_the_factor_gives_the_matrix_back_and_is_triangular(matrix):
    factor = lower_factor(matrix.astype(float))
    np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-12)
    assert (np.triu(factor, 1) == 0).all()
    assert factor[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("sampling", ["random", "sobol", "lhs"])
@pytest.mark.parametrize("method", ["copula", "iman_conover"])
def test_draws_have_the_rank_correlations_asked_for(sampling, method):
    n = 2 * BLOCK
    asked = read_correlation(ASKED | {"method": method}, list(INPUTS))
    x = drawn(n, sampling=sampling, correlation=asked)
    got = spearmanr(np.array([x[name] for name in ("b", "a", "d", "c")]).T)[0]
    # a sampled rank correlation scatters by at most 1/sqrt(n): four of it
    np.testing.assert_allclose(got[:3, :3], RANKS, atol=4 / math.sqrt(n))
    np.testing.assert_allclose(got[3, :3], 0, atol=4 / math.sqrt(n))
    for name, values in x.items():
        # the distribution of the largest gap at a random sample: 1.95/sqrt(n) at 0.1 %
        distance = kstest(values, lambda v, d=INPUTS[name]: d.cdf(v)).statistic
        assert distance < 1.95 / math.sqrt(n)


def test_iman_conover_keeps_every_value_that_was_drawn():
    n = 5000
    asked = read_correlation(ASKED, list(INPUTS))
    alone, tied = drawn(n, sampling="lhs"), drawn(n, sampling="lhs", correlation=asked)
    for name in INPUTS:
        assert np.sort(tied[name]).tolist() == np.sort(alone[name]).tolist()
    assert tied["b"].tolist() == alone["b"].tolist()  # the first one keeps its order
    assert tied["c"].tolist() == alone["c"].tolist()  # so does who is in no pair
    assert tied["a"].tolist() != alone["a"].tolist()


def test_data_come_as_often_as_given_where_marginals_are_kept():
    data = [1.0, 2.0, 3.0, 10.0]
    inputs = {
        "x": make({"kind": "empirical", "data": data}),
        "y": make({"kind": "uniform", "low": 0, "high": 1}),
    }
    asked = read_correlation([["x", "y", 0.8]], ["x", "y"])
    sampler = Sampler(inputs, 4000, seed=3, sampling="lhs", correlation=asked)
    x = np.concatenate([sampler.block(s, n)["x"] for s, n in blocks(4000)])
    assert {v: int((x == v).sum()) for v in data} == dict.fromkeys(data, 1000)


def test_small_blocks_of_iman_conover_are_nearly_exact():
    factor = Correlation(("p", "q"), np.array([[1, 0.6], [0.6, 1]])).factor
    found = []
    for seed in range(40):
        u = reordered(stream(seed).random((2, 256)), factor)
        found.append(spearmanr(u[0], u[1])[0])
    # 40 values tell their spread to 11 %; chance alone would make it 0.045
    assert np.std(found) < 0.018
    assert np.mean(found) == pytest.approx(0.6, abs=0.01)


def test_a_block_of_one_or_two_draws_is_no_problem():
    asked = read_correlation(ASKED | {"method": "iman_conover"}, list(INPUTS))
    for n in (1, 2, 3, 65, 66):
        assert len(drawn(n, correlation=asked)["a"]) == n


def test_perfect_correlation_is_allowed():
    asked = read_correlation(
        [["a", "b", 1], ["a", "c", -1], ["b", "c", -1]], list(INPUTS)
    )
    x = drawn(1000, correlation=asked)
    assert spearmanr(x["a"], x["b"])[0] == pytest.approx(1)
    assert spearmanr(x["a"], x["c"])[0] == pytest.approx(-1)


def test_correlated_sobol_normals_are_normal_and_settle_fast():
    asked = read_correlation([["a", "b", 0.5]], ["a", "b"])
    one = {k: make({"kind": "normal", "mean": 0, "std": 1}) for k in "ab"}
    x = Sampler(one, 4096, seed=2, correlation=asked).block(0, 4096)
    both = x["a"] + x["b"]
    rho = 2 * math.sin(math.pi / 12)  # of the scores
    # at random the error would be 1.7/64 = 0.027 and 0.02
    assert both.mean() == pytest.approx(0, abs=1e-3)
    assert both.var() == pytest.approx(2 + 2 * rho, abs=2e-2)
    # the largest gap: at random 0.0136 is the median
    assert kstest(x["b"], norm.cdf).statistic < 0.005


def test_inputs_without_correlation_keep_the_bits_they_had():
    asked = read_correlation([["a", "b", 0.5]], list(INPUTS))
    alone, tied = drawn(500), drawn(500, correlation=asked)
    assert tied["c"].tolist() == alone["c"].tolist()
    assert tied["d"].tolist() == alone["d"].tolist()
    # scores of two algorithms, each within 1e-15 of values up to 3.5; a = 5 + 2 z
    np.testing.assert_allclose(tied["a"], alone["a"], rtol=0, atol=2e-14)


def test_replicates_stay_independent_when_reordered():
    asked = read_correlation(ASKED | {"method": "iman_conover"}, list(INPUTS))
    x = drawn(BLOCK, sampling="lhs", correlation=asked, replicates=16)
    alone = drawn(BLOCK, sampling="lhs", replicates=16)
    shares = [(start, parts(n, 16)) for start, n in blocks(BLOCK)]
    for k in range(16):
        rows = [slice(at + p[k].start, at + p[k].stop) for at, p in shares]
        mine, before = (np.concatenate([v["a"][r] for r in rows]) for v in (x, alone))
        assert mine.tolist() != before.tolist()
        assert sorted(mine) == sorted(before)


@pytest.mark.parametrize("replicates", [1, 4])
def test_few_reordered_normals_are_as_correlated_as_many(replicates):
    one = {k: make({"kind": "normal", "mean": 0, "std": 1}) for k in "ab"}
    way = {"pairs": [["a", "b", 0.7]], "method": "iman_conover"}
    asked = read_correlation(way, ["a", "b"])
    found = []
    for seed in range(40):
        sampler = Sampler(
            one, 1024, seed=seed, sampling="lhs", correlation=asked,
            replicates=replicates,
        )  # fmt: skip
        x = [sampler.block(*block) for block in blocks(1024)]
        a, b = (np.concatenate([part[k] for part in x]) for k in "ab")
        found.append(np.corrcoef(a, b)[0, 1])
    wanted = 2 * math.sin(math.pi * 0.7 / 6)
    # the scores of 1024 numbers vary by 0.3 % less than normals do, of 256 by 1 %;
    # block by block the correlation would be 1.4 % and 3 % short
    assert np.mean(found) == pytest.approx(wanted, rel=0.003 * replicates)


def test_ranks_that_scores_cannot_have_are_met_as_nearly_as_can_be():
    # positive semidefinite, but 2 sin(pi rho / 6) of it is not
    ranks = np.array([[1, 0.5, 0.5], [0.5, 1, -0.5], [0.5, -0.5, 1]])
    found = Correlation(("p", "q", "r"), ranks)
    assert smallest_eigenvalue(ranks) > -1e-12
    assert smallest_eigenvalue(found.normals) > -1e-12
    assert 0 < found.shift < 0.02
    assert Correlation(("p", "q", "r"), RANKS).shift < 1e-15


def test_an_impossible_matrix_is_refused_with_the_nearest_that_works():
    bad = [["a", "b", 0.9], ["b", "c", 0.9], ["a", "c", -0.9]]
    with pytest.raises(InputError, match="nearest matrix") as caught:
        read_correlation(bad, list(INPUTS))
    assert caught.value.field == "config.correlation"
    details = json.loads(json.dumps(caught.value.details))
    assert details["smallest_eigenvalue"] == pytest.approx(-0.8)
    # by symmetry: all three become +-1/2
    nearest = np.array(details["nearest"]["matrix"])
    np.testing.assert_allclose(np.abs(nearest[np.triu_indices(3, 1)]), 0.5, atol=1e-9)
    assert read_correlation(details["nearest"], list(INPUTS)) is not None


def test_forms_that_mean_nothing_mean_no_correlation():
    assert read_correlation(None, ["a"]) is None
    assert read_correlation([], ["a"]) is None
    assert read_correlation([["a", "b", 0]], ["a", "b"]) is None
    same = read_correlation({"pairs": [["S1", "b", 0.5]]}, ["a", "b"], resolve=_seed)
    assert same is not None
    assert same.names == ("a", "b")


def _seed(name: str) -> str:
    return {"S1": "a"}.get(name, name)


SQUARE = [[1, 0.5], [0.5, 1]]


@pytest.mark.parametrize(
    ("described", "field", "says"),
    [
        (7, "f", "wanted"),
        ({"matrix": SQUARE}, "f", "got matrix"),
        ({"names": ["a", "b"], "matrix": SQUARE, "kind": 1}, "f", "kind"),
        ({"names": ["a", "b"], "matrix": SQUARE, "method": "x"}, "f.method", "copula"),
        ({"names": ["a", "z"], "matrix": SQUARE}, "f.names[1]", "'z'"),
        ({"names": ["a", 1], "matrix": SQUARE}, "f.names[1]", "these do: a, b"),
        ({"names": ["a", "a"], "matrix": SQUARE}, "f.names[1]", "twice"),
        ({"names": "ab", "matrix": SQUARE}, "f.names", "list"),
        ({"names": ["a", "b"], "matrix": [[1]]}, "f.matrix", "2 rows of 2"),
        ({"names": ["a", "b"], "matrix": [[1, 0], [0]]}, "f.matrix[1]", "wanted 2"),
        ({"names": ["a", "b"], "matrix": [[1, 2], [2, 1]]}, "f.matrix[0][1]", "-1 to"),
        ({"names": ["a", "b"], "matrix": [[1, 0], [0, 2]]}, "f.matrix[1][1]", "-1 to"),
        (
            {"names": ["a", "b"], "matrix": [[0.9, 0], [0, 1]]},
            "f.matrix[0][0]",
            "always 1",
        ),
        (
            {"names": ["a", "b"], "matrix": [[1, 0.2], [0.3, 1]]},
            "f.matrix[1][0]",
            "other way round",
        ),
        (
            {"names": ["a", "b"], "matrix": [[1, math.nan], [0, 1]]},
            "f.matrix[0][1]",
            "nan",
        ),
        ([["a", "b"]], "f.pairs[0]", "wanted"),
        ([["a", "z", 0.1]], "f.pairs[0][1]", "'z'"),
        ([["a", "a", 0.1]], "f.pairs[0]", "itself"),
        ([["a", "b", 0.1], ["b", "a", 0.1]], "f.pairs[1]", "twice"),
        ([["a", "b", "x"]], "f.pairs[0][2]", "-1 to 1"),
        ({"pairs": 3}, "f.pairs", "list"),
    ],
)
def test_what_is_no_correlation_is_refused_by_its_field(described, field, says):
    with pytest.raises(InputError, match=None) as caught:
        read_correlation(described, ["a", "b"], "f")
    assert caught.value.field == field
    assert says in str(caught.value)
