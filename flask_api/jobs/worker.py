"""The child side: a plain Python process that computes one job after another.

Started as `python -m flask_api.jobs.worker FD NICE MEMORY_MB`, with an inherited
socket at FD. It knows no web framework and no database. When its parent is gone it
sees the end of the stream and leaves, whatever it is doing.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import logging
import os
import platform
import queue
import re
import resource
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from flask_api import __version__
from flask_api.analysis import Context, Stopped
from flask_api.errors import DiskFull, MemoryLimit, ServiceError
from flask_api.jobs.frames import (
    MAX_INLINE,
    MAX_JOB_FRAME,
    MAX_PARTIAL,
    Closed,
    FrameError,
    FrameReader,
    pack,
)
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.validation import validate

#: Progress frames are at least this far apart, seconds.
INTERVAL_S = 0.1
#: The first ones go at once: the first picture must not wait behind "it has begun".
PROMPT = 2
#: Messages are cut here, characters.
MOST_TEXT = 4000
_IMPORTING = threading.Lock()
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS

Send = Callable[[dict[str, Any]], None]


@dataclass
class Latest:
    """The newest unsent progress."""

    done: float
    total: float
    message: str
    partial: dict[str, Any]


class Reporter:
    """The `Progress` of a running job: a one-place mailbox and a thread that sends.

    A call never blocks: the newest report wins, at most ten a second leave, and the
    last one before a silence is sent after INTERVAL_S. Values of `partial` must not
    be changed after the call.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._stop = threading.Event()
        self._wake = threading.Condition()
        self._latest: Latest | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def __call__(
        self, done: float, total: float, message: str = "", /, **partial: Any
    ) -> None:
        if self._stop.is_set():
            raise Stopped
        with self._wake:
            idle = self._latest is None
            self._latest = Latest(done, total, message, partial)
            if idle:
                self._wake.notify()

    def warn(self, message: str) -> None:
        self._send({"type": "warning", "message": message[:MOST_TEXT]})

    def phase(self, name: str) -> None:
        self._send({"type": "phase", "name": name[:64]})

    def ask_to_stop(self) -> None:
        """The next report raises Stopped."""
        self._stop.set()

    @property
    def stop_asked(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        """Send what is left and end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _deliver(self) -> None:
        sent, count = -INTERVAL_S, 0
        while True:
            with self._wake:
                while self._latest is None and not self._closed:
                    self._wake.wait()
                pause = sent + INTERVAL_S - time.monotonic()
                if pause > 0 and not self._closed and count >= PROMPT:
                    self._wake.wait_for(lambda: self._closed, pause)
                latest, self._latest = self._latest, None
                closed = self._closed
            if latest is not None:
                sent, count = time.monotonic(), count + 1
                try:
                    self._send(progress_frame(latest))
                except (TypeError, FrameError):  # later reports may be sound
                    logging.getLogger(__name__).exception("a report is no JSON")
            if closed:
                return


def progress_frame(latest: Latest) -> dict[str, Any]:
    """The frame of a report; partial results that are too long are left out."""
    partial: Any = None
    if latest.partial:
        text = orjson.dumps(latest.partial, option=_JSON)
        if len(text) <= MAX_PARTIAL:
            partial = orjson.Fragment(text)
        else:
            partial = {"results_truncated": True}
    return {
        "type": "progress",
        "done": latest.done,
        "total": latest.total,
        "message": latest.message[:MOST_TEXT],
        "partial": partial,
    }


def run_job(frame: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Compute the job of a frame; the frame that ends it."""
    try:
        run, model = _named(frame["run"]), _named(frame["model"])
        request = validate(model, frame["params"])
        result = run(request, reporter, Context(**frame["context"]))
        return _result_frame(frame, result)
    except Stopped:
        return {"type": "stopped"}
    except NoSolutionError as error:
        return _error_frame("NO_SOLUTION", str(error), error.field, error.details)
    except InputError as error:
        return _error_frame("INVALID_INPUT", str(error), error.field, error.details)
    except ServiceError as error:
        return _error_frame(error.code, error.message, None, error.details)
    except MemoryError:
        return _error_frame(MemoryLimit.code, MemoryLimit().message, None, None) | {
            "exit": True
        }
    except Exception as error:  # noqa: BLE001  ours: logged in full, not shown
        frame = _error_frame(
            "INTERNAL_ERROR",
            f"The analysis failed with an unexpected {type(error).__name__}; the "
            "server's log has the details under this job's id.",
            None,
            None,
        )
        return frame | {"traceback": traceback.format_exc()[-20_000:]}


def _error_frame(
    code: str, message: str, field: str | None, details: Any
) -> dict[str, Any]:
    in_file = isinstance(details, Mapping) and "file" in details
    if field and not in_file and not _names(message, field):
        message = f"{field}: {message}"
    message = message[:MOST_TEXT]
    plain = [{"field": field, "problem": message}] if field else []
    problems: list[Any] = [*plain]
    if field and isinstance(details, Mapping):  # it says more about that one problem
        problems = [{**plain[0], **details}]
    elif details:
        problems += details if isinstance(details, list | tuple) else [details]
    if len(orjson.dumps(problems, default=str)) > MAX_PARTIAL:
        problems = plain  # the message has to say it all
    return {"type": "error", "code": code, "message": message, "details": problems}


def _names(message: str, field: str) -> bool:
    """Whether `message` says which field it is about: its last part, as a word.

    Of one or two letters, such as an input `a`, a word may be any: then all of it.
    """
    last = field.rpartition(".")[2]
    word = last if len(last) > 2 else field
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", message) is not None


def _result_frame(frame: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    content = hashlib.sha256(orjson.dumps(result, option=_JSON)).hexdigest()
    metadata = dict(result.get("metadata") or {})
    metadata["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    metadata["provenance"] = {
        "schema": 1,
        "request_sha256": frame["request_sha256"],
        "data_sha256": metadata.get("data_sha256") or frame["data_revision"] or None,
        "seed": metadata.get("seed"),
        "code_version": __version__,
        "libraries": dict(_libraries()),
        "processor": _processor(),
        "kernel": metadata.get("kernel", "numpy"),
        "result_sha256": content,
    }
    document = orjson.dumps({**result, "metadata": metadata}, option=_JSON)
    if len(document) <= MAX_INLINE:
        return {"type": "result", "data": document.decode(), "sha256": content}
    path = Path(frame["result_path"])
    _write_durably(path, document)
    return {
        "type": "result",
        "file": path.name,
        "size": len(document),
        "file_sha256": hashlib.sha256(document).hexdigest(),
        "sha256": content,
    }


def _write_durably(path: Path, document: bytes) -> None:
    """A file that is either whole or not there, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    try:
        with draft.open("wb") as out:
            out.write(document)
            out.flush()
            os.fsync(out.fileno())
        draft.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name too
        finally:
            os.close(folder)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DiskFull(
            f"the result cannot be kept in {path.parent.name}/: {error.strerror}"
        ) from None


@functools.cache
def _libraries() -> Mapping[str, str]:
    """Versions of the numerical libraries that are installed, and of Python.

    Not of those imported so far: what a worker did before, or warms up meanwhile, is no
    part of an answer, which must be the same whoever computes it.
    """
    found = {"python": platform.python_version()}
    for name in ("numpy", "scipy", "pandas", "numba", "scikit-learn", "pymc"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: the platform's own name is the best there is
    return platform.processor() or platform.machine()


class _FrameLog(logging.Handler):
    """Log records go up the line: workers write no files."""

    def __init__(self, send: Send) -> None:
        super().__init__(logging.INFO)
        self._send_frame = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send_frame(
            {
                "type": "log",
                "level": record.levelname,
                "logger": record.name,
                "message": self.format(record)[:MOST_TEXT],
            }
        )


class _Line:
    """The socket to the server: a thread reads, anyone sends."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()
        self.jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.running: tuple[str, int, Reporter] | None = None
        self._cancelled: tuple[str, int] | None = None

    def send(self, frame: dict[str, Any]) -> None:
        data = pack(frame)
        with self._lock:
            try:
                self._socket.sendall(data)
            except OSError:
                os._exit(0)  # the server is gone, and with it anyone to compute for

    def read(self) -> None:
        reader = FrameReader(self._socket, MAX_JOB_FRAME)
        try:
            while (frame := reader.read()) is not None:
                if frame["type"] == "cancel":
                    self._cancel(frame["id"], frame["attempt"])
                else:
                    self.jobs.put(frame)
        except Closed:
            os._exit(0)
        except BaseException:  # noqa: BLE001
            # Such as MemoryError: a worker that is deaf would keep its slot for ever.
            traceback.print_exc()
            os._exit(1)

    def _cancel(self, job_id: str, attempt: int) -> None:
        self._cancelled = (job_id, attempt)
        running = self.running
        if running and running[:2] == (job_id, attempt):
            running[2].ask_to_stop()

    def begin(self, frame: dict[str, Any]) -> Reporter:
        reporter = Reporter(self.send)
        mine = (frame["id"], frame["attempt"])
        self.running = (*mine, reporter)
        if self._cancelled == mine:  # the cancel came before we began
            reporter.ask_to_stop()
        return reporter


def _step_back(nice: int) -> None:
    """Let the web process go first, also where each session is its own group.

    With Linux' autogroups niceness counts only within a session, and a worker has one
    of its own: the server then waited for the scheduler's tick (p99 of a request 7 ms
    instead of 0.8). The lowest weight of the group mends that.
    """
    os.nice(nice)
    if nice:
        with suppress(OSError):  # not Linux, or built without autogroups
            Path("/proc/self/autogroup").write_text("19")


def _named(text: str) -> Any:
    """What `module:name` means.

    One thread at a time: inline, several jobs may begin together, and two threads that
    import modules that import each other can be handed half of one.
    """
    module, name = text.split(":")
    with _IMPORTING:
        return getattr(importlib.import_module(module), name)


def _import(modules: list[str]) -> None:
    """Import what jobs will need; a broken module fails its own jobs, not all."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:
            logging.getLogger(__name__).exception("%s cannot be imported", module)


def _warm(modules: list[str]) -> None:
    """Call the `warm` of each of these modules that has one, in its own time.

    A job that comes meanwhile starts at once; it waits only for what it needs of this.
    """

    def work() -> None:
        for warm in dict.fromkeys(
            getattr(sys.modules.get(m), "warm", None) for m in modules
        ):
            if warm is None:
                continue
            try:
                warm()
            except Exception:
                logging.getLogger(__name__).exception("%s failed", warm)

    threading.Thread(target=work, daemon=True, name="warm").start()


def _outgrown(memory_mb: int) -> bool:
    """Whether this process keeps so much that the next job would pay for it."""
    if not memory_mb or sys.platform != "linux":
        return False
    pages = int(Path("/proc/self/statm").read_text().split()[1])  # resident
    return pages * resource.getpagesize() > memory_mb * 2**20 / 2


def main(arguments: list[str]) -> None:
    """Serve the socket at the given descriptor until it closes."""
    descriptor, nice, memory_mb = (int(text) for text in arguments)
    _step_back(nice)
    if memory_mb:
        limit = memory_mb * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(True)  # eventlet hands down a socket that does not block
    line = _Line(sock)
    logging.getLogger().addHandler(_FrameLog(line.send))
    logging.captureWarnings(True)
    threading.Thread(target=line.read, daemon=True).start()
    while True:
        frame = line.jobs.get()
        if frame["type"] == "warm":
            _import(frame["modules"])
            line.send({"type": "ready"})
            _warm(frame["modules"])
            continue
        reporter = line.begin(frame)
        end = run_job(frame, reporter)
        reporter.close()
        line.running = None
        if _outgrown(memory_mb):
            end["exit"] = True
        line.send(end)
        if end.get("exit"):
            # not by way of Python's own end: a thread may still be compiling
            os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
