"""What a worker says of an error, and of itself: frames, without a process."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from flask_api.analysis import Request
from flask_api.jobs.worker import Reporter, run_job
from flask_api.numerics.errors import InputError, NoSolutionError


class Asked(Request):
    """A field, and what is to be said of it."""

    field: str
    message: str


def refuse(request: Asked, progress: Any, context: Any) -> dict[str, Any]:
    raise InputError(request.message, request.field or None)


def unsolved(request: Asked, progress: Any, context: Any) -> dict[str, Any]:
    raise NoSolutionError(request.message, request.field or None)


def end_of(run: str, field: str, message: str) -> dict[str, Any]:
    reporter = Reporter(lambda frame: None)
    frame = {
        "run": f"{__name__}:{run}",
        "model": f"{__name__}:Asked",
        "params": {"field": field, "message": message},
        "context": {},
    }
    try:
        return run_job(frame, reporter)
    finally:
        reporter.close()


@pytest.mark.parametrize(
    ("field", "message", "said"),
    [
        # its letters stand in other words, which name nothing
        ("n", "got 3, which is not even", "n: got 3, which is not even"),
        ("config.op", "stop at once", "config.op: stop at once"),
        ("config.stop.metric", "geometrical", "config.stop.metric: geometrical"),
        # a letter may be any word
        ("model.inputs.a", "wanted a number", "model.inputs.a: wanted a number"),
        ("model.inputs.a", "model.inputs.a is none", "model.inputs.a is none"),
        # as a word it is named already
        ("config.samples", "got 3 samples; wanted 5", "got 3 samples; wanted 5"),
        ("parameters[2].range", "give `range`", "give `range`"),
        ("parameters[2]", "20 % of 0", "parameters[2]: 20 % of 0"),
        ("", "no field", "no field"),
    ],
)
@pytest.mark.parametrize(
    ("run", "code"), [("refuse", "INVALID_INPUT"), ("unsolved", "NO_SOLUTION")]
)
def test_a_message_names_the_field_it_is_about(
    run: str, code: str, field: str, message: str, said: str
) -> None:
    end = end_of(run, field, message)
    assert (end["type"], end["code"], end["message"]) == ("error", code, said)
    wanted = [{"field": field, "problem": said}] if field else []
    assert end["details"] == wanted


def test_the_libraries_told_are_the_same_whatever_a_worker_has_imported() -> None:
    code = (
        "from flask_api.jobs.worker import _libraries\n"
        "import sys\n"
        "{}\n"
        "print(sorted(_libraries().items()))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code.format(before)],
            check=True,
            capture_output=True,
            text=True,
            timeout=240,
        ).stdout
        for before in ("assert 'numba' not in sys.modules", "import numba")
    ]
    assert told[0] == told[1]
    assert "numba" in told[0] and "numpy" in told[0]
