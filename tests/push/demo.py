"""Two small analyses for the tests of push: one is known by its parameters."""

from __future__ import annotations

import time
from typing import Any

from flask_api.analysis import Analyses, Analysis, Context, Progress, Request


class CountRequest(Request):
    """Counts up to n, slowly."""

    n: int = 5
    pause_s: float = 0.01
    size: int = 1
    fail: bool = False
    parameters: list[dict[str, Any]] | None = None
    version: str | int | None = None
    iterations: int | None = None
    config: dict[str, Any] | None = None


class PlainRequest(Request):
    """Counts up to n, without parameters."""

    n: int = 5


def count(request: CountRequest, progress: Progress, context: Context) -> Any:
    for i in range(1, request.n + 1):
        time.sleep(request.pause_s)
        progress(i, request.n, f"{i} counted", seen=i)
    if request.fail:
        raise RuntimeError("asked to fail")
    return {"counted": request.n, "padding": "x" * request.size, "nothing": None}


def plain(request: PlainRequest, progress: Progress, context: Context) -> Any:
    for i in range(1, request.n + 1):
        progress(i, request.n)
    return {"counted": request.n}


def with_demo(analyses: Analyses) -> Analyses:
    """`analyses` and the two of this file, `demo.count` and `demo.plain`."""
    counting = Analysis(
        "demo.count",
        CountRequest,
        run=f"{__name__}:count",
        example={"n": 3},
        aliases=("counting",),
        knows_parameter=lambda name: name.startswith("S"),
    )
    plainly = Analysis(
        "demo.plain", PlainRequest, run=f"{__name__}:plain", example={"n": 3}
    )
    absent = Analysis(
        "demo.absent",
        PlainRequest,
        run=f"{__name__}:plain",
        example={},
        aliases=("absent",),
        available=False,
    )
    added = {a.kind: a for a in (counting, plainly, absent)}
    aliases = {"counting": counting, "absent": absent}
    return Analyses({**analyses.by_kind, **added}, {**analyses.by_alias, **aliases})
