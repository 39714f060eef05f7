"""What runs found, over REST: results, arrays, ZIP, clusters, comparison."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, send_file
from pydantic import Field

from flask_api.analysis import Request
from flask_api.domains.market.clusters.schema import ClusteringRequest
from flask_api.domains.market.data.words import counted
from flask_api.domains.market.runs.answers_schema import (
    ClusteringAnswer,
    ClusteringBody,
    ComparisonAnswer,
    RunResults,
)
from flask_api.domains.market.runs.files import FILE, folder_of
from flask_api.domains.market.runs.routes import run_named
from flask_api.errors import NotFound, ValidationError
from flask_api.http.answers import Accepted
from flask_api.http.body import json_object, query
from flask_api.http.documents import result_as
from flask_api.http.openapi import Media, described
from flask_api.http.waiting import answer, result_of, spliced
from flask_api.validation import validate

bp = Blueprint("market_results", __name__)

_TYPES = {
    "npy": "application/octet-stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
}
_WAITED = dict.fromkeys((400, 404, 409, 503, 504))


class CompareQuery(Request):
    """Which runs to compare."""

    ids: str = Field(min_length=1, max_length=4000, description="2 to 20, by commas")


@bp.get("/api/v1/runs/<id>/results")
@described(tag="market runs", answers={200: RunResults, 404: None, 409: None})
def read_results(id: str) -> Response:
    """All that a completed run found; 409 while it runs, its error if it failed.

    Arrays of more than 50,000 numbers are null here and complete at
    `/api/v1/runs/{id}/arrays/{file}`.
    """
    job = run_named(id)
    leading = {"model_run_id": job.public_id, "status": job.status.value}
    return spliced(result_of(job), leading)


@bp.get("/api/v1/runs/<id>/arrays/<file>")
@described(
    tag="market runs",
    answers={
        200: Media("application/octet-stream", "NumPy (.npy), Parquet or CSV"),
        404: None,
        409: None,
    },
)
def read_array(id: str, file: str) -> Response:
    """One array of a run, whole: `loadings.npy`, `.parquet` or `.csv`.

    Of a run that was stopped: what it had saved until then, such as draws; `files` of
    `/api/v1/runs/{id}` names it.
    """
    job = run_named(id)
    if not job.status.terminal:
        result_of(job)  # says that it comes later
    place = folder_of(job) / file
    if not FILE.match(file) or not place.is_file():
        raise NotFound(
            f"the run has no array {file[:60]!r}; `files` in "
            f"/api/v1/runs/{job.public_id} names those it has"
        )
    response = send_file(
        place.absolute(),
        mimetype=_TYPES[file.rpartition(".")[2]],
        as_attachment=True,
        download_name=f"{job.public_id}-{file}".replace(":", "_"),
        etag=f"{job.result_sha256 or job.id}-{file}",
        conditional=True,
    )
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.get("/api/v1/runs/<id>/export")
@described(
    tag="market runs",
    answers={
        200: Media("application/zip", "tables as CSV, arrays, settings, a README"),
        202: None,
        404: None,
        409: None,
    },
)
def export_run(id: str) -> Response:
    """All of a completed run as a ZIP file, made by a worker at the first request."""
    return result_as(run_named(id), "zip", None)


@bp.post("/api/v1/runs/<id>/clustering")
@described(
    tag="market runs",
    body=ClusteringBody,
    waits=True,
    answers={200: ClusteringAnswer, 202: Accepted, **_WAITED},
)
def cluster_run(id: str) -> Response:
    """Groups of products, or of households, by where the model places them.

    Without `n_clusters`, the number with the best silhouette up to `max_k`.
    """
    job = run_named(id)
    result_of(job)
    body = json_object() if request.content_length else {}
    asked = validate(ClusteringBody, body)
    params = asked.model_dump(exclude_none=True)
    params["on"] = params.pop("embedding")
    validate(ClusteringRequest, {**params, "run": job.id})
    return answer(
        "market.clustering",
        {**params, "run": job.id},
        with_id=False,
        leading={"model_run_id": job.public_id},
        data_revision=job.result_sha256 or "",
        reuse=True,
    )


@bp.get("/api/v1/runs/compare")
@described(
    tag="market runs",
    query=CompareQuery,
    waits=True,
    answers={200: ComparisonAnswer, 202: Accepted, **_WAITED},
)
def compare_runs() -> Response:
    """Completed runs side by side: fit, parameters, how alike what they found is."""
    asked = validate(CompareQuery, query(CompareQuery))
    ids = list(dict.fromkeys(id.strip() for id in asked.ids.split(",") if id.strip()))
    if not 2 <= len(ids) <= 20:
        problem = f"names {counted(len(ids), 'run')}; wanted 2 to 20, by commas"
        raise ValidationError(
            f"ids: {problem}", details=[{"field": "ids", "problem": problem}]
        )
    jobs = [run_named(id) for id in ids]
    for job in jobs:
        result_of(job)
    labels = {job.id: job.public_id for job in jobs}
    names: dict[str, Any] = {job.public_id: job.name for job in jobs if job.name}
    return answer(
        "market.comparison",
        {"runs": list(labels), "labels": list(labels.values())},
        with_id=False,
        leading={"names": names},
        reuse=True,
    )
