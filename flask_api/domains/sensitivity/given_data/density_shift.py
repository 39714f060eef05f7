"""How far the density of an output moves once an input is known, and its resamples.

A resample is a column of counts: how often each row was drawn. As long as the kernels
stay as wide as the sample's own and the classes keep their edges, a resampled density
is counts times kernels: one matrix product for all resamples at once, where SALib
evaluates every kernel anew. The first column holds ones: the sample itself.

Sources: Plischke, Borgonovo, Smith (2013), doi:10.1016/j.ejor.2012.11.047; width of
kernels: Silverman (1986), Density Estimation, 3.4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint8]

#: Points at which densities are compared, as SALib does it; more of them where kernels
#: are narrow, up to this factor.
POINTS = 100
FINEST = 8
#: Classes of an input at most.
MOST_CLASSES = 48

_ROWS = 4_096  # rows of kernels computed at a time


def class_count(n: int) -> int:
    """Classes into which `n` rows are cut: more rows, more classes.

    Plischke et al. (2013), 4.2, as in SALib.
    """
    power = 2.0 / (7.0 + math.tanh((1500.0 - n) / 500.0))
    return min(math.ceil(math.pow(n, power)), MOST_CLASSES)


@dataclass(frozen=True)
class Classes:
    """An input's rows, cut into classes of equal size from its low to its high values.

    rows      by class, one behind the other, shape (n,)
    starts    where each class starts, and n at the end
    width     of each class's kernels; 0 = the output is the same in all its rows
    """

    rows: Ints
    starts: Ints
    width: Floats


def classes_of(order: Ints, y: Floats, classes: int) -> Classes:
    """The classes of an input whose rising order is `order`; `y` is the output."""
    n = len(y)
    starts = np.linspace(0, n, classes + 1).astype(np.int64)
    size = np.diff(starts)
    along = y[order]
    mean = np.add.reduceat(along, starts[:-1]) / size
    off = along - np.repeat(mean, size)
    spread = np.sqrt(np.add.reduceat(off * off, starts[:-1]) / np.maximum(size - 1, 1))
    low = np.minimum.reduceat(along, starts[:-1])
    high = np.maximum.reduceat(along, starts[:-1])
    return Classes(order, starts, np.where(low < high, spread * _silverman(size), 0.0))


def _silverman(n: Ints | int) -> Floats:
    return np.asarray(np.multiply(n, 0.75) ** -0.2)


@dataclass(frozen=True)
class Grid:
    """Where densities are compared, and the output's own density there.

    points     shape (points,)
    weights    of the points in an integral, by the trapezoidal rule
    narrowest  width of kernels at least: narrower ones would fall between points
    counts     of the rows in each resample, shape (n, resamples)
    whole      the output's density in each resample, shape (points, resamples)
    """

    points: Floats
    weights: Floats
    narrowest: float
    counts: Counts
    whole: Floats


def grid_of(y: Floats, counts: Counts, widths: Floats) -> Grid:
    """The grid for `y`, shape (n,), fine enough for kernels of these `widths`."""
    low, high = float(y.min()), float(y.max())
    size, least = POINTS, widths[widths > 0].min(initial=np.inf)
    while least < (high - low) / (size - 1) / 2 and size < POINTS * FINEST:
        size *= 2
    points = np.linspace(low, high, size)
    step = (high - low) / (size - 1)
    weights = np.full(size, step)
    weights[[0, -1]] = step / 2
    n = len(y)
    width = max(float(y.std(ddof=1) * _silverman(n)), step / 2)
    whole = np.zeros((size, counts.shape[1]))
    for first in range(0, n, _ROWS):
        rows = slice(first, first + _ROWS)
        whole += _kernels(y[rows], width, points) @ counts[rows].astype(np.float64)
    return Grid(points, weights, step / 2, counts, whole / n)


def _kernels(y: Floats, width: float, points: Floats) -> Floats:
    """Gaussian densities around each of `y` at `points`, shape (points, len(y))."""
    z = np.subtract.outer(points, y)
    z *= math.sqrt(0.5) / width
    np.square(z, out=z)
    np.negative(z, out=z)
    np.exp(z, out=z)
    z /= width * math.sqrt(2 * math.pi)
    return z


def shifts(y: Floats, classes: Classes, grid: Grid) -> Floats:
    """Delta in each resample, shape (resamples,).

    y   the output, shape (n,)

    A class in which the output is one single value has all its mass there: it differs
    from the whole by twice the share of rows with another value. (SALib counts such a
    class as no difference.)
    """
    n, resamples = grid.counts.shape
    area = np.zeros(resamples)
    for j, width in enumerate(classes.width):
        rows = classes.rows[classes.starts[j] : classes.starts[j + 1]]
        counts = grid.counts[rows].astype(np.float64)
        size = counts.sum(axis=0)
        if width == 0.0:
            same = grid.counts[y == y[rows[0]]].sum(axis=0) / n
            area += size * 2 * (1 - same)
            continue
        kernels = _kernels(y[rows], max(float(width), grid.narrowest), grid.points)
        density = kernels @ counts
        density /= np.maximum(size, 1.0)  # a class that was not drawn weighs nothing
        density -= grid.whole
        area += size * (grid.weights @ np.abs(density, out=density))
    area /= 2 * n
    return area


def between_share(y: Floats, classes: Classes) -> float:
    """Share of the variance of `y` that lies between the classes, 0..1.

    The first-order index of Plischke et al. as SALib has it; too high by some
    classes/n where the input has little effect.
    """
    y = y - y.mean()
    size = np.diff(classes.starts)
    total = np.add.reduceat(y[classes.rows], classes.starts[:-1])
    return float((total * total / size).sum() / (y @ y))
