"""The forms of our answers, for the API's description."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

Status = Literal["pending", "running", "completed", "failed", "cancelled"]


class Problem(BaseModel):
    """One thing that is wrong, and where."""

    field: str
    problem: str


class ErrorAnswer(BaseModel):
    """What every error looks like."""

    error: str = Field(description="short text, such as 'Validation error'")
    message: str = Field(description="what was got, what was wanted, what to do")
    code: str = Field(description="stable, such as VALIDATION_ERROR")
    details: list[Problem] | list[Any] | dict[str, Any] = Field(
        description="mostly one {field, problem} per fault"
    )
    request_id: str | None = Field(description="names this request in the log")
    job_id: str | None = Field(None, description="the job that failed, if one did")


class Accepted(BaseModel):
    """The job goes on; ask again at `location`."""

    id: str
    job_id: str = Field(description="the same as id")
    analysis_id: str = Field(description="the same as id")
    status: Status
    progress: float = Field(ge=0, le=1)
    message: str | None
    location: str
    events: str = Field(description="its events as they come (SSE)")


class JobRow(BaseModel):
    """A job as one row of a list."""

    id: str = Field(description="the client's id, or ours (UUIDv7)")
    job_id: str = Field(description="the same as id")
    analysis_id: str = Field(description="the same as id")
    kind: str
    job_type: str = Field(description="the same as kind")
    name: str | None
    status: Status
    progress: float = Field(ge=0, le=1)
    step: int | None
    total_steps: int | None
    phase: str | None
    message: str | None
    progress_message: str | None = Field(description="the same as message")
    eta_seconds: float | None
    created_at: str | None = Field(description="ISO 8601 UTC, as all times")
    queued_at: str | None
    started_at: str | None
    finished_at: str | None
    completed_at: str | None = Field(description="the same as finished_at")
    queue_seconds: float | None
    run_seconds: float | None
    duration: float | None = Field(description="the same as run_seconds")
    attempts: int
    priority: int = Field(ge=0, le=9)
    owner: str
    metadata: dict[str, Any]
    warnings: list[str]
    error: dict[str, Any] | None = Field(description="{code, message, details}")
    rerun_of: str | None


class JobDetail(JobRow):
    """A job with its parameters, what its watchers saw last, and its result."""

    params: dict[str, Any]
    latest_results: Any
    result: Any = Field(description="null until completed, and where it is truncated")
    results_truncated: bool = Field(description="true: over 256 kB, see results_url")
    results_url: str | None
    tables: list[str] = Field(description="tables for `/result?format=csv&table=`")
    formats: list[str] = Field(description="what `/result?format=` offers: json, ...")


class JobMessage(JobRow):
    """A job, and in words what was done to it."""

    message: str


class JobList(BaseModel):
    """A page of jobs."""

    jobs: list[JobRow]
    total: int = Field(description="how many match the filters")
    limit: int
    offset: int
    active_jobs: list[JobRow] = Field(description="pending and running, whatever asked")
    completed_jobs: list[JobRow] = Field(description="the newest finished ones")
    total_active: int
    total_completed: int


class JobEvent(BaseModel):
    """One thing a job said, with its whole state at that time."""

    job_id: str
    analysis_id: str
    seq: int = Field(description="rises strictly within a job")
    type: str
    time: str
    status: Status
    progress: float
    message: str | None
    latest_results: Any


class EventList(BaseModel):
    """Events of a job with a number after `after`, in order."""

    job_id: str
    events: list[JobEvent]
    last_seq: int = Field(description="give this as `after` next time")
