"""A total that grows and shrinks step by step: the data of a waterfall picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Where the parts span less than this share of the totals, the axis begins later:
#: else the parts could not be seen.
_FLAT = 0.25


@dataclass(frozen=True)
class Step:
    """One bar: a part that adds to what came before, or a total from 0."""

    label: str
    value: float
    total: bool = False


@dataclass(frozen=True)
class Bar:
    """A step with the two heights between which it is drawn."""

    step: Step
    start: float
    end: float


def bars(steps: Sequence[Step]) -> Iterator[Bar]:
    """Where each step begins and ends; a total sets the level anew."""
    level = 0.0
    for step in steps:
        start = 0.0 if step.total else level
        level = step.value if step.total else level + step.value
        yield Bar(step, start, level)


def axis_start(steps: Sequence[Step]) -> float:
    """0, or where the axis may begin so that small parts of large totals are seen."""
    drawn = list(bars(steps))
    edges = [
        edge for bar in drawn if not bar.step.total for edge in (bar.start, bar.end)
    ]
    edges += [bar.end for bar in drawn if bar.step.total]
    low, high = min(edges, default=0.0), max(edges, default=0.0)
    if low <= 0 or high - low >= _FLAT * high or high == low:
        return 0.0
    return low - 0.3 * (high - low)
