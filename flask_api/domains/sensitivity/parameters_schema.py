"""What requests say of the inputs that they vary: which, how, of which model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flask_api.analysis import Request
from flask_api.domains.price.inputs import is_input
from flask_api.domains.price.schema import Chosen, Extension, ModelChoice, Version
from flask_api.domains.sensitivity.range_schema import Range

Id = Annotated[str, Field(min_length=1, max_length=128)]
Output = Literal["price", "npv", "irr"]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Share = Annotated[float, Field(gt=0, lt=1)]


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


class Varies(ModelChoice):
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
        return [named(name, value) for name, value in data.items()]

    @model_validator(mode="after")
    def _varies_something(self) -> Varies:
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


def named(name: str, value: Any) -> Any:
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
