"""What answers of sensitivity say, in the words and tables of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_api.documents.numbers import figures, shown
from flask_api.documents.report_parts import ReportTable

Result = Mapping[str, Any]
Row = Mapping[str, Any]


def model_name(result: Result) -> str:
    """Which model was asked, for the line above the title."""
    model = (result.get("metadata") or {}).get("model") or {}
    if "formulas" in model:
        formulas = [f"{name} = {text}" for name, text in model["formulas"].items()]
        told = "; ".join(formulas)
        return f"{model.get('title') or 'Formula'}: {_shortened(told, 120)}"
    extension = f", extension {model['extension']}" if model.get("extension") else ""
    title = f"{model['title']} (" if model.get("title") else ""
    end = ")" if title else ""
    return f"{title}model version {model.get('version')}{extension}{end}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def unit_of(result: Result, output: str) -> str:
    """The unit of an output, empty where it has none."""
    units = (result.get("metadata") or {}).get("units") or {}
    return str(units.get(output) or "")


def with_unit(name: str, unit: str) -> str:
    """A name for an axis or a head, with its unit where it has one."""
    return f"{name}, {unit}" if unit else name


def told(value: Any, unit: str = "", digits: int = 5) -> str:
    """A value in a sentence, with its unit."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = figures(value, digits) if number else shown(value)
    return f"{text} {unit}".strip()


def interval(row: Row, unit: str = "") -> str:
    """` (from a to b)`, or nothing where the row has no interval."""
    low, high = row.get("lower"), row.get("upper")
    if low is None or high is None or told(low) == told(high):
        return ""
    return f" (from {told(low)} to {told(high, unit)})"


def results_by_id(result: Result) -> dict[str, Row]:
    """The part of each input, also where a single one stands alone."""
    found = result.get("results") or {}
    if "parameter_id" in result:
        return {str(result["parameter_id"]): found}
    return dict(found)


def table(
    title: str, rows: Iterable[Row], columns: Sequence[str] | None = None
) -> ReportTable:
    """Flat rows of an answer as a table; None: all columns, as rows first have them."""
    rows = list(rows)
    if columns is None:
        columns = list(dict.fromkeys(key for row in rows for key in row))
    heads = [words(name) for name in columns]
    return ReportTable(title, heads, [[row.get(c) for c in columns] for row in rows])


def words(name: str) -> str:
    """A key of an answer as a head: `rank_correlation` -> `Rank correlation`."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def distribution_text(described: Any) -> str:
    """`normal(mean 200000, std 20000)`; long lists of data are counted."""
    if not isinstance(described, Mapping):
        return shown(described)
    parts = []
    for key, value in described.items():
        if key == "kind":
            continue
        if isinstance(value, list) and len(value) > 4:
            parts.append(f"{len(value):,} {key}")
        elif isinstance(value, Mapping):
            parts.append(f"{key} {distribution_text(value)}")
        elif isinstance(value, list):
            parts.append(f"{key} {', '.join(told(each) for each in value)}")
        else:
            parts.append(f"{key} {told(value)}")
    return f"{described.get('kind')}({', '.join(parts)})"


def inputs_table(result: Result) -> ReportTable:
    """What was varied and how, from the answer's `metadata.inputs`."""
    given = (result.get("metadata") or {}).get("inputs") or {}
    heads = ("Input", "Name", "Today", "Unit", "Drawn from", "Said by")
    rows = [
        (
            id,
            item.get("name"),
            item.get("baseline"),
            item.get("unit"),
            distribution_text(item["distribution"]) if "distribution" in item else None,
            item.get("origin"),
        )
        for id, item in given.items()
    ]
    return ReportTable("Inputs", heads, rows)


def settings_table(pairs: Iterable[tuple[str, Any]]) -> ReportTable:
    """What was asked besides the inputs; without what was left open."""
    rows = [
        (words(name), value) for name, value in pairs if value not in (None, "", {})
    ]
    return ReportTable("Settings", ("Setting", "Value"), rows)


def leader(names: Sequence[str], rows: Sequence[Row], confidence: float | None) -> str:
    """How sure it is that the first input leads: by its interval and the second's."""
    if len(names) < 2:
        return ""
    if any(row.get("lower") is None or row.get("upper") is None for row in rows[:2]):
        return ""
    if all(row["lower"] == row["upper"] for row in rows[:2]):  # exact
        return ""
    level = "" if confidence is None else f"{100 * confidence:g} % "
    first, second = (sorted(_sizes(row)) for row in rows[:2])
    if first[0] > second[1]:
        return (
            f"It leads clearly: the {level}intervals of {names[0]} and {names[1]} "
            "don't overlap."
        )
    return (
        f"It can't be told from {names[1]} for certain: their {level}intervals "
        "overlap. More samples would narrow them."
    )


def _sizes(row: Row) -> tuple[float, float]:
    """Ends of the interval of the size: signs don't count."""
    low, high = float(row["lower"]), float(row["upper"])
    if low <= 0 <= high:
        return 0.0, max(-low, high)
    return abs(low), abs(high)
