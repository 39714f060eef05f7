"""A model's outputs at every combination of the values of one input, or of two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
#: Columns of one length by input -> columns by output, NaN where there is no answer.
Model = Callable[[Mapping[str, Floats]], Mapping[str, Floats]]

#: Points of a grid at most, all decisions together.
MOST_POINTS = 10_000
#: Points that are computed at once.
AT_ONCE = 1024


class Grid:
    """Every combination of the values of one decision or two.

    decisions   name -> its values, in the order in which tables show them
    points      every combination; the second decision changes first

    Raises InputError where there are no decisions or too many, for a decision without
    values or with one that is not finite, and for too many points.
    """

    def __init__(self, decisions: Mapping[str, Floats]) -> None:
        if not 1 <= len(decisions) <= 2:
            raise InputError(
                f"got {len(decisions)} decisions; wanted one or two", "decisions"
            )
        self.decisions = {
            name: np.asarray(values, dtype=np.float64)
            for name, values in decisions.items()
        }
        for name, values in self.decisions.items():
            if not len(values) or not np.isfinite(values).all():
                raise InputError(
                    "wanted at least one value, all finite", f"decisions.{name}"
                )
        points = int(np.prod([len(values) for values in self.decisions.values()]))
        if points > MOST_POINTS:
            raise InputError(
                f"got {points:,} points; at most {MOST_POINTS:,}: make the grid "
                "coarser",
                "decisions",
            )
        self.points = list(product(*(v.tolist() for v in self.decisions.values())))
        self._columns = np.array(self.points).T

    def __len__(self) -> int:
        return len(self.points)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.decisions.values())

    def rows(self, first: int, last: int, each: int = 1) -> dict[str, Floats]:
        """Points first..last as columns by decision, each point `each` times."""
        return {
            name: np.repeat(column[first:last], each)
            for name, column in zip(self.decisions, self._columns, strict=True)
        }

    def table(self, flat: Floats | Sequence[float]) -> list[Any]:
        """One number per point in the shape of the grid; None where it is not finite.

        Of two decisions a list for each value of the first; of one a plain list.
        """
        found = np.asarray(flat, dtype=np.float64)
        plain = [v if np.isfinite(v) else None for v in found.tolist()]
        if len(self.decisions) == 1:
            return plain
        width = self.shape[1]
        return [plain[i : i + width] for i in range(0, len(plain), width)]

    def ends(self, flat: Floats) -> dict[str, Any]:
        """{lowest, highest: {at: {decision: value}, value}}; None where all is None.

        Of equals the first of the grid.
        """
        good = np.flatnonzero(np.isfinite(flat))
        if not len(good):
            return {"lowest": None, "highest": None}
        low, high = good[flat[good].argmin()], good[flat[good].argmax()]
        return {
            name: {
                "at": dict(zip(self.decisions, self.points[int(i)], strict=True)),
                "value": float(flat[i]),
            }
            for name, i in (("lowest", low), ("highest", high))
        }


class Response:
    """The outputs at the points so far.

    done     points that are known
    values   by output, one number for each point, NaN where there is none (yet)
    """

    def __init__(self, grid: Grid, outputs: Sequence[str]) -> None:
        self.grid, self.done = grid, 0
        self.values = {name: np.full(len(grid), np.nan) for name in outputs}

    def report(self, output: str) -> dict[str, Any]:
        """{values, failed, best}: the table, points without answer, and its ends."""
        flat = self.values[output]
        return {
            "values": self.grid.table(flat),
            "failed": self.done - int(np.isfinite(flat).sum()),
            "best": self.grid.ends(flat),
        }


def response(model: Model, grid: Grid, outputs: Sequence[str]) -> Iterator[Response]:
    """The growing table of each output over the grid, once after each 1,024 points.

    The same object is yielded again and again; the last one is complete.
    """
    state = Response(grid, outputs)
    for first in range(0, len(grid), AT_ONCE):
        last = min(first + AT_ONCE, len(grid))
        found = model(grid.rows(first, last))
        for name, kept in state.values.items():
            kept[first:last] = found[name]
        state.done = last
        yield state
