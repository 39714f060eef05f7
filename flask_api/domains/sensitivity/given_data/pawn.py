"""PAWN: how far the distribution of an output shifts when an input is held in a slice.

Sources: Pianosi, Wagener (2015), doi:10.1016/j.envsoft.2015.01.004, and (2018),
doi:10.1016/j.envsoft.2018.07.019, from any sample; the dummy input: Khorashadi Zadeh,
Nossent, Sarrazin et al. (2017), doi:10.1016/j.envsoft.2017.02.001.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.given_data.sample import (
    GivenData,
    Judgement,
    draw,
    finite,
    ranking,
)
from flask_api.numerics.correlation import Correlation
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.monte_carlo import Model
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]

#: Slices of an input's range at most, and dummy inputs that tell the noise.
MOST_SLICES = 1_000
DUMMIES = 64
#: A dummy exceeds the noise level with this chance.
NOISE_TAIL = 0.05
#: Fewer rows in a slice than this say little about a distribution.
FEW = 20

#: The statistics of a table of distances, in the order of `statistics`.
STATISTICS = ("minimum", "mean", "median", "maximum", "cv", "stdev")

_LANE = 44  # keeps dummies apart from other uses of the same seed
_OUTSIDE = -1


@dataclass(frozen=True)
class Ordered:
    """An output in rising order.

    order   its rows, rising, shape (n,)
    under   share of all values below each, in that order, shape (n,)
    up_to   share of all values up to each
    """

    order: npt.NDArray[np.int64]
    under: Floats
    up_to: Floats

    @classmethod
    def of(cls, y: Floats) -> Ordered:
        """The order of `y`, shape (n,), n >= 1."""
        n = len(y)
        order = np.argsort(y)
        rising = y[order]
        start = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1]]))
        size = np.diff(np.append(start, n))
        return cls(
            order, np.repeat(start / n, size), np.repeat((start + size) / n, size)
        )


def slice_codes(x: Floats, slices: int) -> Codes:
    """Which slice each of `x`, shape (n,), is in: 0..slices-1, or -1 for none.

    The edges are quantiles, so that slices hold equal shares of the rows, and a slice
    has its lower edge. So a largest value that is alone is in none, as in SALib; one
    that comes several times belongs to the last (inputs with few values need it).
    """
    edges = np.quantile(x, np.minimum(np.arange(slices + 1) * (1 / slices), 1.0))
    codes = (np.searchsorted(edges, x, side="right") - 1).astype(np.int16)
    top = x == edges[-1]
    codes[top] = slices - 1 if np.count_nonzero(top) > 1 else _OUTSIDE
    codes[codes >= slices] = _OUTSIDE
    return codes


def distances(y: Ordered, codes: Codes, slices: int) -> Floats:
    """Kolmogorov-Smirnov distance of each slice to the whole, shape (slices,), 0..1.

    codes   slice of each row, shape (n,)

    NaN for a slice without rows. Between two rows of a slice its own distribution
    stands still, so the distance is largest at one of its rows, or just before it.
    """
    along = codes[y.order]
    place = np.argsort(along, kind="stable")  # slice by slice, rising in each
    inside = np.bincount(along[along >= 0], minlength=slices)
    place = place[len(place) - inside.sum() :]
    filled = np.flatnonzero(inside)
    size = inside[filled]
    out = np.full(slices, np.nan)
    if not len(filled):
        return out
    starts = np.cumsum(size) - size
    number = np.arange(len(place)) - np.repeat(starts, size)
    share = np.repeat(size, size)
    gap = np.maximum(
        (number + 1) / share - y.up_to[place], y.under[place] - number / share
    )
    out[filled] = np.maximum.reduceat(gap, starts)
    return out


def statistics(gaps: Floats) -> Floats:
    """Minimum, mean, median, maximum, coefficient of variation and spread.

    gaps   shape (slices,); NaN = an empty slice, left out

    Returns shape (6,), in the order of STATISTICS; NaN without any filled slice.
    """
    known = gaps[np.isfinite(gaps)]
    if not len(known):
        return np.full(len(STATISTICS), np.nan)
    mean, spread = known.mean(), known.std()
    cv = spread / mean if mean > 0 else np.nan
    return np.array([known.min(), mean, np.median(known), known.max(), cv, spread])


def pawn(
    model: Model,
    inputs: Mapping[str, Distribution],
    outputs: Sequence[str],
    samples: int,
    *,
    seed: int,
    slices: int = 10,
    sampling: str = "random",
    correlation: Correlation | None = None,
    dummies: int = DUMMIES,
) -> Iterator[Judgement]:
    """The growing PAWN indices of several outputs, once after each block of rows.

    model         called with whole columns, at most `designs.BLOCK` rows at a time
    inputs        uncertain inputs by name, at least one
    samples       rows; 100 in each slice give a picture
    slices        of each input's range, 2 to 1,000
    sampling      `random`, or an even design such as `sobol`
    correlation   of the inputs; None = they are independent
    dummies       random orders of the rows that stand for an input without effect

    Raises InputError for a wrong number of slices or dummies, no input, or more rows
    than are kept.
    """
    if not 2 <= slices <= MOST_SLICES:
        raise InputError(
            f"got {slices} slices; wanted 2 to {MOST_SLICES:,}, usually 10",
            "config.slices",
        )
    if dummies < 0:
        raise InputError(
            f"got {dummies} dummies; wanted 0 (none) or more", "config.dummies"
        )
    drawn = draw(
        model,
        inputs,
        outputs,
        samples,
        seed=seed,
        sampling=sampling,
        correlation=correlation,
    )
    for data in drawn:
        ask = partial(judge, data, seed=seed, slices=slices, dummies=dummies)
        yield Judgement(data.total, data.done, ask)


def judge(
    data: GivenData, output: str, *, seed: int, slices: int, dummies: int
) -> dict[str, Any]:
    """PAWN indices of `output` from the rows of `data`, in plain data.

    minimum, mean, median, maximum, cv, stdev   {input: statistic of the distances}
    distances     {input: distance in each slice, None where it has no row}
    noise         {statistic: {mean, upper}} of inputs without effect: one in twenty
                  exceeds `upper`; None without dummies
    above_noise   {input: whether its median exceeds that}
    ranking       by the median, largest first
    """
    x, y = data.finite(output)
    names = data.names
    head: dict[str, Any] = {
        "rows": len(y),
        "failed": data.done - len(y),
        "slices": slices,
    }
    if len(y) < slices or y.min() == y.max():
        return head | _nothing(names, output, len(y), slices)
    ordered = Ordered.of(y)
    gaps = np.stack([distances(ordered, slice_codes(row, slices), slices) for row in x])
    found = np.stack([statistics(row) for row in gaps])
    noise = _noise(ordered, slices, seed, dummies)
    upper = None if noise is None else noise["median"]["upper"]
    named = {
        kind: {
            name: finite(value) for name, value in zip(names, found[:, i], strict=True)
        }
        for i, kind in enumerate(STATISTICS)
    }
    above = {
        name: None if upper is None or value is None else value > upper
        for name, value in named["median"].items()
    }
    return (
        head
        | named
        | {
            "distances": {
                name: [finite(gap) for gap in row]
                for name, row in zip(names, gaps, strict=True)
            },
            "noise": noise,
            "above_noise": above,
            "ranking": ranking(names, found[:, STATISTICS.index("median")]),
            "notes": _notes(output, len(y), slices, above),
        }
    )


def _nothing(
    names: Sequence[str], output: str, rows: int, slices: int
) -> dict[str, Any]:
    # of few rows nobody knows whether the output varies
    value = 0.0 if rows >= slices else None
    if not rows:
        said = f"{output} has no value in any row"
    elif value is None:
        said = (
            f"rows with a value of {output}: {rows}, too few for {slices} slices; one "
            f"in each at least, {FEW * slices} for a picture"
        )
    else:
        said = f"{output} does not vary: all its indices are 0"
    return {
        **{kind: dict.fromkeys(names, value) for kind in STATISTICS},
        "cv": dict.fromkeys(names),
        "distances": dict.fromkeys(names),
        "noise": None,
        "above_noise": dict.fromkeys(names),
        "ranking": [{"id": name, "effect": value} for name in names],
        "notes": [said],
    }


def _noise(
    ordered: Ordered, slices: int, seed: int, dummies: int
) -> dict[str, dict[str, float | None]] | None:
    """What inputs without effect come to: rows dealt to slices at random."""
    if not dummies:
        return None
    random = stream(seed, 0, _LANE)
    n = len(ordered.order)
    codes = (np.arange(n) * slices // n).astype(np.int16)
    each = np.stack(
        [
            statistics(distances(ordered, random.permuted(codes), slices))
            for _ in range(dummies)
        ]
    )
    upper = np.quantile(each, 1 - NOISE_TAIL, axis=0)
    return {
        kind: {"mean": finite(each[:, i].mean()), "upper": finite(upper[i])}
        for i, kind in enumerate(STATISTICS)
    }


def _each(rows: int, slices: int) -> str:
    least, over = divmod(rows, slices)
    return f"{least} or {least + 1}" if over else f"{least}"


def _notes(
    output: str, rows: int, slices: int, above: Mapping[str, bool | None]
) -> list[str]:
    notes = []
    if rows < FEW * slices:
        notes.append(
            f"{rows} rows are {_each(rows, slices)} in each of {slices} slices, too "
            f"few to know a distribution; take {FEW * slices} rows or fewer slices"
        )
    hidden = [name for name, seen in above.items() if seen is False]
    if hidden:
        notes.append(
            f"{', '.join(hidden)}: no more effect on {output} than inputs without any "
            "have by chance"
        )
    return notes
