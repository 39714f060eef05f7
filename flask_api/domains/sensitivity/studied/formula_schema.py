"""How a request gives a function of its own: `model: {formula, inputs}`.

Checked here is what needs no reading of the formula; a worker does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from flask_api.analysis import Request
from flask_api.domains.sensitivity.distribution_schema import Shape
from flask_api.domains.sensitivity.range_schema import Range
from flask_api.numerics.expression_words import LONGEST, NAME, RESERVED

#: Name of the output of a single `formula`.
RESULT = "result"
#: Characters of all formulas of a model together, at most.
LONGEST_TOGETHER = 5 * LONGEST

Formula = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]


def _problem_with(name: str) -> str | None:
    """Why an input or output can't be called so, or None."""
    if name in RESERVED:
        return f"{name!r} is a word of formulas; choose another name"
    if not NAME.fullmatch(name):
        return (
            f"{ascii(name)[:70]} is no name; wanted a letter, then letters, digits or "
            "_ (A-Z a-z 0-9 _, 64 at most)"
        )
    return None


class FormulaInput(Request):
    """One input of a formula; a bare number is its value, `[min, max]` its range."""

    value: float | None = Field(
        default=None,
        description="Left out: the middle of the range, or of the distribution.",
    )
    range: Range | None = Field(
        default=None, description="What it varies over; left out: 20 % either side."
    )
    distribution: Shape | None = Field(
        default=None, description="What it is drawn from, as in a parameter."
    )
    integer: bool = Field(default=False, description="Draws are rounded.")
    unit: Annotated[str, StringConstraints(max_length=64)] = ""
    label: Annotated[str, StringConstraints(max_length=200)] = ""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: Any) -> Any:
        if isinstance(data, list):
            return {"range": data}
        return data if isinstance(data, Mapping) else {"value": data}

    @model_validator(mode="after")
    def _has_a_value(self) -> FormulaInput:
        if self.value is None and self.range is None and self.distribution is None:
            raise ValueError("has no value; give value, range or distribution")
        return self


class FormulaReference(Request):
    """A function of one's own, of one output or several.

    Numbers, names of inputs, + - * / **, comparisons, and, or, not, where, min, max,
    abs, sqrt, exp, log, log10, sin, cos, tan, tanh, floor, ceil.
    """

    formula: Formula | None = Field(
        default=None,
        description=f"Such as `units * price - cost`; its output is `{RESULT}`.",
        json_schema_extra={"x-words": [*sorted(RESERVED)]},
    )
    outputs: (
        Annotated[dict[str, Formula], Field(min_length=1, max_length=50)] | None
    ) = Field(default=None, description="Formulas by name, in place of one formula.")
    inputs: Annotated[dict[str, FormulaInput], Field(min_length=1, max_length=200)] = (
        Field(description="Values, or {value, range, distribution, ...}, by name.")
    )

    @field_validator("inputs", "outputs")
    @classmethod
    def _are_names(cls, named: dict[str, Any] | None) -> dict[str, Any] | None:
        for name in named or ():
            problem = _problem_with(name)
            if problem is not None:
                raise ValueError(problem)
        return named

    @model_validator(mode="after")
    def _fits(self) -> FormulaReference:
        if (self.formula is None) == (self.outputs is None):
            raise ValueError("give `formula`, or several as `outputs: {name: formula}`")
        twice = set(self.formulas()) & set(self.inputs)
        if twice:
            raise ValueError(
                f"{min(twice)!r} is an output and an input; give them different names"
            )
        total = sum(map(len, self.formulas().values()))
        if total > LONGEST_TOGETHER:
            raise ValueError(
                f"the formulas have {total:,} characters together; "
                f"{LONGEST_TOGETHER:,} are allowed"
            )
        return self

    def formulas(self) -> dict[str, str]:
        """Formula by output, however it was given."""
        if self.formula is not None:
            return {RESULT: self.formula}
        return dict(self.outputs or {})

    def places(self) -> dict[str, str]:
        """Where each formula stands in a request, by output."""
        if self.formula is not None:
            return {RESULT: "model.formula"}
        return {name: f"model.outputs.{name}" for name in self.outputs or ()}
