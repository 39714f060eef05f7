"""What may be asked of latent class analysis."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from flask_api.domains.market.runs.request_schema import FitParams, Model, RunRequest
from flask_api.validation import misplaced


class LcaParams(FitParams):
    """Classes of households that buy alike."""

    n_classes: int = Field(ge=2, le=20, description="classes")
    max_iter: int = Field(1000, ge=10, le=10_000, description="passes of each start")
    n_init: int = Field(10, ge=1, le=50, description="random starts")
    tol: float = Field(
        1e-6, ge=1e-10, le=1e-2, description="change of the log-likelihood at the end"
    )
    exhaustive_starts: bool = Field(
        False, description="follow every start to its end, not only the best"
    )
    robust_errors: bool = Field(
        False, description="sandwich standard errors, not those of the information"
    )
    confidence_level: float = Field(
        0.95, gt=0.5, lt=1, description="of intervals of class profiles"
    )
    bootstrap_resamples: int = Field(
        0,
        ge=0,
        le=1000,
        description="of the likelihood-ratio test against one class less; 0: no test",
    )


class LcaRun(RunRequest):
    """Latent class analysis: groups of households with profiles of their own."""

    params: LcaParams


class LcaCovariatesParams(LcaParams):
    """Classes of households, and what decides who belongs to which."""

    covariate_columns: list[str] = Field(
        min_length=1, max_length=100, description="numeric columns of the data"
    )
    reference_class: int = Field(
        1, ge=1, le=20, description="others are compared with it; 1: the largest"
    )
    standardise: bool = Field(
        True, description="coefficients per standard deviation of a covariate"
    )

    @model_validator(mode="after")
    def _a_class_to_compare_with(self) -> Self:
        if self.reference_class > self.n_classes:
            raise misplaced(
                "reference_class",
                f"must be 1 to n_classes ({self.n_classes}); got "
                f"{self.reference_class}",
            )
        return self


class LcaCovariatesRun(RunRequest):
    """Latent class analysis with covariates: who belongs to which class, and why."""

    params: LcaCovariatesParams


def _households() -> list[list[int]]:
    """Forty households: some buy the first products, some the last ones."""
    kinds = [([1, 1, 1, 0, 0], 12), ([0, 0, 0, 1, 1], 11), ([1, 1, 0, 0, 0], 5)]
    kinds += [([0, 0, 1, 1, 1], 5), ([1, 0, 1, 0, 0], 4), ([0, 1, 0, 1, 1], 3)]
    return [list(bought) for bought, times in kinds for _ in range(times)]


_PRODUCTS = ["bread", "butter", "jam", "beer", "crisps"]
EXAMPLE_DATA: dict[str, Any] = {
    "data_json": _households(),
    "column_names": _PRODUCTS,
}
_WITH_AGE: dict[str, Any] = {
    "data_json": [
        [*bought, 30 + (7 * number) % 29 + 12 * bought[0]]
        for number, bought in enumerate(_households())
    ],
    "column_names": [*_PRODUCTS, "age"],
}

_TABLES = (
    "class_profiles",
    "class_sizes",
    "starts",
    "bivariate_residuals",
    "classification_table",
)
LCA = Model(
    "lca",
    LcaRun,
    run="latent_class.run:lca",
    example={
        "data": EXAMPLE_DATA,
        "params": {"n_classes": 2, "n_init": 5, "seed": 1},
    },
    takes_missing=True,
    tables=_TABLES,
)
LCA_COVARIATES = Model(
    "lca_covariates",
    LcaCovariatesRun,
    run="latent_class.run:lca_covariates",
    example={
        "data": _WITH_AGE,
        "params": {
            "n_classes": 2,
            "n_init": 5,
            "covariate_columns": ["age"],
            "seed": 1,
        },
    },
    takes_missing=True,
    numeric_columns=("covariate_columns",),
    tables=(*_TABLES, "covariate_effects"),
)
