"""Normal scores: what a standard normal takes where a uniform number stands.

Inverse of the normal distribution function by rational approximations, to some 1e-15
of the value, in the tails too: algorithm AS 241 of Wichura (1988), doi:10.2307/2347330.

Many are mixed by compiled code, few by numpy. Both take the same steps in the
same order, each of which IEEE 754 defines (the logarithm is written out for that): **so
both give the same bits**, on every processor, and the choice is one of time alone.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: From so many numbers on compiled code is worth its import, half a second, and where
#: the process has imported numba already.
LEAST, LEAST_IMPORTED = 1 << 22, 1 << 18
#: |u - 1/2| up to this is the middle; the square of it; where the far tail begins.
MIDDLE, _SQUARE, FAR = 0.425, 0.180625, 5.0
#: Of a number's bits: where its exponent begins, and what that is of 1/2..1.
EXPONENT, HALF = 52, 1022
MANTISSA, OF_HALF = (1 << EXPONENT) - 1, HALF << EXPONENT
_LOG_OF_2, _LOG_OF_4_3 = 0.6931471805599453094, 0.28768207245178092744


def middle(q: Any) -> Any:
    """Score where q = u - 1/2 is at most 0.425 away from 0."""
    r = _SQUARE - q * q
    up = r * 2509.0809287301226727 + 33430.575583588128105
    up = ((up * r + 67265.770927008700853) * r + 45921.953931549871457) * r
    up = ((up + 13731.693765509461125) * r + 1971.5909503065514427) * r
    up = (up + 133.14166789178437745) * r + 3.387132872796366608
    down = r * 5226.495278852854561 + 28729.085735721942674
    down = ((down * r + 39307.89580009271061) * r + 21213.794301586595867) * r
    down = ((down + 5394.1960214247511077) * r + 687.1870074920579083) * r
    down = (down + 42.313330701600911252) * r + 1.0
    return q * up / down


def near(root: Any) -> Any:
    """Size of the score where root = sqrt(-log(share beyond it)) is up to 5."""
    r = root - 1.6
    up = r * 7.7454501427834140764e-4 + 0.0227238449892691845833
    up = ((up * r + 0.24178072517745061177) * r + 1.27045825245236838258) * r
    up = ((up + 3.64784832476320460504) * r + 5.7694972214606914055) * r
    up = (up + 4.6303378461565452959) * r + 1.42343711074968357734
    down = r * 1.05075007164441684324e-9 + 5.475938084995344946e-4
    down = ((down * r + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
    down = ((down + 0.68976733498510000455) * r + 1.6763848301838038494) * r
    down = (down + 2.05319162663775882187) * r + 1.0
    return up / down


def far(root: Any) -> Any:
    """The same beyond 5: one number in 3.6 * 10^10."""
    r = root - 5.0
    up = r * 2.01033439929228813265e-7 + 2.71155556874348757815e-5
    up = ((up * r + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
    up = ((up + 0.29656057182850489123) * r + 1.7848265399172913358) * r
    up = (up + 5.4637849111641143699) * r + 6.6579046435011037772
    down = r * 2.04426310338993978564e-15 + 1.4215117583164458887e-7
    down = ((down * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
    down = ((down + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
    down = (down + 0.59983220655588793769) * r + 1.0
    return up / down


def minus_log(half: Any, twos: Any) -> Any:
    """-log(half * 2**twos), 1/2 <= half < 1, by the series of the inverse tanh."""
    f = half - 0.75
    s = f / (half + 0.75)
    z = s * s  # at most 0.04: eleven terms leave less than 1e-17
    tail = z * (1 / 23) + 1 / 21
    tail = ((tail * z + 1 / 19) * z + 1 / 17) * z + 1 / 15
    tail = ((tail * z + 1 / 13) * z + 1 / 11) * z + 1 / 9
    tail = ((tail * z + 1 / 7) * z + 1 / 5) * z + 1 / 3
    return _LOG_OF_4_3 - twos * _LOG_OF_2 - 2.0 * (tail * z * s + s)


def normal_scores(u: Floats) -> Floats:
    """Scores of `u`, any shape, each strictly between 0 and 1, by numpy."""
    q = u - 0.5
    z: Floats = middle(q)
    tail = np.abs(q) > MIDDLE
    share, below = u[tail], q[tail] < 0
    share = np.where(below, share, 1 - share)
    bits = share.view(np.int64)
    half = ((bits & MANTISSA) | OF_HALF).view(np.float64)
    root = np.sqrt(minus_log(half, ((bits >> EXPONENT) - HALF).astype(np.float64)))
    size = near(root)
    beyond = root > FAR
    size[beyond] = far(root[beyond])
    z[tail] = np.where(below, -size, size)
    return z


def mixed(u: Floats, factor: Floats) -> Floats:
    """Scores of the rows of `u`, mixed: factor @ scores, in place of `u`, by numpy.

    u        uniform numbers strictly between 0 and 1, shape (d, n), overwritten
    factor   lower triangular, shape (d, d)
    """
    u[:] = normal_scores(u)
    for i in range(len(u) - 1, -1, -1):  # from below: rows above are still unmixed
        u[i] *= factor[i, i]
        for k in range(i):
            u[i] += factor[i, k] * u[k]
    return u


def mixer(numbers: int) -> Callable[[Floats, Floats], Floats]:
    """`mixed`, compiled where so many numbers are worth it."""
    least = LEAST_IMPORTED if "numba" in sys.modules else LEAST
    return _compiled() if numbers >= least and available() else mixed


@functools.cache
def available() -> bool:
    """Whether numba can be imported, and is not told to leave functions as they are."""
    try:
        import numba
    except ImportError:
        return False
    return not getattr(numba.config, "DISABLE_JIT", False)


def warm() -> None:
    """Load the compiled code, or compile it, so that no job has to wait for that."""
    _compiled()


@functools.cache
def _compiled() -> Callable[[Floats, Floats], Floats]:
    from flask_api.numerics.normal_scores_compiled import compiled

    return compiled()
