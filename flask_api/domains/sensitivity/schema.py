"""What users may ask about uncertainty: validated here, computed in `job.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input
from flask_api.domains.sensitivity.derivatives_schema import DERIVATIVES
from flask_api.domains.sensitivity.efficacy_schema import EFFICACY
from flask_api.domains.sensitivity.optimize_schema import (
    OPTIMIZATION,
    OptimizeRequest,
)
from flask_api.domains.sensitivity.parameters_schema import (
    Output,
    Parameter,
    Seed,
    Share,
    Varies,
)

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
    outputs: Annotated[list[Output], Field(min_length=1, max_length=3)] | None = None
    samples: int | None = Field(
        default=None, ge=1, description="Of methods not offered yet."
    )
    resamples: int | None = Field(
        default=None, ge=0, description="Of methods not offered yet."
    )
    second_order: bool | None = Field(
        default=None, description="Of methods not offered yet."
    )
    groups: dict[str, str] | None = Field(
        default=None, description="Of methods not offered yet."
    )


class AnalyzeRequest(Varies):
    """How much each input moves the price, one at a time.

    A curve for each input over its range, the elasticity at today's value, and which
    inputs matter most.
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
    ] = Field(default="oat", description="`oat` and `tornado` are offered now.")
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


class MonteCarloConfig(Request):
    """Settings of a Monte Carlo run."""

    sampling: Literal["sobol", "lhs", "random"] = Field(
        default="sobol", description="`lhs` is not offered yet."
    )
    seed: Seed | None = None
    percentiles: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        default=[1, 5, 10, 25, 50, 75, 90, 95, 99], min_length=1, max_length=101
    )
    target: Target | None = None
    bins: int = Field(default=50, ge=1, le=1000)
    outputs: Annotated[list[Output], Field(min_length=1, max_length=3)] | None = None
    confidence_level: Share = 0.95
    correlation: Any = Field(default=None, description="Not offered yet.")
    stop: Any = Field(default=None, description="Not offered yet.")


class MonteCarloRequest(Varies):
    """What the price may be when its inputs are uncertain.

    Draws all inputs from their distributions, again and again, and shows the
    distribution of the price.
    """

    iterations: int = Field(default=10_000, ge=100, le=100_000_000)
    config: MonteCarloConfig = MonteCarloConfig()


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
        tables=(
            Table("curve", ("results", "*", "sensitivity_curve")),
            Table("tornado", ("tornado",)),
            Table("ranking", ("ranking",)),
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
)
