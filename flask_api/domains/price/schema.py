"""What users may ask of the price domain: validated here, computed in `job.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.comparison.schema import COMPARISONS
from flask_api.domains.price.inputs import is_input
from flask_api.domains.price.model_choice import (
    Chosen,
    Extension,
    ModelChoice,
    ModelReference,
    Override,
    Version,
)
from flask_api.domains.price.revision import problem_with_name
from flask_api.domains.price.stored import MAX_BYTES, MAX_NAME

__all__ = [
    "ANALYSES",
    "Chosen",
    "Extension",
    "ModelChoice",
    "ModelReference",
    "NoQuery",
    "Override",
    "PriceDataRequest",
    "PriceModelsRequest",
    "PriceStoreRequest",
    "RevisionQuery",
    "StoreQuery",
    "Version",
]

_EXAMPLE = """\
title: A small biogas plant
source: our own estimate of 2026
product_unit: MWh
inputs:
  plant_lifetime: 15
  bare_erected_cost: {value: 0.9, unit: M$}
  number_of_units: {value: 5.2, unit: GWh/year}
  selling_price: 60
  required_irr: {value: 8, unit: "%"}
  maintenance_cost: 45000
"""


class PriceDataRequest(ModelChoice):
    """Minimum selling price of a plant, with its year table.

    The price at which the plant earns exactly its required rate of return, where its
    costs come from, and every year's cash flow.
    """


class PriceModelsRequest(Request):
    """All price models there are, with inputs, units, conventions and sources."""


class PriceStoreRequest(Request):
    """A price model of one's own, checked, priced and stored as a revision."""

    name: Annotated[str, StringConstraints(max_length=MAX_NAME)] = Field(
        description="The version it can be asked for by: A-Z a-z 0-9 . _ - (64 at most)"
    )
    content: Annotated[str, StringConstraints(min_length=1, max_length=MAX_BYTES)] = (
        Field(description="The model as YAML text, 256 KiB at most.")
    )
    comment: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None, description="What is new in this revision; kept with it."
    )
    if_match: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None,
        description=(
            "ETag of the revision that this one follows, or `*` for any; another one "
            "is there by now: 409. Over REST the header If-Match."
        ),
    )

    @field_validator("name")
    @classmethod
    def _is_a_version(cls, name: str) -> str:
        problem = problem_with_name(name)
        if problem is not None:
            raise ValueError(problem)
        return name


class StoreQuery(Request):
    """For a body that is the YAML text itself."""

    name: str | None = Field(None, description="with a YAML body: the version's name")
    comment: str | None = Field(None, description="with a YAML body: what is new")


class RevisionQuery(Request):
    """Which text of a version."""

    revision: int | None = Field(
        None, ge=1, description="a stored revision, also of a retired version"
    )


class NoQuery(Request):
    """Nothing can be asked for."""


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
            Table("capital_ladder", ("price_data", "capital_ladder")),
            Table("cost_breakdown", ("price_data", "cost_breakdown")),
            Table("price_history", ("price_data", "price_history")),
            Table("inputs", ("price_data", "inputs")),
        ),
        documents={
            "xlsx": "files.workbook:write_workbook",
            "html": "files.page:write_report",
        },
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
    Analysis(
        "price.store",
        PriceStoreRequest,
        run="job:store",
        example={
            "name": "biogas",
            "content": _EXAMPLE,
            "comment": "first estimate",
        },
        quick=True,
        hidden=True,
        prewarm=True,
    ),
    *COMPARISONS,
)
