"""The limits that a request sets, as constraints of a search."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Protocol

from flask_api.domains.sensitivity.optimization.constraints import (
    SUM_KEPT,
    Constraint,
    roomiest,
    scale_of,
)
from flask_api.domains.sensitivity.optimization.decisions import Space
from flask_api.domains.sensitivity.optimization.linear_expression import Linear, linear
from flask_api.numerics.errors import InputError, NoSolutionError


class Limit(Protocol):
    """`output op value` or `expression op value`; `optimize_schema.Limit` is one."""

    @property
    def output(self) -> str | None: ...

    @property
    def expression(self) -> str | dict[str, float] | None: ...

    @property
    def op(self) -> str: ...

    @property
    def value(self) -> float: ...


def constraint(
    limit: Limit,
    place: str,
    space: Space,
    canonical: Callable[[str, str], str],
    drawn: Container[str],
    baseline: Mapping[str, float],
    today: Mapping[str, float],
) -> Constraint:
    """What `limit` asks of the decisions in `space`.

    place       where it stands in the request; errors name it
    canonical   name of an input in any spelling, and the field it stands in -> its own
    drawn       inputs that are uncertain
    baseline    the model's values of all inputs: those not chosen are constants
    today       outputs at these values

    Raises InputError for an expression that can't be read, holds an uncertain input, or
    no decision.
    """
    if limit.output is not None:
        scale = scale_of(limit.value, space, None, today[limit.output])
        name = limit.output
        return Constraint(name, limit.op, limit.value, output=name, scale=scale)
    place = f"{place}.expression"
    label, given = _sum(limit.expression or "", place)
    constant, coefficients = given.constant, dict.fromkeys(space.names, 0.0)
    for spelling, factor in given.coefficients.items():
        name = canonical(spelling, place)
        if name in coefficients:
            coefficients[name] += factor
        elif name in drawn:
            raise InputError(
                f"{spelling} is uncertain; a sum may hold chosen and fixed inputs only",
                place,
            )
        else:
            constant += factor * baseline[name]
    used = {name: factor for name, factor in coefficients.items() if factor != 0}
    if not used:
        raise InputError("none of its inputs is among the `parameters`", place)
    scale = scale_of(limit.value - constant, space, used, None)
    return Constraint(label, limit.op, limit.value, None, used, constant, scale)


def _sum(expression: str | dict[str, float], place: str) -> tuple[str, Linear]:
    if isinstance(expression, str):
        return expression.strip(), linear(expression, place)
    label = " + ".join(f"{factor:g}*{name}" for name, factor in expression.items())
    return label, Linear(dict(expression), 0.0)


def refuse_contradiction(
    space: Space, constraints: Sequence[Constraint], ids: Mapping[str, str]
) -> None:
    """NoSolutionError where no point keeps the sums of inputs, whatever the model.

    ids   what the user calls each decision
    """
    sums = [item for item in constraints if item.coefficients is not None]
    if not sums:
        return
    u, margin = roomiest(space, sums)
    if margin <= SUM_KEPT:
        return
    x = space.values(u[:, None])[:, 0].tolist()
    least = {ids[name]: value for name, value in zip(space.names, x, strict=True)}
    told = ", ".join(f"{name} = {value:.6g}" for name, value in least.items())
    raise NoSolutionError(
        f"no point within the ranges keeps {'; '.join(map(str, sums))}; the least "
        f"violated one is {told}: loosen a constraint or widen a range",
        field="constraints",
        details={"least_violated": {"inputs": least}},
    )
