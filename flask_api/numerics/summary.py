"""Everything one wants to know of an output, gathered while its values come."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.designs import parts, shares
from flask_api.numerics.histogram import Histogram
from flask_api.numerics.moments import Moments
from flask_api.numerics.proportions import two_sided_z, wilson_interval
from flask_api.numerics.quantiles import CHUNK, Quantiles
from flask_api.numerics.replicates import Replicate, half_width

Floats = npt.NDArray[np.float64]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

#: A point joins the convergence series when n has grown by this factor: <= 60 points.
_SPACING = 1.25


#: Hits, and misses, from which on the scatter of replicates tells a probability.
_FEW = 10


@dataclass(frozen=True)
class Metric:
    """One number of an output: `mean`, `std`, `probability_of_target` or a quantile.

    share   of the quantile, 0..1; None for the others
    """

    name: str
    share: float | None = None


@dataclass(frozen=True)
class Interval:
    """Where the true number lies, at the confidence that was asked for.

    basis   `independent draws`, or how many replicates' scatter it comes from
    """

    value: float
    lower: float
    upper: float
    basis: str

    @property
    def relative(self) -> float | None:
        """Half the width as a share of the value; None beside 0."""
        half = (self.upper - self.lower) / 2
        return half / abs(self.value) if self.value else None


@dataclass(frozen=True)
class Question:
    """What is asked of each output.

    percentiles   in percent, 0..100
    bins          of the distribution, >= 1
    target        (`<`, `<=`, `>` or `>=`, value), or None
    confidence    of every interval, 0 < confidence < 1
    exact         values to keep as they are, before quantiles become a sketch
    replicates    independent designs that share each block (`designs.parts`): where
                  there are several, all intervals come from their scatter
    watched       a quantile whose interval will be asked for, or None
    """

    percentiles: tuple[float, ...] = (1, 5, 10, 25, 50, 75, 90, 95, 99)
    bins: int = 50
    target: tuple[str, float] | None = None
    confidence: float = 0.95
    exact: int = 10_000_000
    replicates: int = 1
    watched: Metric | None = None


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
        count = self.question.replicates
        watched = self.question.watched
        quantile = watched is not None and watched.share is not None
        self._replicates = [
            Replicate(expected if quantile else 0)
            for expected in (shares(self.expected, count) if count > 1 else ())
        ]

    def add(self, values: Floats) -> None:
        """Take one block, shape (n,); NaN and infinity count as failed draws."""
        finite = np.isfinite(values)
        op, at = self.question.target or (None, 0.0)
        hit = OPERATORS[op] if op is not None else None
        if self._replicates:
            own = parts(len(values), len(self._replicates))
            for replicate, part in zip(self._replicates, own, strict=True):
                replicate.add(values[part][finite[part]], hit, at)
        if not finite.all():
            self.failed += int(len(values) - finite.sum())
            values = values[finite]
        self.moments = self.moments.merge(Moments.of(values))
        self.histogram.add(values)
        self._quantiles.add(values)
        if hit is not None:
            self.hits += int(hit(values, at).sum())
        drawn = self.moments.n + self.failed
        last = self.convergence[-1]["n"] if self.convergence else 0
        if drawn >= self.expected or self.moments.n >= _SPACING * (last or 1):
            self.note()

    def note(self) -> None:
        """Let the convergence series go up to here."""
        m = self.moments
        if m.n and (not self.convergence or self.convergence[-1]["n"] != m.n):
            known = self.interval(Metric("mean"))
            low = None if known is None else known.lower
            high = None if known is None else known.upper
            self.convergence.append(
                {"n": m.n, "mean": m.mean, "low": low, "high": high}
            )

    def interval(self, metric: Metric) -> Interval | None:
        """The value of `metric` and its interval; None while too little is known.

        With replicates, from their scatter (Student's t). Else from formulas for
        independent draws: too wide, never too narrow, for evenly spread points.
        """
        m = self.moments
        if not m.n:
            return None
        if metric.name == "probability_of_target":
            return self._probability()
        if metric.share is not None:
            return self._quantile(metric.share)
        value = m.mean if metric.name == "mean" else m.std
        if value is None:
            return None
        if self._replicates:
            estimates = [r.estimate(metric.name) for r in self._replicates]
            half = half_width(estimates, self.question.confidence)
        else:
            error = m.sem if metric.name == "mean" else m.std_error
            half = None if error is None else self._z * error
        if half is None:
            return None
        lower = value - half if metric.name == "mean" else max(0.0, value - half)
        return Interval(value, lower, value + half, self._basis)

    @property
    def _basis(self) -> str:
        count = len(self._replicates)
        return f"{count} replicates" if count else "independent draws"

    def _probability(self) -> Interval | None:
        if self.question.target is None:
            return None
        n, hits = self.moments.n, self.hits
        value = hits / n
        half = half_width(
            [r.hits / r.moments.n if r.moments.n else None for r in self._replicates],
            self.question.confidence,
        )
        # a handful of hits scatters by luck too little: then as for independent draws
        if half is None or min(hits, n - hits) < _FEW * len(self._replicates):
            lower, upper = wilson_interval(hits, n, self.question.confidence)
            return Interval(value, lower, upper, "independent draws")
        return Interval(
            value, max(0.0, value - half), min(1.0, value + half), self._basis
        )

    def _quantile(self, share: float) -> Interval | None:
        known = self._quantiles
        if not known.exact and known.n < CHUNK:
            return None  # too early to choose the cut points of the sketch
        if self._replicates:
            value = float(known.at(np.array([share]))[0])
            estimates = [r.quantile(share) for r in self._replicates]
            half = half_width(estimates, self.question.confidence)
            if half is None:
                return None
            return Interval(value, value - half, value + half, self._basis)
        step = self._z * math.sqrt(share * (1 - share) / known.n)
        places = share + (step + known.rank_error) * np.array([-1.0, 0.0, 1.0])
        if places[0] <= 0 or places[2] >= 1:
            return None  # the sample is too small to bracket it
        lower, value, upper = known.at(places).tolist()
        return Interval(value, lower, upper, self._basis)

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
            "sem": self._sem,
            "skewness": m.skewness,
            "kurtosis": m.kurtosis,
            "min": m.low if m.n else None,
            "max": m.high if m.n else None,
            **self._target(),
            "convergence": list(self.convergence),
        }

    @property
    def _sem(self) -> float | None:
        if not self._replicates:
            return self.moments.sem
        means = [r.moments.mean for r in self._replicates if r.moments.n]
        if len(means) < 2:
            return None
        return float(np.std(means, ddof=1)) / math.sqrt(len(means))

    def _target(self) -> dict[str, Any]:
        known = self.interval(Metric("probability_of_target"))
        if known is None:
            return {"probability_of_target": None, "probability_interval": None}
        return {
            "probability_of_target": known.value,
            "probability_interval": {"lower": known.lower, "upper": known.upper},
        }
