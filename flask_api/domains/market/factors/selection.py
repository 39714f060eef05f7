"""How many factors: several rules, a table of fits, and a recommendation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors import pace
from flask_api.domains.market.factors.basis import Basis, finding
from flask_api.domains.market.factors.extraction import LEAST
from flask_api.domains.market.factors.fit import Factors, Fitting, fit
from flask_api.domains.market.factors.fit_statistics import degrees_of_freedom
from flask_api.domains.market.factors.parallel import Parallel, parallel_analysis
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: An RMSEA up to this counts as a close fit (Browne and Cudeck 1992).
CLOSE = 0.05


@dataclass(frozen=True)
class Recommendation:
    """A number of factors, with its reasons in words, the weightiest first.

    n_factors   1 or more; `parallel` is what parallel analysis alone says, 0 or more
    kaiser      eigenvalues above 1: customary, and mostly too many
    lowest_bic  the number with the lowest BIC, among those with degrees of freedom
    """

    n_factors: int
    parallel: int
    kaiser: int
    lowest_bic: int | None
    reasons: tuple[str, ...]


@dataclass
class Selecting:
    """The state after a block: what was drawn and fitted so far.

    phase           `correlating`, `parallel`, `fitting` or `finished`
    total           about how long all takes, in seconds of a common core; `done` of it
    basis           the data's correlations, None while they are worked out
    parallel        chance eigenvalues, None before the first block
    fitting         the search in hand, None while drawing
    table           fits done, with 1, 2, ... factors
    names           of the products, for words; None = column 1, column 2, ...
    """

    phase: str
    total: float
    basis: Basis | None = field(default=None, repr=False)
    parallel: Parallel | None = None
    fitting: Fitting | None = None
    table: list[Factors] = field(default_factory=list)
    done: float = 0.0
    recommendation: Recommendation | None = None
    names: Sequence[str] | None = None

    @property
    def eigenvalues(self) -> Floats:
        """Of the data's correlations (smoothed), descending; none before the basis."""
        return np.empty(0) if self.basis is None else self.basis.eigenvalues


def select(
    patterns: Patterns,
    max_factors: int | None = None,
    *,
    replicates: int = 20,
    extraction: str = "minres",
    rotation: str = "varimax",
    n_init: int = 10,
    max_iter: int = 100,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> Iterator[Selecting]:
    """The search for the number of factors, yielded after each block of work.

    max_factors   fits with 1 to so many; None = as many as leave degrees of freedom, at
                  most 8. More than the products identify are left out
    replicates    tables of parallel analysis; the rest as in `fit`
    names         of the products, for the recommendation; None = column 1, ...

    The same object is yielded again and again; the last one's phase is `finished`.
    Raises InputError for settings out of range and data without correlations.
    """
    _checked(patterns.items, max_factors)
    most, items = _most(patterns.items, max_factors), patterns.items
    correlating = pace.counting(patterns) + pace.pairs(items) + pace.eigenvalues(items)
    tables = replicates * pace.table(patterns)
    each = n_init * pace.start(items) + pace.rest(items)
    state = Selecting("correlating", correlating + tables + most * each, names=names)
    work = Stepwise(finding(patterns, names))
    for share in work:
        state.done = correlating * share
        yield state
    state.basis, state.phase = work.found, "parallel"
    shares = work.found.tetrachoric.shares
    for drawn in parallel_analysis(patterns, shares, replicates, seed):
        state.parallel, state.done = drawn, correlating + tables * drawn.share
        yield state
    state.phase = "fitting"
    for count in range(1, most + 1):
        for fitting in fit(
            patterns,
            count,
            extraction=extraction,
            rotation=rotation,
            n_init=n_init,
            max_iter=max_iter,
            seed=seed,
            basis=work.found,
        ):
            state.fitting = fitting
            part = count - 1 + fitting.done / fitting.total
            state.done = correlating + tables + each * part
            yield state
        assert fitting.answer is not None  # the last state of a fit has it
        state.table.append(fitting.answer)
    state.phase, state.recommendation = "finished", recommend(state)
    state.done = state.total
    yield state


def _checked(items: int, max_factors: int | None) -> None:
    if max_factors is not None and max_factors < 1:
        raise InputError(
            f"got max_factors {max_factors}; wanted 1 or more", "params.max_factors"
        )
    if items < 3:
        raise InputError(
            f"got {items} products; wanted 3 or more: fewer can't tell even one factor",
            "product_columns",
        )


def _most(items: int, max_factors: int | None) -> int:
    told = [m for m in range(1, items) if degrees_of_freedom(items, m) >= 0]
    return min(len(told), 8 if max_factors is None else max_factors)


def recommend(state: Selecting) -> Recommendation:
    """The number that parallel analysis says, unless its fit has something against it.

    Fewer are recommended where so many factors have a Heywood case or are not told by
    the data; a last factor that the fit does not need is named, not taken away.
    """
    assert state.parallel is not None
    chance = state.parallel.factors(state.eigenvalues)
    kaiser = int((state.eigenvalues > 1).sum())
    bics = [(f.statistics.bic, m) for m, f in _tested(state)]
    lowest = min(bics)[1] if bics else None
    wanted = min(max(chance, 1), len(state.table))
    reasons = [_by_chance(state, chance)]
    if chance > wanted:
        reasons.append(
            f"{chance} factors are more than were fitted, of which {wanted} is the most"
        )
    while wanted > 1 and state.table[wanted - 1].heywood:
        reasons.append(
            f"with {wanted} factors the uniqueness of {_called(state, wanted)} falls "
            f"to {LEAST} (a Heywood case): one factor less"
        )
        wanted -= 1
    reasons += _of_fit(state, wanted)
    if lowest is not None:
        also = "also lowest" if lowest == wanted else "lowest, however,"
        reasons.append(f"BIC is {also} with {lowest}")
    reasons.append(f"{_exceed(kaiser)} 1 (Kaiser's rule, mostly too many)")
    return Recommendation(wanted, chance, kaiser, lowest, tuple(reasons))


def _tested(state: Selecting) -> list[tuple[int, Factors]]:
    return [
        (m, f) for m, f in enumerate(state.table, 1) if f.statistics.rmsea is not None
    ]


def _by_chance(state: Selecting, chance: int) -> str:
    assert state.parallel is not None
    high = state.parallel.high()
    after = (
        ""
        if chance == len(high)
        else f"; the next is {state.eigenvalues[chance]:.3f} against {high[chance]:.3f}"
    )
    if not chance:
        return (
            "no eigenvalue exceeds what independent products reach by chance (95 %)"
            f"{after}: there may be no common factor"
        )
    return f"{_exceed(chance)} what independent products reach by chance (95 %){after}"


def _exceed(count: int) -> str:
    return "1 eigenvalue exceeds" if count == 1 else f"{count} eigenvalues exceed"


def _called(state: Selecting, wanted: int) -> str:
    """The products with a Heywood case in the fit of so many factors."""
    found = state.table[wanted - 1].heywood
    if state.names is None:
        return ", ".join(f"column {j + 1}" for j in found)
    return ", ".join(state.names[j] for j in found)


def _of_fit(state: Selecting, wanted: int) -> list[str]:
    statistics = state.table[wanted - 1].statistics
    if statistics.rmsea is None:
        words = "1 factor leaves" if wanted == 1 else f"{wanted} factors leave"
        return [f"{words} no degree of freedom: the fit tells nothing"]
    words = "a close fit" if statistics.rmsea <= CLOSE else "not a close fit"
    left = f"RMSR {statistics.rmsr:.3f}"
    return [f"RMSEA with {wanted} is {statistics.rmsea:.3f} ({words}), {left}"]
