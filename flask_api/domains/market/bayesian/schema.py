"""What may be asked of the Bayesian models of binary purchases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from flask_api.domains.market.data.checks import LARGEST
from flask_api.domains.market.data.words import counted
from flask_api.domains.market.latent_class.schema import EXAMPLE_DATA
from flask_api.domains.market.runs.request_schema import FitParams, Model, RunRequest
from flask_api.numerics.errors import InputError

Rotation = Literal["varimax", "none"]


class BayesianFactorViParams(FitParams):
    """Factors by variational inference: seconds, even for large tables."""

    n_factors: int = Field(ge=1, le=20, description="factors")
    max_iter: int = Field(1000, ge=10, le=10_000, description="passes at most")
    tol: float = Field(
        1e-8,
        ge=1e-14,
        le=1e-2,
        description="rise of the ELBO per cell of the table at which it stands still",
    )
    rotation: Rotation = Field("varimax", description="of the factors")
    loading_prior_scale: float = Field(
        1.0, ge=0.1, le=10, description="standard deviation of loadings, logits"
    )


class BayesianFactorViRun(RunRequest):
    """Bayesian factors by variational inference, with the ELBO as it rises."""

    params: BayesianFactorViParams


class SamplingParams(FitParams):
    """How much is sampled. Models add their own."""

    n_samples: int = Field(
        1000, ge=100, le=10_000, description="draws of each chain after tuning"
    )
    n_tune: int = Field(
        1000, ge=100, le=5_000, description="draws of each chain for tuning"
    )
    n_chains: int = Field(4, ge=1, le=8, description="chains, compared by R-hat")
    target_accept: float = Field(
        0.9, ge=0.5, le=0.99, description="acceptance that step sizes are tuned for"
    )
    rotation: Rotation = Field("varimax", description="of factors or latent features")


class BayesianFactorPymcParams(SamplingParams):
    """Factors by the No-U-Turn sampler."""

    n_factors: int = Field(ge=1, le=20, description="factors")
    max_iter: int = Field(
        200, ge=10, le=1000, description="passes of the variational start"
    )
    scores: Literal["auto", "integrated", "sampled"] = Field(
        "auto",
        description="integrate the households' scores out (1 or 2 factors), or sample "
        "them",
    )
    loading_prior_scale: float = Field(
        1.0, ge=0.1, le=10, description="standard deviation of loadings, logits"
    )


class BayesianFactorPymcRun(RunRequest):
    """Bayesian factors with their whole posterior, and whether the chains agree."""

    params: BayesianFactorPymcParams


class DcmParams(SamplingParams):
    """What utilities are made of."""

    include_random_effects: bool = Field(
        False, description="a level of its own for each household"
    )
    n_latent_features: int = Field(
        0, ge=0, le=10, description="latent features of products and households"
    )
    latent_prior_scale: float = Field(
        1.0, ge=0.1, le=10, description="of the latent features' standard deviations"
    )
    household_feature_columns: list[str] = Field(
        default_factory=list,
        max_length=50,
        description="numeric columns of the data that move utilities",
    )
    product_attributes: dict[str, list[float]] = Field(
        default_factory=dict,
        max_length=50,
        description="name -> one number for each product, in the order of the products",
    )


class DcmRun(RunRequest):
    """Binary choice: what makes a household buy a product."""

    params: DcmParams


_FEW = {"n_samples": 100, "n_tune": 100, "n_chains": 2, "seed": 1}
_WITH_INCOME: dict[str, Any] = {
    "data_json": [
        [*bought, round(2.0 + 0.1 * (number % 13) + 0.8 * bought[3], 1)]
        for number, bought in enumerate(EXAMPLE_DATA["data_json"])
    ],
    "column_names": [*EXAMPLE_DATA["column_names"], "income"],
}


def _fewer_than_rows_and_products(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    wanted, most = params["n_factors"], min(len(products), facts["n_rows"])
    if products and wanted > most:
        raise InputError(
            f"got {wanted} factors for {counted(len(products), 'product')} and "
            f"{counted(facts['n_rows'], 'row')}; wanted 1 to {most}",
            "params.n_factors",
        )


def _integrable(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    _fewer_than_rows_and_products(params, facts, products)
    if params.get("scores") == "integrated" and params["n_factors"] > 2:
        raise InputError(
            f"got scores integrated with {params['n_factors']} factors; they can be "
            "with 1 or 2: choose sampled or auto",
            "params.scores",
        )


def _of_these_products(
    params: Mapping[str, Any], facts: Mapping[str, Any], products: list[str]
) -> None:
    latent = params.get("n_latent_features", 0)
    if products and latent >= len(products):
        raise InputError(
            f"got {latent} latent features for {counted(len(products), 'product')}; "
            f"wanted 0 to {min(10, len(products) - 1)}",
            "params.n_latent_features",
        )
    for name, values in (params.get("product_attributes") or {}).items():
        field = f"params.product_attributes.{name}"
        if products and len(values) != len(products):
            raise InputError(
                f"got {counted(len(values), 'value')} of {name!r}; wanted one for each "
                f"of {len(products)} products, in their order",
                field,
            )
        beyond = next((v for v in values if not abs(v) <= LARGEST), None)
        if beyond is not None:
            raise InputError(
                f"{name!r} holds {beyond:g}; wanted finite numbers up to {LARGEST:g}",
                field,
            )
        if len(set(values)) < 2:
            raise InputError(
                f"{name!r} is the same for every product; leave it out: alpha says as "
                "much",
                field,
            )


#: Seconds between a request to stop and the kill.
GRACE_S = 6.0

BAYESIAN_FACTOR_VI = Model(
    "bayesian_factor_vi",
    BayesianFactorViRun,
    run="bayesian.run:bayesian_factor_vi",
    example={"data": EXAMPLE_DATA, "params": {"n_factors": 1, "seed": 1}},
    takes_missing=True,
    check=_fewer_than_rows_and_products,
    tables=("loadings",),
)
BAYESIAN_FACTOR_PYMC = Model(
    "bayesian_factor_pymc",
    BayesianFactorPymcRun,
    run="bayesian.run:bayesian_factor_pymc",
    example={"data": EXAMPLE_DATA, "params": {"n_factors": 1, **_FEW}},
    takes_missing=True,
    check=_integrable,
    tables=("parameters",),
    cancel_grace_s=GRACE_S,
)
DCM = Model(
    "dcm",
    DcmRun,
    run="bayesian.run:dcm",
    example={
        "data": _WITH_INCOME,
        "params": {"household_feature_columns": ["income"], **_FEW},
    },
    takes_missing=True,
    numeric_columns=("household_feature_columns",),
    check=_of_these_products,
    tables=("parameters",),
    cancel_grace_s=GRACE_S,
)
