"""What may be asked of the choice between models of one kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from flask_api.domains.market.factors.schema import refuse_many
from flask_api.domains.market.latent_class.schema import EXAMPLE_DATA
from flask_api.domains.market.runs.request_schema import FitParams, Model, RunRequest
from flask_api.validation import misplaced

#: Settings that only the other model has.
_OF_THE_OTHER = {
    "lca": ("replicates",),
    "factor_tetrachoric": ("min_number", "tol", "bootstrap_resamples"),
}


class ModelSelectionParams(FitParams):
    """How many classes, or factors: which numbers are tried, and how."""

    model: Literal["lca", "factor_tetrachoric"] = Field(
        "lca", description="classes by information criteria; factors by chance too"
    )
    min_number: int = Field(
        1, ge=1, le=20, description="of classes; factors begin with 1"
    )
    max_number: int = Field(8, ge=1, le=20, description="of classes or factors")
    n_init: int = Field(10, ge=1, le=50, description="random starts of each fit")
    max_iter: int = Field(1000, ge=10, le=10_000, description="passes of each start")
    tol: float = Field(
        1e-6,
        ge=1e-10,
        le=1e-2,
        description="of classes: change of the log-likelihood at the end",
    )
    bootstrap_resamples: int = Field(
        0,
        ge=0,
        le=1000,
        description="of the test of each number of classes against one less; 0: none",
    )
    replicates: int = Field(
        20, ge=5, le=500, description="of factors: tables of chance to compare with"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_number > self.max_number:
            raise misplaced(
                "max_number",
                f"must be at least min_number ({self.min_number}); got "
                f"{self.max_number}",
            )
        return self

    @model_validator(mode="after")
    def _of_this_model(self) -> Self:
        for name in _OF_THE_OTHER[self.model]:
            usual = type(self).model_fields[name].default
            if getattr(self, name) != usual:
                raise misplaced(
                    name,
                    f"means nothing for `model: {self.model}`; leave it out (or at "
                    f"{usual})",
                )
        return self


class ModelSelectionRun(RunRequest):
    """How many classes or factors: a table of models, and which one to take and why."""

    params: ModelSelectionParams


def _not_too_many(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    if params.get("model", "lca") != "lca":
        refuse_many(products)


_EXAMPLE: dict[str, Any] = {
    "data": EXAMPLE_DATA,
    "params": {"max_number": 3, "n_init": 3, "seed": 1},
}
MODEL_SELECTION = Model(
    "model_selection",
    ModelSelectionRun,
    run="selection.run:model_selection",
    example=_EXAMPLE,
    takes_missing=True,
    check=_not_too_many,
    tables=("candidates",),
)
