"""The bodies and answers of `/api/v1`, for its validation and description."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from flask_api.analysis import Request
from flask_api.domains.market.clusters.schema import Linkage, Method
from flask_api.domains.market.runs.request_schema import MissingWay


class RunBody(Request):
    """A run of a model: which model, which data, which products."""

    model_type: str = Field(
        min_length=1, max_length=64, description="such as lca, nmf, mca"
    )
    name: str | None = Field(None, max_length=255)
    description: str | None = Field(None, max_length=4000)
    params: dict[str, Any] = Field(
        default_factory=dict, description="of the model: see `POST /api/jobs`"
    )
    data: Any = Field(
        None,
        description="the table itself, as `POST /api/v1/data` takes it; it is kept, "
        "and has a `data_id`, before the other keys are judged",
    )
    data_id: str | None = Field(
        None, max_length=64, description="of an upload; else give `data` or a file"
    )
    product_columns: list[str] | None = Field(
        None, max_length=5000, description="null: every column of 0 and 1"
    )
    missing: MissingWay | None = Field(None, description="what to do about gaps")
    count_column: str | None = Field(
        None, max_length=255, description="households that each row stands for"
    )


class RunAnswer(BaseModel):
    """A run, as its list shows it."""

    id: str
    model_type: str
    name: str | None
    description: str | None
    status: Literal["pending", "running", "completed", "failed", "cancelled"]
    created_at: str | None = Field(description="ISO 8601 UTC, as all times")
    queued_at: str | None
    started_at: str | None
    completed_at: str | None
    queue_duration: float | None = Field(description="seconds")
    run_duration: float | None = Field(description="seconds")
    model_params: dict[str, Any] | None
    data_id: str | None
    data_shape: dict[str, int] | None = Field(description="n_obs, n_items")
    product_columns: list[str] | None
    progress: float = Field(ge=-1, le=1, description="-1: failed")
    progress_message: str | None
    results_summary: dict[str, Any] | None
    metrics: dict[str, Any] | None
    error_message: str | None
    warnings: list[str]


class RunDetail(RunAnswer):
    """A run, and the files that it has kept."""

    files: list[str] = Field(
        description="of an ended run, also a stopped one: names of what is at "
        "`/api/v1/runs/{id}/arrays/{file}`"
    )


class RunList(BaseModel):
    """A page of your runs."""

    runs: list[RunAnswer]
    total: int
    limit: int
    offset: int


class RunResults(BaseModel):
    """All that a run found; what a model does not have is null."""

    model_run_id: str
    model_type: str
    status: str
    results: dict[str, Any] = Field(description="every array, by name")
    product_embeddings: list[list[float | None]] | None
    household_embeddings: list[list[float | None]] | None
    similarity_matrix: list[list[float | None]] | None
    variance_explained: list[float | None] | None = Field(description="percent")
    loadings: Any = None
    loadings_std: Any = None
    item_probs: Any = None
    class_probs: Any = None
    alpha: Any = None
    alpha_std: Any = None
    product_latent: Any = None
    household_latent: Any = None
    arrays: list[dict[str, Any]] = Field(description="name, shape, labels, files")
    tables: dict[str, list[dict[str, Any]]]
    product_columns: list[str]
    metrics: dict[str, Any]
    warnings: list[str]


class ProgressAnswer(BaseModel):
    """How far a run, or any job, is."""

    model_run_id: str
    seq: int = Field(description="rises strictly; send it back as Last-Event-ID")
    progress: float = Field(ge=-1, le=1, description="-1: failed")
    phase: str = Field(
        description="pending, queued, initializing, running, tuning, sampling, "
        "completed, failed, cancelled"
    )
    message: str
    chain: int | None
    draw: int | None
    total_draws: int | None
    samples_per_second: float | None
    divergences: int | None
    iteration: int | None
    log_likelihood: float | None
    elapsed_seconds: float | None
    eta_seconds: float | None
    timestamp: str
    extra: dict[str, Any]
    status: str
    warnings: list[str]
    latest_results: Any


class ClusteringBody(Request):
    """How to group what a run has placed."""

    method: Method = "kmeans"
    embedding: Literal["product", "household"] = "product"
    n_clusters: int | None = Field(
        None, ge=2, le=100, description="null: the best silhouette up to max_k"
    )
    max_k: int = Field(10, ge=2, le=50)
    linkage_method: Linkage = "ward"
    seed: int = Field(42, ge=0, le=2**53 - 1)


class ClusteringAnswer(BaseModel):
    """Groups, and how well they are apart."""

    model_run_id: str
    method: str
    n_clusters: int
    labels: list[int] = Field(description="group of each product or row, from 1")
    silhouette: float | None = Field(description="-1..1")
    silhouette_by_k: list[dict[str, Any]]
    clusters: list[dict[str, Any]]
    linkage: list[list[float]] | None
    metadata: dict[str, Any]


class ComparisonAnswer(BaseModel):
    """Runs side by side."""

    names: dict[str, str]
    runs: list[str]
    metrics: list[dict[str, Any]]
    parameters: list[dict[str, Any]]
    likeness: list[dict[str, Any]]
    warnings: list[str]
    metadata: dict[str, Any]
