"""Which input an output follows, judged from one sample of both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]


def average_ranks(x: Floats) -> Floats:
    """Ranks 1..n of `x`, shape (n,); equal values share the mean of their ranks."""
    order = np.argsort(x, kind="stable")
    ordered = x[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.append(first, len(x)))
    ranks = np.empty(len(x))
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    return ranks


def rank_correlation(x: Floats, y: Floats) -> float | None:
    """Spearman's rank correlation of `x` and `y`, both shape (n,), in -1..1.

    None where either does not vary.
    """
    if len(x) < 2:
        return None
    a, b = average_ranks(x), average_ranks(y)
    a -= a.mean()
    b -= b.mean()
    scale = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else None


def variance_share(x: Floats, y: Floats) -> float | None:
    """Share of the variance of `y` that knowing `x` alone explains (first order).

    x, y   shape (n,), n >= 4; inputs other than x independent of it

    The sample is cut by `x` into slices of equal size, with a straight line in each;
    the share is what the lines explain, less what chance alone would let them. So a
    parabola counts in full. Near 0 it can be slightly negative: that is noise, and is
    shown. None where y does not vary, 0 where x does not.

    Source: correlation ratio, adjusted as in Kelley (1935), doi:10.1073/pnas.21.9.554.
    """
    n = len(y)
    y = y - y.mean() if n else y
    total = float((y * y).sum())
    if n < 4 or total == 0:
        return None
    if x.min() == x.max():
        return 0.0
    # few lines: their chance share is (2 slices - 1)/n, below 0.001 at n = 65,536
    slices = max(1, round(math.cbrt(n) / 2))
    edges = np.linspace(0, n, slices + 1).astype(np.int64)
    order = np.argsort(x, kind="stable")
    explained = _lines((x - x.mean())[order], y[order], edges)
    parameters = 2 * slices
    noise = (total - explained) / (n - parameters) if n > parameters else 0.0
    return (explained - (parameters - 1) * noise) / total


def _lines(x: Floats, y: Floats, edges: npt.NDArray[np.int64]) -> float:
    """Sum of squares explained by one line per slice; `y` has mean 0."""

    def sums(v: Floats) -> Floats:
        return cast(Floats, np.add.reduceat(v, edges[:-1]))

    size = np.diff(edges)
    dx = x - np.repeat(sums(x) / size, size)
    sy, sxx, sxy = sums(y), sums(dx * dx), sums(dx * y)
    slope = np.divide(sxy, sxx, out=np.zeros_like(sxy), where=sxx > 0)
    return float((sy * sy / size).sum() + (slope * sxy).sum())


def own_parts(x: Mapping[str, Floats]) -> dict[str, Floats]:
    """The part of each input that the others don't tell, as normal scores.

    x   correlated inputs by name, each shape (n,)

    Under a Gaussian copula the part is independent of all other inputs, so the share
    of variance it explains is the input's own: what remains to be won from knowing it
    once the others are known, without interactions. Nothing is left of an input that
    the others determine: its part is all zeros.
    Source: Mara and Tarantola (2012), Reliab. Eng. Syst. Saf. 107, 115-121,
    doi:10.1016/j.ress.2011.08.008.
    """
    if not x or not len(next(iter(x.values()))):
        return {name: np.zeros(0) for name in x}
    scores = np.array([_normal_scores(column) for column in x.values()])
    found = {}
    for index, name in enumerate(x):
        others = np.delete(scores, index, axis=0)
        weights = np.linalg.lstsq(others @ others.T, others @ scores[index])[0]
        rest = scores[index] - weights @ others
        size = float((scores[index] ** 2).sum())
        # what rounding leaves of nothing is nothing
        tiny = float((rest**2).sum()) <= 1e-12 * size
        found[name] = np.zeros_like(rest) if tiny else rest
    return found


def _normal_scores(x: Floats) -> Floats:
    return cast(Floats, ndtri(average_ranks(x) / (len(x) + 1)))
