"""The answer of `/sensitivity/efficacy`: all scores, and which parts are missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from flask_api.domains.sensitivity.efficacy import efficacy
from flask_api.domains.sensitivity.efficacy.evidence import Evidence

Row = dict[str, Any]

#: What a part needs, for those that miss it.
NEEDS = {
    "accuracy": "sensitivity_data.predictions with validation_data.actual_values, or "
    "answers of /sensitivity/analyze and /price/data for one plant",
    "consistency": "3 points or more",
    "convergence": "sensitivity_data.iterations, 2 errors or more",
    "performance": "points or iterations",
    "stability.value": "2 points or more",
    "stability.price": "2 prices or more (price_data.points, or stored revisions)",
    "stability.correlation": "points with prices, 4 or more that vary",
    "levers": "an answer of /sensitivity/analyze",
}


def scored(evidence: Evidence) -> Row:
    """Keys of the answer, but for what the job adds to `metadata`.

    `metadata.missing` names each part that could not be scored and what it needs;
    `overall_score` is None if all are.
    """
    with np.errstate(all="ignore"):  # an error beside a tiny value may be endless
        return _scored(evidence)


def _scored(evidence: Evidence) -> Row:
    accuracy, price_alignment = _accuracy(evidence)
    regular = efficacy.mean([efficacy.consistency(v) for v in evidence.values])
    converged = efficacy.convergence(evidence.error)
    performance = _performance(evidence, converged)
    stability = _stability(evidence)
    steady = efficacy.mean(list(stability.values()))
    confidence_parts = {
        "accuracy": accuracy["score"],
        "consistency": regular,
        "convergence": converged,
        "stability": steady,
    }
    confidence = efficacy.weighted(confidence_parts, efficacy.CONFIDENCE)
    parts = {
        "accuracy": accuracy["score"],
        "performance": performance["score"],
        "stability": steady,
        "confidence": confidence,
    }
    found = [asdict(lever) for lever in efficacy.levers(evidence.effects)]
    parts_of_stability = {f"stability.{k}": v for k, v in stability.items()}
    told = {**confidence_parts, **parts, **parts_of_stability}
    missing = [
        {"part": name, "needs": need}
        for name, need in NEEDS.items()
        if (not found if name == "levers" else told[name] is None)
    ]
    return {
        "overall_score": efficacy.weighted(parts, efficacy.OVERALL),
        "confidence_score": confidence,
        "stability_score": steady,
        "accuracy_metrics": {
            **accuracy,
            "consistency": regular,
            "price_alignment": price_alignment,
        },
        "performance_metrics": performance,
        "validation_results": _validation(evidence),
        "levers": found,
        "metadata": {
            "data_points": evidence.points,
            "validation_performed": evidence.actual.size > 0,
            "parts": parts,
            "parts_of_confidence": confidence_parts,
            "parts_of_stability": stability,
            "weights": efficacy.OVERALL,
            "weights_of_confidence": efficacy.CONFIDENCE,
            "missing": missing,
        },
    }


def _accuracy(evidence: Evidence) -> tuple[Row, float | None]:
    """Errors with their score, and how prices go with values."""
    alignment = None
    if evidence.paired:
        alignment = efficacy.correlation(evidence.values[0], evidence.prices)
        alignment = None if alignment is None else max(0.0, alignment)
    found = None
    if evidence.actual.size:
        found = efficacy.errors(evidence.predictions, evidence.actual)
    elif evidence.compared is not None:
        one, other = (np.array([price]) for price in evidence.compared)
        found = efficacy.errors(one, other)
        alignment = found.score
    if found is None:
        return dict.fromkeys(("mae", "rmse", "mape", "r_squared", "score")), alignment
    return {**asdict(found), "score": found.score}, alignment


def _performance(evidence: Evidence, converged: float | None) -> Row:
    points, seconds = evidence.points, evidence.seconds
    complete = evidence.answered / points if points else None
    together = np.concatenate([*evidence.values, np.empty(0)])
    changes = np.diff(evidence.error)
    return {
        "convergence": converged,
        "convergence_rate": float(changes.mean()) if changes.size else None,
        "completeness": complete,
        "value_range": float(np.ptp(together)) if together.size else None,
        "value_std": float(together.std()) if together.size else None,
        "points_per_second": points / seconds if points and seconds else None,
        "score": efficacy.mean([converged, complete]),
    }


def _stability(evidence: Evidence) -> dict[str, float | None]:
    """1 / (1 + cv) of the values, the prices, and of how they go together."""
    together = None
    if evidence.paired:
        rolling = efficacy.rolling_correlations(evidence.values[0], evidence.prices)
        together = efficacy.steadiness(rolling)
    return {
        "value": efficacy.mean([efficacy.steadiness(v) for v in evidence.values]),
        "price": efficacy.steadiness(evidence.prices),
        "correlation": together,
    }


def _validation(evidence: Evidence) -> Row:
    """Errors, paired test and directions; nulls where nothing came to compare with."""
    predicted, actual = evidence.predictions, evidence.actual
    found = efficacy.errors(predicted, actual) if actual.size else None
    test = efficacy.paired_test(predicted, actual)
    trends = evidence.trends
    if not trends[0]:
        trends = (efficacy.directions(predicted), efficacy.directions(actual))
    return {
        "prediction_metrics": {
            key: None if found is None else getattr(found, key)
            for key in ("mae", "rmse", "mape")
        },
        "statistical_tests": {
            "t_statistic": None if test is None else test.t_statistic,
            "p_value": None if test is None else test.p_value,
        },
        "trend_accuracy": efficacy.agreement(*trends),
    }
