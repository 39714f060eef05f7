"""The compiled twin of `normal_scores.mixed`: the same steps, tile by tile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt
from numba import float64

from flask_api.numerics import normal_scores as steps

Floats = npt.NDArray[np.float64]

#: Numbers of a row at a time: a tile of tens of rows stays in the processor's cache.
TILE = 1024


def _part(function: Callable[..., Any]) -> Any:
    """The step, compiled into what calls it; without `fastmath`, which changes bits."""
    return numba.njit(error_model="numpy", forceinline=True)(function)


_middle, _minus_log = _part(steps.middle), _part(steps.minus_log)
_near, _far = _part(steps.near), _part(steps.far)
_MIDDLE, _FAR = steps.MIDDLE, steps.FAR
_MANTISSA, _OF_HALF = np.int64(steps.MANTISSA), np.int64(steps.OF_HALF)
_EXPONENT, _HALF = np.int64(steps.EXPONENT), np.int64(steps.HALF)


@_part
def _size(share: Floats, bits: Any, half: Floats, half_bits: Any, twos: Floats) -> None:
    """Sizes of scores from the shares beyond them; both arrays are overwritten.

    bits, half_bits   views of `share` and `half` as whole numbers
    half              takes the sizes
    """
    count = len(twos)
    for k in range(count):
        half_bits[k] = (bits[k] & _MANTISSA) | _OF_HALF
        twos[k] = float((bits[k] >> _EXPONENT) - _HALF)
    for k in range(count):
        share[k] = np.sqrt(_minus_log(half[k], twos[k]))
        half[k] = _near(share[k])
    largest = 0.0
    for k in range(count):
        largest = max(largest, share[k])
    if largest > _FAR:
        for k in range(count):
            if share[k] > _FAR:
                half[k] = _far(share[k])


def _mixer(made_by: int) -> Callable[[Floats, Floats], int]:
    def mixed(u: Floats, factor: Floats) -> int:
        d, n = u.shape
        place = np.empty(TILE, dtype=np.int64)
        sign, share = np.empty(TILE), np.empty(TILE)
        half, twos = np.empty(TILE), np.empty(TILE)
        bits, half_bits = share.view(np.int64), half.view(np.int64)
        for start in range(0, n, TILE):
            stop = min(n, start + TILE)
            for i in range(d):
                row = u[i, start:stop]
                found = 0
                for j in range(len(row)):  # no branch: one number in seven is in a tail
                    q = row[j] - 0.5
                    place[found] = j
                    sign[found] = 1.0 - 2.0 * (q < 0)
                    share[found] = min(row[j], 1 - row[j])
                    found += abs(q) > _MIDDLE
                for j in range(len(row)):
                    row[j] = _middle(row[j] - 0.5)
                _size(share[:found], bits, half, half_bits, twos[:found])
                for k in range(found):
                    row[place[k]] = sign[k] * half[k]
            for i in range(d - 1, -1, -1):
                row, own = u[i, start:stop], factor[i, i]
                for j in range(len(row)):
                    row[j] *= own
                for k in range(i):
                    other, weight = u[k, start:stop], factor[i, k]
                    for j in range(len(row)):
                        row[j] += weight * other[j]
        return made_by

    return mixed


def _stamp() -> int:
    """Changes with any line the code was made of; numba looks at this file alone."""
    found = hashlib.sha256(Path(steps.__file__).read_bytes())
    return int.from_bytes(found.digest()[:7])


def compiled() -> Callable[[Floats, Floats], Floats]:
    """`normal_scores.mixed`, compiled in two seconds, or loaded from numba's cache.

    The cache lies in `__pycache__` beside this file, else in NUMBA_CACHE_DIR or in the
    user's cache folder; where none can be written to, each process compiles anew.
    """
    function = _mixer(_stamp())
    try:
        made = _made(function, cache=True)
    except (RuntimeError, OSError):  # no folder for a cache, or none left on disk
        made = _made(function, cache=False)

    def mixed(u: Floats, factor: Floats) -> Floats:
        made(u, factor)
        return u

    return mixed


def _made(function: Callable[..., int], cache: bool) -> Callable[..., int]:
    made: Any = numba.njit(cache=cache, error_model="numpy")(function)
    made.compile((float64[:, ::1], float64[:, ::1]))
    made.disable_compile()
    return cast("Callable[..., int]", made)
