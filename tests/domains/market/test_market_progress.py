"""Progress of runs: asked for, and as a stream for late and returning watchers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson
import pytest
from flask import Flask

from flask_api.push import sse
from tests.domains.market.market_requests import (
    completed,
    csv_of,
    ended,
    households,
    start,
)

CSV = csv_of(households(400))
#: Minutes of work, unless it is stopped.
LONG = {"n_classes": 4, "bootstrap_resamples": 1000, "seed": 1}
FIELDS = {
    "model_run_id", "seq", "progress", "phase", "message", "chain", "draw",
    "total_draws", "samples_per_second", "divergences", "iteration", "log_likelihood",
    "elapsed_seconds", "eta_seconds", "timestamp", "extra",
}  # fmt: skip


def events(response: Any) -> Iterator[dict[str, Any]]:
    """{id?, event?, data} of each event, {comment} of each comment."""
    rest = b""
    for piece in response.response:
        rest += piece
        while b"\n\n" in rest:
            block, _, rest = rest.partition(b"\n\n")
            found: dict[str, Any] = {}
            for line in block.decode().splitlines():
                name, _, value = line.partition(": ")
                if not name or line.startswith(":"):
                    found["comment"] = line
                else:
                    found[name] = orjson.loads(value) if name == "data" else value
            yield found


def stream(client: Any, run_id: str, last: str | None = None) -> Any:
    headers = {"Last-Event-ID": last} if last else {}
    return client.get(f"/api/v1/progress/{run_id}/stream", headers=headers)


@pytest.fixture
def slow(make_app: Callable[..., Flask]) -> Any:
    """A service with one slot."""
    return make_app(max_concurrent_jobs=1).test_client()


def test_a_watcher_sees_the_fit_converge_from_0_to_1(slow: Any) -> None:
    # ahead of it in the only slot, so that the stream is open before it starts
    first = start(slow, CSV, params=LONG).json["id"]
    run = start(slow, CSV, params={"n_classes": 3, "bootstrap_resamples": 20}).json
    watched = stream(slow, run["id"])
    told = events(watched)
    assert next(told)["comment"] == ": open"
    now = next(told)
    assert now["data"]["phase"] == "pending" and now["data"]["progress"] == 0
    assert now["data"]["seq"] == int(now["id"])
    slow.post(f"/api/v1/runs/{first}/cancel")
    found = [event for event in told if "comment" not in event]
    *seen, last = [event for event in found if "event" not in event]
    assert all(set(event["data"]) >= FIELDS for event in seen)
    assert {event["data"]["phase"] for event in seen} <= {
        "pending", "initializing", "running", "completed",
    }  # fmt: skip
    assert "running" in {event["data"]["phase"] for event in seen}
    shares = [event["data"]["progress"] for event in seen]
    assert shares == sorted(shares)
    numbers = [int(event["id"]) for event in found if "id" in event]
    assert numbers == sorted(set(numbers))
    fitting = [e["data"] for e in seen if e["data"]["message"].startswith("Start ")]
    assert fitting
    extra = fitting[-1]["extra"]
    assert {"iteration", "log_likelihood", "delta", "class_sizes"} <= set(extra)
    assert fitting[-1]["message"].startswith(
        f"Start {extra['start']}/{extra['starts']}, iteration {extra['iteration']}/"
    )
    assert fitting[-1]["iteration"] == extra["iteration"]
    assert (last["data"]["phase"], last["data"]["progress"]) == ("completed", 1.0)
    closing = found[-1]
    assert closing["event"] == "close"
    assert closing["data"]["reason"] == "completed"
    assert (closing["data"]["progress"], closing["data"]["phase"]) == (1.0, "completed")


def test_a_late_joiner_gets_the_state_and_then_the_end(client: Any) -> None:
    run = completed(client, CSV)
    told = [event for event in events(stream(client, run["id"])) if "data" in event]
    assert [event.get("event") for event in told] == [None, "close"]
    assert told[0]["data"]["phase"] == "completed"
    again = [e for e in events(stream(client, run["id"], told[0]["id"])) if "data" in e]
    assert again[-1]["event"] == "close" and again[-1]["data"]["reason"] == "completed"


def test_a_watcher_that_comes_back_goes_on_where_it_was(client: Any) -> None:
    run = completed(client, CSV)
    told = list(events(stream(client, run["id"], "1")))
    numbers = [int(event["id"]) for event in told if "id" in event]
    assert numbers and min(numbers) > 1 and numbers == sorted(numbers)
    assert stream(client, run["id"], "nonsense").status_code == 400


def test_a_cancelled_run_ends_its_streams(slow: Any) -> None:
    # Fault B4.2 of the seed: a live stream never ended on cancel.
    run = start(slow, CSV, params=LONG).json
    told = events(stream(slow, run["id"]))
    seen = list(islice(told, 3))
    slow.post(f"/api/v1/runs/{run['id']}/cancel")
    seen += list(told)
    assert seen[-1]["event"] == "close"
    assert seen[-1]["data"]["reason"] == "cancelled"
    assert "completed" not in {e["data"]["phase"] for e in seen if "data" in e}


def test_a_failed_run_reads_minus_1_with_the_reason(client: Any) -> None:
    run = start(client, b"a,b\n1,0\n0,1\n1,1\n", params={"n_classes": 9}).json
    told = [event for event in events(stream(client, run["id"])) if "data" in event]
    assert told[-1]["data"]["reason"] == "failed"
    final = told[-2]["data"]
    assert (final["progress"], final["phase"]) == (-1, "failed")
    assert "9 classes" in final["message"]
    assert client.get(f"/api/v1/progress/{run['id']}").json["progress"] == -1


def test_silence_is_broken_by_comments(
    slow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sse.IDLE_S == 3.0  # the seed's client gives up after 5
    monkeypatch.setattr(sse, "IDLE_S", 0.1)
    first = start(slow, CSV, params=LONG).json["id"]
    waiting = start(slow, CSV).json["id"]
    told = events(stream(slow, waiting))
    assert [("comment" in event) for event in islice(told, 4)] == [
        True, False, True, True,
    ]  # fmt: skip
    for run_id in (waiting, first):
        slow.post(f"/api/v1/runs/{run_id}/cancel")
    assert list(told)[-1]["data"]["reason"] == "cancelled"


def test_a_deleted_run_ends_its_streams(slow: Any) -> None:
    run = start(slow, CSV, params=LONG).json
    told = events(stream(slow, run["id"]))
    next(told)
    assert slow.delete(f"/api/v1/runs/{run['id']}").status_code == 204
    assert list(told)[-1]["event"] == "close"


def test_progress_is_answered_between_the_first_event_and_the_last(
    slow: Any,
) -> None:
    run = start(slow, CSV, params=LONG).json
    until = time.monotonic() + 60
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["iteration"] is None:
        assert time.monotonic() < until
        seen.append(slow.get(f"/api/v1/progress/{run['id']}").json)
    assert set(seen[-1]) >= FIELDS
    assert 0 < seen[-1]["progress"] < 1 and seen[-1]["phase"] == "running"
    assert seen[-1]["elapsed_seconds"] >= 0
    trace = seen[-1]["latest_results"]["trace"]
    assert trace and all(len(point) == 2 for point in trace)
    slow.post(f"/api/v1/runs/{run['id']}/cancel")


@pytest.mark.parametrize("model_type", ["bayesian_factor_pymc", "dcm"])
def test_who_comes_late_to_chains_sees_their_curves_from_the_first_draw_on(
    slow: Any, model_type: str
) -> None:
    params = {"n_tune": 100, "n_samples": 10_000, "n_chains": 2, "seed": 1}
    if model_type == "bayesian_factor_pymc":
        params["n_factors"] = 1
    few = csv_of(households(40))
    run = start(slow, few, model_type=model_type, params=params).json
    until = time.monotonic() + 120
    now = slow.get(f"/api/v1/progress/{run['id']}").json
    while len((now["latest_results"] or {}).get("r_hat_trace", [])) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
        now = slow.get(f"/api/v1/progress/{run['id']}").json
    first = next(e for e in events(stream(slow, run["id"])) if "data" in e)["data"]
    for told in (now, first):
        latest = told["latest_results"]
        assert len(orjson.dumps(latest)) <= 16 * 1024
        for name in ("trace", "step_size_trace"):
            draws = [point[0] for point in latest[name]]
            assert draws == sorted(set(draws)) and 2 < len(draws) <= 128
            # blocks are equally long, so the first one ends soon after the start
            assert draws[0] <= draws[-1] / 60 + 1 and draws[-1] > 100
        worst = [value for _, value in latest["r_hat_trace"]]
        assert min(worst) > 0.99
        assert latest["r_hat_max"] == pytest.approx(worst[-1], abs=1e-3)
    slow.post(f"/api/v1/runs/{run['id']}/cancel")
    assert ended(slow, run["id"])["status"] == "cancelled"
    kept = slow.get(f"/api/v1/progress/{run['id']}").json["latest_results"]
    assert kept["trace"][-1][0] >= now["latest_results"]["trace"][-1][0]


def test_progress_of_an_unknown_run_is_404(client: Any) -> None:
    for path in ("", "/stream"):
        assert client.get(f"/api/v1/progress/nope{path}").status_code == 404


def test_health_has_the_seeds_fields(client: Any) -> None:
    health = client.get("/health").json
    seed = {"status", "version", "redis_connected", "database_connected"}
    assert seed | {"workers_active"} <= set(health)
    assert health["status"] == "healthy"
    assert client.get("/ready").status_code == client.get("/live").status_code == 200
