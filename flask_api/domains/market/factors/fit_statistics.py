"""How well factors explain the correlations they came from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import chdtrc, chndtr

Floats = npt.NDArray[np.float64]

#: Confidence of the interval of RMSEA, as is customary.
LEVEL = 0.90


@dataclass(frozen=True)
class FitStatistics:
    """Misfit of the factors; None where it is not defined (see `degrees`).

    chi2 and what follows from it hold for normal data with these correlations. For
    tetrachoric correlations they are the customary description, and too large as a
    test: such correlations vary more than those of normal data.

    degrees          correlations less free numbers; below 0 the factors are not
                     identified, at 0 they explain any correlations
    chi2             Bartlett's, of the likelihood's discrepancy; 0 or more
    p_value          chance of a chi2 as large if the factors explained all
    null_chi2        the same for no factor at all, null_degrees its degrees
    rmsea            misfit per degree of freedom; rmsea_low..rmsea_high cover 90 %
    tli              Tucker-Lewis index: 1 = as good as can be, may exceed it
    bic              chi2 - degrees log(rows)
    rmsr             root mean square of residual correlations off the diagonal
    rmsr_corrected   the same per degree of freedom
    discrepancy      the likelihood's: log|model| - log|R| + tr(R model^-1) - items
    """

    degrees: int
    discrepancy: float
    chi2: float
    p_value: float | None
    null_chi2: float
    null_degrees: int
    rmsea: float | None
    rmsea_low: float | None
    rmsea_high: float | None
    tli: float | None
    bic: float
    rmsr: float
    rmsr_corrected: float | None


def degrees_of_freedom(items: int, factors: int) -> int:
    """Correlations less the free numbers of the factors; negative for too many."""
    return ((items - factors) ** 2 - items - factors) // 2


def fit_statistics(
    correlations: Floats, loadings: Floats, uniquenesses: Floats, rows: float
) -> FitStatistics:
    """The misfit of `loadings` to `correlations`.

    correlations   positive definite, shape (items, items)
    loadings       of uncorrelated factors, shape (items, factors)
    uniquenesses   shape (items,), above 0
    rows           the rows behind the correlations; where pairs differ, the fewest

    Sources: Bartlett (1951), Biometrika 38, 337-344; Tucker and Lewis (1973),
    Psychometrika 38, 1-10; Steiger (1990), Multivar. Behav. Res. 25, 173-180;
    definitions as in R's psych::fa.
    """
    items, factors = loadings.shape
    model = loadings @ loadings.T + np.diag(uniquenesses)
    log_det = float(np.linalg.slogdet(correlations)[1])
    of_model, trace = _against(correlations, loadings, uniquenesses)
    discrepancy = max(0.0, of_model - log_det + trace - items)
    degrees = degrees_of_freedom(items, factors)
    scale = max(0.0, rows - 1 - (2 * items + 5) / 6)
    chi2 = max(0.0, scale - 2 * factors / 3) * discrepancy
    null_chi2, null_degrees = -scale * log_det, items * (items - 1) // 2
    residual = (correlations - model)[np.triu_indices(items, 1)]
    squares = float((residual**2).sum())
    told = degrees > 0
    rmsea = _rmsea(chi2, degrees, rows) if told else (None, None, None)
    return FitStatistics(
        degrees=degrees,
        discrepancy=discrepancy,
        chi2=chi2,
        p_value=float(chdtrc(degrees, chi2)) if told else None,
        null_chi2=null_chi2,
        null_degrees=null_degrees,
        rmsea=rmsea[0],
        rmsea_low=rmsea[1],
        rmsea_high=rmsea[2],
        tli=_tli(chi2, degrees, null_chi2, null_degrees) if told else None,
        bic=chi2 - degrees * math.log(rows),
        rmsr=math.sqrt(squares / null_degrees),
        rmsr_corrected=math.sqrt(squares / degrees) if told else None,
    )


def _against(
    correlations: Floats, loadings: Floats, uniquenesses: Floats
) -> tuple[float, float]:
    """log|model| and tr(R model^-1), by a matrix as small as the factors are many.

    With model = psi + l l^T and c = 1 + l^T psi^-1 l (Woodbury's identity).
    """
    scaled = loadings / uniquenesses[:, None]
    small = np.eye(loadings.shape[1]) + loadings.T @ scaled
    log_det = float(np.log(uniquenesses).sum() + np.linalg.slogdet(small)[1])
    explained = np.linalg.solve(small, scaled.T @ correlations @ scaled)
    whole = float((np.diag(correlations) / uniquenesses).sum())
    return log_det, whole - float(np.trace(explained))


def _tli(
    chi2: float, degrees: int, null_chi2: float, null_degrees: int
) -> float | None:
    null = null_chi2 / null_degrees
    return None if null <= 1 else (null - chi2 / degrees) / (null - 1)


def _rmsea(chi2: float, degrees: int, rows: float) -> tuple[float, float, float]:
    """Estimate, lower and upper end of its interval."""
    size = degrees * (rows - 1)
    tail = (1 - LEVEL) / 2
    ends = (_noncentrality(chi2, degrees, level) for level in (1 - tail, tail))
    low, high = (math.sqrt(end / size) for end in ends)
    return math.sqrt(max(0.0, chi2 - degrees) / size), low, high


def _noncentrality(chi2: float, degrees: int, level: float) -> float:
    """Where a chi2 as observed is this quantile; 0 where even the central one is."""

    def excess(lam: float) -> float:
        return float(chndtr(chi2, degrees, lam)) - level

    if excess(0.0) <= 0:
        return 0.0
    high = chi2 + 10 * math.sqrt(chi2 + degrees) + 10
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-9))
