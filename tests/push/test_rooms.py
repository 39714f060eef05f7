"""The moment in which a newcomer goes over from catching up to the room."""

from __future__ import annotations

from typing import Any

from flask import Flask

from flask_api.jobs.job import Event, EventType, Job, Status, new_id
from flask_api.push.rooms import Rooms, _Room
from flask_api.push.socketio import socketio


def test_who_caught_up_ahead_of_the_room_hears_nothing_twice(
    app: Flask, watcher: Any
) -> None:
    client = watcher()
    client.first("connection_status")
    server: Any = socketio.server
    sid = server.manager.sid_from_eio_sid(client._client.eio_sid, "/")
    rooms = Rooms(server)
    job = Job(id=new_id(), owner="a", kind="x", client_id="a", status=Status.RUNNING)
    room = _Room(job, position=4)
    room.catching[sid, "analysis"] = object()
    with rooms._lock:
        rooms._enter(room, [(sid, "analysis")], last=6)  # it was sent 5 and 6 already
        for seq in (5, 6, 7, 8):
            event = Event(job.id, seq, EventType.PROGRESS, 0.0, job.state())
            rooms._tell_rooms(room, event, None)
    assert [u["seq"] for u in client.all("progress_update")] == [7, 8]
