"""Local searches: from a good point to the bottom of its valley.

L-BFGS-B follows slopes within bounds; COBYQA needs no slopes and keeps constraints.
Sources: Byrd, Lu, Nocedal, Zhu (1995), doi:10.1137/0916069; Ragonneau (2022), PhD
thesis, The Hong Kong Polytechnic University.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, NonlinearConstraint, minimize

from flask_api.domains.sensitivity.optimization.constraints import rows_of
from flask_api.domains.sensitivity.optimization.goal_seek import slope_at
from flask_api.domains.sensitivity.optimization.search import Outcome, Search

Floats = npt.NDArray[np.float64]

#: Values as near to an end of their range as this part of it are tried at the end too.
NEAR = 1e-6


def _begin(search: Search, seed: int) -> Floats:
    """Today's values; where they have no answer, the best of some Sobol points."""
    first = search.first
    if first is not None and np.isfinite(first.loss):
        return search.space.start
    count = max(1, min(16 * search.space.dims, search.left))
    points = search.space.scattered(count, seed)
    lost = search.loss(points)
    return np.asarray(points[:, int(np.argmin(lost))])


def lbfgsb(search: Search, seed: int) -> Outcome:
    done, message = lbfgsb_from(search, _begin(search, seed))
    return Outcome("lbfgsb", done, message)


def lbfgsb_from(search: Search, start: Floats) -> tuple[bool, str]:
    """L-BFGS-B with exact slopes where the model knows them."""
    search.phase = "lbfgsb"
    size, whole = size_of(search, start), search.goal.sense == "target"
    target = search.goal.target or 0.0
    sign = -1.0 if search.goal.sense == "max" else 1.0

    def fun(u: Floats) -> tuple[float, Floats]:
        y = float(search.points(u[:, None])[0][0])
        slope = slope_at(search, u)
        if not np.isfinite(y):
            return 1e10, np.zeros_like(u)
        if whole:
            miss = (y - target) / size
            return miss * miss, 2 * miss * slope / size
        return sign * y / size, sign * slope / size

    found = minimize(
        fun, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(start),
        callback=lambda intermediate_result: search.step(),
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000},
    )  # fmt: skip
    said = str(found.message).lower().rstrip(": ")
    if said == "abnormal":
        said = (
            "no step along the slope makes it better, as where the objective jumps; "
            "try differential_evolution"
        )
    return bool(found.success), f"L-BFGS-B: {said}"


def cobyqa(search: Search, seed: int) -> Outcome:
    done, message = cobyqa_from(search, _begin(search, seed), radius=0.1)
    return Outcome("cobyqa", done, message)


def cobyqa_from(search: Search, start: Floats, radius: float) -> tuple[bool, str]:
    """COBYQA over the decisions that are real numbers; the others keep their values."""
    search.phase = "cobyqa"
    free = np.flatnonzero(~search.space.integer)
    size = size_of(search, start)

    def whole(u: Floats) -> Floats:
        full = start.copy()
        full[free] = u
        return full[:, None]

    def fun(u: Floats) -> float:
        lost = search.loss(whole(u))[0]
        if search.goal.sense == "target":
            return float((lost / size) ** 2)
        return float(lost / size) if np.isfinite(lost) else float("nan")

    found = minimize(
        fun, start[free], method="cobyqa", bounds=[(0.0, 1.0)] * len(free),
        constraints=_margins(search, free, start, whole),
        callback=lambda intermediate_result: search.step(),
        options={
            "initial_tr_radius": radius,
            "final_tr_radius": 1e-9,
            "feasibility_tol": 1e-9,
            "maxfev": search.left + len(free) + 2,  # the record ends it before
            "maxiter": 500 * len(free),
        },
    )  # fmt: skip
    return bool(found.success), f"COBYQA: {str(found.message).lower()}"


def _margins(
    search: Search,
    free: npt.NDArray[np.intp],
    start: Floats,
    whole: Callable[[Floats], Floats],
) -> list[Any]:
    """Sums of inputs as linear constraints, limits of outputs as functions."""
    sums = [c for c in search.constraints if c.coefficients is not None]
    found: list[Any] = []
    if sums:
        a, b = rows_of(search.space, sums)
        fixed = search.space.integer
        b = b + a[:, fixed] @ _share(search, start)[fixed]
        lowest = np.where([c.op == "==" for c in sums], -b, -np.inf)
        found.append(LinearConstraint(a[:, free], lowest, -b))
    rows = [i for i, c in enumerate(search.constraints) if c.output is not None]
    if rows:
        equal = [search.constraints[i].op == "==" for i in rows]
        lowest = np.where(equal, 0.0, -np.inf)

        def limits(u: Floats) -> Floats:
            return search.points(whole(u))[1][rows, 0]

        found.append(NonlinearConstraint(limits, lowest, 0.0))
    return found


def _share(search: Search, u: Floats) -> Floats:
    """Values as parts of their ranges: 0 = lowest, 1 = highest."""
    space = search.space
    x = space.values(u[:, None])[:, 0]
    width = np.where(space.high > space.low, space.high - space.low, 1.0)
    return np.asarray((x - space.low) / width)


def size_of(search: Search, start: Floats) -> float:
    """A size of the loss, so that a method's tolerances fit it."""
    y = float(search.points(start[:, None])[0][0])
    spread = search.highest - search.lowest
    sizes = [abs(y), spread] if np.isfinite(y) and np.isfinite(spread) else [1.0]
    return max(sizes) or 1.0


def snap(search: Search) -> None:
    """Try the best point with values at their bounds where they are next to them."""
    best, space = search.best, search.space
    if best is None or search.left <= 0:
        return
    u = space.unit(np.array([best.inputs[name] for name in space.names]))
    moved = np.where(u < NEAR, 0.0, np.where(u > 1 - NEAR, 1.0, u))
    if (moved != u).any():
        search.points(moved[:, None])
