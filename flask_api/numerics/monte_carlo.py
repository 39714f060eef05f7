"""Draws of a model's inputs through the model, block by block, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.contribution import rank_correlation, variance_share
from flask_api.numerics.designs import blocks, design
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.summary import Question, Summary

Floats = npt.NDArray[np.float64]
#: Inputs by name, each shape (n,) -> outputs by name, each shape (n,), NaN = failed.
Model = Callable[[Mapping[str, Floats]], Mapping[str, Floats]]

#: Draws kept for the question which input matters, and numbers kept at most.
CONTRIBUTION_DRAWS = 65_536
CONTRIBUTION_NUMBERS = 1 << 20


@dataclass
class Simulation:
    """The state after a block: how far it is, and what is known so far."""

    total: int
    done: int
    summaries: dict[str, Summary]
    sample: _Sample

    def contribution(self, output: str) -> list[dict[str, Any]]:
        """Per input how much `output` follows it, strongest first.

        rank_correlation   Spearman, -1..1, or None where nothing varies
        variance_share     share of the variance it explains alone (first order)
        """
        return self.sample.contribution(output)


class _Sample:
    """The first draws, kept as they are."""

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str], n: int) -> None:
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
        rows = [
            {
                "id": name,
                "rank_correlation": rank_correlation(x[: self.filled][good], y[good]),
                "variance_share": variance_share(x[: self.filled][good], y[good]),
            }
            for name, x in self._x.items()
        ]
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
) -> Iterator[Simulation]:
    """The growing state of `iterations` draws, once after each block.

    model        called with whole columns, at most `designs.BLOCK` rows at a time
    inputs       independent uncertain inputs by name, at least one
    outputs      names that `model` returns
    seed         with `inputs`, `iterations` and `sampling` it decides every number
    sampling     `sobol` (scrambled) or `random`

    The same object is yielded again and again; the last one is complete. Memory does
    not grow with `iterations` beyond `question.exact` kept values per output.
    """
    names = list(inputs)
    points = design(sampling, len(names), seed)
    ask = question or Question()
    state = Simulation(
        iterations,
        0,
        {name: Summary(ask, iterations) for name in outputs},
        _Sample(names, outputs, iterations),
    )
    for start, n in blocks(iterations):
        u = points.block(start, n)
        x = {
            name: inputs[name].ppf(column)
            for name, column in zip(names, u, strict=True)
        }
        y = model(x)
        for name, summary in state.summaries.items():
            summary.add(y[name])
        state.sample.add(x, y)
        state.done = start + n
        yield state
