"""Everything one wants to know of an output, gathered while its values come."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.histogram import Histogram
from flask_api.numerics.moments import Moments
from flask_api.numerics.proportions import two_sided_z, wilson_interval
from flask_api.numerics.quantiles import Quantiles

Floats = npt.NDArray[np.float64]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

#: A point joins the convergence series when n has grown by this factor: <= 60 points.
_SPACING = 1.25


@dataclass(frozen=True)
class Question:
    """What is asked of each output.

    percentiles   in percent, 0..100
    bins          of the distribution, >= 1
    target        (`<`, `<=`, `>` or `>=`, value), or None
    confidence    of every interval, 0 < confidence < 1
    exact         values to keep as they are, before quantiles become a sketch
    """

    percentiles: tuple[float, ...] = (1, 5, 10, 25, 50, 75, 90, 95, 99)
    bins: int = 50
    target: tuple[str, float] | None = None
    confidence: float = 0.95
    exact: int = 10_000_000


@dataclass
class Summary:
    """The growing picture of one output."""

    question: Question
    expected: int
    moments: Moments = field(default_factory=Moments)
    failed: int = 0
    hits: int = 0
    convergence: list[dict[str, float | int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.histogram = Histogram()
        self._quantiles = Quantiles(self.expected, self.question.exact)
        self._z = two_sided_z(self.question.confidence)

    def add(self, values: Floats) -> None:
        """Take one block, shape (n,); NaN and infinity count as failed draws."""
        finite = np.isfinite(values)
        if not finite.all():
            self.failed += int(len(values) - finite.sum())
            values = values[finite]
        self.moments = self.moments.merge(Moments.of(values))
        self.histogram.add(values)
        self._quantiles.add(values)
        if self.question.target is not None:
            op, value = self.question.target
            self.hits += int(OPERATORS[op](values, value).sum())
        drawn = self.moments.n + self.failed
        last = self.convergence[-1]["n"] if self.convergence else 0
        if drawn >= self.expected or self.moments.n >= _SPACING * (last or 1):
            self._note()

    def _note(self) -> None:
        m = self.moments
        if m.n and (not self.convergence or self.convergence[-1]["n"] != m.n):
            half = None if m.sem is None else self._z * m.sem
            low = None if half is None else m.mean - half
            high = None if half is None else m.mean + half
            self.convergence.append(
                {"n": m.n, "mean": m.mean, "low": low, "high": high}
            )

    def live(self, bins: int = 50) -> dict[str, Any]:
        """A picture of the values so far, a few kB as JSON."""
        m = self.moments
        p5, p50, p95 = self.histogram.quantiles(np.array([0.05, 0.5, 0.95])).tolist()
        return {
            "n": m.n,
            "mean": m.mean if m.n else None,
            "std": m.std,
            "p5": p5,
            "p50": p50,
            "p95": p95,
            "histogram": self.histogram.bins(min(bins, self.question.bins)),
        }

    def report(self) -> dict[str, Any]:
        """The final picture; every key of the contract but those about inputs."""
        m, ask = self.moments, self.question
        values = self._quantiles.at(np.array(ask.percentiles) / 100).tolist()
        return {
            "n": m.n,
            "failed": self.failed,
            "distribution": self.histogram.bins(ask.bins),
            "percentiles": [
                {"percentile": p, "value": v}
                for p, v in zip(ask.percentiles, values, strict=True)
            ],
            "percentile_rank_error": self._quantiles.rank_error,
            "mean": m.mean if m.n else None,
            "std": m.std,
            "sem": m.sem,
            "skewness": m.skewness,
            "kurtosis": m.kurtosis,
            "min": m.low if m.n else None,
            "max": m.high if m.n else None,
            **self._target(),
            "convergence": list(self.convergence),
        }

    def _target(self) -> dict[str, Any]:
        if self.question.target is None or not self.moments.n:
            return {"probability_of_target": None, "probability_interval": None}
        n, confidence = self.moments.n, self.question.confidence
        lower, upper = wilson_interval(self.hits, n, confidence)
        return {
            "probability_of_target": self.hits / n,
            "probability_interval": {"lower": lower, "upper": upper},
        }
