"""Pictures as inline SVG: waterfalls, and years with columns and a line.

Colours come from the page's style sheet, so a picture follows light, dark and print.
Every picture has a title for readers who cannot see it, every bar its number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from flask_api.documents.charts_frame import (
    WIDTH,
    Scale,
    horizontal_grid,
    shortened,
    svg,
    ticks,
    vertical_grid,
)
from flask_api.documents.numbers import figures, money
from flask_api.documents.steps import Step, axis_start, bars

__all__ = ["ticks", "waterfall", "yearly"]

_LABELS, _VALUES = 302.0, 92.0
_ROW, _BAR = 27.0, 17.0


def waterfall(
    steps: Sequence[Step],
    unit: str,
    title: str,
    *,
    amounts: bool = False,
    cut: bool = False,
) -> Markup:
    """Steps as bars below each other, each beginning where the last one ended.

    unit     of the values, such as `$/kg`: stands at the axis
    amounts  values are whole amounts of money, else prices
    cut      the axis may begin beyond 0, where small parts could not be seen else
    """
    drawn = list(bars(steps))
    if not drawn:
        return Markup("")
    begin = axis_start(steps) if cut else 0.0
    edges = [edge for bar in drawn for edge in (bar.start, bar.end)]
    low = min(edges) if begin == 0 else begin
    scale = Scale(min(low, begin), max(edges), _LABELS, WIDTH - _VALUES)
    bottom = _ROW * len(drawn) + 8
    note = f"{unit}, axis not from 0" if begin else unit
    parts = vertical_grid(scale, bottom, note)
    for number, bar in enumerate(drawn):
        top = 8 + _ROW * number
        middle = top + _BAR / 2 + 4.5
        step = bar.step
        kind = "total" if step.total else "up" if step.value >= 0 else "down"
        left, right = sorted((scale.at(bar.start), scale.at(bar.end)))
        number_text = (money if amounts else figures)(step.value)
        if not step.total and step.value > 0:
            number_text = f"+{number_text}"
        parts += [
            f'<text class="label" x="{_LABELS - 10:.1f}" y="{middle:.1f}" '
            f'text-anchor="end">{shortened(step.label)}</text>',
            f'<rect class="{kind}" x="{left:.2f}" y="{top:.1f}" '
            f'width="{max(right - left, 0.75 * bool(step.value)):.2f}" '
            f'height="{_BAR}">'
            f"<title>{escape(step.label)}: {number_text} {escape(unit)}</title></rect>",
            f'<text class="value" x="{WIDTH:.1f}" y="{middle:.1f}" '
            f'text-anchor="end">{number_text}</text>',
        ]
        if number + 1 < len(drawn):
            x = scale.at(bar.end)
            parts.append(
                f'<line class="link" x1="{x:.2f}" x2="{x:.2f}" '
                f'y1="{top + _BAR:.1f}" y2="{top + _ROW:.1f}"/>'
            )
    return svg(parts, bottom + 40, title)


def yearly(
    years: Sequence[float],
    columns: Sequence[float],
    line: Sequence[float],
    names: tuple[str, str],
    unit: str,
    title: str,
) -> Markup:
    """Columns by year, and a line over them, on one axis.

    names  of the columns and of the line, for the key
    """
    if not years:
        return Markup("")
    left, top, height = 78.0, 34.0, 260.0
    bottom = top + height
    values = [*columns, *line, 0.0]
    scale = Scale(min(values), max(values), bottom, top)
    slot = (WIDTH - left) / len(years)
    centres = [left + slot * (number + 0.5) for number in range(len(years))]
    parts = list(horizontal_grid(scale, left, unit, (top + bottom) / 2))
    for year, value, x in zip(years, columns, centres, strict=True):
        high, low = sorted((scale.at(value), scale.at(0.0)))
        parts.append(
            f'<rect class="{"column" if value >= 0 else "column loss"}" '
            f'x="{x - slot * 0.34:.2f}" y="{high:.2f}" width="{slot * 0.68:.2f}" '
            f'height="{max(low - high, 0.75):.2f}"><title>Year {year:g}: '
            f"{money(value)} {escape(unit)}</title></rect>"
        )
    path = " ".join(
        f"{x:.2f},{scale.at(v):.2f}" for x, v in zip(centres, line, strict=True)
    )
    parts.append(f'<polyline class="line" points="{path}"/>')
    every = max(1, math.ceil(len(years) / 16))
    for year, x in zip(years, centres, strict=True):
        if year % every == 0:
            parts.append(
                f'<text class="tick" x="{x:.2f}" y="{bottom + 16:.1f}" '
                f'text-anchor="middle">{figures(year)}</text>'
            )
    parts.append(
        f'<text class="axis-title" x="{(left + WIDTH) / 2:.1f}" y="{bottom + 34:.1f}" '
        'text-anchor="middle">Year of operation (0 and before: construction)</text>'
    )
    parts += _key(names, left)
    return svg(parts, bottom + 42, title)


def _key(names: tuple[str, str], left: float) -> list[str]:
    second = left + 34 + 7.2 * len(names[0])
    return [
        f'<rect class="column" x="{left:.1f}" y="6" width="12" height="12"/>',
        f'<text class="label" x="{left + 18:.1f}" y="16.5">{escape(names[0])}</text>',
        f'<line class="line" x1="{second:.1f}" x2="{second + 22:.1f}" '
        'y1="12" y2="12"/>',
        f'<text class="label" x="{second + 28:.1f}" y="16.5">{escape(names[1])}</text>',
    ]
