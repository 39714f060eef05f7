"""Distributions given a part of their range: scipy's, closed forms, and counting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from flask_api.numerics import InputError
from flask_api.numerics.conditioning import conditioned
from flask_api.numerics.distributions import Distribution, make
from flask_api.numerics.streams import stream

SHAPES: dict[str, tuple[dict[str, Any], float, float]] = {
    "normal": ({"kind": "normal", "mean": 1, "std": 2}, 0.0, 2.5),
    "lognormal": ({"kind": "lognormal", "mu": 0, "sigma": 1}, 0.5, 1.5),
    "uniform": ({"kind": "uniform", "low": -1, "high": 3}, 0.0, 9.0),
    "triangular": ({"kind": "triangular", "low": 0, "mode": 1, "high": 4}, 0.5, 2.0),
    "pert": ({"kind": "pert", "low": 0, "mode": 1, "high": 4}, 0.5, 2.0),
    "beta": ({"kind": "beta", "a": 2, "b": 3}, 0.2, 0.4),
    "gamma": ({"kind": "gamma", "shape": 2, "scale": 3}, 2.0, 7.0),
    "weibull": ({"kind": "weibull", "shape": 2, "scale": 3}, 2.0, 7.0),
    "discrete": (
        {"kind": "discrete", "values": [1, 2, 3, 4], "weights": [1, 2, 3, 4]},
        2.0,
        3.0,
    ),
    "empirical": ({"kind": "empirical", "data": [5, 1, 2, 2, 9, 4]}, 2.0, 5.0),
    "truncated": (
        {"kind": "truncated", "of": {"kind": "normal", "mean": 1, "std": 2}, "low": 0},
        -3.0,
        2.0,
    ),
}


def drawn(distribution: Distribution, n: int = 20_000) -> Any:
    return distribution.ppf(stream(3, 0, 99).random(n))


@pytest.mark.parametrize("kind", SHAPES)
def test_what_is_left_is_what_the_whole_draws_in_that_part(kind: str) -> None:
    described, low, high = SHAPES[kind]
    whole = make(described)
    part, probability = conditioned(whole, low, high)
    everything = drawn(whole)
    inside = everything[(everything >= low) & (everything <= high)]
    # four binomial errors of 20,000 draws, each at most 0.0035
    assert probability == pytest.approx(len(inside) / 20_000, abs=0.015)
    found = drawn(part)
    assert found.min() >= low and found.max() <= high
    # Kolmogorov's 2.2/sqrt(n) at 1e-4, n that of the smaller sample
    gap = stats.ks_2samp(inside, found).statistic
    assert gap < 2.2 * math.sqrt(1 / len(inside) + 1 / len(found))
    assert make(part.as_mapping()) == part


def test_the_probability_is_exact_in_both_tails() -> None:
    normal = make({"kind": "normal", "mean": 0, "std": 1})
    for low, high in ((8, 9), (-9, -8), (-1, 1), (8, math.inf), (-math.inf, 0)):
        expected = stats.norm.sf(low) - stats.norm.sf(high)
        if high <= 0:
            expected = stats.norm.cdf(high) - stats.norm.cdf(low)
        found = conditioned(normal, low, high)[1]
        assert found == pytest.approx(expected, rel=1e-12, abs=0)


def test_a_part_of_a_part_has_the_share_of_a_share() -> None:
    described = {"kind": "normal", "mean": 0, "std": 1}
    half = make({"kind": "truncated", "of": described, "low": 0})
    part, probability = conditioned(half, -1, 1)
    assert probability == pytest.approx(2 * stats.norm.cdf(1) - 1, rel=1e-12)
    assert part.as_mapping() == {
        "kind": "truncated",
        "of": described,
        "low": 0.0,
        "high": 1.0,
    }
    listed = make({"kind": "truncated", "of": SHAPES["discrete"][0], "low": 2})
    part, probability = conditioned(listed, 3, 9)
    assert probability == pytest.approx(7 / 9)
    assert drawn(part).min() == 3


def test_a_part_that_holds_everything_changes_nothing() -> None:
    for described, _, _ in SHAPES.values():
        whole = make(described)
        assert conditioned(whole, -math.inf, math.inf) == (whole, 1.0)
    one = make({"kind": "constant", "value": 2})
    assert conditioned(one, 2, 2) == (one, 1.0)


@pytest.mark.parametrize(("low", "high"), [(18, 20), (17, 21), (19, 19), (17.2, 20.7)])
def test_of_whole_numbers_the_rounded_one_lies_there(low: float, high: float) -> None:
    whole = make({"kind": "uniform", "low": 15, "high": 25})
    part, probability = conditioned(whole, low, high, whole=True)
    inside = [n for n in range(15, 26) if low <= n <= high]
    assert probability == pytest.approx(len(inside) / 10)  # none of them is an end
    rounded, counts = np.unique(np.rint(drawn(part)), return_counts=True)
    assert rounded.tolist() == inside
    # four binomial errors
    assert counts / 20_000 == pytest.approx(1 / len(inside), abs=4 * 0.0036)
    ends = np.rint(part.ppf(np.array([0.0, 1.0]) * (1 - 2**-53)))
    assert low <= ends[0] and ends[1] <= high


def test_listed_halves_are_where_rounding_brings_them() -> None:
    listed = make({"kind": "empirical", "data": [16.5, 17.5, 18, 18.5, 20.5, 21.5]})
    part, probability = conditioned(listed, 18, 21, whole=True)
    assert part.as_mapping()["data"] == [17.5, 18, 18.5, 20.5]
    assert probability == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("described", "low", "high", "says"),
    [
        (SHAPES["uniform"][0], 4, 5, "goes from -1 to 3"),
        (SHAPES["discrete"][0], 2.1, 2.9, "from 1 to 4"),
        (SHAPES["empirical"][0], 6, 8, "from 6 to 8"),
        (SHAPES["normal"][0], 500, math.inf, "from 500 on: 99.8 % of it lie from -5.1"),
        (SHAPES["weibull"][0], -2, -1, "99.8 %"),
        (SHAPES["truncated"][0], -3, -1, "99.8 %"),
        ({"kind": "constant", "value": 3}, 4, 5, "from 3 to 3"),
    ],
)
def test_a_part_where_nothing_lies_is_refused_with_the_range_there_is(
    described: dict[str, Any], low: float, high: float, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        conditioned(make(described), low, high)
    assert says in str(caught.value)


def test_a_part_without_a_whole_number_is_refused() -> None:
    with pytest.raises(InputError, match="rounded"):
        conditioned(
            make({"kind": "uniform", "low": 1, "high": 9}), 2.2, 2.8, whole=True
        )
