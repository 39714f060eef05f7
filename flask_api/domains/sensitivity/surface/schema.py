"""What users may ask of a surface: outputs over a grid of one input, or of two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input
from flask_api.domains.sensitivity.parameters_schema import (
    Correlations,
    Outputs,
    Parameter,
    Seed,
    Varies,
    named,
)

#: Settings that mean something only where inputs are drawn.
_OF_DRAWS = ("samples", "sampling", "percentiles", "correlation")


class SurfaceConfig(Request):
    """Settings of a surface."""

    outputs: Outputs | None = Field(
        default=None, description="Left out: what the parameters are compared with."
    )
    seed: Seed | None = None
    samples: int | None = Field(
        default=None,
        ge=16,
        le=1_000_000,
        description="Draws of the uncertain inputs, the same at each point; 1024.",
    )
    sampling: Literal["sobol", "lhs", "random"] | None = Field(
        default=None, description="How they are drawn; sobol."
    )
    percentiles: (
        Annotated[
            list[Annotated[float, Field(ge=0, le=100)]],
            Field(min_length=1, max_length=21),
        ]
        | None
    ) = Field(default=None, description="Of each output; left out: 5, 50, 95.")
    correlation: Correlations | None = Field(
        default=None,
        description="Rank correlations of uncertain inputs: `{names, matrix}` or "
        "`{pairs: [[one, other, rho]]}`.",
    )


class SurfaceRequest(Varies):
    """How outputs look over a grid of one decision, or of two.

    Computes every combination of the decisions' values; where further inputs are
    uncertain, also percentiles, mean and standard deviation at each point, all from the
    same draws.
    """

    uncertain: Annotated[list[Parameter], Field(max_length=200)] = Field(
        default=[],
        description="Inputs that are drawn, not chosen: a list or a mapping as "
        "`parameters`.",
    )
    config: SurfaceConfig = SurfaceConfig()

    @field_validator("uncertain", mode="before")
    @classmethod
    def _uncertain_from_mapping(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return [named(name, value) for name, value in data.items()]

    @model_validator(mode="after")
    def _draws_have_an_input(self) -> SurfaceRequest:
        given = [n for n in _OF_DRAWS if getattr(self.config, n) is not None]
        if given and not any(item.enabled for item in self.uncertain):
            raise ValueError(
                f"config.{given[0]} is of draws, and nothing is drawn: list inputs in "
                "`uncertain`, or leave it out"
            )
        return self


class SurfaceAnswer(BaseModel):
    """Outputs over a grid of one decision, or of two."""

    analysis_id: str
    decisions: list[dict[str, Any]] = Field(
        description="[{id, name, unit, integer, today, values}]: the grid"
    )
    today: dict[str, Any] = Field(description="{inputs, outputs} of the model's values")
    outputs: dict[str, Any] = Field(
        description="{<output>: {values, failed, best, unit, uncertain}}; of two "
        "decisions values[i][j] stands at the i-th value of the first and the j-th of "
        "the second. uncertain: {percentiles: [{percentile, values, best}], mean, std, "
        "best_mean, failed, percentile_rank_error}, or null where nothing is drawn"
    )
    best: list[dict[str, Any]] = Field(
        description="[{output, of, end: lowest or highest, value, <decision>}]"
    )
    table: list[dict[str, Any]] = Field(description="the tables again, point by point")
    metadata: dict[str, Any]


SURFACES = (
    Analysis(
        "sensitivity.surface",
        SurfaceRequest,
        run="surface.job:surface",
        example={
            "version": 1,
            "parameters": [
                {
                    "id": "number_of_units",
                    "range": {"min": 20e3, "max": 40e3},
                    "steps": 5,
                },
                {
                    "id": "bare_erected_cost",
                    "range": {"min": 150e3, "max": 250e3},
                    "steps": 3,
                },
            ],
            "uncertain": [
                {
                    "id": "labor_cost",
                    "distribution": {"kind": "normal", "mean": 24e3, "std": 2e3},
                }
            ],
            "config": {"seed": 1, "samples": 256},
        },
        prewarm=True,
        knows_parameter=is_input,
        documents={
            "html": "files.surface:write_page",
            "xlsx": "files.surface:write_workbook",
        },
        tables=(Table("surface", ("table",)), Table("best", ("best",))),
    ),
)
