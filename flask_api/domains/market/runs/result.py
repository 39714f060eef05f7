"""A fitted model in the shape that `/api/v1/runs/{id}/results` promises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from flask_api.domains.market.runs.arrays import INLINE, Kept
from flask_api.domains.market.runs.model import Outcome, Problem

#: Arrays that stand under their own names beside `results`.
NAMED = (
    "loadings",
    "loadings_std",
    "item_probs",
    "class_probs",
    "alpha",
    "alpha_std",
    "product_latent",
    "household_latent",
)


def result_of(
    model_type: str,
    settings: Mapping[str, Any],
    problem: Problem,
    outcome: Outcome,
    kept: Mapping[str, Kept],
    warnings: list[str],
) -> dict[str, Any]:
    """The result of a run: small arrays as nested lists, NaN as null.

    A larger array is null, and `arrays` says where it is. `warnings` are those told.
    """
    said = list(warnings)
    values = {name: _listed(one) for name, one in kept.items()}
    large = [name for name, one in kept.items() if not one.inline]
    if large:
        said.append(
            f"{', '.join(large)}: more than {INLINE:,} numbers, so they are null here "
            "and complete in the files that `arrays` names."
        )
    variance = outcome.variance_explained
    metrics = {name: _plain(value) for name, value in outcome.metrics.items()}
    if outcome.absent:
        said.append(f"{', '.join(outcome.absent)}: no part of this model, so null.")
    undefined = [
        name
        for name, value in metrics.items()
        if value is None and name not in outcome.absent
    ]
    if undefined:
        said.append(f"{', '.join(undefined)}: not defined for these data, so null.")
    return {
        "model_type": model_type,
        "model_params": {**settings, "seed": problem.seed},
        "results": values,
        "product_embeddings": _named(outcome.product_embeddings, values),
        "household_embeddings": _named(outcome.household_embeddings, values),
        "similarity_matrix": _named(outcome.similarity, values),
        "variance_explained": None if variance is None else _finite(variance),
        **{name: values.get(name) for name in NAMED},
        "embeddings": {
            "product": outcome.product_embeddings,
            "household": outcome.household_embeddings,
            "similarity": outcome.similarity,
        },
        "arrays": [
            {
                "name": name,
                "shape": list(one.values.shape),
                "dtype": str(one.values.dtype),
                "inline": one.inline,
                "row_labels": None if one.rows is None else list(one.rows),
                "column_labels": list(one.columns),
                "files": list(one.files),
            }
            for name, one in kept.items()
        ],
        "tables": {
            name: [{key: _plain(cell) for key, cell in row.items()} for row in rows]
            for name, rows in outcome.tables.items()
        },
        "details": _plain(dict(outcome.details)),
        "product_columns": list(problem.columns),
        "data_shape": {"n_obs": problem.n_rows, "n_items": problem.n_items},
        "results_summary": _plain(dict(outcome.summary)),
        "metrics": metrics,
        "converged": outcome.converged,
        "warnings": said,
        "metadata": {
            "seed": problem.seed,
            "data_sha256": problem.table.sha256,
            "n_obs": problem.n_rows,
            "n_items": problem.n_items,
        },
    }


def _named(name: str | None, values: Mapping[str, Any]) -> Any:
    return None if name is None else values[name]


def _listed(one: Kept) -> Any:
    return _finite(one.values) if one.inline else None


def _finite(values: Any) -> Any:
    """An array as nested lists, None where it is not finite."""
    array = np.asarray(values)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        array = array.astype(object)
        array[~np.isfinite(values)] = None
    return array.tolist()


def _plain(value: Any) -> Any:
    """A value as JSON: NumPy's numbers as Python's, NaN and infinity as None."""
    if isinstance(value, np.ndarray):
        return _finite(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
