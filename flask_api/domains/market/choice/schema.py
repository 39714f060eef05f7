"""What may be asked of discrete choice models."""

from __future__ import annotations

import math
from random import Random
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from flask_api.analysis import Analysis, Request
from flask_api.domains.market.data.schema import DataGiven, refuse_unless_one
from flask_api.domains.market.runs.request_schema import (
    FitParams,
    Judge,
    Model,
    RunRequest,
)
from flask_api.validation import misplaced


class InteractionGiven(Request):
    """An attribute that counts more, or less, with a trait of the person."""

    attribute: str = Field(max_length=200, description="an attribute")
    trait: str = Field(
        max_length=200,
        description="a numeric column, taken in standard deviations from its mean",
    )


class ChoiceParams(FitParams):
    """What a choice depends on, and where the table says it."""

    form: Literal["long", "wide"] = Field(
        "long",
        description="long: one row for each alternative of a situation; wide: one row "
        "for each situation",
    )
    chosen: str = Field(
        max_length=200,
        description="column of 0 and 1 (long), or of the chosen alternative (wide)",
    )
    situation: str | None = Field(
        None, max_length=200, description="column of the situation (long)"
    )
    alternative: str | None = Field(
        None, max_length=200, description="column of the alternative (long)"
    )
    alternatives: list[str] | None = Field(
        None, max_length=200, description="names of the alternatives (wide)"
    )
    codes: dict[str, str | float] | None = Field(
        None, description="by alternative its value in `chosen`, if not its name (wide)"
    )
    attributes: list[str] = Field(
        default_factory=list,
        max_length=200,
        description="what differs between alternatives: columns (long), or the first "
        "part of columns called attribute_alternative (wide)",
    )
    attribute_columns: dict[str, dict[str, str]] | None = Field(
        None, description="by attribute and alternative a column of any name (wide)"
    )
    available: str | dict[str, str] | None = Field(
        None,
        description="column of 0 and 1 (long), or one for each alternative (wide): "
        "what could be chosen; null: everything there is",
    )
    person: str | None = Field(
        None,
        max_length=200,
        description="column of who chose; null: each situation is a person of its own",
    )
    specific: list[str] = Field(
        default_factory=list,
        max_length=200,
        description="attributes with a coefficient for each alternative",
    )
    traits: list[str] = Field(
        default_factory=list,
        max_length=200,
        description="columns of the person, such as income, with a coefficient for "
        "each alternative but the base",
    )
    interactions: list[InteractionGiven] = Field(
        default_factory=list, max_length=200, description="attributes times traits"
    )
    constants: bool = Field(
        True, description="a constant for each alternative but the base"
    )
    base: str | None = Field(
        None,
        max_length=200,
        description="alternative whose constant is 0; null: the last one",
    )
    missing_cells: Literal["refuse", "drop"] = Field(
        "refuse", description="refuse missing cells, or leave such situations out"
    )
    price: str | None = Field(
        None,
        max_length=200,
        description="coefficient that others are divided by: what people would pay",
    )
    confidence_level: float = Field(0.95, gt=0.5, lt=1, description="of intervals")
    max_iter: int = Field(200, ge=1, le=1000, description="steps of the search")

    @model_validator(mode="after")
    def _of_one_form(self) -> Self:
        long, wide = self.form == "long", self.form == "wide"
        for name, wanted in (
            ("situation", long),
            ("alternative", long),
            ("alternatives", wide),
        ):
            if wanted and getattr(self, name) is None:
                raise misplaced(name, f"a {self.form} table needs it")
        for name, allowed in (
            ("situation", long),
            ("alternative", long),
            ("alternatives", wide),
            ("codes", wide),
            ("attribute_columns", wide),
        ):
            if not allowed and getattr(self, name) is not None:
                raise misplaced(name, f"means nothing for a {self.form} table")
        if self.available is not None and isinstance(self.available, str) != long:
            shape = "a column" if long else "an object of columns, by alternative"
            raise misplaced("available", f"a {self.form} table needs {shape}")
        return self


class ChoiceRun(RunRequest):
    """A choice model. It reads columns by name, so there are no product columns."""

    @model_validator(mode="after")
    def _of_columns(self) -> Self:
        if self.product_columns is not None:
            raise misplaced(
                "product_columns", "a choice model has none: name columns in params"
            )
        if self.count_column is not None:
            raise misplaced(
                "count_column", "goes with products; a choice model counts rows as one"
            )
        if self.missing != "refuse":
            raise misplaced(
                "missing", "goes with products; a choice model takes missing_cells"
            )
        return self


class ChoiceMnlRun(ChoiceRun):
    """Multinomial logit: how attributes decide what is chosen."""

    params: ChoiceParams


class RandomGiven(Request):
    """A coefficient that differs between people."""

    name: str = Field(
        max_length=200,
        description="a coefficient, or an attribute: all its coefficients",
    )
    distribution: Literal["normal", "lognormal", "triangular", "uniform"] = Field(
        "normal", description="how it differs between people"
    )
    sign: Literal[-1, 0, 1] = Field(
        0, description="of a lognormal one; 0: that of the multinomial logit"
    )


class ChoiceMixedParams(ChoiceParams):
    """What a choice depends on, and which coefficients differ between people."""

    random: list[RandomGiven] = Field(
        min_length=1, max_length=20, description="coefficients that differ"
    )
    n_draws: int = Field(
        512, ge=2, le=100_000, description="for each person; powers of two are best"
    )
    correlated: bool = Field(
        False, description="normal and lognormal coefficients may go together"
    )
    tol: float = Field(
        1e-6, ge=1e-10, le=1e-2, description="log-likelihood left to gain at the end"
    )


class CheckedParams(ChoiceParams):
    """Of either choice model: what a table must have."""

    random: list[RandomGiven] = Field(
        default_factory=list, max_length=20, description="coefficients that differ"
    )
    correlated: bool = Field(False, description="whether those may go together")


class CheckChoicesRequest(Request):
    """Judges the choices of a table: what a choice model would refuse."""

    data_id: str | None = Field(None, max_length=64, description="of uploaded data")
    data: DataGiven | None = Field(None, description="the table itself")
    params: CheckedParams

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        refuse_unless_one(self.data_id, self.data)
        return self


class ChoiceMixedRun(ChoiceRun):
    """Mixed logit: how attributes decide what is chosen, differently for people."""

    params: ChoiceMixedParams


def _trips(persons: int, each: int) -> list[list[Any]]:
    """Trips by bus, car and train: chosen by time, price and luck."""
    random = Random(5)
    rows: list[list[Any]] = []
    for person in range(persons):
        haste = random.gauss(1.5, 1.0)
        for _ in range(each):
            times = [random.randint(10, 60) for _ in range(3)]
            prices = [random.randint(2, 20) for _ in range(3)]
            utilities = [
                -haste * time / 10 - 0.2 * price - math.log(-math.log(random.random()))
                for time, price in zip(times, prices, strict=True)
            ]
            best = utilities.index(max(utilities))
            rows.append([person + 1, ("bus", "car", "train")[best], *times, *prices])
    return rows


_MODES = ["bus", "car", "train"]
EXAMPLE_DATA: dict[str, Any] = {
    "data_json": _trips(20, 6),
    "column_names": [
        "person",
        "chosen",
        *[f"time_{mode}" for mode in _MODES],
        *[f"price_{mode}" for mode in _MODES],
    ],
}
_COLUMNS: dict[str, Any] = {
    "form": "wide",
    "chosen": "chosen",
    "alternatives": _MODES,
    "attributes": ["time", "price"],
    "person": "person",
    "price": "price",
    "seed": 1,
}
_TABLES = ("coefficients", "shares", "confusion", "elasticities", "willingness_to_pay")

_CHECKED = Judge("market.check_choices", CheckedParams)

CHOICE_MNL = Model(
    "choice_mnl",
    ChoiceMnlRun,
    run="choice.run:choice_mnl",
    example={"data": EXAMPLE_DATA, "params": _COLUMNS},
    of_products=False,
    judged_by=_CHECKED,
    tables=_TABLES,
)
CHOICE_MIXED = Model(
    "choice_mixed",
    ChoiceMixedRun,
    run="choice.run:choice_mixed",
    example={
        "data": EXAMPLE_DATA,
        "params": {**_COLUMNS, "random": [{"name": "time"}], "n_draws": 64},
    },
    of_products=False,
    judged_by=_CHECKED,
    tables=(*_TABLES, "random_coefficients"),
)

CHECK_CHOICES = Analysis(
    "market.check_choices",
    CheckChoicesRequest,
    run="choice.job:check_choices",
    example={"data": EXAMPLE_DATA, "params": _COLUMNS},
    quick=True,
    hidden=True,
)
