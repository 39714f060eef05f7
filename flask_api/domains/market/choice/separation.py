"""Whether some choices can be predicted with certainty, so that no maximum exists."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def endless(d: Floats) -> Floats | None:
    """A direction in which the likelihood rises for ever; None where there is none.

    d   what speaks for the chosen alternative against each other one, shape (pairs,
        coefficients)

    The direction, shape (coefficients,), is told per `d` of size 1; where single
    coefficients do it alone, it holds these only. A logit likelihood
    has a maximum unless some direction never speaks against a choice, and for one at
    least: Albert and Anderson (1984), doi:10.1093/biomet/71.1.1. Which is a linear
    programme.
    """
    alone = (d >= 0).all(axis=0).astype(float) - (d <= 0).all(axis=0)
    alone[~d.any(axis=0)] = 0.0
    if alone.any():
        return np.asarray(alone)
    # two thirds of a second to import, and seldom needed
    from scipy.optimize import linprog

    scale = np.abs(d).max(axis=0)
    scaled = np.unique(d / np.where(scale > 0, scale, 1.0), axis=0)
    found = linprog(
        -scaled.sum(axis=0),
        A_ub=-scaled,
        b_ub=np.zeros(len(scaled)),
        bounds=(-1, 1),
        method="highs",
    )
    if not found.success or -found.fun < 1e-7:
        return None
    return np.asarray(found.x)
