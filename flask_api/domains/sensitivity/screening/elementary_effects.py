"""What elementary effects say: their mean, mean size and spread, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from flask_api.numerics.proportions import two_sided_z

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Effects:
    """What the elementary effects of one output say, each shape (columns,).

    mu, mu_star, sigma       mean, mean size, and standard deviation of the effects
    mu_half, mu_star_half    half-widths of the intervals of the two means
    mu_resampled, mu_star_resampled   the means in each resample, shape (resamples,
                             columns); None without a bootstrap
    """

    trajectories: int
    mu: Floats
    mu_half: Floats
    mu_star: Floats
    mu_star_half: Floats
    sigma: Floats
    mu_resampled: Floats | None = None
    mu_star_resampled: Floats | None = None


def summarise(
    effects: Floats, confidence: float = 0.95, picks: Ints | None = None
) -> Effects:
    """Mean, size and spread of `effects`, shape (trajectories, columns), all finite.

    picks   numbers of the trajectories in each resample, shape (resamples, n); None =
            intervals of the means by Student's t: trajectories are independent, so the
            standard error of a mean is known without resampling

    Two trajectories at least for sigma and intervals, which are NaN else.
    """
    n, columns = effects.shape
    size = np.abs(effects)
    if n < 2:
        none = np.full(columns, np.nan)
        mu = effects.mean(axis=0) if n else none
        return Effects(n, mu, none, size.mean(axis=0) if n else none, none, none)
    sigma = effects.std(axis=0, ddof=1)
    mu_resampled = mu_star_resampled = None
    if picks is None:
        t = float(stdtrit(n - 1, 0.5 + confidence / 2)) / np.sqrt(n)
        mu_half, mu_star_half = t * sigma, t * size.std(axis=0, ddof=1)
    else:
        z = two_sided_z(confidence)
        mu_resampled = resampled_means(effects, picks)
        mu_star_resampled = resampled_means(size, picks)
        mu_half = z * mu_resampled.std(axis=0, ddof=1)
        mu_star_half = z * mu_star_resampled.std(axis=0, ddof=1)
    return Effects(
        n,
        effects.mean(axis=0),
        mu_half,
        size.mean(axis=0),
        mu_star_half,
        sigma,
        mu_resampled,
        mu_star_resampled,
    )


def resampled_means(values: Floats, picks: Ints) -> Floats:
    """Means of `values` in each resample, shape (resamples, columns).

    values   shape (n, columns)
    picks    row numbers of each resample, shape (resamples, n)
    """
    resamples, n = picks.shape
    flat = (picks + n * np.arange(resamples)[:, None]).ravel()
    counts = np.bincount(flat, minlength=resamples * n).reshape(resamples, n)
    means: Floats = counts @ values / n
    return means
