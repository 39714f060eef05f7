"""Factors behind binary purchases, from their tetrachoric correlations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors import pace
from flask_api.domains.market.factors.basis import Basis, finding
from flask_api.domains.market.factors.extraction import LEAST, Extraction, extract
from flask_api.domains.market.factors.fit_statistics import (
    FitStatistics,
    fit_statistics,
)
from flask_api.domains.market.factors.rotation import ROTATIONS, Rotation, rotating
from flask_api.domains.market.factors.smoothing import Smoothing
from flask_api.domains.market.factors.tetrachoric import Tetrachoric
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Starts whose misfit is this near to the best, relatively, have found the same.
SAME = 1e-6
#: Misfits that differ by this part of them differ by rounding.
_ALIKE = 1e-9


@dataclass(frozen=True)
class Factors:
    """Factors, by the variance they explain, and how products lean on them.

    method            `minres` or `ml`; `rotation` as asked for
    loadings          after rotation (the pattern), shape (items, factors)
    structure         correlations of products with factors, same shape
    unrotated         loadings before rotation, same shape
    between           correlations between factors, shape (factors, factors)
    communalities     share of each product's variance that factors explain, (items,);
                      above 1 in a Heywood case only
    uniquenesses      the share that they don't, shape (items,), 0.005 or more
    explained         share of all variance by factor, shape (factors,)
    eigenvalues       of the correlations (smoothed), descending, shape (items,)
    residuals         correlations that factors leave, shape (items, items)
    heywood           products whose uniqueness fell to its lowest value, from 0: their
                      factors say more than the data can tell
    tetrachoric       what the factors came from; smoothing how it was mended
    statistics        how well the factors explain the correlations
    rows              fewest rows behind a correlation
    objective         misfit of the extraction; iterations of the best start
    starts            misfit that each start reached, in order
    converged         whether extraction and rotation stood still
    """

    method: str
    rotation: str
    loadings: Floats
    structure: Floats
    unrotated: Floats
    between: Floats
    communalities: Floats
    uniquenesses: Floats
    explained: Floats
    eigenvalues: Floats
    residuals: Floats
    heywood: tuple[int, ...]
    tetrachoric: Tetrachoric = field(repr=False)
    smoothing: Smoothing = field(repr=False)
    statistics: FitStatistics
    rows: int
    objective: float
    iterations: int
    starts: tuple[float, ...]
    converged: bool

    @property
    def reached(self) -> int:
        """Starts that found a misfit as small as the best."""
        return sum(s <= self.objective * (1 + SAME) + 1e-12 for s in self.starts)


@dataclass
class Fitting:
    """The state after a block: where the search is, and the best factors so far.

    phase     `correlating` (products in pairs), `extracting`, `rotating`, `finished`
    total     about how long all takes, in seconds of a common core; `done` of it
    start     the start that is worked on, from 1; 0 before
    current   its extraction, None before
    best      the extraction with the smallest misfit so far
    answer    the factors, when `finished`
    """

    phase: str
    total: float
    done: float = 0.0
    start: int = 0
    current: Extraction | None = None
    best: Extraction | None = None
    answer: Factors | None = None


def fit(
    patterns: Patterns,
    n_factors: int,
    *,
    extraction: str = "minres",
    rotation: str = "varimax",
    n_init: int = 10,
    max_iter: int = 100,
    seed: int = 0,
    names: Sequence[str] | None = None,
    basis: Basis | None = None,
) -> Iterator[Fitting]:
    """The search for common factors, yielded after each block of work.

    patterns     the data; a row counts for each pair of products it knows both of
    n_factors    1 or more, fewer than products
    extraction   `minres` or `ml`
    rotation     `none`, `varimax`, `promax` or `oblimin`
    n_init       starts, 1 or more: the first by Joereskog's rule, others at random;
                 the smallest misfit is kept, for there may be several places of rest
    max_iter     iterations of a start, 1 or more
    seed         of the random starts
    names        of the products, for refusals; None = their numbers
    basis        the correlations of these patterns, where they are known already

    The same object is yielded again and again; the last one's phase is `finished`.
    Raises InputError for settings out of range and data without correlations: one row,
    one product, constant products, a pair that can't be told.
    """
    _checked(patterns.items, n_factors, rotation, n_init)
    before = 0.0 if basis else pace.counting(patterns) + pace.pairs(patterns.items)
    each, rest = pace.start(patterns.items), pace.rest(patterns.items)
    state = Fitting("correlating", before + n_init * each + rest)
    if basis is None:
        found = Stepwise(finding(patterns, names))
        for share in found:
            state.done = before * share
            yield state
        basis = found.found
    state.phase = "extracting"
    reached: list[float] = []
    random = np.random.default_rng(seed)
    for number in range(n_init):
        state.start = number + 1
        start = random.uniform(LEAST, 1.0, patterns.items) if number else None
        for current in extract(
            basis.smoothing.correlations, n_factors, extraction, max_iter, start
        ):
            if current.here is not None:  # else its first misfit is worked out
                state.current = current
                if state.best is None or _better(current, state.best):
                    state.best = current
            part = current.iteration / (current.iteration + 2)  # some five in all
            state.done = before + (number + part) * each
            yield state
        reached.append(current.objective)
    assert state.best is not None
    state.phase, state.current = "rotating", state.best
    yield state
    turning = Stepwise(rotating(state.best.loadings(), rotation))
    for share in turning:
        state.done = state.total - rest * (1 - share)
        yield state
    state.answer = _factors(state.best, rotation, turning.found, basis, reached)
    state.phase, state.done = "finished", state.total
    yield state


def _better(current: Extraction, best: Extraction) -> bool:
    """Whether the misfit is smaller; of two alike the search that stood still wins."""
    if abs(current.objective - best.objective) <= _ALIKE * best.objective:
        return current.converged and not best.converged
    return current.objective < best.objective


def _checked(items: int, n_factors: int, rotation: str, n_init: int) -> None:
    if rotation not in ROTATIONS:
        raise InputError(
            f"got rotation {rotation!r}; wanted one of {', '.join(ROTATIONS)}",
            "params.rotation",
        )
    if n_init < 1:
        raise InputError(f"got {n_init} starts; wanted 1 or more", "params.n_init")
    if items > 1 and not 1 <= n_factors < items:
        raise InputError(
            f"got {n_factors} factors for {items} products; wanted 1 to {items - 1}: "
            "factors are fewer than what they explain",
            "params.n_factors",
        )


def _factors(
    best: Extraction,
    rotation: str,
    turned: Rotation,
    basis: Basis,
    reached: list[float],
) -> Factors:
    unrotated, found = best.loadings(), basis.tetrachoric
    correlations = basis.smoothing.correlations
    rows = int(found.rows.min())
    return Factors(
        method=best.method,
        rotation=rotation,
        loadings=turned.loadings,
        structure=turned.structure,
        unrotated=unrotated,
        between=turned.correlations,
        communalities=(unrotated**2).sum(axis=1),
        uniquenesses=best.uniquenesses,
        explained=(turned.loadings * turned.structure).sum(axis=0) / len(unrotated),
        eigenvalues=basis.eigenvalues,
        residuals=correlations - unrotated @ unrotated.T - np.diag(best.uniquenesses),
        heywood=tuple(
            int(j) for j in np.flatnonzero(best.uniquenesses <= LEAST * (1 + 1e-9))
        ),
        tetrachoric=found,
        smoothing=basis.smoothing,
        statistics=fit_statistics(correlations, unrotated, best.uniquenesses, rows),
        rows=rows,
        objective=best.objective,
        iterations=best.iteration,
        starts=tuple(reached),
        converged=best.converged and turned.converged,
    )
