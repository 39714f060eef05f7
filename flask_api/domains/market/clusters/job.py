"""Runs clustering and comparison in a worker, on what runs have found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from flask_api.analysis import Context, Progress, Warnings
from flask_api.domains.market.clusters.comparing import Fitted, side_by_side
from flask_api.domains.market.clusters.grouping import (
    SAMPLED,
    Grouping,
    centres_of,
    grouped,
)
from flask_api.domains.market.clusters.hierarchy import leaves
from flask_api.domains.market.clusters.schema import (
    ClusteringRequest,
    RunComparisonRequest,
)
from flask_api.errors import Conflict
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Products whose own silhouettes are told.
_TOLD = 5000


def clustering(
    request: ClusteringRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Groups of what a run has placed, and how well they are apart."""
    progress(0, 1, "reading the embedding")
    warnings = Warnings(progress)
    points, labels = _points(request, context)
    state: Grouping | None = None
    for state in grouped(
        points,
        method=request.method,
        groups=request.n_clusters,
        most=request.max_k,
        linkage=request.linkage_method,
        seed=request.seed,
    ):
        k = state.quality[-1]["n_clusters"]
        progress(state.tried, state.total + 1, f"{k} clusters", quality=state.quality)
    assert state is not None and state.labels is not None
    if state.sample is not None:
        warnings.tell(
            f"Silhouettes are those of {SAMPLED:,} of {len(points):,} rows, drawn at "
            "random."
        )
    progress(1, 1, f"{int(state.labels.max()) + 1} clusters", quality=state.quality)
    return _clusters(request, state, points, labels, list(warnings))


def _clusters(
    request: ClusteringRequest,
    state: Grouping,
    points: Floats,
    labels: list[str] | None,
    warnings: list[str],
) -> dict[str, Any]:
    assert state.labels is not None and state.silhouettes is not None
    of, joined = state.labels, state.joined
    centres = centres_of(points, of)
    judged = of if state.sample is None else of[state.sample]
    clusters = [
        {
            "cluster": k + 1,
            "size": int((of == k).sum()),
            "centre": centres[k].tolist(),
            "silhouette": (
                float(state.silhouettes[judged == k].mean())
                if (judged == k).any()
                else None
            ),
            "members": (
                None
                if labels is None
                else [labels[i] for i in np.flatnonzero(of == k).tolist()]
            ),
        }
        for k in range(len(centres))
    ]
    single = state.sample is None and len(of) <= _TOLD
    return {
        "on": request.on,
        "method": request.method,
        "linkage_method": request.linkage_method if joined is not None else None,
        "n_clusters": len(centres),
        "labels": (of + 1).tolist(),
        "silhouette": state.best if np.isfinite(state.best) else None,
        "silhouettes": state.silhouettes.tolist() if single else None,
        "silhouette_by_k": state.quality,
        "clusters": clusters,
        "linkage": None if joined is None else joined.tolist(),
        "leaf_order": None if joined is None else leaves(joined),
        "names": labels,
        "warnings": warnings,
        "metadata": {"seed": request.seed},
    }


def _points(
    request: ClusteringRequest, context: Context
) -> tuple[Floats, list[str] | None]:
    """Coordinates, and names of what lies there."""
    if request.points is not None:
        widths = {len(point) for point in request.points}
        if len(widths) != 1 or 0 in widths or len(request.points) < 3:
            raise InputError(
                f"got {len(request.points)} points of {sorted(widths)} coordinates; "
                "wanted three or more, all with as many",
                "points",
            )
        return np.array(request.points), None
    result, folder = _source(context, str(request.run))
    name = result["embeddings"][request.on]
    points = None if name is None else _array(result, folder, name)
    if points is None or len(points) < 3:
        count = 0 if points is None else len(points)
        raise InputError(
            f"the run places {count} {request.on}s; wanted at least three: this model "
            f"has no {request.on} embedding to group",
            "embedding",
        )
    if not np.isfinite(points).all():
        raise InputError(f"the {request.on} embedding has gaps", "embedding")
    names = result["product_columns"] if request.on == "product" else None
    return np.ascontiguousarray(points, dtype=np.float64), names


def _source(context: Context, run: str) -> tuple[dict[str, Any], Path]:
    """The result of an earlier run, and the folder of its arrays."""
    source: Mapping[str, Any] = context.sources[run]
    data = source["data"]
    if data is None:
        try:
            data = Path(source["path"]).read_bytes()
        except FileNotFoundError:
            raise Conflict(
                "the file of this result was removed from the results folder; run "
                "the job again"
            ) from None
    result: dict[str, Any] = orjson.loads(data)
    return result, Path(source["files"]) / "arrays"


def _array(
    result: Mapping[str, Any], folder: Path | None, name: str
) -> npt.NDArray[Any] | None:
    """An array of a run, from its file or its result."""
    if folder is not None and (folder / f"{name}.npy").exists():
        found: npt.NDArray[Any] = np.load(folder / f"{name}.npy", allow_pickle=False)
        return found
    listed = (result.get("results") or {}).get(name)
    try:
        return None if listed is None else np.array(listed, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"got {name!r} that is no table of numbers; wanted lists of numbers, all "
            "of a length",
            f"results.{name}",
        ) from None


def comparison(
    request: RunComparisonRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Runs side by side."""
    fitted: list[Fitted] = []
    warnings = Warnings(progress)
    given: list[Any] = list(request.runs or request.results or [])
    progress(0, len(given) + 1, "reading the runs")
    for number, one in enumerate(given):
        label = request.labels[number] if request.labels else f"run {number + 1}"
        if isinstance(one, str):
            result, folder = _source(context, one)
        else:
            result, folder = one.model_dump(), None
        fitted.append(_fitted(result, folder, label))
        progress(number + 1, len(given) + 1, f"{number + 1} of {len(given)} runs read")
    if len({one.data for one in fitted}) > 1:
        warnings.tell(
            "The runs are of different data or products: likelihoods and information "
            "criteria of one can't be held against those of another."
        )
    if len({one.model_type for one in fitted}) > 1:
        warnings.tell(
            "The runs are of different models: a metric of the same name need not mean "
            "the same."
        )
    found = side_by_side(fitted)
    progress(1, 1, "compared")
    return {
        "runs": [one.label for one in fitted],
        **found,
        "warnings": list(warnings),
        "metadata": {"seed": None},
    }


def _fitted(result: Mapping[str, Any], folder: Path | None, label: str) -> Fitted:
    metadata = result.get("metadata") or {}
    products = tuple(result.get("product_columns") or ())
    named = result.get("embeddings") or {}
    loadings = _array(result, folder, "loadings")
    if loadings is None and named.get("product"):
        loadings = _array(result, folder, named["product"])
    groups = _array(result, folder, "class_assignments")
    similar = named.get("similarity")
    shape = result.get("data_shape") or {}
    similarity = None if not similar else _array(result, folder, similar)
    count = len(products)
    for name, found, wanted in (
        ("loadings", loadings, loadings is None or loadings.shape[:1] == (count,)),
        ("similarity", similarity, similarity is None
         or similarity.shape == (count, count)),
        ("class_assignments", groups, groups is None
         or (groups.ndim == 1 and bool(np.isfinite(groups).all()))),
    ):  # fmt: skip
        if found is not None and products and not (wanted and found.ndim <= 2):
            raise InputError(
                f"{label}: got {name!r} of shape {found.shape} for {count} products",
                "results",
            )
    return Fitted(
        label=label,
        model_type=str(result.get("model_type")),
        data=repr((metadata.get("data_sha256"), products, shape)),
        metrics=result.get("metrics") or {},
        settings={
            **(result.get("model_params") or {}),
            "model_type": result.get("model_type"),
            "n_items": shape.get("n_items"),
            "seed": metadata.get("seed"),
        },
        products=products,
        loadings=loadings,
        groups=None if groups is None else groups.astype(np.intp),
        similarity=similarity,
    )
