"""Distributions, judged by their closed forms and by scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flask_api.numerics import InputError
from flask_api.numerics.distributions import KINDS, make

CASES = [
    ({"kind": "normal", "mean": -2, "std": 0.5}, stats.norm(-2, 0.5)),
    (
        {"kind": "lognormal", "mu": 0.3, "sigma": 0.7},
        stats.lognorm(0.7, 0, np.exp(0.3)),
    ),
    ({"kind": "uniform", "low": -1, "high": 3}, stats.uniform(-1, 4)),
    (
        {"kind": "triangular", "low": 1, "mode": 2, "high": 5},
        stats.triang(0.25, 1, 4),
    ),
    (
        {"kind": "triangular", "low": 1, "mode": 5, "high": 5},
        stats.triang(1, 1, 4),
    ),
]


@pytest.mark.parametrize(("described", "peer"), CASES)
def test_quantiles_mean_and_spread_are_those_of_scipy(described, peer):
    u = np.linspace(1e-9, 1 - 1e-9, 1001)
    ours = make(described)
    # both are closed forms: a few units in the last place apart
    np.testing.assert_allclose(ours.ppf(u), peer.ppf(u), rtol=1e-9, atol=1e-12)
    assert ours.mean == pytest.approx(peer.mean(), rel=1e-12)
    assert ours.std == pytest.approx(peer.std(), rel=1e-12)


def test_a_lognormal_given_by_its_moments_has_them():
    d = make({"kind": "lognormal", "mean": 7.0, "std": 2.0})
    assert (d.mean, d.std) == pytest.approx((7.0, 2.0), rel=1e-12)


def test_a_constant_never_moves():
    d = make({"kind": "constant", "value": 4})
    assert d.ppf(np.array([0.1, 0.9])).tolist() == [4.0, 4.0]
    assert (d.mean, d.std) == (4.0, 0.0)


finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e3)


@settings(max_examples=60, deadline=None)
@given(finite, positive, positive, st.data())
def test_every_quantile_function_rises_and_carries_its_moments(at, left, right, data):
    described = data.draw(
        st.sampled_from(
            [
                {"kind": "normal", "mean": at, "std": left},
                {"kind": "lognormal", "mu": at / 1e5, "sigma": left / 1e3},
                {"kind": "uniform", "low": at, "high": at + left},
                {
                    "kind": "triangular",
                    "low": at - left,
                    "mode": at,
                    "high": at + right,
                },
            ]
        )
    )
    d = make(described)
    n = 200_000
    x = d.ppf((np.arange(n) + 0.5) / n)
    assert (np.diff(x) >= 0).all()
    assert make(d.as_mapping()) == d
    # midpoint rule: the tails beyond 1/400,000 hold less than 1e-4 of the spread
    assert x.mean() == pytest.approx(d.mean, abs=1e-4 * d.std + 1e-12 * abs(at))
    assert x.std() == pytest.approx(d.std, rel=2e-3, abs=1e-9 * abs(at))


@pytest.mark.parametrize(
    ("described", "field", "says"),
    [
        ({"kind": "zeta"}, "d.kind", "triangular"),
        ({"mean": 1}, "d.kind", "offered"),
        ({"kind": "normal", "mean": 1}, "d", "{mean, std}"),
        ({"kind": "normal", "mean": 1, "std": 1, "a": 2}, "d", "got a, mean, std"),
        ({"kind": "normal", "mean": True, "std": 1}, "d.mean", "finite number"),
        ({"kind": "normal", "mean": "2", "std": 1}, "d.mean", "finite number"),
        ({"kind": "normal", "mean": float("nan"), "std": 1}, "d.mean", "nan"),
        ({"kind": "normal", "mean": 1, "std": float("inf")}, "d.std", "inf"),
        ({"kind": "normal", "mean": 1, "std": 0}, "d.std", "above 0"),
        ({"kind": "lognormal", "mean": -1, "std": 1}, "d.mean", "above 0"),
        ({"kind": "lognormal", "mu": 900, "sigma": 1}, "d", "logarithms"),
        ({"kind": "uniform", "low": 2, "high": 1}, "d", "low must be below high"),
        ({"kind": "triangular", "low": 0, "mode": 9, "high": 1}, "d", "mode"),
    ],
)
def test_what_is_no_distribution_is_refused_by_name(described, field, says):
    with pytest.raises(InputError, match=None) as caught:
        make(described, "d")
    assert caught.value.field == field
    assert says in str(caught.value)


def test_the_four_promised_kinds_are_offered():
    assert {"normal", "lognormal", "uniform", "triangular"} <= set(KINDS)
