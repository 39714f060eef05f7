"""The report of `sensitivity.surface`: outputs over one decision, or over two."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.numbers import figures
from flask_api.documents.pictures import (
    MOST_CELLS,
    Curve,
    Curves,
    Heat,
    Number,
    Picture,
    thinned,
)
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import reading
from flask_api.domains.sensitivity.files.reading import Result, Row, told

#: Outputs that have pictures, and percentiles of each; tables have all.
MOST_OUTPUTS, MOST_PERCENTILES = 4, 7
_MEASURES = (
    "Every combination of the decisions' values was computed, all other inputs as they "
    "are today. Where inputs are uncertain, every point meets the same draws, so that "
    "differences between points are the decisions', not luck's."
)
_SOURCE = (
    "Common random numbers",
    "Glasserman, Yao (1992), Management Science 38, 884-908, doi:10.1287/mnsc.38.6.884",
)


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """Pictures and tables of each output over the grid, and its best points."""
    metadata, outputs = result["metadata"], result["outputs"]
    sections = [
        Section(f"Surface of {name}", (), _pictures(result, name, outputs[name]))
        for name in list(outputs)[:MOST_OUTPUTS]
    ]
    sections.append(Section("Numbers", tables=_tables(result)))
    return Report(
        title="Response surface",
        kicker=f"Surface · {reading.model_name(result)}",
        summary=[*_summary(result), _MEASURES],
        tiles=_tiles(result),
        sections=sections,
        assumptions=metadata.get("assumptions") or (),
        sources=[_SOURCE] if metadata.get("uncertain_inputs") else (),
    )


def _pictures(result: Result, name: str, part: Row) -> list[Picture]:
    uncertain, values = part["uncertain"], part["values"]
    if len(result["decisions"]) == 1:
        return [_lines(result, name, part)]
    found = [_heat(result, f"{name}, all other inputs as they are", part, values)]
    for one in (uncertain or {}).get("percentiles") or ():
        if len(found) <= MOST_PERCENTILES:
            title = f"P{one['percentile']:g} of {name}"
            found.append(_heat(result, title, part, one["values"]))
    return found


def _heat(result: Result, title: str, part: Row, values: list[list[Number]]) -> Picture:
    """At most `MOST_CELLS` rows and columns, both ends among them."""
    down, across = result["decisions"]
    rows = thinned(len(down["values"]), MOST_CELLS)
    columns = thinned(len(across["values"]), MOST_CELLS)
    return Heat(
        title,
        part["unit"] or "",
        reading.with_unit(down["id"], down["unit"] or ""),
        reading.with_unit(across["id"], across["unit"] or ""),
        [figures(down["values"][n], 5) for n in rows],
        [figures(across["values"][n], 5) for n in columns],
        [[values[n][place] for place in columns] for n in rows],
        len(down["values"]) * len(across["values"]) - len(rows) * len(columns),
    )


def _lines(result: Result, name: str, part: Row) -> Picture:
    decision = result["decisions"][0]
    order = sorted(range(len(decision["values"])), key=decision["values"].__getitem__)
    kept = [order[n] for n in thinned(len(order))]
    x = [decision["values"][n] for n in kept]

    def curve(label: str, values: list[Number]) -> Curve:
        return Curve(label, x, [values[n] for n in kept])

    curves = [curve("all other inputs as they are", part["values"])]
    for one in ((part["uncertain"] or {}).get("percentiles") or ())[:MOST_PERCENTILES]:
        curves.append(curve(f"P{one['percentile']:g}", one["values"]))
    today = decision["today"]
    return Curves(
        f"{name} by {decision['id']}",
        reading.with_unit(decision["id"], decision["unit"] or ""),
        reading.with_unit(name, part["unit"] or ""),
        curves,
        [] if today is None else [(f"today: {told(today)}", today)],
    )


def _summary(result: Result) -> list[str]:
    metadata, decisions = result["metadata"], result["decisions"]
    output = str(metadata["output"])
    names = " and ".join(decision["id"] for decision in decisions)
    drawn = len(metadata.get("uncertain_inputs") or ())
    inputs = "1 input" if drawn == 1 else f"{drawn:,} inputs"
    said = [
        f"Asked: how {output} of {reading.model_name(result)} looks over {names}: "
        f"{metadata['points']:,} points"
        + (f", {inputs} drawn {metadata['samples']:,} times." if drawn else ".")
    ]
    part = result["outputs"][output]
    for end in ("lowest", "highest"):
        said += _end(part["best"].get(end), end, output, part["unit"] or "")
    middle = _middle(part)
    if middle is not None:
        percent = f"P{middle['percentile']:g} of {output}"
        for end in ("lowest", "highest"):
            said += _end(middle["best"].get(end), end, percent, part["unit"] or "")
    return said


def _middle(part: Row) -> Row | None:
    """The percentile nearest to the median."""
    found: list[Row] = (part["uncertain"] or {}).get("percentiles") or []
    return min(found, key=lambda one: abs(one["percentile"] - 50), default=None)


def _end(cell: Row | None, end: str, what: str, unit: str) -> list[str]:
    if cell is None:
        return []
    at = ", ".join(f"{id} = {told(value)}" for id, value in cell["at"].items())
    return [f"The {end} {what} is {told(cell['value'], unit)}, at {at}."]


def _tiles(result: Result) -> list[tuple[str, Any, str]]:
    output = str(result["metadata"]["output"])
    part = result["outputs"][output]
    unit = part["unit"] or ""
    found: list[tuple[str, Any, str]] = []
    for end in ("lowest", "highest"):
        if part["best"].get(end) is not None:
            value = part["best"][end]["value"]
            found.append((f"{reading.words(end)} {output}", value, unit))
    today = (result["today"]["outputs"] or {}).get(output)
    if today is not None:
        found.append((f"{output} today", today, unit))
    return [*found, ("Points", result["metadata"]["points"], "")]


def _tables(result: Result) -> list[ReportTable]:
    metadata = result["metadata"]
    decisions = [
        {
            "id": one["id"],
            "name": one["name"],
            "unit": one["unit"],
            "today": one["today"],
            "lowest": min(one["values"]),
            "highest": max(one["values"]),
            "values": len(one["values"]),
        }
        for one in result["decisions"]
    ]
    found = [
        reading.table("Decisions", decisions),
        _as_named("Best points", result["best"]),
        _as_named("Surface", result["table"]),
    ]
    drawn = metadata.get("uncertain_inputs") or {}
    if drawn:
        found.append(reading.inputs_table({"metadata": {"inputs": drawn}}))
    names = ("points", "samples", "sampling", "evaluations", "seed", "kernel")
    pairs = [(name, metadata.get(name)) for name in names]
    return [*found, reading.settings_table(pairs)]


def _as_named(title: str, rows: list[Row]) -> ReportTable:
    """Rows under their own keys: some are inputs, whose names stay as they are."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    return ReportTable(
        title, heads, [[row.get(head) for head in heads] for row in rows]
    )


write_page, write_workbook = writers(report)
