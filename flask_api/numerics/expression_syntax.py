"""Reads the text of formulas: only what is listed here is understood.

No part of a formula ever reaches Python: the text is cut into numbers, names and signs,
and read by the precedence that Python gives them. Everything else is refused where it
stands. Reading takes time in proportion to the text, which is bounded, as is nesting.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from flask_api.numerics.errors import InputError
from flask_api.numerics.expression_operations import VALUES
from flask_api.numerics.expression_tokens import HINTS, OFFERED, Token, shown, tokens_of
from flask_api.numerics.expression_words import DEEPEST, FUNCTIONS, LONGEST

_COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))
#: How tightly a sign between two operands binds; prefix signs stand between * and **.
_BINDS = {"or": 1, "and": 2, **dict.fromkeys(_COMPARISONS, 4), "+": 5, "-": 5}
_BINDS |= {"*": 6, "/": 6, "**": 8}
_NOT, _COMPARISON, _SIGN, _POWER = 3, 4, 7, 8


@dataclass(frozen=True)
class Step:
    """One operation: `constant`, `input`, or one of `VALUES` on earlier steps."""

    operation: str
    operands: tuple[int, ...] = ()
    number: float = 0.0
    name: str = ""


@dataclass
class Program:
    """Steps in the order they are taken; the same part of a formula is taken once.

    known   the number of each step, for finding it again
    """

    steps: list[Step] = field(default_factory=list)
    known: dict[Step, int] = field(default_factory=dict)

    def add(self, step: Step) -> int:
        """Number of this step, which may be there already."""
        if step not in self.known:
            self.known[step] = len(self.steps)
            self.steps.append(step)
        return self.known[step]

    def constant(self, number: int) -> float | None:
        """The value of a step that depends on no input."""
        step = self.steps[number]
        return step.number if step.operation == "constant" else None


def read(text: str, inputs: Collection[str], program: Program, field: str) -> int:
    """Adds the steps of a formula to `program`; the number of its last one.

    text     the formula
    inputs   names that it may use
    field    where it stands in the request

    Raises InputError that names line, column and the piece which is not understood.
    """
    if len(text) > LONGEST:
        raise InputError(
            f"the formula has {len(text):,} characters; {LONGEST:,} are allowed. "
            "Compute part of it beforehand, or split it into several outputs",
            field,
        )
    return _Reader(text, inputs, program, field).whole()


class _Reader:
    """Reads one formula from left to right, by the precedence of its signs."""

    def __init__(
        self, text: str, inputs: Collection[str], program: Program, field: str
    ) -> None:
        self._text = text
        self._inputs = inputs
        self._program = program
        self._field = field
        self._tokens = tokens_of(text)
        self._next = 0
        self._depth = 0

    def whole(self) -> int:
        if self._here.kind == "end":
            raise InputError("the formula is empty; write such as `2 * x`", self._field)
        result = self._expression(0)
        if self._here.kind != "end":
            self._refuse(self._here, self._why_not_on())
        return result

    # -- tokens ------------------------------------------------------

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._here
        self._next += 1
        return token

    def _comes(self, sign: str) -> bool:
        """Whether this sign stands here; it is then passed."""
        found = self._here.kind == "sign" and self._here.text == sign
        self._next += found
        return found

    # -- grammar -----------------------------------------------------

    def _expression(self, least: int) -> int:
        """An operand, and all signs behind it that bind at least so tightly."""
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(
                self._here,
                f"nested more than {DEEPEST} deep; split the formula into several "
                "outputs, or leave out brackets",
            )
        left = self._operand(least)
        while self._here.kind == "sign":
            sign = self._here
            binds = _BINDS.get(sign.text, -1)
            if binds < max(least, 0):
                break
            if binds == _COMPARISON:
                left = self._comparisons(left)
                continue
            self._next += 1
            # a power takes in all powers and signs on its right: 2**-x**2
            right = self._expression(_SIGN if binds == _POWER else binds + 1)
            left = self._apply(sign.text, sign, left, right)
        self._depth -= 1
        return left

    def _comparisons(self, left: int) -> int:
        """`a < b`, and `a < b < c`, which is `a < b and b < c`."""
        result = None
        while self._here.kind == "sign" and self._here.text in _COMPARISONS:
            sign = self._take()
            right = self._expression(_COMPARISON + 1)
            truth = self._apply(sign.text, sign, left, right)
            if result is not None:
                truth = self._apply("and", sign, result, truth)
            result, left = truth, right
        assert result is not None
        return result

    def _operand(self, least: int) -> int:
        token = self._take()
        if token.kind == "number":
            return self._number(token, float(token.text))
        if token.kind == "name":
            return self._name(token)
        if token.text == "(":
            inside = self._expression(0)
            self._close(token)
            return inside
        if token.text == "-":
            return self._apply("negative", token, self._expression(_SIGN))
        if token.text == "+":
            return self._expression(_SIGN)
        if token.text == "not" and least <= _NOT:
            return self._apply("not", token, self._expression(_NOT))
        self._refuse(token, "wanted a number, a name, a function or a bracket here")

    def _name(self, token: Token) -> int:
        name = token.text
        called = self._here.kind == "sign" and self._here.text == "("
        if name in FUNCTIONS:
            if not called:
                self._refuse(token, f"it is a function: write {name}(...)")
            return self._call(token)
        if name not in self._inputs:
            self._refuse(token, self._unknown(name, called))
        if called:
            self._refuse(token, f"it is an input, no function: write {name} * (...)")
        return self._program.add(Step("input", name=name))

    def _call(self, token: Token) -> int:
        least, most = FUNCTIONS[token.text]
        opening = self._take()
        found = [self._expression(0)]
        folds = most > 3  # min and max of many, two by two
        count = 1
        while self._comes(","):
            found.append(self._expression(0))
            count += 1
            if folds:
                found = [self._apply(token.text, token, *found)]
        self._close(opening)
        if not least <= count <= most:
            wanted = f"{least} values" if least == most else f"at least {least} values"
            wanted = "1 value" if (least, most) == (1, 1) else wanted
            self._refuse(token, f"it wants {wanted}, got {count}")
        return found[0] if folds else self._apply(token.text, token, *found)

    def _close(self, opening: Token) -> None:
        if not self._comes(")"):
            line, column = self._position(opening.at)
            self._refuse(
                self._here,
                (
                    f"wanted `)` for the bracket of line {line}, column {column}"
                    if self._here.kind == "end"
                    else self._why_not_on()
                ),
            )

    # -- steps -------------------------------------------------------

    def _number(self, token: Token, value: float) -> int:
        if not np.isfinite(value):
            self._refuse(token, "it has no finite value whatever the inputs are")
        return self._program.add(Step("constant", number=value))

    def _apply(self, operation: str, token: Token, *operands: int) -> int:
        """A step; of constants alone it is taken here, in floating point."""
        values = [self._program.constant(operand) for operand in operands]
        if all(value is not None for value in values):
            with np.errstate(all="ignore"):  # refused below, where it is not finite
                value = VALUES[operation](*(np.float64(v) for v in values))
            return self._number(token, float(value))
        return self._program.add(Step(operation, operands))

    # -- refusals ----------------------------------------------------

    def _position(self, at: int) -> tuple[int, int]:
        before = self._text[:at]
        return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1

    def _refuse(self, token: Token, reason: str) -> NoReturn:
        line, column = self._position(token.at)
        if token.kind == "strange":
            reason = HINTS.get(token.text, OFFERED)
        raise InputError(
            f"line {line}, column {column}: {shown(token)}: {reason}",
            self._field,
            {"line": line, "column": column, "got": token.text[:60]},
        )

    def _why_not_on(self) -> str:
        before, here = self._tokens[self._next - 1], self._here
        if here.text == ")":
            return "no bracket is open here"
        if here.text == ",":
            return "a comma stands only between the values of a function"
        if before.kind == "number" and here.kind in ("name", "number"):
            return f"wanted a sign before it, such as {before.text[:20]} * ..."
        return "wanted a sign before it, such as + or *"

    def _unknown(self, name: str, called: bool) -> str:
        known = FUNCTIONS if called else [*self._inputs, *FUNCTIONS]
        close = difflib.get_close_matches(name[:60], list(known)[:500], n=3)
        if close:
            return f"it is not known; did you mean {', '.join(close)}?"
        if called:
            return f"it is no function; there are {', '.join(sorted(FUNCTIONS))}"
        names = sorted(self._inputs)
        more = ", ..." if len(names) > 20 else ""
        return f"it is no input; the model has {', '.join(names[:20])}{more}"
