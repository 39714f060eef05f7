"""Non-negative factorisation of binary purchases, from several starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.nonnegative import kernel
from flask_api.domains.market.nonnegative.parts import Parts, parts_of
from flask_api.domains.market.nonnegative.starts import (
    INITS,
    Spectrum,
    Start,
    make_start,
    spectrum,
)
from flask_api.domains.market.patterns.pairs import PairCounts, alike, count_pairs
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

#: Numbers looked up between two looks from outside: some tens of milliseconds.
_WORK = 1 << 24
#: Of 0 to 0.7, what took the fewest rounds over dense and sparse tables.
PUSH = 0.4


@dataclass
class Fitting:
    """The state after a block: where the search is, and the best start so far.

    phase         `counting` (products in pairs), `descending` or `finished`
    start         the start that is worked on, from 1 to `n_init`; 0 while counting
    starts        those begun, in order; only the best and the current hold weights
    best          the start with the smallest error so far, None while counting
    max_iter      rounds that a start may take; push as given
    answer        the parts, when `finished`
    """

    phase: str
    patterns: Patterns = field(repr=False)
    components: int
    n_init: int
    max_iter: int
    push: float
    start: int = 0
    starts: list[Start] = field(default_factory=list)
    best: Start | None = None
    answer: Parts | None = None

    @property
    def current(self) -> Start | None:
        return self.starts[-1] if self.starts else None

    @property
    def done(self) -> float:
        """Starts done, of `n_init`; the current one by its rounds."""
        if self.phase == "finished":
            return float(self.n_init)
        here = self.current
        part = here.iterations / self.max_iter if here is not None else 0.0
        return max(0, self.start - 1) + min(part, 1.0)


def fit(
    patterns: Patterns,
    n_components: int,
    *,
    init: str = "nndsvda",
    n_init: int = 10,
    max_iter: int = 1000,
    tol: float = 1e-4,
    push: float = PUSH,
    seed: int = 0,
) -> Iterator[Fitting]:
    """The search for parts that add up to the purchases, yielded after each block.

    patterns       the data, without missing values
    n_components   1 or more, at most the number of products
    init           of the first start: `nndsvda`, `nndsvd` (by singular vectors) or
                   `random`; all others are random
    n_init         starts, 1 or more: the smallest error is kept, and the others tell
                   how stable the parts are
    max_iter       rounds of a start, 1 or more
    tol            a start stands still when its slopes have fallen to this part of
                   those of its first round, > 0 (the rule of scikit-learn)
    push           how far products go on in the direction of their last step, 0 <= push
                   < 1: 0 makes exactly the rounds of scikit-learn, of one sweep each
    seed           of the random starts

    Half the squared error over all cells is made least, by cyclic coordinate descent
    (HALS: Cichocki and Phan 2009, IEICE Trans. Fundam. E92-A, 708-721) as in
    scikit-learn, but over each distinct row once, with a push and with more than one
    sweep a round.
    The same object is yielded again and again; the last one's phase is `finished`.
    Raises InputError for settings out of range, missing values, one row or all zeros.
    """
    _checked(patterns, n_components, init, n_init, max_iter, tol, push)
    state = Fitting("counting", patterns, n_components, n_init, max_iter, push)
    pairs: PairCounts | None = None
    for counted in count_pairs(patterns):
        pairs = counted
        yield state
    assert pairs is not None  # patterns are one block at least
    both = pairs.both
    _refuse_nothing(both)
    known, whole = spectrum(both, n_components + 1), float(np.trace(both))
    mean = whole / patterns.rows / patterns.items
    state.phase = "descending"
    tiles = kernel.tiled(patterns.codes, patterns.counts)
    streams = np.random.SeedSequence(seed).spawn(n_init)
    for number, stream in enumerate(streams):
        state.start = number + 1
        how = "random" if number else init
        start = make_start(
            patterns, known, n_components, how, mean, np.random.default_rng(stream)
        )
        state.starts.append(start)
        yield from _descended(state, start, tiles, whole, tol)
    assert state.best is not None  # there is one start at least
    state.answer = _answer(state, known, both, alike(pairs))
    state.phase = "finished"
    yield state


def _descended(
    state: Fitting, start: Start, tiles: tuple[Bytes, Floats], whole: float, tol: float
) -> Iterator[Fitting]:
    patterns, before = state.patterns, state.best
    rounds = max(1, _WORK // (patterns.codes.size * start.tiles.shape[1]))
    while not start.converged and start.iterations < state.max_iter:
        start.converged = kernel.descend()(
            *tiles,
            state.components,
            whole,
            start.tiles,
            start.products,
            start.ahead,
            min(rounds, state.max_iter - start.iterations),
            state.push,
            tol,
            start.progress,
        )
        start.trace.append((start.iterations, start.squares))
        if before is None or start.squares < before.squares:
            state.best = start
        yield state
    loser = before if state.best is start else start
    if loser is not None:
        loser.tiles = np.empty((0, 0, 0))  # as large as the data: not needed any more


def _answer(
    state: Fitting, known: Spectrum, both: Floats, copies: list[tuple[int, int, bool]]
) -> Parts:
    assert state.best is not None
    others = [s for s in state.starts if s is not state.best]
    return parts_of(
        state.patterns, state.components, state.best, others, both, known.rank, copies
    )


def _checked(
    patterns: Patterns,
    n_components: int,
    init: str,
    n_init: int,
    max_iter: int,
    tol: float,
    push: float,
) -> None:
    if patterns.gaps:
        raise InputError(
            "got missing values, which a sum of parts can't have; wanted 0 or 1 in "
            "each cell: drop such rows, or impute",
            "missing",
        )
    if patterns.rows < 2:
        raise InputError("got one row; wanted two or more to compare", "data")
    if not 1 <= n_components <= patterns.items:
        raise InputError(
            f"got {n_components} components for {patterns.items} products; wanted 1 to "
            f"{patterns.items}: with as many as products there is nothing to find",
            "params.n_components",
        )
    if init not in INITS:
        raise InputError(
            f"got init {init!r}; wanted one of {', '.join(INITS)}", "params.init"
        )
    if n_init < 1:
        raise InputError(f"got {n_init} starts; wanted 1 or more", "params.n_init")
    if max_iter < 1:
        raise InputError(
            f"got {max_iter} iterations; wanted 1 or more", "params.max_iter"
        )
    if not 0 <= push < 1:
        raise InputError(f"got push {push}; wanted 0 <= push < 1", "params.push")
    if not tol > 0:
        raise InputError(f"got tol {tol}; wanted more than 0", "params.tol")


def _refuse_nothing(both: Floats) -> None:
    if not both.any():
        raise InputError(
            "got data where nothing was bought; wanted at least one 1", "data"
        )
