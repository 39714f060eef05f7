"""Beta, PERT, gamma and Weibull: shapes that the incomplete functions invert."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    xlog1py,
    xlogy,
)

from flask_api.numerics.distribution import Floats, Named, demand
from flask_api.numerics.smooth_inverse import SmoothInverse

#: Shapes of a beta; beyond, its quantiles are its ends or one single number.
BETA_SHAPES = (1e-3, 1e8)
#: The smallest Weibull shape; below, the largest of 10^8 draws is no finite number.
WEIBULL_SHAPE = 0.02


class _BetaShaped(Named):
    """A beta of shapes `_a`, `_b` between `low` and `high`."""

    low: float
    high: float

    @property
    def _shapes(self) -> tuple[float, float]:
        raise NotImplementedError

    @property
    def mean(self) -> float:
        a, b = self._shapes
        return self.low + (self.high - self.low) * (a / (a + b))

    @property
    def std(self) -> float:
        a, b = self._shapes
        return (self.high - self.low) * math.sqrt(a * b / (a + b + 1)) / (a + b)

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def _share(self, x: Floats) -> Floats:
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)

    @cached_property
    def _inverse(self) -> SmoothInverse:
        a, b = self._shapes
        return SmoothInverse(
            lambda u: cast(Floats, betaincinv(a, b, u)),
            lambda u: cast(Floats, betainccinv(a, b, u)),
            self.std / (self.high - self.low),
        )

    def _stretched(self, share: Floats) -> Floats:
        # rounding must not step over an end
        found = self.low + (self.high - self.low) * share
        return np.clip(found, self.low, self.high)

    def ppf(self, u: Floats) -> Floats:
        return self._stretched(self._inverse.below(u))

    def isf(self, u: Floats) -> Floats:
        return self._stretched(self._inverse.above(u))

    def of_normal(self, z: Floats) -> Floats:
        return self._stretched(self._inverse.at(z))

    def cdf(self, x: Floats) -> Floats:
        return cast(Floats, betainc(*self._shapes, self._share(x)))

    def sf(self, x: Floats) -> Floats:
        return cast(Floats, betaincc(*self._shapes, self._share(x)))

    def logpdf(self, x: Floats) -> Floats:
        a, b = self._shapes
        s = self._share(x)
        constant = float(betaln(a, b)) + math.log(self.high - self.low)
        density = xlogy(a - 1, s) + xlog1py(b - 1, -s) - constant
        inside = (x >= self.low) & (x <= self.high)
        return np.where(inside, density, -np.inf)


@dataclass(frozen=True)
class Beta(_BetaShaped):
    """Beta of shapes `a`, `b`, stretched from `low` to `high` (left out: 0 to 1)."""

    kind: ClassVar[str] = "beta"
    a: float
    b: float
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        least, most = BETA_SHAPES
        for name, shape in (("a", self.a), ("b", self.b)):
            wanted = f"it must be above 0, from {least:g} to {most:g}"
            demand(least <= shape <= most, f"got {name} {shape}; {wanted}", name)
        demand(
            self.low < self.high,
            f"got low {self.low} and high {self.high}; low must be below high",
        )

    @property
    def _shapes(self) -> tuple[float, float]:
        return self.a, self.b


@dataclass(frozen=True)
class Pert(_BetaShaped):
    """Smooth between `low` and `high` with its peak at `mode`.

    lambda_   how heavily the mode weighs: mean = (low + lambda mode + high) /
              (lambda + 2); 4 is the original

    Source: Malcolm, Roseboom, Clark, Fazar (1959), doi:10.1287/opre.7.5.646; Vose
    (2008), Risk Analysis, 3rd ed., for lambda.
    """

    kind: ClassVar[str] = "pert"
    spelled: ClassVar[Mapping[str, str]] = {"lambda_": "lambda"}
    low: float
    mode: float
    high: float
    lambda_: float = 4.0

    def __post_init__(self) -> None:
        demand(
            self.low <= self.mode <= self.high and self.low < self.high,
            f"got low {self.low}, mode {self.mode}, high {self.high}; "
            "wanted low <= mode <= high and low < high",
        )
        most = BETA_SHAPES[1] - 1
        demand(
            0 < self.lambda_ <= most,
            f"got lambda {self.lambda_}; it must be above 0, at most {most:g}",
            "lambda",
        )

    @cached_property
    def _shapes(self) -> tuple[float, float]:
        width = self.high - self.low
        left = (self.mode - self.low) / width
        right = (self.high - self.mode) / width
        return 1 + self.lambda_ * left, 1 + self.lambda_ * right


@dataclass(frozen=True)
class Gamma(Named):
    """Gamma of `shape` and `scale` (mean shape x scale), moved by `location`."""

    kind: ClassVar[str] = "gamma"
    shape: float
    scale: float
    location: float = 0.0

    def __post_init__(self) -> None:
        demand(self.shape > 0, f"got shape {self.shape}; it must be above 0", "shape")
        demand(self.scale > 0, f"got scale {self.scale}; it must be above 0", "scale")

    @classmethod
    def of_moments(cls, mean: float, std: float) -> Gamma:
        """The gamma from 0 whose mean and standard deviation are given, both > 0."""
        demand(mean > 0, f"got mean {mean}; a gamma's mean is above 0", "mean")
        demand(std > 0, f"got std {std}; it must be above 0", "std")
        return cls((mean / std) ** 2, std * (std / mean))

    @property
    def mean(self) -> float:
        return self.location + self.shape * self.scale

    @property
    def std(self) -> float:
        return self.scale * math.sqrt(self.shape)

    @property
    def support(self) -> tuple[float, float]:
        return self.location, math.inf

    def _share(self, x: Floats) -> Floats:
        return np.maximum((x - self.location) / self.scale, 0.0)

    @cached_property
    def _inverse(self) -> SmoothInverse:
        return SmoothInverse(
            lambda u: cast(Floats, gammaincinv(self.shape, u)),
            lambda u: cast(Floats, gammainccinv(self.shape, u)),
            math.sqrt(self.shape),
        )

    def ppf(self, u: Floats) -> Floats:
        return self._moved(self._inverse.below(u))

    def isf(self, u: Floats) -> Floats:
        return self._moved(self._inverse.above(u))

    def of_normal(self, z: Floats) -> Floats:
        return self._moved(self._inverse.at(z))

    def _moved(self, share: Floats) -> Floats:
        return self.location + self.scale * np.maximum(share, 0.0)

    def cdf(self, x: Floats) -> Floats:
        return cast(Floats, gammainc(self.shape, self._share(x)))

    def sf(self, x: Floats) -> Floats:
        return cast(Floats, gammaincc(self.shape, self._share(x)))

    def logpdf(self, x: Floats) -> Floats:
        s = self._share(x)
        constant = float(gammaln(self.shape)) + math.log(self.scale)
        density = xlogy(self.shape - 1, s) - s - constant
        return np.where(x >= self.location, density, -np.inf)


@dataclass(frozen=True)
class Weibull(Named):
    """Weibull of `shape` and `scale` (63 % lie below the scale), moved by `location`.

    shape   1 is the exponential distribution, 3.6 nearly a Gaussian
    """

    kind: ClassVar[str] = "weibull"
    shape: float
    scale: float
    location: float = 0.0

    def __post_init__(self) -> None:
        wanted = f"it must be above 0, at least {WEIBULL_SHAPE}"
        demand(
            self.shape >= WEIBULL_SHAPE, f"got shape {self.shape}; {wanted}", "shape"
        )
        demand(self.scale > 0, f"got scale {self.scale}; it must be above 0", "scale")

    @property
    def mean(self) -> float:
        return self.location + self.scale * math.gamma(1 + 1 / self.shape)

    @property
    def std(self) -> float:
        once, twice = math.lgamma(1 + 1 / self.shape), math.lgamma(1 + 2 / self.shape)
        return self.scale * math.exp(once) * math.sqrt(math.expm1(twice - 2 * once))

    @property
    def support(self) -> tuple[float, float]:
        return self.location, math.inf

    def ppf(self, u: Floats) -> Floats:
        return self.location + self.scale * (-np.log1p(-u)) ** (1 / self.shape)

    def isf(self, u: Floats) -> Floats:
        return self.location + self.scale * (-np.log(u)) ** (1 / self.shape)

    def _hazard(self, x: Floats) -> Floats:
        share = np.maximum((x - self.location) / self.scale, 0.0)
        return share**self.shape

    def cdf(self, x: Floats) -> Floats:
        return -np.expm1(-self._hazard(x))

    def sf(self, x: Floats) -> Floats:
        return np.exp(-self._hazard(x))

    def logpdf(self, x: Floats) -> Floats:
        s = np.maximum((x - self.location) / self.scale, 0.0)
        density = xlogy(self.shape - 1, s) - s**self.shape
        density += math.log(self.shape) - math.log(self.scale)
        return np.where(x >= self.location, density, -np.inf)
