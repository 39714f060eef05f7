"""How surely rows belong to their class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.model import LatentClasses, memberships
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Classification:
    """Rows by their most likely class. Rows without a known value are left out.

    modal_counts        rows by most likely class, shape (classes,)
    average_posterior   mean membership of the rows assigned to a class (row) in each
                        class (column); NaN in the row of a class nobody is assigned to
    assigned            probability that a member of a class (row) is assigned to each
                        class (column)
    error_rate          share of rows expected to be assigned wrongly
    entropy             of the memberships, summed over rows, in nats
    relative_entropy    1 - entropy / (rows ln classes): 1 = every row is certain, 0 =
                        nothing is known; None for one class
    """

    modal_counts: Floats
    average_posterior: Floats
    assigned: Floats
    error_rate: float
    entropy: float
    relative_entropy: float | None


def classification(patterns: Patterns, model: LatentClasses) -> Classification:
    """How surely the rows behind these patterns belong to their class."""
    classes = model.classes
    joint = np.zeros((classes, classes))  # most likely class by membership, in rows
    modal = np.zeros(classes)
    entropy = 0.0
    counts = np.where(patterns.informative(), patterns.counts, 0.0)
    for part, posterior, _ in memberships(patterns, model):
        weight = counts[part]
        chosen = posterior.argmax(axis=1)
        modal += np.bincount(chosen, weight, classes)
        for k in range(classes):
            joint[k] += (weight * (chosen == k)) @ posterior
        logs = np.log(posterior, out=np.zeros_like(posterior), where=posterior > 0)
        entropy -= float(weight @ (posterior * logs).sum(axis=1))
    rows = float(modal.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        average = joint / modal[:, None]
        assigned = joint.T / joint.sum(axis=0)[:, None]
    entropy = max(0.0, entropy)
    return Classification(
        modal_counts=modal,
        average_posterior=average,
        assigned=assigned,
        error_rate=max(0.0, 1 - float(np.trace(joint)) / rows),
        entropy=entropy,
        relative_entropy=(
            1 - entropy / (rows * math.log(classes)) if classes > 1 else None
        ),
    )
