"""Results as files: JSON, CSV, workbooks and pages.

Files are written by a worker, once, and sent from here piece by piece.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import IO, Literal

import orjson
from flask import Response, current_app, request

from flask_api.analysis import Analysis, Table
from flask_api.documents.tables import Rows, csv_text
from flask_api.errors import Conflict, JobNotFound, ServiceError, ValidationError
from flask_api.http.auth import current_owner
from flask_api.http.waiting import (
    PIECE,
    Preference,
    accepted,
    answer,
    complete,
    preference,
    registry,
    result_of,
    spliced,
    whole,
)
from flask_api.jobs.job import Job
from flask_api.jobs.registry import Result
from flask_api.settings import Settings

#: Forms in which a result can be fetched.
Form = Literal["json", "csv", "xlsx", "html", "zip"]
#: Tables of larger results are not made in the web process, bytes.
MOST_BYTES = 2 * 2**20

_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "zip": "application/zip",
}
#: A page made of results runs nothing and loads nothing, whatever stands in it.
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


def forms(analysis: Analysis | None) -> list[str]:
    """The forms that results of an analysis come in."""
    if analysis is None:
        return ["json"]
    shown = ("csv", "xlsx", "html") if analysis.tables else ()
    made = [form for form in ("xlsx", "html", "zip") if form in analysis.documents]
    return ["json", *dict.fromkeys((*shown, *made))]


def result_as(job: Job, form: Form, table: str | None) -> Response:
    """The result of a completed job as a file, or 202 while the file is being made.

    Raises ValidationError where the analysis does not offer that; Conflict for a job
    that is not completed; the error of a job that failed; JobNotFound where the job is
    deleted meanwhile.
    """
    settings: Settings = current_app.config["SETTINGS"]
    wish = preference(settings.wait_s)
    response = _unless_deleted(job, form, table, wish.wait_s)
    response.vary.add("Prefer")
    if wish.applied:
        response.headers["Preference-Applied"] = wish.applied
    return response


def answer_as(form: Form, kind: str, params: object, *, data_revision: str) -> Response:
    """A file of a result that is computed once for each question and revision.

    As `waiting.answer` with `reuse`: what is not ready within the wait is 202, and its
    Location is the address that was asked.
    """
    if form == "json":
        return answer(
            kind, params, with_id=False, data_revision=data_revision, reuse=True
        )
    settings: Settings = current_app.config["SETTINGS"]
    wish = preference(settings.wait_s)
    until = time.monotonic() + wish.wait_s
    owner = current_owner()
    submission = registry().submit(
        kind, params, owner=owner, data_revision=data_revision, reuse=True
    )
    job = submission.job
    if not wish.only_async and not job.status.terminal:
        job = registry().wait(owner, job.id, wish.wait_s)
    if job.status.terminal:
        response = _unless_deleted(job, form, None, _left(until, wish))
    else:
        response = accepted(job, location=_here())
    return complete(response, submission, wish)


def _left(until: float, wish: Preference) -> float:
    return 0.0 if wish.only_async else max(0.0, until - time.monotonic())


def _here() -> str:
    return request.full_path.rstrip("?")


def _unless_deleted(job: Job, form: str, table: str | None, wait_s: float) -> Response:
    """The job's file. JobNotFound where the job goes while its file is made.

    Its rows and files go one after the other, and each shows in another way.
    """
    owner = current_owner()
    try:
        response = _file(job, form, table, wait_s)
    except ServiceError:
        registry().get(owner, job.id)
        raise
    try:
        registry().get(owner, job.id)
    except JobNotFound:
        response.close()
        registry().shelf.remove(job.id)  # what came after its folder was removed
        raise
    return response


def _file(job: Job, form: str, table: str | None, wait_s: float) -> Response:
    result = result_of(job)
    analysis = registry().analyses.get(job.kind)
    tables = () if analysis is None else analysis.tables_of(job.params)
    refuse_unknown(analysis, job.kind, form, table, tables)
    if form == "json":
        response, tag = spliced(result, {}), result.sha256
    else:
        place = registry().shelf.place(job, form, table)
        tag = place.stem
        if request.if_none_match.contains_weak(tag):
            response = current_app.response_class(status=HTTPStatus.NOT_MODIFIED)
        elif form == "csv" and result.size <= MOST_BYTES:
            response = _small_csv(pick(tables, table, job.kind), result)
        else:
            made = _streamed(place, form)
            if made is None:
                waiting = _make(job, form, table, wait_s)
                if waiting is not None:
                    return waiting
                made = _streamed(place, form)
            if made is None:
                raise Conflict(
                    "the document was removed as soon as it was made; ask again",
                    job_id=job.public_id,
                )
            response = made
    name = f"{job.kind}-{job.public_id}.{form}".replace(":", "_")
    shown = "inline" if form == "html" else "attachment"
    response.headers["Content-Disposition"] = f'{shown}; filename="{name}"'
    if form == "html":
        response.headers["Content-Security-Policy"] = _ALONE
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def refuse_unknown(
    analysis: Analysis | None,
    kind: str,
    form: str,
    table: str | None,
    tables: Sequence[Table],
) -> None:
    """Raise ValidationError naming what there is, if this is not offered.

    tables   that the result has
    """
    offered = forms(analysis)
    if form not in offered:
        raise ValidationError(
            f"format: {kind} has no tables to give as {form}; use "
            + " or ".join(f"format={one}" for one in offered),
            details=[{"field": "format", "problem": f"{form} is not offered here"}],
        )
    if table is None:
        return
    pick(tables, table, kind)
    if form in ("json", "zip"):
        raise ValidationError(
            f"table: format={form} gives the whole result; take format=csv, or leave "
            "table out",
            details=[{"field": "table", "problem": f"does not go with format={form}"}],
        )


def pick(tables: Sequence[Table], name: str | None, kind: str) -> Table:
    """The table called `name`, or the first one.

    Raises ValidationError naming those there are.
    """
    for table in tables:
        if name in (None, table.name):
            return table
    known = ", ".join(table.name for table in tables) or "none"
    raise ValidationError(
        f"table: this {kind} has no table {str(name)[:60]!r}; it has {known}",
        details=[{"field": "table", "problem": f"must be one of {known}"}],
    )


def _small_csv(table: Table, result: Result) -> Response:
    rows = Rows(orjson.loads(whole(result)), table.path)
    return current_app.response_class(csv_text(rows), mimetype=_TYPES["csv"])


def _make(job: Job, form: str, table: str | None, wait_s: float) -> Response | None:
    """202 while a worker still writes the file; None once it is there.

    Raises the error that kept it from being written.
    """
    owner = current_owner()
    making = registry().make_document(job, form, table)
    if not making.status.terminal:
        making = registry().wait(owner, making.id, wait_s)
    if not making.status.terminal:
        return accepted(making, location=_here())
    try:
        registry().result(owner, making.id)
    except ServiceError as error:
        error.job_id = making.public_id
        raise
    return None


def _streamed(place: Path, form: str) -> Response | None:
    """The file in pieces; None where it does not exist."""
    try:
        file = open(place, "rb")
    except FileNotFoundError:
        return None
    response = current_app.response_class(_pieces(file), mimetype=_TYPES[form])
    response.content_length = os.fstat(file.fileno()).st_size
    response.call_on_close(file.close)  # for one whose client left before the end
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
