"""eFAST: first-order and total indices along space-filling curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from flask_api.domains.sensitivity.variance.budget import MOST_EVALUATIONS
from flask_api.domains.sensitivity.variance.fourier import (
    curve_indices,
    frequencies,
    left_out,
)
from flask_api.domains.sensitivity.variance.pick_freeze import usable
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

_EDGE = 2.0**-33  # a share of 0 or 1 is no finite draw of many distributions
_LANE = 47  # keeps phases apart from other uses of the same seed


@dataclass
class FastState:
    """The state after a curve: how far it is, and what is known so far.

    total, done   evaluations wanted and evaluated
    known         what to know of the inputs before believing it
    found         by output first-order and total index of each curve, shape
                  (2, inputs, curves), NaN = not there yet, or a point had no value
    """

    total: int
    samples: int
    names: list[str]
    confidence: float
    known: list[str]
    found: dict[str, Floats] = field(repr=False)
    constant: dict[str, bool] = field(repr=False)
    done: int = 0

    @property
    def evaluations(self) -> int:
        """Evaluations of the model so far."""
        return self.done

    def report(self, output: str) -> dict[str, Any]:
        """Indices of `output` so far, in plain data.

        first, total   {input: {value, lower, upper, standard_error}}: mean of the
                       input's curves and Student's interval for the mean of all curves,
                       None where a single curve gives none; None where no curve is
                       known. How far that mean is from the index, because frequencies
                       mix, no interval of eFAST tells
        curves         curves used, and `failed` ones left out because the output had
                       no value at some point

        Numbers are finite or None. Small indices may be negative: that is noise.
        """
        found = self.found[output]
        seen = self.done // self.samples
        used = int(np.isfinite(found[0]).sum())
        notes = []
        if self.constant[output] and used:
            notes.append(f"{output} does not vary: all its indices are 0")
        elif used:
            notes += self.known
        if used < seen:
            notes.append(
                f"{output} had no value at some point of {seen - used} of {seen} "
                "curves, and a curve with a gap has no spectrum: sobol bears gaps"
            )
        return {
            "first": self._named(found[0]),
            "total": self._named(found[1]),
            "curves": used,
            "failed": seen - used,
            "evaluations": self.evaluations,
            "confidence": self.confidence,
            "notes": notes,
        }

    def _named(self, found: Floats) -> dict[str, Any]:
        return {
            name: _interval(row[np.isfinite(row)], self.confidence)
            for name, row in zip(self.names, found, strict=True)
        }


def _interval(values: Floats, confidence: float) -> dict[str, float | None] | None:
    n = len(values)
    if not n:
        return None
    mean = float(values.mean())
    if n == 1:
        return {"value": mean, "lower": None, "upper": None, "standard_error": None}
    error = float(values.std(ddof=1)) / n**0.5
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * error
    return {
        "value": mean,
        "lower": mean - half,
        "upper": mean + half,
        "standard_error": error,
    }


def fast(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    curves: int = 8,
    harmonics: int = 4,
    confidence: float = 0.95,
) -> Iterator[FastState]:
    """The growing eFAST indices of several outputs, once after each curve.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       independent uncertain inputs by name, at least one
    outputs      names that `model` returns
    samples      points of a curve, above 4 harmonics^2; inputs * curves * samples
                 evaluations in all
    curves       for each input, with phases drawn anew: they give the interval, as
                 Saltelli et al. (1999) advise (resampling points of one curve, as
                 SALib does, breaks its periods); 1 = no interval, below 8 it is some
                 percent too sure
    harmonics    kept free of interference (M), >= 1
    confidence   of the intervals, 0 < confidence < 1

    The same object is yielded again and again; the last one is complete.
    Raises InputError for too few samples, curves or harmonics.
    """
    for name, value in (("harmonics", harmonics), ("curves", curves)):
        if value < 1:
            raise InputError(f"got {value} {name}; wanted 1 or more", f"config.{name}")
    if not inputs:
        raise InputError("got no uncertain input; wanted at least one", "parameters")
    names = list(inputs)
    of_each = len(names) * curves
    if of_each * samples > MOST_EVALUATIONS:
        raise InputError(
            f"got {samples:,} samples of {curves:,} curves for each of {len(names)} "
            f"inputs, which are {of_each * samples:,} evaluations; wanted at most "
            f"{MOST_EVALUATIONS:,}: give samples {MOST_EVALUATIONS // of_each:,} or "
            "fewer, or fewer curves",
            "config.samples",
        )
    omega = frequencies(len(names), samples, harmonics)
    state = FastState(
        len(names) * curves * samples,
        samples,
        names,
        confidence,
        left_out(inputs, harmonics),
        {name: np.full((2, len(names), curves), np.nan) for name in outputs},
        dict.fromkeys(outputs, True),
    )
    for curve in range(curves):
        for i in range(len(names)):
            phases = stream(seed, curve * len(names) + i, _LANE).random(len(names))
            own = np.insert(omega[1:], i, omega[0])
            y = _along(model, inputs, outputs, own, 2 * np.pi * phases, samples)
            for name, values in y.items():
                if usable(values[:, None])[0]:
                    indices = curve_indices(values, harmonics)
                    state.found[name][:, i, curve] = indices
                    state.constant[name] &= indices == (0.0, 0.0)
            state.done += samples
            yield state


def _along(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    omega: npt.NDArray[np.int64],
    phases: Floats,
    n: int,
) -> dict[str, Floats]:
    """The outputs at the n points of a curve."""
    out = {name: np.empty(n) for name in outputs}
    for low in range(0, n, BLOCK):
        s = 2 * np.pi / n * np.arange(low, min(low + BLOCK, n))
        x = {}
        for (name, law), w, phase in zip(inputs.items(), omega, phases, strict=True):
            u = 0.5 + np.arcsin(np.sin(w * s + phase)) / np.pi
            x[name] = law.ppf(np.clip(u, _EDGE, 1 - _EDGE))
        y = model(x)
        for name, values in out.items():
            values[low : low + len(s)] = y[name]
    return out
