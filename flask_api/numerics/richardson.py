"""The slope of a function known at chosen points, with the error it may have.

Difference quotients at halved steps, extrapolated to step 0 (Richardson); of all
extrapolations the one is taken that agrees best with those it was made of (Ridders
1982, doi:10.1016/S0141-1195(82)80057-0). A kink that the widest steps reach across
spoils those alone; one that all reach across shows as a large error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Widest step beside the scale of the input, and how often it is halved.
WIDEST = 0.02
LEVELS = 10
#: Relative error of the function's own values: some tens of roundings.
ROUNDING = 1e-14


@dataclass(frozen=True)
class Stencil:
    """Where a function must be known for its slope at n points.

    at        lower and upper end of each quotient, shape (2, LEVELS, n)
    central   whether the ends lie evenly around the point, shape (n,); at the edge of
              what is allowed one end is the point itself
    """

    at: Floats
    central: npt.NDArray[np.bool_]


def stencil(points: Floats, scale: Floats, low: float | Floats, high: float) -> Stencil:
    """Where to evaluate a function that is defined from `low` to `high`.

    points   where its slope is wanted, shape (n,)
    scale    > 0, shape (n,): a distance in which the function changes its course
    """
    reach = WIDEST * scale
    below, above = points - low, high - points
    room = np.minimum(below, above)
    central = room >= reach / 2 ** (LEVELS // 2)
    upwards = above >= below
    widest = np.minimum(reach, np.where(central, room, np.maximum(below, above)) / 2)
    steps = widest / 2.0 ** np.arange(LEVELS)[:, None]
    return Stencil(
        at=np.stack(
            [
                np.where(central | ~upwards, points - steps, points),
                np.where(central | upwards, points + steps, points),
            ]
        ),
        central=central,
    )


def slope(where: Stencil, values: Floats) -> tuple[Floats, Floats]:
    """The slope and a bound of its error, both of shape (m,); infinite = no slope.

    values   the function at `where.at`, shape (2, LEVELS, m), NaN = not defined there;
             m functions may share a stencil of one point
    """
    width = where.at[1] - where.at[0]
    with np.errstate(all="ignore"):  # what is not finite is never chosen
        column = (values[1] - values[0]) / width
        largest = np.where(np.isfinite(values), np.abs(values), 0.0).max(axis=(0, 1))
        noise = ROUNDING * largest / width
        best = np.full(column.shape[1], np.nan)
        error = np.full(column.shape[1], np.inf)
        power = np.where(where.central, 4.0, 2.0)  # error in even powers, or in all
        for order in range(1, LEVELS):
            finer, coarser = column[1:], column[:-1]
            column = finer + (finer - coarser) / (power**order - 1)
            apart = np.maximum(np.abs(column - finer), np.abs(column - coarser))
            doubt = apart + noise[order:]
            doubt[~np.isfinite(doubt)] = np.inf
            first = doubt.argmin(axis=0)[None]
            closest = np.take_along_axis(doubt, first, 0)[0]
            better = closest < error
            best[better] = np.take_along_axis(column, first, 0)[0][better]
            error[better] = closest[better]
    return best, error
