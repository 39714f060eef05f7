"""Runs in a worker: answers of `GET /sensitivity/derivatives/<parameter>`."""

from __future__ import annotations

from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.inputs import canonical
from flask_api.domains.price.model_choice import stored_models
from flask_api.domains.sensitivity.derivatives.schema import DerivativesRequest
from flask_api.domains.sensitivity.derivatives.slopes import answer, grid


def derivatives(
    request: DerivativesRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """First and second derivative of the price, and cross effects of one input."""
    name = canonical(request.parameter, field="parameter")
    model = load(
        *request.chosen(),
        context.models_dir,
        stored_models(context),
        place=request.place,
    )
    model.refuse_fixed(name, field="parameter")
    where = grid(model, name, request.points, request.min, request.max)
    progress(0, 3, "model read")
    warnings: list[str] = []

    def tell(done: int, message: str) -> None:
        progress(done, 3, message)

    def warn(message: str) -> None:
        warnings.append(message)
        progress.warn(message)

    found = answer(model, name, where, tell, warn)
    progress(3, 3, "derivatives found")
    found["metadata"]["warnings"] = warnings
    return {
        "parameter": request.parameter,
        "version": model.version,
        "extension": model.extension,
        **found,
    }
