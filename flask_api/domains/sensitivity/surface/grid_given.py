"""The grid that a request's decisions span, and how large it may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flask_api.domains.sensitivity.selection import Varied
from flask_api.numerics.errors import InputError
from flask_api.numerics.grids import MOST_POINTS, Grid

#: Evaluations of the model at most, points times draws.
MOST_ROWS = 100_000_000
#: Numbers of an answer's tables at most: 10 MB.
MOST_NUMBERS = 500_000


def grid_of(varied: Sequence[Varied]) -> Grid:
    """Every combination of the decisions' values, each in rising order.

    Raises InputError for more than two decisions, and for too many points.
    """
    if len(varied) > 2:
        some = ", ".join(item.id for item in varied[:5])
        more = ", ..." if len(varied) > 5 else ""
        raise InputError(
            f"got {len(varied)} parameters ({some}{more}); a surface has one or two "
            "decisions: put inputs that are uncertain into `uncertain`, and leave the "
            "others out",
            "parameters",
        )
    values = {str(item.name): np.unique(np.array(item.values)) for item in varied}
    points = int(np.prod([len(v) for v in values.values()]))
    if points > MOST_POINTS:
        raise InputError(
            f"the grid has {points:,} points; at most {MOST_POINTS:,}: give fewer "
            "`steps`, such as 100 for each of two decisions",
            f"{varied[0].field}.steps",
        )
    return Grid(values)


def refuse_draws(grid: Grid, samples: int) -> None:
    """InputError where `samples` draws at each point would be too much work."""
    rows = len(grid) * samples
    if rows > MOST_ROWS:
        raise InputError(
            f"{len(grid):,} points x {samples:,} draws are {rows:,} evaluations; at "
            f"most {MOST_ROWS:,}: give samples {MOST_ROWS // len(grid):,} or fewer, or "
            "fewer steps",
            "config.samples",
        )


def refuse_tables(grid: Grid, outputs: int, percentiles: int) -> None:
    """InputError where the tables of the answer would be too large.

    percentiles   of each output; 0 = nothing is drawn
    """
    each = 4 + percentiles if percentiles else 1
    numbers = len(grid) * outputs * each
    if numbers > MOST_NUMBERS:
        raise InputError(
            f"the tables would have {numbers:,} numbers; at most {MOST_NUMBERS:,}: "
            "give fewer outputs, percentiles or steps",
            "config.outputs",
        )
