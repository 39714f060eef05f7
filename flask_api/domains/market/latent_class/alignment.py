"""Which class of one fit is which class of another."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from flask_api.domains.market.latent_class.model import LatentClasses


def aligned(model: LatentClasses, reference: LatentClasses) -> LatentClasses:
    """`model` with its classes in the order of those of `reference` they are most like.

    Both have the same number of classes. Likeness is the squared Hellinger distance of
    the purchase probabilities, summed over products, and of the class sizes; of all
    assignments the one with the least total is taken (Hungarian method).
    """

    def roots(of: LatentClasses) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        columns = np.column_stack([of.probabilities, of.sizes])
        return np.hstack([np.sqrt(columns), np.sqrt(1 - columns)])

    ours, theirs = roots(model), roots(reference)
    distance = ((theirs[:, None, :] - ours[None, :, :]) ** 2).sum(axis=2)
    _, order = linear_sum_assignment(distance)
    return model.taken(np.asarray(order, dtype=np.intp))
