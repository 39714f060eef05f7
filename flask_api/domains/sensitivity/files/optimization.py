"""The report of `sensitivity.optimize`, goal seek among it."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.pictures import (
    MOST_BARS,
    Bars,
    Curve,
    Curves,
    Picture,
    Series,
    thinned,
)
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import reading
from flask_api.domains.sensitivity.files.reading import Result, Row, told

_SOURCES = {
    "differential_evolution": (
        "Differential evolution",
        "Storn, Price (1997), Journal of Global Optimization 11, 341-359, "
        "doi:10.1023/A:1008202821328",
    ),
    "shgo": (
        "SHGO",
        "Endres, Sandrock, Focke (2018), Journal of Global Optimization 72, 181-217, "
        "doi:10.1007/s10898-018-0645-y",
    ),
    "lbfgsb": (
        "L-BFGS-B",
        "Byrd, Lu, Nocedal, Zhu (1995), SIAM Journal on Scientific Computing 16, "
        "1190-1208, doi:10.1137/0916069",
    ),
    "cobyqa": (
        "COBYQA",
        "Ragonneau (2022), PhD thesis, The Hong Kong Polytechnic University",
    ),
}
_SEEK = (
    "Goal seek",
    "Chandrupatla (1997), Advances in Engineering Software 28, 145-149, "
    "doi:10.1016/S0965-9978(96)00051-8",
)
_WANTED = {"min": "the lowest", "max": "the highest"}


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """The best point, how the search came to it, and what holds it back."""
    metadata = result["metadata"]
    seeking = metadata["objective"] == "target"
    sections = [
        Section("Search", (), [_trace(result)], _trace_notes(result)),
        Section("Places in ranges", (), [_places(result)]),
        Section("Numbers", tables=_tables(result)),
    ]
    return Report(
        title="Goal seek" if seeking else "Optimisation",
        kicker=f"Optimisation · {reading.model_name(result)}",
        summary=_summary(result),
        tiles=_tiles(result),
        sections=sections,
        assumptions=metadata.get("assumptions") or (),
        sources=_sources(metadata, seeking),
    )


def _wanted(result: Result) -> str:
    metadata = result["metadata"]
    what = str(metadata["output"])
    if metadata.get("statistic"):
        what = f"{metadata['statistic']} of {what}"
    if metadata["objective"] == "target":
        return f"{what} = {told(metadata['target'])}"
    return f"{_WANTED[metadata['objective']]} {what}"


def _trace(result: Result) -> Picture:
    rows, metadata = result["trace"], result["metadata"]
    output = str(metadata["output"])
    unit = reading.with_unit(output, reading.unit_of(result, output))
    kept = [rows[n] for n in thinned(len(rows))]
    x = [row["evaluations"] for row in kept]
    good = [None if row["violation"] else row["value"] for row in kept]
    curves = [Curve("best so far", x, good, kind="step")]
    if any(row["violation"] for row in kept):
        bad = [row["value"] if row["violation"] else None for row in kept]
        curves.append(Curve("violates a constraint", x, bad, kind="dots"))
    levels = []
    today = result["baseline"]["value"]
    if today is not None:
        levels.append((f"today: {told(today)}", today))
    if metadata.get("target") is not None:
        levels.append((f"target: {told(metadata['target'])}", metadata["target"]))
    title = f"Best {output} by evaluations"
    return Curves(title, "evaluations", unit, curves, at_y=levels)


def _trace_notes(result: Result) -> list[str]:
    phases = list(dict.fromkeys(row["phase"] for row in result["trace"]))
    return [f"Phases: {', '.join(phases)}."] if len(phases) > 1 else []


def _places(result: Result) -> Picture:
    """Where the best point and today's lie in each range, 0 to 1."""
    rows = result["decisions"]
    drawn = rows[:MOST_BARS]

    def share(row: Row, key: str) -> float | None:
        wide = row["max"] - row["min"]
        at = row[key]
        return None if at is None or not wide > 0 else (at - row["min"]) / wide

    return Bars(
        "Where in its range each input lies",
        "share of the range, 0 = lowest, 1 = highest",
        [row["id"] for row in drawn],
        [
            Series("best", [share(row, "value") for row in drawn]),
            Series("today", [share(row, "baseline") for row in drawn]),
        ],
        left_out=len(rows) - len(drawn),
    )


def _summary(result: Result) -> list[str]:
    metadata, today = result["metadata"], result["baseline"]["value"]
    output = str(metadata["output"])
    unit = reading.unit_of(result, output)
    count = len(result["decisions"])
    said = [
        f"Asked: {_wanted(result)} of {reading.model_name(result)} by choosing "
        f"{count:,} input{'s' if count > 1 else ''} within their ranges; answered by "
        f"{metadata['method']} in {result['evaluations']:,} evaluations.",
        f"{output} is {told(result['value'], unit)} at the best point"
        + (f"; today it is {told(today, unit)}." if today is not None else "."),
    ]
    some = [f"{r['id']} = {told(r['value'], r['unit'])}" for r in result["decisions"]]
    more = f" and {len(some) - 6} more" if len(some) > 6 else ""
    said.append(f"There {', '.join(some[:6])}{more}.")
    if result["improvement"] is not None:
        said.append(f"That is better by {told(result['improvement'], unit)}.")
    active = result["active_constraints"]
    if active:
        said.append(f"What holds it back: {'; '.join(active[:6])}.")
    if len(result.get("solutions") or ()) > 1:
        said.append(f"{len(result['solutions'])} points reach the target.")
    said.append(
        "The search converged: "
        if result["converged"]
        else "The search did not converge, so there may be a better point: "
    )
    said[-1] += f"{result['message']}."
    return said


def _tiles(result: Result) -> list[tuple[str, Any, str]]:
    metadata = result["metadata"]
    output = str(metadata["output"])
    unit = reading.unit_of(result, output)
    found = [
        (f"{output} at the best point", result["value"], unit),
        (f"{output} today", result["baseline"]["value"], unit),
        ("Better by", result["improvement"], unit),
        ("Evaluations", result["evaluations"], ""),
        ("Converged", result["converged"], ""),
    ]
    return [tile for tile in found if tile[1] is not None]


def _tables(result: Result) -> list[ReportTable]:
    metadata, best = result["metadata"], result["best"]
    outputs = [
        {
            "output": name,
            "today": result["baseline"]["outputs"].get(name),
            "at the best point": value,
            "at the model's values": (best.get("outputs_at_model_values") or {}).get(
                name
            ),
            "unit": reading.unit_of(result, name),
        }
        for name, value in best["outputs"].items()
    ]
    found = [
        reading.table("Decisions", result["decisions"]),
        reading.table("Outputs", outputs),
        reading.table("Constraints", result["constraints"]),
        reading.table("Trace", result["trace"]),
    ]
    if result.get("solutions"):
        rows = [{**one["inputs"], "Value": one["value"]} for one in result["solutions"]]
        heads = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[row.get(head) for head in heads] for row in rows]
        found.append(ReportTable("Solutions", heads, cells))
    drawn = [
        {"id": name, "drawn from": reading.distribution_text(shape)}
        for name, shape in (metadata.get("uncertain_inputs") or {}).items()
    ]
    if drawn:
        found.append(reading.table("Uncertain inputs", drawn))
    names = ("objective", "target", "method", "asked_method", "statistic", "draws")
    pairs = [(name, metadata.get(name)) for name in (*names, "seed", "failed")]
    pairs += [(f"budget {k}", v) for k, v in (metadata.get("budget") or {}).items()]
    return [*found, reading.settings_table(pairs)]


def _sources(metadata: Row, seeking: bool) -> list[tuple[str, str]]:
    method = str(metadata["method"]).lower()
    found = [source for name, source in _SOURCES.items() if name in method]
    return found or ([_SEEK] if seeking else [])


write_page, write_workbook = writers(report)
