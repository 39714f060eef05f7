"""What may be asked of multiple correspondence analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from flask_api.domains.market.latent_class.schema import EXAMPLE_DATA
from flask_api.domains.market.runs.request_schema import FitParams, Model, RunRequest
from flask_api.numerics.errors import InputError


class McaParams(FitParams):
    """A map of products and households."""

    n_components: int | None = Field(
        None,
        ge=2,
        le=20,
        description="dimensions; null: 5, or as many as the data have",
    )


class McaRun(RunRequest):
    """Multiple correspondence analysis: a map of who buys what."""

    params: McaParams


def _at_most_products(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    wanted = params.get("n_components")  # null is left out
    if products and (wanted or 0) > len(products):
        raise InputError(
            f"got {wanted} components for {len(products)} products; wanted at most "
            f"{len(products)}",
            "params.n_components",
        )


MCA = Model(
    "mca",
    McaRun,
    run="correspondence.run:mca",
    example={"data": EXAMPLE_DATA, "params": {"n_components": 2, "seed": 1}},
    takes_missing=True,
    check=_at_most_products,
    tables=("columns", "dimensions"),
)
