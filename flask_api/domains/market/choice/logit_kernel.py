"""Compiled: likelihood of a multinomial logit model with both its derivatives.

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


def _likelihood(
    d: Floats,
    start: Ints,
    b: Floats,
    scores: Floats,
    gradient: Floats,
    information: Floats,
) -> float:
    """Log-likelihood at coefficients `b`.

    d             the chosen alternative against the others, shape (pairs, coefficients)
    start         first pair of each situation, and the end
    scores        to be filled: gradients of the situations, (situations, coefficients)
    gradient      to be filled: their sum
    information   to be filled: minus the matrix of second derivatives
    """
    size = len(b)
    widest = 0
    for n in range(len(start) - 1):
        widest = max(widest, start[n + 1] - start[n])
    v, mean = np.empty(widest), np.empty(size)
    gradient[:] = 0.0
    information[:] = 0.0
    found = 0.0
    for n in range(len(start) - 1):
        first, end = start[n], start[n + 1]
        highest = 0.0  # of the chosen one
        for i in range(first, end):
            utility = 0.0
            for k in range(size):
                utility -= d[i, k] * b[k]
            v[i - first] = utility
            highest = max(highest, utility)
        total = math.exp(-highest)
        for j in range(end - first):
            v[j] = math.exp(v[j] - highest)
            total += v[j]
        found -= highest + math.log(total)
        for k in range(size):
            mean[k] = 0.0
        for i in range(first, end):
            p = v[i - first] / total
            for k in range(size):
                pull = p * d[i, k]
                mean[k] += pull
                for m in range(k + 1):
                    information[k, m] += pull * d[i, m]
        for k in range(size):
            scores[n, k] = mean[k]
            gradient[k] += mean[k]
            for m in range(k + 1):
                information[k, m] -= mean[k] * mean[m]
    for k in range(size):
        for m in range(k):
            information[m, k] = information[k, m]
    return found


@functools.cache
def likelihood() -> Callable[..., float]:
    """`_likelihood`, compiled in a second, or loaded from numba's cache.

    The cache lies in `__pycache__` beside this file, or where numba finds a place;
    where it finds none, each process compiles anew. Without `fastmath`: the same bits.
    """
    signature = "f8(f8[:,::1],i8[::1],f8[::1],f8[:,::1],f8[::1],f8[:,::1])"
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    made: Any
    try:
        made = numba.njit(signature, cache=True, **options)(_likelihood)
    except (RuntimeError, OSError):
        made = numba.njit(signature, cache=False, **options)(_likelihood)
    return cast("Callable[..., float]", made)


def warm() -> None:
    """Load the kernel, or compile it, so that no fit has to wait for that."""
    likelihood()
