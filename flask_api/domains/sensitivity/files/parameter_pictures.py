"""The pictures of single inputs that the flags of parameters ask for.

`bar`        the output at each value of the input, with whiskers
`point`      the same as a line of points, with a band
`waterfall`  how the output climbs from the input's lowest value to its highest

Of Monte Carlo, where the input alone varies: `bar` is its histogram, `point` its
distribution function, `waterfall` the way from the lowest to the highest percentile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from flask_api.documents.numbers import figures, shown
from flask_api.documents.pictures import (
    MOST_BARS,
    Bars,
    Cascade,
    Curve,
    Curves,
    Picture,
    Series,
    thinned,
)
from flask_api.documents.report_parts import Section
from flask_api.documents.steps import Step
from flask_api.domains.sensitivity.files.reading import Result, Row, unit_of, with_unit

#: Pictures of single inputs in a report.
MOST = 30
_SECONDARY = ", secondary axis"


def sections(result: Result, parts: Mapping[str, Row]) -> list[Section]:
    """A section for each axis that flagged inputs are on; none without flags.

    parts   what the answer says of each input: a curve, or a distribution
    """
    asked = (result.get("metadata") or {}).get("pictures") or []
    found: dict[str, list[Picture]] = {}
    left = 0
    for row in asked:
        part = parts.get(row["id"])
        for kind in row["kinds"] if part is not None else ():
            if sum(len(some) for some in found.values()) >= MOST:
                left += 1
                continue
            made = _picture(result, str(row["id"]), part or {}, kind)
            if made is not None:
                found.setdefault(row["comparison_type"], []).append(made)
    notes = [f"{left:,} more pictures were asked for; the tables have their numbers."]
    return [
        Section(
            "Single inputs" + (_SECONDARY if axis == "secondary" else ""),
            pictures=pictures,
            notes=notes if left else (),
        )
        for axis, pictures in sorted(found.items())
    ]


def _picture(result: Result, id: str, part: Row, kind: str) -> Picture | None:
    output = str(
        (part.get("metadata") or {}).get("output") or result["metadata"]["output"]
    )
    unit = with_unit(output, unit_of(result, output))
    if "distribution" in part:
        return _of_draws(id, part, kind, unit, output)
    points = part.get("sensitivity_curve") or []
    ends = part.get("confidence_intervals") or []
    inside = [points[n] for n in thinned(len(points), MOST_BARS)]
    if kind == "waterfall":
        return _climb(f"{output} as {id} rises", unit, _steps(inside))
    if kind == "bar" or any(not _is_number(p["value"]) for p in points):
        return bars_of_curve(f"{output} at values of {id}", unit, points, ends)
    named = (part.get("metadata") or {}).get("unit") or ""
    return Curves(
        f"{output} by {id}",
        with_unit(id, named),
        unit,
        [line(id, points, ends)],
        _today(part),
    )


def _today(part: Row) -> list[tuple[str, float]]:
    value = part.get("baseline_value")
    return [] if value is None else [(f"today: {figures(value, 5)}", value)]


def line(name: str, points: Sequence[Row], ends: Sequence[Row]) -> Curve:
    """A curve in rising order of its values, thinned, with its band."""
    order = sorted(range(len(points)), key=lambda n: points[n]["value"])
    kept = [order[n] for n in thinned(len(order))]
    banded = [ends[n] for n in kept] if len(ends) == len(points) else []
    return Curve(
        name,
        [points[n]["value"] for n in kept],
        [points[n]["result"] for n in kept],
        [row["lower"] for row in banded],
        [row["upper"] for row in banded],
    )


def bars_of_curve(
    title: str, unit: str, points: Sequence[Row], ends: Sequence[Row]
) -> Bars:
    """The output at each value, at so many as a picture holds."""
    kept = thinned(len(points), MOST_BARS)
    banded = [ends[n] for n in kept] if len(ends) == len(points) else []
    series = Series(
        "Output",
        [points[n]["result"] for n in kept],
        [row["lower"] for row in banded],
        [row["upper"] for row in banded],
    )
    labels = [shown(points[n]["value"]) for n in kept]
    return Bars(title, unit, labels, [series], left_out=len(points) - len(kept))


def _steps(points: Sequence[Row]) -> list[tuple[str, float]]:
    """Labels and results where there is a result, in rising order of the value."""
    known = [p for p in points if p["result"] is not None]
    if all(_is_number(p["value"]) for p in known):
        known.sort(key=lambda p: p["value"])
    return [(shown(p["value"]), float(p["result"])) for p in known]


def _climb(
    title: str, unit: str, levels: Sequence[tuple[str, float]]
) -> Cascade | None:
    """From the first level to the last, with every change between."""
    if len(levels) < 2:
        return None
    first, last = levels[0], levels[-1]
    steps = [Step(f"at {first[0]}", first[1], total=True)]
    steps += [
        Step(f"{one[0]} to {two[0]}", two[1] - one[1]) for one, two in pairwise(levels)
    ]
    steps.append(Step(f"at {last[0]}", last[1], total=True))
    return Cascade(title, unit, steps)


def _of_draws(id: str, part: Row, kind: str, unit: str, output: str) -> Picture | None:
    if kind == "waterfall":
        levels = [
            (f"P{p['percentile']:g}", float(p["value"]))
            for p in part["percentiles"]
            if p["value"] is not None
        ]
        title = f"{output} from percentile to percentile, {id} alone varies"
        return _climb(title, unit, [levels[n] for n in thinned(len(levels), MOST_BARS)])
    bins = part["distribution"]
    if not bins:
        return None
    if kind == "bar":
        return histogram(f"{output}, {id} alone varies", unit, bins)
    title = f"Distribution function of {output}, {id} alone varies"
    return Curves(title, unit, "probability of less", [distribution_function(id, bins)])


def histogram(title: str, unit: str, bins: Sequence[Row]) -> Curves:
    """Shares of the draws by bin."""
    x, y = [row["value"] for row in bins], [row["probability"] for row in bins]
    return Curves(title, unit, "share of draws", [Curve("draws", x, y, kind="columns")])


def distribution_function(name: str, bins: Sequence[Row]) -> Curve:
    """Probability of less, known at the ends of the bins; straight lines between."""
    wide = bins[1]["value"] - bins[0]["value"] if len(bins) > 1 else 0.0
    ends = [bins[0]["value"] - wide / 2, *(row["value"] + wide / 2 for row in bins)]
    shares = [0.0, *accumulate(row["probability"] for row in bins)]
    return Curve(name, ends, [min(1.0, share) for share in shares])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
