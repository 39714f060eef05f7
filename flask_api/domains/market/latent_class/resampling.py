"""Samples drawn from a fitted model, and what it would give on other samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.alignment import aligned
from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.patterns.patterns import BLOCK, Patterns, pack
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Resamples at most: beyond, intervals hardly change.
MOST_RESAMPLES = 10_000
_LANE = 62  # keeps samples apart from other uses of the same seed


def sample(
    patterns: Patterns, model: LatentClasses, seed: int, number: int
) -> Patterns:
    """As many rows as the data has, drawn from a model, with the data's missing values.

    number   of the sample: each is a stream of its own
    """
    counts = np.where(patterns.informative(), patterns.counts, 0.0).astype(np.int64)
    rows = int(counts.sum())
    random = stream(seed, number, _LANE)
    steps = np.cumsum(model.sizes)
    drawn = np.empty((rows, patterns.items), np.uint8)
    missing = np.zeros(drawn.shape, bool) if patterns.gaps else None
    source = np.repeat(np.arange(patterns.size, dtype=np.int32), counts)
    for start in range(0, rows, BLOCK):
        part = slice(start, min(start + BLOCK, rows))
        u = random.random(part.stop - start) * steps[-1]
        chosen = np.minimum(np.searchsorted(steps, u, side="right"), len(steps) - 1)
        shape = (len(chosen), patterns.items)
        drawn[part] = random.random(shape) < model.probabilities[chosen]
        if missing is not None:
            codes = patterns.codes[source[part]]
            known = codes[:, : patterns.width] | codes[:, patterns.width :]
            missing[part] = 1 - np.unpackbits(
                known, axis=1, count=patterns.items, bitorder="little"
            )
    return pack(drawn, missing)


def check_resamples(resamples: int) -> None:
    """Raise InputError unless there are 1 to `MOST_RESAMPLES` of them."""
    if not 1 <= resamples <= MOST_RESAMPLES:
        raise InputError(
            f"got {resamples} resamples; wanted 1 to {MOST_RESAMPLES:,}",
            "params.resamples",
        )


@dataclass
class Resampled:
    """The state after each resample: the model's numbers on the samples so far.

    total, done     resamples wanted and finished
    sizes           shape (done, classes), classes in the order of the model's
    probabilities   shape (done, classes, items)
    """

    total: int
    done: int = 0
    _sizes: list[Floats] = field(default_factory=list, repr=False)
    _probabilities: list[Floats] = field(default_factory=list, repr=False)

    @property
    def sizes(self) -> Floats:
        return np.array(self._sizes)

    @property
    def probabilities(self) -> Floats:
        return np.array(self._probabilities)

    def add(self, model: LatentClasses) -> None:
        self._sizes.append(model.sizes)
        self._probabilities.append(model.probabilities)
        self.done += 1

    def errors(self) -> tuple[Floats, Floats]:
        """Standard errors of sizes and probabilities; from the second resample on."""
        return self.sizes.std(axis=0, ddof=1), self.probabilities.std(axis=0, ddof=1)

    def intervals(self, confidence: float) -> tuple[Floats, Floats]:
        """Percentile intervals, shapes (2, classes) and (2, classes, items).

        They also hold where a probability is 0 or 1, and standard errors don't.
        """
        ends = [(1 - confidence) / 2, (1 + confidence) / 2]
        return (
            np.quantile(self.sizes, ends, axis=0),
            np.quantile(self.probabilities, ends, axis=0),
        )


def bootstrap(
    patterns: Patterns,
    model: LatentClasses,
    *,
    resamples: int = 100,
    max_iter: int = 1000,
    tol: float = 1e-6,
    seed: int = 0,
) -> Iterator[tuple[Resampled, Fitting | None]]:
    """How a model's numbers scatter over samples drawn from it.

    Yields the growing state and, between two resamples, the fit under way; after each
    resample, the state and None. Each fit starts from `model`; its classes are matched
    with the model's before they are counted.
    """
    check_resamples(resamples)
    state = Resampled(resamples)
    for number in range(resamples):
        drawn = sample(patterns, model, seed, number)
        for fitting in fit(
            drawn, model.classes, n_init=0, max_iter=max_iter, tol=tol, given=model
        ):
            yield state, fitting
        state.add(aligned(fitting.best(), model))
        yield state, None
