"""What becomes of a request for a job, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass

from flask_api import errors
from flask_api.jobs.job import Job, problem_with_client_id
from flask_api.store.base import Added


@dataclass(frozen=True)
class Submission:
    """What became of a request for a job."""

    job: Job
    #: True = an earlier, identical request made this job.
    replayed: bool


def checked_id(client_id: str | None) -> str | None:
    """The id that a client chose, or None. Raises ValidationError naming it."""
    problem = None if client_id is None else problem_with_client_id(client_id)
    if problem:
        raise errors.ValidationError(
            f"analysis_id {problem}",
            details=[{"field": "analysis_id", "problem": problem}],
        )
    return client_id


def refuse_other_content(added: Added, job: Job) -> None:
    """Raise Conflict if the job that stands for a request has other content."""
    there = added.job
    if added.how in ("new", "body"):
        return
    if there.request_sha256 == job.request_sha256 and there.kind == job.kind:
        return
    what = "this Idempotency-Key" if added.how == "key" else "this id"
    raise errors.Conflict(
        f"{what} was used for another request: choose a new one, or send the same "
        "request again",
        job_id=there.public_id,
    )
