"""Moments, quantiles, histogram, Wilson interval: blocks against the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flask_api.numerics.histogram import Histogram
from flask_api.numerics.moments import Moments
from flask_api.numerics.proportions import two_sided_z, wilson_interval
from flask_api.numerics.quantiles import Quantiles

parts = st.lists(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=0, max_size=30), min_size=1
)


@settings(max_examples=100, deadline=None)
@given(parts)
def test_merged_moments_are_those_of_the_whole(lists):
    merged = Moments()
    for values in lists:
        merged = merged.merge(Moments.of(np.array(values, dtype=float)))
    whole = np.array([v for values in lists for v in values])
    assert merged.n == len(whole)
    if not len(whole):
        return
    assert merged.mean == pytest.approx(whole.mean(), rel=1e-9, abs=1e-9)
    assert (merged.low, merged.high) == (whole.min(), whole.max())
    d = whole - whole.mean()
    scale = max(1.0, np.abs(d).max())
    for ours, power in ((merged.m2, 2), (merged.m3, 3), (merged.m4, 4)):
        limit = 1e-10 * len(whole) * scale**power
        assert ours == pytest.approx((d**power).sum(), rel=1e-9, abs=limit)


def test_moments_far_from_zero_keep_their_digits():
    # A naive sum of squares would lose all digits: mean / std = 1e9.
    rng = np.random.default_rng(1)
    values = 1e9 + rng.standard_normal(40_000)
    merged = Moments()
    for block in np.split(values, 40):
        merged = merged.merge(Moments.of(block))
    d = values - 1e9
    assert merged.std == pytest.approx(d.std(ddof=1), rel=1e-6)
    assert merged.skewness == pytest.approx(stats.skew(d), abs=1e-6)
    assert merged.kurtosis == pytest.approx(stats.kurtosis(d), abs=1e-6)


def test_equal_values_have_no_skewness_rather_than_a_wrong_one():
    m = Moments.of(np.full(100, 0.1))
    assert m.std == pytest.approx(0)
    assert m.skewness is None and m.kurtosis is None
    assert Moments().std is None


def test_quantiles_are_exact_while_all_values_fit():
    values = np.random.default_rng(2).standard_normal(10_001)
    q = Quantiles(20_000)
    for block in np.array_split(values, 7):
        q.add(block)
    shares = np.array([0, 0.01, 0.5, 0.777, 1])
    np.testing.assert_array_equal(q.at(shares), np.quantile(values, shares))
    assert q.rank_error == 0
    np.testing.assert_array_equal(q.at(shares), np.quantile(values, shares))


@pytest.mark.parametrize("name", ["normal", "cauchy", "lognormal", "mixture"])
def test_a_sketch_keeps_the_error_it_states_whatever_the_distribution(name):
    rng = np.random.default_rng(3)
    n = 400_000
    values = {
        "normal": rng.standard_normal(n),
        "cauchy": rng.standard_cauchy(n),
        "lognormal": np.exp(4 * rng.standard_normal(n)),
        "mixture": np.where(rng.random(n) < 0.5, 2.0, 1e9 + rng.random(n)),
    }[name]
    q = Quantiles(n, exact=0, chunk=1 << 16)
    for block in np.array_split(values, 37):
        q.add(block)
    assert 0 < q.rank_error < 1e-3
    shares = np.array([0.001, 0.05, 0.3, 0.5, 0.9, 0.999])
    ordered = np.sort(values)
    for share, value in zip(shares, q.at(shares), strict=True):
        below = np.searchsorted(ordered, value, "left") / n
        up_to = np.searchsorted(ordered, value, "right") / n
        assert below - q.rank_error - 1 / n <= share <= up_to + q.rank_error + 1 / n
    assert q.at(np.array([0.0, 1.0])).tolist() == [ordered[0], ordered[-1]]


def test_a_sketch_of_a_discrete_distribution_is_exact():
    values = np.random.default_rng(4).integers(0, 6, 300_000).astype(float)
    q = Quantiles(10**9, exact=0, chunk=1 << 15)
    q.add(values)
    shares = np.array([0.1, 0.5, 0.9])
    assert q.at(shares).tolist() == np.quantile(values, shares).tolist()


def test_quantiles_of_nothing_are_not_a_number():
    assert np.isnan(Quantiles(10).at(np.array([0.5]))).all()


@settings(max_examples=100, deadline=None)
@given(parts, st.integers(1, 80))
def test_a_histogram_loses_no_value_however_its_range_grows(lists, bins):
    h = Histogram()
    for values in lists:
        h.add(np.array(values, dtype=float))
    drawn = h.bins(bins)
    total = sum(len(values) for values in lists)
    assert h.n == total
    assert sum(b["probability"] for b in drawn) == pytest.approx(1 if total else 0)
    assert all(b["probability"] >= 0 for b in drawn)
    assert len(drawn) in (0, 1, bins)


def test_a_grown_histogram_agrees_with_numpy():
    values = np.random.default_rng(5).standard_normal(100_000)
    h = Histogram()
    for block in np.array_split(values, 300):
        h.add(block)
    ours = np.array([b["probability"] for b in h.bins(40)])
    theirs = np.histogram(values, 40)[0] / len(values)
    # an edge is off by at most one cell, 1/8,192 of the range of 8.6, where the
    # density is at most 0.4
    assert np.abs(ours - theirs).max() < 8.6 / 8192 * 0.4
    shares = np.array([0.05, 0.5, 0.95])
    assert h.quantiles(shares) == pytest.approx(np.quantile(values, shares), abs=2e-3)


def test_a_histogram_that_grows_downwards_keeps_every_value_in_its_place():
    histogram, values = Histogram(), np.linspace(1000, -1000, 20_001)
    for block in np.array_split(values, 200):  # a range of 10 grows eightfold and on
        histogram.add(block)
    shares = np.array([0.1, 0.25, 0.5, 0.9])
    # a cell is at most 4/32,768 of the range of 2,000: 0.25
    assert histogram.quantiles(shares) == pytest.approx(shares * 2000 - 1000, abs=0.25)


def test_equal_values_are_one_bin():
    h = Histogram()
    h.add(np.full(5, 3.0))
    assert h.bins(10) == [{"value": 3.0, "probability": 1.0}]
    h.add(np.array([4.0]))
    assert h.bins(2)[0]["probability"] == pytest.approx(5 / 6)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (4321, 100_000)])
def test_wilsons_interval_is_scipys(hits, n):
    theirs = stats.binomtest(hits, n).proportion_ci(0.9, method="wilson")
    assert wilson_interval(hits, n, 0.9) == pytest.approx(tuple(theirs), abs=1e-12)


def test_an_interval_always_holds_what_was_seen():
    assert wilson_interval(0, 0, 0.95) == (0.0, 1.0)
    assert wilson_interval(7, 7, 0.95)[1] == 1.0
    assert two_sided_z(0.95) == pytest.approx(1.959963984540054, rel=1e-12)
