"""Maximum likelihood where the ends are unknown too: triangular and PERT."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from scipy.optimize import minimize

from flask_api.numerics.distribution import Floats
from flask_api.numerics.distributions_plain import Triangular
from flask_api.numerics.distributions_shaped import Pert

#: Ends are searched this far beyond the data, as a share of their range.
_NEAR, _FAR = 1e-9, 1e3


def triangular(x: Floats) -> Triangular:
    """The most likely triangular distribution of rising data `x`, not all equal.

    For given ends the best mode is one of the data: all are tried at once. Source:
    Oliver (1972), Amer. Statist. 26(4), doi:10.2307/2683902 (mode); ends by search.
    """
    low, high = float(x[0]), float(x[-1])
    width = high - low

    def loss(beyond: Floats) -> float:
        a, b = _ends(beyond, low, high, width)
        return -_best_mode(x, a, b)[1]

    a, b = _ends(
        _search(loss, [[-3, -3], [-1, -1], [-1, -6], [-6, -1]]), low, high, width
    )
    # the ends may stand on the data: a triangle that begins at its mode
    found = [(*_best_mode(x, *ends), ends) for ends in ((a, b), (low, b), (a, high))]
    mode, _, (a, b) = max(found, key=lambda each: each[1])
    return Triangular(a, mode, b)


def _best_mode(x: Floats, a: float, b: float) -> tuple[float, float]:
    """The mode that makes the ends a, b most likely, and the log likelihood."""
    n = len(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        rising, falling = np.log(x - a), np.log(b - x)
        up = np.concatenate([[0.0], np.cumsum(rising)[:-1]])
        down = np.concatenate([np.cumsum(falling[::-1])[::-1][1:], [0.0]])
        k = np.arange(n)
        # a datum that is the mode has the full height 2/(b - a)
        each = up - k * rising + down - (n - 1 - k) * falling
    # at an end, one side has no data and no width: 0 times -inf
    each[np.isnan(each)] = -np.inf
    if x[0] == a and n > 1:
        each[0] = down[0] - (n - 1) * falling[0]
    if x[-1] == b and n > 1:
        each[-1] = up[-1] - (n - 1) * rising[-1]
    best = int(each.argmax())
    return float(x[best]), n * math.log(2 / (b - a)) + float(each[best])


def pert(x: Floats) -> Pert:
    """The most likely PERT (lambda 4) of rising data `x`, not all equal."""
    low, high = float(x[0]), float(x[-1])
    width = high - low

    def read(point: Floats) -> Pert:
        a, b = _ends(point[:2], low, high, width)
        share = 1 / (1 + math.exp(-max(-30.0, min(30.0, float(point[2])))))
        return Pert(a, min(max(a + share * (b - a), a), b), b)

    def loss(point: Floats) -> float:
        total = float(read(point).logpdf(x).sum())
        return -total if math.isfinite(total) else 1e300

    centre = (float(np.mean(x)) - low) / width
    tilt = math.log(centre / (1 - centre))
    starts: list[list[float]] = [[-2, -2, tilt], [0, 0, tilt], [-5, 0, -2], [0, -5, 2]]
    return read(_search(loss, starts))


def _ends(beyond: Floats, low: float, high: float, width: float) -> tuple[float, float]:
    """Ends outside the data, from the logarithms of how far outside."""
    out = width * np.clip(np.exp(np.minimum(beyond, 50.0)), _NEAR, _FAR)
    return low - float(out[0]), high + float(out[1])


def _search(loss: Any, starts: list[list[float]]) -> Floats:
    """The best point found from several starts, without derivatives."""
    rough = [
        minimize(loss, start, method="Nelder-Mead", options={"maxiter": 150})
        for start in starts
    ]
    best = min(rough, key=lambda each: float(each.fun))
    fine = {"xatol": 1e-10, "fatol": 1e-11, "maxiter": 4000, "maxfev": 8000}
    return cast(Floats, minimize(loss, best.x, method="Nelder-Mead", options=fine).x)
