"""Compiled: simulated likelihood of a mixed logit model, with its gradient.

All in one file: numba's cache notices a change of this file only.

Legend
d        what speaks for the chosen alternative against each other one, shape (pairs,
         coefficients)
start    first pair of each situation, and the end
person   first situation of each person, and the end; draws are a person's own
mean     coefficients, or where their distribution lies, shape (coefficients,)
fixed    numbers of the coefficients without a distribution
random   numbers of those with one, shape (random,)
kind     by random coefficient: 0 = a + spread w, 1 = exp of that, -1 = minus exp
spread   entries of the matrix that draws are multiplied by, at `row`, `column`
w        standard draws, shape (persons, random, draws)

Draws are taken CHUNK at a time, side by side in the processor's vector registers, so
that all that belongs to a person stays in its nearest cache.
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
Ints = npt.NDArray[np.int64]

#: Draws at a time; a power of two.
CHUNK = 512
#: Beyond these ends of an exponent a probability is as good as 0, or as 1.
_LOWEST, _HIGHEST = -700.0, 300.0
#: Products of sums that grow above this are put aside as logarithms.
_LARGE = 1e150
#: Adding it rounds to a whole number, which then stands in the last bits.
_ROUNDS = 6755399441055744.0
_PER_LOG2 = 1.4426950408889634
#: Logarithm of 2 in two parts, the first with zeros at its end.
_LOG2, _LOG2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10

F = TypeVar("F", bound=Callable[..., Any])


def _called(function: F) -> F:
    """The function, compiled into what calls it."""
    return cast("F", numba.njit(error_model="numpy")(function))


@_called
def _exponentials(x: Floats, whole: Floats, m: int) -> None:
    """Replace the first `m` numbers of `x` by their exponentials, to 3e-16."""
    bits, exponent = x.view(np.int64), whole.view(np.int64)
    for r in range(m):
        v = min(max(x[r], _LOWEST), _HIGHEST)
        shifted = v * _PER_LOG2 + _ROUNDS
        n = shifted - _ROUNDS
        y = (v - n * _LOG2) - n * _LOG2_REST
        whole[r] = shifted
        s = 1.0 / 479001600.0  # Taylor's series to the 12th power, on |y| < 0.35
        s = s * y + 1.0 / 39916800.0
        s = s * y + 1.0 / 3628800.0
        s = s * y + 1.0 / 362880.0
        s = s * y + 1.0 / 40320.0
        s = s * y + 1.0 / 5040.0
        s = s * y + 1.0 / 720.0
        s = s * y + 1.0 / 120.0
        s = s * y + 1.0 / 24.0
        s = s * y + 1.0 / 6.0
        s = s * y + 0.5
        s = s * y + 1.0
        x[r] = s * y + 1.0
    for r in range(m):
        bits[r] += exponent[r] << 52  # times 2**n


@_called
def _dot(x: Floats, y: Floats, spare: Floats, m: int) -> float:
    """Sum of products over `m`, a power of two from 8 on, half and half.

    So written, since sums that may not be reordered are taken one by one otherwise.
    """
    for r in range(m):
        spare[r] = x[r] * y[r]
    half = m // 2
    while half >= 4:
        low, high = spare[:half], spare[half : 2 * half]
        for r in range(half):
            low[r] += high[r]
        half //= 2
    return float((spare[0] + spare[2]) + (spare[1] + spare[3]))


@_called
def _coefficients(
    mean: Floats,
    random: Ints,
    kind: Ints,
    spread: Floats,
    row: Ints,
    column: Ints,
    w: Floats,
    whole: Floats,
    b: Floats,
    m: int,
) -> None:
    """The random coefficients `b` of `m` standard draws `w`, shape (random, CHUNK)."""
    for k in range(len(random)):
        here, at = b[k], mean[random[k]]
        for r in range(m):
            here[r] = at
    for e in range(len(spread)):
        here, there, s = b[row[e]], w[column[e]], spread[e]
        for r in range(m):
            here[r] += s * there[r]
    for k in range(len(random)):
        if kind[k] != 0:
            here, sign = b[k], float(kind[k])
            _exponentials(here, whole, m)
            for r in range(m):
                here[r] *= sign


@_called
def _any_large(product: Floats, m: int) -> bool:
    """Whether one is: a sum of flags, as a maximum would be taken one by one."""
    found = 0
    for r in range(m):
        found += product[r] > _LARGE
    return found > 0


@_called
def _put_aside(product: Floats, held: Floats, m: int) -> None:
    for r in range(m):
        held[r] += math.log(product[r])
        product[r] = 1.0


@_called
def _choices(
    d: Floats,
    start: Ints,
    first: int,
    end: int,
    random: Ints,
    v: Floats,
    b: Floats,
    p: Floats,
    pull: Floats,
    scratch: Floats,
    m: int,
) -> bool:
    """One person's situations under `m` draws of the coefficients.

    p         to be filled: probabilities of the other alternatives, (pairs, CHUNK)
    pull      to be filled: gradients of the log-probability of all choices by the
              random coefficients, (random, CHUNK)
    scratch   four rows: product of sums (1 over the probability of all choices),
              logarithms of what was put aside, two for use here

    Returns whether something was put aside.
    """
    product, held, total, whole = scratch[0], scratch[1], scratch[2], scratch[3]
    aside = False
    for r in range(m):
        product[r] = 1.0
        held[r] = 0.0
    for k in range(len(random)):
        here = pull[k]
        for r in range(m):
            here[r] = 0.0
    offset = start[first]
    for n in range(first, end):
        for r in range(m):
            total[r] = 1.0
        for i in range(start[n], start[n + 1]):
            mine, at = p[i - offset], v[i - offset]
            for r in range(m):
                mine[r] = at
            for k in range(len(random)):
                here, factor = b[k], d[i, random[k]]
                for r in range(m):
                    mine[r] -= factor * here[r]
            _exponentials(mine, whole, m)
            for r in range(m):
                total[r] += mine[r]
        for r in range(m):
            product[r] *= total[r]
            total[r] = 1.0 / total[r]
        for i in range(start[n], start[n + 1]):
            mine = p[i - offset]
            for r in range(m):
                mine[r] *= total[r]
            for k in range(len(random)):
                here, factor = pull[k], d[i, random[k]]
                for r in range(m):
                    here[r] += factor * mine[r]
        if n + 1 < end and _any_large(product, m):
            _put_aside(product, held, m)
            aside = True
    return aside


@_called
def _weights(scratch: Floats, aside: bool, m: int) -> float:
    """Turn products of sums into probabilities over exp of what is returned."""
    product, held = scratch[0], scratch[1]
    if not aside:
        for r in range(m):
            product[r] = 1.0 / product[r]
        return 0.0
    highest = -math.inf
    for r in range(m):
        held[r] = -(held[r] + math.log(product[r]))
        highest = max(highest, held[r])
    for r in range(m):
        product[r] = math.exp(held[r] - highest)
    return highest


def _simulated(
    d: Floats,
    start: Ints,
    person: Ints,
    mean: Floats,
    fixed: Ints,
    random: Ints,
    kind: Ints,
    spread: Floats,
    row: Ints,
    column: Ints,
    w: Floats,
    found: Floats,
    scores: Floats,
) -> None:
    """Simulated log-likelihood of each person, and its gradient.

    found    to be filled, shape (persons,)
    scores   to be filled, shape (persons, coefficients + entries of the spread)
    """
    size, randoms, draws = len(mean), len(random), w.shape[2]
    most = 1
    for n in range(len(person) - 1):
        most = max(most, start[person[n + 1]] - start[person[n]])
    v, share = np.empty(most), np.empty(most)
    p = np.zeros((most, CHUNK))
    b, pull = np.zeros((randoms, CHUNK)), np.zeros((randoms, CHUNK))
    mine, scratch = np.zeros((randoms, CHUNK)), np.zeros((4, CHUNK))
    ones, spare = np.ones(CHUNK), np.empty(CHUNK)
    sums = np.empty(randoms + len(spread))
    for n in range(len(person) - 1):
        first, end = person[n], person[n + 1]
        offset, pairs = start[first], start[end] - start[first]
        for i in range(pairs):
            at = 0.0
            for k in fixed:
                at -= d[offset + i, k] * mean[k]
            v[i] = at
            share[i] = 0.0
        sums[:] = 0.0
        whole_weight, reference = 0.0, -math.inf
        for c in range(0, draws, CHUNK):
            m = min(CHUNK, draws - c)
            filled = 8  # a power of two, with weights of 0 beyond the draws
            while filled < m:
                filled *= 2
            for k in range(randoms):
                for r in range(m):
                    mine[k, r] = w[n, k, c + r]
            _coefficients(
                mean, random, kind, spread, row, column, mine, scratch[3], b, m
            )
            aside = _choices(
                d, start, first, end, random, v, b, p, pull, scratch, filled
            )
            high = _weights(scratch, aside, m)
            weight = scratch[0]
            for r in range(m, filled):
                weight[r] = 0.0
            new = 1.0
            if high > reference:
                old = math.exp(reference - high)
                whole_weight *= old
                for i in range(pairs):
                    share[i] *= old
                for k in range(len(sums)):
                    sums[k] *= old
                reference = high
            elif high < reference:
                new = math.exp(high - reference)
                for r in range(m):
                    weight[r] *= new
            whole_weight += _dot(weight, ones, spare, filled)
            for i in range(pairs):
                share[i] += _dot(p[i], weight, spare, filled)
            for k in range(randoms):
                here = pull[k]
                for r in range(filled):
                    here[r] *= weight[r]
                if kind[k] != 0:
                    for r in range(filled):
                        here[r] *= b[k, r]
                sums[k] += _dot(here, ones, spare, filled)
            for e in range(len(spread)):
                sums[randoms + e] += _dot(pull[row[e]], mine[column[e]], spare, filled)
        found[n] = reference + math.log(whole_weight / draws)
        for k in fixed:
            at = 0.0
            for i in range(pairs):
                at += share[i] * d[offset + i, k]
            scores[n, k] = at / whole_weight
        for k in range(randoms):
            scores[n, random[k]] = sums[k] / whole_weight
        for e in range(len(spread)):
            scores[n, size + e] = sums[randoms + e] / whole_weight


@functools.cache
def simulated() -> Callable[..., None]:
    """`_simulated`, compiled in some seconds, or loaded from numba's cache.

    The cache lies in `__pycache__` beside this file, or where numba finds a place;
    where it finds none, each process compiles anew. Without `fastmath`: sums are never
    reordered, the same bits on every processor.
    """
    row, places, table = "f8[::1]", "i8[::1]", "f8[:,::1]"
    signature = (
        f"void({table},{places},{places},{row},{places},{places},{places},{row},"
        f"{places},{places},f8[:,:,::1],{row},{table})"
    )
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    made: Any
    try:
        made = numba.njit(signature, cache=True, **options)(_simulated)
    except (RuntimeError, OSError):
        made = numba.njit(signature, cache=False, **options)(_simulated)
    return cast("Callable[..., None]", made)


def warm() -> None:
    """Load the kernel, or compile it, so that no fit has to wait for that."""
    simulated()
