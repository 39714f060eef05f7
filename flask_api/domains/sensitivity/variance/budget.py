"""How much work one analysis of variance may ask for: what takes too long is refused.

A slot would else be held until JOB_TIMEOUT, for nothing. A plant takes 65 ns to 1 us an
evaluation, a short formula 15 ns; a row of a bootstrap some 20 ns a resample.
"""

from __future__ import annotations

from flask_api.numerics.errors import InputError

#: Evaluations at most: a few minutes of a plant.
MOST_EVALUATIONS = 1 << 31
#: Rows times resamples at most: as long.
MOST_RESAMPLED = 1 << 34
#: Most rows: what a single input may have, of 3 evaluations each.
MOST_ROWS = 1 << 29


def refuse_endless(samples: int, rows: int, width: int, resamples: int = 0) -> None:
    """InputError for more evaluations, or a larger bootstrap, than there is time for.

    samples   as asked for
    rows      that is, rounded up to a power of two
    width     evaluations in a row
    """
    fine = _power_below(MOST_EVALUATIONS // width)
    if rows > fine:
        raise InputError(
            f"got {samples:,} samples of {width} evaluations each, which are "
            f"{rows * width:,}; wanted at most {MOST_EVALUATIONS:,}: give samples "
            f"{fine:,} or fewer, or form groups",
            "config.samples",
        )
    if rows * resamples > MOST_RESAMPLED:
        raise InputError(
            f"got {resamples:,} resamples of {rows:,} rows; wanted at most "
            f"{MOST_RESAMPLED // rows:,} of so many: give fewer, or 0, which takes the "
            "delta method",
            "config.resamples",
        )


def _power_below(number: int) -> int:
    """The largest power of two that is not above `number`, at most MOST_ROWS."""
    return min(1 << (number.bit_length() - 1), MOST_ROWS)
