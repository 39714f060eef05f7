"""What the resamples of a bootstrap tell beside intervals: how sure an order is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Numbers that a result keeps at most: some 20 MB of JSON.
MOST_KEPT = 1_000_000


def ranks(
    names: Sequence[str], values: Floats, resampled: Floats, confidence: float
) -> dict[str, Any]:
    """{name: {rank, stability, lower, upper}}, rank 1 = the largest value.

    values      shape (names,)
    resampled   the same in each resample, shape (resamples, names)

    stability is the share of the resamples in which it has that rank; lower and upper
    are ranks that hold its rank in `confidence` of them.
    """
    rank = _order(values[None])[0]
    each = _order(resampled)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(each, (tail, 1 - tail), axis=0, method="inverted_cdf")
    same = (each == rank).mean(axis=0)
    return {
        name: {
            "rank": int(rank[i]) + 1,
            "stability": float(same[i]),
            "lower": int(lower[i]) + 1,
            "upper": int(upper[i]) + 1,
        }
        for i, name in enumerate(names)
    }


def _order(values: Floats) -> npt.NDArray[np.intp]:
    """Place of each value in its row, 0 = the largest; NaN comes last."""
    return np.argsort(np.argsort(-values, axis=1, kind="stable"), axis=1)


def kept(names: Sequence[str], resampled: Floats) -> dict[str, list[float | None]]:
    """{name: its value in each resample}; None where a resample has none."""
    return {
        name: [value if finite else None for value, finite in zip(*both, strict=True)]
        for name, *both in zip(
            names, resampled.T.tolist(), np.isfinite(resampled.T).tolist(), strict=True
        )
    }


def kept_pairs(
    names: Sequence[str], resampled: Floats
) -> Mapping[str, Mapping[str, list[float | None]]]:
    """The same of each two, {name: {other: values}}: (0, 1), (0, 2) .. (1, 2) .."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for column, (one, other) in zip(resampled.T, combinations(names, 2), strict=True):
        found.setdefault(one, {}).update(kept([other], column[:, None]))
    return found


def refuse_keeping(keep: bool, resamples: int, indices: int, outputs: int) -> None:
    """InputError for resamples that are to be kept and are none, or too many.

    indices   values that one resample has of each output
    """
    place = "config.keep_resamples"
    if not keep:
        return
    if not resamples:
        raise InputError(
            "got true, but there are no resamples to keep; give config.resamples, "
            "such as 1000",
            place,
        )
    numbers = resamples * indices * outputs
    if numbers > MOST_KEPT:
        raise InputError(
            f"got {resamples:,} resamples of {indices:,} indices of {outputs} "
            f"output(s), which are {numbers:,} numbers; wanted at most {MOST_KEPT:,}: "
            "give fewer resamples, form groups, or leave keep_resamples out",
            place,
        )
