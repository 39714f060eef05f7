"""Groups within groups: agglomerative clustering."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import (
    leaves_list,
    linkage,
    optimal_leaf_ordering,
)
from scipy.spatial.distance import pdist

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

#: All distances between more points would not fit.
MOST_POINTS = 5000
#: Branches of a tree up to here are turned so that neighbours are alike.
_ORDERED = 300


def tree(points: Floats, method: str) -> Floats:
    """Which two groups are joined, step by step: shape (points - 1, 4), as SciPy's.

    points   shape (points, dimensions), at most 5,000
    method   ward, complete, average or single

    Each line: the two groups (from `points` on, those made before), their distance,
    points in the new group. Raises InputError for more points.
    """
    if len(points) > MOST_POINTS:
        raise InputError(
            f"got {len(points):,} points; hierarchical clustering takes at most "
            f"{MOST_POINTS:,}: take method kmeans",
            "method",
        )
    distances = pdist(points)
    found = linkage(distances, method)
    if len(points) <= _ORDERED:
        found = optimal_leaf_ordering(found, distances)
    return np.asarray(found)


def cut(joined: Floats, groups: int) -> Labels:
    """The groups of a tree, from 0, the largest first: its last joins undone.

    groups   1..points; exactly so many come out, also where joins are equally far
    """
    points = len(joined) + 1
    made = np.arange(2 * points - 1)  # the group that each group became part of
    for step in range(points - groups):
        made[joined[step, :2].astype(np.intp)] = points + step
    for group in range(2 * points - groups - 1, -1, -1):
        made[group] = made[made[group]]
    _, labels = np.unique(made[:points], return_inverse=True)
    order = np.argsort(-np.bincount(labels), kind="stable")
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    found: Labels = place[labels]
    return found


def leaves(joined: Floats) -> list[int]:
    """The points in the order in which a drawing of the tree has them."""
    return [int(leaf) for leaf in leaves_list(joined)]
