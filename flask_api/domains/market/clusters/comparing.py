"""Fitted models side by side: where they differ, and how alike what they found is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.clusters.likeness import (
    adjusted_rand,
    congruence,
    correlation,
)


@dataclass(frozen=True)
class Fitted:
    """What is known of one model.

    label       what it is called
    model_type  lca, nmf, ...
    data        names the data and products it is of; models of other data are not
                compared further
    metrics     name -> number
    settings    name -> value
    loadings    array of shape (items, dimensions), or None; similarity likewise,
                shape (items, items)
    groups      group of each row, from 0, or None
    products    names of the items
    """

    label: str
    model_type: str
    data: str
    metrics: Mapping[str, Any]
    settings: Mapping[str, Any]
    products: tuple[str, ...] = ()
    loadings: Any = field(default=None, repr=False)
    groups: npt.NDArray[np.intp] | None = field(default=None, repr=False)
    similarity: Any = field(default=None, repr=False)


#: Of two models of the same data the one with less is preferred.
_LOWER_IS_BETTER = ("aic", "aic3", "bic", "caic", "abic", "icl", "reconstruction_error")


def side_by_side(fitted: Sequence[Fitted]) -> dict[str, Any]:
    """Metrics and differing parameters in rows, and how alike each two models are."""
    return {
        "metrics": _metrics(fitted),
        "parameters": _parameters(fitted),
        "likeness": [_likeness(one, other) for one, other in combinations(fitted, 2)],
    }


def _metrics(fitted: Sequence[Fitted]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for one in fitted for name in one.metrics)
    same_data = len({one.data for one in fitted}) == 1
    rows = []
    for name in names:
        values = {one.label: one.metrics.get(name) for one in fitted}
        row: dict[str, Any] = {"metric": name, "values": values, "best": None}
        known = {
            label: value
            for label, value in values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        if name in _LOWER_IS_BETTER and same_data and len(known) == len(values):
            row["best"] = min(known, key=lambda label: known[label])
        rows.append(row)
    return rows


def _parameters(fitted: Sequence[Fitted]) -> list[dict[str, Any]]:
    """Settings that are not the same in all models."""
    names = dict.fromkeys(name for one in fitted for name in one.settings)
    rows = []
    for name in names:
        values = {one.label: one.settings.get(name) for one in fitted}
        listed = list(values.values())
        if any(value != listed[0] for value in listed[1:]):
            rows.append({"parameter": name, "values": values})
    return rows


def _likeness(one: Fitted, other: Fitted) -> dict[str, Any]:
    found: dict[str, Any] = {
        "one": one.label,
        "other": other.label,
        "same_data": one.data == other.data,
        "congruence": None,
        "mean_congruence": None,
        "adjusted_rand": None,
        "similarity_correlation": None,
    }
    if one.products and one.products == other.products:
        if _alike(one.loadings, other.loadings):
            phi, pairs = congruence(one.loadings, other.loadings)
            found["congruence"] = [
                {"one": i + 1, "other": j + 1, "value": value}
                for (i, j), value in zip(pairs, phi.tolist(), strict=True)
            ]
            found["mean_congruence"] = float(phi.mean())
        if _alike(one.similarity, other.similarity) and len(one.products) > 2:
            upper = np.triu_indices(len(one.products), 1)
            a, b = one.similarity[upper], other.similarity[upper]
            sound = np.isfinite(a) & np.isfinite(b)
            if sound.sum() > 1:
                found["similarity_correlation"] = correlation(a[sound], b[sound])
    if (
        one.data == other.data
        and one.groups is not None
        and other.groups is not None
        and len(one.groups) == len(other.groups)
    ):
        found["adjusted_rand"] = adjusted_rand(one.groups, other.groups)
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether both are there, with as many lines."""
    return one is not None and other is not None and len(one) == len(other)
