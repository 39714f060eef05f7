"""Runs in a worker: `POST /sensitivity/monte-carlo`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.domains.sensitivity.answers import pictures, short, simulation_answer
from flask_api.domains.sensitivity.magnitude import Magnitudes, measured
from flask_api.domains.sensitivity.schema import MonteCarloRequest
from flask_api.domains.sensitivity.selection import Varied
from flask_api.domains.sensitivity.settings_given import within
from flask_api.domains.sensitivity.studied_model import Start, begin
from flask_api.numerics.correlation import Correlation, read_correlation
from flask_api.numerics.errors import NoSolutionError
from flask_api.numerics.monte_carlo import Simulation, simulate
from flask_api.numerics.quantiles import EXACT
from flask_api.numerics.stopping import StopRule, read_stop
from flask_api.numerics.summary import Question

#: Draws of each input alone, at most: a picture, beside the main run's numbers.
ALONE = 16_384
#: Bins that watchers see at most while it runs: 60 are 4 kB.
LIVE_BINS = 60


def monte_carlo(
    request: MonteCarloRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """The distribution of the outputs when all inputs vary together."""
    config = request.config
    start = begin(request, config.outputs, config.seed, progress, context)
    start.refuse_choices("can't be drawn")
    compared = dict.fromkeys(item.output for item in start.varied)
    outputs = start.outputs or list(compared)
    target = None if config.target is None else (config.target.op, config.target.value)
    question = Question(
        percentiles=tuple(config.percentiles),
        bins=config.bins,
        target=target,
        confidence=config.confidence_level,
        exact=EXACT // len(outputs),
    )
    correlation = read_correlation(
        config.correlation,
        [str(item.name) for item in start.varied],
        resolve=lambda name: start.model.find(name) or name,
    )
    told = _told(correlation, start, config.sampling)
    start, parts = within(start, config.within, told["names"] if told else ())
    stop = None
    if config.stop is not None:
        stop = read_stop(
            config.stop.model_dump(exclude_none=True), outputs, target is not None
        )
    alone = min(request.iterations, ALONE) if len(start.varied) > 1 else 0
    total = request.iterations + alone * len(start.varied)
    state = _together(
        request, start, outputs, question, correlation, stop, progress, total
    )
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
    answer = simulation_answer(
        start.model,
        start.varied,
        state,
        outputs,
        per_parameter,
        start.warnings,
        {
            "sampling": config.sampling,
            "replicates": state.summaries[outputs[0]].question.replicates,
            "iterations": request.iterations,
            "stop": None if state.reached is None else state.reached.report(),
            "correlation": told,
            "within": None if parts is None else parts.report(),
            "seed": start.seed,
            "kernel": start.model.kernel(request.iterations),
            "confidence_level": config.confidence_level,
            "target": None if config.target is None else config.target.model_dump(),
            "per_parameter_draws": min(request.iterations, ALONE),
            "pictures": pictures(request, start.varied),
        },
    )
    if parts is not None:
        answer["metadata"]["assumptions"] += parts.assumptions()
    return answer


def _together(
    request: MonteCarloRequest,
    start: Start,
    outputs: Sequence[str],
    question: Question,
    correlation: Correlation | None,
    stop: StopRule | None,
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
    sizes = Magnitudes(outputs)
    for state in simulate(
        measured(lambda x: start.model.evaluate(x, outputs, again), sizes),
        names,
        outputs,
        request.iterations,
        seed=start.seed,
        sampling=request.config.sampling,
        question=question,
        correlation=correlation,
        stop=stop,
        replicates=request.config.replicates,
    ):
        live = state.summaries[outputs[0]].live(LIVE_BINS)
        if state.reached is not None:
            live["stop"] = state.reached.report()
        # a run that ends early has done all that it was to do
        done = request.iterations if state.converged else state.done
        text = f"{state.done:,} of {request.iterations:,} draws"
        tell = partial(progress, done, total, text, output=outputs[0], **live)
        tell()
    assert state is not None
    _judge(state, start, progress, sizes)
    return state


def _judge(
    state: Simulation, start: Start, progress: Progress, sizes: Magnitudes
) -> None:
    """Warns of what failed; NoSolutionError where all draws of an output did."""
    sizes.refuse_tiny()
    for name, summary in state.summaries.items():
        if not summary.moments.n:
            raise NoSolutionError(
                f"none of the {state.done:,} draws has a solution for {name}"
                f"{sizes.hint(name) or '; narrow the ranges'}",
                field="parameters",
            )
        if summary.failed:
            start.warn_of_failed(
                progress, name, summary.failed, state.done, "draws", sizes.hint(name)
            )
    if state.reached is not None and not state.converged:
        told = state.reached.report()
        what = f"{told['metric']} of {told['output']}"
        if told["reached"] is None:
            said = f"{what} has no relative error, as of a number that is 0: stop by "
            start.warn(progress, said + "another metric")
            return
        start.warn(
            progress,
            f"{what} is not known to a relative error of {told['wanted']:g} after all "
            f"{state.done:,} draws, but to {told['reached']:.3g}: give more iterations",
        )


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
        measured(lambda x: start.model.evaluate(x, [output]), Magnitudes([output])),
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


def _told(
    correlation: Correlation | None, start: Start, sampling: str
) -> dict[str, Any] | None:
    """The correlation as it was drawn, by the user's names."""
    if correlation is None:
        return None
    ids = {item.name: item.id for item in start.varied}
    return correlation.report(sampling) | {
        "names": [ids[name] for name in correlation.names]
    }
