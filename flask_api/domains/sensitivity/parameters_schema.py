"""What requests say of the inputs that they vary: which, how, of which model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from flask_api.analysis import Request
from flask_api.domains.price.inputs import find, is_input
from flask_api.domains.price.schema import (
    Chosen,
    Extension,
    ModelChoice,
    ModelReference,
    Version,
)
from flask_api.domains.sensitivity.distribution_schema import Shape
from flask_api.domains.sensitivity.range_schema import Range
from flask_api.domains.sensitivity.studied.formula_schema import FormulaReference
from flask_api.validation import misplaced

Id = Annotated[str, Field(min_length=1, max_length=128)]
#: An output of the model: price, npv, irr of a plant; whatever a formula names.
Output = Annotated[str, Field(min_length=1, max_length=64)]
Outputs = Annotated[list[Output], Field(min_length=1, max_length=50)]
#: Of a plant: those of `price.model`, which the web process does not import.
PLANT_OUTPUTS = ("price", "npv", "irr")
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Share = Annotated[float, Field(gt=0, lt=1)]
#: Read by `numerics.correlation.read_correlation`.
Correlations = (
    Annotated[dict[str, Any], Field(max_length=3)]
    | Annotated[list[Any], Field(max_length=125_000)]
)


class Part(Request):
    """A part of a range, from `min` to `max`; one of them may be left out.

    `[min, max]` is understood too, with null for one left out.
    """

    min: float | None = None
    max: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, data: Any) -> Any:
        if isinstance(data, list):
            if len(data) != 2:
                raise ValueError(f"got {len(data)} numbers; wanted [min, max]")
            return {"min": data[0], "max": data[1]}
        return data

    @model_validator(mode="after")
    def _has_an_end(self) -> Part:
        if self.min is None and self.max is None:
            raise ValueError("got neither min nor max; give at least one")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"got min {self.min:g} and max {self.max:g}; min must not be above max"
            )
        return self


#: Parts of the ranges of inputs, by id.
Within = Annotated[dict[Id, Part], Field(min_length=1, max_length=200)]


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
        default=None,
        description="Output to compare with: price (or S13), npv, irr; of a formula: "
        "one of its outputs.",
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


def _kind_of_model(given: Any) -> str:
    """The tag of a model, in a word that is no key of one."""
    known = type(given).model_fields if isinstance(given, Request) else ()
    keys = given if isinstance(given, Mapping) else known
    return "a formula" if {"formula", "outputs"} & set(keys) else "a plant"


Model = Annotated[
    Annotated[ModelReference, Tag("a plant")]
    | Annotated[FormulaReference, Tag("a formula")],
    Discriminator(_kind_of_model),
]


class Varies(ModelChoice):
    """The part of a request that says what varies, in a plant or in a formula."""

    # wider than a plant's: what reads it as one asks `formula` before
    model: Model | None = Field(  # type: ignore[assignment]
        default=None,
        description="The same in one object, with overrides of inputs; or a function "
        "of your own: `{formula, inputs}` or `{outputs, inputs}`.",
    )
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
        formula = self.formula
        if formula is None:
            self.chosen()
            return self
        for item in self.items():
            if item.id is None and item.name in formula.inputs:
                item.id = item.name
        return self

    @model_validator(mode="after")
    def _says_it_once(self) -> Varies:
        for name in ("version", "extension"):
            here = getattr(self, name) not in (None, "")
            if self.formula is not None:
                inside = any(getattr(i, name) not in (None, "") for i in self.items())
                if here or inside:
                    raise misplaced(
                        name if here else "parameters",
                        f"a formula has no {name}: leave out one of the two",
                    )
            elif here and self.model is not None:
                if str(getattr(self, name)) != str(self._in_model(name)):
                    raise misplaced(
                        name, f"stands here and differs in model.{name}: give it once"
                    )
        return self

    @model_validator(mode="after")
    def _asks_for_outputs_there_are(self) -> Varies:
        known = None if self.formula is None else list(self.formula.formulas())
        for place, name in self.outputs_asked():
            if known is None:
                there = name.lower() in PLANT_OUTPUTS or find(name) == "selling_price"
                offered = f"{', '.join(PLANT_OUTPUTS)} (S13 is price)"
            else:
                there, offered = name in known, ", ".join(known[:20])
            if not there:
                raise misplaced(
                    place, f"{name[:60]!r} is no output; there are {offered}"
                )
        return self

    def outputs_asked(self) -> Iterator[tuple[str, str]]:
        """Where the request names an output, and which."""
        config = getattr(self, "config", None)
        for i, name in enumerate(getattr(config, "outputs", None) or ()):
            yield f"config.outputs[{i}]", name
        for i, item in enumerate(self.items()):
            if item.enabled and item.compare_to_key:
                yield f"{self.field(i)}.compareToKey", item.compare_to_key

    @property
    def formula(self) -> FormulaReference | None:
        """The model where it is a function of the user's own; None: it is a plant."""
        return self.model if isinstance(self.model, FormulaReference) else None

    def items(self) -> list[Parameter]:
        """The parameters in order, however they were given."""
        if self.parameter is not None:
            return [self.parameter]
        return self.parameters or []

    def field(self, index: int) -> str:
        """Where parameter `index` stands in the request."""
        return "parameter" if self.parameter is not None else f"parameters[{index}]"

    def chosen(self) -> Chosen:
        """The plant meant, also where only the parameters name it."""
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
