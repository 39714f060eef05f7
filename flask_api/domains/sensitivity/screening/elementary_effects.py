"""What elementary effects say: their mean, mean size and spread, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

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
    """

    trajectories: int
    mu: Floats
    mu_half: Floats
    mu_star: Floats
    mu_star_half: Floats
    sigma: Floats


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
    if picks is None:
        t = float(stdtrit(n - 1, 0.5 + confidence / 2)) / np.sqrt(n)
        mu_half, mu_star_half = t * sigma, t * size.std(axis=0, ddof=1)
    else:
        mu_half = bootstrap_half_width(effects, picks, confidence)
        mu_star_half = bootstrap_half_width(size, picks, confidence)
    return Effects(
        n, effects.mean(axis=0), mu_half, size.mean(axis=0), mu_star_half, sigma
    )


def bootstrap_half_width(values: Floats, picks: Ints, confidence: float) -> Floats:
    """Half-width of the interval of the mean of `values`, shape (columns,).

    values   shape (n, columns)
    picks    row numbers of each resample, shape (resamples, n)
    """
    resamples, n = picks.shape
    flat = (picks + n * np.arange(resamples)[:, None]).ravel()
    counts = np.bincount(flat, minlength=resamples * n).reshape(resamples, n)
    means = counts @ values / n
    return two_sided_z(confidence) * cast(Floats, means.std(axis=0, ddof=1))
