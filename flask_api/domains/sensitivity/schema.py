"""What users may ask about uncertainty: validated here, computed in `job.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input
from flask_api.domains.sensitivity.derivatives.schema import DERIVATIVES
from flask_api.domains.sensitivity.efficacy.schema import EFFICACY
from flask_api.domains.sensitivity.fitting.schema import FITTING
from flask_api.domains.sensitivity.method_offer import described as methods_described
from flask_api.domains.sensitivity.optimization.schema import (
    OPTIMIZATION,
    OptimizeRequest,
)
from flask_api.domains.sensitivity.parameters_schema import (
    Correlations,
    Id,
    Output,
    Outputs,
    Parameter,
    Seed,
    Share,
    Varies,
    Within,
)
from flask_api.domains.sensitivity.surface.schema import SURFACES

__all__ = [
    "ANALYSES",
    "AnalyzeRequest",
    "MonteCarloRequest",
    "OptimizeRequest",
    "Parameter",
]


class AnalyzeConfig(Request):
    """Settings of an analysis of single inputs."""

    monte_carlo_iterations: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Draws behind each point's interval.",
    )
    confidence_level: Share = 0.95
    seed: Seed | None = None
    outputs: Outputs | None = Field(
        default=None,
        description="The first is the one looked at; left out: the first of the model.",
    )
    percentages: (
        Annotated[
            list[Annotated[float, Field(ge=-1000, le=1000)]],
            Field(min_length=2, max_length=1000),
        ]
        | None
    ) = Field(
        default=None,
        description="Of spider: changes of every input in %; left out: -20 to 20 by 5.",
    )
    samples: int | None = Field(
        default=None,
        ge=1,
        le=2**32,
        description="Rows of the sample; of morris: trajectories; of fast: points of "
        "a curve. Left out: 4096, 50, 1025.",
    )
    sampling: Literal["sobol", "lhs", "random"] | None = Field(
        default=None, description="How rows are drawn; each method says which it takes."
    )
    resamples: int | None = Field(
        default=None,
        ge=0,
        le=10_000,
        description="Of a bootstrap (morris, sobol, delta); 0: none.",
    )
    keep_resamples: bool | None = Field(
        default=None,
        description="Of a bootstrap: also tell its indices in each resample "
        "(`outputs.<name>.resampled`, table `resamples`).",
    )
    second_order: bool | None = Field(
        default=None, description="Of sobol: also the interaction of each two inputs."
    )
    groups: (
        Annotated[
            dict[
                Annotated[str, Field(min_length=1, max_length=128)],
                Annotated[list[Id], Field(min_length=1, max_length=200)],
            ],
            Field(max_length=200),
        ]
        | None
    ) = Field(
        default=None,
        description="Of morris, sobol, shapley: inputs that count as one, by the "
        "group's name.",
    )
    correlation: Correlations | None = Field(
        default=None,
        description="Of shapley, src, prcc, pawn, delta: rank correlations, `{names, "
        "matrix}` or `{pairs}`, with `method` (`copula`, `iman_conover`) or without.",
    )
    levels: int | None = Field(
        default=None, ge=2, le=1000, description="Of morris: of its grid, even; 4."
    )
    candidates: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Of morris: trajectories to choose the farthest apart from; 0: all "
        "are random.",
    )
    slices: int | None = Field(
        default=None, ge=2, le=1000, description="Of pawn: of each input's range; 10."
    )
    dummies: int | None = Field(
        default=None,
        ge=0,
        le=10_000,
        description="Of pawn: inputs without effect that tell the noise; 64.",
    )
    curves: int | None = Field(
        default=None, ge=1, le=1000, description="Of fast: for each input; 8."
    )
    harmonics: int | None = Field(
        default=None, ge=1, le=1000, description="Of fast (4) and rbd_fast (10)."
    )
    within: Within | None = Field(
        default=None,
        description="Of methods that draw: only this part of an input's range, by id: "
        "`{min, max}`.",
    )


class AnalyzeRequest(Varies):
    """How much each input moves the price, or any other output.

    A curve for each input over its range and the elasticity at today's value; or, by
    one of eleven further methods, how much of the output's uncertainty each input
    makes. And which inputs matter most.
    """

    method: Literal[
        "oat",
        "tornado",
        "spider",
        "local",
        "morris",
        "sobol",
        "shapley",
        "prcc",
        "src",
        "pawn",
        "delta",
        "fast",
        "rbd_fast",
    ] = Field(
        default="oat",
        description="What is asked: see sensitivity.md.",
        json_schema_extra={"x-methods": methods_described()},
    )
    type: Literal[
        "multipoint", "multiple", "monte_carlo", "monteCarlo", "montecarlo"
    ] = Field(
        default="multipoint",
        description="`monte_carlo` lets all other parameters vary behind each point.",
    )
    config: AnalyzeConfig = AnalyzeConfig()


class Target(Request):
    """A question such as: how probable is a price below 2?"""

    op: Literal["<", "<=", ">", ">="]
    value: float


class StopWhen(Request):
    """When draws are enough: a number is known to a relative error."""

    metric: Annotated[str, Field(max_length=32)] = Field(
        default="mean",
        description="`mean`, `std`, `probability_of_target`, or a percentile: `p90`.",
    )
    relative_error: float = Field(
        gt=0,
        lt=1,
        description="Half the width of the metric's interval as a share of its value.",
    )
    output: Output | None = Field(
        default=None, description="Whose metric; left out: the first output's."
    )


class MonteCarloConfig(Request):
    """Settings of a Monte Carlo run."""

    sampling: Literal["sobol", "lhs", "random"] = Field(
        default="sobol",
        description="Scrambled Sobol points, a Latin hypercube, or independent draws.",
    )
    seed: Seed | None = None
    percentiles: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        default=[1, 5, 10, 25, 50, 75, 90, 95, 99], min_length=1, max_length=101
    )
    target: Target | None = None
    bins: int = Field(default=50, ge=1, le=1000)
    outputs: Outputs | None = Field(
        default=None, description="Left out: what parameters are compared with."
    )
    confidence_level: Share = 0.95
    correlation: Correlations | None = Field(
        default=None,
        description="Rank correlations of inputs: `{names, matrix}` or `{pairs: "
        "[[one, other, rho]]}`, with `method` `copula` or `iman_conover`, or without.",
    )
    stop: StopWhen | None = Field(
        default=None, description="End earlier, once a number is known well enough."
    )
    within: Within | None = Field(
        default=None,
        description="Only this part of an input's range is drawn, by id: `{min, max}`.",
    )
    replicates: Literal[1, 2, 4, 8, 16, 32, 64] | None = Field(
        default=None,
        description="Independent designs that share the draws, so that intervals are "
        "honest for sobol and lhs; left out: 16 with `stop`, else 1.",
    )


class MonteCarloRequest(Varies):
    """What the price may be when its inputs are uncertain.

    Draws all inputs from their distributions, again and again, and shows the
    distribution of the price.
    """

    iterations: int = Field(default=10_000, ge=100, le=100_000_000)
    config: MonteCarloConfig = MonteCarloConfig()

    def outputs_asked(self) -> Iterator[tuple[str, str]]:
        yield from super().outputs_asked()
        stop = self.config.stop
        if stop is not None and stop.output is not None:
            yield "config.stop.output", stop.output


def _has_curves(request: AnalyzeRequest) -> bool:
    return request.method in ("oat", "tornado", "spider")


def _keeps_resamples(request: AnalyzeRequest) -> bool:
    return bool(request.config.keep_resamples)


ANALYSES = (
    Analysis(
        "sensitivity.analyze",
        AnalyzeRequest,
        run="job:analyze",
        example={
            "version": 1,
            "parameters": [
                {"id": "bare_erected_cost", "range": {"min": 150e3, "max": 250e3}},
                {"id": "labor_cost", "mode": "percentage", "values": [-20, 0, 20]},
            ],
            "config": {"seed": 1},
        },
        aliases=("sensitivity",),
        prewarm=True,
        knows_parameter=is_input,
        documents={
            "html": "files.analysis:write_page",
            "xlsx": "files.analysis:write_workbook",
        },
        tables=(
            Table("curve", ("results", "*", "sensitivity_curve"), _has_curves),
            Table("indices", ("table",), lambda request: not _has_curves(request)),
            Table("tornado", ("tornado",)),
            Table("ranking", ("ranking",)),
            Table("resamples", ("outputs", "*", "resampled"), _keeps_resamples),
        ),
    ),
    Analysis(
        "sensitivity.monte_carlo",
        MonteCarloRequest,
        run="job:monte_carlo",
        example={
            "version": 1,
            "parameters": [
                {
                    "id": "bare_erected_cost",
                    "distribution": {"kind": "normal", "mean": 200e3, "std": 20e3},
                },
                {"id": "labor_cost", "range": {"min": 20e3, "max": 30e3}},
            ],
            "iterations": 20_000,
            "config": {"seed": 1, "target": {"op": "<", "value": 2.1}},
        },
        aliases=("monte_carlo", "monteCarlo", "montecarlo"),
        prewarm=True,
        knows_parameter=is_input,
        documents={
            "html": "files.monte_carlo:write_page",
            "xlsx": "files.monte_carlo:write_workbook",
        },
        tables=(
            Table("distribution", ("results", "distribution")),
            Table("percentiles", ("results", "percentiles")),
            Table("convergence", ("results", "convergence")),
            Table("contribution", ("results", "contribution")),
        ),
    ),
    *OPTIMIZATION,
    *DERIVATIVES,
    *EFFICACY,
    *SURFACES,
    *FITTING,
)
