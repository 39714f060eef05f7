"""A curve of any length in a bounded number of points, for live pictures."""

from __future__ import annotations

#: Twice as many points are thinned to this many: below 6 kB as JSON.
KEPT = 128


class Trace:
    """Values as they come, and which number each one had, or which place.

    kept   points that are left when twice as many are thinned
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._points: list[tuple[float, float]] = []
        self._seen = 0
        self._every = 1

    def add(self, value: float, at: float | None = None) -> None:
        """Note the next value. The first is kept for ever, others evenly thinned.

        at   where it stands; None: its number, from 0
        """
        point = (self._seen if at is None else at, value)
        if self._seen % self._every == 0:
            self._points.append(point)
            if len(self._points) >= 2 * self._kept:
                self._points = self._points[::2]
                self._every *= 2
        self._last = point
        self._seen += 1

    def points(self) -> list[list[float]]:
        """[number, value] of the values kept, and of the last one."""
        if not self._points:
            return []
        last = [] if self._points[-1] == self._last else [self._last]
        return [
            [number, float(f"{value:.10g}")] for number, value in self._points + last
        ]
