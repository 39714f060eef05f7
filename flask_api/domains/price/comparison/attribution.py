"""Which difference is whose: a change of several things at once, split among them.

Shapley's value: what a thing adds, averaged over all orders in which the things could
have been changed one after another. It is the only split whose parts add up, treats
equals equally, gives nothing to what changes nothing, and adds over sums (Shapley
(1953), A value for n-person games; Song, Nelson, Staum (2016), SIAM/ASA J. Uncertainty
Quantification 4, 1060-1083, doi:10.1137/15M1048070, for sampling).

    k            number of things (players)
    coalition    which of them are changed: a row of k booleans
    worth        function from coalitions, shape (m, k), to values, shape (m,)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flask_api.numerics.errors import InputError

Array = NDArray[np.float64]
Coalitions = NDArray[np.bool_]
Worth = Callable[[Coalitions], Array]

#: Up to here all 2^k coalitions are valued: 4,096.
EXACT = 12


#: Pairs of orders at a time: of 100 things, 50,000 coalitions.
BLOCK = 256


@dataclass(frozen=True)
class Missing:
    """How many coalitions were valued, how many have no worth, the smallest of those.

    A coalition that was valued more than once counts each time.
    """

    valued: int = 0
    worthless: int = 0
    example: Coalitions | None = None

    def add(self, coalitions: Coalitions, values: Array) -> Missing:
        """This, after some more coalitions."""
        lost = coalitions[~np.isfinite(values)]
        example = self.example
        if len(lost):
            smallest = lost[lost.sum(axis=1).argmin()]
            if example is None or smallest.sum() < example.sum():
                example = smallest
        return Missing(self.valued + len(values), self.worthless + len(lost), example)


@dataclass(frozen=True)
class Split:
    """What each thing contributes; the parts sum to the whole change.

    parts         shape (k,), unit of the worth; NaN where a coalition has no worth
    std_error     of each part, shape (k,); 0 where the split is exact
    permutations  orders that were drawn; 0 = exact
    missing       coalitions without a worth: if there are any, the parts mean nothing
    """

    parts: Array
    std_error: Array
    permutations: int
    missing: Missing


def shapley(
    worth: Worth,
    players: int,
    permutations: int = 1024,
    generator: np.random.Generator | None = None,
) -> Split:
    """The split among `players` things: exact up to EXACT of them, else sampled.

    permutations, generator   see `sampled`; the generator is needed above EXACT only
    """
    if players <= EXACT:
        return exact(worth, players)
    if generator is None:
        raise InputError(
            f"{players} things are more than {EXACT}: sampling needs a generator",
            field="seed",
        )
    return sampled(worth, players, permutations, generator)


def worths(players: int, permutations: int = 1024) -> int:
    """How many coalitions `shapley` will value."""
    if players <= EXACT:
        return 1 << players
    return 2 + 2 * _pairs(permutations) * (players - 1)


def _pairs(permutations: int) -> int:
    return max(2, -(-permutations // 2))


def exact(worth: Worth, players: int) -> Split:
    """Shapley's value from all 2^players coalitions, valued in one call.

    players   0..20: beyond, the table of coalitions would not fit
    """
    if not 0 <= players <= 20:
        raise InputError(f"{players} players; an exact split takes 0 to 20")
    masks = np.arange(2**players)
    coalitions = (masks[:, None] >> np.arange(players)) & 1 == 1
    values = worth(coalitions)
    size = coalitions.sum(axis=1)
    # chance that, in a random order, just the others of a coalition of this size came
    # before its last member
    weight = np.array(
        [1 / (players * math.comb(players - 1, s)) for s in range(players)]
    )
    parts = np.zeros(players)
    for player in range(players):
        without = masks[~coalitions[:, player]]
        gain = values[without | (1 << player)] - values[without]
        parts[player] = weight[size[without]] @ gain
    return Split(parts, np.zeros(players), 0, Missing().add(coalitions, values))


def sampled(
    worth: Worth, players: int, permutations: int, generator: np.random.Generator
) -> Split:
    """Shapley's value estimated from random orders, each with its reverse.

    permutations   orders to draw, rounded up to an even number, at least 4

    Every order's gains add up to the whole change, so the estimates do too. The
    standard error is that of the mean over pairs (an order and its reverse), which are
    independent of one another.
    """
    pairs = _pairs(permutations)
    ends = np.array([[False] * players, [True] * players])
    at_ends = worth(ends)
    missing = Missing().add(ends, at_ends)
    of_pair = np.empty((pairs, players))
    for start in range(0, pairs, BLOCK):
        stop = min(start + BLOCK, pairs)
        # place[o, p]: when player p comes in order o; next to each order its reverse
        forth = generator.permuted(
            np.tile(np.arange(players), (stop - start, 1)), axis=1
        )
        place = np.stack([forth, players - 1 - forth], axis=1).reshape(-1, players)
        steps = np.arange(1, players)
        between = (place[:, None, :] < steps[None, :, None]).reshape(-1, players)
        values = worth(between)
        missing = missing.add(between, values)
        path = np.empty((len(place), players + 1))
        path[:, 0], path[:, -1] = at_ends
        path[:, 1:-1] = values.reshape(len(place), players - 1)
        gains = np.take_along_axis(np.diff(path, axis=1), place, axis=1)
        of_pair[start:stop] = gains.reshape(-1, 2, players).mean(axis=1)
    error = of_pair.std(axis=0, ddof=1) / math.sqrt(pairs)
    return Split(of_pair.mean(axis=0), error, 2 * pairs, missing)
