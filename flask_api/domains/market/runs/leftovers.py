"""Data that nobody needs any more: they came with runs, of which none is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from flask.blueprints import BlueprintSetupState

from flask_api.domains.market.data.uploads import Gone, Uploads
from flask_api.domains.market.runs.registry import BY_KIND
from flask_api.errors import JobNotFound
from flask_api.jobs.job import Job
from flask_api.jobs.registry import Registry
from flask_api.settings import Settings


def watch(state: BlueprintSetupState) -> None:
    """Have data removed with their last run, however that is deleted."""
    registry: Registry = state.app.extensions["registry"]
    settings: Settings = state.app.config["SETTINGS"]

    def deleted(job: Job) -> None:
        if job.kind in BY_KIND:
            data_id = data_of(registry, job)
            sweep(registry, settings.data_folder, job.owner, data_id)

    registry.on_deleted.append(deleted)


def sweep(registry: Registry, folder: Path, owner: str, data_id: Any) -> None:
    """Remove data, unless they were uploaded by themselves or a run names them.

    folder   of all owners' data
    """
    found = Uploads(folder, owner)
    try:
        if not isinstance(data_id, str) or found.owned(data_id):
            return
        if data_id in named(registry, owner):
            return
        found.delete(data_id)
    except Gone:
        return  # never there, or another call was first


def named(registry: Registry, owner: str) -> Iterator[Any]:
    """Ids of the data of an owner's runs, one for each run."""
    offset, total = 0, 1
    while offset < total:
        rows, total = registry.list(owner, kind=list(BY_KIND), limit=500, offset=offset)
        yield from (data_of(registry, row) for row in rows)
        offset += 500


def data_of(registry: Registry, job: Job) -> Any:
    """The id of the data that a run names, None where they stand in the request."""
    if job.data_revision:
        return job.data_revision
    try:
        params = registry.get(job.owner, job.id).params  # rows of lists have none
    except JobNotFound:
        params = job.params  # as it was when it was deleted
    return orjson.loads(params).get("data_id") if params else None
