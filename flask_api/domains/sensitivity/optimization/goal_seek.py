"""Goal seek: the inputs at which an output has a given value.

One input: its range is searched for changes of sign, and each is closed in on: by
Newton's method kept inside its bracket where exact slopes are known, else by
Chandrupatla's method. Several inputs: the miss is made small by least squares from
today's values, whose steps are the shortest that close the miss, so that the answer is
near today's values; where that ends at a wall, along the line to the nearest point on
the other side of the target.

Sources: Press et al. (2007), Numerical recipes, 9.4 (Newton with bisection);
Chandrupatla (1997), doi:10.1016/S0965-9978(96)00051-8; Branch, Coleman, Li (1999),
doi:10.1137/S1064827595289108 (least squares within bounds).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import elementwise, least_squares

from flask_api.domains.sensitivity.optimization.search import Point, Search

Floats = npt.NDArray[np.float64]
#: Points t of a line -> the miss there; both shape (n,).
Line = Callable[[Floats], Floats]

#: Values of a single input at which its range is searched for changes of sign.
LOOKS = 129
#: Points at which a box is searched for the other side of the target.
SCAN = 1024
_STEPS = 100
_EPS = float(np.finfo(float).eps)


def seek_one(search: Search) -> list[Point]:
    """All values found of one real input at which the output has its target.

    Nearest to today's first; empty where it is nowhere reached, and `search.best` is
    then the nearest miss. Solutions between two of 129 looks that both lie on one side
    of the target are found only if they are the nearest miss.
    """
    search.phase = "bracketing"
    start = float(search.space.start[0])
    t = np.union1d(np.linspace(0.0, 1.0, LOOKS), [start])
    miss = _miss(search, t)
    search.step()
    left, right = miss[:-1], miss[1:]
    with np.errstate(invalid="ignore", over="ignore"):
        crossed = np.flatnonzero(left * right < 0)
    roots = [float(value) for value in t[miss == 0]]
    if len(crossed):
        search.phase = "closing in"
        close = _newton if search.slopes is not None else _chandrupatla
        roots += close(search, t[crossed], t[crossed + 1]).tolist()
    elif not roots and np.isfinite(miss).any():
        search.phase = "nearest miss"
        roots = [_nearest_miss(search, t, miss)]
    found: list[Point] = []
    for root in sorted(roots, key=lambda value: abs(value - start)):
        point = point_at(search, np.array([root]))
        # a jump across the target changes its sign too
        if point.loss <= search.reached:
            found.append(point)
    search.step()
    return found


def point_at(search: Search, u: Floats) -> Point:
    """The point that `u` stands for, evaluated unless it was so just now."""
    x = search.space.values(u[:, None])[:, 0]
    y = float(search.points(u[:, None])[0][0])
    inputs = dict(zip(search.space.names, x.tolist(), strict=True))
    best = search.best
    if best is not None and best.inputs == inputs:
        return best
    loss = float(search.goal.loss(np.array([y]))[0])
    return Point(inputs, {search.goal.output: y}, y, loss, 0.0)


def _miss(search: Search, t: Floats) -> Floats:
    """Output less target along the only decision."""
    assert search.goal.target is not None
    return search.points(t[None, :])[0] - search.goal.target


def _newton(search: Search, a: Floats, b: Floats) -> Floats:
    """Roots in the brackets a..b, all at once; each step that leaves is a bisection."""
    slopes, space, goal = search.slopes, search.space, search.goal
    assert slopes is not None and goal.target is not None
    low_is_negative = _miss(search, a) < 0
    t = (a + b) / 2
    for _ in range(_STEPS):
        inputs = space.named(space.values(t[None, :]))
        y, by_name = slopes(inputs)
        search.add(inputs, {goal.output: y})
        search.step()
        miss = y - goal.target
        below = (miss < 0) == low_is_negative
        a, b = np.where(below, t, a), np.where(below, b, t)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            new = t - miss / (by_name[space.names[0]] * space.width[0])
        outside = ~((new > a) & (new < b))
        new = np.where(outside, (a + b) / 2, new)
        still = (miss != 0) & (np.abs(new - t) > 2 * _EPS * np.abs(t))
        t = np.where(miss == 0, t, new)
        if not still.any():
            break
    return t


def _chandrupatla(search: Search, a: Floats, b: Floats) -> Floats:
    """Roots in the brackets a..b, all at once."""

    def told(state: object) -> None:
        search.step()

    found = elementwise.find_root(
        lambda t: _miss(search, np.ravel(t)).reshape(np.shape(t)),
        (a, b),
        tolerances={"xatol": 0.0, "xrtol": 4 * _EPS, "fatol": 0.0, "frtol": 0.0},
        maxiter=_STEPS,
        callback=told,
    )
    return np.atleast_1d(found.x)


def _nearest_miss(search: Search, t: Floats, miss: Floats) -> float:
    """Where the output comes nearest to its target: ever finer looks around."""
    size = np.where(np.isfinite(miss), np.abs(miss), np.inf)
    for _ in range(8):
        i = int(np.argmin(size))
        low, high = t[max(i - 1, 0)], t[min(i + 1, len(t) - 1)]
        t = np.union1d(np.linspace(low, high, 33), [t[i]])
        size = np.abs(_miss(search, t))
        size = np.where(np.isfinite(size), size, np.inf)
        search.step()
    return float(t[np.argmin(size)])


def seek_many(search: Search, seed: int) -> list[Point]:
    """Values of several real inputs at which the output has its target, near today's.

    At most one point; empty where none was found, `search.best` is then the nearest.
    """
    search.phase = "least squares"
    u = least_miss(search, search.space.start)
    miss = _miss_at(search, u[:, None])[0]
    if not abs(miss) <= search.reached:
        search.phase = "looking around"
        points = search.space.scattered(SCAN, seed)
        misses = _miss_at(search, points)
        search.step()
        with np.errstate(invalid="ignore"):
            other = np.flatnonzero(misses * miss <= 0)  # none if `miss` is unknown
        if len(other):
            away = ((points[:, other] - u[:, None]) ** 2).sum(axis=0)
            u = _between(search, u, points[:, other[int(np.argmin(away))]])
        elif np.isfinite(misses).any():
            search.phase = "least squares"
            u = least_miss(search, points[:, np.nanargmin(np.abs(misses))])
        miss = _miss_at(search, u[:, None])[0]
    return [point_at(search, u)] if abs(miss) <= search.reached else []


def _miss_at(search: Search, u: Floats) -> Floats:
    assert search.goal.target is not None
    return search.points(u)[0] - search.goal.target


def least_miss(search: Search, start: Floats) -> Floats:
    """The point at which the miss is least, from `start` on."""
    first = float(_miss_at(search, start[:, None])[0])
    if not np.isfinite(first):
        return start
    size = abs(first) or 1.0

    def residual(u: Floats) -> Floats:
        miss = _miss_at(search, u[:, None])
        search.step()
        return np.where(np.isfinite(miss), miss / size, 1e10)

    def jacobian(u: Floats) -> Floats:
        return (slope_at(search, u) / size)[None, :]

    found = least_squares(
        residual, start, jacobian, bounds=(0.0, 1.0), method="trf",
        ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=200,
    )  # fmt: skip
    return np.asarray(found.x)


def slope_at(search: Search, u: Floats) -> Floats:
    """Slope of the output per unit of the cube at one point, shape (dims,).

    Exact where the model knows it, else by central differences, one-sided at the walls;
    0 where it is unknown, and for whole numbers.
    """
    space = search.space
    if search.slopes is not None:
        _, by_name = search.slopes(space.named(space.values(u[:, None])))
        exact = np.array([by_name[name][0] for name in space.names]) * space.width
        return np.where(np.isfinite(exact) & ~space.integer, exact, 0.0)
    step = 1e-6
    ahead, behind = np.minimum(u + step, 1.0), np.maximum(u - step, 0.0)
    both = np.tile(u[:, None], 2 * space.dims)
    each = np.arange(space.dims)
    both[each, each], both[each, space.dims + each] = ahead, behind
    y = search.points(both)[0]
    found = (y[: space.dims] - y[space.dims :]) / (ahead - behind)
    return np.where(np.isfinite(found) & ~space.integer, found, 0.0)


def _between(search: Search, one: Floats, other: Floats) -> Floats:
    """The point on the line between two sides of the target where it is met."""
    search.phase = "closing in"

    def miss(t: Floats) -> Floats:
        line = one[:, None] + (other - one)[:, None] * np.ravel(t)
        return _miss_at(search, line).reshape(np.shape(t))

    found = elementwise.find_root(
        miss,
        (0.0, 1.0),
        tolerances={"xatol": 0.0, "xrtol": 4 * _EPS, "fatol": 0.0, "frtol": 0.0},
        maxiter=_STEPS,
        callback=lambda state: search.step(),
    )
    return np.clip(one + (other - one) * float(found.x), 0.0, 1.0)
