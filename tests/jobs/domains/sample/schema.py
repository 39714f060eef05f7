"""Small analyses that do what the engine must survive."""

from __future__ import annotations

from pydantic import Field

from flask_api.analysis import Analysis, Request


class CountRequest(Request):
    """Counts to n, reporting each step."""

    n: int = Field(10, ge=1, le=10**9)
    pause_s: float = 0.0
    seed: int = 0


class TroubleRequest(Request):
    """Makes the trouble it is named for."""

    kind: str
    times: int = 1
    marks: str = ""  # a file that remembers how often it was tried


class BulkRequest(Request):
    """Returns so many numbers."""

    n: int = 10
    leave: str = ""  # a file beside the result


ANALYSES = (
    Analysis(
        kind="sample.count",
        request=CountRequest,
        run="job:count",
        example={"n": 3, "seed": 1},
        prewarm=True,
        aliases=("count",),
    ),
    Analysis(
        kind="sample.quick",
        request=CountRequest,
        run="job:count",
        example={"n": 3},
        quick=True,
        hidden=True,
    ),
    Analysis(
        kind="sample.trouble",
        request=TroubleRequest,
        run="job:trouble",
        example={"kind": "none"},
        cancel_grace_s=0.5,
    ),
    Analysis(kind="sample.bulk", request=BulkRequest, run="job:bulk", example={"n": 5}),
    Analysis(
        kind="sample.later",
        request=CountRequest,
        run="job:count",
        example={},
        available=False,
    ),
)
