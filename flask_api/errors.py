"""One tree of errors: each knows its HTTP status and a stable code.

A class is named for the situation; its docstring is the default message, so the
sentence is written once. `title` is the short text under the key `error`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ServiceError(Exception):
    """Something went wrong that the caller can be told about."""

    status = 500
    code = "INTERNAL_ERROR"
    title = "Internal server error"

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        job_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """`details` is usually a list of {field, problem}."""
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))
        self.details: Any = details
        self.job_id = job_id
        self.retry_after_s = retry_after_s

    @property
    def message(self) -> str:
        return str(self.args[0])


class ValidationError(ServiceError):
    """The request does not have the expected form; `details` names each field."""

    status = 400
    code = "VALIDATION_ERROR"
    title = "Validation error"


class InvalidInput(ServiceError):
    """The values of the request contradict each other or the model they are for."""

    status = 400
    code = "INVALID_INPUT"
    title = "Validation error"


class NoSolution(ServiceError):
    """The question has no answer for these inputs."""

    status = 400
    code = "NO_SOLUTION"
    title = "No solution"


class NotAvailable(ServiceError):
    """This analysis is named in the contract but not offered by this version."""

    status = 400
    code = "NOT_AVAILABLE"
    title = "Not available"


class Forbidden(ServiceError):
    """Only the owner of a job may do this."""

    status = 403
    code = "FORBIDDEN"
    title = "Forbidden"


class NotFound(ServiceError):
    """There is nothing at this address; `/docs` lists what there is."""

    status = 404
    code = "NOT_FOUND"
    title = "Not found"


class Gone(ServiceError):
    """What was at this address was taken out of use."""

    status = 410
    code = "GONE"
    title = "Gone"


class JobNotFound(NotFound):
    """There is no such job; `GET /api/jobs` lists yours."""

    code = "JOB_NOT_FOUND"


class Conflict(ServiceError):
    """The job's state does not allow this."""

    status = 409
    code = "CONFLICT"
    title = "Conflict"


class JobCancelled(Conflict):
    """The job was cancelled before it had a result."""

    code = "CANCELLED"


class NotClientDriven(Conflict):
    """The server computes this analysis; only a client-driven one takes progress."""

    code = "NOT_CLIENT_DRIVEN"


class TooLarge(ServiceError):
    """The request is larger than this server accepts."""

    status = 413
    code = "TOO_LARGE"
    title = "Payload too large"


class UnsupportedMediaType(ServiceError):
    """Send JSON, with the header `Content-Type: application/json`."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    title = "Unsupported media type"


class QueueFull(ServiceError):
    """The queue is full: try again when some of the waiting jobs have run."""

    status = 503
    code = "QUEUE_FULL"
    title = "Service unavailable"


class ShuttingDown(ServiceError):
    """The server is shutting down: try again in a few seconds."""

    status = 503
    code = "SHUTTING_DOWN"
    title = "Service unavailable"


class DiskFull(ServiceError):
    """The folder that keeps jobs and results cannot be written: is the disk full?"""

    status = 507
    code = "DISK_FULL"
    title = "Insufficient storage"


class JobTimeout(ServiceError):
    """The job was stopped at its time limit: ask for less, or a longer `timeout`."""

    status = 504
    code = "JOB_TIMEOUT"
    title = "Job timeout"


class WorkerDied(ServiceError):
    """The worker process died twice on this job, without saying why."""

    code = "WORKER_DIED"


class MemoryLimit(ServiceError):
    """The job needed more memory than a worker may use (`JOB_MEMORY_MB`)."""

    status = 400
    code = "MEMORY_LIMIT"
    title = "Memory limit"


class Interrupted(ServiceError):
    """The job was interrupted too often by restarts of the server."""

    status = 503
    code = "INTERRUPTED"
    title = "Service unavailable"


def by_code(code: str) -> type[ServiceError]:
    """The class that carries `code`; ServiceError itself where none does."""
    todo = [ServiceError]
    while todo:
        cls = todo.pop()
        if cls.__dict__.get("code") == code:
            return cls
        todo.extend(cls.__subclasses__())
    return ServiceError
