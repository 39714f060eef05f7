"""Groups around centres: k-means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

#: Starts, of which the best is kept, and steps that each may take.
STARTS, STEPS = 10, 300
#: Starts where points times groups are no more than _SMALL: they cost next to nothing.
MANY, _SMALL = 30, 10_000
#: Up to so many points are also moved one by one.
SINGLE = 1000
#: Distances held at a time.
_NUMBERS = 1 << 21
#: A move must win this part of the inertia: less is rounding.
_GAIN = 1e-12


@dataclass(frozen=True)
class Groups:
    """Points by their nearest centre, the largest group first.

    labels    group of each point, from 0, shape (points,)
    centres   shape (groups, dimensions)
    inertia   sum of squared distances to the own centre
    """

    labels: Labels
    centres: Floats
    inertia: float


def kmeans(points: Floats, groups: int, rng: np.random.Generator) -> Groups:
    """The grouping with the smallest inertia of several starts.

    points   shape (points, dimensions), finite, at least `groups` distinct ones
    groups   1 or more

    Lloyd's steps from k-means++ starts: Arthur & Vassilvitskii (2007). A centre that
    loses its points moves to the point farthest from its own. Up to 1,000 points then
    change groups one by one while that wins (Hartigan & Wong 1979, Appl. Stat. 28,
    100-108): fewer starts end in a lesser place.
    """
    shift = points.mean(axis=0)
    centred = points - shift
    best: Groups | None = None
    starts = MANY if len(points) * groups <= _SMALL else STARTS
    for _ in range(starts if groups > 1 else 1):
        found = _descend(centred, _spread(centred, groups, rng))
        if len(points) <= SINGLE:
            found = _moved(centred, found)
        if best is None or found.inertia < best.inertia:
            best = found
    assert best is not None
    sizes = np.bincount(best.labels, minlength=groups)
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(groups, np.intp)
    place[order] = np.arange(groups)
    return Groups(place[best.labels], best.centres[order] + shift, best.inertia)


def _spread(points: Floats, groups: int, rng: np.random.Generator) -> Floats:
    """Points far from each other, drawn by their squared distance from those chosen.

    Of a few drawn, the one that leaves least is taken: greedy k-means++.
    """
    trials = 2 + int(math.log(groups))
    centres = np.empty((groups, points.shape[1]))
    centres[0] = points[rng.integers(len(points))]
    nearest = ((points - centres[0]) ** 2).sum(axis=1)
    for k in range(1, groups):
        summed = np.cumsum(nearest)
        drawn = np.searchsorted(summed, rng.random(trials) * summed[-1], "right")
        left, best = None, math.inf
        for chosen in np.minimum(drawn, len(points) - 1).tolist():
            distance = ((points - points[chosen]) ** 2).sum(axis=1)
            np.minimum(nearest, distance, out=distance)
            if left is None or distance.sum() < best:
                centres[k], left, best = points[chosen], distance, distance.sum()
        assert left is not None
        nearest = left
    return centres


def _descend(points: Floats, centres: Floats) -> Groups:
    groups = len(centres)
    labels = np.full(len(points), -1)
    for _ in range(STEPS):
        new, distance = _nearest(points, centres)
        sizes = np.bincount(new, minlength=groups)
        for empty in np.flatnonzero(sizes == 0):
            farthest = int(np.argmax(distance))
            new[farthest], distance[farthest] = empty, 0.0
        if (new == labels).all():
            break
        labels = new
        sizes = np.bincount(labels, minlength=groups)
        centres = (
            np.stack(
                [np.bincount(labels, column, groups) for column in points.T], axis=1
            )
            / np.maximum(sizes, 1)[:, None]
        )
    labels, distance = _nearest(points, centres)
    return Groups(labels, centres, float(distance.sum()))


def _moved(points: Floats, start: Groups) -> Groups:
    """No single point can change its group any more and make the inertia smaller.

    A point that leaves its group wins d^2 n / (n - 1), one that joins costs
    d^2 n / (n + 1): centres go along, which Lloyd's steps don't reckon with.
    """
    labels, every = start.labels.copy(), np.arange(len(points))
    sizes = np.bincount(labels, minlength=len(start.centres)).astype(np.float64)
    if sizes.min() < 1:
        return start
    centres = start.centres.copy()
    squared = ((points[:, None, :] - centres) ** 2).sum(axis=2)
    least = _GAIN * start.inertia
    for _ in range(STEPS * len(points)):
        alone = sizes[labels] < 2
        left = np.where(alone, 1.0, sizes[labels] - 1)
        win = np.where(alone, 0.0, squared[every, labels] * sizes[labels] / left)
        cost = squared * (sizes / (sizes + 1))
        cost[every, labels] = np.inf
        to = cost.argmin(axis=1)
        gain = win - cost[every, to]
        point = int(gain.argmax())
        if gain[point] <= least:
            break
        old, new = int(labels[point]), int(to[point])
        for group, sign in ((old, -1.0), (new, 1.0)):
            sizes[group] += sign
            centres[group] += sign * (points[point] - centres[group]) / sizes[group]
            squared[:, group] = ((points - centres[group]) ** 2).sum(axis=1)
        labels[point] = new
    return Groups(labels, centres, float(squared[every, labels].sum()))


def _nearest(points: Floats, centres: Floats) -> tuple[Labels, Floats]:
    """The nearest centre of each point, and the squared distance to it."""
    labels = np.empty(len(points), np.intp)
    distance = np.empty(len(points))
    block = max(1, _NUMBERS // len(centres))
    square = (centres**2).sum(axis=1)
    for start in range(0, len(points), block):
        part = points[start : start + block]
        squared = square - 2 * part @ centres.T
        chosen = squared.argmin(axis=1)
        labels[start : start + block] = chosen
        distance[start : start + block] = ((part - centres[chosen]) ** 2).sum(axis=1)
    return labels, distance
