"""Scores of households and their likelihoods, draw by draw of a factor model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian import kernels, quadrature
from flask_api.domains.market.bayesian.draws import Draws
from flask_api.domains.market.bayesian.targets import (
    HouseholdUtilities,
    IntegratedFactors,
)
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: Rows at a time, for all nodes; and rows times nodes times products, where each row
#: has utilities of its own: some tenth of a second.
_BLOCK, _TOGETHER = 512, 50_000_000


@dataclass(eq=False)
class Integrated:
    """Sums over draws, and what follows from them.

    first, second    sums of the scores' means and mean squares, shape (rows, K)
    log_likelihood   of each row under each draw, shape (draws, rows); no row without
                     criteria
    counts           households of each row
    """

    first: Floats
    second: Floats
    log_likelihood: Floats
    counts: Floats
    done: int = 0
    total: int = 1

    @property
    def means(self) -> Floats:
        return self.first / max(1, self.done)

    @property
    def deviations(self) -> Floats:
        squares = self.second / max(1, self.done) - self.means**2
        return np.sqrt(np.maximum(squares, 0.0))


def rows_of(patterns: Patterns) -> tuple[Floats, Floats]:
    """All distinct rows: 1 where bought, 1 where known (no row where all is known)."""
    whole = slice(0, patterns.size)
    seen = patterns.seen(whole).astype(np.float64) if patterns.gaps else None
    ones = patterns.ones(whole).astype(np.float64)
    return ones, np.empty((0, patterns.items)) if seen is None else seen


def household_scores(
    target: IntegratedFactors | HouseholdUtilities | None,
    draws: Draws,
    turns: Floats,
    most: int,
    criteria: bool,
) -> Iterator[Integrated]:
    """Sums over at most so many draws, evenly spread, after each of them.

    turns   rotation of each draw, chain after chain, shape (chains x draws, K, K)
    """
    if isinstance(target, IntegratedFactors):
        yield from _integrated(target, draws, turns, most)
    elif target is not None:
        yield from _sampled(target, draws, turns, most, criteria)


def spread(total: int, most: int) -> Ints:
    """At most so many places among `total`, evenly spread."""
    return np.unique(np.linspace(0, total - 1, min(total, most)).astype(np.intp))


def _integrated(
    target: IntegratedFactors, draws: Draws, turns: Floats, most: int
) -> Iterator[Integrated]:
    """Means and squares of the scores over the grid, given each draw's loadings."""
    structure = draws.structure().reshape(-1, draws.width)
    chosen = spread(len(structure), most)
    rows, items = target.ones.shape
    factors = target.triangle.shape[1]
    state = Integrated(
        np.zeros((rows, factors)),
        np.zeros((rows, factors)),
        np.empty((len(chosen), rows)),
        target.counts,
        0,
        len(chosen),
    )
    for place, draw in enumerate(chosen):
        base = structure[draw, :items]
        loadings = target.triangle.loadings(structure[draw, items:])
        utility = target.nodes @ loadings.T + base
        softplus = np.logaddexp(0.0, utility)
        nodes = target.nodes @ turns[draw]
        for start in range(0, rows, _BLOCK):
            part = slice(start, start + _BLOCK)
            logs = target.ones[part] @ utility.T + target.log_weights
            seen = target.seen[part]
            logs -= seen @ softplus.T if len(target.seen) else softplus.sum(axis=1)
            top = logs.max(axis=1)
            mass = np.exp(logs - top[:, None])
            whole = mass.sum(axis=1)
            state.log_likelihood[place, part] = top + np.log(whole)
            mass /= whole[:, None]
            state.first[part] += mass @ nodes
            state.second[part] += mass @ nodes**2
        state.done = place + 1
        yield state


def _sampled(
    target: HouseholdUtilities,
    draws: Draws,
    turns: Floats,
    most: int,
    criteria: bool,
) -> Iterator[Integrated]:
    """Means and squares of the scores that were kept."""
    which, own = draws.kept()
    chains, each = len(draws.chains), draws.common
    rows, factors = len(target.data), target.factors
    flat = draws.structure().reshape(chains * each, -1)
    of_draw = (np.arange(chains)[:, None] * each + which).ravel()
    values = own.reshape(len(of_draw), rows, factors)
    chosen = spread(len(of_draw), most) if criteria else np.empty(0, np.intp)
    state = Integrated(
        np.zeros((rows, factors)),
        np.zeros((rows, factors)),
        np.empty((len(chosen), rows)),
        target.counts,
        0,
        len(of_draw),
    )
    known_to = float(values.std(axis=0).min()) if len(values) > 1 else 0.3
    nodes = quadrature.nodes_for(factors, max(known_to, 0.2), 0)
    items = target.data.shape[1]
    likelihoods = 0
    for place, draw in enumerate(of_draw):
        turned = values[place].astype(np.float64) @ turns[draw]
        state.first += turned
        state.second += turned**2
        state.done = place + 1
        if likelihoods < len(chosen) and chosen[likelihoods] == place:
            loadings = target.triangle_loadings(flat[draw])
            told = state.log_likelihood[likelihoods]
            for _ in rows_told(
                target.data, flat[draw, :items], loadings.T, *nodes, told
            ):
                yield state
            likelihoods += 1
        yield state


def rows_told(
    data: Floats,
    base: Floats,
    weights: Floats,
    nodes: Floats,
    log_weights: Floats,
    each: Floats,
) -> Iterator[int]:
    """Log-likelihood of every row, its own values integrated out over the nodes; yields
    the rows done, after each block of them.

    data     0, 1 or NaN, shape (R, J)
    base     utilities without the rows' own values: of every row, (R, J), or the same
             for all, (J,), which takes a small part of the time
    weights  of a row's own values, shape (K, J)
    each     written over, shape (R,)
    """
    rows, items = data.shape
    if base.ndim == 2:
        step = max(1, _TOGETHER // (items * len(nodes)))
        own = np.ascontiguousarray(weights)
        for start in range(0, rows, step):
            part = slice(start, start + step)
            kernels.each_row()(
                data[part], base[part], own, nodes, log_weights, each[part]
            )
            yield min(rows, start + step)
        return
    utility = nodes @ weights + base
    softplus = np.logaddexp(0.0, utility)
    for start in range(0, rows, _BLOCK):
        part = slice(start, start + _BLOCK)
        seen = ~np.isnan(data[part])
        logs = np.where(seen, data[part], 0.0) @ utility.T + log_weights
        if seen.all():
            logs -= softplus.sum(axis=1)
        else:
            logs -= seen.astype(np.float64) @ softplus.T
        top = logs.max(axis=1)
        each[part] = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
        yield min(rows, start + _BLOCK)
