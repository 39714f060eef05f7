"""What there is to score: read from series, or from answers of other analyses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.efficacy.efficacy import Effect
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Numbers beyond are not read: their squares exceed all numbers.
LARGEST = 1e150


def _nothing() -> Floats:
    return np.empty(0)


@dataclass(frozen=True)
class Evidence:
    """What the scores are made of; an empty series = not given.

    values        series of values, or of the results of each input's curve
    prices        series of prices
    paired        value i and price i belong together
    predictions   what was predicted ...
    actual        ... and what came, of one length
    compared      the price that the analysis and the price data each tell, or None
    error         error of each iteration
    points        how many points there are ...
    answered      ... and how many of them have a result
    seconds       that computing them took, or None
    trends        directions, predicted and actual, of one length
    effects       of the inputs
    """

    values: Sequence[Floats] = ()
    prices: Floats = field(default_factory=_nothing)
    paired: bool = False
    predictions: Floats = field(default_factory=_nothing)
    actual: Floats = field(default_factory=_nothing)
    compared: tuple[float, float] | None = None
    error: Floats = field(default_factory=_nothing)
    points: int = 0
    answered: int = 0
    seconds: float | None = None
    trends: tuple[Sequence[int], Sequence[int]] = ((), ())
    effects: Sequence[Effect] = ()


def of_series(
    values: Sequence[float | None], prices: Sequence[float | None], error: Floats
) -> Evidence:
    """Evidence of values and prices, which belong together one by one.

    Points without one of the two are left out of what compares them. Raises InputError
    if both are given and differ in length.
    """
    if values and prices and len(values) != len(prices):
        raise InputError(
            f"sensitivity_data.points has {len(values)} values, price_data.points "
            f"{len(prices)} prices; they belong together one by one, so give as many",
            "price_data.points",
        )
    x, y = _array(values), _array(prices)
    if values and prices:
        both = np.isfinite(x) & np.isfinite(y)
        return Evidence(
            [x[both]], y[both], True, error=error, points=x.size, answered=both.sum()
        )
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    points, answered = len(values) or len(prices), x.size or y.size
    return Evidence([x], y, error=error, points=points, answered=answered)


def of_analysis(answer: Mapping[str, Any], field: str) -> Evidence:
    """Evidence of an answer of `/sensitivity/analyze`.

    field   where it stands in the request; InputError names it where the answer is not
            what that address answers
    """
    entries = _entries(answer, field)
    curves, effects, points = [], [], 0
    for id, entry, place in entries:
        results = _results(entry, place)
        points += results.size
        results = results[np.isfinite(results)]
        curves.append(results)
        effects.append(_effect(id, entry, results, place))
    indexed = list(_indices(answer.get("indices"), f"{field}.indices"))
    if not entries and not indexed:
        raise InputError(
            "holds no curve and no index; give the whole answer of "
            "/sensitivity/analyze, or its analysis_id",
            f"{field}.results",
        )
    return Evidence(
        curves,
        points=points,
        answered=sum(curve.size for curve in curves),
        effects=indexed or effects,
    )


def baseline_price(answer: Mapping[str, Any], field: str) -> float | None:
    """The price at today's values that an answer of `/sensitivity/analyze` tells."""
    for _, entry, _ in _entries(answer, field):
        facts = entry.get("metadata")
        of = facts.get("output") if isinstance(facts, Mapping) else None
        if of in (None, "price"):
            return _number(entry.get("baseline_result"))
    return None


def of_price_data(answer: Mapping[str, Any], field: str) -> tuple[float | None, Floats]:
    """Solved price and price history that an answer of `/price/data` tells."""
    inner = answer.get("price_data")
    if not isinstance(inner, Mapping):
        raise InputError(
            f"{field} is no answer of /price/data: it has no object `price_data`", field
        )
    history = inner.get("price_history") or []
    if not isinstance(history, list):
        raise InputError("is no list", f"{field}.price_data.price_history")
    prices = [_number(r.get("price")) for r in history if isinstance(r, Mapping)]
    known = np.array([price for price in prices if price is not None])
    return _number(inner.get("current_price")), known


def with_validation(
    evidence: Evidence,
    predictions: Sequence[float | None] | None,
    actual: Sequence[float | None],
    trends: Sequence[int] | None,
    actual_trends: Sequence[int] | None,
) -> Evidence:
    """Evidence with what came: `actual` against predictions, or against the curve.

    predictions   None = those are the results of the analysis' one curve

    Raises InputError where two series that belong together differ in length.
    """
    field = "validation_data.actual_values"
    if actual:
        if predictions is None:
            if len(evidence.values) != 1 or evidence.answered != evidence.points:
                raise InputError(
                    "there are no predictions to compare them with; give "
                    "sensitivity_data.predictions, or an analysis of one parameter",
                    field,
                )
            predictions = evidence.values[0].tolist()
        _same_length(predictions, actual, "predictions", field)
        x, y = _array(predictions), _array(actual)
        both = np.isfinite(x) & np.isfinite(y)
        evidence = replace(evidence, predictions=x[both], actual=y[both])
    if trends is not None and actual_trends is not None:
        _same_length(trends, actual_trends, "trends", "validation_data.trends")
        evidence = replace(evidence, trends=(trends, actual_trends))
    return evidence


def _same_length(one: Sequence[Any], other: Sequence[Any], name: str, at: str) -> None:
    if len(one) != len(other):
        raise InputError(
            f"{at} has {len(other)} entries, sensitivity_data.{name} {len(one)}; "
            "they belong together one by one, so give as many",
            at,
        )


def direction(trend: float | str, field: str) -> int:
    """-1, 0 or 1 of a number, or of a word such as `increasing`."""
    if not isinstance(trend, str):
        return int(np.sign(trend))
    for step, words in _WORDS.items():
        if trend.strip().lower() in words:
            return step
    known = ", ".join(sorted(word for words in _WORDS.values() for word in words))
    raise InputError(f"got {trend[:40]!r}; wanted a number or one of {known}", field)


_WORDS = {
    1: {"increasing", "rising", "up"},
    -1: {"decreasing", "falling", "down"},
    0: {"flat", "stable", "constant"},
}


def _entries(
    answer: Mapping[str, Any], field: str
) -> list[tuple[str, Mapping[str, Any], str]]:
    """(id, entry, where) for each input of an analysis."""
    results = answer.get("results")
    if not isinstance(results, Mapping):
        raise InputError("is no object", f"{field}.results")
    if "sensitivity_curve" in results:  # of a single `parameter`
        id = answer.get("parameter_id")
        return [(str(id or "parameter"), results, f"{field}.results")]
    found = []
    for id, entry in results.items():
        place = f"{field}.results.{id}"[:200]
        if not isinstance(entry, Mapping):
            raise InputError("is no object", place)
        if "sensitivity_curve" in entry:
            found.append((str(id), entry, place))
    return found


def _results(entry: Mapping[str, Any], place: str) -> Floats:
    curve = entry["sensitivity_curve"]
    if not isinstance(curve, list) or not all(isinstance(p, Mapping) for p in curve):
        raise InputError("is no list of {value, result}", f"{place}.sensitivity_curve")
    return _array([_number(point.get("result")) for point in curve])


def _effect(id: str, entry: Mapping[str, Any], results: Floats, place: str) -> Effect:
    """Size of an input's effect: by elasticity and range, else by its curve's swing."""
    swing = float(np.ptp(results)) if results.size else 0.0
    y0 = _number(entry.get("baseline_result"))
    relative = _by_elasticity(entry)
    if relative is None and y0:
        relative = swing / abs(y0)
    return Effect(id, relative, swing, _half_width(entry, place))


def _by_elasticity(entry: Mapping[str, Any]) -> float | None:
    facts = entry.get("metadata")
    ends = facts.get("range") if isinstance(facts, Mapping) else None
    if not isinstance(ends, Mapping):
        return None
    low, high = _number(ends.get("min")), _number(ends.get("max"))
    slope, x0 = _number(entry.get("elasticity")), _number(entry.get("baseline_value"))
    if low is None or high is None or slope is None or not x0:
        return None
    return abs(slope) * (high - low) / abs(x0)


def _half_width(entry: Mapping[str, Any], place: str) -> float | None:
    """Mean half-width of the intervals along the curve."""
    rows = entry.get("confidence_intervals") or []
    if not isinstance(rows, list):
        raise InputError("is no list", f"{place}.confidence_intervals")
    widths = [_width(row) for row in rows if isinstance(row, Mapping)]
    known = [width for width in widths if width is not None]
    return sum(known) / len(known) / 2 if known else None


def _indices(indices: Any, place: str) -> Iterator[Effect]:
    """Effects of an analysis by indices: the total ones, else those of first order."""
    if not isinstance(indices, Mapping):
        return
    for order in ("total", "first"):
        rows = indices.get(order)
        if isinstance(rows, Mapping) and rows:
            for id, row in rows.items():
                value = _number(row.get("value")) if isinstance(row, Mapping) else None
                if value is None:
                    raise InputError("has no number `value`", f"{place}.{order}.{id}")
                width = _width(row)
                half = None if width is None else width / 2
                yield Effect(str(id), abs(value), abs(value), half)
            return


def _width(row: Mapping[str, Any]) -> float | None:
    low, high = _number(row.get("lower")), _number(row.get("upper"))
    return None if low is None or high is None else abs(high - low)


def _number(value: Any) -> float | None:
    """A number whose square is one too, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST else None


def _array(values: Sequence[float | None]) -> Floats:
    """The numbers, with NaN where there is none."""
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
