"""Global searches: over the whole box, for the lowest of many valleys.

Differential evolution of whole populations, improved locally at its end, and SHGO.
Sources: Storn, Price (1997), doi:10.1023/A:1008202821328; its constraints: Lampinen
(2002), doi:10.1109/CEC.2002.1004459; Endres, Sandrock, Focke (2018),
doi:10.1007/s10898-018-0645-y.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import NonlinearConstraint, differential_evolution, shgo

from flask_api.domains.sensitivity.optimization.constraints import roomiest
from flask_api.domains.sensitivity.optimization.goal_seek import least_miss
from flask_api.domains.sensitivity.optimization.local_search import (
    cobyqa_from,
    lbfgsb_from,
    size_of,
)
from flask_api.domains.sensitivity.optimization.search import (
    Outcome,
    Search,
    SpentError,
)
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Members of a population: this many for each decision, but no fewer and no more.
MEMBERS, FEWEST, MOST = 20, 64, 512
#: Points that SHGO samples, at most, by the number of decisions: it triangulates them,
#: which grows beyond all bounds with their number.
SAMPLED = {1: 256, 2: 256, 3: 256, 4: 256, 5: 128, 6: 64}
#: How far, in scales, an equality may be missed while a population evolves: of points
#: that keep it exactly there is none to be drawn.
BAND = 0.02
#: Spread of a population's losses, as a part of their mean, at which it has settled.
SETTLED = 1e-8
#: Share of the budget that is kept for the last, local improvement.
LOCAL_SHARE = 0.2

_LANE = 22  # keeps this apart from other uses of the same seed


def evolve(search: Search, seed: int) -> Outcome:
    """Differential evolution of whole populations, then a local improvement."""
    search.phase = "differential evolution"
    local = math.ceil(LOCAL_SHARE * search.left)
    members = min(max(MEMBERS * search.space.dims, FEWEST), MOST)
    members = max(5, min(members, search.left // 25))
    generations = max(1, (search.left - local) // members - 1)
    found = differential_evolution(
        lambda u: search.loss(_columns(u)),
        [(0.0, 1.0)] * search.space.dims,
        init=_population(search, members, seed),
        maxiter=generations,
        tol=SETTLED,
        polish=False,
        rng=stream(seed, 0, _LANE),
        updating="deferred",
        vectorized=True,
        callback=lambda intermediate_result: search.step(),
        constraints=_violations(search),
    )
    settled = bool(found.success)
    message = "the population " + ("has" if settled else "had not") + " settled"
    improved = _improve(search, np.asarray(found.x))
    if improved is None:
        return Outcome("differential_evolution", settled, message)
    return replace(
        improved,
        method=f"differential_evolution, then {improved.method}",
        converged=settled or improved.converged,
        message=f"{message}; {improved.message}",
    )


def _columns(u: Floats) -> Floats:
    return u[:, None] if u.ndim == 1 else u


def _population(search: Search, members: int, seed: int) -> Floats:
    """Sobol points, today's values, and the point with most room, shape (n, dims)."""
    points = search.space.scattered(members, seed).T.copy()
    points[0] = search.space.start
    sums = [c for c in search.constraints if c.coefficients is not None]
    if sums:
        points[1] = roomiest(search.space, sums)[0]
    return points


def _violations(search: Search) -> Any:
    """The constraints as one function of populations; nothing where there is none."""
    if not search.constraints:
        return ()

    band = [BAND if c.op == "==" else 0.0 for c in search.constraints]

    def missed(u: Floats) -> Floats:
        found = search.points(_columns(u))[2] - np.array(band)[:, None]
        return np.asarray(found[:, 0] if u.ndim == 1 else found)

    return (NonlinearConstraint(missed, -np.inf, 0.0),)


def _improve(search: Search, start: Floats) -> Outcome | None:
    """A local search over the decisions that are real numbers; None if there is none.

    start   where the population ended; the best point may be another one, where
            equalities are to be kept
    """
    space = search.space
    if space.integer.all() or search.left <= 0:
        return None
    if search.goal.sense == "target":
        least_miss(search, _best(search, start))
        if search.feasible and search.best and search.best.loss <= search.reached:
            return Outcome("least squares", True, "the target is reached")
    equal = any(c.op == "==" for c in search.constraints)
    start = start if equal else _best(search, start)
    if search.constraints or space.integer.any():
        done, message = cobyqa_from(search, start, radius=0.02)
        return Outcome("cobyqa", done, message)
    done, message = lbfgsb_from(search, start)
    return Outcome("lbfgsb", done, message)


def _best(search: Search, otherwise: Floats) -> Floats:
    if search.best is None:
        return otherwise
    space = search.space
    x = np.array([search.best.inputs[name] for name in space.names])
    return space.unit(x)


#: SciPy's own words here name a value that is ours, in a scale that is ours.
_NO_MINIMUM = (
    "SHGO: no local minimum found, as where the objective is flat, jumps or has few "
    "values; try differential_evolution"
)


def shgo_search(search: Search, seed: int) -> Outcome:
    """Simplicial homology on Sobol points that are evaluated as one array."""
    search.phase = "shgo"
    dims = search.space.dims
    most = max(2 * dims + 2, min(SAMPLED[dims], search.left // 2))
    count = 2 ** int(math.log2(most))
    points = search.space.scattered(count, seed).T
    search.points(points.T)
    search.step()
    size = size_of(search, search.space.start)

    def fun(u: Floats) -> float:
        lost = float(search.loss(_columns(u))[0])
        return lost / size if np.isfinite(lost) else 1e10

    method = "cobyqa" if search.constraints else "l-bfgs-b"
    options = {"final_tr_radius": 1e-9} if search.constraints else {"ftol": 1e-15}
    found = shgo(
        fun, [(0.0, 1.0)] * dims, n=count, iters=1,
        constraints=_room(search) if search.constraints else (),
        sampling_method=lambda n, d: points,
        minimizer_kwargs={"method": method, "options": options},
        callback=lambda x: search.step(),
    )  # fmt: skip
    minima = len(found.xl) if found.success else 0
    message = f"SHGO: {minima} local minima" if minima else _NO_MINIMUM
    outcome = Outcome("shgo", bool(found.success), message)
    if minima:
        # its local searches stop early: slopes by differences, one point at a time
        with suppress(SpentError):
            improved = _improve(search, np.asarray(found.x))
            if improved is not None:
                outcome = replace(outcome, method=f"shgo, then {improved.method}")
    return outcome


def _room(search: Search) -> list[dict[str, Any]]:
    """The constraints as functions that are >= 0 (or 0) where they are kept."""
    rows = []
    for i, item in enumerate(search.constraints):

        def room(u: Floats, i: int = i) -> float:
            return -float(search.points(_columns(u))[1][i, 0])

        rows.append({"type": "eq" if item.op == "==" else "ineq", "fun": room})
    return rows
