"""Sections of a report about methods that give each input an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_api.documents.pictures import (
    MOST_BARS,
    Bars,
    Heat,
    Picture,
    Plane,
    Series,
    Spot,
)
from flask_api.documents.report_parts import ReportTable, Section
from flask_api.domains.sensitivity.files.reading import (
    Result,
    Row,
    interval,
    leader,
    table,
    told,
    unit_of,
    with_unit,
)
from flask_api.domains.sensitivity.files.words import INDICES, OUTPUT, Words

#: Outputs that have pictures; tables have all.
MOST_OUTPUTS = 4
#: Pairs named in the summary of second order.
MOST_PAIRS = 3
#: sigma / mu* up to which effects are called linear, monotone, almost monotone.
_GUIDES = ((0.1, "linear: 0.1"), (0.5, "monotone: 0.5"), (1.0, "almost: 1"))


def sections(result: Result) -> list[Section]:
    """Pictures of each output's indices."""
    outputs = result["outputs"]
    made = [
        _section(result, output, outputs[output], alone=len(outputs) == 1)
        for output in list(outputs)[:MOST_OUTPUTS]
    ]
    return made


def _section(result: Result, output: str, part: Row, *, alone: bool) -> Section:
    words = INDICES[result["method"]]
    ranked = [row["id"] for row in part["ranking"]]
    pictures = list(_bars(result, output, part, ranked, words))
    if result["method"] == "morris":
        made = _plane(result, output, part, ranked)
        pictures = [made, *pictures] if made is not None else pictures
    pairs = part["indices"].get("second")
    if pairs:
        pictures.append(_pairs_picture(output, pairs, ranked))
    title = words.title if alone else f"{words.title}: {output}"
    notes = [_whiskers(part)] if _has_intervals(part, words) else []
    return Section(title, (), pictures, [*notes, *_noise_note(part)])


def _bars(
    result: Result, output: str, part: Row, ranked: list[str], words: Words
) -> list[Picture]:
    """The indices side by side; those of another unit in a picture of their own."""
    drawn = ranked[:MOST_BARS]
    unit = words.unit
    if unit == OUTPUT:
        unit = with_unit(output, unit_of(result, output))
    names = [name for name in words.indices if name in part["indices"]]
    together = [n for n in names if n not in ("second", "derivative")]
    found = [_series(part, name, words, drawn) for name in together]
    title = f"{' and '.join(series.name for series in found)} of {output}"
    left = len(ranked) - len(drawn)
    return [Bars(title, unit, drawn, found, _marks(part), left)]


def _series(part: Row, name: str, words: Words, ids: list[str]) -> Series:
    rows = [part["indices"][name].get(id) or {} for id in ids]
    return Series(
        words.indices[name],
        [row.get("value") for row in rows],
        [row.get("lower") for row in rows],
        [row.get("upper") for row in rows],
    )


def _marks(part: Row) -> list[tuple[str, float]]:
    """What an input without any effect would get."""
    found = []
    noise = (part.get("noise") or {}).get("median")
    if noise and noise.get("upper") is not None:
        found.append(("noise of the median", float(noise["upper"])))
    dummy = part.get("dummy")
    if dummy and dummy.get("upper") is not None:
        found.append(("delta without effect", float(dummy["upper"])))
    return found


def _noise_note(part: Row) -> list[str]:
    return (
        ["Left of the dashed line an index could be chance alone."]
        if _marks(part)
        else []
    )


def _has_intervals(part: Row, words: Words) -> bool:
    return any(
        row.get("lower") is not None and row["lower"] != row["upper"]
        for name in words.indices
        for row in _values(part["indices"].get(name))
    )


def _values(rows: Any) -> list[Row]:
    if isinstance(rows, Mapping):
        return list(rows.values())
    return list(rows or ())


def _whiskers(part: Row) -> str:
    level = part.get("confidence")
    said = "interval" if level is None else f"{100 * level:g} % interval"
    how = f" ({part['interval']})" if part.get("interval") else ""
    return f"Whiskers: {said}{how}."


def _plane(result: Result, output: str, part: Row, ranked: list[str]) -> Picture | None:
    """mu* against sigma."""
    by_id = _details(result, output)
    spots = []
    for id in ranked[:MOST_BARS]:
        x = part["indices"]["mu_star"][id]["value"]
        y = (by_id.get(id) or {}).get("sigma")
        if x is not None and y is not None:
            spots.append(Spot(id, x, y))
    if not any(spot.x > 0 for spot in spots):
        return None
    unit = unit_of(result, output)
    return Plane(
        f"Morris plane of {output}",
        with_unit("mu*", unit),
        with_unit("sigma", unit),
        spots,
        [(name, slope) for slope, name in _GUIDES],
        len(ranked) - len(spots),
    )


def _details(result: Result, output: str) -> dict[str, Row]:
    """Further values of each input for one output."""
    if "parameter_id" in result:
        parts = {result["parameter_id"]: result["results"]}
    else:
        parts = result["results"]
    if output == result["metadata"]["output"]:
        return dict(parts)
    return {
        id: (part.get("outputs") or {}).get(output) or {} for id, part in parts.items()
    }


def _pairs_picture(output: str, pairs: list[Row], ranked: list[str]) -> Heat:
    ids = ranked[:MOST_BARS]
    at = {(row["id"], row["with"]): row["value"] for row in pairs}
    values = [[at.get((one, two), at.get((two, one))) for two in ids] for one in ids]
    left = len(ranked) - len(ids)
    title = f"Second order indices of {output}"
    return Heat(
        title, "share of the variance", "input", "input", ids, ids, values, left
    )


def summary(result: Result) -> list[str]:
    """Which input matters most by this method, and how sure that is."""
    words, metadata = INDICES[result["method"]], result["metadata"]
    output, ranked = str(metadata["output"]), [r["id"] for r in result["ranking"]]
    part = result["outputs"][output]
    name = next(iter(words.indices))
    rows = [part["indices"][name].get(id) or {} for id in ranked]
    if not rows or rows[0].get("value") is None:
        return [f"No input has a {words.indices[name]} for {output}."]
    unit = unit_of(result, output) if words.unit == OUTPUT else ""
    said = [
        f"{ranked[0]} matters most for {output}: {words.indices[name]} "
        f"{told(rows[0]['value'], unit)}{interval(rows[0], unit)}."
    ]
    said.append(leader(ranked, rows, part.get("confidence")))
    said += _further(result, part, ranked)
    return [text for text in said if text]


def _further(result: Result, part: Row, ranked: list[str]) -> list[str]:
    """What else this method tells of the output."""
    said = []
    by_id = _details(result, str(result["metadata"]["output"]))
    first = by_id.get(ranked[0]) or {}
    ranks = first.get("ranks") or {}
    if ranks.get("stability") is not None:
        said.append(
            f"It keeps rank {ranks['rank']} in {100 * ranks['stability']:.3g} % of the "
            "resamples."
        )
    if part.get("first_sum") is not None:
        rest = max(0.0, 1 - part["first_sum"])
        said.append(
            f"First order indices add up to {told(part['first_sum'], '', 3)}: about "
            f"{100 * rest:.2g} % of the variance comes from interactions."
        )
    if part.get("r2") is not None:
        said.append(f"The fitted line explains R2 = {told(part['r2'], '', 4)}.")
    weak = [id for id in ranked if _weak(by_id.get(id) or {})]
    if weak:
        some = ", ".join(weak[:5]) + (f" and {len(weak) - 5} more" if weak[5:] else "")
        said.append(f"Not told from chance: {some}.")
    pairs = [row for row in part["indices"].get("second") or () if _sure(row)]
    pairs.sort(key=lambda row: -row["value"])
    for row in pairs[:MOST_PAIRS]:
        said.append(
            f"{row['id']} and {row['with']} interact: {told(row['value'], '', 3)} of "
            "the variance."
        )
    return said


def _weak(part: Row) -> bool:
    return part.get("above_noise") is False or part.get("above_dummy") is False


def _sure(row: Row) -> bool:
    return row.get("lower") is not None and row["lower"] > 0


def tables(result: Result) -> list[ReportTable]:
    """All indices of all outputs, and what the method says of each input besides."""
    order = ("output", "index", "id", "with", "value", "lower", "upper")
    rows = result["table"]
    keys = dict.fromkeys(key for row in rows for key in row)
    more = [key for key in keys if key not in order]
    found = [table("Indices", rows, [*order, *more])]
    for output, part in result["outputs"].items():
        details = _detail_rows(result, output)
        if any(len(row) > 1 for row in details):
            found.append(table(f"Details of {output}", details))
        facts = [
            {"what": key, "value": value}
            for key, value in part.items()
            if not isinstance(value, list | dict) and value is not None
        ]
        found.append(table(f"Output {output}", facts, ["what", "value"]))
    return found


_APART = ("metadata", "outputs", "baseline_value", "baseline_result", "impact_score")


def _detail_rows(result: Result, output: str) -> list[dict[str, Any]]:
    """Single values of each input that are no index."""
    rows = []
    for id, part in _details(result, output).items():
        row: dict[str, Any] = {"input": id}
        for key, value in part.items():
            if key in _APART or isinstance(value, list):
                continue
            if not isinstance(value, Mapping):
                row[key] = value
            elif key == "ranks":
                row |= value
        rows.append(row)
    return rows
