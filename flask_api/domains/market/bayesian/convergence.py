"""Whether chains agree: R-hat, effective sample size, and the rule for `converged`.

As in Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), Bayesian Analysis 16,
667-718, doi:10.1214/20-BA1221: chains split in halves, ranks turned to normal scores,
the worse of location and scale for R-hat; autocorrelations summed by Geyer's initial
monotone sequence for the effective sample size, of the bulk and of the 5 % tails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]

#: Chains have converged where no quantity exceeds the first nor falls below the second
#: (draws for each two chains).
R_HAT, DRAWS_PER_PAIR = 1.05, 100.0
#: Halves of chains shorter than this tell nothing.
SHORTEST = 4
_CONSTANT = 1e-10


@dataclass(frozen=True, eq=False)
class Convergence:
    """Diagnostics of each quantity; NaN where there is nothing to be told.

    r_hat      1 = chains look alike
    ess_bulk, ess_tail    how many independent draws these are worth, for the mean and
               for the 5 % and 95 % quantiles
    chains     how many were compared
    """

    r_hat: Floats
    ess_bulk: Floats
    ess_tail: Floats
    chains: int

    @property
    def wanted(self) -> float:
        """Effective draws that each quantity must have."""
        return DRAWS_PER_PAIR * self.chains / 2

    @property
    def converged(self) -> bool:
        """R-hat <= 1.05 and at least 100 effective draws per pair of chains."""
        return bool(
            self.r_hat.size
            and (self.r_hat <= R_HAT).all()
            and (self.ess_bulk >= self.wanted).all()
            and (self.ess_tail >= self.wanted).all()
        )


def convergence(draws: Floats) -> Convergence:
    """R-hat and effective sample sizes of many quantities.

    draws   shape (chains, draws, quantities)

    A quantity that never moves, or chains of fewer than 4 draws, give NaN.
    """
    chains, n, quantities = draws.shape
    if n < SHORTEST:
        nothing = np.full(quantities, np.nan)
        return Convergence(nothing, nothing, nothing, chains)
    scores, r_hat = _ranked(draws)
    low, high = np.quantile(draws, [0.05, 0.95], axis=(0, 1))
    tail = np.minimum(
        _effective(_split((draws <= low).astype(np.float64))),
        _effective(_split((draws <= high).astype(np.float64))),
    )
    still = np.ptp(draws, axis=(0, 1)) < _CONSTANT
    bulk = _effective(scores)
    r_hat, bulk, tail = (np.where(still, np.nan, each) for each in (r_hat, bulk, tail))
    return Convergence(r_hat, bulk, tail, chains)


def r_hats(draws: Floats) -> Floats:
    """R-hat of many quantities alone, some ten times sooner than all diagnostics.

    draws   shape (chains, draws, quantities)

    NaN as in `convergence`.
    """
    if draws.shape[1] < SHORTEST:
        return np.full(draws.shape[2], np.nan)
    still = np.ptp(draws, axis=(0, 1)) < _CONSTANT
    return np.where(still, np.nan, _ranked(draws)[1])


@dataclass(frozen=True, eq=False)
class Judged:
    """Quantities with what is known of them, in one order.

    names      (what, number of the product, of the dimension), from 0; -1 = of none
    means, deviations, lows, highs   of the draws; the last two bound 95 % of them
    convergence   of each
    draws      evenly spread ones for pictures, chain after chain, (kept, quantities)
    """

    names: tuple[tuple[str, int, int], ...]
    means: Floats
    deviations: Floats
    lows: Floats
    highs: Floats
    convergence: Convergence
    draws: Floats


#: Draws of each chain, and numbers in all, that are kept for pictures.
PICTURED, PICTURED_NUMBERS = 250, 2_000_000


def judged(names: tuple[tuple[str, int, int], ...], draws: Floats) -> Judged:
    """What draws of shape (chains, draws, quantities) say of so many quantities."""
    chains, each, quantities = draws.shape
    most = max(1, min(PICTURED, PICTURED_NUMBERS // max(1, chains * quantities)))
    chosen = np.unique(np.linspace(0, each - 1, min(each, most)).astype(np.intp))
    lows, highs = np.quantile(draws, [0.025, 0.975], axis=(0, 1))
    return Judged(
        names,
        draws.mean(axis=(0, 1)),
        draws.std(axis=(0, 1)),
        lows,
        highs,
        convergence(draws),
        draws[:, chosen].reshape(-1, quantities),
    )


def _ranked(draws: Floats) -> tuple[Floats, Floats]:
    """Normal scores of the halves of chains, and R-hat: the worse of two."""
    halves = _split(draws)
    scores = _normal_scores(halves)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return scores, np.maximum(_r_hat(scores), _r_hat(_normal_scores(folded)))


def _split(draws: Floats) -> Floats:
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _normal_scores(draws: Floats) -> Floats:
    """Ranks over all chains as normal scores (Blom's offset), shape kept."""
    flat = draws.reshape(-1, draws.shape[2])
    ranks = rankdata(flat, method="average", axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(draws.shape))


def _r_hat(draws: Floats) -> Floats:
    n = draws.shape[1]
    between = n * draws.mean(axis=1).var(axis=0, ddof=1)
    within = draws.var(axis=1, ddof=1).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((between / within + n - 1) / n))


def _effective(draws: Floats) -> Floats:
    """Effective sample size of the mean, shape (quantities,)."""
    chains, n, quantities = draws.shape
    total = chains * n
    covariance = _autocovariance(draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = covariance[:, 0].mean(axis=0) * n / (n - 1)
        overall = within * (n - 1) / n
        if chains > 1:
            overall = overall + draws.mean(axis=1).var(axis=0, ddof=1)
        correlation = 1 - (within - covariance.mean(axis=0)) / overall
    correlation[0] = 1.0
    found = np.empty(quantities)
    for place in range(quantities):
        time = _correlation_time(correlation[:, place])
        # Draws that alternate are worth more than independent ones, up to a bound.
        found[place] = total / max(time, 1 / np.log10(total))
    return found


def _autocovariance(draws: Floats) -> Floats:
    n = draws.shape[1]
    centred = draws - draws.mean(axis=1, keepdims=True)
    padded = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, padded, axis=1)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, padded, axis=1)[:, :n] / n)


def _correlation_time(rho: Floats) -> float:
    """Sum of autocorrelations while pairs of them are positive and fall (Geyer)."""
    if not np.isfinite(rho).all():
        return float("nan")
    pairs = (len(rho) - 1) // 2
    sums = rho[: 2 * pairs : 2] + rho[1 : 2 * pairs : 2]
    ended = np.flatnonzero(sums <= 0)
    stop = int(ended[0]) if len(ended) else pairs - 1
    falling = np.minimum.accumulate(sums[:stop])
    return float(-1 + 2 * falling.sum() + max(rho[2 * stop], 0.0))
