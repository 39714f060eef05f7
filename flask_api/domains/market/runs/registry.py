"""Every model of market structure that can be run: a new one is a line here."""

from __future__ import annotations

from flask_api.domains.market.bayesian.schema import (
    BAYESIAN_FACTOR_PYMC,
    BAYESIAN_FACTOR_VI,
    DCM,
)
from flask_api.domains.market.choice.schema import CHOICE_MIXED, CHOICE_MNL
from flask_api.domains.market.correspondence.schema import MCA
from flask_api.domains.market.factors.schema import FACTOR_TETRACHORIC
from flask_api.domains.market.latent_class.schema import LCA, LCA_COVARIATES
from flask_api.domains.market.nonnegative.schema import NMF
from flask_api.domains.market.runs.request_schema import Model, RunRequest
from flask_api.domains.market.selection.schema import MODEL_SELECTION

MODELS: tuple[Model, ...] = (
    LCA,
    LCA_COVARIATES,
    FACTOR_TETRACHORIC,
    NMF,
    MCA,
    BAYESIAN_FACTOR_VI,
    BAYESIAN_FACTOR_PYMC,
    DCM,
    CHOICE_MNL,
    CHOICE_MIXED,
    MODEL_SELECTION,
)

BY_TYPE = {model.model_type: model for model in MODELS}
BY_KIND = {model.kind: model for model in MODELS}
_BY_REQUEST = {model.request: model for model in MODELS}


def model_of(request: RunRequest) -> Model:
    """The model that a request is for."""
    return _BY_REQUEST[type(request)]
