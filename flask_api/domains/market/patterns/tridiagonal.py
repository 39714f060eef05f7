"""Eigenvalues of large symmetric matrices in steps, none of which takes long.

What LAPACK's dsytrd and dstevd do in one call that nothing can stop: Householder
reflections, some columns at a time, turn the matrix into a tridiagonal one, whose
eigenvalues take little; the reflections turn its eigenvectors back.

Source: Dongarra, Hammarling and Sorensen (1989), J. Comput. Appl. Math. 27, 215-227.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal, eigvalsh_tridiagonal

from flask_api.domains.market.patterns.stepwise import Stepwise

Floats = npt.NDArray[np.float64]

#: Columns between two updates of what is left of the matrix; rows that are updated, or
#: vectors that are turned back, at a time.
PANEL, _ROWS = 32, 256
#: Multiplications between two reports: a part of a tenth of a second.
_TOGETHER = 4e8


def leading(
    matrix: Floats, count: int
) -> Generator[float, None, tuple[Floats, Floats]]:
    """All eigenvalues, falling, and the vectors of the largest `count` as columns.

    matrix   symmetric, shape (n, n), finite; it is left as it is
    count    1 or more, at most n

    Yields the share of the work, after each tenth of a second or so.
    """
    reflected, size = (yield from _reduced(matrix)), len(matrix)
    both = reflected.diagonal, reflected.beside
    values = eigvalsh_tridiagonal(*both, lapack_driver="sterf", check_finite=False)
    yield 1.0
    _, vectors = eigh_tridiagonal(
        *both, select="i", select_range=(size - count, size - 1), check_finite=False
    )
    vectors = np.ascontiguousarray(vectors[:, ::-1])
    yield 1.0
    for start in reversed(range(0, size, PANEL)):
        _turned_back(vectors, reflected, start)
    return np.asarray(values[::-1], np.float64), vectors


def eigenpairs(matrix: Floats) -> Generator[float, None, tuple[Floats, Floats]]:
    """All eigenvalues, rising, and their vectors as columns. Yields the share done."""
    work = Stepwise(_reduced(matrix))
    for share in work:
        yield share / 2
    values, vectors = eigh_tridiagonal(
        work.found.diagonal,
        work.found.beside,
        lapack_driver="stevd",
        check_finite=False,
    )
    yield 0.6
    starts = range(0, len(matrix), PANEL)
    for number, start in enumerate(reversed(starts), 1):
        _turned_back(vectors, work.found, start)
        yield 0.6 + 0.4 * number / len(starts)
    return values, vectors


class _Reflected:
    """A tridiagonal matrix, and the reflections that lead to it.

    Reflection k is 1 - scale[k] v v^T; its v stands below the diagonal of column k of
    `a`, and is 1 in row k + 1.
    """

    def __init__(self, matrix: Floats) -> None:
        size = len(matrix)
        self.a = np.array(matrix, np.float64, order="C")
        self.diagonal, self.beside = np.empty(size), np.empty(size - 1)
        self.scale = np.zeros(size)


def _reduced(matrix: Floats) -> Generator[float, None, _Reflected]:
    state, size, since = _Reflected(matrix), len(matrix), 0.0
    for start in range(0, size, PANEL):
        stop = min(start + PANEL, size)
        # rows from `start`: the vectors v of this panel, and the w of its updates
        v, w = np.zeros((2, size - start, stop - start))
        for j in range(stop - start):
            _column(state, start, j, v, w)
            since += float(size - start) ** 2
            if since > _TOGETHER:
                since = 0.0
                yield 1 - ((size - start - j) / size) ** 3
        left, right = np.hstack([v, w]), np.hstack([w, v]).T
        for row in range(stop, size, _ROWS):
            end = min(row + _ROWS, size)
            change = (
                left[row - start : end - start] @ right[:, stop - start : end - start]
            )
            state.a[row:end, stop:end] -= change
            since += (
                2.0 * PANEL * (end - row) * (end - stop) / 8
            )  # faster than products
        if since > _TOGETHER:
            since = 0.0
            yield 1 - ((size - stop) / size) ** 3
    return state


def _column(state: _Reflected, start: int, j: int, v: Floats, w: Floats) -> None:
    """Reflect column `start` + j; `v` and `w` hold those of the panel before it."""
    a, here = state.a, start + j
    column = a[here:, here].copy()
    column -= v[j:, :j] @ w[j, :j] + w[j:, :j] @ v[j, :j]
    state.diagonal[here] = column[0]
    if here + 1 == len(a):
        return
    x = column[1:]
    rest = float(x[1:] @ x[1:])
    if rest == 0.0:  # nothing to reflect
        state.beside[here] = x[0]
        a[here + 1 :, here] = 0.0
        return
    length = -np.copysign(np.sqrt(float(x[0]) ** 2 + rest), x[0])
    scale = (length - x[0]) / length
    state.beside[here], state.scale[here] = length, scale
    x /= x[0] - length
    x[0] = 1.0
    product = np.empty(len(x))
    _times()(a, here + 1, x, product)
    done, added = v[j + 1 :, :j], w[j + 1 :, :j]
    product -= done @ (added.T @ x) + added @ (done.T @ x)
    product *= scale
    product -= scale / 2 * float(product @ x) * x
    v[j + 1 :, j], w[j + 1 :, j] = x, product
    a[here + 1 :, here] = x


def _turned_back(vectors: Floats, reflected: _Reflected, start: int) -> None:
    """Apply the reflections of one panel, all together: 1 - v t v^T."""
    stop = min(start + PANEL, len(vectors))
    v = np.tril(reflected.a[start:, start:stop], -1)
    t = np.zeros((stop - start, stop - start))
    for j in range(stop - start):
        scale = reflected.scale[start + j]
        t[:j, j] = -scale * (t[:j, :j] @ (v[:, :j].T @ v[:, j]))
        t[j, j] = scale
    turned = t @ (v.T @ vectors[start:])
    for row in range(start, len(vectors), _ROWS):
        vectors[row : row + _ROWS] -= v[row - start : row - start + _ROWS] @ turned


def _product(a: Floats, first: int, x: Floats, y: Floats) -> None:
    """y = a[first:, first:] @ x, of which only the lower triangle is read.

    Four rows at a time: the matrix comes from memory once, for both its halves.
    """
    size = len(x)
    y[:] = 0.0
    whole = size - size % 4
    for i in range(0, whole, 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        r0, r1 = a[first + i, first:], a[first + i + 1, first:]
        r2, r3 = a[first + i + 2, first:], a[first + i + 3, first:]
        s0 = s1 = s2 = s3 = 0.0
        for j in range(i):
            s0 += r0[j] * x[j]
            s1 += r1[j] * x[j]
            s2 += r2[j] * x[j]
            s3 += r3[j] * x[j]
            y[j] += r0[j] * x0 + r1[j] * x1 + r2[j] * x2 + r3[j] * x3
        y[i] += s0 + r0[i] * x0 + r1[i] * x1 + r2[i] * x2 + r3[i] * x3
        y[i + 1] += s1 + r1[i] * x0 + r1[i + 1] * x1 + r2[i + 1] * x2 + r3[i + 1] * x3
        y[i + 2] += s2 + r2[i] * x0 + r2[i + 1] * x1 + r2[i + 2] * x2 + r3[i + 2] * x3
        y[i + 3] += s3 + r3[i] * x0 + r3[i + 1] * x1 + r3[i + 2] * x2 + r3[i + 3] * x3
    for i in range(whole, size):
        row, own = a[first + i, first:], 0.0
        for j in range(i):
            own += row[j] * x[j]
            y[j] += row[j] * x[i]
        y[i] += own + row[i] * x[i]


def warm() -> None:
    """Load the compiled code, or compile it, so that no job has to wait for that."""
    _times()


@cache
def _times() -> Callable[[Floats, int, Floats, Floats], None]:
    """`_product`, compiled when it is first called, or loaded from numba's cache."""
    import numba

    options: dict[str, Any] = {
        "error_model": "numpy",
        "fastmath": {"reassoc", "contract", "nsz"},
    }
    signature = "void(f8[:,::1], i8, f8[::1], f8[::1])"
    try:
        made = numba.njit(signature, cache=True, **options)(_product)
    except (RuntimeError, OSError):  # no place for the cache
        made = numba.njit(signature, cache=False, **options)(_product)
    return cast(Callable[[Floats, int, Floats, Floats], None], made)
