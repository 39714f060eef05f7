"""Compiled: rounds of coordinate descent on a non-negative factorisation of patterns.

All in one file: numba's cache notices a change of this file only.

Legend
codes     patterns by bytes, shape (64 tiles, bytes), uint8, no values missing; the
          last tile is filled up by patterns that no row has
counts    rows of each pattern, shape (64 tiles,)
w         weights of components by pattern, in tiles: shape (tiles, lanes, 64). Lanes
          are the components, filled up to a multiple of 4 by components that are 0
h         products by component, shape (8 bytes, lanes), 0 beyond the last product
table     for each byte and each of its 256 values the sum of h over its products that
          were bought, shape (lanes / 4, bytes, 256, 4)
mass      for each byte and value the summed weights of the rows that have it, same
          shape: halved bit by bit it gives X^T W

A round is one of scikit-learn's coordinate descent on the full table: first each row's
weights, component after component, then each product's. Alike rows get alike weights,
so a pattern stands for all its rows; X h is looked up per byte. Between rounds the
products may be pushed on (Ang and Gillis 2019, Neural Comput. 31, 417-439); then what
was looked up also serves for more than one sweep over the components (Gillis and
Glineur 2012, Neural Comput. 24, 1085-1105).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

#: Components side by side in the processor's vector registers.
LANES = 4
#: Patterns side by side: so many go through each step together.
TILE = 64
#: Sweeps over the components a round: for weights and for products, which cost nearly
#: nothing. They halve the rounds; more of them gain little.
WEIGHT_SWEEPS, PRODUCT_SWEEPS = 2, 4
#: Slopes this small, as part of the terms that they are sums of, are rounding.
ROUNDING = 1e-13
#: What `progress` of `descend` holds: rounds done, squared error, the slope that is
#: left, that of the first round.
ROUNDS, SQUARES, SLOPE, FIRST, PROGRESS = 0, 1, 2, 3, 4


def tiled(codes: Bytes, counts: Floats) -> tuple[Bytes, Floats]:
    """Codes and counts filled up to whole tiles by patterns that no row has."""
    more = -len(codes) % TILE
    return np.pad(codes, ((0, more), (0, 0))), np.pad(counts, (0, more))


_called = numba.njit(error_model="numpy")


@_called
def _fill_table(h: Floats, table: Floats) -> None:
    """Sums over the set bits of each value, by doubling: bit after bit."""
    for q in range(table.shape[0]):
        for bit in range(h.shape[0]):
            here, size = table[q, bit >> 3], 1 << (bit & 7)
            if size == 1:
                for k in range(LANES):
                    here[0, k] = 0.0
            for v in range(size):
                for k in range(LANES):
                    here[size + v, k] = here[v, k] + h[bit, LANES * q + k]


@_called
def _bit_totals(mass: Floats, totals: Floats) -> None:
    """Per bit and component the mass where it is set, by halving; spoils `mass`."""
    totals[:] = 0.0
    for q in range(mass.shape[0]):
        for bit in range(totals.shape[0] - 1, -1, -1):
            here, size = mass[q, bit >> 3], 1 << (bit & 7)
            for v in range(size):
                for k in range(LANES):
                    totals[bit, LANES * q + k] += here[size + v, k]
                    here[v, k] += here[size + v, k]


@_called
def _gram(rows: Floats, gram: Floats) -> None:
    """rows^T rows."""
    lanes = rows.shape[1]
    gram[:] = 0.0
    for i in range(rows.shape[0]):
        for r in range(lanes):
            for k in range(lanes):
                gram[r, k] += rows[i, r] * rows[i, k]


@_called
def _look_up(codes: Bytes, start: int, table: Floats, slope: Floats) -> None:
    """Minus X h of a tile of patterns into `slope`."""
    for q in range(table.shape[0]):
        for i in range(TILE):
            a = b = c = d = 0.0
            for byte in range(codes.shape[1]):
                line = table[q, byte, codes[start + i, byte]]
                a += line[0]
                b += line[1]
                c += line[2]
                d += line[3]
            slope[4 * q, i], slope[4 * q + 1, i] = -a, -b
            slope[4 * q + 2, i], slope[4 * q + 3, i] = -c, -d


@_called
def _settle(
    x: Floats,
    slope: Floats,
    gram: Floats,
    components: int,
    sweeps: int,
    count: Floats,
    met: Floats,
) -> None:
    """Each component of a tile in turn to where the error is least, not below 0.

    x, slope   shape (lanes, TILE); the slope of half the squared error at x = 0
    met        gets the slopes that the first sweep met times `count`, but for those
               that x >= 0 holds up, shape (TILE,)
    """
    steep = np.empty(TILE)
    for turn in range(sweeps * components):
        t = turn % components
        here, begun, factor = x[t], slope[t], gram[t]
        for i in range(TILE):
            steep[i] = begun[i]
        for r in range(0, len(x), LANES):  # by fours: memory is slower than sums
            a, b, c, d = x[r], x[r + 1], x[r + 2], x[r + 3]
            e, f, g, h = factor[r], factor[r + 1], factor[r + 2], factor[r + 3]
            for i in range(TILE):
                steep[i] += e * a[i] + f * b[i] + g * c[i] + h * d[i]
        step = 1.0 / factor[t] if factor[t] > 0.0 else 0.0
        if turn < components:
            for i in range(TILE):
                held = here[i] <= 0.0 and steep[i] >= 0.0
                met[i] += 0.0 if held else count[i] * abs(steep[i])
        for i in range(TILE):
            here[i] = max(here[i] - steep[i] * step, 0.0)


@_called
def _gather(codes: Bytes, start: int, x: Floats, mass: Floats) -> None:
    """Add a tile's weights to `mass`; x is already times counts."""
    for q in range(mass.shape[0]):
        for i in range(TILE):
            a, b = x[4 * q, i], x[4 * q + 1, i]
            c, d = x[4 * q + 2, i], x[4 * q + 3, i]
            for byte in range(codes.shape[1]):
                line = mass[q, byte, codes[start + i, byte]]
                line[0] += a
                line[1] += b
                line[2] += c
                line[3] += d


@_called
def _add_products(x: Floats, scaled: Floats, components: int, sums: Floats) -> None:
    """Add x scaled^T of a tile to the lower triangle of `sums`, pattern by pattern."""
    for r in range(components):
        first = scaled[r]
        for k in range(r + 1):
            second, line = x[k], sums[r, k]
            for i in range(TILE):
                line[i] += first[i] * second[i]


@_called
def _weigh(
    codes: Bytes,
    counts: Floats,
    w: Floats,
    table: Floats,
    gram: Floats,
    components: int,
    sweeps: int,
    mass: Floats,
    inner: Floats,
) -> float:
    """Weights of all patterns; their sums into `mass` and `inner` (W^T W)."""
    lanes = w.shape[1]
    slope, scaled = np.zeros((2, lanes, TILE))
    met = np.zeros(TILE)
    sums = np.zeros((lanes, lanes, TILE))
    mass[:] = 0.0
    for tile in range(w.shape[0]):
        start, x = TILE * tile, w[tile]
        count = counts[start : start + TILE]
        _look_up(codes, start, table, slope)
        _settle(x, slope, gram, components, sweeps, count, met)
        for k in range(components):
            weights, line = x[k], scaled[k]
            for i in range(TILE):
                line[i] = weights[i] * count[i]
        _add_products(x, scaled, components, sums)
        _gather(codes, start, scaled, mass)
    for r in range(components):
        for k in range(r + 1):
            inner[r, k] = inner[k, r] = sums[r, k].sum()
    return float(met.sum())


@_called
def _spread(
    totals: Floats, h: Floats, inner: Floats, components: int, sweeps: int
) -> float:
    """Products of all components, as `_weigh` does the weights."""
    x, slope = np.zeros((2, h.shape[1], TILE))
    count, met = np.ones(TILE), np.zeros(TILE)
    for start in range(0, h.shape[0], TILE):
        here = min(TILE, h.shape[0] - start)
        for k in range(components):
            for i in range(TILE):
                x[k, i] = h[start + i, k] if i < here else 0.0
                slope[k, i] = -totals[start + i, k] if i < here else 0.0
        _settle(x, slope, inner, components, sweeps, count, met)
        for k in range(components):
            for i in range(here):
                h[start + i, k] = x[k, i]
    return float(met.sum())


def _descend(
    codes: Bytes,
    counts: Floats,
    components: int,
    whole: float,
    w: Floats,
    h: Floats,
    ahead: Floats,
    rounds: int,
    push: float,
    tol: float,
    progress: Floats,
) -> bool:
    """Some rounds; whether the slopes have fallen to `tol` of those of the first.

    whole   cells of the table that are 1, each row counted
    ahead   h pushed on, shape as h, as the last call left it; at first h itself
    push    how far the products go on the way they went, as a part of their last step,
            before weights are found for them; not after a round that lost. 0 = the
            rounds of scikit-learn, of one sweep; with some tenths and more sweeps a
            third of them is enough
    """
    first, second = (WEIGHT_SWEEPS, PRODUCT_SWEEPS) if push > 0.0 else (1, 1)
    width, lanes = codes.shape[1], w.shape[1]
    table, mass = np.empty((2, lanes // LANES, width, 256, LANES))
    gram, inner = np.zeros((2, lanes, lanes))
    totals, before = np.empty((2, 8 * width, lanes))
    rows = counts.sum()
    for _ in range(rounds):
        _fill_table(ahead, table)
        _gram(ahead, gram)
        met = _weigh(codes, counts, w, table, gram, components, first, mass, inner)
        _bit_totals(mass, totals)
        before[:] = h
        h[:] = ahead
        met += _spread(totals, h, inner, components, second)
        _gram(h, gram)
        squares = whole + (inner * gram).sum() - 2.0 * (totals * h).sum()
        if progress[ROUNDS] == 0.0:
            progress[FIRST] = met
        worse = progress[ROUNDS] > 0.0 and squares > progress[SQUARES]
        on = 0.0 if worse else push
        for j in range(h.shape[0]):
            for k in range(components):
                ahead[j, k] = max(0.0, h[j, k] + on * (h[j, k] - before[j, k]))
        progress[ROUNDS] += 1.0
        progress[SQUARES] = max(squares, 0.0)
        progress[SLOPE] = met
        # a start may be the optimum: then the slopes of the first round are rounding
        terms = totals.sum()
        for k in range(components):
            terms += np.sqrt(rows * inner[k, k]) * gram[k, k]
        if met <= max(tol * progress[FIRST], ROUNDING * terms):
            return True
    return False


_TILES, _MODEL, _ROW = "f8[:,:,::1]", "f8[:,::1]", "f8[::1]"


@functools.cache
def descend() -> Callable[..., bool]:
    """`_descend`, compiled in some seconds, or loaded from numba's cache."""
    signature = f"b1(u1[:,::1],{_ROW},i8,f8,{_TILES},{_MODEL},{_MODEL},i8,f8,f8,{_ROW})"
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    made: Any
    try:
        made = numba.njit(signature, cache=True, **options)(_descend)
    except (RuntimeError, OSError):  # no place for a cache: each process compiles
        made = numba.njit(signature, cache=False, **options)(_descend)
    return cast("Callable[..., bool]", made)


def warm() -> None:
    """Load the kernel, or compile it, so that no fit has to wait for that."""
    descend()
