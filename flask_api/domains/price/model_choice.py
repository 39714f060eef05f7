"""How a request names its price model: a version, a variant of it, changed inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from flask_api.analysis import Context, Request
from flask_api.domains.price.stored import Stored
from flask_api.validation import misplaced

Version = (
    Annotated[int, Field(ge=0, le=10**9)]
    | Annotated[str, StringConstraints(min_length=1, max_length=64)]
)
Extension = Annotated[str, StringConstraints(max_length=64)]
Override = (
    float
    | bool
    | Annotated[str, StringConstraints(max_length=200)]
    | Annotated[dict[str, Any], Field(max_length=50)]
    | Annotated[list[Any], Field(max_length=100)]
)
Switch = Literal["on", "off"] | bool
Year = Annotated[int, Field(ge=1, le=100)]

#: What a model reference may say beside its overrides, as one of them.
_BESIDE = (
    "selected_v",
    "selected_f",
    "target_row",
    "selected_calculation_option",
    "depreciation_table",
    "periods",
)


_STRUCTURED = {*_BESIDE, *map(to_camel, _BESIDE)} - {"target_row", "targetRow"}


def _plain_but_for_choices(overrides: dict[str, Override]) -> dict[str, Override]:
    """Lists and objects only for choices that are made of them; told at their name."""
    faults: list[InitErrorDetails] = []
    for name, value in overrides.items():
        if isinstance(value, dict | list) and name not in _STRUCTURED:
            got = "a list" if isinstance(value, list) else "an object"
            problem = f"is {got}; wanted a number, a word, or true or false"
            kind = PydanticCustomError("value_error", "{problem}", {"problem": problem})
            faults.append({"type": kind, "loc": (name,), "input": value})
    if faults:
        raise ValidationError.from_exception_data("overrides", faults)
    return overrides


Overrides = Annotated[
    dict[str, Override],
    Field(max_length=200),
    AfterValidator(_plain_but_for_choices),
]


class Chosen(NamedTuple):
    """Which plant a request is about, wherever it said so."""

    version: str
    extension: str | None
    overrides: Mapping[str, Override]


def stored_models(context: Context) -> Stored | None:
    """The models that the owner of a job has stored; None where none can be."""
    if context.stored_models_dir is None:
        return None
    return Stored(context.stored_models_dir, context.owner)


class ModelPeriod(Request):
    """Operating years `start` to `end`, both included, in which other values apply."""

    start: Year
    end: Year
    inputs: dict[str, float] = Field(
        description="Values by input, of those that may change from year to year.",
        min_length=1,
        max_length=100,
    )


class ModelReference(Request):
    """A price model: a version, a variant of it, and changed inputs."""

    version: Version | None = Field(
        default=None,
        description="Version of the model: the name of its file. Left out: 1.",
    )
    extension: Extension | None = Field(
        default=None, description="Variant of that version; empty or left out: none."
    )
    overrides: Overrides | None = Field(
        default=None,
        description=(
            "Values by input: canonical name, S-number or the seed's property name; "
            "also conventions such as loan_deduction or depreciation_method, and what "
            "may stand beside overrides."
        ),
    )
    selected_v: dict[str, Switch] | None = Field(
        default=None,
        description="Switches of the slots V1 to V10: on or off; off costs nothing.",
        max_length=10,
    )
    selected_f: dict[str, Switch] | None = Field(
        default=None, description="Switches of the slots F1 to F5.", max_length=5
    )
    target_row: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Operating year by which net present value is 0; 0: the last one.",
    )
    selected_calculation_option: (
        Literal["calculateForPrice", "freeFlowNPV", "price", "npv"] | None
    ) = Field(
        default=None,
        description="Solve the price, or tell what the plant is worth at S13.",
    )
    depreciation_table: (
        Annotated[list[float], Field(min_length=1, max_length=100)] | None
    ) = Field(
        default=None,
        description="Yearly shares of the depreciation method Custom (S20).",
    )
    periods: Annotated[list[ModelPeriod], Field(max_length=100)] | None = Field(
        default=None, description="Years with other values; replaces those of the file."
    )

    #: Choices beside the overrides that were spelled in camelCase.
    _camel: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="wrap")
    @classmethod
    def _keeps_spelling(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        made = handler(data)
        if isinstance(data, Mapping):
            made._camel = frozenset(
                name for name in _BESIDE if to_camel(name) in data and name not in data
            )
        for name, written in made._written().items():
            if {name, to_camel(name)} & set(made.overrides or {}):
                raise misplaced(written, "stands in overrides too: give it once")
        return made

    def _written(self) -> dict[str, str]:
        """What stands beside the overrides: its name, and how the request spells it."""
        return {
            name: to_camel(name) if name in self._camel else name
            for name in _BESIDE
            if getattr(self, name) is not None
        }

    def changes(self) -> dict[str, Override]:
        """Overrides, and what stands beside them, each as the request spells it."""
        beside = self.model_dump(include=set(_BESIDE), exclude_none=True)
        return {**(self.overrides or {}), **beside}

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """So that a job keeps the spelling, and names faults in it."""
        spelled = self._written()
        return {spelled.get(name, name): value for name, value in dump(self).items()}


class ModelChoice(Request):
    """The part of a request that names its price model, in either of two forms."""

    version: Version | None = Field(
        default=None,
        description="Version of the price model, such as 1 or `1`; default 1.",
    )
    extension: Extension | None = Field(
        default=None, description="Variant of that version; empty or left out: none."
    )
    model: ModelReference | None = Field(
        default=None, description="The same in one object, with overrides of inputs."
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> ModelChoice:
        if self.model is not None:
            for name in ("version", "extension"):
                here, inside = getattr(self, name), getattr(self.model, name)
                # 1 and "1" are the same version; a name in one place only counts
                if here in (None, "") or str(here) == str(inside):
                    continue
                raise misplaced(
                    name, f"stands here and differs in model.{name}: give it once"
                )
        return self

    def chosen(self) -> Chosen:
        """Version, extension and overrides, with the defaults filled in."""
        model = self.model or ModelReference()
        version = self.version if model.version is None else model.version
        extension = self.extension if model.extension is None else model.extension
        return Chosen(
            "1" if version is None else str(version),
            extension or None,
            model.changes(),
        )

    def place(self, name: str) -> str:
        """Where `version`, `extension` or a name of the overrides stands in this."""
        model = self.model or ModelReference()
        if name in ("version", "extension"):
            inside = getattr(model, name) is not None
        elif name in (model.overrides or {}):
            return f"model.overrides.{name}"
        else:
            inside = name in model.changes()
        return f"model.{name}" if inside else name
