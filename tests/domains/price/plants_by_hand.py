"""What the shipped plants written down by hand share, and what docs/models.md says."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.doc_pages import text_of

# IRS Publication 946, table A-1, percent
MACRS_5 = [20, 32, 19.2, 11.52, 11.52, 5.76]
MACRS_7 = [14.29, 24.49, 17.49, 12.49, 8.93, 8.92, 8.93, 4.46]
MACRS_20 = (
    [3.75, 7.219, 6.677, 6.177, 5.713, 5.285, 4.888, 4.522]
    + [4.462, 4.461] * 6
    + [2.231]
)  # fmt: skip


def bisected(worth: Callable[[float], float], high: float) -> float:
    """The price of 0..high at which a plant's worth, which rises with it, is 0."""
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if worth(middle) > 0 else (middle, high)
    return low


def tax_after_losses(incomes: list[float], rate: float) -> list[float]:
    """Tax of each year, losses carried forward without limit."""
    waiting, taxes = 0.0, []
    for income in incomes:
        used = min(max(income, 0.0), waiting)
        waiting += max(-income, 0.0) - used
        taxes.append(rate * (max(income, 0.0) - used))
    return taxes


def told(head: str) -> list[float]:
    """The second column of the table of docs/models.md with this head."""
    table = text_of("models.md").split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    return [float(row) for row in re.findall(r"\| (\d+\.\d+) \|$", table, re.M)]
