"""Runs in a worker: `POST /sensitivity/fit`."""

from __future__ import annotations

from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.domains.sensitivity.fitting.answer import answer, live
from flask_api.domains.sensitivity.fitting.schema import FitRequest
from flask_api.numerics.errors import NoSolutionError
from flask_api.numerics.fitting import candidates


def fit(request: FitRequest, progress: Progress, context: Context) -> dict[str, Any]:
    """Distributions that may have made the data, the likeliest first."""
    ends = request.range
    within = None if ends is None else (ends.min, ends.max)
    state = None
    for state in candidates(request.data, request.kinds, within):
        text = f"{state.done} of {state.total} kinds tried"
        progress(state.done, state.total, text, fits=live(state.report()))
    assert state is not None
    report = state.report()
    if not report["fits"]:
        reasons = "; ".join(f"{one['kind']}: {one['reason']}" for one in state.unfit)
        raise NoSolutionError(f"no candidate fits: {reasons}", field="kinds")
    for warning in report["warnings"]:
        progress.warn(warning)
    metadata = {
        "method": "fit",
        "estimates": "maximum likelihood",
        "ranked_by": "aic",
        "warnings": report["warnings"],
    }
    return answer(report, metadata)
