"""Local sensitivity: how steeply outputs move with each input at today's values.

Exact where the model knows its slope, else difference quotients extrapolated to step 0
(Richardson; `numerics.richardson`), each with the error it may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.given_data.sample import finite, interval, ranking
from flask_api.domains.sensitivity.selection import Varied
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.numerics.one_at_a_time import elasticity
from flask_api.numerics.richardson import slope as extrapolated
from flask_api.numerics.richardson import stencil

Floats = npt.NDArray[np.float64]

EXACT = "exact"
EXTRAPOLATED = "differences, extrapolated to step 0"
WHOLE = "difference of neighbours"


@dataclass(frozen=True)
class Slope:
    """d output / d input, NaN where there is none; `error` bounds its error."""

    value: float
    error: float
    scheme: str


@dataclass
class LocalState:
    """The state after an input: how far it is, and what is known so far.

    total, done   inputs wanted and inputs done
    base          the outputs at today's values
    """

    total: int
    varied: Sequence[Varied]
    base: Mapping[str, float]
    slopes: dict[str, dict[str, Slope]] = field(default_factory=dict)
    evaluations: int = 0

    @property
    def done(self) -> int:
        return len(self.slopes)

    def report(self, output: str) -> dict[str, Any]:
        """Slopes of `output` so far, in plain data.

        effect       {input: {value, lower, upper}}: slope times the width of the
                     input's range, in the output's unit; the bounds are the slope's
                     error
        derivative   {input: {value, lower, upper}}
        elasticity   {input: percent of output per percent of input}
        scheme       {input: how the slope was found}
        ranking      by effect, largest size first

        Numbers are finite or None.
        """
        known = {
            item.id: (item, self.slopes[item.id][output])
            for item in self.varied
            if item.id in self.slopes
        }
        width = {id: item.high - item.low for id, (item, _) in known.items()}
        effects = np.array([s.value * width[id] for id, (_, s) in known.items()])
        return {
            "effect": {
                id: _between(s.value * width[id], s.error * width[id])
                for id, (_, s) in known.items()
            },
            "derivative": {
                id: _between(s.value, s.error) for id, (_, s) in known.items()
            },
            "elasticity": {
                id: elasticity(finite(s.value), item.baseline or 0.0, self.base[output])
                for id, (item, s) in known.items()
            },
            "scheme": {id: s.scheme for id, (_, s) in known.items()},
            "evaluations": self.evaluations,
            "ranking": ranking(list(known), effects),
            "notes": self._notes(output, known),
        }

    def _notes(
        self, output: str, known: Mapping[str, tuple[Varied, Slope]]
    ) -> list[str]:
        kinks = [id for id, (_, s) in known.items() if not np.isfinite(s.value)]
        notes = []
        if kinks:
            notes.append(
                f"{', '.join(kinks)}: {output} has no slope at today's value: a kink, "
                "a jump, or no value beside it"
            )
        if known and all(s.value == 0 for _, s in known.values()):
            notes.append(f"{output} does not move with any input at today's values")
        return notes


def local(
    model: Studied,
    varied: Sequence[Varied],
    outputs: Sequence[str],
    base: Mapping[str, float],
    between: Callable[[], None] | None = None,
) -> Iterator[LocalState]:
    """The growing slopes of several outputs, once after each input.

    varied    inputs that are numbers; their ranges scale the effects
    base      the outputs at today's values
    between   called after each part of the work, and ends it by what it raises

    The same object is yielded again and again; the last one is complete.
    """
    state = LocalState(len(varied), varied, base)
    for item in varied:
        assert item.name is not None and item.baseline is not None
        found = {
            output: Slope(value, 0.0, EXACT)
            for output in outputs
            if (value := model.slope(item.name, output)) is not None
        }
        missing = [output for output in outputs if output not in found]
        if missing:
            differ = _neighbours if item.integer else _extrapolated
            more, rows = differ(model, item, missing, between)
            found |= more
            state.evaluations += rows
        state.slopes[item.id] = found
        yield state


def _extrapolated(
    model: Studied,
    item: Varied,
    outputs: Sequence[str],
    between: Callable[[], None] | None,
) -> tuple[dict[str, Slope], int]:
    """Slopes by differences, and how many rows they took."""
    name, x0 = str(item.name), float(item.baseline or 0.0)
    possible = model.possible(name)
    scale = abs(x0) or (item.high - item.low) or 1.0
    where = stencil(np.array([x0]), np.array([scale]), possible.low, possible.high)
    y = model.evaluate({name: where.at.ravel()}, outputs, between)
    found = {}
    for output in outputs:
        value, error = extrapolated(where, y[output].reshape(where.at.shape))
        certain = np.isfinite(error[0])
        found[output] = Slope(
            float(value[0]) if certain else np.nan, float(error[0]), EXTRAPOLATED
        )
    return found, where.at.size


def _neighbours(
    model: Studied,
    item: Varied,
    outputs: Sequence[str],
    between: Callable[[], None] | None,
) -> tuple[dict[str, Slope], int]:
    """Half the difference of both neighbours; of one where the other is impossible."""
    name, x0 = str(item.name), float(item.baseline or 0.0)
    possible = model.possible(name)
    ends = np.array([x if possible.allows(x) else x0 for x in (x0 - 1, x0 + 1)])
    y = model.evaluate({name: ends}, outputs, between)
    run = float(ends[1] - ends[0])
    found = {}
    for output in outputs:
        rise = float(y[output][1] - y[output][0])
        found[output] = Slope(rise / run if run else np.nan, 0.0, WHOLE)
    return found, len(ends)


def _between(value: float, error: float) -> dict[str, float | None]:
    return interval(value, value - error, value + error)
