"""Which settings a method takes; others are refused by name, not passed over."""

from __future__ import annotations

from flask_api.domains.sensitivity.methods import LOCAL, Method
from flask_api.domains.sensitivity.schema import AnalyzeRequest
from flask_api.numerics.errors import InputError

#: Settings of every method.
COMMON = ("seed", "outputs")
#: Settings of the methods that move one input at a time.
CURVES = {
    "oat": ("monte_carlo_iterations", "confidence_level"),
    "tornado": ("monte_carlo_iterations", "confidence_level"),
    "spider": ("monte_carlo_iterations", "confidence_level", "percentages"),
}


def refuse_settings(request: AnalyzeRequest, method: Method | None) -> None:
    """InputError for a setting that the request gives and its method does not take.

    method   None = one of those that move one input at a time
    """
    config, name = request.config, request.method
    given = [
        field for field in config.model_fields_set if getattr(config, field) is not None
    ]
    if method is None:
        taken: tuple[str, ...] = CURVES[name]
    else:
        taken = method.settings
        if method is not LOCAL:
            taken = (*taken, "samples", *(("sampling",) if method.samplings else ()))
        if request.type not in ("multipoint", "multiple"):
            raise InputError(
                f"got {request.type}, which draws intervals of curves; method {name} "
                "has no curves: leave out type",
                "type",
            )
    for field in sorted(given):
        if field in (*taken, *COMMON):
            continue
        place = f"config.{field}"
        if field == "correlation":
            raise InputError(
                f"method {name} takes inputs for independent; where they are "
                "correlated use shapley, whose effects keep their meaning, or "
                "/sensitivity/monte-carlo, whose contribution has an own share",
                place,
            )
        offered = ", ".join(sorted((*taken, *COMMON)))
        raise InputError(
            f"is no setting of method {name}, which takes {offered}", place
        )
    if method is None:
        return
    if config.sampling is not None and config.sampling not in method.samplings:
        raise InputError(
            f"got {config.sampling!r}; method {name} takes "
            f"{' or '.join(method.samplings)}",
            "config.sampling",
        )
    if config.samples is not None and config.samples > method.most:
        raise InputError(
            f"got {config.samples:,}; method {name} takes at most {method.most:,}",
            "config.samples",
        )
