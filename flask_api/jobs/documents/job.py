"""Runs in a worker: writes a document of a completed job beside its result."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from flask_api.analysis import Context, Progress
from flask_api.documents.info import DocumentInfo
from flask_api.documents.tables import Rows, csv_text
from flask_api.errors import Conflict, DiskFull
from flask_api.jobs.documents.schema import DocumentRequest

Writer = Callable[[dict[str, Any], DocumentInfo, BinaryIO], None]

#: Writers for analyses that have none of their own.
_GENERIC = {
    "xlsx": "flask_api.documents.workbook:write_tables",
    "html": "flask_api.documents.page:write_tables",
    "csv": f"{__name__}:write_csv",
}
_INFO = ("kind", "title", "job_id", "name", "created_at", "started_at", "finished_at")
_HASHES = ("request_sha256", "result_sha256")


def make(
    request: DocumentRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """The name and size of a document, once it stands beside its job's result.

    Raises Conflict where the result or the folder is gone, as they are once the job is
    deleted; DiskFull where there is no room.
    """
    order = context.document
    assert order is not None  # the engine gives it, or fails the job
    result = _result(order)
    progress(1, 3, "result read")
    file = Path(order["file"])
    writer = _writer(order["writer"] or _GENERIC[request.form])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
            draft = Path(scratch) / file.name
            with draft.open("wb") as out:
                writer(result, _info(order, scratch), out)
                out.flush()
                os.fsync(out.fileno())
            progress(2, 3, "document written")
            size = draft.stat().st_size
            draft.rename(file)
    except FileNotFoundError:  # what we write into was taken from under us
        raise Conflict(
            "the document was removed while it was written; ask for it again"
        ) from None
    except OSError as error:
        raise DiskFull(
            f"the document cannot be kept in {file.parent.parent.name}/: "
            f"{error.strerror}"
        ) from None
    progress(3, 3, f"{size:,} bytes")
    return {"document": {"name": file.name, "size": size}}


def _result(order: Mapping[str, Any]) -> dict[str, Any]:
    data = order["data"]
    if data is None:
        try:
            data = Path(order["path"]).read_bytes()
        except FileNotFoundError:
            raise Conflict(
                "the file of this result was removed from the results folder; run "
                "the job again (POST .../rerun)"
            ) from None
    found: dict[str, Any] = orjson.loads(data)
    return found


def _writer(text: str) -> Writer:
    module, _, name = text.partition(":")
    found: Writer = getattr(importlib.import_module(module), name)
    return found


def _info(order: Mapping[str, Any], scratch: str) -> DocumentInfo:
    return DocumentInfo(
        **{key: order[key] for key in (*_INFO, *_HASHES)},
        request=orjson.loads(order["request"]),
        tables=tuple((name, tuple(path)) for name, path in order["tables"]),
        warnings=tuple(order["warnings"]),
        scratch=scratch,
        files=order["files"],
    )


def write_csv(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
    """The first of the tables as CSV."""
    for text in csv_text(Rows(result, info.tables[0][1])):
        file.write(text.encode())
