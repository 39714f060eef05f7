"""How far apart groups are: silhouettes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

_NUMBERS = 1 << 21


def silhouettes(points: Floats, labels: Labels) -> Floats:
    """Of each point: 1 = deep inside its group, 0 = between two, below: in the wrong.

    points   shape (points, dimensions)
    labels   group of each, from 0; at least two groups

    (b - a) / max(a, b): a = mean distance to the others of its group, b = to those of
    the nearest other group; 0 for a point alone in its group.
    Rousseeuw (1987), doi:10.1016/0377-0427(87)90125-7.
    """
    groups = int(labels.max()) + 1
    sizes = np.bincount(labels, minlength=groups)
    member = np.zeros((len(points), groups))
    member[np.arange(len(points)), labels] = 1.0
    found = np.zeros(len(points))
    block = max(1, _NUMBERS // len(points))
    for start in range(0, len(points), block):
        part = slice(start, min(start + block, len(points)))
        own = labels[part]
        each = np.arange(len(own))
        sums = cdist(points[part], points) @ member
        within = sums[each, own] / np.maximum(sizes[own] - 1, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums / sizes
        means[:, sizes == 0] = np.inf
        means[each, own] = np.inf
        nearest = means.min(axis=1)
        largest = np.maximum(within, nearest)
        apart = np.divide(
            nearest - within, largest, out=np.zeros(len(own)), where=largest > 0
        )
        found[part] = np.where(sizes[own] > 1, apart, 0.0)
    return found
