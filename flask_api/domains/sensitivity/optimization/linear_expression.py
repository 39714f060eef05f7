"""Sums of inputs as people write them: `2*bare_erected_cost - S35/3 + 100`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from flask_api.numerics.errors import InputError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/]))"
)


@dataclass(frozen=True)
class Linear:
    """`constant` plus each named input times its coefficient."""

    coefficients: dict[str, float]
    constant: float


def linear(text: str, field: str | None = None) -> Linear:
    """The coefficients in a sum of inputs, each times or divided by numbers.

    text    names, numbers, + - * /; no brackets, no input times another
    field   where it stands in the request; errors name it

    Raises InputError with the position of what can't be read.
    """
    tokens = _tokens(text, field)
    coefficients: dict[str, float] = {}
    constant, at = 0.0, 0
    while at < len(tokens):
        factor = 1.0
        if at > 0 or tokens[at][1] in ("+", "-"):
            kind, sign, where = tokens[at]
            if kind != "sign" or sign not in "+-":
                raise _problem(f"{sign!r} stands where + or - should", where, field)
            factor, at = (-1.0 if sign == "-" else 1.0), at + 1
        name, factor, at = _term(tokens, at, factor, len(text), field)
        if name is None:
            constant += factor
        else:
            coefficients[name] = coefficients.get(name, 0.0) + factor
    if not all(map(math.isfinite, (*coefficients.values(), constant))):
        raise InputError("a coefficient exceeds all numbers", field)
    return Linear(coefficients, constant)


Token = tuple[str, str, int]


def _tokens(text: str, field: str | None) -> list[Token]:
    found: list[Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            where = at + len(text[at:]) - len(text[at:].lstrip())
            raise _problem(f"can't read {text[where]!r}", where, field)
        kind = str(match.lastgroup)
        found.append((kind, match[kind], match.start(kind)))
        at = match.end()
    if not found:
        raise InputError("the expression is empty; name an input", field)
    return found


def _term(
    tokens: list[Token], at: int, factor: float, end: int, field: str | None
) -> tuple[str | None, float, int]:
    """One summand from token `at` on: its input or None, its factor, what follows."""
    name, by = None, "*"
    while True:
        kind, word, where = tokens[at] if at < len(tokens) else ("end", "the end", end)
        if kind == "number":
            value = float(word)
            if by == "/" and value == 0:
                raise _problem("division by 0", where, field)
            factor = factor * value if by == "*" else factor / value
        elif kind == "name" and by == "*" and name is None:
            name = word
        elif kind == "name":
            raise _problem(
                f"{word} makes it nonlinear: an input may be multiplied and divided "
                "by numbers only",
                where,
                field,
            )
        else:
            raise _problem(f"{word!r} stands where a term should", where, field)
        at += 1
        if at >= len(tokens) or tokens[at][1] not in ("*", "/"):
            return name, factor, at
        by, at = tokens[at][1], at + 1


def _problem(what: str, where: int, field: str | None) -> InputError:
    return InputError(
        f"character {where + 1}: {what}; wanted a sum such as "
        "2*bare_erected_cost + labor_cost/3",
        field,
    )
