"""A Socket.IO client of the tests, which collects what it hears."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import Flask

from flask_api.push.socketio import socketio


class Watcher:
    """Flask-SocketIO's test client, with messages as (name, data)."""

    def __init__(self, app: Flask) -> None:
        self._client = socketio.test_client(app)
        self.messages: list[tuple[str, Any]] = []

    def send(self, event: str, *payload: Any) -> dict[str, Any]:
        """The acknowledgement of `event`."""
        answer = self._client.emit(event, *payload, callback=True)
        assert isinstance(answer, dict), f"{event} was not acknowledged: {answer!r}"
        return answer

    def ask(self, event: str, **payload: Any) -> dict[str, Any]:
        return self.send(event, payload)

    def all(self, name: str) -> list[dict[str, Any]]:
        """The data of every `name` heard until now."""
        if self._client.is_connected():
            heard = self._client.get_received()
            self.messages += [(m["name"], m["args"][0]) for m in heard]
        return [data for n, data in self.messages if n == name]

    def first(self, name: str) -> dict[str, Any]:
        """The data of the first `name`, waited for."""
        self.wait(lambda _: self.all(name), name)
        return self.all(name)[0]

    def wait(self, condition: Callable[[Watcher], Any], what: str = "it") -> bool:
        try:
            self.until(lambda: condition(self), seconds=30)
        except AssertionError:
            raise AssertionError(f"{what} never came; heard {self.messages}") from None
        return True

    @staticmethod
    def until(condition: Callable[[], Any], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    def leave(self) -> None:
        self._client.disconnect()
