"""Submit, look up, cancel, delete, rerun and follow jobs: all that routes may do."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from flask_api import errors
from flask_api.analysis import Analyses, Analysis, fresh_seed
from flask_api.jobs.client_jobs import ClientJobs
from flask_api.jobs.documents.schema import MAKE, DocumentRequest
from flask_api.jobs.documents.shelf import Shelf
from flask_api.jobs.events import Events
from flask_api.jobs.job import (
    CLIENT,
    DEFAULT_PRIORITY,
    Event,
    Job,
    Status,
    new_id,
)
from flask_api.jobs.queue import Queue
from flask_api.jobs.sources import named
from flask_api.jobs.sources import order as source_order
from flask_api.jobs.submission import Submission, checked_id, refuse_other_content
from flask_api.store.base import SEQ_BLOCK, Key, Order, Store
from flask_api.validation import validate

#: Quick jobs that may wait beyond the bound of the queue.
QUICK_ROOM = 100
#: Documents of larger results take seconds: not in the slot for quick work, bytes.
QUICK_RESULT = 2 * 2**20


@dataclass(frozen=True)
class Result:
    """The result of a completed job, as JSON."""

    sha256: str
    size: int
    #: The document, if the row holds it ...
    data: bytes | None
    #: ... else its file.
    path: Path | None


class Registry:
    """The jobs of this server, for every transport."""

    def __init__(
        self,
        store: Store,
        events: Events,
        queue: Queue,
        analyses: Analyses,
        results_folder: Path,
    ) -> None:
        self.analyses = analyses
        self.store = store
        self.events = events
        self.queue = queue
        self.results_folder = results_folder
        #: Workbooks, pages and large tables made of results.
        self.shelf = Shelf(results_folder / "documents")
        #: What jobs left beside their results.
        self.files_folder = results_folder / "files"
        #: Jobs that their clients compute.
        self.clients = ClientJobs(store, events)
        #: Set by the engine: called with a job whose cancellation was requested.
        self.on_cancel: Callable[[Job], None] = lambda job: None
        #: Called with every job that was deleted: what else goes with it.
        self.on_deleted: list[Callable[[Job], None]] = []
        #: Set when the server shuts down: no new jobs.
        self.closing = False

    # -- making jobs -------------------------------------------------

    def analysis(self, kind: str) -> Analysis:
        """The analysis of that kind or alias. ValidationError, NotAvailable."""
        analysis = self.analyses.get(kind)
        if analysis is None:
            known = ", ".join(self.analyses.names())
            raise errors.ValidationError(
                f"kind: there is no analysis {kind[:100]!r}; there are {known}",
                details=[{"field": "kind", "problem": f"must be one of {known}"}],
            )
        if not analysis.available:
            raise errors.NotAvailable(
                f"{analysis.kind} is not offered by this version of the server; "
                f"offered are {', '.join(self._offered())}",
                details=[{"field": "kind", "problem": "not available"}],
            )
        return analysis

    def _offered(self) -> list[str]:
        by_kind = self.analyses.by_kind
        return [name for name in self.analyses.names() if by_kind[name].available]

    def submit(
        self,
        kind: str,
        params: object,
        *,
        owner: str,
        client_id: str | None = None,
        name: str | None = None,
        priority: int = DEFAULT_PRIORITY,
        timeout_s: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency: tuple[str, str] | None = None,
        total_steps: int | None = None,
        data_revision: str = "",
        reuse: bool = False,
    ) -> Submission:
        """Make a job, or find the one that an identical request made before.

        kind           of the analysis, or an alias
        params         the request as the JSON reader returned it
        client_id      an id of the caller's choice, unique per owner
        idempotency    (route, Idempotency-Key)
        total_steps    steps to count progress in, for seed 000's clients
        data_revision  names the state of the data that the request reads
        reuse          an earlier completed job with the same request and data will do

        Raises ValidationError, NotAvailable, Conflict (id or key used with other
        content, or the request reads an unfinished job), JobNotFound (it reads an
        unknown one), QueueFull, ShuttingDown.
        """
        analysis = self.analysis(kind)
        request = validate(analysis.request, params)
        canonical = orjson.dumps(
            orjson.loads(request.model_dump_json(exclude_unset=True)),
            option=orjson.OPT_SORT_KEYS,
        )
        for field, source in named(analysis, canonical):
            self._refuse_unfinished(owner, source, field)
        asked = analysis.kind.encode() + b"\0" + canonical
        if name or metadata or timeout_s is not None or priority != DEFAULT_PRIORITY:
            beside = [name, dict(metadata or {}), timeout_s, priority]
            asked += b"\0" + orjson.dumps(beside, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(asked).hexdigest()
        if reuse:
            found = self.store.cached(owner, analysis.kind, digest, data_revision)
            if found is not None:
                return Submission(found, replayed=True)
        job = Job(
            id=new_id(),
            owner=owner,
            kind=analysis.kind,
            client_id=checked_id(client_id),
            name=name,
            priority=priority,
            quick=analysis.quick,
            hidden=analysis.hidden,
            params=canonical,
            metadata=orjson.dumps(dict(metadata or {})),
            request_sha256=digest,
            data_revision=data_revision,
            timeout_s=timeout_s or analysis.timeout_s,
            total_steps=total_steps,
            seed=fresh_seed(),
            seq_floor=SEQ_BLOCK,
        )
        key = Key(*idempotency) if idempotency else None
        replay = client_id is None and key is None
        return self._enter(job, key, replay=replay)

    def _enter(self, job: Job, key: Key | None, *, replay: bool) -> Submission:
        if self.closing:
            raise errors.ShuttingDown(retry_after_s=3)
        # A price is answered also while long runs fill the queue.
        room = self.queue.room + (QUICK_ROOM if job.quick else 0)
        created = self.events.begin(job)
        with self.events.speaking(job.id):
            added = self.store.add(job, created, key, replay=replay, room=room)
            if added.how == "new":
                self.events.tell(created, job.owner)
        if added.how == "full":
            self.queue.refuse()
        refuse_other_content(added, job)
        if added.how != "new":
            return Submission(added.job, replayed=True)
        self.queue.wake()
        return Submission(added.job, replayed=False)

    def rerun(self, owner: str, job_id: str) -> Job:
        """A new job with the same request and seed; `rerun_of` names the first.

        Raises JobNotFound, Conflict for a client-driven job.
        """
        old = self.get(owner, job_id)
        if old.kind == CLIENT:
            raise errors.Conflict("a client-driven job is run again by its client")
        self.analysis(old.kind)
        fresh = Job(
            id=new_id(),
            owner=owner,
            kind=old.kind,
            name=old.name,
            priority=old.priority,
            quick=old.quick,
            hidden=old.hidden,
            params=old.params,
            metadata=old.metadata,
            request_sha256=old.request_sha256,
            timeout_s=old.timeout_s,
            total_steps=old.total_steps,
            rerun_of=old.id,
            seed=fresh_seed() if old.seed is None else old.seed,
            seq_floor=SEQ_BLOCK,
        )
        return self._enter(fresh, None, replay=False).job

    # -- documents ---------------------------------------------------

    def analysis_of(self, job: Job) -> Analysis | None:
        """What runs `job`, also where only the server starts such jobs."""
        return MAKE if job.kind == MAKE.kind else self.analyses.get(job.kind)

    def make_document(self, source: Job, form: str, table: str | None) -> Job:
        """The hidden job that writes a document of a completed one.

        One that is under way already will do. Raises QueueFull, ShuttingDown.
        """
        asked = {"job": source.id, "form": form, "table": table}
        canonical = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(MAKE.kind.encode() + b"\0" + canonical).hexdigest()
        revision = source.result_sha256 or ""
        found = self.store.cached(source.owner, MAKE.kind, digest, revision)
        if found is not None and not found.status.terminal:
            return found
        job = Job(
            id=new_id(),
            owner=source.owner,
            kind=MAKE.kind,
            quick=(source.result_size or 0) <= QUICK_RESULT,
            hidden=True,
            params=canonical,
            request_sha256=digest,
            data_revision=revision,
            seq_floor=SEQ_BLOCK,
        )
        return self._enter(job, None, replay=True).job

    def document_order(self, job: Job) -> dict[str, Any] | None:
        """What the worker of such a job needs; None where the source is gone."""
        asked = DocumentRequest.model_validate_json(job.params)
        source = self.store.get(job.owner, asked.job)
        analysis = None if source is None else self.analyses.get(source.kind)
        if source is None or analysis is None:
            return None
        order = self.shelf.order(source, analysis, asked, self.results_folder)
        return {**order, "files": str(self.files(source))}

    # -- results that requests read ----------------------------------

    def _refuse_unfinished(self, owner: str, job_id: str, field: str) -> None:
        try:
            job = self.get(owner, job_id)
        except errors.JobNotFound as error:
            problem = f"there is no job {job_id[:130]!r}"
            error.details = [{"field": field, "problem": problem}]
            raise
        if job.status is not Status.COMPLETED:
            problem = f"the job is {job.status.value}: it has no result to read"
            raise errors.Conflict(
                f"{field}: {problem}; name a completed one",
                details=[{"field": field, "problem": problem}],
            )

    def sources(self, job: Job) -> dict[str, dict[str, Any]] | None:
        """Where the results stand that `job` reads, by id; None where one is gone."""
        analysis = self.analysis_of(job)
        found = {}
        for _, id in named(analysis, job.params) if analysis else ():
            source = self.store.get(job.owner, id)
            if source is None or source.status is not Status.COMPLETED:
                return None
            found[id] = {
                **source_order(source, self.results_folder),
                "files": str(self.files(source)),
            }
        return found

    # -- looking -----------------------------------------------------

    def get(self, owner: str, job_id: str) -> Job:
        """The job with our id or the client's. Raises JobNotFound."""
        job = self.store.get(owner, job_id)
        if job is None:
            raise errors.JobNotFound(
                f"there is no job {job_id[:130]!r}; GET /api/jobs lists yours"
            )
        return job

    def list(
        self,
        owner: str,
        *,
        status: Collection[Status] = (),
        kind: Collection[str] = (),
        limit: int = 50,
        offset: int = 0,
        oldest_first: bool = False,
        order: Order = "created",
    ) -> tuple[list[Job], int]:
        """A page of visible jobs without their bulk, newest first, and the total."""
        return self.store.page(
            owner,
            statuses=status,
            kinds=kind,
            limit=limit,
            offset=offset,
            oldest_first=oldest_first,
            order=order,
        )

    def counts(self) -> dict[str, int]:
        """How many server-run jobs are in each status, of all owners."""
        return {status.value: n for status, n in self.store.counts().items()}

    def past(
        self, owner: str, job_id: str, after: int = 0
    ) -> tuple[Job, Sequence[Event]]:
        """A job and its known events with seq > after, at once."""
        job = self.get(owner, job_id)
        return job, self.events.past(job, after)

    def follow(
        self, owner: str, job_id: str, after: int | None = None, idle_s: float = 15.0
    ) -> Generator[Event | None, None, None]:
        """Events of a job as they happen, until its final one.

        after    the last seq the watcher has; what came since comes first. None: one
                 event with the present state comes first.
        idle_s   None is yielded after so many seconds of silence

        `seq` rises strictly; progress events may be left out for a slow watcher,
        milestones never; the final event always comes. Raises JobNotFound.
        """
        return self.events.follow(self.get(owner, job_id), after, idle_s)

    def changes(
        self, owner: str, idle_s: float = 15.0
    ) -> Generator[Job | str | None, None, None]:
        """An owner's jobs as they change (a deleted one by its id); never ends."""
        return self.events.changes(owner, idle_s)

    def wait(self, owner: str, job_id: str, timeout_s: float) -> Job:
        """The job when it is finished, or as it is after `timeout_s`."""
        job = self.get(owner, job_id)
        if job.status.terminal or timeout_s <= 0:
            return job
        deadline = time.monotonic() + timeout_s
        following = self.events.follow(job, None, min(0.5, timeout_s))
        try:
            for event in following:
                if event is not None and event.type.final:
                    break
                if self.closing or time.monotonic() >= deadline:
                    break
        finally:
            following.close()
        return self.get(owner, job_id)

    def result(self, owner: str, job_id: str) -> Result:
        """The result of a completed job.

        Raises JobNotFound; Conflict while it runs; JobCancelled; and for a failed job
        the error it failed with.
        """
        job = self.get(owner, job_id)
        if job.status is Status.CANCELLED:
            raise errors.JobCancelled(job_id=job.public_id)
        if job.status is Status.FAILED:
            raise failure(job)
        if job.status is not Status.COMPLETED:
            raise errors.Conflict(
                f"the job is {job.status.value}: its result comes when it is completed",
                job_id=job.public_id,
            )
        sha256 = job.result_sha256 or ""
        if job.result_file:
            path = self.results_folder / job.result_file
            return Result(sha256, job.result_size or 0, None, path)
        data = job.result or b"{}"
        return Result(sha256, len(data), data, None)

    # -- changing ----------------------------------------------------

    def cancel(self, owner: str, job_id: str, *, by: str, reason: str = "user") -> Job:
        """Ask that a job stops; a waiting one is cancelled at once.

        Cancelling a cancelled job does nothing. Raises JobNotFound, Conflict for a
        job that has ended otherwise.
        """
        job, event = self._ask(self.get(owner, job_id), by, reason)
        if job.status in (Status.COMPLETED, Status.FAILED):
            raise errors.Conflict(
                f"the job has {job.status.value} already: there is nothing to cancel",
                job_id=job.public_id,
            )
        if event is not None and not event.type.final:
            self.on_cancel(job)
        return job

    def _ask(self, job: Job, by: str, reason: str) -> tuple[Job, Event | None]:
        """Mark a job that has not ended; the row, and the milestone this made."""
        if job.status.terminal:
            return job, None
        with self.events.speaking(job.id):
            number = self.events.number(job.id)
            asked = self.store.request_cancel(job.id, by, reason, number)
            if asked is None:
                raise errors.JobNotFound
            if asked[1] is not None:
                self.events.tell(asked[1], job.owner)
        return asked

    def delete(self, owner: str, job_id: str) -> None:
        """Remove a job, its events and its files; a running one is cancelled first.

        Raises JobNotFound, Conflict if it does not stop within its grace.
        """
        job = self.get(owner, job_id)
        if not job.status.terminal:
            with suppress(errors.Conflict):  # it finished in this very moment
                self.cancel(owner, job_id, by=owner)
            analysis = self.analyses.get(job.kind)
            grace = analysis.cancel_grace_s if analysis else 0.0
            self.wait(owner, job_id, grace + 2.0)
        gone = self.store.delete(owner, job_id)
        if gone is None:
            self.get(owner, job_id)  # another call was first: JobNotFound
            raise errors.Conflict("the job is still stopping: try again in a second")
        self.dispose(gone)

    def dispose(self, job: Job) -> None:
        """Remove what a deleted row leaves behind."""
        if job.result_file:
            (self.results_folder / job.result_file).unlink(missing_ok=True)
        self.remove_folders(job.id)
        self.events.forget(job)
        for told in self.on_deleted:
            told(job)

    def files(self, job: Job) -> Path:
        """The folder of what `job` leaves beside its result; it need not be there."""
        return self.files_folder / job.id

    def remove_folders(self, job_id: str) -> None:
        """Remove a job's documents and files."""
        self.shelf.remove(job_id)
        shutil.rmtree(self.files_folder / job_id, ignore_errors=True)


def failure(job: Job) -> errors.ServiceError:
    """The error a failed job ended with, ready to be raised again."""
    error = job.error or {}
    cls = errors.by_code(str(error.get("code", "")))
    raised = cls(
        str(error.get("message", "")) or None,
        details=error.get("details"),
        job_id=job.public_id,
    )
    if cls is errors.ServiceError and error.get("code"):
        raised.code = str(error["code"])
    return raised
