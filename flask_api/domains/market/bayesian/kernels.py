"""Log-likelihoods of binary purchases and their slopes, compiled, one thread each.

Symbols: R rows (households, or distinct rows with counts), J items, F features of a
row, K factors, Q nodes of the integral over the scores.

All in one file: numba's cache notices a change of this file only. Sums over items are
taken in the order that suits the processor's vector registers: on another processor
their last digits differ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Rows at a time in the integral: a block of rows by nodes stays in the cache.
BLOCK = 128
#: Factors of a product before its logarithm is taken: each lies within 1..2.
_PRODUCT = 512
#: From so many nodes on a row only looks at those near its own, told by every so many.
_MANY, _APART = 64, 8
#: exp of less than this is lost beside 1.
_NOTHING = -40.0
#: Added to a number and taken away it leaves the nearest whole one, which then stands
#: in the lowest bits of the sum.
_WHOLE = 1.5 * 2.0**52
#: log 2 in two parts: whole multiples of the first are exact.
_LOG2 = 6.93147180369123816490e-01
_LOG2_REST = 1.90821492927058770002e-10
#: exp(-x) is 0 beside anything from here on.
_FARTHEST = 700.0


@intrinsic
def _its_bits(context: Any, number: Any) -> Any:
    """The bits of a number, as a whole number."""

    def made(code: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], code.get_value_type(types.int64))

    return types.int64(types.float64), made


@intrinsic
def _of_bits(context: Any, bits: Any) -> Any:
    """The number with these bits."""

    def made(code: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], code.get_value_type(types.float64))

    return types.float64(types.int64), made


#: As compiled code calls them: without the context.
_bits, _number = cast(Any, _its_bits), cast(Any, _of_bits)


@numba.njit(error_model="numpy", fastmath={"contract"})
def faded(x: float) -> float:
    """exp(-x) for x >= 0, to 4e-16 of itself up to 700.

    numpy's takes one number at a time; this one several in the vector registers. By
    Taylor's series within half of log 2 of a power of 2, put into the exponent.
    """
    x = min(x, _FARTHEST)
    shifted = x * (-1 / np.log(2.0)) + _WHOLE
    power = shifted - _WHOLE
    r = (-x - power * _LOG2) - power * _LOG2_REST
    p = 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return float(_number(_bits(p) + (_bits(shifted) << 52)))


def _bilinear(
    data: Floats,
    counts: Floats,
    base: Floats,
    features: Floats,
    weights: Floats,
    by_base: Floats,
    by_features: Floats,
    by_weights: Floats,
) -> float:
    """Sum of counts x log Bernoulli(data | logit = base + features @ weights).

    data         0 or 1, NaN = missing, shape (R, J)
    counts       shape (R,)
    base         shape (J,)
    features     shape (R, F)
    weights      shape (F, J)
    by_...       the slopes by these, written over
    """
    rows, items = data.shape
    width = features.shape[1]
    by_base[:] = 0.0
    by_features[:] = 0.0
    by_weights[:] = 0.0
    residual = np.empty(items)
    utility = np.empty(items)
    total = 0.0
    for i in range(rows):
        for j in range(items):
            utility[j] = base[j]
        for f in range(width):
            value = features[i, f]
            for j in range(items):
                utility[j] += value * weights[f, j]
        linear = 0.0
        logs = 0.0
        count = counts[i]
        for start in range(0, items, _PRODUCT):
            product = 1.0
            for j in range(start, min(start + _PRODUCT, items)):
                x = data[i, j]
                known = x == x
                eta = utility[j]
                small = faded(abs(eta))
                product *= 1.0 + small if known else 1.0
                linear += x * eta - max(eta, 0.0) if known else 0.0
                share = (1.0 if eta >= 0.0 else small) / (1.0 + small)
                residual[j] = count * (x - share) if known else 0.0
            logs += np.log(product)
        total += count * (linear - logs)
        for j in range(items):
            by_base[j] += residual[j]
        for f in range(width):
            value = features[i, f]
            slope = 0.0
            for j in range(items):
                slope += residual[j] * weights[f, j]
                by_weights[f, j] += residual[j] * value
            by_features[i, f] = slope
    return total


_called = numba.njit(
    error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz"}
)


@_called
def _of_nodes(
    utility: Floats, softplus: Floats, share: Floats, none_bought: Floats
) -> None:
    """Chances at each node, shape (Q, J), and what a product not bought costs there:
    by product (`softplus`), or where all are known taken off `none_bought`, (Q,)."""
    size, items = utility.shape
    for q in range(size):
        for start in range(0, items, _PRODUCT):
            product, linear = 1.0, 0.0
            for j in range(start, min(start + _PRODUCT, items)):
                eta = utility[q, j]
                small = faded(abs(eta))
                product *= 1.0 + small
                linear += max(eta, 0.0)
                share[q, j] = (1.0 if eta >= 0.0 else small) / (1.0 + small)
            if len(softplus) == 0:
                none_bought[q] -= linear + np.log(product)
    for q in range(len(softplus)):
        for j in range(items):
            eta = utility[q, j]
            softplus[q, j] = max(eta, 0.0) + np.log1p(faded(abs(eta)))


@_called
def _concave(nodes: Floats, log_weights: Floats) -> bool:
    """Whether likelihoods of rows rise and fall once along many nodes in a line."""
    size, width = nodes.shape
    if width != 1 or size < _MANY:
        return False
    before = np.inf
    for q in range(size - 1):
        step = nodes[q + 1, 0] - nodes[q, 0]
        rise = (log_weights[q + 1] - log_weights[q]) / step
        if not step > 0.0 or rise > before:
            return False
        before = rise
    return True


@_called
def _windows(
    ones: Floats,
    seen: Floats,
    utility: Floats,
    softplus: Floats,
    none_bought: Floats,
    low: Ints,
    high: Ints,
) -> None:
    """The nodes low..high - 1 of each row beyond which its likelihood is nothing.

    Told by every eighth node: the logarithm of a row's likelihood is concave, so that
    it falls further outwards from any node below the highest.
    """
    rows, size = len(ones), len(utility)
    some = np.arange(0, size, _APART)
    there = utility[some]
    soft = softplus[some] if len(seen) else softplus
    for start in range(0, rows, BLOCK):
        end = min(start + BLOCK, rows)
        logs = ones[start:end] @ there.T
        if len(seen):
            logs -= seen[start:end] @ soft.T
        for i in range(end - start):
            best = 0
            for k in range(len(some)):
                logs[i, k] += none_bought[some[k]]
                if logs[i, k] > logs[i, best]:
                    best = k
            least = logs[i, best] + _NOTHING
            k = best
            while k > 0 and not logs[i, k] < least:
                k -= 1
            low[start + i] = some[k]
            k = best
            while k < len(some) and not logs[i, k] < least:
                k += 1
            high[start + i] = some[k] + 1 if k < len(some) else size


@_called
def _shared_out(logs: Floats, more: Floats, count: float) -> float:
    """Log-likelihood of a row; its `logs` by node become weights, of sum `count`."""
    top = -np.inf
    for q in range(len(logs)):
        logs[q] += more[q]
        top = max(top, logs[q])
    mass = 0.0
    for q in range(len(logs)):
        gap = logs[q] - top
        near = faded(-gap)
        near = near if gap > _NOTHING else 0.0
        logs[q] = near
        mass += near
    for q in range(len(logs)):
        logs[q] *= count / mass
    return float(top + np.log(mass))


def _integrated(
    ones: Floats,
    seen: Floats,
    counts: Floats,
    base: Floats,
    loadings: Floats,
    nodes: Floats,
    log_weights: Floats,
    by_base: Floats,
    by_loadings: Floats,
    each: Floats,
) -> float:
    """Sum of counts x log of the integral over the scores of the Bernoulli likelihood.

    ones         1 where bought, else 0, shape (R, J)
    seen         1 where known, shape (R, J); shape (0, J) = all known
    base         shape (J,); loadings shape (J, K)
    nodes        shape (Q, K), with logarithms of their weights, shape (Q,)
    by_...       the slopes, written over
    each         log-likelihood of each row, written over, shape (R,)
    """
    rows, items = ones.shape
    size, whole = len(nodes), len(seen) == 0
    utility = nodes @ np.ascontiguousarray(loadings.T) + base
    softplus = np.empty((0 if whole else size, items))
    share = np.empty((size, items))
    none_bought = log_weights.copy()
    _of_nodes(utility, softplus, share, none_bought)
    low, high = np.zeros(rows, np.int64), np.full(rows, size)
    if _concave(nodes, log_weights):
        _windows(ones, seen, utility, softplus, none_bought, low, high)
    order = np.argsort(low + high, kind="mergesort")
    bought = np.zeros((size, items))
    known = np.zeros((size, 1 if whole else items))
    total = 0.0
    for start in range(0, rows, BLOCK):
        which = order[start : start + BLOCK]
        first, last = low[which].min(), high[which].max()
        part = ones[which]
        logs = part @ utility[first:last].T
        if not whole:
            logs -= seen[which] @ softplus[first:last].T
        for i in range(len(which)):
            value = _shared_out(logs[i], none_bought[first:last], counts[which[i]])
            each[which[i]] = value
            total += counts[which[i]] * value
        posterior = np.ascontiguousarray(logs.T)
        bought[first:last] += posterior @ part
        if whole:
            for q in range(first, last):
                known[q, 0] += posterior[q - first].sum()
        else:
            known[first:last] += posterior @ seen[which]
    for q in range(size):
        for j in range(items):
            bought[q, j] -= known[q, 0 if whole else j] * share[q, j]
    for j in range(items):
        by_base[j] = bought[:, j].sum()
    by_loadings[:] = bought.T.copy() @ nodes
    return total


def _each_row(
    data: Floats,
    base: Floats,
    weights: Floats,
    nodes: Floats,
    log_weights: Floats,
    each: Floats,
) -> None:
    """Log-likelihood of every row, its own values integrated out over the nodes.

    data     0, 1 or NaN, shape (R, J)
    base     what the rows' observed features say, shape (R, J)
    weights  of a row's own values, shape (K, J)
    each     written over, shape (R,)
    """
    rows, items = data.shape
    size, width = nodes.shape
    shift = nodes @ weights if width > 0 else np.zeros((size, items))
    logs = np.empty(size)
    for i in range(rows):
        top = -np.inf
        for q in range(size):
            linear = log_weights[q]
            for start in range(0, items, _PRODUCT):
                product = 1.0
                for j in range(start, min(start + _PRODUCT, items)):
                    x = data[i, j]
                    known = x == x
                    eta = base[i, j] + shift[q, j]
                    product *= 1.0 + faded(abs(eta)) if known else 1.0
                    linear += x * eta - max(eta, 0.0) if known else 0.0
                linear -= np.log(product)
            logs[q] = linear
            top = max(top, logs[q])
        mass = 0.0
        for q in range(size):
            mass += np.exp(logs[q] - top)
        each[i] = top + np.log(mass)


@cache
def each_row() -> Callable[..., None]:
    """`_each_row`, compiled when it is first called, or loaded from numba's cache."""
    return cast(Callable[..., None], _compiled(_each_row))


@cache
def bilinear() -> Callable[..., float]:
    """`_bilinear`, likewise."""
    return cast(Callable[..., float], _compiled(_bilinear))


@cache
def integrated() -> Callable[..., float]:
    """`_integrated`, likewise."""
    return cast(Callable[..., float], _compiled(_integrated))


def warm() -> None:
    """Load what models call, or compile it, so that no run has to wait for that."""
    table, row = "f8[:,::1]", "f8[::1]"
    for kernel, arguments in (
        (each_row(), (*[table] * 4, row, row)),
        (bilinear(), (table, row, row, table, table, row, table, table)),
        (
            integrated(),
            (table, table, row, row, table, table, row, row, table, row),
        ),
    ):
        cast(Any, kernel).compile(f"({', '.join(arguments)})")


def _compiled(function: Callable[..., Any]) -> Any:
    """The cache lies in `__pycache__` beside this file, or where numba finds a place.

    Where it finds none, each process compiles anew.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "boundscheck": False,
        "fastmath": {"reassoc", "contract", "nsz"},
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except (RuntimeError, OSError):
        return numba.njit(cache=False, **options)(function)
