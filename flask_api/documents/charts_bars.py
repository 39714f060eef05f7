"""Bars with whiskers, and tornados, as inline SVG."""

from __future__ import annotations

from itertools import chain

from markupsafe import Markup, escape

from flask_api.documents.charts_frame import (
    WIDTH,
    Scale,
    key,
    shortened,
    svg,
    vertical_grid,
)
from flask_api.documents.numbers import figures
from flask_api.documents.pictures import Bars, Series, Swings

_LABELS, _VALUES = 250.0, 86.0
_BAR, _GAP = 15.0, 11.0
#: Digits of the numbers beside bars.
_DIGITS = 5


def bars(picture: Bars) -> Markup:
    """A group of bars for each label, below each other, from 0."""
    many = len(picture.series) > 1
    parts, top = _key(picture)
    row = _BAR * len(picture.series) + _GAP
    bottom = top + row * len(picture.labels)
    scale = Scale(*_extent(picture), _LABELS, WIDTH - _VALUES)
    parts += vertical_grid(scale, bottom, picture.unit, top)
    for index, label in enumerate(picture.labels):
        y = top + row * index + _GAP / 2
        middle = y + _BAR * len(picture.series) / 2 + 4.5
        parts.append(
            f'<text class="label" x="{_LABELS - 10:.1f}" y="{middle:.1f}" '
            f'text-anchor="end">{shortened(label, 34)}</text>'
        )
        for number, series in enumerate(picture.series):
            name = f"{label}, {series.name}" if many else label
            at = y + _BAR * number
            parts += _bar(scale, series, index, number, at, name)
    for number, (_, value) in enumerate(picture.marks):
        x = scale.at(value)
        parts.append(
            f'<line class="mark m{number % 2}" x1="{x:.2f}" x2="{x:.2f}" '
            f'y1="{top:.1f}" y2="{bottom:.1f}"/>'
        )
    return svg(parts, bottom + 40, picture.title)


def _key(picture: Bars) -> tuple[list[str], float]:
    named = picture.series if len(picture.series) > 1 else ()
    entries = [(series.name, f"s{n}") for n, series in enumerate(named)]
    entries += [(name, f"mark m{n % 2}") for n, (name, _) in enumerate(picture.marks)]
    return key(entries, _LABELS)


def _extent(picture: Bars) -> tuple[float, float]:
    found = [0.0, *(value for _, value in picture.marks)]
    for series in picture.series:
        ends = chain(series.values, series.lower, series.upper)
        found += [value for value in ends if value is not None]
    return min(found), max(found)


def _bar(
    scale: Scale, series: Series, index: int, number: int, y: float, name: str
) -> list[str]:
    """One bar, its whisker, and its number at the right."""
    value = series.values[index]
    text = "\N{EM DASH}" if value is None else figures(value, _DIGITS)
    shown = f'<text class="value" x="{WIDTH:.1f}" y="{y + 11:.1f}" text-anchor="end">'
    parts = [f"{shown}{text}</text>"]
    if value is None:
        return parts
    left, right = sorted((scale.at(0.0), scale.at(value)))
    told = f"{name}: {figures(value, 6)}"
    ends = series.interval(index)
    if ends is not None:
        told += f" ({figures(ends[0], 6)} to {figures(ends[1], 6)})"
    parts.append(
        f'<rect class="bar s{number}" x="{left:.2f}" y="{y:.1f}" '
        f'width="{max(right - left, 0.75):.2f}" height="{_BAR - 2:g}">'
        f"<title>{escape(told)}</title></rect>"
    )
    if ends is not None and ends[1] > ends[0]:
        parts.append(whisker(scale.at(ends[0]), scale.at(ends[1]), y + _BAR / 2 - 1))
    return parts


def whisker(low: float, high: float, y: float) -> str:
    """A line from end to end of an interval, with caps."""
    return (
        f'<path class="whisker" d="M{low:.2f} {y:.1f}H{high:.2f}'
        f'M{low:.2f} {y - 4:.1f}v8M{high:.2f} {y - 4:.1f}v8"/>'
    )


def swings(picture: Swings) -> Markup:
    """A tornado: each input's low end in blue, its high end in orange."""
    entries = [("at its lowest", "down"), ("at its highest", "up")]
    entries.append((f"today: {figures(picture.base, _DIGITS)}", "mark m0"))
    parts, top = key(entries, _LABELS)
    row = 27.0
    bottom = top + row * len(picture.labels)
    known = [v for v in (*picture.low, *picture.high) if v is not None]
    scale = Scale(
        min([*known, picture.base]), max([*known, picture.base]),
        _LABELS, WIDTH - _VALUES,
    )  # fmt: skip
    parts += vertical_grid(scale, bottom, picture.unit, top)
    base = scale.at(picture.base)
    for index, label in enumerate(picture.labels):
        y = top + row * index + 5
        parts.append(
            f'<text class="label" x="{_LABELS - 10:.1f}" y="{y + 13:.1f}" '
            f'text-anchor="end">{shortened(label, 34)}</text>'
        )
        ends = (picture.low[index], picture.high[index])
        for end, kind in zip(ends, ("down", "up"), strict=True):
            if end is None:
                continue
            left, right = sorted((base, scale.at(end)))
            word = "lowest" if kind == "down" else "highest"
            told = f"{label} at its {word}: {figures(end, 6)} {picture.unit}"
            parts.append(
                f'<rect class="{kind}" x="{left:.2f}" y="{y:.1f}" '
                f'width="{right - left:.2f}" height="17">'
                f"<title>{escape(told)}</title></rect>"
            )
        swing = picture.swing[index]
        text = "\N{EM DASH}" if swing is None else figures(swing, _DIGITS)
        parts.append(
            f'<text class="value" x="{WIDTH:.1f}" y="{y + 13:.1f}" '
            f'text-anchor="end">{text}</text>'
        )
    parts.append(
        f'<line class="mark m0" x1="{base:.2f}" x2="{base:.2f}" y1="{top:.1f}" '
        f'y2="{bottom:.1f}"/>'
    )
    return svg(parts, bottom + 40, picture.title)
