"""The share of an output's variance that one input explains alone, from given data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """A first-order index and its standard error."""

    value: float
    error: float


def first_order(order: Ints, x: Floats, y: Floats) -> Share:
    """First-order index of an input, less what chance alone would explain.

    order   rows in the input's rising order, shape (n,)
    x, y    input and output, shape (n,), n >= 8; y not constant

    The rows are cut into slices of equal size, with a straight line in each, as
    `numerics.contribution.variance_share` has it. The error is that of the efficient
    influence function of E[E(y|x)^2]/V(y); for an input without effect it is too large
    by some 40 %. Near 0 the index can be slightly negative: that is noise.

    Source of the influence function: Da Veiga, Gamboa (2013),
    doi:10.1080/10485252.2013.784762.
    """
    n = len(y)
    slices = max(1, round(math.cbrt(n)))
    y = (y - y.mean())[order]
    x = x[order]
    edges = np.linspace(0, n, slices + 1).astype(np.int64)
    size = np.diff(edges)
    level = np.repeat(np.add.reduceat(y, edges[:-1]) / size, size)
    dx = x - np.repeat(np.add.reduceat(x, edges[:-1]) / size, size)
    xx = np.add.reduceat(dx * dx, edges[:-1])
    xy = np.add.reduceat(dx * y, edges[:-1])
    slope = np.divide(xy, xx, out=np.zeros_like(xy), where=xx > 0)
    known = level + np.repeat(slope, size) * dx
    total = float(y @ y)
    explained = float(known @ known)
    lines = 2 * slices
    noise = (total - explained) / (n - lines)
    value = (explained - (lines - 1) * noise) / total
    influence = known * (2 * y - known) - value * y * y
    return Share(value, math.sqrt(float(influence @ influence)) / total)
