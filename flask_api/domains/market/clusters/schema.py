"""What may be asked about groups of products and households, and about several runs."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flask_api.analysis import Analysis, Request
from flask_api.validation import misplaced

Method = Literal["kmeans", "hierarchical"]
Linkage = Literal["ward", "complete", "average", "single"]


class ClusteringRequest(Request):
    """Groups of products or households by where a model places them."""

    run: str | None = Field(None, max_length=128, description="id of a completed run")
    on: Literal["product", "household"] = Field(
        "product", description="which embedding of the run"
    )
    points: list[list[float]] | None = Field(
        None, max_length=10_000, description="coordinates, instead of a run"
    )
    method: Method = "kmeans"
    n_clusters: int | None = Field(
        None, ge=2, le=100, description="null: the best silhouette up to max_k"
    )
    max_k: int = Field(10, ge=2, le=50)
    linkage_method: Linkage = "ward"
    seed: int = Field(42, ge=0, le=2**53 - 1)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.run is None) == (self.points is None):
            raise misplaced("points", "give either run or points, and one of them")
        return self


class ResultGiven(BaseModel):
    """What `/api/v1/runs/{id}/results` tells of a run, as far as it is compared."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())

    model_type: str | None = None
    metrics: dict[str, float | int | bool | None] | None = None
    model_params: dict[str, Any] | None = None
    results: dict[str, Any] | None = None
    product_columns: list[str] | None = None
    embeddings: dict[str, str | None] | None = None
    data_shape: dict[str, int] | None = None
    metadata: dict[str, Any] | None = None


class RunComparisonRequest(Request):
    """Runs of market models side by side."""

    runs: list[str] | None = Field(
        None, min_length=2, max_length=20, description="ids of completed runs"
    )
    results: list[ResultGiven] | None = Field(
        None, min_length=2, max_length=20, description="results, instead of runs"
    )
    labels: list[str] | None = Field(
        None, max_length=20, description="what to call them in the answer"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = self.runs if self.runs is not None else self.results
        if given is None or (self.runs is not None and self.results is not None):
            raise misplaced("runs", "give either runs or results, and one of them")
        if self.labels is not None and len(self.labels) != len(given):
            raise misplaced("labels", f"has {len(self.labels)} names for {len(given)}")
        return self


_POINTS = [[0.0, 0.1], [0.1, 0.0], [0.2, 0.1], [3.0, 3.1], [3.1, 3.0], [3.2, 3.3]]
CLUSTERING = Analysis(
    "market.clustering",
    ClusteringRequest,
    run="clusters.job:clustering",
    example={"points": _POINTS, "max_k": 4},
    quick=True,
    hidden=True,
    reads=(("run",),),
)
COMPARISON = Analysis(
    "market.comparison",
    RunComparisonRequest,
    run="clusters.job:comparison",
    example={
        "results": [
            {"model_type": "lca", "metrics": {"bic": 159.3, "aic": 150.1}},
            {"model_type": "lca", "metrics": {"bic": 161.9, "aic": 148.2}},
        ],
        "labels": ["two classes", "three classes"],
    },
    quick=True,
    hidden=True,
    reads=(("runs",),),
)
