"""The answer of an optimisation, in the words that the outside was promised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flask_api.domains.sensitivity.optimization.constraints import Constraint
from flask_api.domains.sensitivity.optimization.decisions import Space, at_bound
from flask_api.domains.sensitivity.optimization.search import Outcome, Point, Search
from flask_api.domains.sensitivity.selection import Varied
from flask_api.numerics.errors import NoSolutionError

#: What watchers see at most while it runs.
LIVE_ROWS, LIVE_INPUTS = 40, 60

Ids = Mapping[str, str]


def live(search: Search, ids: Ids) -> dict[str, Any]:
    """The best so far and the trace, small enough for every watcher."""
    best = search.best
    every = -(-len(search.trace) // LIVE_ROWS) or 1
    shown = None
    if best is not None:
        inputs = list(best.inputs.items())[:LIVE_INPUTS]
        shown = {
            "inputs": {ids[name]: value for name, value in inputs},
            "value": best.value,
            "violation": best.violation,
        }
    return {
        "output": search.goal.output,
        "best": shown,
        "evaluations": search.evaluations,
        "failed": search.failed,
        "trace": search.trace[::-1][::every][::-1],
    }


def refuse_failure(search: Search, outcome: Outcome, ids: Ids) -> None:
    """NoSolutionError where there is no point that could be answered.

    It tells the point that comes nearest. A target that whole numbers step over, and
    one that was not reached within the budget, are no failures.
    """
    best, goal = search.best, search.goal
    if best is None:
        raise NoSolutionError(
            f"none of the {search.evaluations:,} points has a value of {goal.output}"
            + _and_limits(search)
            + "; choose other ranges",
            field="parameters",
        )
    if best.violation > 0:
        missed = [
            f"{item} (there {left:.6g})"
            for item, left in _lefts(search.constraints, best)
            if item.violation(left) > 0
        ]
        raise NoSolutionError(
            f"of {search.evaluations:,} points none keeps all constraints; the least "
            f"violated one, {_told(best, ids)}, misses {'; '.join(missed)}: loosen a "
            "constraint or widen a range",
            field="constraints",
            details={"least_violated": _shown(best, ids)},
        )
    if goal.sense == "target" and not outcome.converged and not outcome.spent:
        between = search.lowest <= (goal.target or 0.0) <= search.highest
        if not (search.space.integer.all() and between):
            raise NoSolutionError(
                f"{goal.output} can't reach {goal.target:g} within the ranges; the "
                f"nearest value reached is {best.value:.6g}, at {_told(best, ids)}: "
                "choose another target or widen a range",
                field="target",
                details={"nearest": _shown(best, ids)},
            )


def _and_limits(search: Search) -> str:
    limited = {c.output for c in search.constraints if c.output is not None}
    more = sorted(limited - {search.goal.output})
    return f" and of {', '.join(more)}" if more else ""


def _lefts(
    constraints: Sequence[Constraint], point: Point
) -> list[tuple[Constraint, Any]]:
    inputs = {name: np.array([value]) for name, value in point.inputs.items()}
    outputs = {name: np.array([value]) for name, value in point.outputs.items()}
    return [(item, item.left(inputs, outputs)[0]) for item in constraints]


def _told(point: Point, ids: Ids) -> str:
    some = list(point.inputs.items())[:6]
    more = f" and {len(point.inputs) - 6} more" if len(point.inputs) > 6 else ""
    return ", ".join(f"{ids[name]} = {value:.6g}" for name, value in some) + more


def _shown(point: Point, ids: Ids) -> dict[str, Any]:
    return {
        "inputs": {ids[name]: value for name, value in point.inputs.items()},
        "value": point.value,
        "violation": point.violation,
    }


def answer(
    search: Search,
    outcome: Outcome,
    varied: Sequence[Varied],
    today: Mapping[str, float],
    at_best: Mapping[str, Mapping[str, float]],
    metadata: dict[str, Any],
    warnings: list[str],
) -> dict[str, Any]:
    """Answer of `/sensitivity/optimize`.

    today     outputs at the model's own values; where that point breaks a constraint,
              there is no improvement to tell
    at_best   outputs at the best point, by `outputs` and, where inputs are uncertain,
              `outputs_at_model_values`
    """
    ids = {str(item.name): item.id for item in varied}
    best = outcome.solutions[0] if outcome.solutions else search.best
    assert best is not None
    bounds = at_bound(search.space, best.inputs)
    limits = [
        _limit(item, float(left)) for item, left in _lefts(search.constraints, best)
    ]
    now, output = today[search.goal.output], search.goal.output
    improvement = best.value - now if search.goal.sense == "max" else now - best.value
    seeking = search.goal.sense == "target"
    broken = _broken(search, varied, today)
    if broken and not seeking:
        warnings.append(
            f"today's values break {'; '.join(broken)}: what they give is not to be "
            "had, so improvement is null"
        )
    if not outcome.converged:
        warnings.append(f"not converged: {outcome.message}")
    return {
        "best": {
            "inputs": {ids[name]: value for name, value in best.inputs.items()},
            **at_best,
        },
        "value": best.value,
        "baseline": {
            "inputs": {item.id: item.baseline for item in varied},
            "outputs": dict(today),
            "value": now,
        },
        "improvement": (
            None if seeking or broken or not math.isfinite(now) else improvement
        ),
        **({"solutions": _solutions(outcome, ids)} if seeking else {}),
        "decisions": _decisions(search.space, best, varied, bounds),
        "constraints": limits,
        "active_constraints": [
            *(row["constraint"] for row in limits if row["active"]),
            *(_bound(search.space, name, end, ids) for name, end in bounds.items()),
        ],
        "trace": search.trace,
        "evaluations": search.evaluations,
        "converged": outcome.converged,
        "message": outcome.message,
        "metadata": {
            "method": outcome.method,
            "output": output,
            **metadata,
            "failed": search.failed,
            "warnings": warnings,
        },
    }


def _broken(
    search: Search, varied: Sequence[Varied], today: Mapping[str, float]
) -> list[str]:
    """The constraints that the model's own values break."""
    inputs = {str(item.name): np.array([item.baseline]) for item in varied}
    outputs = {name: np.array([value]) for name, value in today.items()}
    return [
        str(item)
        for item in search.constraints
        if item.violation(item.left(inputs, outputs))[0] > 0
    ]


def _solutions(outcome: Outcome, ids: Ids) -> list[dict[str, Any]]:
    return [
        {
            "inputs": {ids[name]: value for name, value in point.inputs.items()},
            "value": point.value,
        }
        for point in outcome.solutions
    ]


def _decisions(
    space: Space, best: Point, varied: Sequence[Varied], bounds: Mapping[str, str]
) -> list[dict[str, Any]]:
    ends = zip(space.names, space.low.tolist(), space.high.tolist(), strict=True)
    limits = {name: (low, high) for name, low, high in ends}
    return [
        {
            "id": item.id,
            "value": best.inputs[name],
            "baseline": item.baseline,
            "min": limits[name][0],
            "max": limits[name][1],
            "unit": item.unit,
            "bound": bounds.get(name),
        }
        for item in varied
        if (name := str(item.name))
    ]


def _limit(item: Constraint, left: float) -> dict[str, Any]:
    slack = left - item.value if item.op in (">=", ">") else item.value - left
    return {
        "constraint": str(item),
        "left": left,
        "op": item.op,
        "value": item.value,
        "slack": slack,
        "tolerance": item.kept * item.scale,
        "active": item.active(left),
    }


def _bound(space: Space, name: str, end: str, ids: Ids) -> str:
    index = space.names.index(name)
    if end == "lower":
        return f"{ids[name]} >= {space.low[index]:g}"
    return f"{ids[name]} <= {space.high[index]:g}"
