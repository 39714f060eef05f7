"""What is sampled: log posterior densities of the models, with their slopes.

A target is a point in R^size. Its first `structure` entries say what holds for all
households (intercepts, effects, loadings) and are kept for every draw; the rest are the
households' own values.

Symbols: N households, or R distinct rows with counts; J products; F features of
households, G of products; K factors. A point holds, in this order:

    intercept   a_j = alpha_j + z_j gamma, shape (J,): data know a_j well, and alpha and
                gamma only through it, so they are taken apart after sampling
    beta        shape (F, J)
    gamma       shape (G,)
    spread      log of the households' standard deviation sigma_hh, shape (1,)
    triangle    the free vector of the loadings (see identification)
    sds         logs of lambda_sd and theta_sd, shape (2,)
    effect      u_i / sigma_hh, shape (N,)
    score       theta_i / theta_sd, shape (N, K)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian import kernels
from flask_api.domains.market.bayesian.identification import Triangle

Floats = npt.NDArray[np.float64]
#: A point -> log density but for a constant, and its slope. For one thread only.
Density = Callable[[Floats], tuple[float, Floats]]


class Target(Protocol):
    """A density to sample from."""

    @property
    def size(self) -> int: ...

    @property
    def structure(self) -> int: ...

    def density(self) -> Density:
        """A fresh evaluator, with room of its own to work in."""
        ...


@dataclass(frozen=True)
class Priors:
    """Standard deviations: normal of intercepts, effects and loadings, half-normal of
    the households' spread and of the latent features' two standard deviations."""

    intercept: float = 2.0
    effect: float = 1.0
    loading: float = 1.0
    spread: float = 1.0
    latent: float = 1.0


@dataclass(frozen=True, eq=False)
class IntegratedFactors:
    """Bernoulli-logit factors with the scores integrated out: rows may be collapsed.

    ones, seen   distinct rows, shape (R, J), as `kernels._integrated` wants them
    counts       households of each, shape (R,)
    nodes, log_weights   of the integral
    """

    ones: Floats
    seen: Floats
    counts: Floats
    triangle: Triangle
    nodes: Floats
    log_weights: Floats
    priors: Priors = field(default_factory=Priors)

    @property
    def size(self) -> int:
        return int(self.ones.shape[1]) + self.triangle.size

    @property
    def structure(self) -> int:
        return self.size

    def density(self) -> Density:
        items = self.ones.shape[1]
        by_base, by_loadings = np.empty(items), np.empty(self.triangle.shape)
        each, kernel = np.empty(len(self.ones)), kernels.integrated()
        deviation, scale = self.priors.intercept, self.priors.loading

        def evaluate(point: Floats) -> tuple[float, Floats]:
            with np.errstate(over="ignore", invalid="ignore"):
                base, free = point[:items], point[items:]
                loadings = self.triangle.loadings(free)
                value = kernel(
                    self.ones,
                    self.seen,
                    self.counts,
                    base,
                    loadings,
                    self.nodes,
                    self.log_weights,
                    by_base,
                    by_loadings,
                    each,
                )
                value += self.triangle.log_prior(free, loadings, scale)
                value -= float(base @ base) / (2 * deviation**2)
                slope = np.empty(self.size)
                slope[:items] = by_base - base / deviation**2
                slope[items:] = self.triangle.gradient(by_loadings, loadings, scale)
            return value, slope

        return evaluate


@dataclass(frozen=True, eq=False)
class HouseholdUtilities:
    """Bernoulli-logit purchases of households that have values of their own.

    data         0, 1 or NaN, shape (N, J)
    counts       1 each; other counts only where no household has values of its own
    features     x_i, shape (N, F)
    attributes   z_j, shape (J, G)
    random_effects   whether each household has a level u_i
    triangle     frame of the loadings, None without factors
    hierarchical whether loadings and scores have standard deviations to be found
                 (lambda_sd, theta_sd), else they are `priors.loading` and 1
    """

    data: Floats
    counts: Floats
    features: Floats
    attributes: Floats
    random_effects: bool
    triangle: Triangle | None
    hierarchical: bool
    priors: Priors = field(default_factory=Priors)

    @property
    def factors(self) -> int:
        return 0 if self.triangle is None else self.triangle.shape[1]

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each part of a point."""
        rows, items = self.data.shape
        free = 0 if self.triangle is None else self.triangle.size
        return {
            "intercept": items,
            "beta": self.features.shape[1] * items,
            "gamma": self.attributes.shape[1],
            "spread": int(self.random_effects),
            "triangle": free,
            "sds": 2 * int(self.hierarchical and free > 0),
            "effect": rows * int(self.random_effects),
            "score": rows * self.factors,
        }

    @property
    def parts(self) -> dict[str, slice]:
        """Where each part of a point lies."""
        found, start = {}, 0
        for name, size in self.sizes.items():
            found[name] = slice(start, start + size)
            start += size
        return found

    @property
    def size(self) -> int:
        return sum(self.sizes.values())

    @property
    def structure(self) -> int:
        return int(self.parts["sds"].stop)

    def triangle_loadings(self, structure: Floats) -> Floats:
        """Loadings of logits on scores that are N(0, I), in the sampler's frame.

        structure   of one draw, shape (structure,), or of many, (S, structure)

        Returns shape (J, K) or (S, J, K); K = 0 without factors.
        """
        if self.triangle is None:
            return np.empty((*structure.shape[:-1], self.data.shape[1], 0))
        part = self.parts
        scale = np.exp(structure[..., part["sds"]].sum(axis=-1))
        free = self.triangle.loadings(structure[..., part["triangle"]])
        return np.asarray(scale[..., None, None] * free)

    def density(self) -> Density:
        return _HouseholdDensity(self)


class _HouseholdDensity:
    """The evaluator: features and weights side by side, one pass over all cells."""

    def __init__(self, target: HouseholdUtilities) -> None:
        rows, items = target.data.shape
        self.target, self.parts = target, target.parts
        self.observed = target.features.shape[1]
        level = int(target.random_effects)
        self.level, self.first = self.observed, self.observed + level
        width = self.first + target.factors
        self.features, self.weights = np.zeros((rows, width)), np.zeros((width, items))
        self.features[:, : self.observed] = target.features
        self.by_base = np.empty(items)
        self.by_features = np.empty((rows, width))
        self.by_weights = np.empty((width, items))
        self.kernel = kernels.bilinear()

    def __call__(self, point: Floats) -> tuple[float, Floats]:
        with np.errstate(over="ignore", invalid="ignore"):
            return self._evaluated(point)

    def _evaluated(self, point: Floats) -> tuple[float, Floats]:
        target, part = self.target, self.parts
        rows, items = target.data.shape
        shape = (rows, target.factors)
        slope = np.empty(len(point))
        self.weights[: self.observed] = point[part["beta"]].reshape(-1, items)
        deviation = np.exp(point[part["spread"]])
        if target.random_effects:
            self.features[:, self.level] = point[part["effect"]]
            self.weights[self.level] = deviation
        scale, loadings = self._loadings(point)
        if loadings is not None:
            self.features[:, self.first :] = point[part["score"]].reshape(shape)
            self.weights[self.first :] = scale * loadings.T
        value = self.kernel(
            target.data,
            target.counts,
            point[part["intercept"]],
            self.features,
            self.weights,
            self.by_base,
            self.by_features,
            self.by_weights,
        )
        slope[part["beta"]] = self.by_weights[: self.observed].ravel()
        if target.random_effects:
            slope[part["effect"]] = self.by_features[:, self.level]
            slope[part["spread"]] = deviation * self.by_weights[self.level].sum()
        if loadings is not None:
            slope[part["score"]] = self.by_features[:, self.first :].ravel()
        return value + self._prior(point, slope, scale, loadings), slope

    def _loadings(self, point: Floats) -> tuple[float, Floats | None]:
        triangle = self.target.triangle
        if triangle is None:
            return 1.0, None
        sds = point[self.parts["sds"]]
        return float(np.exp(sds.sum())), triangle.loadings(
            point[self.parts["triangle"]]
        )

    def _prior(
        self, point: Floats, slope: Floats, scale: float, loadings: Floats | None
    ) -> float:
        """Log prior; adds its slope, and writes that of the loadings."""
        target, part, priors = self.target, self.parts, self.target.priors
        gamma = point[part["gamma"]]
        rest = point[part["intercept"]] - target.attributes @ gamma
        pull = rest / priors.intercept**2
        value = -float(rest @ pull) / 2
        slope[part["intercept"]] = self.by_base - pull
        slope[part["gamma"]] = target.attributes.T @ pull
        for name in ("beta", "gamma"):
            value += _normal(point, slope, part[name], priors.effect)
        for name in ("effect", "score"):
            value += _normal(point, slope, part[name], 1.0)
        value += _half_normal(point, slope, part["spread"], priors.spread)
        if loadings is None or target.triangle is None:
            return value
        by_loadings = scale * self.by_weights[self.first :].T
        own = 1.0 if target.hierarchical else priors.loading
        free = point[part["triangle"]]
        slope[part["triangle"]] = target.triangle.gradient(by_loadings, loadings, own)
        slope[part["sds"]] = float((by_loadings * loadings).sum())
        value += _half_normal(point, slope, part["sds"], priors.latent)
        return value + target.triangle.log_prior(free, loadings, own)


def _normal(point: Floats, slope: Floats, part: slice, deviation: float) -> float:
    pull = point[part] / deviation**2
    slope[part] -= pull
    return -float(point[part] @ pull) / 2


def _half_normal(point: Floats, slope: Floats, part: slice, deviation: float) -> float:
    """Of exp(point), with the logarithm of its slope."""
    squares = np.exp(2 * point[part]) / deviation**2
    slope[part] += 1.0 - squares
    return float(point[part].sum() - squares.sum() / 2)
