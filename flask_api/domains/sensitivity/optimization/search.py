"""The record of a search: what was evaluated, the best so far, what is left to spend.

Every method asks here for values and violations of points in the unit cube. The answer
of a search is the best point that was ever evaluated, whichever method found it, and a
spent budget ends any method by an exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.optimization.constraints import Constraint
from flask_api.domains.sensitivity.optimization.decisions import Space
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.monte_carlo import Model

Floats = npt.NDArray[np.float64]
#: Points as values by name -> output, and its slopes by name; all shape (n,).
Slopes = Callable[[Mapping[str, Floats]], tuple[Floats, Mapping[str, Floats]]]

#: Rows of the trace that are kept; beyond, every second one is dropped.
TRACE = 1000
#: A target is reached where it is missed by no more than this part of it, or of how
#: much the output was seen to change, where that is more.
REACHED = 1e-9


class SpentError(Exception):
    """Nothing is left of the budget; `why` is `evaluations` or `time`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Goal:
    """What is looked for: `output` at its lowest, at its highest, or at `target`.

    sense   `min`, `max` or `target`
    """

    output: str
    sense: str = "min"
    target: float | None = None

    def loss(self, y: Floats) -> Floats:
        """What is to be made small."""
        if self.sense == "target":
            assert self.target is not None
            return np.abs(y - self.target)
        return -y if self.sense == "max" else y


@dataclass(frozen=True)
class Budget:
    """How much may be spent: points, and seconds where they are limited."""

    evaluations: int
    seconds: float | None = None


@dataclass(frozen=True)
class Point:
    """One evaluated point; `violation` 0 = it keeps all constraints."""

    inputs: dict[str, float]
    outputs: dict[str, float]
    value: float
    loss: float
    violation: float

    def before(self, other: Point | None) -> bool:
        """Whether it is better: keeping constraints first, then the smaller loss."""
        if other is None:
            return True
        mine, theirs = (self.violation, self.loss), (other.violation, other.loss)
        return mine < theirs


@dataclass(frozen=True)
class Outcome:
    """How a search ended.

    method      what found it, such as `differential_evolution, then lbfgsb`
    converged   by the method's own rule; False = stopped by the budget before
    message     the same in words
    solutions   of a goal seek: all points found, nearest to today's first
    spent       the budget ended it
    """

    method: str
    converged: bool
    message: str
    solutions: tuple[Point, ...] = ()
    spent: bool = False


class Search:
    """Evaluates points and remembers.

    model         values by name -> outputs by name, whole columns; NaN = no answer
    watch         called with this after every block and every row of the trace; what
                  it raises ends the search
    slopes        exact slopes of the output, where the model knows them
    block         points evaluated at once, at most

    evaluations   points so far
    failed        of them, points where an output that is needed has no answer
    best          the best point so far, or the one that misses constraints least
    """

    def __init__(
        self,
        space: Space,
        goal: Goal,
        constraints: Sequence[Constraint],
        model: Model,
        budget: Budget,
        *,
        watch: Callable[[Search], None] = lambda search: None,
        slopes: Slopes | None = None,
        block: int = BLOCK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.space, self.goal, self.constraints = space, goal, tuple(constraints)
        self.budget, self.slopes = budget, slopes
        self.evaluations = self.failed = 0
        self.best: Point | None = None
        self.first: Point | None = None  # today's values, or the nearest within bounds
        self.trace: list[dict[str, Any]] = []
        self.phase = "start"
        self.lowest, self.highest = np.inf, -np.inf  # of the output, so far
        self._model, self._watch, self._clock = model, watch, clock
        self._block, self._began = block, clock()
        self._seen: dict[bytes, tuple[float, Floats, Floats]] = {}
        self._every, self._rows = 1, 0

    @property
    def left(self) -> int:
        """Evaluations that may still be spent."""
        return self.budget.evaluations - self.evaluations

    @property
    def feasible(self) -> bool:
        """Whether a point was found that keeps all constraints."""
        return self.best is not None and self.best.violation == 0

    @property
    def reached(self) -> float:
        """A target is reached where it is missed by no more than this."""
        assert self.goal.target is not None
        spread = self.highest - self.lowest
        return REACHED * max(abs(self.goal.target), spread, 0.0)

    def points(self, u: Floats) -> tuple[Floats, Floats, Floats]:
        """Output, margins and violations at the points `u`, shape (dims, n).

        Shapes (n,), (constraints, n), (constraints, n). A point that was asked for in
        the call before is not evaluated again. Raises SpentError where the budget ends.
        """
        keys = [column.tobytes() for column in np.ascontiguousarray(u.T)]
        new = [i for i, key in enumerate(keys) if key not in self._seen]
        if new:
            known = {key: self._seen[key] for key in keys if key in self._seen}
            self._seen = known
            self._evaluate(u[:, new], [keys[i] for i in new])
        rows = [self._seen[key] for key in keys]
        y = np.array([row[0] for row in rows])
        shape = (len(rows), len(self.constraints))
        margins = np.array([row[1] for row in rows]).reshape(shape).T
        violations = np.array([row[2] for row in rows]).reshape(shape).T
        return y, margins, violations

    def loss(self, u: Floats) -> Floats:
        """What is to be made small, shape (n,); infinite without an answer."""
        lost = self.goal.loss(self.points(u)[0])
        return np.where(np.isnan(lost), np.inf, lost)

    def _evaluate(self, u: Floats, keys: Sequence[bytes]) -> None:
        for start in range(0, len(keys), self._block):
            if self.left <= 0:
                raise SpentError("evaluations")
            stop = min(start + self._block, len(keys), start + self.left)
            x = self.space.values(u[:, start:stop])
            inputs = self.space.named(x)
            outputs = self._model(inputs)
            self.add(inputs, outputs, keys[start:stop])
            self._watch(self)
            limit = self.budget.seconds
            if limit is not None and self._clock() - self._began >= limit:
                raise SpentError("time")
            if stop < min(start + self._block, len(keys)):
                raise SpentError("evaluations")

    def add(
        self,
        inputs: Mapping[str, Floats],
        outputs: Mapping[str, Floats],
        keys: Sequence[bytes] = (),
    ) -> None:
        """Take up evaluated points, shape (n,) each; `keys` make them known again."""
        y = np.asarray(outputs[self.goal.output])
        n = len(y)
        lefts = [c.left(inputs, outputs) for c in self.constraints]
        pairs = list(zip(self.constraints, lefts, strict=True))
        margins = np.array([c.margin(left) for c, left in pairs]).reshape(-1, n)
        missed = np.array([c.violation(left) for c, left in pairs]).reshape(-1, n)
        unanswered = np.isnan(y) | np.isinf(missed).any(axis=0)
        self.lowest = float(np.fmin(self.lowest, np.fmin.reduce(y)))
        self.highest = float(np.fmax(self.highest, np.fmax.reduce(y)))
        y = np.where(unanswered, np.nan, y)
        missed = np.where(unanswered, np.inf, missed)
        self.evaluations += n
        self.failed += int(unanswered.sum())
        for i, key in enumerate(keys):
            self._seen[key] = (float(y[i]), margins[:, i], missed[:, i])
        total = missed.sum(axis=0) if len(missed) else np.where(unanswered, np.inf, 0.0)
        lost = np.where(unanswered, np.inf, self.goal.loss(y))
        i = int(np.lexsort((lost, total))[0])
        found = self._point(inputs, outputs, i, y, lost, total)
        if self.first is None:
            self.first = self._point(inputs, outputs, 0, y, lost, total)
        if np.isfinite(found.loss) and found.before(self.best):
            self.best = found

    def _point(
        self,
        inputs: Mapping[str, Floats],
        outputs: Mapping[str, Floats],
        i: int,
        y: Floats,
        lost: Floats,
        total: Floats,
    ) -> Point:
        return Point(
            {name: float(column[i]) for name, column in inputs.items()},
            {name: float(column[i]) for name, column in outputs.items()},
            float(y[i]),
            float(lost[i]),
            float(total[i]),
        )

    def prefer(self, u: Floats) -> None:
        """Take the point `u`, shape (dims,), for the best if none known is better."""
        before = self.best
        self.best = None
        try:
            self._seen = {}
            self.points(u[:, None])
        finally:
            if self.best is None or (before is not None and before.before(self.best)):
                self.best = before

    def step(self) -> None:
        """Add a row to the trace: a generation, a step, a block is done."""
        if self._rows % self._every == 0:
            self.trace.append(self.row())
            if len(self.trace) > TRACE:
                self.trace = self.trace[::2]
                self._every *= 2
        self._rows += 1
        self._watch(self)

    def row(self) -> dict[str, Any]:
        """Where the search stands, as a row of the trace."""
        known = self.best is not None and self.best.violation == 0
        return {
            "evaluations": self.evaluations,
            "phase": self.phase,
            "value": self.best.value if known and self.best else None,
            "violation": None if self.best is None else self.best.violation,
        }
