"""Draws of a model's inputs through the model, block by block, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.contribution import own_parts, rank_correlation, variance_share
from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import DEPENDENT, blocks
from flask_api.numerics.distribution import Distribution
from flask_api.numerics.sampling import Sampler
from flask_api.numerics.stopping import REPLICATES, Reached, StopRule, Watch
from flask_api.numerics.summary import Question, Summary

Floats = npt.NDArray[np.float64]
#: Inputs by name, each shape (n,) -> outputs by name, each shape (n,), NaN = failed.
Model = Callable[[Mapping[str, Floats]], Mapping[str, Floats]]

#: Draws kept for the question which input matters, and numbers kept at most.
CONTRIBUTION_DRAWS = 65_536
CONTRIBUTION_NUMBERS = 1 << 20


@dataclass
class Simulation:
    """The state after a block: how far it is, and what is known so far.

    reached   how far the stop rule is, or None without one
    """

    total: int
    done: int
    summaries: dict[str, Summary]
    sample: _Sample
    reached: Reached | None = None

    @property
    def converged(self) -> bool | None:
        """Whether the stop rule is fulfilled; None without one."""
        return None if self.reached is None else self.reached.converged

    def contribution(self, output: str) -> list[dict[str, Any]]:
        """Per input how much `output` follows it, strongest first.

        rank_correlation   Spearman, -1..1, or None where nothing varies
        variance_share     share of the variance that knowing it alone explains (first
                           order). Where inputs are correlated it includes what the
                           others bring along, so shares overlap and may exceed 1 in
                           total; negative ones near 0 are noise
        own_share          only where inputs are correlated: the share explained by the
                           part of it that no other input tells
        """
        return self.sample.contribution(output)


class _Sample:
    """The first draws, kept as they are."""

    def __init__(
        self, inputs: Sequence[str], outputs: Sequence[str], n: int, tied: Sequence[str]
    ) -> None:
        self._tied = list(tied)
        most = min(CONTRIBUTION_DRAWS, CONTRIBUTION_NUMBERS // max(1, len(inputs)))
        self.size, self.filled = min(n, most), 0
        self._x = {name: np.empty(self.size) for name in inputs}
        self._y = {name: np.empty(self.size) for name in outputs}

    def add(self, x: Mapping[str, Floats], y: Mapping[str, Floats]) -> None:
        take = min(self.size - self.filled, len(next(iter(x.values()))))
        if take <= 0:
            return
        rows = slice(self.filled, self.filled + take)
        for kept, values in ((self._x, x), (self._y, y)):
            for name, column in kept.items():
                column[rows] = values[name][:take]
        self.filled += take

    def contribution(self, output: str) -> list[dict[str, Any]]:
        y = self._y[output][: self.filled]
        good = np.isfinite(y)
        x = {name: kept[: self.filled][good] for name, kept in self._x.items()}
        y = y[good]
        own = own_parts({name: x[name] for name in self._tied})
        rows: list[dict[str, Any]] = []
        for name, column in x.items():
            row = {
                "id": name,
                "rank_correlation": rank_correlation(column, y),
                "variance_share": variance_share(column, y),
            }
            if self._tied:
                alone = own.get(name, column)
                row["own_share"] = variance_share(alone, y)
            rows.append(row)
        return sorted(rows, key=lambda row: -abs(row["rank_correlation"] or 0.0))


def simulate(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    iterations: int,
    *,
    seed: int,
    sampling: str = "sobol",
    question: Question | None = None,
    correlation: Correlation | None = None,
    stop: StopRule | None = None,
    replicates: int | None = None,
) -> Iterator[Simulation]:
    """The growing state of `iterations` draws, once after each block.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       uncertain inputs by name, at least one
    outputs      names that `model` returns
    seed         with everything but `question`'s looks it decides every number
    sampling     `sobol` (scrambled), `lhs` (Latin hypercube) or `random`
    correlation  of the inputs' ranks; None = independent
    stop         end earlier, at the first look at which this is known well enough
    replicates   independent designs that share the draws, a power of two to 64, so
                 that intervals are honest for sobol and lhs; None = 16 for these where
                 a stop rule relies on it, else 1

    The same object is yielded again and again; the last one is complete. Memory does
    not grow with `iterations` beyond `question.exact` kept values per output.
    """
    names = list(inputs)
    if replicates is None:
        replicates = REPLICATES if stop is not None and sampling in DEPENDENT else 1
    sampler = Sampler(
        inputs,
        iterations,
        seed=seed,
        sampling=sampling,
        replicates=replicates,
        correlation=correlation,
    )
    ask = replace(question or Question(), replicates=replicates)
    watch = None if stop is None else Watch(stop, outputs)
    watched = {watch.output: watch.rule.metric} if watch else {}
    state = Simulation(
        iterations,
        0,
        {
            name: Summary(
                replace(ask, watched=watched.get(name, ask.watched)), iterations
            )
            for name in outputs
        },
        _Sample(names, outputs, iterations, correlation.names if correlation else ()),
    )
    for start, n in blocks(iterations):
        x = sampler.block(start, n)
        y = model(x)
        for name, summary in state.summaries.items():
            summary.add(y[name])
        state.sample.add(x, y)
        state.done = start + n
        enough = False
        if watch is not None:
            summary = state.summaries[watch.output]
            enough = watch.look(summary, state.done, iterations)
            state.reached = watch.reached
        if enough:
            for summary in state.summaries.values():
                summary.note()
        yield state
        if enough:
            return
