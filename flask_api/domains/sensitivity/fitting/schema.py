"""What users may ask of a fit: the data, and which distributions are candidates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.sensitivity.range_schema import Range
from flask_api.validation import misplaced

#: Numbers that can be fitted, at most.
MOST = 100_000

Kind = Literal[
    "normal", "lognormal", "uniform", "triangular", "pert", "beta", "gamma", "weibull"
]


class FitRequest(Request):
    """Which distribution data come from.

    Fits every candidate by maximum likelihood and ranks them by Akaike's criterion;
    each is written as the `distribution` that parameters take.
    """

    data: Annotated[list[float], Field(min_length=1, max_length=MOST)] = Field(
        description="8 to 100,000 observed numbers, not all equal, in any order."
    )
    kinds: Annotated[list[Kind], Field(min_length=1, max_length=8)] | None = Field(
        default=None, description="The candidates; left out: all."
    )
    range: Range | None = Field(
        default=None, description="Ends of a beta; left out: 0 and 1."
    )

    @model_validator(mode="after")
    def _ends_are_those_of_a_beta(self) -> FitRequest:
        if self.range is not None and "beta" not in (self.kinds or ("beta",)):
            raise misplaced(
                "range", "is of kind beta, which is not among `kinds`: leave it out"
            )
        return self


class FitAnswer(BaseModel):
    """Distributions that may have made the data, the likeliest first."""

    analysis_id: str
    best: dict[str, Any] = Field(
        description="the first candidate, as parameters take it: {kind, ...}"
    )
    fits: list[dict[str, Any]] = Field(
        description="[{kind, distribution, parameters, log_likelihood, aic, bic, "
        "weight, ks, anderson_darling, standard_errors}], smallest aic first"
    )
    unfit: list[dict[str, str]] = Field(description="[{kind, reason}]")
    data: dict[str, Any] = Field(description="{n, mean, std, min, max, distinct}")
    quantiles: list[dict[str, Any]] = Field(
        description="[{probability, data, <kind>: its quantile}]: a QQ plot of each"
    )
    table: list[dict[str, Any]] = Field(description="the candidates as flat rows")
    metadata: dict[str, Any]


FITTING = (
    Analysis(
        "sensitivity.fit",
        FitRequest,
        run="fitting.job:fit",
        example={
            "data": [
                1.2, 0.8, 2.9, 1.7, 0.6, 3.8, 2.2, 1.1, 1.4, 5.1, 0.9, 1.9, 2.5, 1.3,
                0.7, 1.6, 2.0, 3.1, 1.0, 1.5,
            ]
        },
        documents={
            "html": "files.fitting:write_page",
            "xlsx": "files.fitting:write_workbook",
        },
        tables=(
            Table("fits", ("table",)),
            Table("quantiles", ("quantiles",)),
            Table("unfit", ("unfit",)),
        ),
    ),
)  # fmt: skip
