"""What a chosen point has to keep to: limits of outputs and of sums of inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from flask_api.domains.sensitivity.optimization.decisions import Space

Floats = npt.NDArray[np.float64]

#: A constraint is kept where it is missed by no more than this part of its scale:
#: sums of inputs to rounding, outputs as far as a search by values can tell.
SUM_KEPT, LIMIT_KEPT, EQUALITY_KEPT = 1e-12, 1e-9, 1e-8
#: It is active where its two sides differ by no more than this part of its scale.
ACTIVE = 1e-6


@dataclass(frozen=True)
class Constraint:
    """`left op value`, where left is an output or a sum of decisions.

    label          as the user wrote its left side
    op             `<=`, `>=` or `==` (`<` and `>` are read as `<=` and `>=`)
    output         name of the output, or None
    coefficients   by name of the decision, where it is a sum
    constant       added to that sum: what inputs that are not chosen contribute
    scale          a size in which violations are measured, > 0
    """

    label: str
    op: str
    value: float
    output: str | None = None
    coefficients: Mapping[str, float] | None = None
    constant: float = 0.0
    scale: float = 1.0

    def left(
        self, inputs: Mapping[str, Floats], outputs: Mapping[str, Floats]
    ) -> Floats:
        """The left side at n points; NaN where the output has none."""
        if self.output is not None:
            return outputs[self.output]
        n = len(next(iter(inputs.values())))
        total = np.full(n, self.constant)
        for name, factor in (self.coefficients or {}).items():
            total += factor * inputs[name]
        return total

    def margin(self, left: Floats) -> Floats:
        """By how much it is missed, in scales: negative with room to spare."""
        missed = (left - self.value) / self.scale
        return -missed if self.op in (">=", ">") else missed

    @property
    def kept(self) -> float:
        """By how many scales it may be missed and still count as kept."""
        if self.output is None:
            return SUM_KEPT
        return EQUALITY_KEPT if self.op == "==" else LIMIT_KEPT

    def violation(self, left: Floats) -> Floats:
        """By how much it is missed, in scales, >= 0; infinite where left is NaN."""
        margin = self.margin(left)
        missed = np.abs(margin) if self.op == "==" else np.maximum(margin, 0.0)
        missed = np.where(missed <= self.kept, 0.0, missed)
        return np.where(np.isnan(margin), np.inf, missed)

    def active(self, left: float) -> bool:
        """Whether it is at its limit."""
        return abs(left - self.value) <= ACTIVE * self.scale

    def __str__(self) -> str:
        return f"{self.label} {self.op} {self.value:g}"


def scale_of(
    value: float,
    space: Space,
    coefficients: Mapping[str, float] | None,
    left_at_start: float | None,
) -> float:
    """The size that a constraint's violations are measured in.

    Of a sum: what the ranges of its inputs can move it by. Of an output: the limit
    itself, or its distance from today's value where that is larger.
    """
    if coefficients is not None:
        widths = dict(zip(space.names, space.high - space.low, strict=True))
        moved = sum(abs(f) * float(widths[n]) for n, f in coefficients.items())
        return max(moved, 1e-9 * abs(value)) or 1.0
    sizes = [abs(value)]
    if left_at_start is not None and np.isfinite(left_at_start):
        sizes.append(abs(left_at_start - value))
    return max(sizes) or 1.0


def rows_of(space: Space, constraints: Sequence[Constraint]) -> tuple[Floats, Floats]:
    """Margins of sums of inputs as A u + b, shapes (m, dims) and (m,)."""
    first = space.values(np.zeros((space.dims, 1)))[:, 0]
    a, b = [], []
    for item in constraints:
        sign = -1.0 if item.op in (">=", ">") else 1.0
        factors = np.array([(item.coefficients or {}).get(n, 0.0) for n in space.names])
        a.append(sign * factors * (space.high - space.low) / item.scale)
        at_first = item.constant + float(factors @ first)
        b.append(sign * (at_first - item.value) / item.scale)
    return np.array(a).reshape(len(a), space.dims), np.array(b)


def roomiest(space: Space, constraints: Sequence[Constraint]) -> tuple[Floats, float]:
    """The point that keeps sums of inputs with most room, and its largest margin.

    A margin above 0 means that no point keeps them all: then it is the point that
    misses them least. Whole numbers are treated as real ones. Found as a linear
    program, maximise the smallest room.
    """
    a, b = rows_of(space, constraints)
    equal = np.array([item.op == "==" for item in constraints])
    # variables: u in the unit cube, and t = the largest margin, at least -1
    both = np.vstack([a, -a[equal]])
    limit = np.concatenate([-b, b[equal]])
    cost = np.append(np.zeros(space.dims), 1.0)
    found = linprog(
        cost,
        A_ub=np.hstack([both, -np.ones((len(both), 1))]),
        b_ub=limit,
        bounds=[(0.0, 1.0)] * space.dims + [(-1.0, None)],
        method="highs",
    )
    u = np.clip(found.x[:-1], 0.0, 1.0)
    # of whole numbers the cube's cells are wider than the values' range
    values = space.values(np.zeros((space.dims, 1)))[:, 0]
    values = values + u * (space.high - space.low)
    return space.unit(values), float(found.x[-1])
