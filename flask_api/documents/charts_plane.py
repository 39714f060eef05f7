"""Named points in a plane, and heat maps, as inline SVG."""

from __future__ import annotations

from itertools import chain

from markupsafe import Markup, escape

from flask_api.documents.charts_frame import (
    WIDTH,
    Scale,
    horizontal_grid,
    shortened,
    svg,
    vertical_grid,
)
from flask_api.documents.numbers import figures
from flask_api.documents.pictures import Heat, Plane

_LEFT, _HEIGHT = 84.0, 330.0
_LABELS = 190.0
#: Cells with more columns hold no number: it could not be read.
_NUMBERED = 10
_DEEPEST = 0.58  # of a cell's colour: text stays legible on it


def plane(picture: Plane) -> Markup:
    """Points with their names beside them, and guides from the origin."""
    top, bottom, right = 12.0, 12.0 + _HEIGHT, WIDTH - 150
    xs = [0.0, *(spot.x for spot in picture.spots)]
    ys = [0.0, *(spot.y for spot in picture.spots)]
    across = Scale(min(xs), max(xs), _LEFT, right)
    up = Scale(min(ys), max(ys), bottom, top)
    parts = list(
        horizontal_grid(up, _LEFT, picture.up, (top + bottom) / 2, right)
    ) + vertical_grid(across, bottom, picture.across, top)
    parts += _guides(picture, across, up)
    taken: list[tuple[float, float]] = []
    for spot in picture.spots:
        x, y = across.at(spot.x), up.at(spot.y)
        told = f"{spot.label}: {figures(spot.x)}, {figures(spot.y)}"
        parts.append(
            f'<circle class="dot s0" cx="{x:.2f}" cy="{y:.2f}" r="4.5">'
            f"<title>{escape(told)}</title></circle>"
        )
        if all(abs(x - a) > 110 or abs(y - b) > 12 for a, b in taken):
            taken.append((x, y))
            left = x > right - 110
            parts.append(
                f'<text class="label" x="{x - 8 if left else x + 8:.1f}" '
                f'y="{y - 5:.1f}" text-anchor="{"end" if left else "start"}">'
                f"{shortened(spot.label, 22)}</text>"
            )
    return svg(parts, bottom + 40, picture.title)


def _guides(picture: Plane, across: Scale, up: Scale) -> list[str]:
    """Lines from the origin to where they leave the picture, with their names."""
    parts = []
    last = (-1e9, 0.0)
    for name, slope in picture.guides:
        x = min(across.high, up.high / slope)
        end_x, end_y = across.at(x), up.at(slope * x)
        text_y = end_y + 12
        if abs(end_x - last[0]) < 110 and abs(text_y - last[1]) < 13:
            text_y = last[1] + 13
        last = (end_x, text_y)
        parts += [
            f'<line class="guide" x1="{across.at(0.0):.2f}" y1="{up.at(0.0):.2f}" '
            f'x2="{end_x:.2f}" y2="{end_y:.2f}"/>',
            f'<text class="tick" x="{end_x + 5:.1f}" y="{text_y:.1f}">'
            f"{escape(name)}</text>",
        ]
    return parts


def heat(picture: Heat) -> Markup:
    """Cells coloured by value: below 0 blue, above 0 orange, or one colour alone."""
    wide = (WIDTH - _LABELS) / max(1, len(picture.columns))
    high = max(17.0, min(30.0, 420 / max(1, len(picture.rows))))
    known = [v for v in chain.from_iterable(picture.values) if v is not None]
    low, most = min(known, default=0.0), max(known, default=0.0)
    top, numbered = 8.0, len(picture.columns) <= _NUMBERED
    parts = []
    for index, (name, row) in enumerate(zip(picture.rows, picture.values, strict=True)):
        y = top + high * index
        parts.append(
            f'<text class="label" x="{_LABELS - 8:.1f}" y="{y + high / 2 + 4:.1f}" '
            f'text-anchor="end">{shortened(name, 24)}</text>'
        )
        for place, value in enumerate(row):
            if value is None:
                continue
            x = _LABELS + wide * place
            told = f"{name}, {picture.columns[place]}: {figures(value)} {picture.unit}"
            kind, depth = _colour(value, low, most)
            parts.append(
                f'<rect class="cell {kind}" x="{x:.2f}" y="{y:.2f}" '
                f'width="{wide:.2f}" height="{high:.2f}" fill-opacity="{depth:.3f}">'
                f"<title>{escape(told)}</title></rect>"
            )
            if numbered:
                parts.append(
                    f'<text class="label" x="{x + wide / 2:.1f}" '
                    f'y="{y + high / 2 + 4:.1f}" text-anchor="middle">'
                    f"{figures(value, 3)}</text>"
                )
    bottom = top + high * len(picture.rows)
    # aslant, a letter takes 3.8 down
    longest = max((min(24, len(name)) for name in picture.columns), default=0)
    end = bottom + 33 + 3.8 * longest
    parts += _feet(picture, wide, bottom, end)
    return svg(parts, end + 12, picture.title)


def _colour(value: float, low: float, high: float) -> tuple[str, float]:
    """The class of a cell, and how deep its colour is."""
    if low < 0 < high:
        most = max(-low, high)
        return ("down" if value < 0 else "up"), _DEEPEST * abs(value) / most
    share = (value - low) / (high - low) if high > low else 0.5
    return "s0", 0.04 + (_DEEPEST - 0.04) * share


def _feet(picture: Heat, wide: float, bottom: float, end: float) -> list[str]:
    """Names below the columns, aslant, and what the axes are."""
    parts = []
    every = -(-14 // max(1, int(wide)))
    for place, name in enumerate(picture.columns):
        if place % every == 0:
            x, y = _LABELS + wide * (place + 0.5), bottom + 14
            parts.append(
                f'<text class="tick" transform="translate({x:.1f} {y:.1f}) '
                f'rotate(-32)" text-anchor="end">{shortened(name, 24)}</text>'
            )
    words = [word for word in (picture.down, picture.across) if word]
    axes = " by ".join(words) + (f", in {picture.unit}" if picture.unit else "")
    parts.append(
        f'<text class="axis-title" x="{(_LABELS + WIDTH) / 2:.1f}" '
        f'y="{end:.1f}" text-anchor="middle">{escape(axes)}</text>'
    )
    return parts
