"""Latent class analysis by maximum likelihood, from many starts, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class import kernel
from flask_api.domains.market.latent_class.model import LatentClasses, model_of
from flask_api.domains.market.latent_class.starts import Start, make_starts
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Passes that each start gets before the best are chosen.
SCREENED = 15
#: Starts whose log-likelihood is this near to the best have found the same: so much,
#: or of a huge one, which rounds more coarsely, such a share.
SAME, SAME_SHARE = 0.01, 1e-9
#: Finished starts that have to agree on the best before the others are left.
AGREED = 2
#: The best start is followed on until changes are so much smaller still, or noise.
_FINER, _NOISE = 1e-4, 1e-14
#: A table with so few numbers to look up in a pass: all its starts are followed.
_SMALL = 1 << 15
#: Passes that a start takes to its end, as long as none has ended.
_TYPICAL = 100
#: Numbers looked up between two looks from outside: some tens of milliseconds.
_WORK = 1 << 26


@dataclass(eq=False)
class Fitting:
    """The state after a block: where the search is, and the best model so far.

    phase      `screening` (every start a little), `finishing` (to their ends, the best
               first) or `finished`
    current    the start that was worked on
    starts     all of them, in order
    done       passes over the data so far
    wanted     starts that are followed to their end at least
    """

    patterns: Patterns = field(repr=False)
    classes: int
    max_iter: int
    phase: str
    current: Start
    starts: list[Start]
    done: int = 0
    wanted: int = 0

    @property
    def iteration(self) -> int:
        return self.current.iterations

    @property
    def log_likelihood(self) -> float:
        return self.current.log_likelihood

    @property
    def change(self) -> float | None:
        return self.current.change

    @property
    def sizes(self) -> Floats:
        """Class sizes of the current start, the largest first, shape (classes,)."""
        sizes = self.current.theta[0, 0, : self.classes]
        return np.asarray(np.sort(sizes / sizes.sum())[::-1])

    @property
    def total(self) -> int:
        """Passes over the data in all, by what finished starts took: a guess."""
        if self.phase == "finished":
            return self.done
        ended = [start.iterations for start in self.starts if start.finished]
        typical = sum(ended) / len(ended) if ended else min(_TYPICAL, self.max_iter)
        here = 0 if self.current.finished else self.current.iterations
        rest = max(typical - here, here / 4)
        if self.phase == "screening":
            rest = (
                SCREENED * sum(not start.iterations for start in self.starts) + typical
            )
        more = max(0, self.wanted - len(ended) - 1)
        return self.done + math.ceil(rest + more * typical)

    @property
    def leader(self) -> Start:
        """The start with the highest log-likelihood so far."""
        return max(self.starts, key=lambda start: start.log_likelihood)

    @property
    def reached(self) -> int:
        """Finished starts that are as good as the best."""
        best = self.leader.log_likelihood
        near = best - max(SAME, SAME_SHARE * abs(best))
        return sum(s.finished and s.log_likelihood >= near for s in self.starts)

    def best(self) -> LatentClasses:
        """The best model so far; after `finished`, the answer."""
        leader = self.leader
        return model_of(
            self.patterns,
            leader.theta[0],
            self.classes,
            leader.iterations,
            leader.converged,
        )


def fit(
    patterns: Patterns,
    n_classes: int,
    *,
    n_init: int = 10,
    max_iter: int = 1000,
    tol: float = 1e-6,
    seed: int = 0,
    exhaustive_starts: bool = False,
    given: LatentClasses | None = None,
    followed: int | None = None,
) -> Iterator[Fitting]:
    """The search for the most likely model, yielded after each block of passes.

    patterns            the data; missing values are left out of the likelihood, as is
                        right where they are missing at random
    n_classes           1 or more, at most the number of distinct patterns
    n_init              random starts, 1 or more; one class needs only one
    max_iter            passes over the data that a start may take, 1 or more
    tol                 a start stands still when two rounds of three passes in a row
                        raise the log-likelihood by less, > 0; the best is then followed
                        on to a ten-thousandth of it
    seed                decides every number, together with the data and the above
    exhaustive_starts   follow every start to its end; else, but for small tables, each
                        gets 15 passes, then they are followed, the best first, until
                        two agree on the best
    given               a model to start from besides, the first of the starts; n_init
                        may be 0 then
    followed            starts followed to their end at most, None = no limit

    The same object is yielded again and again; the last one's phase is `finished`.
    Leave the loop to stop: `best()` is then the best model so far.
    Raises InputError for settings out of range, more classes than distinct patterns, or
    a product whose values are all missing.
    """
    counts = _checked(patterns, n_classes, n_init, max_iter, tol, given is not None)
    starts = make_starts(patterns, n_classes, n_init, seed, given)
    state = Fitting(patterns, n_classes, max_iter, "screening", starts[0], starts)
    state.wanted = len(starts)
    limited = followed is not None or _worth_screening(patterns, starts)
    screened = limited and len(starts) > 1 and not exhaustive_starts
    if screened:
        state.wanted = AGREED
        for start in starts:
            yield from _followed(state, start, counts, min(SCREENED, max_iter), tol)
    state.phase = "finishing"
    for start in sorted(starts, key=lambda start: -start.log_likelihood)[:followed]:
        if not start.converged:
            yield from _followed(state, start, counts, max_iter, tol)
        start.finished = True
        if screened and state.reached >= AGREED:
            break
    finest = max(_FINER * tol, _NOISE * abs(state.leader.log_likelihood))
    yield from _followed(state, state.leader, counts, max_iter, finest)
    state.phase, state.current = "finished", state.leader
    yield state


def _followed(
    state: Fitting, start: Start, counts: Floats, until: int, tol: float
) -> Iterator[Fitting]:
    """Follow one start until it stands still or has had so many passes."""
    codes, theta = state.patterns.codes, start.theta
    passes = max(3, _WORK // (codes.size * theta.shape[2]))
    state.current, still = start, False
    start.progress[kernel.QUIET] = 0.0
    while not still and start.iterations < until:
        before = start.iterations
        still = kernel.climb()(
            codes,
            counts,
            state.patterns.items,
            state.patterns.gaps,
            theta,
            passes,
            until,
            tol,
            start.progress,
        )
        start.converged |= still
        start.trace.append((start.iterations, start.log_likelihood))
        state.done += start.iterations - before
        yield state


def _worth_screening(patterns: Patterns, starts: list[Start]) -> bool:
    """Following all starts of a small table takes milliseconds, and finds more."""
    looked_up = patterns.codes.size * starts[0].theta.shape[2]
    return len(starts) > AGREED and looked_up > _SMALL


def _checked(
    patterns: Patterns,
    classes: int,
    n_init: int,
    max_iter: int,
    tol: float,
    given: bool,
) -> Floats:
    """Counts of the patterns that tell something, once all is well."""
    for name, value, least in (
        ("n_classes", classes, 1),
        ("n_init", n_init, 0 if given else 1),
        ("max_iter", max_iter, 1),
    ):
        if value < least:
            raise InputError(
                f"got {name} {value}; wanted {least} or more", f"params.{name}"
            )
    if not tol > 0:
        raise InputError(f"got tol {tol}; wanted a number above 0", "params.tol")
    _, known = patterns.totals()
    if not known.all():
        column = int(np.argmin(known))
        raise InputError(
            f"column {column + 1} has no known value; leave it out",
            f"columns[{column}]",
        )
    counts = np.where(patterns.informative(), patterns.counts, 0.0)
    distinct = int(np.count_nonzero(counts))
    if classes > distinct:
        raise InputError(
            f"got {classes} classes for {distinct} distinct patterns of purchases; "
            f"wanted at most {distinct}: more classes than patterns tell nothing",
            "params.n_classes",
        )
    return counts
