"""The answer of `/sensitivity/fit`, and what is seen of it on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]

_SUMMARY = ("n", "mean", "std", "min", "max", "distinct")
_SCORES = ("log_likelihood", "aic", "bic", "weight", "ks", "anderson_darling")


def live(report: Mapping[str, Any]) -> list[Row]:
    """Rows {kind, aic, weight, ks} of the candidates so far, the best first."""
    keys = ("kind", "aic", "weight", "ks")
    return [{key: one[key] for key in keys} for one in report["fits"]]


def answer(report: Mapping[str, Any], metadata: Mapping[str, Any]) -> Row:
    """The candidates, the best first, with the quantiles of all in one table.

    report   of `numerics.fitting.fit`
    """
    fits: list[Row] = report["fits"]
    best = fits[0] if fits else None
    return {
        "best": None if best is None else best["distribution"],
        "fits": [
            {key: value for key, value in one.items() if key != "qq"} for one in fits
        ],
        "unfit": report["unfit"],
        "data": {key: report[key] for key in _SUMMARY},
        "quantiles": _quantiles(fits),
        "table": [_row(one) for one in fits],
        "metadata": dict(metadata),
    }


def _quantiles(fits: Sequence[Row]) -> list[Row]:
    """Rows {probability, data, <kind>: its quantile, ...}: a QQ plot of every kind."""
    rows: list[Row] = [
        {"probability": row["probability"], "data": row["data"]}
        for row in (fits[0]["qq"] if fits else [])
    ]
    for one in fits:
        for row, own in zip(rows, one["qq"], strict=True):
            row[one["kind"]] = own["theoretical"]
    return rows


def _row(one: Row) -> Row:
    """A candidate in one flat row: its scores, and itself as JSON, to be pasted."""
    return {
        "kind": one["kind"],
        "parameters": one["parameters"],
        **{name: one[name] for name in _SCORES},
        "distribution": json.dumps(one["distribution"]),
    }
