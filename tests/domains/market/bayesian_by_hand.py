"""Simulated households, and the Bayesian models once more in PyMC."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian.identification import Triangle
from flask_api.domains.market.bayesian.targets import HouseholdUtilities
from flask_api.domains.market.patterns.patterns import Patterns, pack

Floats = npt.NDArray[np.float64]


def bought(utilities: Floats, seed: int) -> npt.NDArray[np.uint8]:
    """Purchases drawn from logits."""
    chance = 1 / (1 + np.exp(-utilities))
    drawn = np.random.default_rng(seed).random(utilities.shape) < chance
    return drawn.astype(np.uint8)


def simulated(
    rows: int, loadings: Floats, intercepts: Floats, seed: int
) -> tuple[Patterns, Floats]:
    """Purchases of a factor model, and the true scores."""
    scores = np.random.default_rng([seed, 1]).normal(size=(rows, loadings.shape[1]))
    return pack(bought(intercepts + scores @ loadings.T, seed)), scores


def utilities_in_pymc(target: HouseholdUtilities) -> Any:
    """The target as a PyMC model; its variables stand in the target's order."""
    import pymc as pm
    import pytensor.tensor as pt

    rows, items = target.data.shape
    width, priors = target.factors, target.priors
    with pm.Model() as model:
        rest = pm.Normal("rest", 0, priors.intercept, shape=items)
        beta = pm.Normal(
            "beta", 0, priors.effect, shape=(target.features.shape[1], items)
        )
        gamma = pm.Normal("gamma", 0, priors.effect, shape=target.attributes.shape[1])
        eta = rest + target.attributes @ gamma + pt.dot(target.features, beta)
        if target.random_effects:
            sigma = pm.HalfNormal("sigma", priors.spread)
            eta = eta + (sigma * pm.Normal("u", 0, 1, shape=rows))[:, None]
        if target.triangle is not None:
            free = _free_loadings(target.triangle)
            sds = pm.HalfNormal("sds", priors.latent, shape=2)
            score = pm.Normal("score", 0, 1, shape=(rows, width))
            eta = eta + sds[0] * sds[1] * pt.dot(score, free.T)
        pm.Bernoulli("x", logit_p=eta, observed=target.data)
    return model


def _free_loadings(triangle: Triangle) -> Any:
    """A triangle's loadings: half-normals raised to a chi on the diagonal."""
    import pymc as pm
    import pytensor.tensor as pt

    size = triangle.size
    off = np.setdiff1d(np.arange(size), triangle.diagonal)
    normal = pm.Normal("off", 0, 1, shape=len(off))
    diagonal = pm.HalfNormal("diagonal", 1, shape=len(triangle.diagonal))
    pm.Potential("chi", ((triangle.powers - 1) * pt.log(diagonal)).sum())
    values = pt.zeros(size)
    values = pt.set_subtensor(values[off], normal)
    values = pt.set_subtensor(values[triangle.diagonal], diagonal)
    loadings = pt.zeros(triangle.shape)
    return pt.set_subtensor(loadings[triangle.rows, triangle.columns], values)


def point_in_pymc(target: HouseholdUtilities, point: Floats) -> dict[str, Any]:
    """A point of the target by the names of the PyMC model."""
    part, triangle = target.parts, target.triangle
    rows, items = target.data.shape
    gamma = point[part["gamma"]]
    found: dict[str, Any] = {
        "rest": point[part["intercept"]] - target.attributes @ gamma,
        "beta": point[part["beta"]].reshape(-1, items),
        "gamma": gamma,
    }
    if target.random_effects:
        found["sigma_log__"] = point[part["spread"]][0]
        found["u"] = point[part["effect"]]
    if triangle is not None:
        free = point[part["triangle"]]
        found["diagonal_log__"] = free[triangle.diagonal]
        found["off"] = np.delete(free, triangle.diagonal)
        found["sds_log__"] = point[part["sds"]]
        found["score"] = point[part["score"]].reshape(rows, target.factors)
    return found
