"""The answer of a method that judges all inputs, and what is seen of it on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_api.domains.sensitivity.answers import tornado
from flask_api.domains.sensitivity.curves import Entry
from flask_api.domains.sensitivity.methods import Method

#: Inputs that watchers see at most, the strongest: 60 with long names are 14 kB.
LIVE_ROWS = 60
_BOUNDS = ("value", "lower", "upper")


def live(report: Mapping[str, Any], method: Method) -> list[dict[str, Any]]:
    """What is known so far, the strongest input first: for pictures that grow.

    Rows are {id, effect, lower, upper, ...}: the value that inputs are ranked by with
    its bounds, and whatever further single values the method has by input.
    """
    main, *others = method.indices
    further = [*others, *(name for name in method.live if name not in others)]
    rows = []
    for ranked in ranking(report, method)[:LIVE_ROWS]:
        id = ranked["id"]
        at = bounds(_of(report, main, id))
        row = {"id": id, "effect": at["value"]}
        row |= {"lower": at["lower"], "upper": at["upper"]}
        row |= {name: bounds(_of(report, name, id))["value"] for name in further}
        rows.append(row)
    return rows


def ranking(report: Mapping[str, Any], method: Method) -> list[dict[str, Any]]:
    """[{id, effect}], the largest size first, unknown ones last."""
    if "ranking" in report:
        found: list[dict[str, Any]] = report["ranking"]
        return found
    main = next(iter(method.indices))
    rows = [
        {"id": id, "effect": bounds(value)["value"]}
        for id, value in report[main].items()
    ]
    return sorted(
        rows,
        key=lambda row: -abs(row["effect"]) if row["effect"] is not None else 1.0,
    )


def bounds(value: Any) -> dict[str, Any]:
    """A value with its bounds, None where it has none."""
    if isinstance(value, Mapping):
        return {**dict.fromkeys(_BOUNDS), **value}
    return {"value": value, "lower": None, "upper": None}


def _of(report: Mapping[str, Any], name: str, id: str) -> Any:
    return (report.get(name) or {}).get(id)


def indices(report: Mapping[str, Any], method: Method) -> dict[str, Any]:
    """{name: {input: {value, lower, upper}}}; `second` is [{id, with, value, ...}]."""
    found: dict[str, Any] = {
        shown: {id: bounds(value) for id, value in report[name].items()}
        for name, shown in method.indices.items()
    }
    if "second" in report:
        pairs = report["second"]
        found["second"] = None if pairs is None else [_pair(row) for row in pairs]
    return found


def _pair(row: Mapping[str, Any]) -> dict[str, Any]:
    one, other = row["ids"]
    rest = {key: value for key, value in row.items() if key != "ids"}
    return {"id": one, "with": other, **rest}


def _table(output: str, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The indices again, row by row."""
    for name, rows in found.items():
        head = {"output": output, "index": name}
        if isinstance(rows, Mapping):
            for id, row in rows.items():
                yield {**head, "id": id, "with": None, **row}
        for row in rows if isinstance(rows, list) else ():
            yield {**head, **row}


def _summary(report: Mapping[str, Any], method: Method) -> dict[str, Any]:
    """What the report says of the output as a whole."""
    apart = {*method.by_input, "ranking", "second", "notes"}
    return {key: value for key, value in report.items() if key not in apart}


def _named(report: Mapping[str, Any], method: Method, id: str) -> dict[str, Any]:
    """What the report says of one input or group."""
    shown = {name: method.indices.get(name, name) for name in method.by_input}
    return {shown[name]: _of(report, name, id) for name in method.by_input}


def method_answer(
    name: str,
    method: Method,
    entries: Mapping[str, Entry],
    reports: Mapping[str, Mapping[str, Any]],
    metadata: Mapping[str, Any],
    only: str | None,
) -> dict[str, Any]:
    """Answer of `/sensitivity/analyze`; its figures are those of the first output.

    entries   the ends of each input's range, by id
    reports   of the method, by output
    only      id of a single `parameter`: its keys then stand directly under `results`
    """
    first, *more = reports
    ids = list(dict.fromkeys([*entries, *reports[first][next(iter(method.indices))]]))
    results: dict[str, Any] = {}
    for id in ids:
        result = dict(entries[id].result) if id in entries else {}
        beside = result.pop("outputs", {})
        result |= _named(reports[first], method, id)
        if more:
            result["outputs"] = {
                output: {
                    **beside.get(output, {}),
                    **_named(reports[output], method, id),
                }
                for output in reports
            }
        results[id] = result
    found = {output: indices(report, method) for output, report in reports.items()}
    return {
        **({} if only is None else {"parameter_id": only}),
        "method": name,
        "results": results if only is None else results[only],
        "ranking": ranking(reports[first], method),
        "tornado": tornado(entries),
        "indices": found[first],
        "outputs": {
            output: {
                "ranking": ranking(report, method),
                "indices": found[output],
                **_summary(report, method),
            }
            for output, report in reports.items()
        },
        "table": [row for output in reports for row in _table(output, found[output])],
        "metadata": dict(metadata),
    }
