"""Shapley's split, against its axioms, brute force and games with known answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flask_api.domains.price.comparison import attribution
from flask_api.domains.price.comparison.attribution import (
    Missing,
    exact,
    sampled,
    shapley,
    worths,
)
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

Array = NDArray[np.float64]
Coalitions = NDArray[np.bool_]
Game = Callable[[Coalitions], Array]


def table(values: list[float]) -> Game:
    """The game whose coalition, read as a binary number, has that value."""

    def worth(coalitions: Coalitions) -> Array:
        players = coalitions.shape[1]
        return np.array(values)[coalitions @ (1 << np.arange(players))]

    return worth


def by_all_orders(worth: Game, players: int) -> list[float]:
    """The definition, order by order."""
    sums = [0.0] * players
    for order in permutations(range(players)):
        coalition = np.zeros((1, players), dtype=bool)
        before = float(worth(coalition)[0])
        for player in order:
            coalition[0, player] = True
            after = float(worth(coalition)[0])
            sums[player] += after - before
            before = after
    return [total / math.factorial(players) for total in sums]


def product(coalitions: Coalitions) -> Array:
    """Each player multiplies the value by its own factor: far from additive."""
    factors = 1 + np.arange(1, coalitions.shape[1] + 1) / 5
    return np.multiply.reduce(np.where(coalitions, factors, 1.0), axis=1)


def test_what_only_adds_gets_just_what_it_adds() -> None:
    own = np.array([3.0, -1.0, 0.5, 7.0])
    found = exact(lambda coalitions: coalitions @ own, 4)
    assert found.parts == pytest.approx(own, abs=1e-14)  # some roundings


def test_a_product_of_two_is_split_in_half() -> None:
    found = exact(lambda c: np.where(c.all(axis=1), 6.0, 0.0), 2)
    assert found.parts == pytest.approx([3.0, 3.0], abs=1e-15)


def test_what_changes_nothing_gets_nothing() -> None:
    found = exact(lambda coalitions: product(coalitions[:, 1:]), 4)
    assert found.parts[0] == 0


def test_equals_get_equal_parts() -> None:
    found = exact(lambda c: np.asarray(np.exp(c.sum(axis=1))), 5)
    assert found.parts == pytest.approx(np.full(5, np.expm1(5) / 5), rel=1e-14)


@given(
    st.integers(1, 5).flatmap(
        lambda k: st.lists(st.floats(-1e6, 1e6), min_size=2**k, max_size=2**k)
    )
)
def test_an_exact_split_is_the_mean_over_all_orders(values: list[float]) -> None:
    players = int(math.log2(len(values)))
    found = exact(table(values), players)
    # 5! orders of 5 differences of up to 2e6, each rounded to 2e-16 of it
    assert found.parts == pytest.approx(by_all_orders(table(values), players), abs=1e-7)
    assert found.parts.sum() == pytest.approx(values[-1] - values[0], abs=1e-8)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_sampled_split_agrees_with_the_exact_one(seed: int) -> None:
    truth = exact(product, 8).parts
    found = sampled(product, 8, 512, stream(seed))
    assert found.permutations == 512
    # 8 parts x 3 seeds beyond 4 standard errors: a chance of 0.2 %, and seeds are fixed
    assert (np.abs(found.parts - truth) <= 4 * found.std_error).all()


def test_the_standard_error_is_that_of_the_estimate() -> None:
    truth = exact(product, 6).parts
    runs = [sampled(product, 6, 64, stream(1, run)) for run in range(200)]
    scatter = np.sqrt(np.mean([(run.parts - truth) ** 2 for run in runs], axis=0))
    told = np.mean([run.std_error for run in runs], axis=0)
    # a standard deviation from 200 runs has itself an error of 1/sqrt(400) = 5 %
    assert told == pytest.approx(scatter, rel=4 * 0.05)


@pytest.mark.parametrize("players", [13, 60])
def test_sampled_parts_add_up_to_the_whole(players: int) -> None:
    found = shapley(product, players, 16, stream(0))
    whole = product(np.ones((1, players), dtype=bool))[0] - 1
    assert found.parts.sum() == pytest.approx(whole, rel=1e-12)  # some roundings


def test_what_only_adds_is_sampled_without_error() -> None:
    own = np.arange(20.0)
    found = sampled(lambda coalitions: coalitions @ own, 20, 4, stream(3))
    assert found.parts == pytest.approx(own, abs=1e-12)
    assert found.std_error == pytest.approx(np.zeros(20), abs=1e-12)


def test_what_two_do_together_is_sampled_without_error() -> None:
    # of an order and its reverse, each of two players comes second in just one
    def worth(coalitions: Coalitions) -> Array:
        return np.where(coalitions[:, :2].all(axis=1), 6.0, 0.0)

    found = sampled(worth, 15, 64, stream(0))
    assert found.parts == pytest.approx([3.0, 3.0, *[0.0] * 13], abs=1e-14)
    assert found.std_error == pytest.approx(np.zeros(15), abs=1e-14)


def test_the_same_seed_draws_the_same_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    once, again = (sampled(product, 9, 100, stream(5)) for _ in range(2))
    assert (once.parts == again.parts).all()
    other = sampled(product, 9, 100, stream(6))
    assert (once.parts != other.parts).any()
    monkeypatch.setattr(attribution, "BLOCK", 7)  # blocks are for memory alone
    blocks = sampled(product, 9, 100, stream(5))
    assert blocks.parts == pytest.approx(once.parts, abs=4 * once.std_error.max())


@pytest.mark.parametrize("players", [0, 1, 5, 12, 13, 30])
def test_as_many_coalitions_are_valued_as_announced(players: int) -> None:
    valued = 0

    def worth(coalitions: Coalitions) -> Array:
        nonlocal valued
        valued += len(coalitions)
        return np.zeros(len(coalitions))

    found = shapley(worth, players, 6, stream(0))
    assert valued == worths(players, 6) == found.missing.valued
    assert found.parts.shape == (players,)


@pytest.mark.parametrize("players", [4, 14])
def test_a_coalition_without_worth_is_counted_and_the_smallest_is_shown(
    players: int,
) -> None:
    def worth(coalitions: Coalitions) -> Array:
        lost = coalitions[:, 0] & ~coalitions[:, 1]
        return np.where(lost, np.nan, 1.0)

    found = shapley(worth, players, 400, stream(0))
    assert np.isnan(found.parts).any()
    assert found.missing.worthless > 0
    assert found.missing.example is not None
    assert list(np.flatnonzero(found.missing.example)) == [0]


def test_more_things_than_can_be_listed_are_refused() -> None:
    with pytest.raises(InputError, match="0 to 20"):
        exact(product, 21)
    with pytest.raises(InputError, match="generator"):
        shapley(product, 13)


def test_of_coalitions_without_worth_the_smallest_of_all_calls_is_kept() -> None:
    nothing = np.full(2, np.nan)
    large = np.array([[True, True, True], [True, True, False]])
    small = np.array([[True, True, True], [False, False, True]])
    once = Missing().add(large, nothing)
    assert (once.valued, once.worthless) == (2, 2)
    assert once.example is not None
    assert once.example.tolist() == [True, True, False]
    twice = once.add(small, nothing)
    assert (twice.valued, twice.worthless) == (4, 4)
    assert twice.example is not None
    assert twice.example.tolist() == [False, False, True]
    again = twice.add(large, np.array([1.0, np.nan]))
    assert (again.valued, again.worthless) == (6, 5)
    assert again.example is not None
    assert again.example.tolist() == [False, False, True]
