"""RBD-FAST: first-order indices of any number of inputs from one plain sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.variance.fourier import left_out, sorted_indices
from flask_api.domains.sensitivity.variance.pick_freeze import usable
from flask_api.numerics.designs import blocks, design
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.proportions import two_sided_z

Floats = npt.NDArray[np.float64]

#: Numbers kept at most, as indices need the whole sample sorted: 400 MB.
MOST_NUMBERS = 50_000_000
SAMPLINGS = ("lhs", "random")


@dataclass
class RbdFastState:
    """The state after a block: how far it is, and what is known so far.

    total, done   evaluations wanted and evaluated
    known         what to know of the inputs before believing it
    """

    total: int
    names: list[str]
    harmonics: int
    confidence: float
    known: list[str]
    x: Floats = field(repr=False)
    y: dict[str, Floats] = field(repr=False)
    done: int = 0

    @property
    def evaluations(self) -> int:
        """Evaluations of the model so far."""
        return self.done

    def report(self, output: str) -> dict[str, Any]:
        """First-order indices of `output` so far, in plain data.

        first          {input: {value, lower, upper, standard_error}}, None as long as
                       there are too few rows
        rows, failed   rows used, and rows left out because the output had no value

        Numbers are finite or None. Small indices may be negative: that is noise.
        """
        y = self.y[output][: self.done]
        good = usable(y[None])
        x, y = self.x[:, : self.done][:, good], y[good]
        first: dict[str, Any] = dict.fromkeys(self.names)
        enough = len(y) > 4 * self.harmonics
        notes = []
        if enough:
            z = two_sided_z(self.confidence)
            index, error = sorted_indices(x, y, self.harmonics)
            first = {
                name: {
                    "value": float(value),
                    "lower": float(value - z * each),
                    "upper": float(value + z * each),
                    "standard_error": float(each),
                }
                for name, value, each in zip(self.names, index, error, strict=True)
            }
            if not index.any() and not error.any():
                notes.append(f"{output} does not vary: all its indices are 0")
            else:
                notes += self.known
        elif self.done == self.total:
            notes.append(
                f"{output} has a value in {len(y)} rows; wanted more than "
                f"{4 * self.harmonics}"
            )
        return {
            "first": first,
            "mean": float(y.mean()) if len(y) else None,
            "variance": float(y.var()) if len(y) else None,
            "rows": len(y),
            "failed": self.done - len(y),
            "evaluations": self.evaluations,
            "harmonics": self.harmonics,
            "confidence": self.confidence,
            "notes": notes,
        }


def rbd_fast(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    harmonics: int = 10,
    confidence: float = 0.95,
    sampling: str = "lhs",
) -> Iterator[RbdFastState]:
    """The growing first-order indices of several outputs, once after each block.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       independent uncertain inputs by name, at least one
    outputs      names that `model` returns
    samples      evaluations, above 4 harmonics
    harmonics    summed for an input's part, >= 1: more see sharper bends and add noise
    confidence   of the intervals, 0 < confidence < 1
    sampling     `lhs`, for which intervals are somewhat wide, or `random`

    The same object is yielded again and again; the last one is complete.
    Raises InputError for too few samples, or more than memory should hold.
    """
    if harmonics < 1:
        raise InputError(
            f"got {harmonics} harmonics; wanted 1 or more", "config.harmonics"
        )
    if samples <= 4 * harmonics:
        raise InputError(
            f"got {samples} samples; with {harmonics} harmonics RBD-FAST wants more "
            f"than {4 * harmonics}",
            "config.samples",
        )
    if sampling not in SAMPLINGS:
        raise InputError(
            f"got sampling {sampling!r}; offered: {', '.join(SAMPLINGS)} (the bias "
            "correction takes chance for granted, and Sobol points hold less of it)",
            "config.sampling",
        )
    if not inputs:
        raise InputError("got no uncertain input; wanted at least one", "parameters")
    most = MOST_NUMBERS // (len(inputs) + len(outputs))
    if samples > most:
        raise InputError(
            f"got {samples:,} samples; all are kept, so with {len(inputs)} inputs at "
            f"most {most:,}: use sobol, which keeps none",
            "config.samples",
        )
    state = RbdFastState(
        samples,
        list(inputs),
        harmonics,
        confidence,
        left_out(inputs, harmonics),
        np.empty((len(inputs), samples)),
        {name: np.empty(samples) for name in outputs},
    )
    points = design(sampling, len(inputs), seed, samples)
    for start, n in blocks(samples):
        u = points.block(start, n)
        x = {name: inputs[name].ppf(v) for name, v in zip(inputs, u, strict=True)}
        rows = slice(start, start + n)
        for kept, column in zip(state.x, x.values(), strict=True):
            kept[rows] = column
        for name, values in model(x).items():
            if name in state.y:
                state.y[name][rows] = values
        state.done = start + n
        yield state
