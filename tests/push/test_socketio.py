"""Socket.IO as its clients see it, with the real registry behind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .watcher import Watcher

SEED_PARAMETERS = {"param1": {"range": [0, 100]}}


def test_a_client_that_connects_is_told_so(watcher: Any) -> None:
    told = watcher().first("connection_status")
    assert told["status"] == "connected"
    assert told["server_time"].endswith("Z")
    assert told["version"]


def test_the_flow_of_the_seed_runs_from_start_to_completion(watcher: Any) -> None:
    client = watcher()
    answer = client.ask(
        "start_analysis",
        analysis_id="a-1",
        type="counting",
        parameters=SEED_PARAMETERS,
        total_steps=5,
    )
    assert answer["ok"]
    assert answer["runner"] == "client"
    assert "param1" in answer["reason"]
    started = client.first("analysis_started")
    assert started["analysis_id"] == "a-1"
    assert started["status"] == "started"
    assert started["runner"] == "client"
    for i in range(1, 6):
        status = "complete" if i == 5 else "running"
        answer = client.ask(
            "update_progress",
            analysis_id="a-1",
            step=i,
            status=status,
            results={f"r{i}": i},
        )
        assert answer["ok"], answer
    done = client.first("analysis_complete")
    updates = client.all("progress_update")
    assert sorted({u["progress"] for u in updates} - {0}) == [20, 40, 60, 80, 100]
    assert [u["progress"] for u in updates] == sorted(u["progress"] for u in updates)
    assert updates[-1]["step"] == updates[-1]["total_steps"] == 5
    assert updates[-1]["status"] == "complete"
    assert done["status"] == "complete"
    assert done["results"] == {f"r{i}": i for i in range(1, 6)}
    assert done["errors"] == []


def test_an_error_that_a_client_reports_ends_its_analysis_as_error(
    watcher: Any,
) -> None:
    client = watcher()
    client.ask("start_analysis", analysis_id="a", type="counting", parameters=[])
    client.ask("update_progress", analysis_id="a", step=1, status="error", error="oh")
    done = client.first("analysis_complete")
    assert done["status"] == "error"
    assert "oh" in done["errors"]


def test_the_server_computes_where_it_knows_the_parameters(watcher: Any) -> None:
    client = watcher()
    answer = client.ask(
        "start_analysis",
        analysis_id="b-1",
        type="counting",
        parameters=[{"id": "S11"}],
        config={"n": 4},
        total_steps=8,
    )
    assert answer["runner"] == "server"
    done = client.first("analysis_complete")
    assert done["status"] == "complete"
    assert done["results"]["analysis_id"] == "b-1"
    assert done["results"]["counted"] == 4
    updates = client.all("progress_update")
    assert all(u["step"] == int(u["progress"] * 8 // 100) for u in updates)
    assert {u["total_steps"] for u in updates} == {8}
    seqs = [u["seq"] for u in updates]
    assert seqs == sorted(seqs)


def test_any_kind_can_be_started_with_its_fields_as_parameters(watcher: Any) -> None:
    client = watcher()
    client.ask(
        "start_analysis", analysis_id="p", type="demo.plain", parameters={"n": 7}
    )
    assert client.first("analysis_complete")["results"]["counted"] == 7


def test_a_result_over_256_kb_is_named_and_not_sent(watcher: Any) -> None:
    client = watcher()
    client.ask(
        "start_analysis",
        analysis_id="big",
        type="counting",
        runner="server",
        config={"size": 300_000, "n": 2},
    )
    done = client.first("analysis_complete")
    assert done["results_truncated"] is True
    assert done["results_url"] == "/api/jobs/big/result"
    assert len(str(done)) < 1000


def test_the_same_id_and_content_is_the_same_job(watcher: Any) -> None:
    client = watcher()
    request = {
        "analysis_id": "same",
        "type": "counting",
        "parameters": [{"id": "S1"}],
        "config": {"n": 2},
    }
    client.ask("start_analysis", **request)
    client.first("analysis_complete")
    again = client.ask("start_analysis", **request)
    assert again["ok"]
    assert again["replayed"] is True
    done = client.wait(lambda c: len(c.all("analysis_complete")) == 2)
    assert done


def test_the_same_id_with_other_content_is_refused(watcher: Any) -> None:
    client = watcher()
    ask = {"analysis_id": "x", "type": "counting", "parameters": [{"id": "S1"}]}
    assert client.ask("start_analysis", **ask)["ok"]
    answer = client.ask("start_analysis", **ask, config={"n": 9})
    assert answer["ok"] is False
    assert answer["error"]["code"] == "CONFLICT"


def test_two_clients_do_not_hear_each_others_analyses(watcher: Any) -> None:
    one, two = watcher(), watcher()
    for client, name in ((one, "one"), (two, "two")):
        client.ask(
            "start_analysis",
            analysis_id=name,
            type="counting",
            parameters=[{"id": "S1"}],
            config={"n": 3},
        )
    one.first("analysis_complete")
    two.first("analysis_complete")
    for client, name in ((one, "one"), (two, "two")):
        heard = {m["analysis_id"] for _, m in client.messages if "analysis_id" in m}
        assert heard == {name}


def test_who_joins_late_misses_nothing_and_hears_it_in_order(watcher: Any) -> None:
    first, late = watcher(), [watcher() for _ in range(8)]
    first.ask(
        "start_analysis",
        analysis_id="long",
        type="counting",
        parameters=[{"id": "S1"}],
        config={"n": 100, "pause_s": 0.005},
    )
    first.wait(lambda c: len(c.all("progress_update")) > 5)
    seen = first.all("progress_update")[2]["seq"]
    for client in late:
        assert client.ask("subscribe", analysis_id="long", after_seq=seen)["ok"]
        time.sleep(0.02)
    first.first("analysis_complete")
    there = {u["seq"] for u in first.all("progress_update") if u["seq"] > seen}
    for client in late:
        client.first("analysis_complete")
        updates = client.all("progress_update")
        got = [u["seq"] for u in updates]
        assert got == sorted(set(got))
        # Only what was left out for a slow one may be missing, and is counted then.
        missing = len(there - set(got))
        assert missing <= sum(u.get("skipped", 0) for u in updates)


def test_who_subscribes_to_a_finished_analysis_is_told_its_end(watcher: Any) -> None:
    client, late = watcher(), watcher()
    client.ask(
        "start_analysis",
        analysis_id="old",
        type="counting",
        parameters=[{"id": "S1"}],
        config={"n": 1},
    )
    end = client.first("analysis_complete")
    for after in ({}, {"after_seq": 0}, {"after_seq": end["seq"]}):
        late.messages.clear()
        assert late.ask("subscribe", analysis_id="old", **after)["ok"]
        assert late.first("analysis_complete")["results"]["counted"] == 1


def test_a_client_that_drops_its_connection_finds_the_analysis_finished(
    watcher: Any,
) -> None:
    client = watcher()
    client.ask(
        "start_analysis",
        analysis_id="dropped",
        type="counting",
        parameters=[{"id": "S1"}],
        config={"n": 5},
    )
    client.leave()
    back = watcher()
    assert back.ask("subscribe", analysis_id="dropped", after_seq=0)["ok"]
    assert back.first("analysis_complete")["results"]["counted"] == 5


def test_a_cancelled_analysis_says_so_and_never_completes(watcher: Any) -> None:
    client, other = watcher(), watcher()
    client.ask(
        "start_analysis",
        analysis_id="c",
        type="counting",
        parameters=[{"id": "S1"}],
        config={"n": 100_000, "pause_s": 0.01},
    )
    client.first("progress_update")
    assert other.ask("cancel_analysis", analysis_id="c")["ok"]
    for watching in (client, other):
        told = watching.first("analysis_cancelled")
        assert told["analysis_id"] == "c"
        assert told["timestamp"].endswith("Z")
    time.sleep(0.1)
    assert client.all("analysis_complete") == []


def test_a_finished_analysis_cannot_be_cancelled(watcher: Any) -> None:
    client = watcher()
    client.ask("start_analysis", analysis_id="f", type="demo.plain", parameters={})
    client.first("analysis_complete")
    answer = client.ask("cancel_analysis", analysis_id="f")
    assert answer["error"]["code"] == "CONFLICT"


def test_the_key_says_the_dialect(watcher: Any) -> None:
    starter, both, job_only = watcher(), watcher(), watcher()
    starter.ask("start_analysis", analysis_id="d", type="counting", parameters=[])
    assert both.ask("subscribe", analysis_id="d", job_id="d")["ok"]
    assert job_only.ask("subscribe", job_id="d")["ok"]
    starter.ask("update_progress", analysis_id="d", step=50, status="running")
    starter.ask("update_progress", analysis_id="d", step=100, status="complete")
    complete = job_only.first("complete")
    assert complete["job_id"] == "d"
    assert complete["status"] == "complete"
    assert complete["results_url"] == "/api/jobs/d/result"
    assert job_only.all("progress")[-1]["progress"] == 100
    assert job_only.all("progress_update") == job_only.all("analysis_complete") == []
    both.first("complete")
    both.first("analysis_complete")


def test_who_unsubscribes_hears_nothing_more(watcher: Any) -> None:
    client = watcher()
    client.ask("start_analysis", analysis_id="u", type="counting", parameters=[])
    client.ask("update_progress", analysis_id="u", step=1, status="running")
    client.wait(lambda c: [u for u in c.all("progress_update") if u["progress"] == 1])
    assert client.ask("unsubscribe", analysis_id="u")["was_watching"] is True
    client.ask("update_progress", analysis_id="u", step=2, status="running")
    time.sleep(0.2)
    assert all(u["progress"] < 2 for u in client.all("progress_update"))
    assert client.ask("unsubscribe", analysis_id="u")["was_watching"] is False


def test_only_client_driven_analyses_take_progress(watcher: Any) -> None:
    client = watcher()
    client.ask(
        "start_analysis",
        analysis_id="s",
        type="counting",
        parameters=[{"id": "S1"}],
        config={"n": 100_000, "pause_s": 0.02},
    )
    answer = client.ask("update_progress", analysis_id="s", step=1, status="running")
    assert answer["error"]["code"] == "NOT_CLIENT_DRIVEN"
    assert client.ask("cancel_analysis", analysis_id="s")["ok"]


@pytest.mark.parametrize(
    ("event", "payload", "message"),
    [
        ("start_analysis", {"type": "counting"}, "Analysis ID is required"),
        ("start_analysis", {"analysis_id": ""}, "Analysis ID is required"),
        ("start_analysis", {"analysis_id": "a"}, "Invalid analysis type"),
        ("start_analysis", {"analysis_id": "a", "type": "no"}, "Invalid analysis type"),
        ("start_analysis", {"analysis_id": "a", "type": 3}, "Invalid analysis type"),
        ("update_progress", {"step": 1}, "Analysis ID is required"),
        ("cancel_analysis", {}, "Analysis ID is required"),
        ("cancel_analysis", {"job_id": "a"}, "Analysis ID is required"),
        ("subscribe", {}, "Analysis ID is required"),
        ("unsubscribe", {"after_seq": 3}, "Analysis ID is required"),
        ("cancel_analysis", {"analysis_id": "unknown"}, "Invalid analysis ID"),
        ("subscribe", {"analysis_id": "unknown"}, "Invalid analysis ID"),
        (
            "update_progress",
            {"analysis_id": "unknown", "step": 1, "status": "running"},
            "Invalid analysis ID",
        ),
    ],
)
def test_refusals_use_the_words_of_the_seed(
    watcher: Any, event: str, payload: dict[str, Any], message: str
) -> None:
    client, other = watcher(), watcher()
    answer = client.ask(event, **payload)
    told = client.first("error")
    assert answer["ok"] is False
    assert told == answer["error"]
    assert told["type"] == "error"
    assert told["message"] == told["error"] == message
    assert told["code"] == "VALIDATION_ERROR"
    assert other.all("error") == []


LONG = "x" * 10_000


@pytest.mark.parametrize(
    "bad_id",
    [LONG, "..", "a\n", "\x00", "-a", "events", 7, True, [], {}, "a/b", "ä"],
    ids=range(12),
)
def test_an_id_that_cannot_be_one_is_refused_with_the_reason(
    watcher: Any, bad_id: object
) -> None:
    client = watcher()
    answer = client.ask(
        "start_analysis", analysis_id=bad_id, type="counting", parameters=[]
    )
    assert answer["error"]["message"] == "Invalid analysis ID"
    assert answer["error"]["details"][0]["field"] == "analysis_id"
    assert len(str(answer)) < 1000


EVENTS = (
    "start_analysis",
    "update_progress",
    "cancel_analysis",
    "subscribe",
    "unsubscribe",
    "no such event",
)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    "payload", [(), (None,), ([],), (3,), ("text",), (True,), ({}, {}), (b"bytes",)]
)
def test_a_wrong_payload_is_answered_and_the_connection_lives(
    watcher: Any, event: str, payload: tuple[Any, ...], caplog: Any
) -> None:
    client = watcher()
    answer = client.send(event, *payload)
    assert answer["ok"] is False
    assert answer["error"]["code"] == "VALIDATION_ERROR"
    assert client.first("error")["message"]
    assert client.ask(
        "start_analysis", analysis_id="after", type="counting", parameters=[]
    )["ok"]
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        ("total_steps", {"total_steps": 0}),
        ("total_steps", {"total_steps": True}),
        ("total_steps", {"total_steps": "5"}),
        ("total_steps", {"total_steps": 1e300}),
        ("runner", {"runner": "nobody"}),
        ("n", {"config": {"n": "many"}, "parameters": [{"id": "S1"}]}),
        ("n", {"n": 3, "config": {"n": 3}, "parameters": [{"id": "S1"}]}),
        ("config", {"config": [], "parameters": [{"id": "S1"}]}),
        ("parameters", {"parameters": [{"id": "S1"}, {"id": "unknown"}]}),
        ("parameters", {"parameters": 7, "runner": "server"}),
        ("parameters.S1", {"parameters": {"S1": 5}}),
        ("extra", {"extra": 1}),
        ("total_steps", {"total_steps": 5, "totalSteps": 5}),
    ],
)
def test_a_wrong_field_is_named(
    watcher: Any, field: str, payload: dict[str, Any]
) -> None:
    client = watcher()
    answer = client.ask(
        "start_analysis",
        **{"analysis_id": "a", "type": "counting", "parameters": [], **payload},
    )
    assert answer["ok"] is False, answer
    assert answer["error"]["details"][0]["field"] == field
    assert field in answer["error"]["message"]


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        ("step", {"status": "running"}),
        ("step", {"step": -1, "status": "running"}),
        ("step", {"step": True, "status": "running"}),
        ("status", {"step": 1, "status": "done"}),
        ("error", {"step": 1, "status": "error", "error": {"a": 1}}),
    ],
)
def test_a_wrong_report_of_progress_is_named(
    watcher: Any, field: str, payload: dict[str, Any]
) -> None:
    client = watcher()
    client.ask("start_analysis", analysis_id="a", type="counting", parameters=[])
    answer = client.ask("update_progress", analysis_id="a", **payload)
    assert answer["error"]["details"][0]["field"] == field


def test_a_payload_nested_too_deep_is_refused_and_not_logged(
    watcher: Any, caplog: Any
) -> None:
    client = watcher()
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    answer = client.ask(
        "start_analysis", analysis_id="a", type="counting", parameters=deep
    )
    assert answer["error"]["code"] == "VALIDATION_ERROR"
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_deleted_analysis_is_told_to_its_watchers(watcher: Any, app: Any) -> None:
    client = watcher()
    client.ask("start_analysis", analysis_id="del", type="counting", parameters=[])
    registry = app.extensions["registry"]
    registry.delete("anonymous", "del")
    assert client.first("analysis_cancelled")["analysis_id"] == "del"
    assert client.all("analysis_complete") == []


def test_an_analysis_that_is_not_offered_says_so(watcher: Any) -> None:
    answer = watcher().ask(
        "start_analysis", analysis_id="o", type="absent", parameters=[{"id": "S1"}]
    )
    assert answer["error"]["code"] == "NOT_AVAILABLE"


def test_a_fault_of_ours_is_logged_and_does_not_end_the_connection(
    watcher: Any, app: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    client = watcher()
    monkeypatch.delitem(app.extensions, "registry")
    answer = client.ask("subscribe", analysis_id="a")
    assert answer["error"]["code"] == "INTERNAL_ERROR"
    assert any(r.exc_info for r in caplog.records)
    assert client.send("no such event")["ok"] is False


def test_the_follower_of_a_job_ends_with_its_last_watcher(
    watcher: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_api.push.rooms._IDLE_S", 0.1)
    client, other = watcher(), watcher()
    rooms = app.extensions["push_rooms"]
    client.ask("start_analysis", analysis_id="w", type="counting", parameters=[])
    other.ask("subscribe", analysis_id="w")
    assert rooms.count() == 1
    client.leave()
    other.ask("unsubscribe", analysis_id="w")
    Watcher.until(lambda: rooms.count() == 0, seconds=30)


def test_a_goodbye_reaches_every_client(watcher: Any) -> None:
    from flask_api.push.socketio import say_goodbye

    one, two = watcher(), watcher()
    say_goodbye("restart")
    assert one.first("server_closing") == two.first("server_closing")
    assert one.first("server_closing") == {"reason": "restart"}


@pytest.mark.parametrize(
    "event", ["subscribe", "unsubscribe", "cancel_analysis", "update_progress"]
)
def test_every_event_names_an_unknown_key_and_takes_camel_case(
    watcher: Any, event: str
) -> None:
    client = watcher()
    client.ask("start_analysis", analysis_id="a", type="client")
    extra = {"step": 1} if event == "update_progress" else {}
    told = client.ask(event, analysis_id="a", afterSequence=1, **extra)
    assert "afterSequence" in told["error"]["message"]
    assert client.ask(event, analysisId="a", **extra)["ok"]


def test_a_camel_case_after_seq_catches_up(watcher: Any) -> None:
    client, late = watcher(), watcher()
    client.ask("start_analysis", analysis_id="a", type="client", total_steps=2)
    client.ask("update_progress", analysis_id="a", step=1)
    client.ask("update_progress", analysis_id="a", step=2, status="complete")
    assert late.ask("subscribe", analysisId="a", afterSeq=0)["ok"]
    late.first("analysis_complete")
    assert [u["progress"] for u in late.all("progress_update")] == [50, 100]


@pytest.mark.parametrize("parameters", ["S11", 5, True])
def test_parameters_that_are_no_list_start_nothing(
    watcher: Any, parameters: object
) -> None:
    client = watcher()
    told = client.ask(
        "start_analysis", analysis_id="a", type="counting", parameters=parameters
    )
    assert told["error"]["details"][0]["field"] == "parameters"
    assert client.all("analysis_started") == []


@pytest.mark.parametrize("item", [None, [1, 2], {"range": [1, 2]}])
def test_the_mapping_form_takes_what_rest_takes(watcher: Any, item: object) -> None:
    client = watcher()
    answer = client.ask(
        "start_analysis", analysis_id="a", type="counting", parameters={"S11": item}
    )
    assert answer["ok"], answer
    assert client.first("analysis_complete")["status"] == "complete"
