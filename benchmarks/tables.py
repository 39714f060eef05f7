"""How the benchmarks print: tables, quantiles, and how busy the machine was."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterable, Sequence


def on_one_thread() -> None:
    """Start this program anew with one thread for numpy's libraries, if it has more.

    They read these variables once, when they are imported.
    """
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    if any(os.environ.get(name) != value for name, value in one.items()):
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **one})


def quantile(values: Iterable[float], q: float) -> float:
    """The smallest value that a share q of `values` does not exceed, 0 < q <= 1."""
    ordered = sorted(values)
    return ordered[max(0, -int(-q * len(ordered) // 1) - 1)]


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """`median (min .. max)`."""
    low, high = form.format(min(values)), form.format(max(values))
    return f"{form.format(statistics.median(values))} ({low} .. {high})"


def load() -> str:
    """The load average of the last minute: the other work that a figure suffered."""
    return f"{os.getloadavg()[0]:.1f}"


def verdict(value: float, aim: float, form: str) -> str:
    """`<= aim: met` or `missed`."""
    return f"<= {form.format(aim)}: {'met' if value <= aim else 'MISSED'}"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a title, the first column left-aligned, the others right."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        first, *rest = (
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print(flush=True)
