"""The report of `sensitivity.analyze`, by whichever of its thirteen methods."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import (
    indices,
    one_at_a_time,
    parameter_pictures,
    reading,
)
from flask_api.domains.sensitivity.files.reading import Result
from flask_api.domains.sensitivity.files.words import CURVES, INDICES

#: Settings of the answer that a report lists, besides those of the method.
_SETTINGS = (
    "method", "type", "output", "samples", "sampling", "evaluations", "seed",
    "confidence_level", "monte_carlo_iterations", "kernel",
)  # fmt: skip


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """Summary, pictures and tables of the inputs' curves or indices."""
    method, parts = result["method"], reading.results_by_id(result)
    one = method in CURVES
    words = CURVES[method] if one else INDICES[method]
    made = _curves(result, parts) if one else indices.sections(result)
    told = one_at_a_time.summary(result, parts) if one else indices.summary(result)
    if not one:
        tornado = one_at_a_time.tornado(result, parts)
        made += [tornado] if tornado is not None else []
    made += parameter_pictures.sections(result, parts)
    made.append(Section("Numbers", tables=_tables(result, parts, one)))
    metadata = result["metadata"]
    return Report(
        title=words.title,
        kicker=f"Sensitivity · {reading.model_name(result)}",
        summary=[_asked(result, words.title), *told, words.measures],
        tiles=_tiles(result, words.indices),
        sections=made,
        assumptions=metadata.get("assumptions") or (),
        sources=words.sources,
    )


def _curves(result: Result, parts: dict[str, reading.Row]) -> list[Section]:
    method = result["method"]
    found = [
        one_at_a_time.curves(result, parts) if method == "spider" else None,
        one_at_a_time.tornado(result, parts),
        None if method == "spider" else one_at_a_time.curves(result, parts),
        one_at_a_time.elasticities(result, parts),
    ]
    return [section for section in found if section is not None]


def _asked(result: Result, title: str) -> str:
    metadata = result["metadata"]
    outputs = list(metadata.get("units") or ()) or [metadata["output"]]
    inputs = len(result["tornado"]) or len(result["ranking"])
    which = "1 input" if inputs == 1 else f"{inputs:,} inputs"
    also = f", and {', '.join(outputs[1:4])}" if outputs[1:] else ""
    done = metadata.get("evaluations")
    effort = f" from {done:,} evaluations" if done else ""
    return (
        f"Asked: how {metadata['output']}{also} of {reading.model_name(result)} "
        f"depends on {which}; answered by {title}{effort}."
    )


def _tiles(result: Result, names: Any) -> list[tuple[str, Any, str]]:
    metadata, ranked = result["metadata"], result["ranking"]
    output = str(metadata["output"])
    unit = reading.unit_of(result, output)
    found: list[tuple[str, Any, str]] = []
    if ranked:
        found.append(("Matters most", ranked[0]["id"], ""))
        found.append((names[next(iter(names))], ranked[0]["effect"], ""))
    base = (metadata.get("baseline") or {}).get(output)
    if base is not None:
        found.append((f"{output} today", base, unit))
    found.append(("Inputs", len(ranked), ""))
    if metadata.get("evaluations"):
        found.append(("Evaluations", metadata["evaluations"], ""))
    return found


def _tables(
    result: Result, parts: dict[str, reading.Row], one: bool
) -> list[ReportTable]:
    metadata = result["metadata"]
    found = (
        one_at_a_time.tables(result, parts)
        if one
        else [
            *indices.tables(result),
            reading.table("Ends of ranges", result["tornado"]),
            reading.inputs_table(result),
        ]
    )
    pairs = [(name, metadata.get(name)) for name in _SETTINGS]
    pairs += list((metadata.get("settings") or {}).items())
    return [*found, reading.settings_table(pairs)]


write_page, write_workbook = writers(report)
