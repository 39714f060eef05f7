"""Promises in seconds, judged on a machine that may be busy with something else."""

from __future__ import annotations

import time
from collections.abc import Callable


def in_time(go: Callable[[], float], seconds: float) -> None:
    """Go once, and again where that took too long: three times at most.

    go        does what was promised, judges it, and returns the seconds that it took
    seconds   what it may take on a machine that has time; longer by as much as others
              want the processors, which is nothing on an idle machine
    """
    took: list[tuple[float, float]] = []
    while len(took) < 3:
        took.append((go(), seconds * crowding()))
        if took[-1][0] <= took[-1][1]:
            return
    raise AssertionError(f"(seconds taken, seconds allowed): {took}")


def crowding() -> float:
    """How long work takes here now, as a multiple of the processor's time for it."""
    began, worked = time.monotonic(), time.thread_time()
    while (spent := time.thread_time() - worked) < 0.1:
        pass
    return max(1.0, (time.monotonic() - began) / spent)
