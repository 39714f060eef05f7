"""How the price of a version went from revision to revision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

#: Movements of less than this share of the price are roundings of the solver.
_FLAT = 1e-9


def price_metrics(prices: Sequence[float]) -> tuple[dict[str, Any], list[str]]:
    """Average, volatility and trend of prices, and why one of them is null.

    prices   one for each revision, the first one first, $/unit; at least one

    `price_volatility` is the standard deviation of ln(price / the one before), over all
    of them, dimensionless; null under two prices, or where one is not positive.
    `price_trend` is the sign of the straight line of least squares through the prices,
    one revision apart: increasing, decreasing or flat; null under two prices.
    """
    found: dict[str, Any] = {
        "average_price": math.fsum(prices) / len(prices),
        "price_volatility": None,
        "price_trend": None,
    }
    if len(prices) < 2:
        return found, [
            "price_volatility and price_trend are null: they need two stored "
            "revisions, there is one"
        ]
    found["price_trend"] = _trend(prices)
    if min(prices) <= 0:
        return found, [
            "price_volatility is null: it is made of logarithms, and the lowest price "
            f"of the history is {min(prices):g}"
        ]
    steps = [
        math.log(after / before)
        for before, after in zip(prices, prices[1:], strict=False)
    ]
    mean = math.fsum(steps) / len(steps)
    variance = math.fsum((step - mean) ** 2 for step in steps) / len(steps)
    found["price_volatility"] = math.sqrt(variance)
    return found, []


def _trend(prices: Sequence[float]) -> str:
    middle = (len(prices) - 1) / 2
    turn = math.fsum((i - middle) * price for i, price in enumerate(prices))
    spread = math.fsum((i - middle) ** 2 for i in range(len(prices)))
    rise = turn / spread * (len(prices) - 1)
    if abs(rise) <= _FLAT * max(abs(price) for price in prices):
        return "flat"
    return "increasing" if rise > 0 else "decreasing"
