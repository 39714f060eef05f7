"""Runs in a worker: answers of `POST /sensitivity/optimize`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.analysis import Context, Progress
from flask_api.domains.price.derivatives import gradient
from flask_api.domains.price.kernel.prices import warm
from flask_api.domains.price.model_files.overriding import choice_name
from flask_api.domains.sensitivity.optimization.answer import (
    answer,
    live,
    refuse_failure,
)
from flask_api.domains.sensitivity.optimization.decisions import Decision, Space
from flask_api.domains.sensitivity.optimization.limits_given import (
    constraint,
    refuse_contradiction,
)
from flask_api.domains.sensitivity.optimization.optimization import optimize as run
from flask_api.domains.sensitivity.optimization.schema import Limit, OptimizeRequest
from flask_api.domains.sensitivity.optimization.search import (
    Budget,
    Goal,
    Search,
    Slopes,
)
from flask_api.domains.sensitivity.optimization.uncertain_objective import (
    Statistic,
    UnderUncertainty,
)
from flask_api.domains.sensitivity.parameters_schema import DRAWN, Parameter
from flask_api.domains.sensitivity.selection import Varied, select
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.domains.sensitivity.studied.studied_plant import StudiedPlant
from flask_api.domains.sensitivity.studied_model import studied
from flask_api.numerics.designs import BLOCK
from flask_api.numerics.distributions import Distribution, make
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model

__all__ = ["optimize", "warm"]

Floats = npt.NDArray[np.float64]

#: Rows of the model that are held at once: points times draws.
HELD = 1 << 20


@dataclass
class Asked:
    """The request with its names and defaults filled in."""

    model: Studied
    varied: list[Varied]
    output: str
    uncertain: dict[str, Varied]
    drawn: dict[str, Distribution]
    statistic: Statistic | None
    seed: int
    notes: list[str] = field(default_factory=list)


def optimize(
    request: OptimizeRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """The inputs at which the objective is best."""
    asked = _asked(request, context)
    for note in asked.notes:
        progress.warn(note)
    ids = {str(item.name): item.id for item in asked.varied}
    total = request.budget.evaluations
    progress(0, total, "model read", output=asked.output, best=None, trace=[])
    told: dict[str, Any] = {"search": None}

    def tell(search: Search | None = None) -> None:
        """Also within a block: what a stop raises here ends the work."""
        told["search"] = search or told["search"]
        known = told["search"]
        if known is not None:
            progress(known.evaluations, total, known.phase, **live(known, ids))

    today = _today(asked)
    space = Space([_decision(item) for item in asked.varied])
    baseline = asked.model.baseline()
    constraints = [
        constraint(
            limit,
            f"constraints[{i}]",
            space,
            asked.model.canonical,
            asked.drawn,
            baseline,
            today,
        )
        for i, limit in enumerate(_limits(request, asked.model))
    ]
    refuse_contradiction(space, constraints, ids)
    wanted = [asked.output, *(c.output for c in constraints if c.output is not None)]
    search = Search(
        space,
        Goal(asked.output, request.objective, request.target),
        constraints,
        _model(asked, list(dict.fromkeys(wanted)), request.config.draws, tell),
        Budget(total, request.budget.seconds),
        watch=tell,
        slopes=_slopes(asked, space),
        block=(
            min(BLOCK, max(1, HELD // request.config.draws))
            if asked.statistic
            else BLOCK
        ),
    )
    progress.phase("searching")
    outcome = run(search, request.method, asked.seed)
    refuse_failure(search, outcome, ids)
    best = outcome.solutions[0] if outcome.solutions else search.best
    assert best is not None
    at_best = _at_best(asked, best.inputs, request.config.draws)
    result = answer(
        search, outcome, asked.varied, today, at_best,
        _metadata(request, asked), asked.notes,
    )  # fmt: skip
    if not outcome.converged:
        progress.warn(asked.notes[-1])
    progress(total, total, outcome.message, **live(search, ids))
    return result


# -- what is asked -----------------------------------------------------------------


def _asked(request: OptimizeRequest, context: Context) -> Asked:
    model = studied(request, context)
    items = [(request.field(i), item) for i, item in enumerate(request.items())]
    for place, item in items:
        _refuse_what_is_no_decision(model, item, place)
    if request.output is not None:
        output = model.output_name(request.output, "output")
    else:
        output = _compared(model, items)
    varied, notes = select(model, [(p, item, None) for p, item in items], output)
    statistic = _statistic(request)
    uncertain = _uncertain(request, model, {str(v.name): v.id for v in varied})
    drawn = {name: item.assumed for name, item in uncertain.items()}
    if statistic is not None:
        chosen = {item.name for item in varied}
        for name, entry in model.inputs.items():
            if entry.distribution is not None and name not in {*chosen, *drawn}:
                place = f"inputs.{name}.distribution"
                drawn[name] = make(entry.distribution, place)
        if not drawn:
            raise InputError(
                "nothing is uncertain: list inputs in `uncertain`, or leave out "
                "statistic",
                "config.statistic",
            )
    given = request.config.seed
    seed = context.seed if given is None else given
    notes = [*model.notes, *notes]
    return Asked(model, varied, output, uncertain, drawn, statistic, seed, notes)


def _refuse_what_is_no_decision(model: Studied, item: Parameter, place: str) -> None:
    if not item.enabled:
        return
    choice = item.id is not None and model.find(item.id) is None
    if (
        item.id is not None
        and choice
        and (item.type != "numeric" or choice_name(item.id) is not None)
    ):
        raise InputError(
            f"{item.id} is a choice, not a number, and can't be searched; compare its "
            "values with /sensitivity/analyze",
            f"{place}.id",
        )
    if item.distribution is not None or item.mode in DRAWN:
        raise InputError(
            f"{item.id} can't be chosen and drawn at once: give it a range here, or "
            "its distribution in `uncertain`",
            f"{place}.distribution" if item.distribution else f"{place}.mode",
        )


def _limits(request: OptimizeRequest, model: Studied) -> list[Limit]:
    """The constraints, their outputs under the names the model gives them."""
    found = []
    for i, limit in enumerate(request.constraints):
        if limit.output is not None:
            name = model.output_name(limit.output, f"constraints[{i}].output")
            limit = limit.model_copy(update={"output": name})
        found.append(limit)
    return found


def _compared(model: Studied, items: Sequence[tuple[str, Parameter]]) -> str:
    """The output that the parameters are compared with, else the model's first."""
    found = {
        model.output_name(item.compare_to_key, f"{place}.compareToKey")
        for place, item in items
        if item.enabled and item.compare_to_key
    }
    if len(found) > 1:
        raise InputError(
            f"the parameters are compared with {' and '.join(sorted(found))}; a search "
            "has one objective: give `output`",
            "output",
        )
    return found.pop() if found else model.outputs[0]


def _statistic(request: OptimizeRequest) -> Statistic | None:
    config = request.config
    if config.statistic is None and not request.uncertain:
        return None
    return Statistic(config.percentile)


def _uncertain(
    request: OptimizeRequest, model: Studied, chosen: Mapping[str, str]
) -> dict[str, Varied]:
    """Inputs that are drawn because the request says so, by canonical name."""
    if not request.uncertain:
        return {}
    items = [
        (
            f"uncertain[{i}]",
            item,
            item.distribution.as_mapping() if item.distribution is not None else None,
        )
        for i, item in enumerate(request.uncertain)
    ]
    found: dict[str, Varied] = {}
    for item in select(model, items)[0]:
        if item.name is None:
            raise InputError(f"{item.id} is a choice and can't be drawn", item.field)
        if item.name not in chosen:
            found[item.name] = item
        elif item.id in {given.id for given in request.uncertain}:
            raise InputError(
                f"{item.id} can't be chosen and drawn at once: leave it out here or in "
                "`parameters`",
                f"{item.field}.id",
            )
    return found


def _decision(item: Varied) -> Decision:
    assert item.name is not None and item.baseline is not None
    return Decision(item.name, item.low, item.high, item.baseline, item.integer)


# -- the model ---------------------------------------------------------------------


def _model(
    asked: Asked, outputs: Sequence[str], draws: int, between: Callable[[], None]
) -> Model:
    def plain(x: Mapping[str, Floats]) -> Mapping[str, Floats]:
        return asked.model.evaluate(x, outputs, between)

    if asked.statistic is None:
        return plain
    return UnderUncertainty(plain, asked.drawn, draws, asked.seed, asked.statistic)


def _slopes(asked: Asked, space: Space) -> Slopes | None:
    """Exact slopes of the price, where it is what counts and nothing is drawn."""
    model = asked.model
    if not isinstance(model, StudiedPlant) or asked.statistic is not None:
        return None
    if asked.output != "price":
        return None

    def slopes(x: Mapping[str, Floats]) -> tuple[Floats, Mapping[str, Floats]]:
        return gradient(model.plant, space.names, x)

    return slopes


def _today(asked: Asked) -> dict[str, float]:
    """All outputs at the model's own values."""
    found = asked.model.evaluate({}, asked.model.outputs)
    return {name: float(column[0]) for name, column in found.items()}


def _at_best(
    asked: Asked, inputs: Mapping[str, float], draws: int
) -> dict[str, dict[str, float]]:
    """All outputs at a point, and those without uncertainty beside them."""
    x = {name: np.array([value]) for name, value in inputs.items()}

    def outputs(model: Model) -> dict[str, float]:
        return {name: float(column[0]) for name, column in model(x).items()}

    def plain(rows: Mapping[str, Floats]) -> Mapping[str, Floats]:
        return asked.model.evaluate(rows, asked.model.outputs)

    if asked.statistic is None:
        return {"outputs": outputs(plain)}
    drawn = UnderUncertainty(plain, asked.drawn, draws, asked.seed, asked.statistic)
    return {"outputs": outputs(drawn), "outputs_at_model_values": outputs(plain)}


# -- the answer's metadata ---------------------------------------------------------


def _metadata(request: OptimizeRequest, asked: Asked) -> dict[str, Any]:
    model, statistic = asked.model, asked.statistic
    draws = request.config.draws if statistic is not None else 1
    said = [
        f"{item.id}: neither request nor model gives a range; 20 % either side"
        for item in asked.varied
        if item.origin == "default"
    ]
    said += [
        f"{item.id}: drawn uniformly, 20 % either side of its value"
        for item in asked.uncertain.values()
        if item.origin == "default"
    ]
    if len(asked.drawn) > 1:
        said.append("the uncertain inputs vary independently of each other")
    return {
        "objective": request.objective,
        "target": request.target,
        "asked_method": request.method,
        "seed": asked.seed,
        "budget": request.budget.model_dump(),
        "statistic": None if statistic is None else str(statistic),
        "draws": draws,
        "uncertain_inputs": {n: d.as_mapping() for n, d in asked.drawn.items()},
        "model": dict(model.identity),
        "units": {name: model.units[name] for name in model.outputs},
        "inputs": {
            item.id: {
                "name": item.name,
                "unit": item.unit,
                "integer": item.integer,
                "range_origin": item.origin,
            }
            for item in asked.varied
        },
        "assumptions": said,
    }
