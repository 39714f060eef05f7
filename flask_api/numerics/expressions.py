"""Formulas of a user, computed on whole columns; they can't reach Python.

`read({"profit": "units * price - cost"}, ["units", "price", "cost"])` gives an
`Expressions`; `evaluate` computes all its formulas for many rows at once, `slopes`
their exact derivatives. What is understood: `expression_syntax.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.expression_operations import SLOPES, VALUES, Column, Slope
from flask_api.numerics.expression_syntax import Program, Step
from flask_api.numerics.expression_syntax import read as read_one

Floats = npt.NDArray[np.float64]

#: Rows computed at once: their columns stay in the processor's cache, and even
#: formulas of thousands of parts need little memory.
BLOCK = 8192


def read(
    formulas: Mapping[str, str],
    inputs: Collection[str],
    fields: Mapping[str, str] | None = None,
) -> Expressions:
    """The formulas, ready to be computed; a part that several share is computed once.

    formulas   text by output
    inputs     names that they may use
    fields     where each formula stands in the request, by output

    Raises InputError, with line, column and the piece that is not understood, also for
    a formula of more than 10,000 characters, for one nested more than 100 deep, and for
    a part of constants that has no finite value, such as 1/0.
    """
    program = Program()
    last = {
        output: read_one(text, inputs, program, (fields or {}).get(output, "formula"))
        for output, text in formulas.items()
    }
    return Expressions(tuple(program.steps), last)


@dataclass(frozen=True)
class Expressions:
    """Several formulas of the same inputs.

    steps     operations in the order they are taken
    results   number of the step that gives each output
    """

    steps: tuple[Step, ...]
    results: Mapping[str, int]

    @property
    def names(self) -> frozenset[str]:
        """The inputs that occur in a formula."""
        return frozenset(s.name for s in self.steps if s.operation == "input")

    @cached_property
    def _last_use(self) -> list[list[int]]:
        """After each step, the columns that nothing needs any more."""
        user: dict[int, int] = {}
        for number, step in enumerate(self.steps):
            user.update(dict.fromkeys(step.operands, number))
        free: list[list[int]] = [[] for _ in self.steps]
        for number, at in user.items():
            if number not in self.results.values():
                free[at].append(number)
        return free

    def evaluate(
        self,
        values: Mapping[str, Floats | float],
        outputs: Sequence[str] | None = None,
        between: Callable[[], None] | None = None,
    ) -> dict[str, Floats]:
        """The outputs, arrays of shape (n,), for the values of all used inputs.

        values    by input: an array of shape (n,), or one number for all rows
        outputs   names of those wanted; None = all
        between   called after each block of rows; what it raises ends the work

        A row is NaN where it has no finite value: division by zero, the logarithm or
        root of a negative number, overflow, or NaN among what it is computed from.
        """
        wanted = list(self.results if outputs is None else outputs)
        size = max((np.size(column) for column in values.values()), default=1)
        found = {name: np.empty(size) for name in wanted}
        needed = self._needed(wanted)
        with np.errstate(all="ignore"):  # what is not finite comes out as NaN
            for start in range(0, size, BLOCK):
                rows = slice(start, min(start + BLOCK, size))
                held = self._taken(_block(values, rows), needed)
                for name in wanted:
                    found[name][rows] = held[self.results[name]]
                if between is not None:
                    between()
        for column in found.values():
            column[~np.isfinite(column)] = np.nan
            column += 0.0  # makes -0 plain 0
        return found

    def slopes(
        self, values: Mapping[str, Floats | float], name: str
    ) -> dict[str, tuple[Floats, Floats]]:
        """Each output and its derivative along the input `name`, shape (n,) both.

        Exact but for roundings: by the chain rule, step by step. NaN where the output
        is, and where it has a kink or a jump.
        """
        size = max((np.size(column) for column in values.values()), default=1)
        everything = [True] * len(self.steps)
        found = {output: (np.empty(size), np.empty(size)) for output in self.results}
        with np.errstate(all="ignore"):
            for start in range(0, size, BLOCK):
                rows = slice(start, min(start + BLOCK, size))
                held = self._taken(_block(values, rows), everything, keep=True)
                along = self._slopes(held, name)
                for output, number in self.results.items():
                    y, slope = found[output]
                    y[rows] = held[number]
                    slope[rows] = 0.0 if along[number] is None else along[number]
        for y, slope in found.values():
            y[~np.isfinite(y)] = np.nan
            slope[~np.isfinite(slope) | np.isnan(y)] = np.nan
        return found

    def _needed(self, wanted: Sequence[str]) -> list[bool]:
        """Which steps the wanted outputs are made of."""
        needed = [False] * len(self.steps)
        for name in wanted:
            needed[self.results[name]] = True
        for number in range(len(self.steps) - 1, -1, -1):
            if needed[number]:
                for operand in self.steps[number].operands:
                    needed[operand] = True
        return needed

    def _taken(
        self, values: Mapping[str, Column], needed: Sequence[bool], keep: bool = False
    ) -> list[Any]:
        """The column of each needed step; without `keep`, of the results only."""
        held: list[Any] = [None] * len(self.steps)
        for number, step in enumerate(self.steps):
            if not needed[number]:
                continue
            if step.operation == "input":
                held[number] = values[step.name]
            elif step.operation == "constant":
                held[number] = np.float64(step.number)
            else:
                operands = [held[operand] for operand in step.operands]
                held[number] = VALUES[step.operation](*operands)
                if not keep:
                    for done in self._last_use[number]:
                        held[done] = None
        return held

    def _slopes(self, held: Sequence[Column], name: str) -> list[Slope]:
        """The slope of each step along the input `name`."""
        along: list[Slope] = [None] * len(self.steps)
        for number, step in enumerate(self.steps):
            if step.operation == "input":
                along[number] = np.float64(1) if step.name == name else None
            elif any(along[operand] is not None for operand in step.operands):
                operands = [held[operand] for operand in step.operands]
                theirs = [along[operand] for operand in step.operands]
                along[number] = SLOPES[step.operation](held[number], *operands, *theirs)
        return along


def _block(values: Mapping[str, Floats | float], rows: slice) -> dict[str, Column]:
    return {
        name: np.asarray(column)[rows] if np.ndim(column) else np.float64(column)
        for name, column in values.items()
    }
