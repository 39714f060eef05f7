"""Shapley effects: the variance of an output shared out among the inputs, fairly.

They are never negative, add up to the variance, and keep their meaning where inputs are
correlated (Owen 2014, doi:10.1137/130936233; Owen and Prieur 2017,
doi:10.1137/16M1097717): what two inputs do together is shared evenly between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.variance.budget import refuse_endless
from flask_api.domains.sensitivity.variance.columns import columns_of
from flask_api.domains.sensitivity.variance.pick_freeze import Flags, layout, usable
from flask_api.domains.sensitivity.variance.shapley_designs import (
    Permutations,
    ShapleyDesign,
    Subsets,
)
from flask_api.domains.sensitivity.variance.sobol import MOST_COLUMNS, power_of_two
from flask_api.numerics.designs import BLOCK, design
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.proportions import two_sided_z

Floats = npt.NDArray[np.float64]

#: Up to so many inputs or groups every subset is evaluated: 2**5 evaluations a row.
#: Above, as many evaluations tell more when spent on more rows and one order in each.
MOST_SUBSETS = 5
#: Inputs at most where they are correlated: each row factors a matrix of this size.
MOST_CORRELATED = 128


class EffectSums:
    """Adds up one output's effects, row by row."""

    def __init__(self, columns: int) -> None:
        self.rows, self.failed = 0, 0
        self._largest = 0.0
        self._mean = 0.0
        self._sums = np.zeros(columns)
        self._squares = np.zeros(columns)
        self._with_total = np.zeros(columns)
        self._total, self._total_square = 0.0, 0.0

    def add(self, effects: Floats, y: Floats, good: Flags) -> None:
        """Take rows: their effects, shape (columns, n), and outputs, shape (width, n).

        good   which rows count, shape (n,)
        """
        n = int(good.sum())
        self.failed += y.shape[1] - n
        if not n:
            return
        if n < len(good):
            effects, y = effects[:, good], y[:, good]
        self.rows += n
        self._largest = max(self._largest, float(np.abs(y).max()))
        self._mean += (float(y.mean()) - self._mean) * n / self.rows
        total = effects.sum(axis=0)
        self._sums += effects.sum(axis=1)
        self._squares += np.einsum("cn,cn->c", effects, effects)
        self._with_total += effects @ total
        self._total += float(total.sum())
        self._total_square += float(total @ total)

    @property
    def mean(self) -> float:
        return self._mean

    @property
    def variance(self) -> float:
        """Sum of all effects; 0 where only rounding is left of it."""
        variance = self._total / self.rows
        rounding = (8 * float(np.finfo(float).eps) * self._largest) ** 2
        return variance if variance > rounding else 0.0

    def shares(self) -> tuple[Floats, Floats]:
        """Each column's share of the variance, sum 1, and its standard error.

        The share is a ratio of means: its error is by the delta method.
        """
        n, variance = self.rows, self.variance
        if variance == 0:
            return np.zeros_like(self._sums), np.zeros_like(self._sums)
        share = self._sums / self._total
        # of effect - share * total, whose mean is 0
        squares = (
            self._squares - 2 * share * self._with_total + share**2 * self._total_square
        )
        if n < 2:
            return share, np.full_like(share, np.nan)
        return share, np.sqrt(np.maximum(squares, 0.0) / n / (n - 1)) / variance


@dataclass
class ShapleyState:
    """The state after a block: how far it is, and what is known so far.

    total, done   rows wanted and rows evaluated; a row is `width` evaluations
    asked         rows asked for, before they were rounded up to a power of two
    """

    total: int
    asked: int
    width: int
    names: list[str]
    confidence: float
    method: str
    correlated: bool
    sums: dict[str, EffectSums] = field(repr=False)
    done: int = 0

    @property
    def evaluations(self) -> int:
        """Evaluations of the model so far."""
        return self.done * self.width

    def report(self, output: str) -> dict[str, Any]:
        """Shapley effects of `output` so far, in plain data.

        effects   {input or group: {value, lower, upper, standard_error, variance}}:
                  value = share of the variance, all add up to 1; variance = the same
                  in the output's unit squared. None where nothing is known
        method    `subsets` (all of them) or `permutations` (drawn)

        Numbers are finite or None. A small effect may come out negative: that is noise.
        """
        sums = self.sums[output]
        known = sums.rows > 0
        effects: dict[str, Any] = dict.fromkeys(self.names)
        if known:
            z = two_sided_z(self.confidence)
            effects = {
                name: {
                    "value": _finite(share),
                    "lower": _finite(share - z * error),
                    "upper": _finite(share + z * error),
                    "standard_error": _finite(error),
                    "variance": _finite(share * sums.variance),
                }
                for name, share, error in zip(self.names, *sums.shares(), strict=True)
            }
        return {
            "effects": effects,
            "mean": _finite(sums.mean) if known else None,
            "variance": _finite(sums.variance) if known else None,
            "rows": sums.rows,
            "failed": sums.failed,
            "evaluations": self.evaluations,
            "method": self.method,
            "correlated": self.correlated,
            "confidence": self.confidence,
            "notes": self._notes(output),
        }

    def _notes(self, output: str) -> list[str]:
        notes = []
        if self.total != self.asked:
            notes.append(
                f"samples rounded up from {self.asked:,} to {self.total:,}: "
                "a Sobol sequence is even at powers of two"
            )
        sums = self.sums[output]
        if self.done and not sums.rows:
            notes.append(f"{output} has no value in any row")
        if sums.rows and sums.variance == 0:
            notes.append(f"{output} does not vary: all its effects are 0")
        return notes


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def shapley(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    correlation: npt.ArrayLike | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    confidence: float = 0.95,
    sampling: str = "sobol",
) -> Iterator[ShapleyState]:
    """The growing Shapley effects of several outputs, once after each block of rows.

    model         called with whole columns, at most `designs.BLOCK` rows at a time
    inputs        uncertain inputs by name, at least one
    outputs       names that `model` returns
    samples       rows, rounded up to a power of two; with D inputs or groups a row is
                  2**D evaluations up to D = 5, and D + 1 above
    correlation   of the standard normals beneath the inputs (Gaussian copula), shape
                  (inputs, inputs), in their order; None = independent
    groups        inputs that count as one, by the group's name; the others stand alone
    confidence    of the intervals, 0 < confidence < 1
    sampling      `sobol`, or `random`; intervals take the rows for independent, so
                  they are wider than the error of `sobol`

    The same object is yielded again and again; the last one is complete.
    Raises InputError for an empty or wrong grouping, more evaluations than there is
    time for, and a correlation matrix that is none, or in which some input follows from
    the others.
    """
    total = power_of_two(samples)
    columns = columns_of(inputs, groups)
    matrix = None if correlation is None else checked(correlation, len(inputs))
    count = len(columns.names)
    rows: ShapleyDesign
    if count <= MOST_SUBSETS:
        rows = Subsets(inputs, columns, matrix)
    else:
        rows = Permutations(inputs, columns, matrix, seed)
    if count > MOST_COLUMNS:
        raise InputError(
            f"got {count} inputs or groups; wanted at most {MOST_COLUMNS}: form "
            "groups, or screen with Morris first",
            field="config.groups",
        )
    refuse_endless(samples, total, rows.width)
    state = ShapleyState(
        total,
        samples,
        rows.width,
        columns.names,
        confidence,
        "subsets" if count <= MOST_SUBSETS else "permutations",
        matrix is not None,
        {name: EffectSums(count) for name in outputs},
    )
    points = design(sampling, 2 * len(inputs), seed)
    for start, n in layout(total, BLOCK // rows.width):
        y = model(rows.inputs(points.block(start, n), start))
        for name, sums in state.sums.items():
            values = y[name].reshape(rows.width, n)
            good = usable(values)
            sums.add(rows.effects(np.where(good, values, 0.0)), values, good)
        state.done = start + n
        yield state


def checked(correlation: npt.ArrayLike, inputs: int) -> Floats | None:
    """The correlation matrix, or None where it says that all are independent.

    Raises InputError if it is none, or in it some input follows from the others.
    """
    matrix = np.asarray(correlation, dtype=np.float64)
    where = "config.correlation"
    if matrix.shape != (inputs, inputs):
        raise InputError(
            f"got a correlation matrix of shape {matrix.shape}; wanted "
            f"({inputs}, {inputs}), a row and a column for each input",
            where,
        )
    near = np.allclose(matrix, matrix.T, rtol=0, atol=1e-12)
    if not near or not np.allclose(np.diag(matrix), 1.0, rtol=0, atol=1e-12):
        raise InputError(
            "got a matrix that is not symmetric with ones on its diagonal", where
        )
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest < 1e-10:
        raise InputError(
            f"got a correlation matrix whose smallest eigenvalue is {smallest:.2g}; "
            "wanted above 0: no input may follow from the others. Lower the "
            "correlations, or leave out one of the inputs that move together",
            where,
        )
    if np.array_equal(matrix, np.eye(inputs)):
        return None
    if inputs > MOST_CORRELATED:
        raise InputError(
            f"got {inputs} correlated inputs; wanted at most {MOST_CORRELATED}: "
            "screen them first",
            where,
        )
    return matrix
