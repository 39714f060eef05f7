"""Runs the analyses of `schema.py` in a worker: reads, computes, reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.domains.price.kernel.prices import warm
from flask_api.domains.sensitivity.answers import (
    analysis_answer,
    pictures,
    tornado,
)
from flask_api.domains.sensitivity.curves import Entry, choice_entry, numeric_entry
from flask_api.domains.sensitivity.methods_job import by_method
from flask_api.domains.sensitivity.monte_carlo_job import monte_carlo
from flask_api.domains.sensitivity.schema import AnalyzeRequest
from flask_api.domains.sensitivity.settings_given import CURVES, refuse_settings
from flask_api.domains.sensitivity.spider import (
    PERCENTAGES,
    in_percent,
    with_percentages,
)
from flask_api.domains.sensitivity.studied_model import Start, begin
from flask_api.numerics.distributions import Distribution, make

__all__ = ["analyze", "monte_carlo", "warm"]

#: What watchers see at most while it runs: 100 inputs are 9 kB.
LIVE_BARS = 100


def analyze(
    request: AnalyzeRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """What each input does: one at a time, or by a method that judges all of them."""
    if request.method not in CURVES:
        return by_method(request, progress, context)
    return _one_at_a_time(request, progress, context)


def _one_at_a_time(
    request: AnalyzeRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Curves, elasticities and the tornado of inputs that move one at a time."""
    config = request.config
    refuse_settings(request, None)
    start = begin(request, config.outputs, config.seed, progress, context)
    if request.method == "spider":
        start = _in_percent(start, config.percentages or PERCENTAGES, progress)
    model, varied = start.model, start.varied
    outputs = start.outputs or [model.outputs[0]]
    wanted = list(dict.fromkeys([*outputs, *(v.output for v in varied)]))
    base = start.baseline(wanted)
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
            entry = choice_entry(model, item, outputs, base)
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
            start.warn_of_failed(
                progress, item.id, entry.failed, entry.points, "points"
            )
        if request.method == "spider":
            with_percentages(entry, item, config.percentages or PERCENTAGES)
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
            "kernel": model.kernel(
                max(config.monte_carlo_iterations if uncertain else 0, points)
            ),
            "confidence_level": config.confidence_level,
            "monte_carlo_iterations": config.monte_carlo_iterations,
            "uncertain_inputs": {n: d.as_mapping() for n, d in uncertain.items()},
            "pictures": pictures(request, varied),
        },
    )


def _in_percent(
    start: Start, percentages: Sequence[float], progress: Progress
) -> Start:
    """The same with every input moved by these percentages of its value."""
    start.refuse_choices("has no percentages")
    if any(item.origin == "request" for item in start.varied):
        start.warn(
            progress,
            "spider moves all inputs by the same percentages (config.percentages): "
            "ranges, values and distributions of parameters don't count",
        )
    varied = []
    for item in start.varied:
        possible = start.model.possible(str(item.name))
        moved, left_out = in_percent(item, percentages, possible)
        varied.append(moved)
        if left_out:
            said = ", ".join(f"{percent:g}" for percent in left_out)
            start.warn(progress, f"{item.id}: {said} % left out; {possible.bounds}")
    return replace(start, varied=varied)


def _tick(
    tell: Callable[[float, str], None], index: int, name: str, share: float
) -> None:
    """Report that `share` of the input with this index is done."""
    tell(index + share, name)


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
