"""Sobol indices of a model: which input the variance of an output comes from.

Rows are summed block by block: memory does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.resampled import (
    kept,
    kept_pairs,
    ranks,
    refuse_keeping,
)
from flask_api.domains.sensitivity.variance.budget import MOST_ROWS, refuse_endless
from flask_api.domains.sensitivity.variance.columns import columns_of
from flask_api.domains.sensitivity.variance.pick_freeze import Rows, layout
from flask_api.domains.sensitivity.variance.sobol_indices import (
    Accumulator,
    Estimates,
    feature_count,
    square,
)
from flask_api.numerics.designs import design
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.proportions import two_sided_z
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: Inputs or groups at most: the columns of one call of the model take 260 MB then; and
#: with second-order indices, of which there are columns (columns - 1) / 2.
MOST_COLUMNS = 2000
MOST_SECOND = 128

#: A Latin hypercube is none of them: its parts are no samples of their own.
SAMPLINGS = ("random", "sobol")

_NUMBERS = 1 << 22  # floats that a block may take: 32 MB
_STRIP = 64  # resamples counted and multiplied at a time
#: Poisson counts with mean 1 of 16 random bits.
_POISSON = np.searchsorted(
    np.cumsum([math.exp(-1) / math.factorial(k) for k in range(12)]),
    (np.arange(1 << 16) + 0.5) / (1 << 16),
).astype(np.float32)
_LANE = 41  # keeps resampling apart from other uses of the same seed


def power_of_two(samples: int) -> int:
    """The smallest power of two that is not below `samples`.

    Raises InputError below 2 and above MOST_ROWS.
    """
    if not 2 <= samples <= MOST_ROWS:
        raise InputError(
            f"got {samples} samples; wanted 2 to {MOST_ROWS:,}, best a power of two",
            field="config.samples",
        )
    return 1 << (samples - 1).bit_length()


@dataclass
class SobolState:
    """The state after a block: how far it is, and what is known so far.

    total, done   rows wanted and rows evaluated; a row is `width` evaluations
    asked         rows asked for, before they were rounded up to a power of two
    """

    total: int
    done: int
    asked: int
    width: int
    names: list[str]
    confidence: float
    resamples: int
    keep: bool
    sums: dict[str, Accumulator]

    @property
    def evaluations(self) -> int:
        """Evaluations of the model so far."""
        return self.done * self.width

    def report(self, output: str) -> dict[str, Any]:
        """Indices of `output` so far, in plain data.

        first, total   {input or group: {value, lower, upper, standard_error}}
        second         [{ids: [a, b], value, lower, upper, standard_error}] or None
        ranks          by total index, with a bootstrap: see `resampled.ranks`
        resampled      at the end, where they are kept: {index: {input or group: its
                       value in each resample}}, `second` by both
        interval       how lower and upper were found; standard_error is always that
                       of the delta method
        rows, failed   rows used, and rows left out because some output had no value

        Numbers are finite or None. Small indices may be negative: that is noise.
        """
        known = self.sums[output].estimates()
        notes = self._notes(output, known)
        method = "bootstrap" if self.resamples else "delta method"
        head = {
            "rows": known.rows if known else 0,
            "failed": self.sums[output].failed,
            "evaluations": self.evaluations,
            "mean": _finite(known.mean) if known else None,
            "variance": _finite(known.variance) if known else None,
            "confidence": self.confidence,
            "interval": method,
            "resamples": self.resamples,
            "notes": notes,
        }
        if known is None:
            return head | {
                "first": dict.fromkeys(self.names),
                "total": dict.fromkeys(self.names),
                "second": None,
                "first_sum": None,
                "ranks": None,
            }
        return head | self._indices(known, self.sums[output])

    def _indices(self, known: Estimates, sums: Accumulator) -> dict[str, Any]:
        first_half, total_half, second_half = self._halves(known, sums)
        second = None
        if known.second is not None and known.second_error is not None:
            assert second_half is not None
            second = [
                {"ids": [self.names[j], self.names[k]]}
                | _index(
                    known.second[j, k], second_half[j, k], known.second_error[j, k]
                )
                for j, k in zip(*np.triu_indices(len(self.names), 1), strict=True)
            ]
        return {
            "first": self._named(known.first, first_half, known.first_error),
            "total": self._named(known.total, total_half, known.total_error),
            "second": second,
            "first_sum": _finite(float(known.first.sum())),
            "ranks": self._ranks(known, sums) if self.resamples else None,
            **(self._kept(sums) if self.keep and self.done == self.total else {}),
        }

    def _named(self, value: Floats, half: Floats, error: Floats) -> dict[str, Any]:
        return {
            name: _index(*three)
            for name, *three in zip(self.names, value, half, error, strict=True)
        }

    def _halves(
        self, known: Estimates, sums: Accumulator
    ) -> tuple[Floats, Floats, Floats | None]:
        """Half-widths of the intervals of first, total and second order."""
        z = two_sided_z(self.confidence)
        if not self.resamples:
            second = known.second_error
            return (
                z * known.first_error,
                z * known.total_error,
                None if second is None else z * second,
            )
        first, total, pairs = sums.replicates()
        d = len(self.names)
        return (
            z * first.std(axis=0, ddof=1),
            z * total.std(axis=0, ddof=1),
            None if pairs is None else square(z * pairs.std(axis=0, ddof=1), d),
        )

    def _ranks(self, known: Estimates, sums: Accumulator) -> dict[str, Any]:
        _, total, _ = sums.replicates()
        return ranks(self.names, known.total, total, self.confidence)

    def _kept(self, sums: Accumulator) -> dict[str, Any]:
        first, total, pairs = sums.replicates()
        found: dict[str, Any] = {
            "total": kept(self.names, total),
            "first": kept(self.names, first),
        }
        if pairs is not None:
            found["second"] = kept_pairs(self.names, pairs)
        return {"resampled": found}

    def _notes(self, output: str, known: Estimates | None) -> list[str]:
        notes = []
        if self.total != self.asked:
            notes.append(
                f"samples rounded up from {self.asked:,} to {self.total:,}: "
                "a Sobol sequence is even at powers of two"
            )
        if known is None and self.done:
            notes.append(f"{output} has no value in any row")
        if known is not None and known.constant:
            notes.append(f"{output} does not vary: all its indices are 0")
        return notes


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _index(value: float, half: float, error: float) -> dict[str, float | None]:
    return {
        "value": _finite(value),
        "lower": _finite(value - half),
        "upper": _finite(value + half),
        "standard_error": _finite(error),
    }


def sobol(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    groups: Mapping[str, Sequence[str]] | None = None,
    second_order: bool = False,
    resamples: int = 0,
    keep_resamples: bool = False,
    confidence: float = 0.95,
    sampling: str = "sobol",
) -> Iterator[SobolState]:
    """The growing Sobol indices of several outputs, once after each block of rows.

    model          called with whole columns, at most `designs.BLOCK` rows at a time
    inputs         independent uncertain inputs by name, at least one
    outputs        names that `model` returns
    samples        rows, rounded up to a power of two; one row is D + 2 evaluations, or
                   2 D + 2 with second order, D = number of inputs or groups
    groups         inputs that count as one, by the group's name; the others stand alone
    second_order   also the interaction of each two
    resamples      size of the bootstrap, 0 = intervals by the delta method
    keep_resamples the last report holds the indices of each resample
    confidence     of the intervals, 0 < confidence < 1
    sampling       `sobol`, or `random`; intervals take the rows for independent, so
                   they are wider than the error of `sobol`

    The same object is yielded again and again; the last one is complete.
    Raises InputError for an empty or wrong grouping, too many columns, and more work
    than there is time for.
    """
    total = power_of_two(samples)
    if sampling not in SAMPLINGS:
        raise InputError(
            f"got sampling {sampling!r}; offered: {', '.join(SAMPLINGS)}",
            field="config.sampling",
        )
    if resamples == 1 or resamples < 0:
        raise InputError(
            f"got {resamples} resamples; wanted 0 (none) or at least 2",
            field="config.resamples",
        )
    columns = columns_of(inputs, groups)
    count = len(columns.names)
    most = MOST_SECOND if second_order else MOST_COLUMNS
    if count > most:
        raise InputError(
            f"got {count} inputs or groups; wanted at most {most}"
            + (" with second order" if second_order else "")
            + ": form groups, or screen with Morris first",
            field="config.groups",
        )
    rows = Rows(model, inputs, columns, second_order)
    refuse_endless(samples, total, rows.width, resamples)
    indices = feature_count(count, second_order) - feature_count(0, False)
    refuse_keeping(keep_resamples, resamples, indices, len(outputs))
    state = SobolState(
        total,
        0,
        samples,
        rows.width,
        columns.names,
        confidence,
        resamples,
        keep_resamples,
        {name: Accumulator(count, second_order, resamples) for name in outputs},
    )
    numbers = (feature_count(count, second_order) + rows.width) * max(1, len(outputs))
    points = design(sampling, 2 * len(inputs), seed)
    for start, n in layout(total, max(1, _NUMBERS // numbers)):
        values = rows.evaluate(points.block(start, n), outputs)
        for name, sums in state.sums.items():
            sums.add(values[name])
        for low, counts in resampling_counts(seed, start, n, resamples):
            for sums in state.sums.values():
                sums.resample(low, counts)
        state.done = start + n
        yield state


def resampling_counts(
    seed: int, start: int, n: int, resamples: int
) -> Iterator[tuple[int, Singles]]:
    """(number of the first resample, counts of shape (some resamples, n)), in strips.

    How often a resample holds a row is drawn from the Poisson distribution with mean 1:
    what a bootstrap's counts tend to, and they are drawn without knowing how many rows
    will come. Chamandy et al. (2012), Estimating uncertainty for massive data streams.
    """
    random = stream(seed, start, _LANE).bit_generator
    for low in range(0, resamples, _STRIP):
        some = min(_STRIP, resamples - low)
        words = np.atleast_1d(random.random_raw(-(-some * n // 4)))
        draws = words.view(np.uint16)[: some * n].reshape(some, n)
        counts = np.empty((some, n), dtype=np.float32)
        for row, drawn in zip(counts, draws, strict=True):
            np.take(_POISSON, drawn, out=row, mode="wrap")  # "raise" would copy
        yield low, counts
