"""PERT, beta, gamma, Weibull, truncated, discrete and empirical distributions."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import betainccinv, betaincinv, ndtr

from flask_api.numerics import InputError
from flask_api.numerics.distribution import is_continuous
from flask_api.numerics.distributions import KINDS, make
from flask_api.numerics.smooth_inverse import SmoothInverse
from flask_api.numerics.streams import stream

NORMAL = {"kind": "normal", "mean": 2, "std": 3}
CASES = [
    ({"kind": "pert", "low": 1, "mode": 2, "high": 5}, stats.beta(2, 4, 1, 4)),
    ({"kind": "pert", "low": 0, "mode": 1, "high": 1}, stats.beta(5, 1, 0, 1)),
    (
        {"kind": "pert", "low": -1, "mode": 0, "high": 3, "lambda": 2},
        stats.beta(1.5, 2.5, -1, 4),
    ),
    ({"kind": "beta", "a": 0.5, "b": 0.7}, stats.beta(0.5, 0.7)),
    ({"kind": "beta", "a": 3, "b": 2, "low": -2, "high": 8}, stats.beta(3, 2, -2, 10)),
    ({"kind": "gamma", "shape": 0.4, "scale": 2}, stats.gamma(0.4, 0, 2)),
    (
        {"kind": "gamma", "shape": 9, "scale": 0.5, "location": -3},
        stats.gamma(9, -3, 0.5),
    ),
    ({"kind": "gamma", "mean": 6, "std": 3}, stats.gamma(4, 0, 1.5)),
    ({"kind": "weibull", "shape": 0.8, "scale": 2}, stats.weibull_min(0.8, 0, 2)),
    (
        {"kind": "weibull", "shape": 40, "scale": 2, "location": 1},
        stats.weibull_min(40, 1, 2),
    ),
    ({"kind": "normal", "mean": -2, "std": 0.5}, stats.norm(-2, 0.5)),
    (
        {"kind": "lognormal", "mu": 0.3, "sigma": 0.7},
        stats.lognorm(0.7, 0, np.exp(0.3)),
    ),
    ({"kind": "uniform", "low": -1, "high": 3}, stats.uniform(-1, 4)),
    ({"kind": "triangular", "low": 1, "mode": 2, "high": 5}, stats.triang(0.25, 1, 4)),
    ({"kind": "triangular", "low": 1, "mode": 1, "high": 5}, stats.triang(0, 1, 4)),
    ({"kind": "triangular", "low": 1, "mode": 5, "high": 5}, stats.triang(1, 1, 4)),
    (
        {"kind": "truncated", "of": NORMAL, "low": 1, "high": 4},
        stats.truncnorm(-1 / 3, 2 / 3, 2, 3),
    ),
    (
        {"kind": "truncated", "of": NORMAL, "low": 1},
        stats.truncnorm(-1 / 3, np.inf, 2, 3),
    ),
    (
        {"kind": "truncated", "of": NORMAL, "low": 26, "high": 32},
        stats.truncnorm(8, 10, 2, 3),
    ),
    (
        {"kind": "truncated", "of": NORMAL, "high": -28},
        stats.truncnorm(-np.inf, -10, 2, 3),
    ),
    (
        {
            "kind": "truncated",
            "of": {"kind": "truncated", "of": NORMAL, "low": 1, "high": 9},
            "high": 4,
        },
        stats.truncnorm(-1 / 3, 2 / 3, 2, 3),
    ),
]


@pytest.mark.parametrize(("described", "peer"), CASES)
def test_every_kind_is_the_one_of_scipy(described, peer):
    d = make(described)
    u = np.concatenate([[1e-9, 1e-4], np.linspace(0.01, 0.99, 99), [1 - 1e-9]])
    x = d.ppf(u)
    # closed forms, or iterations to the last digits; scipy's truncated normal adds and
    # subtracts logarithms of shares such as 1e-24, which costs it some digits
    digits = 1e-7 if described["kind"] == "truncated" else 1e-10
    np.testing.assert_allclose(x, peer.ppf(u), rtol=digits, atol=1e-12)
    # scipy's truncated moments are quadratures to 1e-8; ours meet a kink at 1e-9
    assert d.mean == pytest.approx(peer.mean(), rel=1e-8)
    assert d.std == pytest.approx(peer.std(), rel=1e-7)
    assert is_continuous(d)
    np.testing.assert_allclose(d.isf(u), peer.isf(u), rtol=digits, atol=1e-12)
    np.testing.assert_allclose(d.cdf(x), peer.cdf(x), rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(d.sf(x), peer.sf(x), rtol=1e-6, atol=1e-13)
    np.testing.assert_allclose(d.logpdf(x), peer.logpdf(x), rtol=1e-6, atol=1e-9)
    low, high = d.support
    assert (low, high) == pytest.approx(peer.support(), rel=1e-12)
    outside = np.array([low - 1, high + 1])[np.isfinite([low, high])]
    assert (d.logpdf(outside) == -np.inf).all()


@pytest.mark.parametrize(("described", "peer"), CASES)
def test_every_kind_survives_being_written_down(described, peer):
    d = make(described)
    assert make(json.loads(json.dumps(d.as_mapping()))) == d


@pytest.mark.parametrize(("described", "peer"), CASES)
def test_normal_scores_lead_to_the_same_quantiles(described, peer):
    z = np.linspace(-4, 4, 33)
    d = make(described)
    np.testing.assert_allclose(
        d.of_normal(z), d.ppf(stats.norm.cdf(z)), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    ("a", "b"), [(2.2, 3.8), (1, 5), (5, 1), (51, 51), (0.5, 0.7), (1.5, 2.5)]
)
def test_usual_shapes_are_interpolated_to_rounding(a, b):
    inverse = SmoothInverse(
        lambda u: betaincinv(a, b, u), lambda u: betainccinv(a, b, u), 0.2
    )
    assert inverse.holds
    u = stream(0).random(5000)
    # 1e-13 is what it promises of spread and value together; most are 1e-15
    np.testing.assert_allclose(inverse.below(u), betaincinv(a, b, u), atol=1e-13)
    np.testing.assert_allclose(inverse.above(u), betainccinv(a, b, u), atol=1e-13)
    far = np.array([-30.0, -8.3, 8.3, 30.0])
    # beyond 19 the inverse finds no number: it stays there
    expected = [betaincinv(a, b, ndtr(-19)), betaincinv(a, b, ndtr(-8.3))]
    np.testing.assert_allclose(inverse.at(far)[:2], expected, rtol=1e-12)
    assert inverse.at(far)[2:].max() <= 1


def test_shapes_too_rough_to_interpolate_are_computed_exactly():
    rough = SmoothInverse(
        lambda u: betaincinv(0.02, 0.02, u), lambda u: betainccinv(0.02, 0.02, u), 0.5
    )
    assert not rough.holds
    z = np.linspace(-3, 3, 61)
    peer = stats.beta(0.02, 0.02)
    expected = np.where(z < 0, peer.ppf(ndtr(z)), peer.isf(ndtr(-z)))
    np.testing.assert_allclose(rough.at(z), expected, rtol=1e-10, atol=1e-14)


def test_the_classic_pert_has_the_mean_of_the_book():
    # (low + 4 mode + high)/6, and (high - low)/6 at lambda 4 where mode is the middle:
    # a beta of shapes 3, 3 has variance 1/28
    assert make({"kind": "pert", "low": 1, "mode": 2, "high": 9}).mean == pytest.approx(
        18 / 6
    )
    middle = make({"kind": "pert", "low": 0, "mode": 0.5, "high": 1})
    assert middle.std == pytest.approx(math.sqrt(1 / 28))


def test_a_discrete_distribution_draws_each_value_by_its_weight():
    d = make({"kind": "discrete", "values": [5, -1, 2], "weights": [1, 2, 1]})
    u = np.array([0.0001, 0.25, 0.5, 0.51, 0.75, 0.76, 1 - 2**-53])
    assert d.ppf(u).tolist() == [-1, -1, -1, 2, 2, 5, 5]
    assert (d.mean, d.support) == (1.25, (-1, 5))
    assert d.std == pytest.approx(math.sqrt((2 * 2.25**2 + 0.75**2 + 3.75**2) / 4))
    assert make(d.as_mapping()) == d
    assert not is_continuous(d)


def test_a_value_without_weight_never_comes():
    d = make({"kind": "discrete", "values": [1, 2, 3], "weights": [0, 1, 0]})
    assert set(d.ppf(np.linspace(1e-9, 1 - 1e-9, 99)).tolist()) == {2.0}
    assert d.support == (2.0, 2.0)


def test_empirical_data_come_back_as_often_as_they_were_given():
    data = [3.0, 1.0, 1.0, 7.0]
    d = make({"kind": "empirical", "data": data})
    n = 400
    drawn = d.ppf((np.arange(n) + 0.5) / n)
    assert sorted(drawn[::100].tolist()) == sorted(data)
    assert (drawn == 1.0).sum() == 200
    assert d.mean == 3.0
    assert d.std == pytest.approx(np.std(data))
    assert d.ppf(np.array([1 - 2**-53])).tolist() == [7.0]


def test_cutting_a_list_keeps_what_lies_inside():
    of = {"kind": "discrete", "values": [1, 2, 3], "weights": [1, 1, 2]}
    d = make({"kind": "truncated", "of": of, "low": 2, "high": 3})
    assert d.mean == pytest.approx(8 / 3)
    assert d.support == (2, 3)
    assert d.ppf(np.array([0.33, 0.34])).tolist() == [2, 3]
    empirical = {"kind": "empirical", "data": [1, 2, 3, 4]}
    twice = {"kind": "truncated", "of": empirical, "low": 2}
    d = make({"kind": "truncated", "of": twice, "high": 3})
    assert set(d.ppf(np.linspace(0.01, 0.99, 50)).tolist()) == {2.0, 3.0}
    constant = {"kind": "constant", "value": 4}
    assert make({"kind": "truncated", "of": constant, "high": 4}).mean == 4


def test_a_truncated_one_never_steps_over_its_ends():
    for low, high in ((7.9, 8.1), (-8.1, -7.9), (-0.5, 9)):
        of = {"kind": "normal", "mean": 0, "std": 1}
        d = make({"kind": "truncated", "of": of, "low": low, "high": high})
        x = d.ppf(np.array([2.0**-54, 0.5, 1 - 2.0**-53]))
        assert low <= x.min() <= x.max() <= high
        assert (np.diff(x) > 0).all()
        assert low < d.mean < high


def test_a_slice_of_the_far_tail_is_cut_exactly():
    of = {"kind": "normal", "mean": 0, "std": 1}
    d = make({"kind": "truncated", "of": of, "high": -10})
    assert is_continuous(d)
    u = np.array([1e-9, 0.3, 0.9])
    # of the standard normal this share lies below -10 (known to 30 digits)
    share = 7.619853024160526e-24 * u
    np.testing.assert_allclose(stats.norm.cdf(d.ppf(u)), share, rtol=1e-12)
    np.testing.assert_allclose(d.cdf(d.ppf(u)), u, rtol=1e-12)


positive = st.floats(0.05, 50)


@pytest.mark.parametrize(("a", "b"), [(1, 0.125), (2, 0.125), (0.5, 0.125)])
def test_quantiles_that_crowd_at_an_end_change_places_in_the_last_digit_at_most(a, b):
    d = make({"kind": "beta", "a": a, "b": b})
    u = np.linspace(0.001, 0.999, 200_001)
    x = d.ppf(u)
    assert np.diff(x).min() >= -(2.0**-52)  # two steps of numbers just below 1
    if a == 1:
        # F(x) = 1 - (1 - x)^b
        assert np.abs(x + (1 - u) ** (1 / b) - 1).max() < 1e-14


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e3, 1e3), positive, positive, st.data())
def test_every_shape_rises_and_carries_its_moments(at, left, right, data):
    pert = {"kind": "pert", "low": at - left, "mode": at, "high": at + right}
    gamma = {"kind": "gamma", "shape": left, "scale": right, "location": at}
    weibull = {"kind": "weibull", "shape": 0.7 + left, "scale": right, "location": at}
    described = data.draw(
        st.sampled_from(
            [
                pert,
                gamma,
                weibull,
                {"kind": "beta", "a": left, "b": right, "low": at, "high": at + 1},
                {"kind": "truncated", "of": pert, "low": at},
                {"kind": "truncated", "of": gamma, "high": at + left * right},
                {"kind": "truncated", "of": weibull, "low": at + right / 2},
            ]
        )
    )
    d = make(described)
    n = 20_000
    x = d.ppf((np.arange(n) + 0.5) / n)
    # a beta whose upper end draws most of it has quantiles that differ in their last
    # digit alone: there a polynomial of eight terms may err by one
    assert (np.diff(x) >= -2 * np.spacing(np.abs(x[1:]))).all()
    low, high = d.support
    assert low <= x[0] <= x[-1] <= high
    # midpoint rule: the tail beyond 1/40,000 holds at most 2e-3 of the spread here
    assert x.mean() == pytest.approx(d.mean, abs=2e-3 * d.std + 1e-9 * abs(at))
    assert x.std() == pytest.approx(d.std, rel=0.05, abs=1e-9 * abs(at))
    # beside a large location both are rounded to its last digits
    middle = x[200:-200:50]
    assert is_continuous(d)
    back = d.ppf(np.clip(d.cdf(middle), 1e-12, 1 - 1e-12))
    np.testing.assert_allclose(back, middle, rtol=1e-9, atol=1e-8 * right)


@pytest.mark.parametrize(
    ("described", "field", "says"),
    [
        ({"kind": "pert", "low": 0, "mode": 2, "high": 1}, "d", "low <= mode <= high"),
        (
            {"kind": "pert", "low": 0, "mode": 1, "high": 2, "lambda": 0},
            "d.lambda",
            "above 0",
        ),
        ({"kind": "pert", "low": 0, "high": 2}, "d", "{low, mode, high, lambda?}"),
        ({"kind": "beta", "a": 0, "b": 1}, "d.a", "above 0"),
        ({"kind": "beta", "a": 1, "b": -1}, "d.b", "above 0"),
        ({"kind": "beta", "a": 1, "b": 1, "low": 3, "high": 3}, "d", "below high"),
        ({"kind": "gamma", "shape": -1, "scale": 1}, "d.shape", "above 0"),
        ({"kind": "gamma", "shape": 1, "scale": 0}, "d.scale", "above 0"),
        ({"kind": "gamma", "mean": 0, "std": 1}, "d.mean", "above 0"),
        ({"kind": "weibull", "shape": 0.001, "scale": 1}, "d.shape", "0.02"),
        ({"kind": "weibull", "shape": 1}, "d", "{shape, scale, location?}"),
        ({"kind": "truncated", "of": NORMAL}, "d", "neither low nor high"),
        ({"kind": "truncated", "low": 1}, "d", "{of, low?, high?}"),
        ({"kind": "truncated", "of": 3, "low": 1}, "d.of", "wanted a distribution"),
        (
            {"kind": "truncated", "of": {"kind": "normal", "mean": 0}, "low": 1},
            "d.of",
            "{mean, std}",
        ),
        (
            {"kind": "truncated", "of": NORMAL | {"std": -1}, "low": 1},
            "d.of.std",
            "above 0",
        ),
        ({"kind": "truncated", "of": NORMAL, "low": 5, "high": 1}, "d", "below"),
        ({"kind": "truncated", "of": NORMAL, "low": 500}, "d", "nothing of it"),
        (
            {"kind": "truncated", "of": {"kind": "constant", "value": 1}, "low": 2},
            "d",
            "cut off",
        ),
        (
            {
                "kind": "truncated",
                "of": {"kind": "empirical", "data": [1, 2]},
                "low": 3,
            },
            "d",
            "none of the data",
        ),
        ({"kind": "discrete", "values": [], "weights": []}, "d.values", "at least one"),
        ({"kind": "discrete", "values": [1], "weights": []}, "d.weights", "1 values"),
        (
            {"kind": "discrete", "values": [1, 2], "weights": [1, -1]},
            "d.weights[1]",
            "0 or above",
        ),
        ({"kind": "discrete", "values": [1], "weights": [0]}, "d.weights", "add up"),
        (
            {"kind": "discrete", "values": [1, "x"], "weights": [1, 1]},
            "d.values[1]",
            "finite number",
        ),
        ({"kind": "empirical", "data": 3}, "d.data", "list of numbers"),
        ({"kind": "empirical", "data": [1, math.nan]}, "d.data[1]", "nan"),
        ({"kind": "empirical", "data": []}, "d.data", "at least one"),
        ({"kind": "uniform", "low": 0, "high": 10**400}, "d.high", "finite number"),
    ],
)
def test_what_is_no_distribution_is_refused_by_its_field(described, field, says):
    with pytest.raises(InputError, match=None) as caught:
        make(described, "d")
    assert caught.value.field == field
    assert says in str(caught.value)


def test_distributions_are_not_nested_without_end():
    d = dict(NORMAL)
    for _ in range(10):
        d = {"kind": "truncated", "of": d, "low": -1}
    with pytest.raises(InputError, match="in one another"):
        make(d)


def test_all_kinds_of_the_contract_are_offered():
    promised = (
        "normal lognormal uniform triangular pert beta gamma weibull truncated "
        "discrete empirical constant"
    )
    assert set(KINDS) == set(promised.split())
