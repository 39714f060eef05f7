"""Earlier jobs whose results a request reads: which they are, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from flask_api.analysis import Analysis
from flask_api.jobs.job import Job


def named(analysis: Analysis, params: bytes) -> Iterator[tuple[str, str]]:
    """(field, id) of each earlier job that the request `params` names."""
    if not analysis.reads:
        return
    request = orjson.loads(params)
    for path in analysis.reads:
        found: Any = request
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str):
            yield ".".join(path), found
        elif isinstance(found, list):
            for number, one in enumerate(found):
                if isinstance(one, str):
                    yield f"{'.'.join(path)}[{number}]", one


def order(job: Job, results: Path) -> dict[str, Any]:
    """What a worker needs to read the result of a completed job, as JSON values."""
    return {
        "kind": job.kind,
        "path": str(results / job.result_file) if job.result_file else None,
        "data": None if job.result_file else (job.result or b"{}").decode(),
    }
