"""What users may ask about uncertainty: validated here, computed in `job.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input
from flask_api.domains.price.schema import Chosen, Extension, ModelChoice, Version
from flask_api.domains.sensitivity.derivatives_schema import DERIVATIVES

Id = Annotated[str, Field(min_length=1, max_length=128)]
Output = Literal["price", "npv", "irr"]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Range(Request):
    """From `min` to `max`; `[min, max]` is understood too."""

    min: float
    max: float

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        if isinstance(data, list):
            if len(data) != 2:
                raise ValueError(f"got {len(data)} numbers; wanted [min, max]")
            return {"min": data[0], "max": data[1]}
        return data

    @model_validator(mode="after")
    def _upright(self) -> Range:
        if not self.min < self.max:
            raise ValueError(
                f"got min {self.min:g} and max {self.max:g}; min must be below max"
            )
        return self


class _Shape(BaseModel):
    """Base of distributions: one-word keys, because a tag can't have two spellings."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class NormalShape(_Shape):
    """Gaussian."""

    kind: Literal["normal"]
    mean: float
    std: float = Field(gt=0)


class LogNormalShape(_Shape):
    """Lognormal: `mean` and `std` of itself, or `mu` and `sigma` of its logarithm."""

    kind: Literal["lognormal"]
    mean: float | None = Field(default=None, gt=0)
    std: float | None = Field(default=None, gt=0)
    mu: float | None = None
    sigma: float | None = Field(default=None, gt=0)


class UniformShape(_Shape):
    """All values from `low` to `high` alike."""

    kind: Literal["uniform"]
    low: float
    high: float


class TriangularShape(_Shape):
    """Most likely `mode`, never below `low` or above `high`."""

    kind: Literal["triangular"]
    low: float
    mode: float
    high: float


class ConstantShape(_Shape):
    """Always `value`."""

    kind: Literal["constant"]
    value: float


Shape = Annotated[
    NormalShape | LogNormalShape | UniformShape | TriangularShape | ConstantShape,
    Field(discriminator="kind"),
]


class Parameter(Request):
    """One input to vary, and how; without `id`, all inputs of the model's version."""

    id: Id | None = Field(
        default=None, description="Input by name, S-number or the seed's property name."
    )
    name: Annotated[str, Field(max_length=200)] | None = Field(
        default=None,
        description="A label for people; read as `id` where that is missing.",
    )
    type: Literal["numeric", "categorical", "boolean"] = "numeric"
    range: Range | None = Field(
        default=None,
        description="Left out: the model file's range, else 20 % either side.",
    )
    mode: (
        Literal[
            "percentage",
            "directvalue",
            "absolutedeparture",
            "symmetrical",
            "multipoint",
            "multiple",
            "montecarlo",
            "monte_carlo",
            "monteCarlo",
        ]
        | None
    ) = Field(default=None, description="How `values` are meant.")
    values: (
        Annotated[
            list[float | bool | Annotated[str, Field(max_length=200)]],
            Field(max_length=1000),
        ]
        | None
    ) = None
    steps: int = Field(default=11, ge=2, le=1000, description="Points along the range.")
    distribution: Shape | None = None
    enabled: bool = Field(default=True, description="false leaves the item out.")
    compare_to_key: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="Output to compare with: price (or S13), npv, irr."
    )
    comparison_type: Literal["primary", "secondary"] | None = Field(
        default=None, description="Axis of the item's pictures in the report."
    )
    waterfall: bool = False
    bar: bool = False
    point: bool = False
    filters: list[str] | dict[str, Any] | str | None = Field(
        default=None,
        description="Without `id`: only these inputs (a list, or names set to true).",
    )
    version: Version | None = None
    extension: Extension | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, data: Any) -> Any:
        return {"id": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _values_fit_the_mode(self) -> Parameter:
        if self.id is None and self.name is not None and is_input(self.name):
            self.id = self.name
        if self.values is None:
            if self.enabled and self.mode not in (None, *DRAWN):
                raise ValueError(
                    f"mode {self.mode!r} wants `values`, a list of numbers"
                )
            return self
        if self.type == "numeric":
            wrong = [v for v in self.values if isinstance(v, bool | str)]
            if wrong:
                raise ValueError(f"`values` has {wrong[0]!r}; wanted numbers")
            if self.values and self.mode is None:
                raise ValueError(
                    "`values` want a `mode`: percentage, directvalue, "
                    "absolutedeparture, symmetrical or multipoint"
                )
        if self.enabled and not self.values and self.mode not in DRAWN:
            raise ValueError("`values` is empty; leave it out, or list values")
        return self


DRAWN = ("montecarlo", "monte_carlo", "monteCarlo")


class _Varies(ModelChoice):
    """The part of a request that says what varies."""

    parameter: Parameter | None = Field(default=None, description="One input to vary.")
    parameters: (
        Annotated[list[Parameter], Field(min_length=1, max_length=200)] | None
    ) = Field(
        default=None,
        description="Inputs to vary: a list, or a mapping from name to what "
        'follows, such as {"S11": {"range": [100000, 300000]}}.',
    )

    @field_validator("parameters", mode="before")
    @classmethod
    def _from_mapping(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return [_named(name, value) for name, value in data.items()]

    @model_validator(mode="after")
    def _varies_something(self) -> _Varies:
        if (self.parameter is None) == (self.parameters is None):
            raise ValueError("give `parameters`, a list of inputs, or one `parameter`")
        if not any(item.enabled for item in self.items()):
            raise ValueError("no parameter is enabled: nothing would vary")
        self.chosen()
        return self

    def items(self) -> list[Parameter]:
        """The parameters in order, however they were given."""
        if self.parameter is not None:
            return [self.parameter]
        return self.parameters or []

    def field(self, index: int) -> str:
        """Where parameter `index` stands in the request."""
        return "parameter" if self.parameter is not None else f"parameters[{index}]"

    def chosen(self) -> Chosen:
        """The model meant, also where only the parameters name it."""
        chosen = super().chosen()
        version = self._agreed("version", self.version or self._in_model("version"))
        extension = self._agreed(
            "extension", self.extension or self._in_model("extension")
        )
        return Chosen("1" if version is None else version, extension, chosen.overrides)

    def _in_model(self, name: str) -> Any:
        return None if self.model is None else getattr(self.model, name)

    def _agreed(self, name: str, top: int | str | None) -> str | None:
        given = {
            str(v)
            for item in self.items()
            if (v := getattr(item, name)) not in (None, "")
        }
        if top not in (None, ""):
            given.add(str(top))
        if len(given) > 1:
            raise ValueError(
                f"{name} is given as {', '.join(sorted(given))}; one run has one "
                "model, so all parameters must name the same"
            )
        return given.pop() if given else None


def _named(name: str, value: Any) -> Any:
    """One entry of the mapping form as an item of the list form."""
    if value is None:
        return {"id": name}
    if isinstance(value, list):
        return {"id": name, "range": value}
    if isinstance(value, Mapping):
        item = {"id": name, **value}
        if "min" in item and "max" in item and "range" not in item:
            item["range"] = {"min": item.pop("min"), "max": item.pop("max")}
        return item
    return value


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


class AnalyzeRequest(_Varies):
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


class MonteCarloRequest(_Varies):
    """What the price may be when its inputs are uncertain.

    Draws all inputs from their distributions, again and again, and shows the
    distribution of the price.
    """

    iterations: int = Field(default=10_000, ge=100, le=100_000_000)
    config: MonteCarloConfig = MonteCarloConfig()


class OptimizeRequest(ModelChoice):
    """Which inputs make the price best, within bounds."""

    objective: Literal["min", "max", "target"] = "min"
    output: Output = "price"
    target: float | None = None
    parameters: Annotated[list[Parameter], Field(min_length=1, max_length=200)]
    method: Literal["auto", "differential_evolution", "shgo", "lbfgsb", "cobyqa"] = (
        "auto"
    )
    budget: int = Field(default=10_000, ge=1, le=10_000_000)


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
    Analysis(
        "sensitivity.optimize",
        OptimizeRequest,
        run="job:optimize",
        example={
            "objective": "min",
            "parameters": [
                {"id": "number_of_units", "range": {"min": 20e3, "max": 40e3}}
            ],
        },
        aliases=("optimization",),
        knows_parameter=is_input,
        available=False,
    ),
    *DERIVATIVES,
)
