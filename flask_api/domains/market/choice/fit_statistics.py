"""How well a choice model fits, against chance and against constants alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components
from scipy.special import gammaincc

from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.multinomial import choice_mnl
from flask_api.domains.market.choice.utility import Design

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FitStatistics:
    """How well a model fits.

    log_likelihood             at the estimates
    log_likelihood_zero        all available alternatives equally likely
    log_likelihood_constants   constants alone: observed shares
    parameters                 estimated
    situations                 choices
    rho2, rho2_adjusted        share of log_likelihood_zero that is explained; adjusted:
                               less one per parameter
    rho2_constants             the same against constants: McFadden's
    aic, bic                   the smaller the better; bic counts situations
    ratio, ratio_freedom, ratio_p
                               likelihood-ratio test against constants; None where the
                               model does not hold these, or has no more parameters
    """

    log_likelihood: float
    log_likelihood_zero: float
    log_likelihood_constants: float
    parameters: int
    situations: int
    rho2: float
    rho2_adjusted: float
    rho2_constants: float | None
    aic: float
    bic: float
    ratio: float | None
    ratio_freedom: int
    ratio_p: float | None


def fit_statistics(
    data: ChoiceData, log_likelihood: float, parameters: int, *, nests: bool = True
) -> FitStatistics:
    """Statistics of a model with that log-likelihood and so many parameters.

    nests   whether constants are among the parameters: twice the gain over a model that
            is not a special case is no chi-square, and is not tested
    """
    zero = -float(np.log(data.available.sum(axis=1)).sum())
    constants, used = _constants(data)
    freedom = parameters - used if nests else 0
    ratio = 2 * (log_likelihood - constants)
    tested = freedom > 0 and ratio >= 0
    return FitStatistics(
        log_likelihood=log_likelihood,
        log_likelihood_zero=zero,
        log_likelihood_constants=constants,
        parameters=parameters,
        situations=data.situations,
        rho2=1 - log_likelihood / zero,
        rho2_adjusted=1 - (log_likelihood - parameters) / zero,
        rho2_constants=1 - log_likelihood / constants if constants < 0 else None,
        aic=2 * parameters - 2 * log_likelihood,
        bic=float(np.log(data.situations)) * parameters - 2 * log_likelihood,
        ratio=ratio if tested else None,
        ratio_freedom=freedom,
        ratio_p=float(gammaincc(freedom / 2, ratio / 2)) if tested else None,
    )


def _constants(data: ChoiceData) -> tuple[float, int]:
    """Log-likelihood with constants alone, and how many there are."""
    counts = data.chosen_counts
    some = np.flatnonzero(counts)
    if len(some) < 2:
        return 0.0, 0
    if data.available.all():
        n = counts[some]
        return float(n @ np.log(n / n.sum())), len(some) - 1
    # an alternative never chosen gets a constant of minus infinity: it isn't there
    open_to = data.available & (counts > 0)
    offered = open_to.sum(axis=1) > 1
    if not offered.any():
        return 0.0, 0
    free = _compared(open_to[offered])
    if not len(free):
        return 0.0, 0
    x = np.zeros((*open_to.shape, len(free)))
    for k, j in enumerate(free):
        x[:, j, k] = open_to[:, j]
    bare = ChoiceData(
        data.alternatives, {}, {}, open_to, data.chosen, None, data.dropped, []
    )
    names = tuple(data.alternatives[j] for j in free)
    flags = np.ones(len(free), bool)
    made = Design(names, x, bare, int(some[-1]), flags, {})
    *_, last = choice_mnl(made)
    return last.log_likelihood, len(free)


def _compared(open_to: Flags) -> npt.NDArray[np.intp]:
    """Alternatives whose constants can be told apart, of those offered together.

    open_to   what is offered, shape (situations, alternatives)

    Alternatives are compared where they are offered together, or each with a third one;
    of each set so compared, the last has no constant.
    """
    together = open_to.T.astype(np.int64) @ open_to
    _, of = connected_components(together, directed=False)
    last = {int(group): j for j, group in enumerate(of)}
    return np.setdiff1d(np.arange(len(of)), list(last.values()))
