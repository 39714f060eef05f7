"""Numbers as people read them: grouped, rounded to what matters, with a sign."""

from __future__ import annotations

import math
from typing import Any

#: Steps of large numbers on an axis.
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_MINUS = "\N{MINUS SIGN}"


def figures(value: float, digits: int = 6) -> str:
    """`value` to so many significant digits, whole numbers whole, thousands grouped."""
    if not math.isfinite(value):
        return "\N{EM DASH}"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -5 <= size < 15:
        return f"{value:.{digits - 1}e}".replace("-", _MINUS)
    places = max(0, digits - 1 - size)
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", _MINUS)


def money(value: float) -> str:
    """An amount of money: to the cent, whole above 1000."""
    if not math.isfinite(value):
        return figures(value)
    if abs(value) < 0.005:
        return "0"
    places = 0 if abs(value) >= 1000 or value == round(value) else 2
    return f"{value:,.{places}f}".replace("-", _MINUS)


def short(value: float) -> str:
    """`value` for an axis: 1.5 M, 200 k, 0.25."""
    for step, letter in _STEPS:
        if abs(value) >= step * 0.9995:
            return f"{figures(value / step, 4)}\N{NO-BREAK SPACE}{letter}"
    front, sign, power = figures(value, 4).partition("e")
    if sign:
        front = front.rstrip("0").rstrip(".")
    return f"{front}{sign}{power}"


def signed(value: float, digits: int = 6) -> str:
    """`value` with its sign, also where it is a gain."""
    return f"+{figures(value, digits)}" if value > 0 else figures(value, digits)


def quantity(value: Any, unit: str) -> str:
    """A value with its unit: money to the cent, rates in percent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{shown(value)} {unit}".strip()
    if unit == "1/year":
        return f"{figures(100 * value, 5)} %/year"
    return f"{money(value) if unit == '$' else shown(value)} {unit}".strip()


def shown(value: Any) -> str:
    """A value of a table as text."""
    if value is None:
        return "\N{EM DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", _MINUS) if abs(value) > 9999 else str(value)
    if isinstance(value, float):
        return figures(value)
    return str(value)
