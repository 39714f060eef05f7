"""Normal, lognormal, uniform, triangular and constant: closed forms throughout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from scipy.special import ndtr, ndtri

from flask_api.numerics.distribution import Floats, Named, demand

_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Normal(Named):
    """Gaussian with `mean` and standard deviation `std` > 0."""

    kind: ClassVar[str] = "normal"
    mean: float
    std: float

    def __post_init__(self) -> None:
        demand(self.std > 0, f"got std {self.std}; it must be above 0", "std")

    @property
    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def ppf(self, u: Floats) -> Floats:
        return self.of_normal(cast(Floats, ndtri(u)))

    def isf(self, u: Floats) -> Floats:
        return self.of_normal(-cast(Floats, ndtri(u)))

    def of_normal(self, z: Floats) -> Floats:
        return z * self.std + self.mean

    def cdf(self, x: Floats) -> Floats:
        return cast(Floats, ndtr((x - self.mean) / self.std))

    def sf(self, x: Floats) -> Floats:
        return cast(Floats, ndtr((self.mean - x) / self.std))

    def logpdf(self, x: Floats) -> Floats:
        z = (x - self.mean) / self.std
        return -0.5 * z * z - (math.log(self.std) + _LOG_ROOT_2PI)


@dataclass(frozen=True)
class LogNormal(Named):
    """exp of a Gaussian with mean `mu` and standard deviation `sigma` > 0."""

    kind: ClassVar[str] = "lognormal"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        demand(self.sigma > 0, f"got sigma {self.sigma}; it must be above 0", "sigma")
        # beyond, the largest of 10^8 draws (5.7 sigma) is no finite number
        demand(
            abs(self.mu) + 8 * self.sigma < 700,
            f"got mu {self.mu} and sigma {self.sigma}; they are logarithms: "
            "|mu| + 8 sigma must stay below 700",
        )

    @classmethod
    def of_moments(cls, mean: float, std: float) -> LogNormal:
        """The lognormal whose own mean and standard deviation are given, both > 0."""
        demand(mean > 0, f"got mean {mean}; a lognormal's mean is above 0", "mean")
        demand(std > 0, f"got std {std}; it must be above 0", "std")
        variance = math.log1p((std / mean) ** 2)
        return cls(math.log(mean) - variance / 2, math.sqrt(variance))

    @property
    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)

    @property
    def std(self) -> float:
        return self.mean * math.sqrt(math.expm1(self.sigma**2))

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf

    def ppf(self, u: Floats) -> Floats:
        return self.of_normal(cast(Floats, ndtri(u)))

    def isf(self, u: Floats) -> Floats:
        return self.of_normal(-cast(Floats, ndtri(u)))

    def of_normal(self, z: Floats) -> Floats:
        return np.exp(z * self.sigma + self.mu)

    def _score(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return (np.log(np.maximum(x, 0.0)) - self.mu) / self.sigma

    def cdf(self, x: Floats) -> Floats:
        return cast(Floats, ndtr(self._score(x)))

    def sf(self, x: Floats) -> Floats:
        return cast(Floats, ndtr(-self._score(x)))

    def logpdf(self, x: Floats) -> Floats:
        z = self._score(x)
        inside = np.where(x > 0, x, 1.0)
        density = -0.5 * z * z - np.log(inside) - (math.log(self.sigma) + _LOG_ROOT_2PI)
        return np.where(x > 0, density, -np.inf)


@dataclass(frozen=True)
class Uniform(Named):
    """Every value from `low` to `high` equally likely."""

    kind: ClassVar[str] = "uniform"
    low: float
    high: float

    def __post_init__(self) -> None:
        demand(
            self.low < self.high,
            f"got low {self.low} and high {self.high}; low must be below high",
        )

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def std(self) -> float:
        return (self.high - self.low) / math.sqrt(12)

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def ppf(self, u: Floats) -> Floats:
        return self.low + (self.high - self.low) * u

    def isf(self, u: Floats) -> Floats:
        return self.high - (self.high - self.low) * u

    def cdf(self, x: Floats) -> Floats:
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)

    def sf(self, x: Floats) -> Floats:
        return np.clip((self.high - x) / (self.high - self.low), 0.0, 1.0)

    def logpdf(self, x: Floats) -> Floats:
        inside = (x >= self.low) & (x <= self.high)
        return np.where(inside, -math.log(self.high - self.low), -np.inf)


@dataclass(frozen=True)
class Triangular(Named):
    """A density that rises from `low` to `mode` and falls to `high`."""

    kind: ClassVar[str] = "triangular"
    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        demand(
            self.low <= self.mode <= self.high and self.low < self.high,
            f"got low {self.low}, mode {self.mode}, high {self.high}; "
            "wanted low <= mode <= high and low < high",
        )

    @property
    def mean(self) -> float:
        return (self.low + self.mode + self.high) / 3

    @property
    def std(self) -> float:
        left, right = self.mode - self.low, self.high - self.mode
        return math.sqrt((left * left + left * right + right * right) / 18)

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def ppf(self, u: Floats) -> Floats:
        return self._inverse(u, 1 - u)

    def isf(self, u: Floats) -> Floats:
        return self._inverse(1 - u, u)

    def _inverse(self, below: Floats, above: Floats) -> Floats:
        width, left = self.high - self.low, self.mode - self.low
        rising = self.low + np.sqrt(below * (width * left))
        falling = self.high - np.sqrt(above * (width * (width - left)))
        return np.where(below * width < left, rising, falling)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        """Shares below x as seen from low, above x as seen from high."""
        width = self.high - self.low
        left, right = self.mode - self.low, self.high - self.mode
        x = np.clip(x, self.low, self.high)
        up, down = x - self.low, self.high - x
        # two divisions: the product of two tiny widths would be 0
        below = up / width * (up / left) if left else np.zeros_like(x)
        above = down / width * (down / right) if right else np.zeros_like(x)
        return below, above

    def cdf(self, x: Floats) -> Floats:
        below, above = self._tails(x)
        return np.where(x < self.mode, below, 1 - above)

    def sf(self, x: Floats) -> Floats:
        below, above = self._tails(x)
        return np.where(x < self.mode, 1 - below, above)

    def logpdf(self, x: Floats) -> Floats:
        left, right = self.mode - self.low, self.high - self.mode
        rising = (x - self.low) / left if left else np.zeros_like(x)
        falling = (self.high - x) / right if right else np.zeros_like(x)
        height = np.where((x < self.mode) | (right == 0), rising, falling)
        height = np.where((x < self.low) | (x > self.high), 0.0, height)
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(height, 0.0)) + math.log(
                2 / (self.high - self.low)
            )


@dataclass(frozen=True)
class Constant(Named):
    """Always `value`."""

    kind: ClassVar[str] = "constant"
    value: float

    @property
    def mean(self) -> float:
        return self.value

    @property
    def std(self) -> float:
        return 0.0

    @property
    def support(self) -> tuple[float, float]:
        return self.value, self.value

    def ppf(self, u: Floats) -> Floats:
        return np.full_like(u, self.value)
