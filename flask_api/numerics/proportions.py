"""How sure one can be of a share that was counted."""

from __future__ import annotations

import math

from scipy.special import ndtri


def two_sided_z(confidence: float) -> float:
    """Standard normal quantile that leaves (1 - confidence)/2 in each tail."""
    return float(ndtri(0.5 + confidence / 2))


def wilson_interval(hits: int, n: int, confidence: float) -> tuple[float, float]:
    """Interval for the probability behind `hits` of `n` independent trials.

    confidence   0 < confidence < 1, such as 0.95

    Returns (lower, upper) within 0..1; it keeps its coverage near 0 and 1, where
    mean +- z standard errors does not. Without trials: (0, 1).
    Source: Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if n == 0:
        return 0.0, 1.0
    z = two_sided_z(confidence)
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # rounding must not exclude what was seen
    return max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p))
