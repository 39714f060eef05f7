"""How good a latent class model is for its size: information criteria and fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from flask_api.domains.market.latent_class.model import LatentClasses, memberships
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]

#: A table of all patterns is sparse below so many rows for each: then the p values of
#: G2 and X2 say little.
_DENSE = 5


@dataclass(frozen=True)
class Criteria:
    """Information criteria; of two models the one with the lower value is preferred.

    rows         rows with a known value
    parameters   free numbers of the model
    aic          -2 LL + 2 p                  Akaike
    aic3         -2 LL + 3 p                  Bozdogan
    bic          -2 LL + p ln n               Schwarz
    caic         -2 LL + p (ln n + 1)         Bozdogan
    abic         -2 LL + p ln((n + 2) / 24)   sample-size adjusted, Sclove
    icl          bic + 2 entropy: also asks that classes be apart
    """

    rows: int
    parameters: int
    log_likelihood: float
    aic: float
    aic3: float
    bic: float
    caic: float
    abic: float
    icl: float


def criteria(model: LatentClasses, rows: int, entropy: float) -> Criteria:
    """Information criteria of a model.

    rows      rows with a known value
    entropy   of the rows' memberships, summed over rows, in nats
    """
    deviance, p = -2 * model.log_likelihood, model.parameters
    bic = deviance + p * math.log(rows)
    return Criteria(
        rows=rows,
        parameters=p,
        log_likelihood=model.log_likelihood,
        aic=deviance + 2 * p,
        aic3=deviance + 3 * p,
        bic=bic,
        caic=bic + p,
        abic=deviance + p * math.log((rows + 2) / 24),
        icl=bic + 2 * entropy,
    )


@dataclass(frozen=True)
class GoodnessOfFit:
    """How far the counts of whole patterns are from what the model expects.

    degrees_of_freedom   min(rows, 2^items - 1) - parameters. Negative: the data can't
                         tell so many classes apart
    g2, x2               likelihood-ratio and Pearson's statistic, over all 2^items
                         patterns; None where values are missing
    g2_p, x2_p           their p values, None without degrees of freedom
    sparse               fewer than 5 rows for each possible pattern: p values mislead,
                         a bootstrap is needed
    """

    degrees_of_freedom: int
    g2: float | None
    x2: float | None
    g2_p: float | None
    x2_p: float | None
    sparse: bool


def goodness_of_fit(patterns: Patterns, model: LatentClasses) -> GoodnessOfFit:
    """G2 and X2 of a model against the table of all patterns."""
    cells, rows = 2**patterns.items, int(patterns.counts[patterns.informative()].sum())
    freedom = min(rows, cells - 1) - model.parameters
    sparse = rows < _DENSE * cells
    if patterns.gaps:
        return GoodnessOfFit(freedom, None, None, None, None, sparse)
    g2 = x2 = met = 0.0
    for part, _, likelihood in memberships(patterns, model):
        seen = patterns.counts[part] > 0
        count, logarithm = patterns.counts[part][seen], likelihood[seen]
        expected = rows * np.exp(logarithm)
        g2 += 2 * float(count @ (np.log(count / rows) - logarithm))
        with np.errstate(divide="ignore", over="ignore"):
            x2 += float(((count - expected) ** 2 / expected).sum())
        met += float(expected.sum())
    x2 += max(0.0, rows - met)  # patterns nobody has
    g2 = max(0.0, g2)
    known = math.isfinite(x2)
    return GoodnessOfFit(
        freedom,
        g2,
        x2 if known else None,
        float(chi2.sf(g2, freedom)) if freedom > 0 else None,
        float(chi2.sf(x2, freedom)) if freedom > 0 and known else None,
        sparse,
    )
