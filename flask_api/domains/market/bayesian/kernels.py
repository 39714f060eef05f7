"""Log-likelihoods of binary purchases and their slopes, compiled, one thread each.

Symbols: R rows (households, or distinct rows with counts), J items, F features of a
row, K factors, Q nodes of the integral over the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Rows at a time in the integral: a block of rows by nodes stays in the cache.
BLOCK = 128
#: Factors of a product before its logarithm is taken: each lies within 1..2.
_PRODUCT = 512
#: exp of less than this is lost beside 1.
_NOTHING = -40.0


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
        product = 1.0
        logs = 0.0
        for j in range(items):
            x = data[i, j]
            if x != x:
                residual[j] = 0.0
                continue
            eta = utility[j]
            small = np.exp(-abs(eta))
            product *= 1.0 + small
            if j % _PRODUCT == _PRODUCT - 1:
                logs += np.log(product)
                product = 1.0
            linear += x * eta - max(eta, 0.0)
            share = 1.0 / (1.0 + small)
            residual[j] = counts[i] * (x - (share if eta >= 0.0 else small * share))
        total += counts[i] * (linear - logs - np.log(product))
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
    size = len(nodes)
    utility = nodes @ np.ascontiguousarray(loadings.T) + base
    softplus = np.empty((size, items))
    share = np.empty((size, items))
    none_bought = log_weights.copy()
    for q in range(size):
        for j in range(items):
            eta = utility[q, j]
            small = np.exp(-abs(eta))
            softplus[q, j] = max(eta, 0.0) + np.log1p(small)
            share[q, j] = 1.0 / (1.0 + small)
            if eta < 0.0:
                share[q, j] *= small
    whole = len(seen) == 0
    if whole:
        for q in range(size):
            none_bought[q] -= softplus[q].sum()
    turned = np.ascontiguousarray(utility.T)
    soft_turned = np.ascontiguousarray(softplus.T)
    bought = np.zeros((size, items))
    known = np.zeros((size, items))
    total = 0.0
    for start in range(0, rows, BLOCK):
        end = min(start + BLOCK, rows)
        part = ones[start:end]
        logs = part @ turned
        if not whole:
            logs -= seen[start:end] @ soft_turned
        for i in range(end - start):
            top = -np.inf
            for q in range(size):
                logs[i, q] += none_bought[q]
                top = max(top, logs[i, q])
            mass = 0.0
            for q in range(size):
                gap = logs[i, q] - top
                logs[i, q] = np.exp(gap) if gap > _NOTHING else 0.0
                mass += logs[i, q]
            each[start + i] = top + np.log(mass)
            total += counts[start + i] * each[start + i]
            scale = counts[start + i] / mass
            for q in range(size):
                logs[i, q] *= scale
        posterior = np.ascontiguousarray(logs.T)
        bought += posterior @ part
        if whole:
            for q in range(size):
                known[q, 0] += posterior[q].sum()
        else:
            known += posterior @ seen[start:end]
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
            linear = 0.0
            product = 1.0
            taken = 0.0
            for j in range(items):
                x = data[i, j]
                if x != x:
                    continue
                eta = base[i, j] + shift[q, j]
                product *= 1.0 + np.exp(-abs(eta))
                if j % _PRODUCT == _PRODUCT - 1:
                    taken += np.log(product)
                    product = 1.0
                linear += x * eta - max(eta, 0.0)
            logs[q] = linear - taken - np.log(product) + log_weights[q]
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
    import numba

    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "boundscheck": False,
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except (RuntimeError, OSError):
        return numba.njit(cache=False, **options)(function)
