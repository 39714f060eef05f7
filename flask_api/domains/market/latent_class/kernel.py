"""Compiled: expectation-maximisation of a latent class model over packed patterns.

All in one file: numba's cache notices a change of this file only.

Legend
codes     patterns by bytes, shape (patterns, bytes), uint8
counts    rows of each pattern, shape (patterns,), alike ones side by side
theta     the model, shape (1 + 8 bytes, lanes): class sizes, then per product the
          probability of 1 in each class. Lanes are the classes, filled up to a multiple
          of 4 by classes of size 0; products are filled up to whole bytes
gaps      whether values are missing: then the first half of the bytes holds the ones,
          the second half the zeros
table     for each byte and each of its 256 values the probability of these 8 products
          in each class, shape (bytes, 256, lanes)
mass      for each byte and value the rows that have it, by class, same shape

The E-step looks one number up per byte instead of multiplying 8, the M-step adds once
per byte instead of 8 times: a histogram of bytes knows how often each bit is set.
Likelihoods are products; where one leaves the range of floating point numbers, its
pattern is computed anew in logarithms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

#: Probabilities are kept this far from 0 and 1, class sizes from 0.
FLOOR = 1e-10
_LEAST = 1e-12
#: Classes side by side in the processor's vector registers.
LANES = 4
#: Below this a product is told in logarithms.
_TINY = 1e-200
#: What `progress` of `climb` holds.
PASSES, REACHED, CHANGE, QUIET, STRIDE, PROGRESS = 0, 1, 2, 3, 4, 5

F = TypeVar("F", bound=Callable[..., Any])


def _inlined(function: F) -> F:
    return cast(F, numba.njit(error_model="numpy", forceinline=True)(function))


def _called(function: F) -> F:
    """Compiled once, and called: inlining a pass thrice would take most of a minute."""
    return cast(F, numba.njit(error_model="numpy")(function))


@_called
def _copy(source: Floats, target: Floats) -> None:
    for i in range(source.shape[0]):
        for k in range(source.shape[1]):
            target[i, k] = source[i, k]


@_called
def _fill_table(yes: Floats, no: Floats, table: Floats) -> None:
    """Probabilities of all values of each byte, by doubling: bit after bit."""
    bits, lanes = len(yes), table.shape[2]
    for bit in range(bits):  # one loop: two would be unrolled, and compiled for long
        here, size = table[bit >> 3], 1 << (bit & 7)
        if size == 1:
            for k in range(lanes):
                here[0, k] = 1.0
        for v in range(size):
            for k in range(lanes):
                here[size + v, k] = here[v, k] * yes[bit, k]
                here[v, k] *= no[bit, k]


@_called
def _bit_totals(mass: Floats, totals: Floats) -> None:
    """Per bit and class the rows where it is set, by halving; spoils `mass`."""
    width, lanes = mass.shape[0], mass.shape[2]
    for c in range(width):
        size = 128
        for bit in range(8 * c + 7, 8 * c - 1, -1):
            for k in range(lanes):
                totals[bit, k] = 0.0
            for v in range(size):
                for k in range(lanes):
                    totals[bit, k] += mass[c, size + v, k]
                    mass[c, v, k] += mass[c, size + v, k]
            size //= 2


@_called
def _spread(theta: Floats, items: int, gaps: bool, yes: Floats, no: Floats) -> None:
    """What each bit says: factors where it is set, and where it is not."""
    bits, lanes = theta.shape[0] - 1, theta.shape[1]
    yes[:] = 1.0
    no[:] = 1.0
    for i in range(items):
        for k in range(lanes):
            p = theta[1 + i, k]
            yes[i, k] = p
            no[i, k] = 1.0 if gaps else 1.0 - p
            if gaps:
                yes[bits + i, k] = 1.0 - p


@_called
def _in_logarithms(
    codes: Bytes, u: int, size: Floats, table: Floats, joint: Floats
) -> float:
    """Fill `joint` with the probabilities of classes; returns log of their total."""
    width, lanes = table.shape[0], table.shape[2]
    highest = -math.inf
    for k in range(lanes):
        total = math.log(size[k])
        for c in range(width):
            total += math.log(table[c, codes[u, c], k])
        joint[k] = total
        highest = max(highest, total)
    total = 0.0
    for k in range(lanes):
        joint[k] = math.exp(joint[k] - highest)
        total += joint[k]
    for k in range(lanes):
        joint[k] /= total
    return highest + math.log(total)


@_inlined
def _joint(codes: Bytes, u: int, size: Floats, table: Floats, joint: Floats) -> float:
    """Fill `joint` with size times probability of each class; returns their total."""
    width, lanes = table.shape[0], table.shape[2]
    total = 0.0
    for g in range(0, lanes, LANES):
        a, b, c, d = size[g], size[g + 1], size[g + 2], size[g + 3]
        for byte in range(width):
            v = codes[u, byte]
            a *= table[byte, v, g]
            b *= table[byte, v, g + 1]
            c *= table[byte, v, g + 2]
            d *= table[byte, v, g + 3]
        joint[g], joint[g + 1], joint[g + 2], joint[g + 3] = a, b, c, d
        total += (a + b) + (c + d)
    return total


@_called
def _expect(
    codes: Bytes,
    counts: Floats,
    size: Floats,
    table: Floats,
    mass: Floats,
    joint: Floats,
    sizes: Floats,
) -> float:
    """E-step: rows by class and byte; returns the log-likelihood.

    Logarithms are taken of products of likelihoods, as long as these are in range and
    belong to equally frequent patterns: a logarithm costs as much as a pattern.
    """
    width, lanes = table.shape[0], table.shape[2]
    mass[:] = 0.0
    sizes[:] = 0.0
    found, product, alike = 0.0, 1.0, 1.0
    for u in range(len(counts)):
        count = counts[u]
        total = _joint(codes, u, size, table, joint)
        if count != alike:
            found += alike * math.log(product)
            product, alike = 1.0, count
        if total > _TINY:
            if product * total < _TINY:
                found += alike * math.log(product)
                product = 1.0
            product *= total
            share = count / total
        else:
            found += count * _in_logarithms(codes, u, size, table, joint)
            share = count
        for g in range(0, lanes, LANES):
            a, b = joint[g] * share, joint[g + 1] * share
            c, d = joint[g + 2] * share, joint[g + 3] * share
            for byte in range(width):
                v = codes[u, byte]
                mass[byte, v, g] += a
                mass[byte, v, g + 1] += b
                mass[byte, v, g + 2] += c
                mass[byte, v, g + 3] += d
    for v in range(256):
        for k in range(lanes):
            sizes[k] += mass[0, v, k]
    return found + alike * math.log(product)


@_called
def _maximise(
    items: int, gaps: bool, sizes: Floats, totals: Floats, old: Floats, new: Floats
) -> None:
    """M-step: the model that makes these classes' rows most likely."""
    bits, lanes = old.shape[0] - 1, old.shape[1]
    rows = 0.0
    for k in range(lanes):
        rows += sizes[k]
    _copy(old, new)
    for k in range(lanes):
        if old[0, k] <= 0.0:
            continue
        new[0, k] = max(sizes[k] / rows, _LEAST)
        for i in range(items):
            known = totals[i, k] + totals[bits + i, k] if gaps else sizes[k]
            if known > 0.0:
                p = totals[i, k] / known
                new[1 + i, k] = min(max(p, FLOOR), 1.0 - FLOOR)


@_called
def _step(
    codes: Bytes,
    counts: Floats,
    items: int,
    gaps: bool,
    old: Floats,
    new: Floats,
    table: Floats,
    mass: Floats,
    bits: Floats,
    joint: Floats,
) -> float:
    """One pass over the patterns: a better model, and the likelihood of the old one."""
    yes, no, totals, sizes = bits[0], bits[1], bits[2], joint[1]
    _spread(old, items, gaps, yes, no)
    _fill_table(yes, no, table)
    found = _expect(codes, counts, old[0], table, mass, joint[0], sizes)
    _bit_totals(mass, totals)
    _maximise(items, gaps, sizes, totals, old, new)
    return found


@_called
def _leap(
    items: int, start: Floats, once: Floats, twice: Floats, far: Floats, most: float
) -> float:
    """Follow two steps further than they went; returns how far, 1 = not at all.

    A number that would leave 0..1 goes nine tenths of the way to that end instead: on
    the end itself it would be caught.
    """
    lanes = start.shape[1]
    first, second = 0.0, 0.0
    for i in range(1 + items):
        for k in range(lanes):
            r = once[i, k] - start[i, k]
            v = twice[i, k] - once[i, k] - r
            first += r * r
            second += v * v
    length = math.sqrt(first / second) if second > 0.0 else 1.0
    length = min(max(length, 1.0), most)
    total = 0.0
    _copy(twice, far)
    for i in range(1 + items):
        for k in range(lanes):
            r = once[i, k] - start[i, k]
            v = twice[i, k] - once[i, k] - r
            at, here = start[i, k] + length * (2.0 * r + length * v), twice[i, k]
            at = min(max(at, 0.1 * here), 1.0 - 0.1 * (1.0 - here))
            far[i, k] = at
            total += at if i == 0 else 0.0
    for k in range(lanes):
        far[0, k] /= total
    return length


def _climb(
    codes: Bytes,
    counts: Floats,
    items: int,
    gaps: bool,
    theta: Floats,
    most: int,
    until: int,
    tolerance: float,
    progress: Floats,
) -> bool:
    """Better models by EM with SQUAREM's leaps, until it stands still or time is up.

    theta       shape (4, 1 + 8 bytes, lanes): the model, and room for three more
    most        passes over the patterns now, rounded up to whole rounds of three
    until       passes in all; the last ones are plain where no round has room
    progress    passes so far, log-likelihood reached, its change in the last round,
                rounds in a row without a notable change, longest leap tried next

    Returns whether it stands still: two rounds in a row changed less than `tolerance`.
    A leap is taken only where the log-likelihood does not fall below that of the step
    before. Varadhan and Roland (2008), doi:10.1111/j.1467-9469.2007.00585.x.
    """
    start, once, twice, far = theta[0], theta[1], theta[2], theta[3]
    width, lanes = codes.shape[1], theta.shape[2]
    table, mass = np.empty((width, 256, lanes)), np.empty((width, 256, lanes))
    bits, joint = np.empty((3, 8 * width, lanes)), np.empty((2, lanes))
    end = min(progress[PASSES] + most, until)
    while progress[PASSES] < end:
        if until - progress[PASSES] < 3.0:  # no room for a leap
            high = _step(
                codes, counts, items, gaps, start, once, table, mass, bits, joint
            )
            _copy(once, start)
            progress[PASSES] += 1
            progress[CHANGE] = high - progress[REACHED]
            progress[REACHED] = high
            continue
        _step(codes, counts, items, gaps, start, once, table, mass, bits, joint)
        low = _step(codes, counts, items, gaps, once, twice, table, mass, bits, joint)
        stride = progress[STRIDE]
        length = _leap(items, start, once, twice, far, stride)
        high = _step(codes, counts, items, gaps, far, start, table, mass, bits, joint)
        taken = high >= low
        if not taken:
            _copy(twice, start)
            high = low
            progress[STRIDE] = max(1.0, stride / 4.0)
        elif length >= stride:
            progress[STRIDE] = 4.0 * stride
        progress[PASSES] += 3
        progress[CHANGE] = high - progress[REACHED]
        progress[REACHED] = high
        small = progress[CHANGE] < tolerance
        progress[QUIET] = progress[QUIET] + 1.0 if small else 0.0
        if progress[QUIET] >= 2.0:
            return True
    return False


def _share(
    codes: Bytes,
    items: int,
    gaps: bool,
    theta: Floats,
    posterior: Floats,
    likelihood: Floats,
) -> None:
    """Per pattern the probability of each class, and its log-likelihood.

    posterior    to be filled, shape (patterns, classes)
    likelihood   to be filled, shape (patterns,)
    """
    width, lanes = codes.shape[1], theta.shape[1]
    table, bits = np.empty((width, 256, lanes)), np.empty((2, 8 * width, lanes))
    joint = np.empty(lanes)
    _spread(theta, items, gaps, bits[0], bits[1])
    _fill_table(bits[0], bits[1], table)
    for u in range(len(codes)):
        total = _joint(codes, u, theta[0], table, joint)
        if total > _TINY:
            likelihood[u] = math.log(total)
        else:
            likelihood[u] = _in_logarithms(codes, u, theta[0], table, joint)
            total = 1.0
        for k in range(posterior.shape[1]):
            posterior[u, k] = joint[k] / total


_CODES, _ROW, _MODEL, _MODELS = "u1[:,::1]", "f8[::1]", "f8[:,::1]", "f8[:,:,::1]"


@functools.cache
def climb() -> Callable[..., bool]:
    """`_climb`, compiled in some seconds, or loaded from numba's cache."""
    return _compiled(_climb, f"b1({_CODES},{_ROW},i8,b1,{_MODELS},i8,i8,f8,{_ROW})")


@functools.cache
def share() -> Callable[..., None]:
    """`_share`, compiled or loaded."""
    return _compiled(_share, f"void({_CODES},i8,b1,{_MODEL},{_MODEL},{_ROW})")


def warm() -> None:
    """Load the kernels, or compile them, so that no fit has to wait for that."""
    climb()
    share()


def _compiled(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """The cache lies in `__pycache__` beside this file, or where numba finds a place.

    Where it finds none, each process compiles anew. Without the interpreter's lock, so
    that a worker can answer while it computes; without `fastmath`: the same bits on
    every processor.
    """
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    made: Any
    try:
        made = numba.njit(signature, cache=True, **options)(function)
    except (RuntimeError, OSError):
        made = numba.njit(signature, cache=False, **options)(function)
    return cast("Callable[..., Any]", made)
