"""What users may ask about slopes of the price: computed in `derivatives_job.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input
from flask_api.domains.price.schema import ModelChoice
from flask_api.validation import misplaced

Points = Annotated[int, Field(ge=2, le=1000)]


def refuse_empty_range(low: float | None, high: float | None) -> None:
    """An error at `min` where both ends are given and leave nothing between."""
    if low is not None and high is not None and not low < high:
        raise misplaced("min", f"is {low!r} and max {high!r}; min must be below max")


class DerivativesBody(ModelChoice):
    """Which plant, also with changed values, and which values of the parameter."""

    points: Points = Field(11, description="values of the input along its range")
    min: float | None = Field(
        None, description="first value; left out: the model file's, else 20 % below"
    )
    max: float | None = Field(
        None, description="last value; left out: the model file's, else 20 % above"
    )

    @model_validator(mode="after")
    def _range_is_upright(self) -> DerivativesBody:
        refuse_empty_range(self.min, self.max)
        return self


class DerivativesRequest(DerivativesBody):
    """How the price moves with one input: slope, curvature, elasticity, cross effects.

    First and second derivative of the solved price along the input's values, and how
    its slope there changes with each other input.
    """

    parameter: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        description="input: canonical name, S-number or the seed's property name"
    )


class DerivativesQuery(Request):
    """Which plant, and which values of the parameter."""

    version: str | None = Field(
        None, min_length=1, max_length=64, description="model version; default 1"
    )
    extension: str | None = Field(
        None, max_length=64, description="variant of that version; empty: none"
    )
    points: Points = Field(11, description="values of the input along its range")
    min: float | None = Field(None, description="first value; default: the file's")
    max: float | None = Field(None, description="last value; default: the file's")

    @model_validator(mode="after")
    def _range_is_upright(self) -> DerivativesQuery:
        refuse_empty_range(self.min, self.max)
        return self


DERIVATIVES = (
    Analysis(
        "sensitivity.derivatives",
        DerivativesRequest,
        run="derivatives.job:derivatives",
        example={"version": 1, "parameter": "number_of_units", "points": 5},
        quick=True,
        hidden=True,
        prewarm=True,
        knows_parameter=is_input,
        documents={
            "html": "files.derivatives:write_page",
            "xlsx": "files.derivatives:write_workbook",
        },
        tables=(
            Table("derivatives", ("table",)),
            Table("cross_effects", ("derivatives", "cross_effects")),
        ),
    ),
)
