"""What may be asked of non-negative matrix factorisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from flask_api.domains.market.latent_class.schema import EXAMPLE_DATA
from flask_api.domains.market.runs.request_schema import FitParams, Model, RunRequest
from flask_api.numerics.errors import InputError


class NmfParams(FitParams):
    """Parts that add up to the purchases."""

    n_components: int = Field(ge=1, le=20, description="parts, at most as products")
    init: Literal["nndsvda", "nndsvd", "random"] = Field(
        "nndsvda", description="of the first start; all others are random"
    )
    n_init: int = Field(
        10, ge=1, le=50, description="starts; the others tell how stable parts are"
    )
    max_iter: int = Field(1000, ge=10, le=10_000, description="rounds of each start")
    tol: float = Field(
        1e-4,
        ge=1e-10,
        le=1e-1,
        description="part of the first round's slopes at which a start stands still",
    )


class NmfRun(RunRequest):
    """Non-negative matrix factorisation: bundles of products that add up."""

    params: NmfParams


def _at_most_products(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    wanted = params["n_components"]
    if products and (wanted or 0) > len(products):
        raise InputError(
            f"got {wanted} components for {len(products)} products; wanted at most "
            f"{len(products)}",
            "params.n_components",
        )


NMF = Model(
    "nmf",
    NmfRun,
    run="nonnegative.run:nmf",
    example={"data": EXAMPLE_DATA, "params": {"n_components": 2, "seed": 1}},
    check=_at_most_products,
    tables=("components", "loadings", "starts"),
)
