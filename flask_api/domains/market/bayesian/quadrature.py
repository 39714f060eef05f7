"""Nodes and weights for the integral over scores that are N(0, I)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

Floats = npt.NDArray[np.float64]

#: Nodes lie so many standard deviations of a household's score apart (to which data
#: tell it), at most so far, and reach so far from 0. A trapezoid with step h errs on a
#: bump of standard deviation s by some 2 exp(-2 pi^2 s^2 / h^2), here 0.03 %.
CLOSENESS, WIDEST, REACH = 1.5, 0.6, {1: 6.0, 2: 4.8}
#: Where a product leans by a logits, logistic has its poles at pi / a: the step errs by
#: some exp(-2 pi^2 / (a h)), which a h up to this keeps at 0.03 %.
_STEEPNESS = math.pi**2 / 4
#: Scrambled Sobol points where a grid would be too large.
POINTS = 256


def grid(factors: int, known_to: float, steepest: float = 0.0) -> tuple[Floats, Floats]:
    """Nodes, shape (Q, K), and logarithms of their weights, for K = 1 or 2.

    known_to   the least standard deviation to which data tell a household's score
    steepest   the largest loading to reckon with, logits; 0 = none beyond `known_to`

    An even grid within a circle: for smooth integrands that fade out on all sides it
    converges faster than any power of the distance, and all rows share the nodes.
    """
    step, reach = min(WIDEST, CLOSENESS * known_to), REACH[factors]
    if steepest * step > _STEEPNESS:
        step = _STEEPNESS / steepest
    axis = step * np.arange(-math.ceil(reach / step), math.ceil(reach / step) + 1)
    nodes = np.stack(np.meshgrid(*[axis] * factors, indexing="ij"), -1)
    nodes = nodes.reshape(-1, factors)
    nodes = nodes[(nodes**2).sum(axis=1) <= reach**2]
    log_weights = -0.5 * (nodes**2).sum(axis=1)
    return nodes, log_weights - np.log(np.exp(log_weights).sum())


def scattered(dimensions: int, seed: int) -> tuple[Floats, Floats]:
    """As `grid` for more dimensions: equally weighted points of a scrambled sequence.

    Its error is that of a Monte Carlo integral or less; meant for criteria that compare
    models, not for sampling.
    """
    sobol = qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    nodes = ndtri(np.clip(sobol.random(POINTS), 1e-12, 1 - 1e-12))
    return np.asarray(nodes), np.full(POINTS, -np.log(POINTS))


def nodes_for(dimensions: int, known_to: float, seed: int) -> tuple[Floats, Floats]:
    """One node without dimensions, a grid for one or two, else scattered points."""
    if dimensions == 0:
        return np.zeros((1, 0)), np.zeros(1)
    if dimensions in REACH:
        return grid(dimensions, known_to)
    return scattered(dimensions, seed)
