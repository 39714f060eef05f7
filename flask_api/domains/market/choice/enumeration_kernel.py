"""Compiled: choice probabilities of every situation, and how attributes move them.

All in one file: numba's cache notices a change of this file only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def _enumerated(
    x: Floats,
    available: Flags,
    order: Ints,
    unit: Ints,
    mean: Floats,
    random: Ints,
    kind: Ints,
    matrix: Floats,
    w: Floats,
    uses: Floats,
    probabilities: Floats,
    moves: Floats,
) -> None:
    """Average over draws what each alternative's probability is.

    x               utility's table, shape (situations, alternatives, coefficients)
    available       shape (situations, alternatives)
    order           the situations wanted
    unit            the person of each, in `w`
    mean            coefficients, or where their distribution lies
    random, kind    as in `mixed_kernel`
    matrix          that standard draws are multiplied by, shape (random, random)
    w               standard draws, shape (persons, random, draws)
    uses            1 where a coefficient belongs to an attribute, (attributes,
                    coefficients)
    probabilities   to be filled, shape (situations, alternatives)
    moves           to be added to, shape (attributes, alternatives, alternatives):
                    probability of the first times its elasticity by the attribute of
                    the second
    """
    alternatives, size = x.shape[1], x.shape[2]
    draws, randoms, attributes = w.shape[2], len(random), len(uses)
    b, p = mean.copy(), np.empty(alternatives)
    own = np.empty((attributes, alternatives))
    for at in range(len(order)):
        n = order[at]
        for j in range(alternatives):
            probabilities[n, j] = 0.0
        for r in range(draws):
            for k in range(randoms):
                value = mean[random[k]]
                for m in range(k + 1):
                    value += matrix[k, m] * w[unit[at], m, r]
                if kind[k] != 0:
                    value = kind[k] * math.exp(min(value, 700.0))
                b[random[k]] = value
            highest = -math.inf
            for j in range(alternatives):
                p[j] = -math.inf
                if available[n, j]:
                    p[j] = 0.0
                    for k in range(size):
                        p[j] += x[n, j, k] * b[k]
                    highest = max(highest, p[j])
            total = 0.0
            for j in range(alternatives):
                p[j] = math.exp(p[j] - highest)
                total += p[j]
            for j in range(alternatives):
                p[j] /= total
                probabilities[n, j] += p[j] / draws
            for a in range(attributes):
                for j in range(alternatives):
                    own[a, j] = 0.0
                    for k in range(size):
                        own[a, j] += uses[a, k] * x[n, j, k] * b[k]
                    own[a, j] /= draws
            for a in range(attributes):
                for i in range(alternatives):
                    for j in range(alternatives):
                        moves[a, i, j] -= p[i] * p[j] * own[a, j]
                    moves[a, i, i] += p[i] * own[a, i]


@functools.cache
def enumerated() -> Callable[..., None]:
    """`_enumerated`, compiled in a second, or loaded from numba's cache.

    The cache lies in `__pycache__` beside this file, or where numba finds a place;
    where it finds none, each process compiles anew.
    """
    row, places, table, block = "f8[::1]", "i8[::1]", "f8[:,::1]", "f8[:,:,::1]"
    signature = (
        f"void({block},b1[:,::1],{places},{places},{row},{places},{places},{table},"
        f"{block},{table},{table},{block})"
    )
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    made: Any
    try:
        made = numba.njit(signature, cache=True, **options)(_enumerated)
    except (RuntimeError, OSError):
        made = numba.njit(signature, cache=False, **options)(_enumerated)
    return cast("Callable[..., None]", made)


def warm() -> None:
    """Load the kernel, or compile it, so that no fit has to wait for that."""
    enumerated()
