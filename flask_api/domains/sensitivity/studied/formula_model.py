"""A user's own function, given as formulas, as sensitivity methods see it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.numerics.expressions import Expressions, read

Floats = npt.NDArray[np.float64]


class Ends(Protocol):
    """The two ends of a range."""

    @property
    def min(self) -> float: ...

    @property
    def max(self) -> float: ...


class Shaped(Protocol):
    """A distribution as requests describe it."""

    def as_mapping(self) -> dict[str, Any]: ...


class Described(Protocol):
    """What a user says of one input; `formula_schema.FormulaInput` is one."""

    @property
    def value(self) -> float | None: ...

    @property
    def range(self) -> Ends | None: ...

    @property
    def distribution(self) -> Shaped | None: ...

    @property
    def integer(self) -> bool: ...

    @property
    def unit(self) -> str: ...

    @property
    def label(self) -> str: ...


@dataclass(frozen=True)
class FormulaInput:
    """One input; `low` and `high` are the range to vary it over, or None."""

    value: float
    unit: str
    label: str
    low: float | None = None
    high: float | None = None
    distribution: Mapping[str, Any] | None = None
    integer: bool = False


@dataclass(frozen=True)
class AnyNumber:
    """A formula takes every number; what it can't compute is NaN."""

    integer: bool
    unit: str
    low: float = -math.inf
    high: float = math.inf
    bounds: str = "any number"

    def allows(self, value: float) -> bool:
        return True


@dataclass(frozen=True)
class FormulaModel:
    """Formulas with their inputs, in the words of `studied.Studied`.

    texts   formula by output, as the user wrote it
    """

    inputs: Mapping[str, FormulaInput]
    texts: Mapping[str, str]
    expressions: Expressions
    title: str = "a formula"

    @property
    def outputs(self) -> Sequence[str]:
        return tuple(self.texts)

    @property
    def units(self) -> Mapping[str, str]:
        """Formulas say nothing of units."""
        return dict.fromkeys(self.texts, "")

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"title": self.title, "formulas": dict(self.texts)}

    @property
    def notes(self) -> list[str]:
        """Inputs that occur in no formula."""
        return [
            f"model.inputs.{name} occurs in no formula and changes nothing"
            for name in self.inputs
            if name not in self.expressions.names
        ]

    def kernel(self, rows: int) -> str:
        return "numpy"

    def find(self, name: str) -> str | None:
        return name if name in self.inputs else None

    def canonical(self, name: str, field: str) -> str:
        if name in self.inputs:
            return name
        raise InputError(
            f"{name[:60]!r} is no input of the formula; {_closest(name, self.inputs)}",
            field,
        )

    def output_name(self, key: str, field: str) -> str:
        if key in self.texts:
            return key
        raise InputError(
            f"{key[:60]!r} is no output; {_closest(key, self.texts)}", field
        )

    def possible(self, name: str) -> AnyNumber:
        given = self.inputs[name]
        return AnyNumber(given.integer, given.unit)

    def baseline(self) -> Mapping[str, float]:
        return {name: given.value for name, given in self.inputs.items()}

    def idle(self, name: str, output: str) -> bool:
        """What occurs in no formula, and what is 0 without a range of its own."""
        given = self.inputs[name]
        spread = given.low is not None or given.distribution is not None
        return name not in self.expressions.names or (given.value == 0 and not spread)

    def refuse_fixed(self, name: str, field: str) -> None:
        """Nothing in a formula is fixed."""

    def evaluate(
        self,
        varied: Mapping[str, Floats],
        outputs: Sequence[str],
        between: Callable[[], None] | None = None,
    ) -> dict[str, Floats]:
        """Outputs for many rows that differ in the varied inputs.

        varied    arrays of one shape (n,) by input; whole-number inputs are rounded
        outputs   which ones
        between   called after each block of rows; what it raises ends the work

        Returns arrays of shape (n,), or (1,) if nothing varies. A row is NaN where the
        formula has no finite value. Raises InputError for unknown names.
        """
        for name in outputs:
            self.output_name(name, "outputs")
        values: dict[str, Floats | float] = {**self.baseline()}
        for name, column in varied.items():
            integer = self.inputs[self.canonical(name, "parameters")].integer
            values[name] = np.rint(column) if integer else column
        return self.expressions.evaluate(values, outputs, between)

    def slope(self, name: str, output: str) -> float | None:
        """By the chain rule; None for an input of whole numbers."""
        if self.inputs[name].integer:
            return None
        found = self.expressions.slopes(self.baseline(), name)
        return float(found[output][1][0])

    def why_none(self, output: str) -> NoSolutionError:
        values = ", ".join(f"{k} = {v:g}" for k, v in list(self.baseline().items())[:8])
        more = ", ..." if len(self.inputs) > 8 else ""
        return NoSolutionError(
            f"{output} has no finite value at the inputs' own values ({values}{more}): "
            "a division by zero, a logarithm or root of a negative number, or an "
            "overflow; give other values",
            field="model.inputs",
        )

    def with_choice(
        self, name: str, value: str | bool | float, field: str
    ) -> FormulaModel:
        raise InputError(
            f"{name[:60]!r} can't be chosen: a formula has numbers only", field
        )


def formula_model(
    texts: Mapping[str, str],
    inputs: Mapping[str, Described],
    fields: Mapping[str, str] | None = None,
    title: str = "a formula",
) -> FormulaModel:
    """The model that formulas and their inputs describe.

    texts    formula by output
    inputs   by name; one without a value has the middle of its range, else the median
             of its distribution
    fields   where each formula stands in the request, by output

    Raises InputError for a formula that is not understood (with line and column), and
    for an impossible distribution.
    """
    return FormulaModel(
        {name: _given(name, described) for name, described in inputs.items()},
        dict(texts),
        read(texts, inputs, fields),
        title,
    )


def _given(name: str, described: Described) -> FormulaInput:
    place = f"model.inputs.{name}"
    shape = None
    if described.distribution is not None:
        shape = make(described.distribution.as_mapping(), f"{place}.distribution")
    value, ends = described.value, described.range
    if value is None and ends is not None:
        value = ends.min + (ends.max - ends.min) / 2
    elif value is None and shape is not None:
        value = float(shape.ppf(np.array([0.5]))[0])
    if value is None:
        raise InputError("has no value; give value, range or distribution", place)
    return FormulaInput(
        value=float(np.rint(value)) if described.integer else value,
        unit=described.unit,
        label=described.label or name,
        low=None if ends is None else ends.min,
        high=None if ends is None else ends.max,
        distribution=None if shape is None else shape.as_mapping(),
        integer=described.integer,
    )


def _closest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name[:60], known, n=3)
    if close:
        return f"did you mean {', '.join(close)}?"
    names = list(known)
    more = ", ..." if len(names) > 20 else ""
    return f"there are {', '.join(names[:20])}{more}"
