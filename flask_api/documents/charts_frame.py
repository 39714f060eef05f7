"""What all pictures share: scales with round numbers, grids, keys, the outer SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from flask_api.documents.numbers import short

#: Width of a picture in its own units; the page scales it.
WIDTH = 760.0
LONGEST = 41  # characters of a label that fit beside bars
_KEY = 26  # characters of a name that fit in a key
_LETTER = 7.0  # width of a letter of a key


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from at most `low` to at least `high`, about so many."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / wanted
    if not (math.isfinite(raw) and raw >= 1e-300):  # both ends of what floats can be
        return [low, high]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if last - first > 4 * wanted or last == first:  # digits end before the step does
        return [low, high]
    return [step * number for number in range(first, last + 1)]


class Scale:
    """From values to places, with round numbers at both ends."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        self.ticks = ticks(low, high)
        self.low, self.high = self.ticks[0], self.ticks[-1]
        self.left, self.right = left, right

    def at(self, value: float) -> float:
        # halves, for the distance of two floats may be more than a float can hold
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        # a total's bar begins at 0, which a cut axis does not show
        return self.left + max(0.0, share) * (self.right - self.left)


class LogScale(Scale):
    """The same for positive values over orders of magnitude."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        first = math.floor(math.log10(low) + 1e-9)
        last = max(first + 1, math.ceil(math.log10(high) - 1e-9))
        every = math.ceil((last - first) / 8)
        self.ticks = [10.0**n for n in range(first, last + 1, every)]
        self.low, self.high = 10.0**first, 10.0**last
        self.left, self.right = left, right

    def at(self, value: float) -> float:
        whole = math.log10(self.high) - math.log10(self.low)
        share = (math.log10(max(value, self.low)) - math.log10(self.low)) / whole
        return self.left + share * (self.right - self.left)


def vertical_grid(scale: Scale, bottom: float, note: str, top: float = 2) -> list[str]:
    """Lines for values that run from left to right, with their numbers below."""
    parts = []
    for tick in scale.ticks:
        x = scale.at(tick)
        kind = "zero" if tick == 0 else "grid"
        parts += [
            f'<line class="{kind}" x1="{x:.2f}" x2="{x:.2f}" y1="{top:g}" '
            f'y2="{bottom:.1f}"/>',
            f'<text class="tick" x="{x:.2f}" y="{bottom + 15:.1f}" '
            f'text-anchor="middle">{short(tick)}</text>',
        ]
    middle = (scale.left + scale.right) / 2
    parts.append(
        f'<text class="axis-title" x="{middle:.1f}" y="{bottom + 33:.1f}" '
        f'text-anchor="middle">{escape(note)}</text>'
    )
    return parts


def horizontal_grid(
    scale: Scale, left: float, note: str, middle: float, right: float = WIDTH
) -> Iterator[str]:
    """Lines for values that run from bottom to top, with their numbers at the left."""
    for tick in scale.ticks:
        y = scale.at(tick)
        kind = "zero" if tick == 0 else "grid"
        yield (
            f'<line class="{kind}" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.2f}" '
            f'y2="{y:.2f}"/>'
        )
        yield (
            f'<text class="tick" x="{left - 8:.1f}" y="{y + 4:.2f}" '
            f'text-anchor="end">{short(tick)}</text>'
        )
    yield (
        f'<text class="axis-title" transform="translate(13 {middle:.1f}) rotate(-90)" '
        f'text-anchor="middle">{escape(note)}</text>'
    )


def key(
    entries: Sequence[tuple[str, str]], left: float, top: float = 6
) -> tuple[list[str], float]:
    """Names beside what stands for them, in as many lines as they need.

    entries   (name, class of the sign); a class that has `line` or `mark` in it is
              drawn as a line, others as a square

    Returns the parts, and the y below them.
    """
    parts: list[str] = []
    x, y = left, top
    for name, kind in entries:
        width = 34 + _LETTER * min(len(name), _KEY)
        if x > left and x + width > WIDTH:
            x, y = left, y + 19
        if {"line", "mark", "guide"} & set(kind.split()):
            sign = (
                f'<line class="{kind}" x1="{x:.1f}" x2="{x + 18:.1f}" '
                f'y1="{y + 6:.1f}" y2="{y + 6:.1f}"/>'
            )
        else:
            sign = (
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="12" height="12"/>'
            )
        parts += [
            sign,
            f'<text class="label" x="{x + 23:.1f}" y="{y + 10.5:.1f}">'
            f"{shortened(name, _KEY)}</text>",
        ]
        x += width + 10
    return parts, y + 24 if entries else top


def shortened(label: str, most: int = LONGEST) -> Markup:
    """A label as it fits, escaped."""
    short_label = label if len(label) <= most else f"{label[: most - 1]}\u2026"
    return escape(short_label)


def svg(parts: Sequence[str], height: float, title: str) -> Markup:
    """The picture around its parts."""
    inside = "".join(parts)
    return Markup(
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'aria-label="{escape(title)}">{inside}</svg>'
    )
