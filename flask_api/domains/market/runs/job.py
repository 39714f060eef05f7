"""Runs a model in a worker: reads its data, tells how it fares, keeps what it found."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask_api.analysis import Context, Progress, Warnings
from flask_api.domains.market.data.job import table_of
from flask_api.domains.market.runs.arrays import written
from flask_api.domains.market.runs.model import Outcome, Problem, Run, Step
from flask_api.domains.market.runs.preparing import prepared
from flask_api.domains.market.runs.registry import model_of
from flask_api.domains.market.runs.request_schema import Model, RunRequest
from flask_api.domains.market.runs.result import result_of
from flask_api.domains.market.runs.trace import Trace

_MARKET = "flask_api.domains.market"
#: Shares of the progress bar: reading the data, and writing what was found.
_READING, _WRITING = 0.02, 0.02
#: Of `Step.extra`, told under their own names too.
_OWN_NAMES = (
    "iteration",
    "log_likelihood",
    "chain",
    "draw",
    "total_draws",
    "samples_per_second",
    "divergences",
)


def run_model(
    request: RunRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """A fitted model in the words of `/api/v1/runs/{id}/results`."""
    model = model_of(request)
    progress.phase("initializing")
    progress(0, 1, "reading the data")
    warnings = Warnings(progress)
    settings = request.model_dump()["params"]
    seed = context.seed if settings["seed"] is None else settings["seed"]
    folder = None if context.files_dir is None else Path(context.files_dir)
    with table_of(request.data_id, request.data, context, progress, _READING) as table:
        # Beside the arrays: what is saved on the way is fetched as they are.
        place = None if folder is None else folder / "arrays"
        problem = prepared(model, request, settings, table, seed, place, warnings.tell)
        if model.check is not None:  # what came by another way was not judged before
            model.check(settings, table.facts, list(problem.columns))
        outcome = _fitted(model, problem, settings, progress)
        for warning in outcome.warnings:
            warnings.tell(warning)
        count = len(outcome.arrays)

        def told(done: int) -> None:
            share = 1 - _WRITING * (1 - done / (count + 1))
            progress(share, 1, f"writing results: array {done + 1} of {count}")

        kept = written(outcome, problem.columns, folder, told)
        result = result_of(
            model.model_type, settings, problem, outcome, kept, list(warnings)
        )
    progress(
        1,
        1,
        "completed",
        results_summary=result["results_summary"],
        metrics=result["metrics"],
        data_shape=result["data_shape"],
        product_columns=_short(problem.columns),
    )
    return result


def _short(columns: tuple[str, ...]) -> list[str] | None:
    return list(columns) if sum(map(len, columns)) < 4000 else None


def _fitted(
    model: Model, problem: Problem, settings: Mapping[str, Any], progress: Progress
) -> Outcome:
    """The outcome of the model's generator, told step by step."""
    module, _, name = model.run.partition(":")
    run: Run = getattr(importlib.import_module(f"{_MARKET}.{module}"), name)
    trace, phase, share = Trace(), "initializing", _READING
    step: Step | None = None
    for step in run(problem, settings):
        if step.phase != phase:
            phase = step.phase
            progress.phase(phase)
        if step.trace is not None:
            trace.add(step.trace)
        part = min(1.0, step.done / step.total) if step.total else 0.0
        width = 1 - _READING - _WRITING
        share = max(share, _READING + width * part)  # totals may be guesses
        own = {key: step.extra[key] for key in _OWN_NAMES if key in step.extra}
        progress(
            share,
            1,
            step.message,
            **own,
            extra=dict(step.extra),
            **{"trace": trace.points(), **step.partial},
        )
    outcome = step.outcome if step is not None else None
    if callable(outcome):
        outcome = outcome()
    assert outcome is not None, f"{model.run} ended without an outcome"
    return outcome
