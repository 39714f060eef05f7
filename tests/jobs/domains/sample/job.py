"""The work of the sample analyses."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.numerics import InputError, NoSolutionError
from tests.jobs.domains.sample.schema import BulkRequest, CountRequest, TroubleRequest


def count(request: CountRequest, progress: Progress, _: Context) -> dict[str, Any]:
    total = 0
    for step in range(request.n):
        total += step + request.seed
        time.sleep(request.pause_s)
        progress(step + 1, request.n, f"step {step + 1}", total=total)
    return {"total": total, "metadata": {"seed": request.seed}}


def trouble(
    request: TroubleRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    tried = 0
    if request.marks:
        file = Path(request.marks)
        tried = len(file.read_text()) if file.exists() else 0
        file.write_text("x" * (tried + 1))
    progress(0, 1, "about to make trouble")
    if tried < request.times:
        _make(request.kind, progress)
    if request.kind == "cold":
        return {"warmed": warmed.wait(60)}
    if request.kind == "late":  # deaf to a stop, and done when its marks say so
        while Path(request.marks).read_text() != "done":
            time.sleep(0.01)
        return {"values": list(range(50_000))}
    return {"tried": tried + 1, "seed": context.seed}


def _make(kind: str, progress: Progress) -> None:
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "leave":
        os._exit(3)
    elif kind == "fault":
        raise ZeroDivisionError("a fault of ours, with a secret in it")
    elif kind == "input":
        raise InputError("n must be even; got 3: send 2 or 4", field="n")
    elif kind == "unsolvable":
        raise NoSolutionError("no price saves this plant")
    elif kind == "stubborn":
        time.sleep(60)
    elif kind == "hungry":
        hoard = [b"x" * 2**24 for _ in range(10_000)]
        progress(len(hoard), 1)
    elif kind == "nonsense":
        progress(float("nan"), 1)
        time.sleep(60)
    elif kind == "verbose":
        raise InputError("n must be even " + "!" * 300_000, field="n")
    elif kind == "nagging":
        for i in range(3000):
            progress.warn(f"number {i} is missing")
    elif kind == "nan":
        progress.warn("a number is missing")


def bulk(request: BulkRequest, progress: Progress, context: Context) -> dict[str, Any]:
    if request.leave:
        assert context.files_dir is not None
        Path(context.files_dir).mkdir(parents=True, exist_ok=True)
        Path(context.files_dir, request.leave).write_text("left")
    progress(0, 1, "", values=list(range(request.n)))
    return {"values": list(range(request.n)), "none": float("nan")}


#: Set once this worker has been warmed.
warmed = threading.Event()


def warm() -> None:
    """Called in each worker after it is ready."""
    warmed.set()
