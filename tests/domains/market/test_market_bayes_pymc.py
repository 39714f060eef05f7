"""Log densities of the Bayesian models and their slopes, against models in PyMC.

The PyMC models have free loadings with a normal prior each, as the docs have them: they
know of no anchors. L = T Q' takes them apart into the triangle T and a rotation Q, so
that a point's density is that of L = T times the volume of (T, Q) -> L, and that volume
is taken from its numerical derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.linalg import expm

from flask_api.domains.market.bayesian.identification import Triangle, triangle_of
from flask_api.domains.market.bayesian.quadrature import grid
from flask_api.domains.market.bayesian.scores import rows_of
from flask_api.domains.market.bayesian.targets import (
    HouseholdUtilities,
    IntegratedFactors,
    Priors,
)
from flask_api.domains.market.patterns.patterns import pack

Floats = npt.NDArray[np.float64]


@contextmanager
def interpreted() -> Iterator[None]:
    """PyTensor without a compiler: compiling would take longer than the tests."""
    import pytensor.configdefaults

    flags = {"mode": "FAST_COMPILE", "cxx": ""}
    with pytensor.configdefaults.config.change_flags(**flags):
        yield


def purchases(rows: int, items: int, seed: int) -> Floats:
    """0, 1 and some NaN."""
    random = np.random.default_rng(seed)
    shares = random.uniform(0.2, 0.8, items)
    data = (random.random((rows, items)) < shares).astype(np.float64)
    data[random.random(data.shape) < 0.15] = np.nan
    return data


def volume(triangle: Triangle, free: Floats) -> float:
    """Logarithm of the volume of (free vector, rotation) -> loadings, numerically."""
    items, factors = triangle.shape
    base = triangle.loadings(free)
    pairs = [(i, j) for i in range(factors) for j in range(i)]
    columns = []
    step = 1e-6
    for place in range(len(free)):
        move = np.zeros(len(free))
        move[place] = step
        ahead, behind = triangle.loadings(free + move), triangle.loadings(free - move)
        columns.append(((ahead - behind) / (2 * step)).ravel())
    for i, j in pairs:
        turn = np.zeros((factors, factors))
        turn[i, j], turn[j, i] = step, -step
        columns.append((base @ (expm(turn) - expm(-turn)) / (2 * step)).ravel())
    assert len(columns) == items * factors
    return float(np.linalg.slogdet(np.column_stack(columns))[1])


def by_free(triangle: Triangle, free: Floats, by_loadings: Floats) -> Floats:
    """The slope by the free vector, of what has this slope by the loadings."""
    found = by_loadings[triangle.rows, triangle.columns].copy()
    found[triangle.diagonal] *= np.exp(free[triangle.diagonal])
    return np.asarray(found)


def slope_of_volume(triangle: Triangle, free: Floats) -> Floats:
    """By the free vector, numerically."""
    found = np.zeros(len(free))
    for place in triangle.diagonal:
        move = np.zeros(len(free))
        move[place] = 1e-3
        apart = volume(triangle, free + move) - volume(triangle, free - move)
        found[place] = apart / 2e-3
    return found


def slopes_by_name(model: Any, point: dict[str, Any]) -> dict[str, Floats]:
    """PyMC's slopes, one array for each variable, shaped as the variable."""
    values = model.continuous_value_vars
    flat = model.compile_dlogp()(point)
    found, start = {}, 0
    for value in values:
        shape = np.shape(point[value.name])
        size = int(np.prod(shape, dtype=int))
        found[value.name] = flat[start : start + size].reshape(shape)
        start += size
    return found


def factors_in_pymc(data: Floats, factors: int, scale: float, nodes: int) -> Any:
    """Free loadings; scores integrated by Gauss and Hermite (nodes > 0), or drawn."""
    import pymc as pm
    import pytensor.tensor as pt

    rows, items = data.shape
    known = np.nonzero(~np.isnan(data))
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 2, shape=items)
        loadings = pm.Normal("loadings", 0, scale, shape=(items, factors))
        if not nodes:
            theta = pm.Normal("theta", 0, 1, shape=(rows, factors))
            eta = alpha + pt.dot(theta, loadings.T)
            pm.Bernoulli("x", logit_p=eta[known], observed=data[known])
            return model
        x, weight = np.polynomial.hermite_e.hermegauss(nodes)
        axes = np.meshgrid(*[x] * factors, indexing="ij")
        points = np.stack(axes, -1).reshape(-1, factors)
        logs = np.log(weight / weight.sum())
        weights = sum(np.meshgrid(*[logs] * factors, indexing="ij"))
        eta = alpha + pt.dot(points, loadings.T)
        ones, seen = np.nan_to_num(data), (~np.isnan(data)) * 1.0
        each = pt.dot(ones, eta.T) - pt.dot(seen, pt.softplus(eta).T)
        pm.Potential("x", pt.logsumexp(each + np.ravel(weights), axis=1).sum())
    return model


def test_factors_with_scores_drawn_have_the_density_of_pymc() -> None:
    factors, scale = 3, 2.5
    data = purchases(7, 5, 10 * factors)
    random = np.random.default_rng(factors)
    frame = triangle_of(random.normal(size=(5, factors)))
    target = HouseholdUtilities(
        data,
        np.ones(7),
        np.empty((7, 0)),
        np.empty((5, 0)),
        False,
        frame,
        False,
        Priors(loading=scale),
    )
    part, density, apart = target.parts, target.density(), []
    with interpreted():
        model = factors_in_pymc(data, factors, scale, 0)
        log_density = model.compile_logp()
        for _ in range(3):
            point = random.normal(size=target.size)
            free = point[part["triangle"]]
            named = {
                "alpha": point[part["intercept"]],
                "loadings": frame.loadings(free),
                "theta": point[part["score"]].reshape(7, factors),
            }
            value, slope = density(point)
            apart.append(value - float(log_density(named)) - volume(frame, free))
            theirs = slopes_by_name(model, named)
            own = by_free(frame, free, theirs["loadings"])
            own += slope_of_volume(frame, free)
            known = np.concatenate([theirs["alpha"], own, theirs["theta"].ravel()])
            # the volume's slopes are differences: some 1e-8
            np.testing.assert_allclose(slope, known, rtol=1e-6, atol=1e-6)
    assert np.ptp(apart) < 1e-6


@pytest.mark.parametrize(("factors", "nodes"), [(1, 80), (2, 60)])
def test_factors_with_scores_integrated_have_the_density_of_pymc(
    factors: int, nodes: int
) -> None:
    data = purchases(40, 5, factors)
    patterns = pack(np.nan_to_num(data).astype(np.uint8), missing=np.isnan(data))
    ones, seen = rows_of(patterns)
    random = np.random.default_rng(3)
    frame = triangle_of(random.normal(size=(5, factors)))
    target = IntegratedFactors(
        ones, seen, patterns.counts, frame, *grid(factors, 0.3), Priors(loading=1.3)
    )
    density, apart = target.density(), []
    with interpreted():
        model = factors_in_pymc(data, factors, 1.3, nodes)
        log_density = model.compile_logp()
        for _ in range(3):
            point = 0.7 * random.normal(size=target.size)
            free = point[5:]
            named = {"alpha": point[:5], "loadings": frame.loadings(free)}
            value, slope = density(point)
            apart.append(value - float(log_density(named)) - volume(frame, free))
            theirs = slopes_by_name(model, named)
            own = by_free(frame, free, theirs["loadings"])
            own += slope_of_volume(frame, free)
            known = np.concatenate([theirs["alpha"], own])
            # both quadratures err by some 1e-4 of a row at most (see quadrature)
            np.testing.assert_allclose(slope, known, rtol=1e-3, atol=1e-3)
    assert np.ptp(apart) < 1e-3


def choice_in_pymc(target: HouseholdUtilities, latent: float) -> Any:
    """The model of docs/market/dcm.md with free loadings."""
    import pymc as pm
    import pytensor.tensor as pt

    data, width = target.data, target.factors
    rows, items = data.shape
    known = np.nonzero(~np.isnan(data))
    features, attributes = target.features, target.attributes
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0, 2, shape=items)
        eta = alpha + np.zeros((rows, 1))
        if features.shape[1]:
            beta = pm.Normal("beta", 0, 1, shape=(features.shape[1], items))
            eta = eta + pt.dot(features, beta)
        if attributes.shape[1]:
            gamma = pm.Normal("gamma", 0, 1, shape=attributes.shape[1])
            eta = eta + pt.dot(attributes, gamma)
        if target.random_effects:
            sigma = pm.HalfNormal("sigma", 1)
            eta = eta + pm.Normal("u", 0, sigma, shape=rows)[:, None]
        if width:
            lambda_sd = pm.HalfNormal("lambda_sd", latent)
            theta_sd = pm.HalfNormal("theta_sd", latent)
            loadings = pm.Normal("loadings", 0, lambda_sd, shape=(items, width))
            theta = pm.Normal("theta", 0, theta_sd, shape=(rows, width))
            eta = eta + pt.dot(theta, loadings.T)
        times = np.tile(target.counts[:, None], items)[known]
        each = pm.logp(pm.Bernoulli.dist(logit_p=eta[known]), data[known])
        pm.Potential("x", (times * each).sum())
    return model


def choice_point(
    target: HouseholdUtilities, point: Floats
) -> tuple[dict[str, Any], float]:
    """The point by PyMC's names, and the volume of the change of coordinates."""
    part, items = target.parts, target.data.shape[1]
    rows, log_volume = len(target.data), 0.0
    gamma = point[part["gamma"]]
    found: dict[str, Any] = {
        "alpha": point[part["intercept"]] - target.attributes @ gamma
    }
    if target.features.shape[1]:
        found["beta"] = point[part["beta"]].reshape(-1, items)
    if len(gamma):
        found["gamma"] = gamma
    if target.random_effects:
        (log_sigma,) = point[part["spread"]]
        found["sigma_log__"] = log_sigma
        found["u"] = np.exp(log_sigma) * point[part["effect"]]
        log_volume += rows * log_sigma
    if target.triangle is not None:
        first, second = point[part["sds"]]
        free = target.triangle.loadings(point[part["triangle"]])
        found["lambda_sd_log__"], found["theta_sd_log__"] = first, second
        found["loadings"] = np.exp(first) * free
        found["theta"] = np.exp(second) * point[part["score"]].reshape(rows, -1)
        log_volume += free.size * first + found["theta"].size * second
        log_volume += volume(target.triangle, point[part["triangle"]])
    return found, float(log_volume)


@pytest.mark.parametrize(
    ("features", "attributes", "effects", "latent"),
    [
        (0, 0, False, 0),
        (2, 2, False, 0),
        (0, 0, True, 0),
        (2, 0, False, 2),
        (1, 2, True, 3),
    ],
)
def test_choices_have_the_density_of_pymc(
    features: int, attributes: int, effects: bool, latent: int
) -> None:
    random = np.random.default_rng([features, attributes, effects, latent])
    data = purchases(6, 5, 7)
    own = effects or latent > 0
    target = HouseholdUtilities(
        data,
        np.ones(6) if own else np.arange(1.0, 7.0),
        random.normal(size=(6, features)),
        random.normal(size=(5, attributes)),
        effects,
        triangle_of(random.normal(size=(5, latent))) if latent else None,
        latent > 0,
        Priors(latent=0.7),
    )
    density, apart = target.density(), []
    points = [0.7 * random.normal(size=target.size) for _ in range(2)]
    with interpreted():
        log_density = choice_in_pymc(target, 0.7).compile_logp()

        def known(point: Floats) -> float:
            named, log_volume = choice_point(target, point)
            return float(log_density(named)) + log_volume

        for point in points:
            value, slope = density(point)
            apart.append(value - known(point))
            for _ in range(4):  # along random directions: PyMC's own differences
                along = random.normal(size=target.size)
                along /= np.linalg.norm(along)
                ahead, behind = known(point + 1e-4 * along), known(point - 1e-4 * along)
                # second differences of some 10, times 1e-8; volumes know some 1e-8
                assert slope @ along == pytest.approx(
                    (ahead - behind) / 2e-4, rel=1e-5, abs=1e-3
                )
    assert np.ptp(apart) < 1e-6
