"""All real roots of a polynomial with whole coefficients, found with certainty.

A polynomial is a list of integers, lowest power first, its last entry not 0. Everything
that decides how many roots there are, and where, is done in whole numbers: no rounding
can lose a root or make one up.

Method: Collins & Akritas (1976), "Polynomial real root isolation using Descartes' rule
of signs", SYMSAC '76, 272-275, doi:10.1145/800205.806346.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

#: Mersenne primes 2**e - 1: modulo the first, two polynomials without a common factor
#: show that they have none; the longer ones hold the coefficients of a common factor.
_PRIME_EXPONENTS = (127, 521, 2203, 9689)
#: Roots are narrowed to this many bits: ten more than a float has, to round right.
_BITS = 63


def sign_changes(coefficients: Sequence[int]) -> int:
    """How often the sign changes along the list, zeros left out."""
    signs = [value > 0 for value in coefficients if value]
    return sum(one != other for one, other in pairwise(signs))


def square_free(p: Sequence[int]) -> list[int]:
    """The polynomial with the same roots, each of them once."""
    p = _primitive(p)
    slope = [power * value for power, value in enumerate(p)][1:]
    if not any(slope):
        return p
    for exponent in _PRIME_EXPONENTS:
        prime = 2**exponent - 1
        if p[-1] % prime == 0:
            continue
        common = _common_factor(p, slope, prime)
        if len(common) == 1:
            return p
        lead = math.gcd(p[-1], slope[-1])
        residues = (value * lead % prime for value in common)
        factor = _primitive([r - prime if 2 * r > prime else r for r in residues])
        if _quotient(slope, factor) is not None:
            rest = _quotient(p, factor)
            if rest is not None:
                return rest
    raise ArithmeticError(
        f"no prime of {_PRIME_EXPONENTS} was long enough for a common factor of a "
        f"polynomial with coefficients of {max(p, key=abs).bit_length()} bits"
    )


def odd_part(p: Sequence[int]) -> list[int]:
    """The polynomial whose roots are those where `p` changes its sign, each once."""
    result, rest = [1], _primitive(p)
    while len(rest) > 1:
        at_least_once = square_free(rest)
        rest = _exact(rest, at_least_once)
        at_least_twice = square_free(rest)
        rest = _exact(rest, at_least_twice)
        result = _product(result, _exact(at_least_once, at_least_twice))
    return result


def unit_roots(p: Sequence[int]) -> list[Fraction]:
    """The roots strictly between 0 and 1, sorted, each to 63 bits.

    p   without repeated roots, as `square_free` returns it
    """
    exact: set[Fraction] = set()
    found: list[Fraction] = []
    waiting = [(list(p), 0, 0)]
    while waiting:
        part, at, level = waiting.pop()
        while part[0] == 0:  # a root where two halves meet
            if at:
                exact.add(Fraction(at, 2**level))
            part = part[1:]
        # (1 + x)^n p(1 / (1 + x)): 0 < x < infinity stands for the whole interval
        count = sign_changes(_shifted(part[::-1]))
        if count == 1:
            found.append(_narrowed(part, at, level))
        elif count > 1:
            degree = len(part) - 1
            half = [value << (degree - power) for power, value in enumerate(part)]
            waiting.append((half, 2 * at, level + 1))
            waiting.append((_shifted(half), 2 * at + 1, level + 1))
    return sorted([*found, *exact])


def _shifted(p: Sequence[int]) -> list[int]:
    """p(x + 1)."""
    rest, result = list(p)[::-1], []
    while rest:
        rest = list(accumulate(rest))
        result.append(rest.pop())
    return result


def _narrowed(part: Sequence[int], at: int, level: int) -> Fraction:
    """The one root of part((x - at / 2^level) 2^level) in its interval.

    part   the polynomial in t = 0..1, which runs through the interval; part[0] != 0
    """
    before = part[0] > 0
    low, high = _guessed(part, before, at)
    while (high - low) * 2**_BITS > at + low:
        middle = (low + high) / 2
        sign = _sign(part, middle)
        if sign == 0:
            low = high = middle
        elif (sign > 0) == before:
            low = middle
        else:
            high = middle
    return (at + (low + high) / 2) / Fraction(2**level)


def _guessed(part: Sequence[int], before: bool, at: int) -> tuple[Fraction, Fraction]:
    """An interval that surely holds the root, small where floats could find it."""
    shift = max(0, max(value.bit_length() for value in part) - 900)
    floats = [float(value >> shift) for value in part]
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        worth = 0.0
        for value in reversed(floats):
            worth = worth * middle + value
        low, high = (middle, high) if (worth > 0) == before else (low, middle)
    for bits in (52, 40, 28):
        margin = (at + high) * 0.5**bits
        left, right = Fraction(max(low - margin, 0)), Fraction(min(high + margin, 1))
        if (left == 0 or (_sign(part, left) > 0) == before) and (
            right == 1 or (_sign(part, right) > 0) != before
        ):
            return left, right
    return Fraction(0), Fraction(1)


def _sign(p: Sequence[int], x: Fraction) -> int:
    """Sign of p(x) for x = whole number / 2^k."""
    number, bits = x.numerator, x.denominator.bit_length() - 1
    value, scale = p[-1], 0
    for coefficient in reversed(p[:-1]):
        scale += bits
        value = value * number + (coefficient << scale)
    return (value > 0) - (value < 0)


def _primitive(p: Sequence[int]) -> list[int]:
    common = math.gcd(*p)
    return [value // common for value in p]


def _common_factor(p: Sequence[int], q: Sequence[int], prime: int) -> list[int]:
    """Greatest common divisor modulo a prime, with 1 as its highest coefficient."""
    a, b = [value % prime for value in p], [value % prime for value in q]
    while b and b[-1] == 0:
        b.pop()
    while b:
        inverse = pow(b[-1], -1, prime)
        b = [value * inverse % prime for value in b]
        while len(a) >= len(b):
            factor, start = a[-1], len(a) - len(b)
            if factor:
                for power, value in enumerate(b, start):
                    a[power] = (a[power] - factor * value) % prime
            a.pop()
        while a and a[-1] == 0:
            a.pop()
        a, b = b, a
    return a


def _quotient(p: Sequence[int], divisor: Sequence[int]) -> list[int] | None:
    """p / divisor where that leaves nothing, else None; the divisor is primitive."""
    rest, result = list(p), []
    while len(rest) >= len(divisor):
        factor, left = divmod(rest[-1], divisor[-1])
        if left:
            return None
        start = len(rest) - len(divisor)
        for power, value in enumerate(divisor, start):
            rest[power] -= factor * value
        rest.pop()
        result.append(factor)
    return None if any(rest) else result[::-1]


def _exact(p: Sequence[int], divisor: Sequence[int]) -> list[int]:
    result = _quotient(p, divisor)
    if result is None:
        raise ArithmeticError(f"{divisor} is no factor of {p}")
    return result


def _product(p: Sequence[int], q: Sequence[int]) -> list[int]:
    result = [0] * (len(p) + len(q) - 1)
    for power, value in enumerate(p):
        for other, factor in enumerate(q):
            result[power + other] += value * factor
    return result
