"""Runs in a worker: `POST /sensitivity/surface`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.analysis import Context, Progress
from flask_api.domains.price.kernel.prices import warm
from flask_api.domains.sensitivity.answers import given_input
from flask_api.domains.sensitivity.magnitude import Magnitudes, measured
from flask_api.domains.sensitivity.parameters_schema import DRAWN
from flask_api.domains.sensitivity.selection import Varied, select
from flask_api.domains.sensitivity.studied_model import Start, begin
from flask_api.domains.sensitivity.surface.answer import Live, answer, assumptions
from flask_api.domains.sensitivity.surface.grid_given import (
    grid_of,
    refuse_draws,
    refuse_tables,
)
from flask_api.domains.sensitivity.surface.schema import SurfaceRequest
from flask_api.numerics.correlation import Correlation, read_correlation
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.numerics.grids import Grid, Model, Response, response
from flask_api.numerics.surfaces import Surface, percentile_surface

__all__ = ["surface", "warm"]

Floats = npt.NDArray[np.float64]

SAMPLES, PERCENTILES, SAMPLING = 1024, (5.0, 50.0, 95.0), "sobol"
#: A picture on the way costs a tenth of the time at most, and comes 4 times a second.
SHARE, PAUSE = 0.1, 0.25
#: From here on a warning tells that percentiles are not exact.
VISIBLE = 1e-3


@dataclass(frozen=True)
class Asked:
    """The request with its names and defaults filled in."""

    start: Start
    outputs: list[str]
    uncertain: dict[str, Varied]
    grid: Grid
    samples: int
    percentiles: tuple[float, ...]
    sampling: str
    correlation: Correlation | None

    @property
    def total(self) -> int:
        """Evaluations: each point once, and once for each draw."""
        return len(self.grid) * (1 + (self.samples if self.uncertain else 0))


def surface(
    request: SurfaceRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Each output over the grid of decisions."""
    asked = _asked(request, progress, context)
    start, output = asked.start, asked.outputs[0]
    told = Told(progress, Live(asked.grid, start.varied, output), asked.total)
    told.now()
    progress.phase("grid")
    plain = None
    for plain in response(_model(asked, told.now), asked.grid, asked.outputs):
        told.of_plain(plain, output)
    assert plain is not None
    drawn = _drawn(asked, told, progress) if asked.uncertain else None
    _judge(asked, plain, drawn, progress)
    result = answer(
        start.varied,
        plain,
        drawn,
        _today(start, asked.outputs),
        start.model.units,
        _metadata(asked, drawn),
    )
    told.last()
    return result


def _drawn(asked: Asked, told: Told, progress: Progress) -> Surface:
    progress.phase("draws")
    state = None
    sizes = Magnitudes(asked.outputs)
    for state in percentile_surface(
        measured(_model(asked, told.now), sizes),
        {name: item.assumed for name, item in asked.uncertain.items()},
        asked.grid,
        asked.outputs,
        asked.samples,
        seed=asked.start.seed,
        percentiles=asked.percentiles,
        sampling=asked.sampling,
        correlation=asked.correlation,
    ):
        told.of_drawn(state, asked.outputs[0])
    assert state is not None
    sizes.refuse_tiny()
    return state


def _model(asked: Asked, between: Callable[[], None]) -> Model:
    def evaluate(x: Mapping[str, Floats]) -> Mapping[str, Floats]:
        return asked.start.model.evaluate(x, asked.outputs, between)

    return evaluate


class Told:
    """What watchers are told: the grid as far as it is filled."""

    def __init__(self, progress: Progress, live: Live, total: int) -> None:
        self._progress, self._live, self._total = progress, live, total
        self._done, self._next = 0, 0.0
        self._text = "model read"
        self._shown: dict[str, Any] = {"of": "value", "values": []}
        self._make: Callable[[], dict[str, Any]] | None = None

    def of_plain(self, state: Response, output: str) -> None:
        def make() -> dict[str, Any]:
            values = state.values[output][self._live.points]
            return {"of": "value", "values": self._live.table(values)}

        text = f"{state.done:,} of {len(state.grid):,} points"
        self._tell(state.done, text, make)

    def of_drawn(self, state: Surface, output: str) -> None:
        percents = state.percentiles
        middle = min(range(len(percents)), key=lambda i: abs(percents[i] - 50))

        def make() -> dict[str, Any]:
            values = state.at(output, middle, self._live.points)
            return {"of": f"p{percents[middle]:g}", "values": self._live.table(values)}

        done = len(state.grid) + state.rows
        self._tell(done, f"{done:,} of {self._total:,} evaluations", make)

    def _tell(self, done: int, text: str, make: Callable[[], dict[str, Any]]) -> None:
        self._done, self._text, self._make = done, text, make
        began = time.monotonic()
        if began >= self._next:
            self._shown = make()
            now = time.monotonic()
            self._next = now + max(PAUSE, (now - began) / SHARE)
        self.now()

    def last(self) -> None:
        """The picture as it stands at the end."""
        if self._make is not None:
            self._shown = self._make()
        self.now()

    def now(self) -> None:
        """The same again within a block, so that a stop is heard there too."""
        shown = {**self._live.head, **self._shown}
        self._progress(self._done, self._total, self._text, **shown)


# -- what is asked -----------------------------------------------------------------


def _asked(request: SurfaceRequest, progress: Progress, context: Context) -> Asked:
    config = request.config
    start = begin(request, config.outputs, config.seed, progress, context)
    start.refuse_choices("is no axis of a surface")
    for index, item in enumerate(request.items()):
        if item.enabled and (item.distribution is not None or item.mode in DRAWN):
            given = "mode" if item.distribution is None else "distribution"
            raise InputError(
                f"{item.id or 'an item'} can't be chosen and drawn at once: give it a "
                "range here, or its distribution in `uncertain`",
                f"{request.field(index)}.{given}",
            )
    outputs = start.outputs or list(dict.fromkeys(v.output for v in start.varied))
    uncertain = _uncertain(request, start, progress)
    samples = config.samples or SAMPLES
    percentiles = tuple(config.percentiles or PERCENTILES)
    grid = grid_of(start.varied)
    if uncertain:
        refuse_draws(grid, samples)
    refuse_tables(grid, len(outputs), len(percentiles) if uncertain else 0)
    correlation = read_correlation(
        config.correlation,
        list(uncertain),
        resolve=lambda name: start.model.find(name) or name,
    )
    return Asked(
        start,
        outputs,
        uncertain,
        grid,
        samples,
        percentiles,
        config.sampling or SAMPLING,
        correlation,
    )


def _uncertain(
    request: SurfaceRequest, start: Start, progress: Progress
) -> dict[str, Varied]:
    """Inputs that are drawn, by canonical name."""
    items = [
        (
            f"uncertain[{i}]",
            item,
            item.distribution.as_mapping() if item.distribution is not None else None,
        )
        for i, item in enumerate(request.uncertain)
    ]
    if not any(item.enabled for _, item, _ in items):
        return {}
    chosen = {item.name for item in start.varied}
    asked_for = {item.id for item in request.uncertain}
    found: dict[str, Varied] = {}
    varied, notes = select(start.model, items)
    for note in notes:
        start.warn(progress, note)
    for item in varied:
        if item.name is None:
            raise InputError(f"{item.id} is a choice and can't be drawn", item.field)
        if item.name not in chosen:
            found[item.name] = item
        elif item.id in asked_for:
            raise InputError(
                f"{item.id} can't be chosen and drawn at once: leave it out here or in "
                "`parameters`",
                f"{item.field}.id",
            )
    if not found:
        raise InputError("no input is left that could be drawn", "uncertain")
    return found


# -- what came out -----------------------------------------------------------------


def _today(start: Start, outputs: Sequence[str]) -> dict[str, float]:
    found = start.model.evaluate({}, outputs)
    return {name: float(found[name][0]) for name in outputs}


def _judge(
    asked: Asked, plain: Response, drawn: Surface | None, progress: Progress
) -> None:
    """Warns of what has no answer; NoSolutionError where an output has none at all."""
    start, points = asked.start, len(asked.grid)
    for output, values in plain.values.items():
        failed = points - int(np.isfinite(values).sum())
        report = None if drawn is None else drawn.report(output)
        lost = 0 if report is None else int(np.sum(report["failed"]))
        if failed == points and lost == points * asked.samples * (report is not None):
            raise NoSolutionError(
                f"{output} has no solution at any of the {points:,} points; give other "
                "ranges",
                field="parameters",
            )
        if failed:
            start.warn_of_failed(progress, output, failed, points, "points")
        if lost:
            start.warn_of_failed(
                progress, output, lost, points * asked.samples, "draws"
            )
        if report is not None and report["rank_error"] > VISIBLE:
            start.warn(
                progress,
                f"{output}: percentiles may be off by {100 * report['rank_error']:.2g} "
                "percent of the draws, because not all are kept; fewer samples or "
                "outputs give exact ones",
            )


def _metadata(asked: Asked, drawn: Surface | None) -> dict[str, Any]:
    start, model = asked.start, asked.start.model
    uncertain = list(asked.uncertain.values())
    return {
        "method": "surface",
        "output": asked.outputs[0],
        "units": {name: model.units[name] for name in asked.outputs},
        "seed": start.seed,
        "kernel": model.kernel(asked.total),
        "points": len(asked.grid),
        "samples": None if drawn is None else asked.samples,
        "sampling": None if drawn is None else asked.sampling,
        "evaluations": asked.total,
        "correlation": _correlation(asked),
        "uncertain_inputs": {item.id: given_input(item) for item in uncertain},
        "model": dict(model.identity),
        "assumptions": assumptions(
            model, start.varied, uncertain, asked.correlation is not None
        ),
        "warnings": start.warnings,
    }


def _correlation(asked: Asked) -> dict[str, Any] | None:
    """The correlation as it was drawn, by the user's names."""
    told = asked.correlation
    if told is None:
        return None
    names = [asked.uncertain[name].id for name in told.names]
    return told.report(asked.sampling) | {"names": names}
