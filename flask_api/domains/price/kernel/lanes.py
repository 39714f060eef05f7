"""Numbers of several plants as one value of compiled code: a vector with operators.

`get(w, offset)` reads one, `put(w, offset, lanes)` writes it, `where(mask, a, b)`
chooses lane by lane. Written with it, arithmetic reads as for one plant, and yet each
operation is one or two instructions for all, in registers. Left to itself the compiler
has to assume that each row written may be one that is read next, and works lane by
lane.

Each lane is computed as a plain float64 would be: no result depends on its neighbours.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import (
    intrinsic,
    lower_builtin,
    models,
    register_model,
    type_callable,
)

from flask_api.domains.price.kernel.layout import LANES

#: To mypy; numba knows their real types.
Lanes = Any
Mask = Any

#: Has no types of its own.
_lower_builtin: Any = lower_builtin

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


class _MaskType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Mask{LANES}")


_lanes, _mask = _LanesType(), _MaskType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _DOUBLES)  # type: ignore[no-untyped-call]


@register_model(_MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BITS)  # type: ignore[no-untyped-call]


def _spread(builder: Any, number: Any) -> Any:
    """A number in all lanes."""
    one = builder.insert_element(
        ir.Constant(_DOUBLES, ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(one, ir.Constant(_DOUBLES, ir.Undefined), zeros)


def _vectors(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    """All operands as vectors of doubles."""
    return [
        (
            value
            if kind is _lanes
            else _spread(builder, context.cast(builder, value, kind, types.float64))
        )
        for kind, value in zip(signature.args, values, strict=True)
    ]


def _binary(function: Any, result: Any, build: Any) -> None:
    """Teach numba an operator between lanes, or lanes and a number."""

    @type_callable(function)
    def typed(context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            pair = (a, b)
            numbers = all(
                one is _lanes or isinstance(one, types.Number) for one in pair
            )
            return result if numbers and _lanes in pair else None

        return typer

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return build(builder, *_vectors(context, builder, signature, values))

    for pair in (
        (_LanesType, _LanesType),
        (_LanesType, types.Number),
        (types.Number, _LanesType),
    ):
        _lower_builtin(function, *pair)(lower)


def _compare(sign: str) -> Any:
    return lambda builder, a, b: builder.fcmp_ordered(sign, a, b)


for _function, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _binary(_function, _lanes, lambda b, x, y, name=_name: getattr(b, name)(x, y))
for _function, _name in (
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.eq, "=="),
):
    _binary(_function, _mask, _compare(_name))


def _type_masks(context: Any) -> Any:
    return lambda a, b: _mask if a is _mask and b is _mask else None


def _type_negative(context: Any) -> Any:
    return lambda a: _lanes if a is _lanes else None


def _on_values(instruction: str, *first: str) -> Any:
    """Lowering of an operator that is one instruction on its operands."""

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*first, *values)

    return lower


type_callable(operator.neg)(_type_negative)
type_callable(operator.and_)(_type_masks)
type_callable(operator.eq)(_type_masks)
_lower_builtin(operator.neg, _LanesType)(_on_values("fneg"))
_lower_builtin(operator.and_, _MaskType, _MaskType)(_on_values("and_"))
_lower_builtin(operator.eq, _MaskType, _MaskType)(_on_values("icmp_unsigned", "=="))


def _instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a piece of code generated where compiled code calls it."""
    return cast("Callable[..., Any]", intrinsic(function))


def _place(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    """Pointer to the lanes at an offset of a flat array of doubles."""
    data = context.make_array(kind)(context, builder, array).data
    first = builder.gep(data, [offset], inbounds=True)
    return builder.bitcast(first, _DOUBLES.as_pointer())


@_instruction
def get(typing: Any, w: Any, offset: Any) -> Any:
    """The lanes that begin at `offset`."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _place(context, builder, signature.args[0], *values)
        return builder.load(place, align=8)

    return _lanes(w, types.intp), build


@_instruction
def put(typing: Any, w: Any, offset: Any, lanes: Any) -> Any:
    """Write lanes, or one number to all of them, from `offset` on."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _place(context, builder, signature.args[0], *values[:2])
        value = values[2]
        if signature.args[2] is not _lanes:
            value = _spread(builder, value)
        builder.store(value, place, align=8)
        return context.get_dummy_value()

    kind = _lanes if lanes is _lanes else types.float64
    return types.void(w, types.intp, kind), build


@_instruction
def spread(typing: Any, number: Any) -> Any:
    """A number in all lanes."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _spread(builder, values[0])

    return _lanes(types.float64), build


@_instruction
def where(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """`yes` where the mask holds, else `no`; each lanes or a number."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        chosen = [
            value if kind is _lanes else _spread(builder, value)
            for kind, value in zip(signature.args[1:], values[1:], strict=True)
        ]
        return builder.select(values[0], *chosen)

    kinds = [_lanes if one is _lanes else types.float64 for one in (yes, no)]
    return _lanes(_mask, *kinds), build


@_instruction
def absolute(typing: Any, lanes: Any) -> Any:
    """Each number without its sign."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        negative = builder.fcmp_ordered("<", values[0], ir.Constant(_DOUBLES, None))
        return builder.select(negative, builder.fneg(values[0]), values[0])

    return _lanes(_lanes), build


@_instruction
def anywhere(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in some lane."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits = builder.bitcast(values[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(_mask), build


@_instruction
def highest(typing: Any, lanes: Any) -> Any:
    """The largest number of all lanes, none of which is NaN."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number = ir.IntType(32)
        best = builder.extract_element(values[0], ir.Constant(number, 0))
        for lane in range(1, LANES):
            one = builder.extract_element(values[0], ir.Constant(number, lane))
            best = builder.select(builder.fcmp_ordered(">", one, best), one, best)
        return best

    return types.float64(_lanes), build
