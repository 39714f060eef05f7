"""A watcher that keeps what running code reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from flask_api.analysis import Context, Stopped
from flask_api.domains.sensitivity import job
from flask_api.domains.sensitivity.schema import AnalyzeRequest, MonteCarloRequest
from flask_api.validation import validate


class Watch:
    """Progress that is remembered; asks to stop after `stop_after` reports."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.reports: list[tuple[float, float, dict[str, Any]]] = []
        self.warnings: list[str] = []
        self.phases: list[str] = []
        self.stop_after = stop_after

    def __call__(
        self, done: float, total: float, message: str = "", /, **partial: Any
    ) -> None:
        self.reports.append((done, total, partial))
        if self.stop_after is not None and len(self.reports) > self.stop_after:
            raise Stopped

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def phase(self, name: str) -> None:
        self.phases.append(name)


Run = Callable[..., dict[str, Any]]


def _runner(function: Any, model: Any) -> Run:
    def run(body: Any, watch: Watch | None = None, **context: Any) -> dict[str, Any]:
        request = validate(model, body)
        answer = function(request, watch or Watch(), Context(**context))
        # what the outside sees: NaN as null, tuples as lists
        text = orjson.dumps(answer)
        result: dict[str, Any] = orjson.loads(text)
        return result

    return run


@pytest.fixture
def watch() -> type[Watch]:
    return Watch


@pytest.fixture
def analyze() -> Run:
    """Runs `/sensitivity/analyze` with a JSON body, without a server."""
    return _runner(job.analyze, AnalyzeRequest)


@pytest.fixture
def monte_carlo() -> Run:
    """Runs `/sensitivity/monte-carlo` with a JSON body, without a server."""
    return _runner(job.monte_carlo, MonteCarloRequest)
