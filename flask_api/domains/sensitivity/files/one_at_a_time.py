"""Sections of a report about inputs that move one at a time: oat, tornado, spider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_api.documents.pictures import (
    MOST_BARS,
    MOST_LINES,
    Bars,
    Curve,
    Curves,
    Picture,
    Series,
    Swings,
)
from flask_api.documents.report_parts import ReportTable, Section
from flask_api.domains.sensitivity.files.parameter_pictures import bars_of_curve, line
from flask_api.domains.sensitivity.files.reading import (
    Result,
    Row,
    told,
    unit_of,
    with_unit,
)

#: Curves shown where no flag chooses.
MOST_CURVES = 6


def tornado(result: Result, parts: Mapping[str, Row]) -> Section | None:
    """The widest swings; a tornado for each output that inputs are compared with."""
    by_output: dict[str, list[Row]] = {}
    for row in result.get("tornado") or ():
        about = (parts.get(row["id"]) or {}).get("metadata") or {}
        by_output.setdefault(str(about.get("output")), []).append(row)
    pictures = [
        made
        for output, rows in by_output.items()
        if (made := _tornado(result, output, rows)) is not None
    ]
    if not pictures:
        return None
    text = "Each input at both ends of its range, all others as they are today."
    return Section("Tornado", [text], pictures)


def _tornado(result: Result, output: str, rows: list[Row]) -> Picture | None:
    base = (result["metadata"].get("baseline") or {}).get(output)
    known = [row for row in rows if row["swing"] is not None]
    if base is None or not known:
        return None
    drawn = known[:MOST_BARS]
    return Swings(
        f"{output} at both ends of each input",
        with_unit(output, unit_of(result, output)),
        base,
        [row["id"] for row in drawn],
        [row["low"] for row in drawn],
        [row["high"] for row in drawn],
        [row["swing"] for row in drawn],
        len(rows) - len(drawn),
    )


def curves(result: Result, parts: Mapping[str, Row]) -> Section | None:
    """A line for each of the strongest inputs, where no flag chooses others."""
    ranked = [row["id"] for row in result["ranking"] if row["id"] in parts]
    if result["method"] == "spider":
        return _spider(result, parts, ranked)
    chosen = (result["metadata"].get("pictures")) or []
    if chosen or result["method"] == "tornado":
        return None
    pictures = [_curve(result, id, parts[id]) for id in ranked[:MOST_CURVES]]
    notes = [f"The {MOST_CURVES} strongest of {len(ranked)} inputs."]
    some = len(ranked) > MOST_CURVES
    return Section("Curves", (), pictures, notes if some else ())


def _curve(result: Result, id: str, part: Row) -> Picture:
    about = part["metadata"]
    output = str(about["output"])
    unit = with_unit(output, unit_of(result, output))
    points, ends = part["sensitivity_curve"], part["confidence_intervals"]
    if part["baseline_value"] is None:
        return bars_of_curve(f"{output} by {id}", unit, points, ends)
    today = [(f"today: {told(part['baseline_value'])}", part["baseline_value"])]
    return Curves(
        f"{output} by {id}",
        with_unit(id, about.get("unit") or ""),
        unit,
        [line(id, points, ends)],
        today,
    )


def _spider(result: Result, parts: Mapping[str, Row], ranked: list[str]) -> Section:
    relative = [
        Curve(
            id,
            [p["change"] for p in parts[id]["sensitivity_curve"]],
            [p["result_change"] for p in parts[id]["sensitivity_curve"]],
        )
        for id in ranked[:MOST_LINES]
    ]
    output = result["metadata"]["output"]
    title, across = f"Change of {output}", "change of the input, %"
    left = len(ranked) - len(relative)
    if any(y is not None for curve in relative for y in curve.y):
        up = f"change of {output}, %"
        return Section(
            "Spider", (), [Curves(title, across, up, relative, left_out=left)]
        )
    absolute = [
        Curve(c.name, c.x, [p["result"] for p in parts[c.name]["sensitivity_curve"]])
        for c in relative
    ]
    up = with_unit(output, unit_of(result, output))
    picture = Curves(str(output), across, up, absolute, left_out=left)
    return Section("Spider", (), [picture])


def elasticities(result: Result, parts: Mapping[str, Row]) -> Section | None:
    """Percent of output per percent of input."""
    ranked = [row["id"] for row in result["ranking"] if row["id"] in parts]
    known = [id for id in ranked if parts[id].get("elasticity") is not None]
    if not known:
        return None
    drawn = known[:MOST_BARS]
    values = [parts[id]["elasticity"] for id in drawn]
    picture = Bars(
        "Elasticity at today's values",
        "% of output per % of input",
        drawn,
        [Series("Elasticity", values)],
        left_out=len(known) - len(drawn),
    )
    return Section("Elasticities", (), [picture])


def summary(result: Result, parts: Mapping[str, Row]) -> list[str]:
    """Which input swings the output most, and what one percent of it does."""
    rows = [row for row in result["tornado"] if row["swing"] is not None]
    if not rows:
        return ["No input has a result at any of its values."]
    first = rows[0]
    part = parts[first["id"]]
    output = str(part["metadata"]["output"])
    unit = unit_of(result, output)
    said = [f"{first['id']} moves {output} most: by {told(first['swing'], unit)}."]
    if part["baseline_value"] is not None and None not in (first["low"], first["high"]):
        said.append(
            f"{output} is {told(first['low'], unit)} at its lowest value and "
            f"{told(first['high'], unit)} at its highest."
        )
    if part.get("elasticity") is not None:
        said.append(
            f"One percent of {first['id']} moves {output} by "
            f"{told(part['elasticity'], '%', 3)} at today's values."
        )
    if len(rows) > 1:
        said.append(
            f"Next is {rows[1]['id']} with a swing of {told(rows[1]['swing'])}; "
            f"{len(rows)} inputs were moved, one at a time."
        )
    return said


def tables(result: Result, parts: Mapping[str, Row]) -> list[ReportTable]:
    """Each input on a row, and each point of each curve."""
    heads = ("Input", "Output", "Unit", "Today", "Lowest value", "Highest value")
    more = ("At the lowest", "At the highest", "Swing", "Elasticity", "Impact score")
    inputs = []
    for row in result["tornado"]:
        part = parts[row["id"]]
        about = part["metadata"]
        limits = about.get("range") or {}
        inputs.append(
            (
                row["id"], about["output"], about.get("unit"),
                part["baseline_value"], limits.get("min"), limits.get("max"),
                row["low"], row["high"], row["swing"],
                part["elasticity"], part["impact_score"],
            )
        )  # fmt: skip
    return [
        ReportTable("Inputs", heads + more, inputs),
        ReportTable(
            "Points",
            ("Input", "Value", "Output", "Lower", "Upper", "Change %", "Output %"),
            list(_points(parts)),
        ),
    ]


def _points(parts: Mapping[str, Row]) -> list[tuple[Any, ...]]:
    rows = []
    for id, part in parts.items():
        points, ends = part["sensitivity_curve"], part["confidence_intervals"]
        for point, end in zip(points, ends, strict=True):
            changes = (point.get("change"), point.get("result_change"))
            ranges = (end["lower"], end["upper"])
            rows.append((id, point["value"], point["result"], *ranges, *changes))
    return rows
