"""What users may ask of the price domain: validated here, computed in `job.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints, model_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.inputs import is_input

Version = (
    Annotated[int, Field(ge=0, le=10**9)]
    | Annotated[str, StringConstraints(min_length=1, max_length=64)]
)
Extension = Annotated[str, StringConstraints(max_length=64)]
Override = float | bool | Annotated[str, StringConstraints(max_length=200)]


class Chosen(NamedTuple):
    """Which plant a request is about, wherever it said so."""

    version: str
    extension: str | None
    overrides: Mapping[str, float | bool | str]


class ModelReference(Request):
    """A price model: a version, a variant of it, and changed inputs."""

    version: Version | None = Field(
        default=None,
        description="Version of the model: the name of its file. Left out: 1.",
    )
    extension: Extension | None = Field(
        default=None, description="Variant of that version; empty or left out: none."
    )
    overrides: dict[str, Override] | None = Field(
        default=None,
        description=(
            "Values by input: canonical name, S-number or the seed's property name; "
            "also conventions such as loan_deduction or depreciation_method."
        ),
        max_length=200,
    )


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
                if getattr(self, name) not in (None, "", getattr(self.model, name)):
                    raise ValueError(
                        f"{name} stands here and differs in model.{name}: give it once"
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
            model.overrides or {},
        )


class PriceDataRequest(ModelChoice):
    """Minimum selling price of a plant, with its year table.

    The price at which the plant earns exactly its required rate of return, where its
    costs come from, and every year's cash flow.
    """


class PriceModelsRequest(Request):
    """All price models there are, with inputs, units, conventions and sources."""


ANALYSES = (
    Analysis(
        "price.data",
        PriceDataRequest,
        run="job:data",
        example={"version": 1},
        quick=True,
        hidden=True,
        prewarm=True,
        knows_parameter=is_input,
        tables=(
            Table("cash_flow_table", ("price_data", "cash_flow_table")),
            Table("price_by_year", ("price_data", "price_by_year")),
        ),
    ),
    Analysis(
        "price.models",
        PriceModelsRequest,
        run="job:models",
        example={},
        quick=True,
        hidden=True,
        prewarm=True,
        tables=(Table("models", ("models",)),),
    ),
)
