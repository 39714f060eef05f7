"""What every run of a model may be told, and what a model says of itself.

The web process reads this: no mathematics is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.market.data.schema import DataGiven, refuse_unless_one

MissingWay = Literal["refuse", "drop", "impute_mode", "mar"]


class FitParams(Request):
    """Parameters of a model. Subclasses add their own."""

    seed: int | None = Field(
        None, ge=0, le=2**53 - 1, description="same seed, same result; null: drawn"
    )


class RunRequest(Request):
    """A fit of a model to a table. Subclasses name the class of `params`."""

    data_id: str | None = Field(None, max_length=64, description="of uploaded data")
    data: DataGiven | None = Field(None, description="the table itself")
    product_columns: list[str] | None = Field(
        None, max_length=5000, description="null: every column of 0 and 1"
    )
    missing: MissingWay = Field(
        "refuse",
        description="values that are missing: refuse; drop such rows; impute_mode (the "
        "more frequent value); mar (leave single cells out of the likelihood)",
    )

    count_column: str | None = Field(
        None,
        max_length=255,
        description="how many households each row stands for; null: one",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        refuse_unless_one(self.data_id, self.data)
        return self


@dataclass(frozen=True)
class Judge:
    """A quick analysis of `{data_id, params}` that refuses what a fit would refuse.

    kind     of the analysis
    params   those that it knows; others of the model are left out
    """

    kind: str
    params: type[Request]


@dataclass(frozen=True)
class Model:
    """A model of market structure that can be run."""

    #: As in `POST /api/v1/runs {model_type}`; the job's kind is `market.<model_type>`.
    model_type: str
    #: A subclass of RunRequest whose `params` are a subclass of FitParams.
    request: type[RunRequest]
    #: `module:function` of its generator, relative to the market package.
    run: str
    #: A small real request.
    example: Mapping[str, Any]
    #: Whether it can leave single missing cells out (`missing: mar`).
    takes_missing: bool = False
    #: False: it reads the table itself, which need not hold products (choice data).
    of_products: bool = True
    least_products: int = 2
    #: Names of `params` that name numeric columns of the data, one or a list.
    numeric_columns: tuple[str, ...] = ()
    #: Names of its tables: keys of `Outcome.tables`.
    tables: tuple[str, ...] = ()
    #: Seconds between a request to stop and the kill: MCMC needs 5.
    cancel_grace_s: float = 2.0
    #: Judges params by what is known of the data before the run exists; raises
    #: InputError. Called with (params as plain data, facts of `table.json`, products).
    check: Callable[[Mapping[str, Any], Mapping[str, Any], list[str]], None] | None = (
        field(default=None, compare=False)
    )

    #: Judges cells of the data, too, which `check` can't see.
    judged_by: Judge | None = None

    @property
    def kind(self) -> str:
        return f"market.{self.model_type}"

    @property
    def analysis(self) -> Analysis:
        """What the engine runs."""
        return Analysis(
            self.kind,
            self.request,
            run="runs.job:run_model",
            example=self.example,
            cancel_grace_s=self.cancel_grace_s,
            kept=True,
            documents={"zip": "runs.archive:write"},
            tables=tuple(Table(name, ("tables", name)) for name in self.tables),
        )

    @property
    def params(self) -> type[FitParams]:
        """The class of its parameters."""
        found = self.request.model_fields["params"].annotation
        assert isinstance(found, type) and issubclass(found, FitParams)
        return found

    def columns_named(self, params: Mapping[str, Any]) -> list[str]:
        """Numeric columns that `params` name besides products."""
        return [
            column
            for name in self.numeric_columns
            for column in columns_of(params, name)
        ]


def columns_of(params: Mapping[str, Any], name: str) -> list[str]:
    """Columns that one of `params` names: one, several or none."""
    given = params.get(name) or []
    return [given] if isinstance(given, str) else list(given)
