"""What users may ask for where inputs are chosen: computed in `optimize_job.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input
from flask_api.domains.sensitivity.parameters_schema import (
    Output,
    Parameter,
    Seed,
    Varies,
    named,
)

Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Coefficients = Annotated[dict[str, float], Field(min_length=1, max_length=200)]
Evaluations = Annotated[int, Field(ge=1, le=10_000_000)]


class Budget(Request):
    """How much a search may spend; a bare number is its `evaluations`."""

    evaluations: Evaluations = Field(
        default=10_000, description="Points that are evaluated, at most."
    )
    seconds: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="Time, at most. What it cuts off differs from run to run.",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_number(cls, data: Any) -> Any:
        return data if isinstance(data, Mapping) else {"evaluations": data}


class Limit(Request):
    """A limit of an output, or of a sum of inputs."""

    output: Output | None = Field(
        default=None, description="The output that is limited: price, npv or irr."
    )
    expression: Expression | Coefficients | None = Field(
        default=None,
        description="The sum of inputs that is limited, such as "
        "`2*bare_erected_cost + S35`, or coefficients by input.",
    )
    op: Literal["<=", ">=", "<", ">", "=="] = Field(
        description="`<` is read as `<=`, `>` as `>=`."
    )
    value: float

    @model_validator(mode="after")
    def _has_one_left_side(self) -> Limit:
        if (self.output is None) == (self.expression is None):
            raise ValueError("give `output` or `expression`: one left side of `op`")
        return self


class OptimizeConfig(Request):
    """Settings of a search."""

    seed: Seed | None = None
    statistic: Literal["mean", "percentile"] | None = Field(
        default=None,
        description="What counts of an output where inputs are uncertain; `mean` where "
        "`uncertain` is given.",
    )
    percentile: float | None = Field(
        default=None, ge=0, le=100, description="Of statistic `percentile`."
    )
    draws: int = Field(
        default=512,
        ge=16,
        le=100_000,
        description="Of uncertain inputs, at each point.",
    )

    @model_validator(mode="after")
    def _percentile_is_told(self) -> OptimizeConfig:
        if (self.statistic == "percentile") != (self.percentile is not None):
            raise ValueError(
                "statistic `percentile` and a `percentile` from 0 to 100 go together"
            )
        return self


class OptimizeRequest(Varies):
    """Which inputs make an output best, or bring it to a value.

    Searches the ranges of the inputs for the lowest or highest price (or NPV, or IRR)
    that keeps the constraints; with objective `target`, for inputs at which it has a
    given value.
    """

    objective: Literal["min", "max", "target"] = "min"
    output: Output | None = Field(
        default=None, description="Left out: compareToKey of the parameters, or price."
    )
    target: float | None = Field(
        default=None, description="With objective `target`: the value to reach."
    )
    constraints: Annotated[list[Limit], Field(max_length=50)] = []
    method: Literal["auto", "differential_evolution", "shgo", "lbfgsb", "cobyqa"] = (
        "auto"
    )
    budget: Budget = Budget()
    uncertain: Annotated[list[Parameter], Field(max_length=200)] = Field(
        default=[],
        description="Inputs that are drawn, not chosen: a list or a mapping as "
        "`parameters`.",
    )
    config: OptimizeConfig = OptimizeConfig()

    @field_validator("uncertain", mode="before")
    @classmethod
    def _uncertain_from_mapping(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return [named(name, value) for name, value in data.items()]

    def outputs_asked(self) -> Iterator[tuple[str, str]]:
        yield from super().outputs_asked()
        if self.output is not None:
            yield "output", self.output
        for i, limit in enumerate(self.constraints):
            if limit.output is not None:
                yield f"constraints[{i}].output", limit.output

    @model_validator(mode="after")
    def _target_is_told(self) -> OptimizeRequest:
        if (self.objective == "target") != (self.target is not None):
            raise ValueError(
                "objective `target` and a number `target` go together; leave out "
                "`target` to find the lowest or highest value"
            )
        return self


OPTIMIZATION = (
    Analysis(
        "sensitivity.optimize",
        OptimizeRequest,
        run="optimization.job:optimize",
        example={
            "version": 1,
            "objective": "max",
            "output": "npv",
            "parameters": [
                {"id": "number_of_units", "range": {"min": 20e3, "max": 40e3}},
                {"id": "bare_erected_cost", "range": {"min": 150e3, "max": 300e3}},
            ],
            "constraints": [
                {"expression": "bare_erected_cost - 6*number_of_units", "op": ">=",
                 "value": 0},
                {"output": "price", "op": ">=", "value": 1.9},
            ],
            "config": {"seed": 1},
        },
        aliases=("optimization",),
        prewarm=True,
        knows_parameter=is_input,
        documents={
            "html": "files.optimization:write_page",
            "xlsx": "files.optimization:write_workbook",
        },
        tables=(
            Table("decisions", ("decisions",)),
            Table("trace", ("trace",)),
            Table("constraints", ("constraints",), lambda ask: bool(ask.constraints)),
        ),
    ),
)  # fmt: skip
