"""How well a model predicts households it has not seen: WAIC and LOO.

Both from the likelihood of whole households, their own values integrated out: with them
held fixed the criteria would reward every model that gives each household a parameter
(Merkle, Furr & Rabe-Hesketh 2019, Psychometrika 84, 802-829).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]

#: Beyond these a row's share in WAIC, or in LOO, is not to be relied on.
WAIC_BOUND, LOO_BOUND = 0.4, 0.7


@dataclass(frozen=True)
class Predictive:
    """Criteria of predictive accuracy, on the deviance scale: lower is better.

    waic, waic_se         Watanabe's criterion and its standard error
    effective_parameters  of WAIC
    loo, loo_se           leave-one-household-out by Pareto-smoothed importance sampling
    waic_doubtful         households whose log-likelihood varies by more than 0.4
    loo_doubtful          households with a Pareto k above 0.7
    draws                 of the posterior that were used
    """

    waic: float
    waic_se: float
    effective_parameters: float
    loo: float
    loo_se: float
    waic_doubtful: int
    loo_doubtful: int
    draws: int


def predictive(log_likelihood: Floats, counts: Floats) -> Predictive:
    """WAIC and LOO.

    log_likelihood   of each row under each draw, shape (draws, rows), draws >= 2
    counts           households that each row stands for, shape (rows,)

    Sources: Watanabe (2010), JMLR 11, 3571-3594; Vehtari, Gelman & Gabry (2017),
    Statistics and Computing 27, 1413-1432 (smoothing by ArviZ).
    """
    import arviz

    smoothed: Callable[[Floats], tuple[Floats, Floats]] = arviz.psislw

    draws = len(log_likelihood)
    variance = log_likelihood.var(axis=0, ddof=1)
    known = logsumexp(log_likelihood, axis=0) - np.log(draws)
    waic = -2 * (known - variance)
    with np.errstate(all="ignore"):
        weights, shape = smoothed(-log_likelihood.T)
    loo = -2 * logsumexp(weights + log_likelihood.T, axis=1)
    return Predictive(
        float(counts @ waic),
        _error(waic, counts),
        float(counts @ variance),
        float(counts @ loo),
        _error(loo, counts),
        int(counts[variance > WAIC_BOUND].sum()),
        int(counts[np.asarray(shape) > LOO_BOUND].sum()),
        draws,
    )


def _error(each: Floats, counts: Floats) -> float:
    """Standard error of a sum over households."""
    rows = counts.sum()
    mean = counts @ each / rows
    return float(np.sqrt(rows * (counts @ (each - mean) ** 2) / max(1.0, rows - 1)))
