"""Turning factors until each product leans on few of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.patterns.stepwise import Stepwise, drained
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
#: Loadings to (criterion, its slope over the loadings).
Criterion = Callable[[Floats], tuple[float, Floats]]

ROTATIONS = ("none", "varimax", "promax", "oblimin")
#: Promax raises loadings to this power, as R's `promax` does.
POWER = 4
#: Iterations at most, and the slope at which a rotation stands still.
ROUNDS, _STILL = 2000, 1e-8
#: Two criteria this near may be the same.
_ROUNDING = 1e-15
#: A step must win this part of what its slope promises, over the worst of the last so
#: many criteria; it is halved so often at most.
_ARMIJO, _REMEMBERED, _HALVINGS = 1e-4, 8, 30
#: Rounds between two reports.
_TOGETHER = 50
#: Searches: from the factors as they are, and from some fixed turns of them. A later
#: one must be better by a part of _ALIKE.
STARTS, _ALIKE = 6, 1e-9


@dataclass(frozen=True)
class Rotation:
    """Factors after rotation, by the variance they explain, the largest first.

    loadings       of products on factors (the pattern), shape (items, factors)
    correlations   between factors, shape (factors, factors), ones on the diagonal
    turned         loadings = unrotated @ turned, shape (factors, factors)
    converged      whether the criterion stood still
    """

    loadings: Floats
    correlations: Floats
    turned: Floats
    converged: bool

    @property
    def structure(self) -> Floats:
        """Correlations of products with factors, shape (items, factors)."""
        return np.asarray(self.loadings @ self.correlations)


def rotate(loadings: Floats, method: str) -> Rotation:
    """What `rotating` finds, at once."""
    return drained(rotating(loadings, method))


def rotating(loadings: Floats, method: str) -> Generator[float, None, Rotation]:
    """`loadings` turned so that they are easy to read; yields the share done.

    loadings   unrotated, shape (items, factors)
    method     `none`; `varimax` (factors stay uncorrelated); `promax` and `oblimin`
               (factors may be correlated: oblimin with gamma 0, that is quartimin)

    Varimax scales rows to length 1 meanwhile (Kaiser), as R's `varimax` does; oblimin
    does not, as R's GPArotation; promax sharpens what varimax found.
    The sign of a factor is such that its loadings sum to 0 or more.
    Raises InputError for another method.
    Sources: Kaiser (1958), Psychometrika 23, 187-200; Hendrickson and White (1964),
    Br. J. Stat. Psychol. 17, 65-70; Jennrich (2001, 2002), Psychometrika 66, 289-306
    and 67, 7-19 (the search); Barzilai and Borwein (1988), IMA J. Numer. Anal. 8,
    141-148 (its steps); Grippo, Lampariello and Lucidi (1986), SIAM J. Numer. Anal. 23,
    707-716 (which of them are taken).
    """
    if method not in ROTATIONS:
        raise InputError(
            f"got rotation {method!r}; wanted one of {', '.join(ROTATIONS)}",
            "params.rotation",
        )
    factors = loadings.shape[1]
    turned, converged = np.eye(factors), True
    if factors > 1 and method != "none":
        if method == "oblimin":
            turned, converged = yield from _best(loadings, _quartimin, True)
        else:
            lengths = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
            scaled = loadings / np.where(lengths > 0, lengths, 1.0)
            turned, converged = yield from _best(scaled, _varimax, False)
        if method == "promax":
            turned = turned @ _sharpened(loadings @ turned)
    inverse = np.linalg.inv(turned)
    return _ordered(loadings @ turned, inverse @ inverse.T, turned, converged)


def _ordered(
    loadings: Floats, correlations: Floats, turned: Floats, converged: bool
) -> Rotation:
    explained = (loadings * (loadings @ correlations)).sum(axis=0)
    order = np.argsort(-explained, kind="stable")
    signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)[order]
    between = correlations[np.ix_(order, order)] * np.outer(signs, signs)
    np.fill_diagonal(between, 1.0)
    return Rotation(
        loadings[:, order] * signs, between, turned[:, order] * signs, converged
    )


def _varimax(loadings: Floats) -> tuple[float, Floats]:
    """Minus a quarter of the variance of squared loadings within factors, summed."""
    squares = loadings**2
    centred = squares - squares.mean(axis=0)
    return -float((centred**2).sum()) / 4, -loadings * centred


def _quartimin(loadings: Floats) -> tuple[float, Floats]:
    """A quarter of the products of squared loadings on different factors, summed."""
    squares = loadings**2
    others = squares.sum(axis=1, keepdims=True) - squares
    return float((squares * others).sum()) / 4, loadings * others


def _best(
    loadings: Floats, criterion: Criterion, oblique: bool
) -> Generator[float, None, tuple[Floats, bool]]:
    """The best of several searches: one alone may end in a saddle, or a lesser dip."""
    random = np.random.default_rng(0)
    factors = loadings.shape[1]
    start, found = np.eye(factors), (np.eye(factors), False)
    lowest = np.inf
    for number in range(STARTS):
        search = Stepwise(_search(loadings @ start, criterion, oblique))
        for share in search:
            yield (number + share) / STARTS
        turned, still = search.found
        value, _ = criterion(loadings @ start @ turned)
        if value < lowest - _ALIKE * abs(lowest if np.isfinite(lowest) else 0.0):
            lowest, found = value, (start @ turned, still)
        start, _ = np.linalg.qr(random.standard_normal((factors, factors)))
    return found


def _search(
    loadings: Floats, criterion: Criterion, oblique: bool
) -> Generator[float, None, tuple[Floats, bool]]:
    """Projected gradient from where it is: (turned, whether it stood still).

    t holds the new factors' directions as columns: of length 1, and at right angles
    unless `oblique`. Loadings on them are loadings @ inverse(t)^T. A step is as long as
    the last one's change of slope suggests.
    """
    t = np.eye(loadings.shape[1])
    value, slope = criterion(loadings)
    recent, length = deque([value], _REMEMBERED), 2.0
    last = last_along = np.zeros_like(t)
    for number in range(ROUNDS):
        if number % _TOGETHER == _TOGETHER - 1:
            yield number / ROUNDS
        along = _along(t, loadings, slope, oblique)
        size = float((along**2).sum())
        if size <= _STILL**2:
            return np.asarray(np.linalg.inv(t).T), True
        if number:
            moved, bent = t - last, along - last_along
            across = abs(float((moved * bent).sum()))
            length = float((moved**2).sum()) / across if across > 0 else 2 * length
        for _ in range(_HALVINGS):
            there = _projected(t - length * along, oblique)
            found, new_slope = criterion(loadings @ np.linalg.inv(there).T)
            wanted = max(recent) - _ARMIJO * length * size
            if found <= wanted + _ROUNDING * abs(value):
                break
            length /= 2
        else:  # no better in reach
            return np.asarray(np.linalg.inv(t).T), size <= _STILL
        last, last_along = t, along
        t, value, slope = there, found, new_slope
        recent.append(value)
    return np.asarray(np.linalg.inv(t).T), False


def _along(t: Floats, loadings: Floats, slope: Floats, oblique: bool) -> Floats:
    """The slope over t, less what leaves the rotations."""
    back = np.linalg.inv(t)
    gradient = -back.T @ slope.T @ loadings @ back.T
    if oblique:
        return np.asarray(gradient - t * (t * gradient).sum(axis=0))
    middle = t.T @ gradient
    return np.asarray(gradient - t @ ((middle + middle.T) / 2))


def _projected(t: Floats, oblique: bool) -> Floats:
    if oblique:
        return np.asarray(t / np.sqrt((t**2).sum(axis=0)))
    left, _, right = np.linalg.svd(t)
    return np.asarray(left @ right)


def _sharpened(loadings: Floats) -> Floats:
    """Promax: what turns `loadings` most nearly into their own fourth powers."""
    target = loadings * np.abs(loadings) ** (POWER - 1)
    found, *_ = np.linalg.lstsq(loadings, target, rcond=None)
    scale = np.diag(np.linalg.inv(found.T @ found))
    return np.asarray(found * np.sqrt(scale))
