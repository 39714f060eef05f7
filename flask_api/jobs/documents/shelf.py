"""Where documents stand: one folder for each job, and what a worker needs to fill it.

A document is made once, on demand, from a result that never changes; it is found again
by its name and goes with its job.
"""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask_api import __version__
from flask_api.analysis import Analysis
from flask_api.jobs.documents.schema import DocumentRequest
from flask_api.jobs.job import Job

#: Longer requests are named by their hash only, bytes.
_SHOWN_REQUEST = 256 * 1024


class Shelf:
    """The folder of documents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, job: Job, form: str, table: str | None) -> Path:
        """Where this document of a completed job is, or will be.

        Its stem names the content: it is the ETag. A later version of this software may
        write other documents, and finds its own.
        """
        what = (job.id, job.result_sha256, form, table, __version__)
        digest = hashlib.sha256(repr(what).encode()).hexdigest()[:32]
        return self.folder / job.id / f"{digest}.{form}"

    def remove(self, job_id: str) -> None:
        """Remove all documents of a job."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def order(
        self, job: Job, analysis: Analysis, asked: DocumentRequest, results: Path
    ) -> dict[str, Any]:
        """All that a worker needs to write a document of `job`, as JSON values."""
        short = len(job.params) <= _SHOWN_REQUEST
        offered = analysis.tables_of(job.params)
        tables = [t for t in offered if asked.table in (None, t.name)]
        if asked.form == "csv":
            tables = tables[:1]
        # One table was asked for: a writer of its own would give them all.
        own = None if asked.table else analysis.documents.get(asked.form)
        return {
            "file": str(self.place(job, asked.form, asked.table)),
            "writer": own,
            "path": str(results / job.result_file) if job.result_file else None,
            "data": None if job.result_file else (job.result or b"{}").decode(),
            "kind": job.kind,
            "title": analysis.title,
            "job_id": job.public_id,
            "name": job.name,
            "request": job.params.decode() if short else "{}",
            "tables": [[table.name, list(table.path)] for table in tables],
            "warnings": list(job.warnings),
            "created_at": _iso(job.created_at),
            "started_at": _iso(job.started_at),
            "finished_at": _iso(job.finished_at),
            "request_sha256": job.request_sha256,
            "result_sha256": job.result_sha256 or "",
        }


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
