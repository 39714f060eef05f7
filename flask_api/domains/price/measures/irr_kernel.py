"""The internal rate of return, compiled: the twin of the numpy path in `irr`.

Sixteen flows at a time, so that each step runs across them in the processor's vector
registers, in one flat workspace, without branches. Import it only where many flows are
at hand: numba takes half a second.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit

from flask_api.domains.price.kernel.compiling import Floats, compiled

LANES = 16
# Places in the workspace: what is earned and what is spent at the rate exp(AT) - 1,
# with their slopes; the step 1 / (1 + rate); the bracket, in ln(1 + rate); whether a
# lane is still at work.
_EARNED, _EARNED_SLOPE, _SPENT, _SPENT_SLOPE = 0, LANES, 2 * LANES, 3 * LANES
_AT, _STEP, _LOW, _HIGH = 4 * LANES, 5 * LANES, 6 * LANES, 7 * LANES
_BALANCE, _WAITS = 8 * LANES, 9 * LANES
# The balance of the step before, where it was, and the inverse of its slope.
_BEFORE, _AT_BEFORE, _SLOPE_BEFORE = 10 * LANES, 11 * LANES, 12 * LANES
#: From here on, two rows for each year: what is earned, what is spent.
_FLOWS = 13 * LANES
_ROW = 2 * LANES
#: A year that no plant sees.
_NEVER = 1e9
_SIGNATURE = "f8[:](f8[:, ::1], f8[:], f8, f8, f8, f8, i8, i8)"


@compiled
def _load(w: Floats, cash: Floats, begin: int, used: int) -> None:
    """Copy a block of flows, and see which turn from spending to earning just once."""
    first, last, finite = _EARNED, _SPENT, _BALANCE
    for k in range(LANES):
        w[first + k], w[last + k], w[finite + k] = _NEVER, -1.0, 0.0
    for year in range(len(cash)):
        here, now = _FLOWS + year * _ROW, float(year)
        row = cash[year, begin : begin + used]
        for k in range(used):
            amount = row[k]
            earned = amount if amount > 0 else 0.0
            w[here + k] = earned
            w[here + LANES + k] = earned - amount
            w[first + k] = min(w[first + k], now if amount > 0 else _NEVER)
            w[last + k] = now if amount < 0 else w[last + k]
            w[finite + k] += 0.0 * amount
    for k in range(LANES):
        turns_once = (w[last + k] >= 0) & (w[last + k] < w[first + k])
        plain = turns_once & (w[first + k] < _NEVER) & (w[finite + k] == 0)
        w[_WAITS + k] = 1.0 if plain & (k < used) else 0.0


@compiled
def _balance(w: Floats, years: int) -> None:
    """What is earned and spent at the rates of AT, with slopes; 2 years a round."""
    for k in range(LANES):
        w[_STEP + k] = math.exp(-w[_AT + k])
    for k in range(4 * LANES):
        w[k] = 0.0
    for year in range(years - 1, -1, -2):
        here = _FLOWS + year * _ROW
        for k in range(LANES):
            step = w[_STEP + k]
            earned, earned_slope = w[_EARNED + k], w[_EARNED_SLOPE + k]
            spent, spent_slope = w[_SPENT + k], w[_SPENT_SLOPE + k]
            earned_slope = earned_slope * step + earned
            earned = earned * step + w[here + k]
            spent_slope = spent_slope * step + spent
            spent = spent * step + w[here + LANES + k]
            earned_slope = earned_slope * step + earned
            earned = earned * step + w[here - _ROW + k]
            spent_slope = spent_slope * step + spent
            spent = spent * step + w[here - _ROW + LANES + k]
            w[_EARNED + k], w[_EARNED_SLOPE + k] = earned, earned_slope
            w[_SPENT + k], w[_SPENT_SLOPE + k] = spent, spent_slope


@compiled
def _move(w: Floats, tolerance: float, halved: float, newton: bool) -> float:
    """One step of all lanes that still wait; returns how many do after it.

    Newton's step, and from the second on the zero of the cubic through the last two
    points and their slopes (Hermite, of ln(1 + rate) as a function of the balance):
    one evaluation less.
    """
    for k in range(LANES):
        w[_BALANCE + k] = math.log(w[_EARNED + k] / w[_SPENT + k])
    count = 0.0
    for k in range(LANES):
        at, value, step = w[_AT + k], w[_BALANCE + k], w[_STEP + k]
        slope = w[_SPENT_SLOPE + k] / w[_SPENT + k]
        slope = 1 / (step * (slope - w[_EARNED_SLOPE + k] / w[_EARNED + k]))
        guess = at - value * slope
        before, u = w[_BEFORE + k], value / (value - w[_BEFORE + k])
        v, h = 1 - u, value - before  # u, v: shares of the way to either point
        cubic = u * u * ((1 + 2 * v) * w[_AT_BEFORE + k] + v * h * w[_SLOPE_BEFORE + k])
        cubic += v * v * ((1 + 2 * u) * at - u * h * slope)
        near = abs(cubic - at) < 2 * abs(guess - at)
        guess = cubic if near & (abs(value) < abs(before) / 2) else guess
        low = at if value >= 0 else w[_LOW + k]
        high = at if value <= 0 else w[_HIGH + k]
        trusted = (guess >= low) & (guess <= high) & newton
        trusted |= abs(guess - at) <= tolerance  # else its last bits could throw it out
        guess = guess if trusted else (low + high) / 2
        enough = tolerance if trusted else halved
        waits = w[_WAITS + k] > 0
        again = waits & (abs(guess - at) > enough)
        w[_BEFORE + k] = value
        w[_AT_BEFORE + k] = at
        w[_SLOPE_BEFORE + k] = slope
        w[_AT + k] = guess if waits else at
        w[_LOW + k] = low
        w[_HIGH + k] = high
        w[_WAITS + k] = 1.0 if again else 0.0
        count += w[_WAITS + k]
    return count


@compiled
def _crosses(w: Floats, k: int, years: int, lowest: float, highest: float) -> bool:
    """Whether NPV is positive at the lowest rate and not so at the highest."""
    low, high = 0.0, 0.0
    for year in range(years - 1, -1, -1):
        here = _FLOWS + year * _ROW + k
        amount = w[here] - w[here + LANES]
        low = low / (1 + lowest) + amount
        high = high / (1 + highest) + amount
    return low > 0 and high <= 0


def _plain_rates(
    cash: Floats,
    near: Floats,
    lowest: float,
    highest: float,
    tolerance: float,
    halved: float,
    newton_passes: int,
    max_passes: int,
) -> Floats:
    """Internal rates of flows that turn from spending to earning just once.

    cash   shape (years, samples), samples next to each other
    near   where to begin, as ln(1 + rate), shape (samples,)
    tolerance, halved, newton_passes, max_passes   those of `irr`

    Returns shape (samples,): NaN for all other flows, and where the rate isn't between
    `lowest` and `highest`.
    """
    years = len(cash) + -len(cash) % 2  # those added have no money
    w = np.zeros(_FLOWS + years * _ROW)
    result = np.full(len(near), np.nan)
    low, high = math.log1p(lowest), math.log1p(highest)
    found = np.zeros(LANES)
    for begin in range(0, len(near), LANES):
        used = min(LANES, len(near) - begin)
        _load(w, cash, begin, used)
        for k in range(LANES):
            found[k] = w[_WAITS + k]
            w[_LOW + k], w[_HIGH + k] = low, high
            w[_BEFORE + k] = 0.0  # no step before: the first one is Newton's
        for k in range(used):
            w[_AT + k] = min(max(near[begin + k], low), high)
        for done in range(max_passes):
            _balance(w, years)
            if _move(w, tolerance, halved, done < newton_passes) == 0:
                break
        for k in range(used):
            at = w[_AT + k]
            inner = (at > low + 2 * tolerance) & (at < high - 2 * tolerance)
            if found[k] and (inner or _crosses(w, k, years, lowest, highest)):
                result[begin + k] = math.expm1(at)
    return result


@functools.cache
def plain_rates() -> Callable[..., Floats]:
    """The kernel `_plain_rates`: compiled in two seconds, or loaded from numba's cache.

    The cache lies in `__pycache__` beside this file, else in NUMBA_CACHE_DIR or in the
    user's cache folder; where none can be written to, each process compiles anew.
    """
    try:
        return _compiled(cache=True)
    except (RuntimeError, OSError):  # no folder for a cache, or none left on disk
        return _compiled(cache=False)


def _compiled(cache: bool) -> Callable[..., Floats]:
    made: Any = njit(cache=cache, error_model="numpy")(_plain_rates)
    made.compile(_SIGNATURE)
    return cast("Callable[..., Floats]", made)
