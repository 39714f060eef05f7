"""What may be asked of factor analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from flask_api.domains.market.runs.request_schema import FitParams, Model, RunRequest
from flask_api.numerics.errors import InputError

#: Products whose correlations can be factored: a fit takes some minutes then.
MOST_PRODUCTS = 2_000


class FactorParams(FitParams):
    """Factors behind tetrachoric correlations."""

    n_factors: int = Field(ge=1, le=20, description="factors, fewer than products")
    extraction: Literal["minres", "ml"] = Field(
        "minres", description="least squares of the residuals, or maximum likelihood"
    )
    rotation: Literal["none", "varimax", "promax", "oblimin"] = Field(
        "varimax", description="of factors; promax and oblimin let them correlate"
    )
    n_init: int = Field(
        10, ge=1, le=50, description="starts; the smallest misfit is kept"
    )
    max_iter: int = Field(100, ge=10, le=10_000, description="iterations of each start")
    parallel_replicates: int = Field(
        20,
        ge=0,
        le=1000,
        description="tables of independent products that the eigenvalues are compared "
        "with; 0: none",
    )


class FactorRun(RunRequest):
    """Factor analysis of tetrachoric correlations: leanings behind the purchases."""

    params: FactorParams


def refuse_many(products: list[str]) -> None:
    """Refuse more products than can be factored in bearable time."""
    if len(products) > MOST_PRODUCTS:
        raise InputError(
            f"got {len(products):,} products; wanted at most {MOST_PRODUCTS:,}: all "
            "pairs of more would take hours. Name fewer product_columns, or take mca",
            "product_columns",
        )


def _fewer_than_products(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    refuse_many(products)
    wanted = params["n_factors"]
    if products and wanted >= len(products):
        raise InputError(
            f"got {wanted} factors for {len(products)} products; wanted 1 to "
            f"{len(products) - 1}: factors are fewer than what they explain",
            "params.n_factors",
        )


#: 1,000 answers to five questions of the Law School Admission Test, section 6: pattern
#: and how often it occurs. Bock and Lieberman (1970), Psychometrika 35, 179-197.
_LSAT6 = (
    "00000:3 00001:6 00010:2 00011:11 00100:1 00101:1 00110:3 00111:4 01000:1 "
    "01001:8 01011:16 01101:3 01110:2 01111:15 10000:10 10001:29 10010:14 "
    "10011:81 10100:3 10101:28 10110:15 10111:80 11000:16 11001:56 11010:21 "
    "11011:173 11100:11 11101:61 11110:28 11111:298"
)
_EXAMPLE: dict[str, Any] = {
    "data": {
        "data_json": [
            [*map(int, pattern), int(count)]
            for pattern, count in (word.split(":") for word in _LSAT6.split())
        ],
        "column_names": ["Q1", "Q2", "Q3", "Q4", "Q5", "count"],
    },
    "product_columns": ["Q1", "Q2", "Q3", "Q4", "Q5"],
    "count_column": "count",
    "params": {"n_factors": 1, "extraction": "ml", "seed": 1},
}
FACTOR_TETRACHORIC = Model(
    "factor_tetrachoric",
    FactorRun,
    run="factors.run:factor_tetrachoric",
    example=_EXAMPLE,
    takes_missing=True,
    check=_fewer_than_products,
    tables=("loadings", "factors", "correlations", "starts"),
)
