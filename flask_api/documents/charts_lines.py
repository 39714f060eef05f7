"""Lines, steps, dots and columns over one axis, as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from flask_api.documents.charts_frame import (
    WIDTH,
    LogScale,
    Scale,
    horizontal_grid,
    key,
    svg,
    vertical_grid,
)
from flask_api.documents.numbers import figures
from flask_api.documents.pictures import Curve, Curves, Number

_LEFT, _HEIGHT = 84.0, 270.0
#: A line that spans less than this share of its values is shown as flat.
_FLAT = 1e-9
#: Points of a line that are marked, at most.
_DOTTED = 25
Place = tuple[float, float]


def curves(picture: Curves) -> Markup:
    """All curves of a picture, with its marks and a key where there are several."""
    parts, top = _key(picture)
    bottom = top + _HEIGHT
    xs = [x for curve in picture.curves for x in _reach(curve)]
    xs += [value for _, value in picture.at_x]
    kind = LogScale if picture.log else Scale
    across = kind(min(xs), max(xs), _LEFT, WIDTH - 24)
    up = Scale(*_heights(picture), bottom, top)
    parts += horizontal_grid(up, _LEFT, picture.up, (top + bottom) / 2)
    parts += vertical_grid(across, bottom, picture.across, top)
    for number, curve in enumerate(picture.curves):
        parts += _curve(curve, number, across, up)
    for number, (_, value) in enumerate(picture.at_x):
        x = across.at(value)
        parts.append(
            f'<line class="mark m{number % 2}" x1="{x:.2f}" x2="{x:.2f}" '
            f'y1="{top:.1f}" y2="{bottom:.1f}"/>'
        )
    for number, (_, value) in enumerate(picture.at_y):
        y = up.at(value)
        parts.append(
            f'<line class="mark m{(number + len(picture.at_x)) % 2}" x1="{_LEFT:.1f}" '
            f'x2="{WIDTH:.1f}" y1="{y:.2f}" y2="{y:.2f}"/>'
        )
    return svg(parts, bottom + 40, picture.title)


def _key(picture: Curves) -> tuple[list[str], float]:
    marks = [name for name, _ in (*picture.at_x, *picture.at_y)]
    entries = []
    if len(picture.curves) > 1:
        for number, curve in enumerate(picture.curves):
            sign = (
                f"s{number}" if curve.kind in ("dots", "columns") else f"line l{number}"
            )
            entries.append((curve.name, sign))
    entries += [(name, f"mark m{n % 2}") for n, name in enumerate(marks)]
    return key(entries, _LEFT)


def _reach(curve: Curve) -> Sequence[float]:
    """The places that a curve takes, with the outer halves of its columns."""
    if curve.kind != "columns":
        return curve.x
    half = _width(curve) / 2
    return [curve.x[0] - half, curve.x[-1] + half]


def _width(curve: Curve) -> float:
    """Of columns that touch; each x is a middle."""
    gaps = [two - one for one, two in pairwise(curve.x) if two > one]
    return min(gaps, default=abs(curve.x[0]) / 10 or 1.0)


def _heights(picture: Curves) -> tuple[float, float]:
    found = [value for _, value in picture.at_y]
    for curve in picture.curves:
        ys = (*curve.y, *curve.lower, *curve.upper)
        found += [y for y in ys if y is not None]
        found += [0.0] if curve.kind == "columns" else []
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    size = max(abs(low), abs(high))
    if high - low <= _FLAT * size:  # rounding alone: a magnifying glass would mislead
        return low - 0.1 * size, high + 0.1 * size
    return low, high


def _curve(curve: Curve, number: int, across: Scale, up: Scale) -> Iterator[str]:
    if curve.kind == "columns":
        yield from _columns(curve, number, across, up)
        return
    if curve.lower and curve.upper:
        yield from _band(curve, number, across, up)
    if curve.kind != "dots":
        for run in _runs(curve.x, curve.y):
            places = [(across.at(x), up.at(y)) for x, y in run]
            path = _path(places, stepped=curve.kind == "step")
            yield (
                f'<path class="line l{number}" d="{path}">'
                f"<title>{escape(curve.name)}</title></path>"
            )
    if curve.kind == "dots" or (curve.kind == "line" and 2 < len(curve.x) <= _DOTTED):
        for x, y in zip(curve.x, curve.y, strict=True):
            if y is not None:
                told = f"{curve.name}: {figures(x)}, {figures(y)}"
                yield (
                    f'<circle class="dot s{number}" cx="{across.at(x):.2f}" '
                    f'cy="{up.at(y):.2f}" r="3">'
                    f"<title>{escape(told)}</title></circle>"
                )


def _runs(x: Sequence[float], y: Sequence[Number]) -> Iterator[list[Place]]:
    """Stretches without gaps."""
    run: list[Place] = []
    for one, value in zip(x, y, strict=True):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((one, value))
    if run:
        yield run


def _path(places: Sequence[Place], *, stepped: bool) -> str:
    first = places[0]
    parts = [f"M{first[0]:.2f} {first[1]:.2f}"]
    for x, y in places[1:]:
        parts.append(f"H{x:.2f}V{y:.2f}" if stepped else f"L{x:.2f} {y:.2f}")
    return "".join(parts)


def _band(curve: Curve, number: int, across: Scale, up: Scale) -> Iterator[str]:
    whole = [
        (x, low, high)
        for x, low, high in zip(curve.x, curve.lower, curve.upper, strict=True)
        if low is not None and high is not None
    ]
    if not any(high > low for _, low, high in whole):
        return
    edge = [(x, high) for x, _, high in whole]
    edge += [(x, low) for x, low, _ in reversed(whole)]
    points = " ".join(f"{across.at(x):.2f},{up.at(y):.2f}" for x, y in edge)
    yield f'<polygon class="band b{number}" points="{points}"/>'


def _columns(curve: Curve, number: int, across: Scale, up: Scale) -> Iterator[str]:
    width = _width(curve)
    floor = up.at(max(0.0, up.low))
    for x, y in zip(curve.x, curve.y, strict=True):
        if y is None:
            continue
        left, right = across.at(x - width / 2), across.at(x + width / 2)
        top, low = sorted((up.at(y), floor))
        told = f"{figures(x)}: {figures(y)}"
        yield (
            f'<rect class="s{number}" x="{left + 0.3:.2f}" y="{top:.2f}" '
            f'width="{max(right - left - 0.6, 0.75):.2f}" height="{low - top:.2f}">'
            f"<title>{escape(told)}</title></rect>"
        )
