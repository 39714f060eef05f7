"""Spider: every input moved by the same percentages of its value, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from flask_api.domains.sensitivity.curves import Entry
from flask_api.domains.sensitivity.selection import Varied
from flask_api.domains.sensitivity.studied.model import Possible
from flask_api.numerics.errors import InputError

#: Changes in % where the request gives none.
PERCENTAGES = (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0)


def in_percent(
    item: Varied, percentages: Sequence[float], possible: Possible
) -> tuple[Varied, list[float]]:
    """The input with these points, and the percentages that it can't be moved by.

    Raises InputError for an input that is 0, and where fewer than two points are left.
    """
    x0 = float(item.baseline or 0.0)
    if x0 == 0:
        raise InputError(
            f"{item.id} is 0 in this model, and percentages of 0 are 0; leave it out, "
            "or use method oat with a range",
            item.field,
        )
    values, left_out = [], []
    for percent in percentages:
        value = x0 * (1 + percent / 100)
        value = float(round(value)) if item.integer else value
        if not possible.allows(value):
            left_out.append(percent)
        elif value not in values:
            values.append(value)
    if len(values) < 2:
        raise InputError(
            f"{item.id} can't be moved by these percentages of {x0:g}: want "
            f"{possible.bounds}",
            "config.percentages",
        )
    low, high = min(values), max(values)
    moved = replace(item, values=tuple(values), low=low, high=high, origin="percent")
    moved = replace(moved, ends_from="percent")
    return moved, left_out


def with_percentages(entry: Entry, item: Varied, percentages: Sequence[float]) -> Entry:
    """The curve's points with the change of the input and of the output in %.

    The input's is the percentage that was asked for, where no whole number was taken in
    its place.
    """
    x0 = float(item.baseline or 0.0)
    asked = {x0 * (1 + percent / 100): percent for percent in percentages}
    for part in _parts(entry.result):
        y0 = part["baseline_result"]
        for point in part["sensitivity_curve"]:
            y = point["result"]
            value = point["value"]
            point["change"] = asked.get(value, 100 * (value - x0) / x0)
            known = y is not None and y0
            point["result_change"] = 100 * (y - y0) / abs(y0) if known else None
    return entry


def _parts(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The curve of the first output, and those of the others where there are some."""
    first = result["sensitivity_curve"]
    yield result
    for part in result.get("outputs", {}).values():
        if part["sensitivity_curve"] is not first:
            yield part
