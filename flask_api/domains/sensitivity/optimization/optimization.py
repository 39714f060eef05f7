"""The inputs at which an output is best, within bounds and constraints.

`optimize` chooses among scipy's methods and hands each the same record (`search.py`),
so that the best point ever evaluated is the answer, whoever found it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from flask_api.domains.sensitivity.optimization.global_search import (
    SAMPLED,
    evolve,
    shgo_search,
)
from flask_api.domains.sensitivity.optimization.goal_seek import seek_many, seek_one
from flask_api.domains.sensitivity.optimization.local_search import cobyqa, lbfgsb, snap
from flask_api.domains.sensitivity.optimization.search import (
    Outcome,
    Search,
    SpentError,
)
from flask_api.numerics.errors import InputError

#: Whole-number spaces up to this many points are searched completely by `auto`.
ENUMERATED = 100_000


def optimize(search: Search, method: str, seed: int) -> Outcome:
    """Searches until the method has converged or the budget is spent.

    search   empty; afterwards `search.best` is the answer
    method   `auto`, `differential_evolution`, `shgo`, `lbfgsb` or `cobyqa`

    Raises InputError where the method can't do what is asked.
    """
    _refuse(search, method)
    used = [method]
    try:
        search.points(search.space.start[:, None])
        search.step()
        found = (
            _auto(search, seed, used)
            if method == "auto"
            else METHODS[method](search, seed)
        )
        if search.goal.sense != "target":
            with suppress(SpentError):  # it has converged before
                snap(search)
                _keep_today(search)
        return _judged(search, found)
    except SpentError as spent:
        what = {
            "evaluations": f"{search.budget.evaluations:,} evaluations",
            "time": f"{search.budget.seconds:g} s" if search.budget.seconds else "time",
        }[spent.why]
        message = f"stopped after {what}, the budget, before it had converged"
        return Outcome(used[-1], False, message, spent=True)


def _judged(search: Search, found: Outcome) -> Outcome:
    """`found`, converged only if its point keeps constraints and meets its target."""
    best = search.best
    if best is None or not search.feasible:
        return replace(found, converged=False)
    if search.goal.sense == "target" and not found.solutions:
        met = best.loss <= search.reached
        message = "the target is reached" if met else _nearest(search)
        return replace(
            found, converged=met, message=message, solutions=(best,) if met else ()
        )
    return found


def _keep_today(search: Search) -> None:
    """Give decisions that make no difference their values of today.

    Of many points that are equally good, the answer is then the least change.
    """
    best, space = search.best, search.space
    if best is None or search.left <= space.dims:
        return
    u = space.unit(np.array([best.inputs[name] for name in space.names]))
    each = np.tile(u[:, None], space.dims)
    np.fill_diagonal(each, space.start)
    same = search.loss(each) == best.loss
    kept = ~search.points(each)[2].any(axis=0) if search.constraints else same
    together = np.where(same & kept, space.start, u)
    if (together != u).any():
        search.prefer(together)


def _refuse(search: Search, method: str) -> None:
    space = search.space
    if method == "lbfgsb" and search.constraints:
        raise InputError(
            "lbfgsb knows bounds but no constraints; use cobyqa, shgo, "
            "differential_evolution or auto",
            "method",
        )
    if method == "shgo":
        _refuse_many(search)
    if method in ("lbfgsb", "cobyqa", "shgo") and space.integer.any():
        names = ", ".join(
            name
            for name, whole in zip(space.names, space.integer, strict=True)
            if whole
        )
        raise InputError(
            f"{method} moves real numbers only, and {names} counts in whole numbers; "
            "use differential_evolution or auto",
            "method",
        )


def _refuse_many(search: Search) -> None:
    if search.space.dims > max(SAMPLED):
        raise InputError(
            f"shgo is for up to {max(SAMPLED)} inputs, and {search.space.dims} are to "
            "be chosen; use differential_evolution or auto",
            "method",
        )


def _auto(search: Search, seed: int, used: list[str]) -> Outcome:
    space, seeking = search.space, search.goal.sense == "target"
    real = not space.integer.any()
    if seeking and real and not search.constraints:
        used.append("goal seek")
        return _seek(search, seed)
    if space.combinations <= min(ENUMERATED, search.left):
        used.append("enumeration")
        return _enumerate(search)
    used.append("differential_evolution")
    return evolve(search, seed)


def _seek(search: Search, seed: int) -> Outcome:
    one = search.space.dims == 1
    found = seek_one(search) if one else seek_many(search, seed)
    if found or one:
        message = "the target is reached" if found else _nearest(search)
        return Outcome("goal seek", bool(found), message, tuple(found))
    # all points seen lie on one side of the target: come as near as possible
    return replace(evolve(search, seed), method="goal seek")


def _nearest(search: Search) -> str:
    best = search.best
    return "the target is not reached" + (
        f"; the nearest value is {best.value:.6g}" if best else ""
    )


def _enumerate(search: Search) -> Outcome:
    search.phase = "enumeration"
    for u in search.space.grid():
        search.points(u)
        search.step()
    return Outcome("enumeration", True, "every combination was evaluated")


METHODS: dict[str, Callable[[Search, int], Outcome]] = {
    "differential_evolution": evolve,
    "shgo": shgo_search,
    "lbfgsb": lbfgsb,
    "cobyqa": cobyqa,
}
