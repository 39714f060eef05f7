"""Distributions made of other things: cut off, listed, or as the data lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from flask_api.numerics.distribution import (
    Continuous,
    Distribution,
    Floats,
    Named,
    demand,
    is_continuous,
)


@dataclass(frozen=True)
class Discrete(Named):
    """One of `values`, each as likely as its share of all `weights`.

    weights   >= 0, at least one above 0; they need not add up to 1
    """

    kind: ClassVar[str] = "discrete"
    values: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        demand(len(self.values) > 0, "got no value; give at least one", "values")
        demand(
            len(self.values) == len(self.weights),
            f"got {len(self.values)} values and {len(self.weights)} weights; give each "
            "value its weight",
            "weights",
        )
        for index, weight in enumerate(self.weights):
            what = f"got {weight}; a weight is 0 or above"
            demand(weight >= 0, what, f"weights[{index}]")
        total = sum(self.weights)  # fsum would raise where it exceeds all numbers
        demand(
            0 < total < math.inf,
            f"the weights add up to {total:g}; that must be a number above 0",
            "weights",
        )

    @cached_property
    def _ordered(self) -> tuple[Floats, Floats, Floats]:
        """Values that can come, rising; their shares; the shares up to each."""
        values, weights = np.array(self.values), np.array(self.weights)
        order = np.argsort(values, kind="stable")
        order = order[weights[order] > 0]
        shares = weights[order] / math.fsum(self.weights)
        up_to = np.cumsum(shares)
        up_to[-1] = 1.0  # a draw near 1 must find a value
        return values[order], shares, up_to

    @property
    def mean(self) -> float:
        values, shares, _ = self._ordered
        return math.fsum(values * shares)

    @property
    def std(self) -> float:
        values, shares, _ = self._ordered
        return math.sqrt(math.fsum((values - self.mean) ** 2 * shares))

    @property
    def support(self) -> tuple[float, float]:
        values, _, _ = self._ordered
        return float(values[0]), float(values[-1])

    def ppf(self, u: Floats) -> Floats:
        values, _, up_to = self._ordered
        return values[np.searchsorted(up_to, u)]

    def within(self, low: float, high: float) -> Distribution:
        """What is left from `low` to `high`, both included."""
        kept = [
            (v, w)
            for v, w in zip(self.values, self.weights, strict=True)
            if low <= v <= high and w > 0
        ]
        demand(bool(kept), f"no value lies from {low:g} to {high:g}")
        values, weights = zip(*kept, strict=True)
        return Discrete(values, weights)

    def as_mapping(self) -> dict[str, Any]:
        lists = {"values": list(self.values), "weights": list(self.weights)}
        return {"kind": self.kind, **lists}


@dataclass(frozen=True)
class Empirical(Named):
    """One of the values of `data`, each as likely as any other.

    The data themselves come back, never a number between two of them. `std` is that of
    this distribution: it divides by n, not by n - 1.
    """

    kind: ClassVar[str] = "empirical"
    data: tuple[float, ...]

    def __post_init__(self) -> None:
        demand(len(self.data) > 0, "got no value; give at least one", "data")

    @cached_property
    def _rising(self) -> Floats:
        return np.sort(np.array(self.data))

    @property
    def mean(self) -> float:
        return math.fsum(self.data) / len(self.data)

    @property
    def std(self) -> float:
        return math.sqrt(math.fsum((self._rising - self.mean) ** 2) / len(self.data))

    @property
    def support(self) -> tuple[float, float]:
        return float(self._rising[0]), float(self._rising[-1])

    def ppf(self, u: Floats) -> Floats:
        n = len(self._rising)
        return self._rising[np.minimum((u * n).astype(np.int64), n - 1)]

    def within(self, low: float, high: float) -> Distribution:
        """What is left from `low` to `high`, both included."""
        kept = tuple(v for v in self.data if low <= v <= high)
        demand(bool(kept), f"none of the data lies from {low:g} to {high:g}")
        return Empirical(kept)

    def as_mapping(self) -> dict[str, Any]:
        return {"kind": self.kind, "data": list(self.data)}


@dataclass(frozen=True)
class Truncated(Named):
    """The distribution `of`, given that it lies from `low` to `high`.

    low, high   at least one; None = not cut off there. What lay outside is spread over
                the inside in proportion: nothing piles up at the ends
    """

    kind: ClassVar[str] = "truncated"
    of: Distribution
    low: float | None = None
    high: float | None = None
    _left: Distribution | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        demand(
            self.low is not None or self.high is not None,
            "got neither low nor high; give at least one",
        )
        low, high = self.ends
        demand(
            low <= high, f"got low {self.low} and high {self.high}; low is to be below"
        )
        left: Distribution | None = None
        base = self.base
        if isinstance(base, Discrete | Empirical):
            left = base.within(low, high)
        elif not is_continuous(base):
            first, last = base.support
            demand(low <= first and last <= high, f"{first:g} is cut off: nothing left")
            left = base
        object.__setattr__(self, "_left", left)
        if left is None:
            _, start, end = self._slice
            least, most = base.support
            # a slice of no width, or one beyond what double precision can tell
            demand(
                abs(start - end) > 1e-300,
                f"nothing of it lies between {low:g} and {high:g}: it goes from "
                f"{least:g} to {most:g} around {base.mean:g}",
            )

    @property
    def base(self) -> Distribution:
        """What is cut off in the end, under any truncated ones."""
        return self.of.base if isinstance(self.of, Truncated) else self.of

    @property
    def _whole(self) -> Continuous:
        base = self.base
        assert is_continuous(base)
        return base

    @property
    def ends(self) -> tuple[float, float]:
        """Where `base` is cut off, infinite where it is not."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if isinstance(self.of, Truncated):
            first, last = self.of.ends
            low, high = max(low, first), min(high, last)
        return low, high

    @cached_property
    def _shares(self) -> tuple[Floats, Floats]:
        """Shares of the whole below, and above, the two ends."""
        ends = np.array(self.ends)
        return self._whole.cdf(ends), self._whole.sf(ends)

    @cached_property
    def _slice(self) -> tuple[bool, float, float]:
        """Whether counted from above, and the shares at low and high so counted."""
        below, above = self._shares
        # in the upper half shares below are all nearly 1: count from above
        if below[0] > 0.5:
            return True, float(above[0]), float(above[1])
        return False, float(below[0]), float(below[1])

    @property
    def support(self) -> tuple[float, float]:
        if self._left is not None:
            return self._left.support
        least, most = self._whole.support
        low, high = self.ends
        return max(low, least), min(high, most)

    def ppf(self, u: Floats) -> Floats:
        return self._at(u, 1 - u)

    def isf(self, u: Floats) -> Floats:
        return self._at(1 - u, u)

    def _at(self, below: Floats, above: Floats) -> Floats:
        if self._left is not None:
            return self._left.ppf(below)
        # All terms are positive: no share is a small difference of large ones. Where
        # the share below is nearly 1, only the share above tells the place.
        (low_below, high_below), (low_above, high_above) = self._shares
        place: Floats = low_below * above + high_below * below
        x: Floats = np.empty_like(place)
        upper = place > 0.5
        x[~upper] = self._whole.ppf(place[~upper])
        x[upper] = self._whole.isf(low_above * above[upper] + high_above * below[upper])
        low, high = self.support
        return np.clip(x, low, high)  # rounding must not step over an end

    def cdf(self, x: Floats) -> Floats:
        """The share of values up to `x`."""
        from_above, start, end = self._slice
        count = self._whole.sf if from_above else self._whole.cdf
        x = np.clip(x, *self.support)
        return np.clip((count(x) - start) / (end - start), 0.0, 1.0)

    def sf(self, x: Floats) -> Floats:
        """The share of values above `x`."""
        from_above, start, end = self._slice
        count = self._whole.sf if from_above else self._whole.cdf
        x = np.clip(x, *self.support)
        return np.clip((count(x) - end) / (start - end), 0.0, 1.0)

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        _, start, end = self._slice
        low, high = self.support
        inside = (x >= low) & (x <= high)
        return np.where(
            inside, self._whole.logpdf(x) - math.log(abs(end - start)), -np.inf
        )

    @cached_property
    def _moments(self) -> tuple[float, float]:
        if self._left is not None:
            return self._left.mean, self._left.std
        # Integrals of the quantile function over its shares, by the double
        # exponential rule, which ends of infinite slope don't disturb: Takahasi and
        # Mori (1974), doi:10.2977/prims/1195192451.
        t = np.linspace(-4.2, 4.2, 4097)
        turn = np.exp(-math.pi * np.sinh(np.abs(t)))
        near, far = turn / (1 + turn), 1 / (1 + turn)
        below, above = np.where(t < 0, near, far), np.where(t < 0, far, near)
        weight = math.pi * np.cosh(t) * near * far
        weight /= weight.sum()
        x = self._at(below, above)
        mean = float((weight * x).sum())
        return mean, math.sqrt(float((weight * (x - mean) ** 2).sum()))

    @property
    def mean(self) -> float:
        return self._moments[0]

    @property
    def std(self) -> float:
        return self._moments[1]

    def as_mapping(self) -> dict[str, Any]:
        whole = {"of": self.of.as_mapping(), "low": self.low, "high": self.high}
        return {"kind": self.kind} | {k: v for k, v in whole.items() if v is not None}
