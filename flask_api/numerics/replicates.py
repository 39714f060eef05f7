"""Statistics of independent replicates of one design, and the intervals they allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from flask_api.numerics.moments import Moments
from flask_api.numerics.quantiles import Quantiles

Floats = npt.NDArray[np.float64]

#: Values that a replicate keeps as they are; beyond, its quantiles are a sketch.
EXACT = 1 << 18
#: First values of a replicate's sketch: they choose its cut points.
CHUNK = 1 << 16


@dataclass
class Replicate:
    """What one replicate says of one output.

    expected   values that will come at most; 0 = no quantiles will be asked for
    """

    expected: int
    moments: Moments = field(default_factory=Moments)
    hits: int = 0

    def __post_init__(self) -> None:
        self._quantiles = None
        if self.expected:
            self._quantiles = Quantiles(self.expected, EXACT, CHUNK)

    def add(
        self, values: Floats, hit: Callable[[Any, Any], Any] | None, at: float
    ) -> None:
        """Take finite `values`; `hit(value, at)` says which reach the target."""
        self.moments = self.moments.merge(Moments.of(values))
        if hit is not None:
            self.hits += int(hit(values, at).sum())
        if self._quantiles is not None:
            self._quantiles.add(values)

    def estimate(self, name: str) -> float | None:
        """Its `mean`, or its `std`; None while it has too few values."""
        if name == "mean":
            return self.moments.mean if self.moments.n else None
        return self.moments.std

    def quantile(self, share: float) -> float | None:
        """The value below which `share` lies; None until enough is known."""
        known = self._quantiles
        if known is None or not known.n or (not known.exact and known.n < CHUNK):
            return None
        return float(known.at(np.array([share]))[0])


def half_width(estimates: Sequence[float | None], confidence: float) -> float | None:
    """Half the width of the interval around the mean of independent `estimates`.

    None below two, or where one is missing. Their scatter is judged by Student's t.
    """
    known = [e for e in estimates if e is not None and math.isfinite(e)]
    n = len(known)
    if n < 2 or n < len(estimates):
        return None
    spread = float(np.std(known, ddof=1)) / math.sqrt(n)
    return float(stdtrit(n - 1, 0.5 + confidence / 2)) * spread
