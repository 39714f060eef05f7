"""What the writer of a document knows besides the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DocumentInfo:
    """The job that a document is about.

    kind            of its analysis, such as `price.data`
    title           of the analysis, in words
    job_id          as its owner knows it
    name            that its owner gave it
    request         what was asked for; empty where that is too long to be shown
    tables          name and path of each table; the path as in `tables.rows`
    warnings        what the job told its user
    created_at ..   ISO 8601, UTC; None where it did not happen
    result_sha256   of the result without times and provenance
    scratch         a folder for temporary files, removed afterwards
    files           the folder of what the job left beside its result, if it did
    """

    kind: str
    title: str
    job_id: str
    name: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    warnings: tuple[str, ...] = ()
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    request_sha256: str = ""
    result_sha256: str = ""
    scratch: str | None = None
    files: str | None = None
