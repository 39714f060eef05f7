"""The hidden analysis that writes documents; only the server itself starts it."""

from __future__ import annotations

from typing import Literal

from flask_api.analysis import Analysis, Request

#: Forms of a result that are files.
Form = Literal["csv", "xlsx", "html", "zip"]


class DocumentRequest(Request):
    """A document of a completed job."""

    job: str
    form: Form
    table: str | None = None


MAKE = Analysis(
    "documents.make",
    DocumentRequest,
    run="flask_api.jobs.documents.job:make",
    example={},
    hidden=True,
)
