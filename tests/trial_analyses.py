"""Analyses that do what a test of routes asks of them."""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import Field

from flask_api.analysis import (
    Analyses,
    Analysis,
    Context,
    Progress,
    Request,
    Table,
)
from flask_api.numerics.errors import InputError, NoSolutionError


class TrialRequest(Request):
    """Counts up to n, and ends as it was asked to."""

    n: int = Field(3, ge=1, le=10_000)
    pause_s: float = Field(0.0, ge=0)
    padding: int = Field(0, ge=0)
    end: Literal["well", "input", "no_solution", "crash"] = "well"


def trial(request: TrialRequest, progress: Progress, context: Context) -> Any:
    for i in range(1, request.n + 1):
        time.sleep(request.pause_s)
        progress(i, request.n, f"{i} counted", counted=i)
    if request.end == "input":
        raise InputError("n is odd; want an even one", field="n")
    if request.end == "no_solution":
        raise NoSolutionError("no price makes up for this", field="n")
    if request.end == "crash":
        raise RuntimeError("a secret of the kernel")
    by_id = {"a": [{"x": 1, "y": "=1+1"}], "b": [{"x": -2.5, "z": [1, None]}]}
    return {"counted": request.n, "by_id": by_id, "padding": "x" * request.padding}


def with_trials(analyses: Analyses) -> Analyses:
    """`analyses` and those of this file: trial.count, trial.bare, trial.absent."""
    count = Analysis(
        "trial.count",
        TrialRequest,
        run="trial_analyses:trial",
        example={"n": 3},
        aliases=("trial_count",),
        cancel_grace_s=0.5,
        tables=(
            Table("by_id", ("by_id", "*")),
            Table("points", ("by_id", "a")),
        ),
    )
    bare = Analysis("trial.bare", TrialRequest, run="trial_analyses:trial", example={})
    absent = Analysis(
        "trial.absent",
        TrialRequest,
        run="trial_analyses:trial",
        example={},
        available=False,
    )
    added = {a.kind: a for a in (count, bare, absent)}
    return Analyses(
        {**analyses.by_kind, **added}, {**analyses.by_alias, "trial_count": count}
    )
