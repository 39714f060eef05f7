"""What draws of the choice model say: effects, latent features, households."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian import quadrature
from flask_api.domains.market.bayesian.convergence import Judged, judged
from flask_api.domains.market.bayesian.draws import Draws
from flask_api.domains.market.bayesian.identification import (
    common_rotations,
    shares_explained,
)
from flask_api.domains.market.bayesian.predictive import Predictive, predictive
from flask_api.domains.market.bayesian.scores import rows_told, spread
from flask_api.domains.market.bayesian.targets import HouseholdUtilities

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: Draws that criteria are taken from.
SUMMARISED = 120


@dataclass(frozen=True, eq=False)
class ChoicePosterior:
    """What is known of the choice model: means over all draws.

    alpha, alpha_std       shape (J,), logits at average features
    beta, beta_std         per standard deviation of a household feature, (F, J)
    gamma, gamma_std       per standard deviation of a product attribute, (G,)
    sigma_hh, sigma_hh_std of the households' level, None without random effects
    lambda_sd, theta_sd    None without latent features
    product_latent, product_latent_std       lambda x theta_sd: logits per standard
                           deviation of theta, one rotation for all draws, (J, K)
    household_latent, household_latent_std   theta / theta_sd, per household, (N, K)
    household_effect       u_i, shape (N,), empty without random effects
    variance_explained     by each latent feature, percent of the latent variance, (K,)
    judged                 all quantities but the households' own: interval, R-hat, ...
    predictive             None in a partial posterior
    """

    alpha: Floats
    alpha_std: Floats
    beta: Floats
    beta_std: Floats
    gamma: Floats
    gamma_std: Floats
    sigma_hh: float | None
    sigma_hh_std: float | None
    lambda_sd: float | None
    theta_sd: float | None
    product_latent: Floats
    product_latent_std: Floats
    household_latent: Floats
    household_latent_std: Floats
    household_effect: Floats
    variance_explained: Floats
    judged: Judged
    predictive: Predictive | None
    draws: int


@dataclass(frozen=True, eq=False)
class _Quantities:
    """Draws of what is reported, chain after chain, shape (S, ...) each."""

    alpha: Floats
    beta: Floats
    gamma: Floats
    spread: Floats
    sds: Floats
    loadings: Floats
    turns: Floats

    def named(self) -> dict[str, Floats]:
        return {
            "alpha": self.alpha,
            "beta": self.beta.reshape(len(self.beta), -1),
            "gamma": self.gamma,
            "sigma_hh": self.spread,
            "sds": self.sds,
            "product_latent": self.loadings.reshape(len(self.loadings), -1),
        }


def _quantities(target: HouseholdUtilities, rotation: str, flat: Floats) -> _Quantities:
    part, items = target.parts, target.data.shape[1]
    gamma = flat[:, part["gamma"]]
    effective = target.triangle_loadings(flat)
    turns = np.zeros((len(flat), 0, 0))
    if target.factors:
        turns = common_rotations(effective, rotation)
    return _Quantities(
        flat[:, part["intercept"]] - gamma @ target.attributes.T,
        flat[:, part["beta"]].reshape(len(flat), -1, items),
        gamma,
        np.exp(flat[:, part["spread"]]),
        np.exp(flat[:, part["sds"]]),
        effective @ turns,
        turns,
    )


def summaries(
    target: HouseholdUtilities,
    draws: Draws,
    of_row: Ints,
    rotation: str,
    criteria: bool,
) -> Iterator[tuple[float, ChoicePosterior | None]]:
    """The share done, with None while it works, then with the posterior.

    of_row     the target's row of each household, shape (N,)
    criteria   whether to compute WAIC and LOO
    """
    structure = draws.structure()
    chains, each = structure.shape[:2]
    flat = structure.reshape(chains * each, -1)
    found = _quantities(target, rotation, flat)
    table = np.concatenate(list(found.named().values()), axis=1)
    known = judged(_names(found), table.reshape(chains, each, -1))
    yield 0.0, None
    own = _own(target, draws, found)
    fit = None
    if criteria:
        nodes = quadrature.nodes_for(
            target.factors + int(target.random_effects), own.known_to, 0
        )
        chosen = spread(len(flat), SUMMARISED)
        told = np.empty((len(chosen), len(target.data)))
        for place, draw in enumerate(chosen):
            base, weights = _utilities(target, flat[draw])
            for done in rows_told(target.data, base, weights, *nodes, told[place]):
                yield (place + done / len(target.data)) / len(chosen), None
        fit = predictive(told, target.counts)
    yield 1.0, _posterior(of_row, found, known, fit, each, own)


def _posterior(
    of_row: Ints,
    found: _Quantities,
    known: Judged,
    fit: Predictive | None,
    each: int,
    own: _Own,
) -> ChoicePosterior:
    sds, spread_hh = found.sds, found.spread
    return ChoicePosterior(
        alpha=found.alpha.mean(axis=0),
        alpha_std=found.alpha.std(axis=0),
        beta=found.beta.mean(axis=0),
        beta_std=found.beta.std(axis=0),
        gamma=found.gamma.mean(axis=0),
        gamma_std=found.gamma.std(axis=0),
        sigma_hh=float(spread_hh.mean()) if spread_hh.size else None,
        sigma_hh_std=float(spread_hh.std()) if spread_hh.size else None,
        lambda_sd=float(sds[:, 0].mean()) if sds.size else None,
        theta_sd=float(sds[:, 1].mean()) if sds.size else None,
        product_latent=found.loadings.mean(axis=0),
        product_latent_std=found.loadings.std(axis=0),
        household_latent=own.latent[of_row],
        household_latent_std=own.latent_std[of_row],
        household_effect=own.level[of_row] if own.level.size else own.level,
        variance_explained=shares_explained(found.loadings).mean(axis=0),
        judged=known,
        predictive=fit,
        draws=each,
    )


def _names(found: _Quantities) -> tuple[tuple[str, int, int], ...]:
    """(quantity, product or -1, dimension or -1) of each column that is judged."""
    _, items = found.alpha.shape
    names = [("alpha", j, -1) for j in range(items)]
    names += [("beta", j, f) for f in range(found.beta.shape[1]) for j in range(items)]
    names += [("gamma", -1, g) for g in range(found.gamma.shape[1])]
    names += [("sigma_hh", -1, -1)] * found.spread.shape[1]
    if found.sds.size:
        names += [("lambda_sd", -1, -1), ("theta_sd", -1, -1)]
    width = found.loadings.shape[2]
    names += [("product_latent", j, k) for j in range(items) for k in range(width)]
    return tuple(names)


@dataclass(frozen=True, eq=False)
class _Own:
    """Values of the target's rows: theta / theta_sd with its deviation, (R, K), and u,
    (R,).

    known_to   the least deviation of a standardised value
    """

    latent: Floats
    latent_std: Floats
    level: Floats
    known_to: float = 0.3


def _own(target: HouseholdUtilities, draws: Draws, found: _Quantities) -> _Own:
    """From the draws whose households' values were kept."""
    rows, factors = len(target.data), target.factors
    nothing = np.zeros((rows, 0))
    if target.size == target.structure:
        return _Own(nothing, nothing, np.empty(0))
    which, kept = draws.kept()
    of_draw = (np.arange(len(kept))[:, None] * draws.common + which).ravel()
    values = kept.reshape(len(of_draw), -1)
    levels = rows * int(target.random_effects)
    level, first, second = np.zeros(levels), np.zeros((rows, factors)), 0.0
    for place, draw in enumerate(of_draw):
        if levels:
            level += found.spread[draw] * values[place, :levels]
        if factors:
            raw = values[place, levels:].reshape(rows, factors).astype(np.float64)
            theta = raw @ found.turns[draw]
            first += theta
            second = second + theta**2
    total = len(of_draw)
    spread_of = np.sqrt(np.maximum(second / total - (first / total) ** 2, 0.0))
    known_to = max(0.2, float(values.std(axis=0).min()))
    return _Own(first / total, np.asarray(spread_of), level / total, known_to)


def _utilities(target: HouseholdUtilities, structure: Floats) -> tuple[Floats, Floats]:
    """Of one draw: utilities without the households' own values, (R, J), or (J,) where
    they are the same for all, and weights of these when they are N(0, I), (own, J)."""
    part, items = target.parts, target.data.shape[1]
    beta = structure[part["beta"]].reshape(-1, items)
    base = structure[part["intercept"]]
    if len(beta):
        base = base + target.features @ beta
    level = np.exp(structure[part["spread"]])[:, None] * np.ones(items)
    loadings = target.triangle_loadings(structure)
    return base, np.ascontiguousarray(np.vstack([level, loadings.T]))
