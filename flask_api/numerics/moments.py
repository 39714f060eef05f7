"""Mean, spread, skewness and kurtosis of any number of values, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """The first four moments of `n` values; `a.merge(b)` is those of both together.

    m2, m3, m4 are sums of powers of the distance to the mean. Merging is exact up to
    rounding, and never subtracts large numbers: Pebay (2008), SAND2008-6212; Chan,
    Golub, LeVeque (1983), doi:10.1080/00031305.1983.10483115.
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    m3: float = 0.0
    m4: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, values: Floats) -> Moments:
        """The moments of one block of finite values, shape (n,)."""
        if not len(values):
            return cls()
        mean = float(values.mean())
        d = values - mean
        d2 = d * d
        return cls(
            len(values),
            mean,
            float(d2.sum()),
            float((d2 * d).sum()),
            float((d2 * d2).sum()),
            float(values.min()),
            float(values.max()),
        )

    def merge(self, other: Moments) -> Moments:
        if not self.n or not other.n:
            return self if self.n else other
        na, nb = self.n, other.n
        n = na + nb
        d = other.mean - self.mean
        m2 = self.m2 + other.m2 + d * d * na * nb / n
        m3 = (
            self.m3
            + other.m3
            + d**3 * na * nb * (na - nb) / n**2
            + 3 * d * (na * other.m2 - nb * self.m2) / n
        )
        m4 = (
            self.m4
            + other.m4
            + d**4 * na * nb * (na * na - na * nb + nb * nb) / n**3
            + 6 * d * d * (na * na * other.m2 + nb * nb * self.m2) / n**2
            + 4 * d * (na * other.m3 - nb * self.m3) / n
        )
        mean = self.mean + d * nb / n
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Moments(n, mean, m2, m3, m4, low, high)

    @property
    def std(self) -> float | None:
        """Standard deviation with n - 1; None below two values."""
        return math.sqrt(self.m2 / (self.n - 1)) if self.n > 1 else None

    @property
    def sem(self) -> float | None:
        """Standard error of the mean of independent draws."""
        return None if self.std is None else self.std / math.sqrt(self.n)

    @property
    def std_error(self) -> float | None:
        """Standard error of the standard deviation of independent draws; None below 4.

        By the delta method from the fourth moment: Cramer (1946), 27.4.
        """
        if self.n < 4 or self.m2 <= 0:
            return None
        variance = self.m2 / self.n
        scatter = max(0.0, self.m4 / self.n - variance**2)
        return math.sqrt(scatter / self.n / variance) / 2

    @property
    def skewness(self) -> float | None:
        """Third standardised moment; None where all values are equal."""
        if not self._spread:
            return None
        return math.sqrt(self.n) * self.m3 / float(self.m2**1.5)

    @property
    def kurtosis(self) -> float | None:
        """Fourth standardised moment less 3 (0 for a Gaussian); None as above."""
        return self.n * self.m4 / self.m2**2 - 3 if self._spread else None

    @property
    def _spread(self) -> bool:
        """More spread than rounding leaves in equal values."""
        if self.n < 2 or self.low == self.high:
            return False
        scale = max(abs(self.low), abs(self.high)) * float(np.finfo(float).eps)
        return self.m2 > self.n * scale**2 and self.m2**2 > 0
