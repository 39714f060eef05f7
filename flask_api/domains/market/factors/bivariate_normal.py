"""Two correlated standard normal variables: how often both exceed their thresholds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]

#: Nodes of Gauss-Legendre that give 15 digits up to each |correlation|.
_NODES = ((0.3, 6), (0.75, 12), (0.925, 20))
_TAIL_NODES = 20
_TAU = 2 * np.pi
#: exp() of less is 0 beside anything that is added to it.
_FAINT = -100.0


def both_exceed(h: Floats, k: Floats, rho: Floats) -> Floats:
    """P(X > h and Y > k) of standard normals X, Y with correlation rho.

    h, k   thresholds, shape (n,), finite
    rho    correlations, shape (n,), -1 <= rho <= 1

    Returns probabilities, shape (n,), to some 1e-15. Up to |rho| = 0.925 the density
    over the correlation is integrated in asin(rho) (Sheppard, Plackett 1954), beyond it
    from the perfect correlation backwards, with the steep part in closed form.
    Source: Genz (2004), Statistics and Computing 14, 251-260,
    doi:10.1023/B:STCO.0000035304.20635.31.
    """
    out = np.empty(len(rho))
    size = np.abs(rho)
    least = -1.0
    for most, nodes in _NODES:
        here = np.flatnonzero((size > least) & (size <= most))
        if len(here):
            out[here] = _by_angle(h[here], k[here], rho[here], nodes)
        least = most
    here = np.flatnonzero(size > least)
    if len(here):
        out[here] = _near_perfect(h[here], k[here], rho[here])
    return np.clip(out, 0.0, 1.0)


def density(h: Floats, k: Floats, rho: Floats) -> Floats:
    """Density at (h, k): also the slope of `both_exceed` over rho, |rho| < 1."""
    rest = (1 - rho) * (1 + rho)
    return np.asarray(
        np.exp(-(h * h + k * k - 2 * rho * h * k) / (2 * rest)) / (_TAU * np.sqrt(rest))
    )


def _by_angle(h: Floats, k: Floats, rho: Floats, nodes: int) -> Floats:
    x, weight = np.polynomial.legendre.leggauss(nodes)
    half = np.arcsin(rho) / 2
    sine = np.sin(half[:, None] * (1 + x))
    product, squares = (h * k)[:, None], ((h * h + k * k) / 2)[:, None]
    inside = np.exp((sine * product - squares) / (1 - sine * sine))
    return np.asarray(half / _TAU * (inside @ weight) + ndtr(-h) * ndtr(-k))


def _near_perfect(h: Floats, k: Floats, rho: Floats) -> Floats:
    """Correlation near 1 or -1: what lacks to the perfect one.

    A negative correlation is a positive one of X and -Y. With x^2 = 1 - t^2 the missing
    part is the integral from 0 to sqrt(1 - rho^2) of

        exp(-(h - k)^2 / (2 x^2)) exp(-h k / (1 + sqrt(1 - x^2))) / sqrt(1 - x^2)

    over 2 pi. Of the last two factors the first terms in x^2 are integrated in closed
    form, which leaves a smooth rest.
    """
    sign = np.where(rho < 0, -1.0, 1.0)
    k = k * sign
    lacking = _lacking(h, k, np.abs(rho))
    above = ndtr(-np.maximum(h, k)) - lacking
    # P(X > h, -Y > k) = P(X > h) - P(X > h, Y > -k), tails taken where they are small
    between = np.where(h < 0, ndtr(k) - ndtr(h), ndtr(-h) - ndtr(-k))
    below = np.where(h < k, between, 0.0) + lacking
    return np.asarray(np.where(rho < 0, below, above))


def _lacking(h: Floats, k: Floats, rho: Floats) -> Floats:
    x, weight = np.polynomial.legendre.leggauss(_TAIL_NODES)
    reach2 = (1 - rho) * (1 + rho)
    reach = np.sqrt(reach2)
    gap2, product = (h - k) ** 2, h * k
    gap = np.sqrt(gap2)
    c, d = (4 - product) / 8, (12 - product) / 80
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        steep = -(gap2 / reach2 + product) / 2
        closed = np.where(
            steep > _FAINT,
            reach
            * np.exp(steep)
            * (1 - c * (gap2 - reach2) * (1 - d * gap2) / 3 + c * d * reach2**2),
            0.0,
        )
        tail = np.sqrt(_TAU) * ndtr(-gap / reach) * gap
        closed -= np.where(
            product > _FAINT,
            np.exp(-product / 2) * tail * (1 - c * gap2 * (1 - d * gap2) / 3),
            0.0,
        )
        square = (reach[:, None] * (1 + x) / 2) ** 2
        root = np.sqrt(1 - square)
        steep = -(gap2[:, None] / square + product[:, None]) / 2
        whole = np.exp(-product[:, None] / 2 * square / (1 + root) ** 2) / root
        series = 1 + c[:, None] * square * (1 + 5 * d[:, None] * square)
        rest = np.where(steep > _FAINT, np.exp(steep) * (whole - series), 0.0)
    found = (closed + reach / 2 * (rest @ weight)) / _TAU
    return np.asarray(np.where(rho < 1, found, 0.0))
