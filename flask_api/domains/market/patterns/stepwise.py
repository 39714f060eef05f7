"""Work that is done in steps: its shares one by one, then what it found; or at once."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Stepwise(Generic[T]):
    """Go through it for the shares of the work done; `found` is there afterwards."""

    found: T

    def __init__(self, work: Generator[float, None, T]) -> None:
        self._work = work

    def __iter__(self) -> Iterator[float]:
        self.found = yield from self._work


def drained(work: Generator[float, None, T]) -> T:
    """What work finds once it is done, all at once."""
    steps = Stepwise(work)
    for _ in steps:
        pass
    return steps.found
