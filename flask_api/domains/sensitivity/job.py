"""Runs the analyses of `schema.py` in a worker: reads, computes, reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from flask_api.analysis import Context, Progress
from flask_api.domains.price.catalogue import load, override
from flask_api.domains.price.kernel import name as kernel_name
from flask_api.domains.price.kernel import warm
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.model_choice import stored_models
from flask_api.domains.sensitivity.answers import (
    analysis_answer,
    pictures,
    short,
    simulation_answer,
    tornado,
)
from flask_api.domains.sensitivity.curves import Entry, choice_entry, numeric_entry
from flask_api.domains.sensitivity.schema import (
    AnalyzeRequest,
    MonteCarloRequest,
    Parameter,
)
from flask_api.domains.sensitivity.selection import Varied, select
from flask_api.errors import NotAvailable
from flask_api.numerics.distributions import Distribution, make
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.numerics.monte_carlo import Simulation, simulate
from flask_api.numerics.quantiles import EXACT
from flask_api.numerics.streams import fresh_seed
from flask_api.numerics.summary import Question

__all__ = ["analyze", "monte_carlo", "warm"]

#: Draws of each input alone, at most: a picture, beside the main run's numbers.
ALONE = 16_384
#: What watchers see at most while it runs: 60 bins are 4 kB, 100 inputs 9 kB.
LIVE_BINS = 60
LIVE_BARS = 100


@dataclass(frozen=True)
class Start:
    """What both analyses begin with."""

    model: PriceModel
    varied: list[Varied]
    warnings: list[str]
    seed: int


def _start(
    request: AnalyzeRequest | MonteCarloRequest,
    progress: Progress,
    context: Context,
    output: str,
) -> Start:
    chosen = request.chosen()
    model = load(
        *chosen, context.models_dir, stored_models(context), place=request.place
    )
    items = [
        (request.field(i), item, _shape(item)) for i, item in enumerate(request.items())
    ]
    varied, warnings = select(model, items, output)
    for warning in warnings:
        progress.warn(warning)
    given = request.config.seed
    return Start(model, varied, warnings, fresh_seed() if given is None else given)


def _shape(item: Parameter) -> dict[str, Any] | None:
    if item.distribution is None:
        return None
    return item.distribution.model_dump(exclude_none=True)


def _refuse(later: Mapping[str, object]) -> None:
    """NotAvailable naming the first field of `later` that the user set."""
    for field, value in later.items():
        if value is not None:
            problem = f"{field} is not offered yet; leave it out"
            raise NotAvailable(problem, details=[{"field": field, "problem": problem}])


def _warn(
    start: Start, progress: Progress, name: str, failed: int, total: int, what: str
) -> None:
    text = f"{name}: {failed} of {total} {what} have no solution and are left out"
    start.warnings.append(text)
    progress.warn(text)


def analyze(
    request: AnalyzeRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Curves, elasticities and the tornado of inputs that move one at a time."""
    config = request.config
    if request.method not in ("oat", "tornado"):
        problem = f"method {request.method!r} is not offered yet; use oat or tornado"
        raise NotAvailable(problem, details=[{"field": "method", "problem": problem}])
    _refuse(
        {
            f"config.{name}": getattr(config, name)
            for name in ("samples", "resamples", "second_order", "groups")
        }
    )
    outputs: list[str] = list(dict.fromkeys(config.outputs or ["price"]))
    start = _start(request, progress, context, outputs[0])
    model, varied = start.model, start.varied
    wanted = list(dict.fromkeys([*outputs, *(v.output for v in varied)]))
    base = _baseline(model, wanted)
    uncertain = _uncertain(start, request.type not in ("multipoint", "multiple"))
    entries: dict[str, Entry] = {}
    progress.phase("curves")

    def tell(done: float, message: str) -> None:
        bars = tornado(entries)[:LIVE_BARS]
        live = {"tornado": bars, "baseline": base[outputs[0]]}
        progress(done, len(varied), message, **live)

    tell(0, "one input at a time")
    for index, item in enumerate(varied):
        if item.choices is not None:
            entry = choice_entry(item, partial(override, start.model), outputs, base)
        else:
            entry = numeric_entry(
                model,
                item,
                base,
                [item.output, *(o for o in outputs if o != item.output)],
                ends_only=request.method == "tornado",
                uncertain=uncertain,
                draws=config.monte_carlo_iterations,
                confidence=config.confidence_level,
                seed=start.seed,
                tick=partial(_tick, tell, index, item.id),
            )
        if entry.failed:
            _warn(start, progress, item.id, entry.failed, entry.points, "points")
        entries[item.id] = entry
        tell(index + 1, item.id)
    only = varied[0].id if request.parameter and len(varied) == 1 else None
    points = max(entry.points for entry in entries.values())
    return analysis_answer(
        start.model,
        varied,
        entries,
        only,
        start.warnings,
        {
            "method": request.method,
            "type": request.type,
            "output": outputs[0],
            "baseline": base,
            "seed": start.seed,
            "kernel": kernel_name(
                max(config.monte_carlo_iterations if uncertain else 0, points)
            ),
            "confidence_level": config.confidence_level,
            "monte_carlo_iterations": config.monte_carlo_iterations,
            "uncertain_inputs": {n: d.as_mapping() for n, d in uncertain.items()},
            "pictures": pictures(request.items()),
        },
    )


def _tick(
    tell: Callable[[float, str], None], index: int, name: str, share: float
) -> None:
    """Report that `share` of the input with this index is done."""
    tell(index + share, name)


def _baseline(model: PriceModel, outputs: Sequence[str]) -> dict[str, float]:
    found = model.evaluate({}, outputs)
    base = {name: float(found[name][0]) for name in outputs}
    for name, value in base.items():
        if not np.isfinite(value):
            if name == "price":
                model.solved_price()  # raises, with the reason
            raise NoSolutionError(
                f"{name} has no solution at the model's own values", field="model"
            )
    return base


def _uncertain(start: Start, all_drawn: bool) -> dict[str, Distribution]:
    """Distributions of what varies behind a curve's points, by canonical name."""
    found: dict[str, Distribution] = {}
    for name, entry in start.model.inputs.items():
        if entry.distribution is not None:
            found[name] = make(entry.distribution, f"inputs.{name}.distribution")
    for item in start.varied:
        if item.name is not None:
            if item.distribution is not None or item.drawn or all_drawn:
                found[item.name] = item.assumed
    return found


def monte_carlo(
    request: MonteCarloRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """The distribution of the outputs when all inputs vary together."""
    config = request.config
    later = config.sampling if config.sampling == "lhs" else None
    _refuse(
        {
            "config.correlation": config.correlation,
            "config.stop": config.stop,
            "config.sampling": later,
        }
    )
    start = _start(request, progress, context, "price")
    for item in start.varied:
        if item.name is None:
            raise InputError(
                f"{item.id} is a choice and can't be drawn; vary it with "
                "/sensitivity/analyze",
                item.field,
            )
    compared = dict.fromkeys(item.output for item in start.varied)
    outputs: list[str] = list(dict.fromkeys(config.outputs or compared))
    target = None if config.target is None else (config.target.op, config.target.value)
    question = Question(
        percentiles=tuple(config.percentiles),
        bins=config.bins,
        target=target,
        confidence=config.confidence_level,
        exact=EXACT // len(outputs),
    )
    alone = min(request.iterations, ALONE) if len(start.varied) > 1 else 0
    total = request.iterations + alone * len(start.varied)
    state = _together(request, start, outputs, question, progress, total)
    per_parameter = {
        item.id: _alone(
            start, item, outputs[0], question, config.sampling, alone, progress,
            request.iterations + alone * index, total, state,
        )
        for index, item in enumerate(start.varied if alone else [])
    }  # fmt: skip
    if not alone:
        only = start.varied[0].id
        per_parameter = {only: short(state.summaries[outputs[0]].report())}
    return simulation_answer(
        start.model,
        start.varied,
        state,
        outputs,
        per_parameter,
        start.warnings,
        {
            "sampling": config.sampling,
            "seed": start.seed,
            "kernel": kernel_name(request.iterations),
            "confidence_level": config.confidence_level,
            "target": None if config.target is None else config.target.model_dump(),
            "per_parameter_draws": min(request.iterations, ALONE),
            "pictures": pictures(request.items()),
        },
    )


def _together(
    request: MonteCarloRequest,
    start: Start,
    outputs: Sequence[str],
    question: Question,
    progress: Progress,
    total: int,
) -> Simulation:
    names = {item.name or item.id: item.assumed for item in start.varied}
    progress.phase("sampling")
    tell = partial(progress, 0, total, "drawing", n=0, output=outputs[0], histogram=[])
    tell()

    def again() -> None:
        """A block of plants of many lifetimes is slow: hear a stop within it."""
        tell()

    state = None
    for state in simulate(
        lambda x: start.model.evaluate(x, outputs, again),
        names,
        outputs,
        request.iterations,
        seed=start.seed,
        sampling=request.config.sampling,
        question=question,
    ):
        tell = partial(
            progress,
            state.done,
            total,
            f"{state.done:,} of {request.iterations:,} draws",
            output=outputs[0],
            **state.summaries[outputs[0]].live(LIVE_BINS),
        )
        tell()
    assert state is not None
    for name, summary in state.summaries.items():
        if not summary.moments.n:
            raise NoSolutionError(
                f"none of the {request.iterations:,} draws has a solution for {name}; "
                "narrow the ranges",
                field="parameters",
            )
        if summary.failed:
            _warn(start, progress, name, summary.failed, request.iterations, "draws")
    return state


def _alone(
    start: Start,
    item: Varied,
    output: str,
    question: Question,
    sampling: str,
    draws: int,
    progress: Progress,
    before: int,
    total: int,
    state: Simulation,
) -> dict[str, Any]:
    """The output's distribution when `item` alone varies."""
    assert item.name is not None
    picture = state.summaries[output].live(LIVE_BINS)
    one = None
    for one in simulate(
        lambda x: start.model.evaluate(x, [output]),
        {item.name: item.assumed},
        [output],
        draws,
        seed=start.seed,
        sampling=sampling,
        question=question,
    ):
        message = f"{item.id} alone"
        progress(before + one.done, total, message, output=output, **picture)
    assert one is not None
    return short(one.summaries[output].report())
