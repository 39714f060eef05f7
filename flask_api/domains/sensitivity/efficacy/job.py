"""Runs in a worker: the answer of `POST /sensitivity/efficacy`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from flask_api.analysis import Context, Progress
from flask_api.domains.sensitivity.efficacy.answer import scored
from flask_api.domains.sensitivity.efficacy.evidence import (
    Evidence,
    baseline_price,
    direction,
    of_analysis,
    of_price_data,
    of_series,
    with_validation,
)
from flask_api.domains.sensitivity.efficacy.schema import (
    EarlierJob,
    EfficacyRequest,
    PriceSeries,
    SensitivitySeries,
)
from flask_api.errors import Conflict
from flask_api.numerics.errors import InputError


def efficacy(
    request: EfficacyRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Scores of an analysis, and what of them is missing."""
    progress(0, 2, "reading")
    evidence, forms = _evidence(request, context)
    evidence = _validated(request, evidence)
    progress(1, 2, f"{evidence.points:,} points read")
    answer = scored(evidence)
    if answer["overall_score"] is None:
        raise InputError(
            "there is nothing to score: give 2 points or more, predictions with "
            "actual values, iterations, or an answer of /sensitivity/analyze",
            "sensitivity_data",
        )
    warnings = [f"{m['part']}: missing; it needs {m['needs']}" for m in _told(answer)]
    for warning in warnings:
        progress.warn(warning)
    answer["metadata"] |= {"forms": forms, "warnings": warnings}
    progress(2, 2, "scored", overall_score=answer["overall_score"])
    return answer


def _told(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = answer["metadata"]["missing"]
    return found


def _evidence(
    request: EfficacyRequest, context: Context
) -> tuple[Evidence, dict[str, str]]:
    """What both kinds of data tell together, and in which form each came."""
    given, prices = request.sensitivity_data, request.price_data
    history: list[float | None] = []
    price: float | None = None
    form_of_prices = "series"
    if isinstance(prices, PriceSeries):
        history = [point.price for point in prices.points]
    else:
        answer, form_of_prices = _answer(prices, "price_data", context, ("price.data",))
        price, revisions = of_price_data(answer, "price_data")
        history = [float(p) for p in revisions]
    if isinstance(given, SensitivitySeries):
        values = [point.value for point in given.points]
        error = np.array([item.error for item in given.iterations])
        if form_of_prices == "series":
            evidence = of_series(values, history, error)
        else:
            evidence = replace(of_series(values, [], error), prices=np.array(history))
        evidence = replace(evidence, seconds=given.computation_time)
        return evidence, {"sensitivity_data": "series", "price_data": form_of_prices}
    answer, form = _answer(given, "sensitivity_data", context, ("sensitivity.analyze",))
    evidence = of_analysis(answer, "sensitivity_data")
    known = np.array([p for p in history if p is not None])
    evidence = replace(evidence, prices=known)
    own = baseline_price(answer, "sensitivity_data")
    if own is not None and price is not None:
        evidence = replace(evidence, compared=(own, price))
    return evidence, {"sensitivity_data": form, "price_data": form_of_prices}


def _answer(
    given: Any, field: str, context: Context, kinds: tuple[str, ...]
) -> tuple[Mapping[str, Any], str]:
    """The answer that a request holds or names, and which of the two it does."""
    if isinstance(given, EarlierJob):
        return _result(context, given.analysis_id, kinds, f"{field}.analysis_id"), "job"
    whole: dict[str, Any] = given.model_dump()
    return whole, "answer"


def _result(
    context: Context, id: str, kinds: tuple[str, ...], field: str
) -> Mapping[str, Any]:
    """The result of an earlier job, which must be of one of these kinds."""
    source = context.sources[id]
    if source["kind"] not in kinds:
        raise InputError(
            f"{id} is a job of kind {source['kind']}; wanted {' or '.join(kinds)}",
            field,
        )
    data = source["data"]
    if data is None:
        try:
            data = Path(source["path"]).read_bytes()
        except FileNotFoundError:
            raise Conflict(
                f"{field}: the file of this result was removed from the results "
                "folder; run the job again (POST .../rerun)"
            ) from None
    found: dict[str, Any] = orjson.loads(data)
    return found


def _validated(request: EfficacyRequest, evidence: Evidence) -> Evidence:
    came, given = request.validation_data, request.sensitivity_data
    if came is None:
        return evidence
    predictions = trends = None
    if isinstance(given, SensitivitySeries):
        predictions = given.predictions or []
        trends = given.trends
    return with_validation(
        evidence,
        predictions,
        came.actual_values,
        _directions(trends, "sensitivity_data.trends"),
        _directions(came.trends, "validation_data.trends"),
    )


def _directions(trends: list[float | str] | None, field: str) -> list[int] | None:
    if trends is None:
        return None
    return [direction(trend, f"{field}[{i}]") for i, trend in enumerate(trends)]
