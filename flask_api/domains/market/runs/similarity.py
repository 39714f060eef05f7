"""How alike products are that a model put somewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def cosines(points: Floats) -> Floats:
    """Cosine of each two rows of `points`, shape (n, n), -1..1.

    points   shape (n, dimensions); a row of zeros has cosine 0 with all others
    """
    lengths = np.sqrt((points * points).sum(axis=1, keepdims=True))
    directions = points / np.where(lengths > 0, lengths, 1.0)
    found = np.clip(directions @ directions.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
