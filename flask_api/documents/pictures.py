"""Pictures as plain data: what is drawn, for pages and for workbooks alike.

Every picture is bounded: whoever makes one shows the `MOST_BARS` that matter, and says
by `left_out` how many more are in the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flask_api.documents.steps import Step

Number = float | None

#: Bars of a picture, rows and columns of a heat map, lines and points of a line.
MOST_BARS, MOST_CELLS, MOST_LINES, MOST_POINTS = 25, 40, 8, 400


@dataclass(frozen=True)
class Series:
    """A value for each label, with the ends of its interval where it has one."""

    name: str
    values: Sequence[Number]
    lower: Sequence[Number] = ()
    upper: Sequence[Number] = ()

    def interval(self, index: int) -> tuple[float, float] | None:
        """The ends at `index`; None where either is unknown."""
        if not (len(self.lower) > index and len(self.upper) > index):
            return None
        low, high = self.lower[index], self.upper[index]
        return None if low is None or high is None else (low, high)


@dataclass(frozen=True)
class Bars:
    """Values side by side, with whiskers; several series share the labels.

    marks   values that a line stands at, by name
    """

    title: str
    unit: str
    labels: Sequence[str]
    series: Sequence[Series]
    marks: Sequence[tuple[str, float]] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Swings:
    """A tornado: the output at both ends of each input, from the output of today.

    swing   the largest less the smallest output: wider than the ends where the output
            turns within the range
    """

    title: str
    unit: str
    base: float
    labels: Sequence[str]
    low: Sequence[Number]
    high: Sequence[Number]
    swing: Sequence[Number]
    left_out: int = 0


@dataclass(frozen=True)
class Cascade:
    """A total that grows and shrinks step by step."""

    title: str
    unit: str
    steps: Sequence[Step]
    left_out: int = 0


@dataclass(frozen=True)
class Spot:
    """A named point of a plane."""

    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Plane:
    """Named points by two numbers each.

    guides   lines through (0, 0) by name and slope
    """

    title: str
    across: str
    up: str
    spots: Sequence[Spot]
    guides: Sequence[tuple[str, float]] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Curve:
    """Points of a line in rising order of x; a y of None breaks the line.

    lower, upper   a band around it
    """

    name: str
    x: Sequence[float]
    y: Sequence[Number]
    lower: Sequence[Number] = ()
    upper: Sequence[Number] = ()
    kind: Literal["line", "step", "dots", "columns"] = "line"


@dataclass(frozen=True)
class Curves:
    """Lines, steps, dots or columns over one axis.

    across, up    names of the axes, with units
    at_x, at_y    values at which a line stands, by name
    log           the axis across is logarithmic (all x > 0)
    """

    title: str
    across: str
    up: str
    curves: Sequence[Curve]
    at_x: Sequence[tuple[str, float]] = ()
    at_y: Sequence[tuple[str, float]] = ()
    log: bool = False
    left_out: int = 0


@dataclass(frozen=True)
class Heat:
    """Values by row and column, as colours and numbers.

    values   a row for each of `rows`; None = nothing to tell
    """

    title: str
    unit: str
    down: str
    across: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[Number]]
    left_out: int = 0


Picture = Bars | Swings | Cascade | Plane | Curves | Heat


def thinned(length: int, most: int = MOST_POINTS) -> list[int]:
    """At most about `most` even places of so many, the first and last among them."""
    if length <= most:
        return list(range(length))
    every = -(-(length - 1) // (most - 1))
    return [*range(0, length - 1, every), length - 1]


def has_numbers(picture: Picture) -> bool:
    """Whether there is anything to draw."""
    if isinstance(picture, Bars):
        return any(v is not None for series in picture.series for v in series.values)
    if isinstance(picture, Swings):
        return any(v is not None for v in (*picture.low, *picture.high))
    if isinstance(picture, Curves):
        return any(y is not None for curve in picture.curves for y in curve.y)
    if isinstance(picture, Heat):
        return any(v is not None for row in picture.values for v in row)
    if isinstance(picture, Cascade):
        return bool(picture.steps)
    return bool(picture.spots)
