"""What every analysis promises, whoever wrote it: one suite for all of them."""

from __future__ import annotations

import importlib
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from flask import Flask

from flask_api.analysis import Analysis, Context, Stopped, discover
from flask_api.errors import Conflict, ServiceError
from flask_api.jobs.job import EventType, Job, Status
from flask_api.jobs.registry import Registry

ANALYSES = [a for a in discover().by_kind.values() if a.available]
KINDS = pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.kind)
UNAVAILABLE = [a for a in discover().by_kind.values() if not a.available]


class Recorder:
    """A progress that keeps what it is told, and may ask to stop at a share done."""

    def __init__(self, stop_at: float | None = None) -> None:
        self.reports: list[tuple[float, float]] = []
        self.partials: list[dict[str, Any]] = []
        self._stop_at = stop_at
        self.stops = 0

    def __call__(
        self, done: float, total: float, message: str = "", /, **partial: Any
    ) -> None:
        self.reports.append((done, total))
        self.partials.append(partial)
        if self._stop_at is not None and done / total >= self._stop_at:
            self.stops += 1
            raise Stopped

    def warn(self, message: str) -> None:
        pass

    def phase(self, name: str) -> None:
        pass


def compute(analysis: Analysis, progress: Recorder) -> Any:
    """The result of the analysis' example, from the function a worker calls."""
    module, _, name = analysis.run.partition(":")
    run = getattr(importlib.import_module(module), name)
    request = analysis.request.model_validate(dict(analysis.example))
    with TemporaryDirectory() as folder:
        return run(request, progress, Context(stored_models_dir=folder))


@pytest.fixture
def registry(app: Flask) -> Registry:
    """The jobs of a service with the inline executor."""
    found = app.extensions["registry"]
    assert isinstance(found, Registry)
    return found


def run(registry: Registry, analysis: Analysis, params: Any = None) -> Job:
    """A job of the analysis, finished; its example unless told otherwise."""
    asked = dict(analysis.example) if params is None else params
    job = registry.submit(analysis.kind, asked, owner="anonymous").job
    return registry.wait("anonymous", job.id, 120)


def document(registry: Registry, job: Job) -> bytes:
    assert job.status is Status.COMPLETED, job.error
    result = registry.result("anonymous", job.id)
    return (
        result.data if result.data is not None else Path(str(result.path)).read_bytes()
    )


def refuse_constant(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


@KINDS
def test_the_same_request_gives_the_same_result(
    analysis: Analysis, registry: Registry
) -> None:
    first, second = run(registry, analysis), run(registry, analysis)
    assert first.id != second.id
    one, other = (
        orjson.loads(document(registry, job)) | {"metadata": None}
        for job in (first, second)
    )
    assert one == other
    assert first.result_sha256 == second.result_sha256


@KINDS
def test_a_result_is_finite_json_with_its_provenance(
    analysis: Analysis, registry: Registry
) -> None:
    text = document(registry, run(registry, analysis))
    found = json.loads(text, parse_constant=refuse_constant)
    assert isinstance(found, dict)
    values = list(numbers(found))
    assert values and all(math.isfinite(value) for value in values)
    provenance = found["metadata"]["provenance"]
    assert len(provenance["result_sha256"]) == len(provenance["request_sha256"]) == 64


@KINDS
def test_progress_rises_to_its_total(analysis: Analysis) -> None:
    progress = Recorder()
    compute(analysis, progress)
    shares = [done / total for done, total in progress.reports]
    assert shares == sorted(shares)
    assert 0 <= shares[0] and shares[-1] == 1


@KINDS
def test_what_watchers_see_stays_small(analysis: Analysis) -> None:
    progress = Recorder()
    compute(analysis, progress)
    option = orjson.OPT_SERIALIZE_NUMPY
    assert max(len(orjson.dumps(p, option=option)) for p in progress.partials) <= 16_384


@KINDS
def test_events_rise_from_nothing_to_all(
    analysis: Analysis, registry: Registry
) -> None:
    job = run(registry, analysis)
    _, events = registry.past("anonymous", job.id)
    told = [event.state["progress"] for event in events]
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told)
    assert events[0].type is EventType.CREATED
    assert events[-1].type is EventType.COMPLETED


@KINDS
def test_it_stops_when_told(analysis: Analysis) -> None:
    whole = Recorder()
    compute(analysis, whole)
    done, total = whole.reports[len(whole.reports) // 2]
    # By share, not by number: reports that come by time vary in number.
    for share in (0.0, done / total, 1.0):
        progress = Recorder(stop_at=share)
        with pytest.raises(Stopped):
            compute(analysis, progress)
        assert progress.stops == 1
        assert [d / t >= share for d, t in progress.reports].index(True) == (
            len(progress.reports) - 1  # nothing is said after it
        )


@KINDS
def test_an_unknown_key_is_refused_by_name(
    analysis: Analysis, registry: Registry
) -> None:
    asked = dict(analysis.example) | {"no_such_key": 1}
    with pytest.raises(ServiceError) as refused:
        run(registry, analysis, asked)
    assert refused.value.status == 400
    assert "no_such_key" in _fields(refused.value.details)


@KINDS
def test_a_field_of_the_wrong_type_is_refused_by_name(
    analysis: Analysis, registry: Registry
) -> None:
    for field in analysis.request.model_fields:
        asked: dict[str, Any] = dict(analysis.example) | {field: [[["wrong"]]]}
        with pytest.raises(ServiceError) as refused:
            run(registry, analysis, asked)
        assert refused.value.status == 400
        assert any(name.startswith(field) for name in _fields(refused.value.details))


@KINDS
def test_a_request_that_is_no_object_is_refused(
    analysis: Analysis, registry: Registry
) -> None:
    wrong: tuple[object, ...] = (None, [], "text", 1, True)
    for asked in wrong:
        with pytest.raises(ServiceError) as refused:
            registry.submit(analysis.kind, asked, owner="anonymous")
        assert refused.value.status == 400


def _fields(details: Any) -> list[str]:
    assert isinstance(details, list)
    return [str(detail["field"]) for detail in details]


def longer_data(analysis: Analysis) -> dict[str, Any]:
    """The example's rows so many times that reading them alone takes a while."""
    data = analysis.example["data"]
    rows = data["data_json"]
    return {"data": {**data, "data_json": rows * (60_000 // len(rows))}}


@pytest.mark.parametrize(
    "analysis", [a for a in ANALYSES if not a.quick], ids=lambda a: a.kind
)
def test_a_running_job_of_it_is_cancelled(
    analysis: Analysis, make_app: Callable[..., Flask]
) -> None:
    registry = make_app(max_concurrent_jobs=1).extensions["registry"]
    longer: dict[str, dict[str, Any]] = {
        "price.comparison": {
            "variants": [
                {"id": str(number), "version": "corn_stover_ethanol"}
                for number in range(50)
            ],
            "config": {"permutations": 16_384, "seed": 1},
        },
        "sensitivity.monte_carlo": {"iterations": 100_000_000},
        "sensitivity.fit": {"data": [float(n * n) for n in range(1, 100_001)]},
        "sensitivity.surface": {
            "parameters": [{"id": n, "steps": 100} for n in ("S11", "S34")],
            "config": {"samples": 10_000, "seed": 1},
        },
        "sensitivity.optimize": {
            "uncertain": ["labor_cost"],
            "budget": 10_000_000,
            "config": {"draws": 100_000, "seed": 1},
        },
        "sensitivity.analyze": {
            "type": "monte_carlo",
            "config": {"monte_carlo_iterations": 100_000, "seed": 1},
            "parameters": [{"id": n, "steps": 1000} for n in ("S11", "S34", "S35")],
        },
    }
    more = longer.get(analysis.kind) or longer_data(analysis)
    asked = dict(analysis.example) | more
    for _ in range(5):
        job = registry.submit(analysis.kind, asked, owner="anonymous").job
        until = time.monotonic() + 60
        while registry.get("anonymous", job.id).status is Status.PENDING:
            assert time.monotonic() < until
            time.sleep(0.01)
        with suppress(Conflict):  # completed, while this busy machine did not look
            registry.cancel("anonymous", job.id, by="anonymous")
            break
    ended = registry.wait("anonymous", job.id, 60)
    assert ended.status is Status.CANCELLED
    assert ended.result is None


def test_what_is_not_offered_says_so(registry: Registry) -> None:
    for analysis in UNAVAILABLE:
        with pytest.raises(ServiceError) as refused:
            run(registry, analysis)
        assert refused.value.code == "NOT_AVAILABLE"
        assert "price.data" in refused.value.message
