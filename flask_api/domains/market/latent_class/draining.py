"""Work that is done in steps, done at once."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def drained(work: Generator[float, None, T]) -> T:
    """What work returns once it is done, all at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: T = end.value
            return found
