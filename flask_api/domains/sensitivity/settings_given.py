"""Which settings a method takes; others are refused by name, not passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask_api.domains.sensitivity.methods import LOCAL, Method
from flask_api.domains.sensitivity.parameters_schema import Part
from flask_api.domains.sensitivity.schema import AnalyzeRequest
from flask_api.domains.sensitivity.studied_model import Start
from flask_api.domains.sensitivity.sub_range import SubRanges, restricted
from flask_api.numerics.errors import InputError

#: Settings of every method.
COMMON = ("seed", "outputs")
#: Settings of every method that draws inputs.
OF_DRAWS = ("within",)
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
            designs = ("sampling",) if method.samplings else ()
            taken = (*taken, "samples", *designs, *OF_DRAWS)
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
                "correlated use shapley, whose effects still add up, or prcc, src, "
                "pawn or delta, which judge a correlated sample",
                place,
            )
        if field == "within":
            raise InputError(
                f"method {name} draws no inputs, so that there is nothing to restrict; "
                "give the parameter that part as its `range`, or use a method from "
                "morris on",
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


def within(
    start: Start, given: Mapping[str, Part] | None, correlated: Sequence[str]
) -> tuple[Start, SubRanges | None]:
    """The same start with inputs restricted to the parts in `config.within`.

    correlated   inputs that vary together with others, by id

    Raises InputError for an input that does not vary or is given twice, for one that is
    correlated, and for a part in which no draw lies.
    """
    if given is None:
        return start, None
    parts: dict[str, Part] = {}
    for name, part in given.items():
        place = f"config.within.{name}"
        id = start.id_of(name, place)
        if id in parts:
            raise InputError(f"{id} is given twice; give it once", place)
        if id in correlated:
            raise InputError(
                f"{id} is correlated with other inputs, which would change with a part "
                "of its range; leave it out of correlation or of within",
                place,
            )
        parts[id] = part
    varied, told = restricted(start.varied, parts, "config.within")
    return replace(start, varied=varied), told
