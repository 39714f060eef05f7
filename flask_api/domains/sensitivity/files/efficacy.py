"""The report of `sensitivity.efficacy`: scores, and levers worth acting on."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.pictures import (
    MOST_BARS,
    Bars,
    Picture,
    Plane,
    Series,
    Spot,
)
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import reading
from flask_api.domains.sensitivity.files.reading import Result, Row, told

_MEASURES = (
    "All scores lie between 0 and 1. Overall: 0.3 accuracy + 0.2 performance + 0.25 "
    "stability + 0.25 confidence, over the parts that are known. The leverage of an "
    "input is its elasticity times the relative width of its range, over the largest; "
    "its certainty 1 less the half-width of its intervals over its swing; its efficacy "
    "the product of both."
)
_GROUPS = (
    ("parts", "Parts of the overall score", "weights"),
    ("parts_of_confidence", "Parts of the confidence score", "weights_of_confidence"),
    ("parts_of_stability", "Parts of the stability score", None),
)
_SOURCES = (("Scores", "Formulas of this software: docs/methods/efficacy.md"),)


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """Scores with their parts, and which inputs are worth acting on."""
    metadata, levers = result["metadata"], result["levers"]
    scores = [_scores(metadata[key], title) for key, title, _ in _GROUPS]
    sections = [Section("Scores of parts", (), [p for p in scores if p is not None])]
    if levers:
        sections.append(Section("Leverage and certainty", (), _levers(levers)))
    sections.append(Section("Numbers", tables=_tables(result)))
    return Report(
        title="Efficacy of an analysis",
        kicker="Efficacy",
        summary=[*_summary(result), _MEASURES],
        tiles=_tiles(result),
        sections=sections,
        sources=_SOURCES,
    )


def _scores(parts: Row, title: str) -> Picture | None:
    if all(value is None for value in parts.values()):
        return None
    labels = [reading.words(name) for name in parts]
    return Bars(title, "score, 0 to 1", labels, [Series("Score", list(parts.values()))])


def _levers(levers: list[Row]) -> list[Picture]:
    known = [row for row in levers if None not in (row["leverage"], row["certainty"])]
    drawn, left = levers[:MOST_BARS], max(0, len(levers) - MOST_BARS)
    spots = [Spot(r["id"], r["leverage"], r["certainty"]) for r in known[:MOST_BARS]]
    pictures: list[Picture] = []
    if spots:
        title = "Levers: leverage against certainty"
        away = len(levers) - len(spots)
        pictures.append(
            Plane(title, "leverage, 0 to 1", "certainty, 0 to 1", spots, left_out=away)
        )
    names = ("efficacy", "leverage", "certainty")
    series = [Series(reading.words(n), [row[n] for row in drawn]) for n in names]
    ids = [row["id"] for row in drawn]
    title = "Efficacy of each lever"
    return [*pictures, Bars(title, "score, 0 to 1", ids, series, left_out=left)]


def _summary(result: Result) -> list[str]:
    metadata, levers = result["metadata"], result["levers"]
    said = [
        f"Asked: what an analysis of {metadata['data_points']:,} points is worth"
        + (", held against actual values." if metadata["validation_performed"] else ".")
    ]
    overall = result["overall_score"]
    if overall is None:
        said.append("No part could be scored, so there is no overall score.")
    else:
        said.append(f"Overall it scores {told(overall, '', 3)} of 1.")
    known = {k: v for k, v in metadata["parts"].items() if v is not None}
    if len(known) > 1:
        worst, best = (
            min(known, key=known.__getitem__),
            max(known, key=known.__getitem__),
        )
        said.append(
            f"Best is its {best} ({told(known[best], '', 3)}), weakest its {worst} "
            f"({told(known[worst], '', 3)})."
        )
    if levers and levers[0]["efficacy"] is not None:
        first = levers[0]
        said.append(
            f"The best lever is {first['id']}: leverage "
            f"{told(first['leverage'], '', 3)}, certainty "
            f"{told(first['certainty'], '', 3)}."
        )
    missing = [row["part"] for row in metadata["missing"]]
    if missing:
        said.append(f"Not scored for want of data: {', '.join(missing)}.")
    return said


def _tiles(result: Result) -> list[tuple[str, Any, str]]:
    names = ("overall_score", "confidence_score", "stability_score")
    found = [(reading.words(n), result[n], "") for n in names if result[n] is not None]
    return [*found, ("Points", result["metadata"]["data_points"], "")]


def _tables(result: Result) -> list[ReportTable]:
    metadata = result["metadata"]
    rows = []
    for key, title, weights in _GROUPS:
        for name, value in metadata[key].items():
            weight = metadata[weights].get(name) if weights else None
            rows.append(
                {"group": title, "part": name, "score": value, "weight": weight}
            )
    groups = ("accuracy_metrics", "performance_metrics", "validation_results")
    numbers = []
    for group in groups:
        for name, value in result[group].items():
            several = value if isinstance(value, dict) else {name: value}
            for key, number in several.items():
                numbers.append({"group": group, "what": key, "value": number})
    return [
        reading.table("Scores", rows),
        reading.table("Metrics", numbers),
        reading.table("Levers", result["levers"]),
        reading.table("Missing", metadata["missing"]),
    ]


write_page, write_workbook = writers(report)
