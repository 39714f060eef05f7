"""Points in groups, and how many groups there are best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.clusters.hierarchy import cut, tree
from flask_api.domains.market.clusters.kmeans import kmeans
from flask_api.domains.market.clusters.silhouette import silhouettes
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

#: Silhouettes of more points are those of a sample.
SAMPLED = 5000


@dataclass
class Grouping:
    """The state after each number of groups was tried.

    tried, total   numbers of groups
    quality        {k, silhouette, inertia} of each
    labels         of the best number so far, from 0
    silhouettes    of the points (of the sample, where there are more than 5,000)
    joined         the tree of hierarchical clustering, or None
    sample         numbers of the points whose silhouettes these are, or None = all
    """

    total: int
    quality: list[dict[str, float | int | None]] = field(default_factory=list)
    labels: Labels | None = None
    silhouettes: Floats | None = None
    joined: Floats | None = None
    sample: npt.NDArray[np.intp] | None = None
    best: float = -np.inf

    @property
    def tried(self) -> int:
        return len(self.quality)


def grouped(
    points: Floats,
    *,
    method: str = "kmeans",
    groups: int | None = None,
    most: int = 10,
    linkage: str = "ward",
    seed: int = 42,
) -> Iterator[Grouping]:
    """Points in groups, yielded after each number of groups.

    points    shape (points, dimensions), finite
    method    kmeans or hierarchical
    groups    how many; None = the number from 2 to `most` with the highest silhouette
    linkage   of hierarchical clustering: ward, complete, average, single

    Raises InputError for more groups than distinct points.
    """
    distinct = len(np.unique(points, axis=0))
    if distinct < 2 or (groups is not None and groups > distinct):
        raise InputError(
            f"got {groups or 2} groups for {distinct} distinct places; wanted fewer "
            "groups than places",
            "n_clusters",
        )
    last = min(most, max(2, distinct - 1))
    numbers = range(2, last + 1) if groups is None else [groups]
    state = Grouping(total=len(numbers))
    if len(points) > SAMPLED:
        chosen = stream(seed, 0).choice(len(points), SAMPLED, replace=False)
        state.sample = np.sort(chosen)
    if method == "hierarchical":
        state.joined = tree(points, linkage)
    for k in numbers:
        if state.joined is not None:
            labels = cut(state.joined, k)
        else:
            labels = kmeans(points, k, stream(seed, k)).labels
        _judge(state, points, labels, k)
        yield state


def _judge(state: Grouping, points: Floats, labels: Labels, k: int) -> None:
    """Note how good a grouping is, and keep it if it is the best."""
    of = slice(None) if state.sample is None else state.sample
    judged = labels[of]
    several = len(np.unique(judged)) > 1
    found = silhouettes(points[of], judged) if several else np.zeros(len(judged))
    mean = float(found.mean()) if several else -np.inf
    state.quality.append(
        {
            "n_clusters": k,
            "silhouette": mean if several else None,
            "inertia": _inertia(points, labels),
        }
    )
    if mean > state.best or state.labels is None:
        state.best, state.labels, state.silhouettes = mean, labels, found


def centres_of(points: Floats, labels: Labels) -> Floats:
    """Means of the groups, shape (groups, dimensions)."""
    groups = int(labels.max()) + 1
    sizes = np.maximum(np.bincount(labels, minlength=groups), 1)
    sums = [np.bincount(labels, column, groups) for column in points.T]
    return np.stack(sums, axis=1) / sizes[:, None]


def _inertia(points: Floats, labels: Labels) -> float:
    return float(((points - centres_of(points, labels)[labels]) ** 2).sum())
