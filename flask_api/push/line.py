"""One WebSocket after its handshake: frames, pings, bounds, and a clear end.

Two tasks share a line. The request's own listens, pings and closes; another sends
what there is to say. Neither holds the other for longer than the silence allowed.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from threading import Event, Lock
from typing import Any

from wsproto import events
from wsproto.utilities import LocalProtocolError

#: Bytes read at a time; all of a TLS record, so that none wait unseen by `select`.
_READ_BYTES = 16_384
#: Bytes that wait in the kernel for a slow client before the sender has to.
_WAITING_BYTES = 64 * 1024
#: Seconds that a ping, pong or close waits for a message that is being sent.
_CONTROL_PATIENCE_S = 1.0
#: Seconds a client gets to read why it is closed, and to close its side.
_FAREWELL_S = 1.0
#: Parts of a message that are smaller than this count as messages.
_SMALL_PART = 1024


class LineClosed(Exception):
    """Nothing can be sent any more: one of the two sides has ended the connection."""


class Ending(Enum):
    """Why the listening ended: the code of RFC 6455 (7.4.1), and a sentence."""

    LEFT = 1000, ""
    SILENT = 1001, "no message and no pong in time"
    TOO_MANY = 1008, "too many messages"
    TOO_LARGE = 1009, "message too large"
    FAILED = 1011, "the server failed; its log says why"
    TRY_LATER = 1013, "too many sockets"


class Unread:
    """Stands in for simple-websocket's reading thread; a `Line` reads instead."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        """`target` is never called: what it reads is bound neither in rate nor sum."""

    def start(self) -> None:
        return


class Line:
    """A WebSocket that is open until a side ends it, by silence, excess or wish."""

    def __init__(
        self, ws: Any, *, ping_s: float, silence_s: float, most_bytes: int
    ) -> None:
        """ws          a simple_websocket.Server, made with `thread_class=Unread`
        ping_s      seconds between two pings
        silence_s   seconds without a byte from the client, or within which it does not
                    take one message, after which the line ends
        most_bytes  largest message that is heard
        """
        self.closed = Event()
        self._frames = ws.ws
        self._socket = ws.sock
        self._lock = Lock()  # frames leave whole, one after the other
        # A silent client must have the time to answer a ping.
        self._ping_s = min(ping_s, silence_s / 2)
        self._silence_s = silence_s
        self._most_bytes = most_bytes
        self._heard_at = time.monotonic()
        self._parts: list[Any] = []
        self._size = 0
        ws.connected = False  # the line ends it, not the library
        options = [("TCP_NODELAY", 1), ("TCP_NOTSENT_LOWAT", _WAITING_BYTES)]
        for name, value in options:
            # Without the first, a second small message waits 40 ms for the first
            # one's receipt; without the other, 4 MB of old news wait for a slow client.
            with suppress(AttributeError, OSError):  # not on this system or socket
                option = getattr(socket, name)
                self._socket.setsockopt(socket.IPPROTO_TCP, option, value)

    # -- sending, in any task ----------------------------------------------------------

    def send(self, text: str) -> None:
        """Send `text` whole. Raises LineClosed, also where the client takes nothing."""
        self._say(events.TextMessage(data=text), self._silence_s, self._silence_s)

    def close(self, ending: Ending) -> None:
        """Say that the line ends, and why; the client may still be heard."""
        if self.closed.is_set():
            return
        code, reason = ending.value
        message = events.CloseConnection(code, reason or None)
        try:
            self._say(message, _CONTROL_PATIENCE_S, _CONTROL_PATIENCE_S)
            self._socket.shutdown(socket.SHUT_WR)
        except (LineClosed, OSError):
            self.cut()

    def close_and_wait(self, ending: Ending) -> None:
        """`close`, then `cut` where the client does not leave by itself."""
        self.close(ending)
        if not self.closed.wait(_FAREWELL_S):
            self.cut()

    def cut(self) -> None:
        """End the connection now; whoever sends or listens here is woken."""
        self.closed.set()
        with suppress(OSError):  # gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _say(self, event: events.Event, wait_s: float, write_s: float) -> None:
        if not self._lock.acquire(timeout=wait_s):
            raise LineClosed("the client does not take the message before this one")
        try:
            self._write(self._frames.send(event), write_s)
        except LocalProtocolError as error:
            raise LineClosed(str(error)) from None
        except OSError as error:
            self.cut()  # half a frame may have left
            raise LineClosed(str(error)) from None
        finally:
            self._lock.release()

    def _write(self, data: bytes, seconds: float) -> None:
        # Not sendall: under eventlet its timeout begins anew with every piece.
        deadline = time.monotonic() + seconds
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            rest = rest[self._socket.send(rest) :]

    def _control(self, event: events.Event) -> bool:
        """Whether `event` was sent: not to a client that takes nothing just now."""
        if not self._lock.acquire(timeout=_CONTROL_PATIENCE_S):
            return False
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(self._socket, selectors.EVENT_WRITE)
                if not ready.select(0):
                    return False
            self._write(self._frames.send(event), self._silence_s)
            return True
        except LocalProtocolError:
            return False  # after our own close
        except (OSError, ValueError):
            self.cut()
            return False
        finally:
            self._lock.release()

    # -- listening, in the task of the request -----------------------------------------

    def listen(
        self,
        hear: Callable[[str | bytes], None],
        beat: Callable[[], None],
        allow: Callable[[], bool],
    ) -> Ending:
        """Why the line ended, after it was listened to until then.

        hear    is called with each message
        beat    is called after each ping
        allow   is asked before each message or ping of the client; False ends the line

        What these raise comes out here.
        """
        ping_at = time.monotonic() + self._ping_s
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(self._socket, selectors.EVENT_READ)
                while not self.closed.is_set():
                    stale_at = self._heard_at + self._silence_s
                    pause = min(ping_at, stale_at) - time.monotonic()
                    if ready.select(max(pause, 0)):
                        ending = self._read(hear, allow)
                        if ending is not None:
                            return ending
                    elif time.monotonic() >= stale_at:
                        return Ending.SILENT
                    if time.monotonic() >= ping_at:
                        ping_at = time.monotonic() + self._ping_s
                        if self._control(events.Ping()):
                            beat()
        except (OSError, EOFError, ValueError, LineClosed):
            self.cut()
        return Ending.LEFT

    def _read(
        self, hear: Callable[[str | bytes], None], allow: Callable[[], bool]
    ) -> Ending | None:
        data = self._socket.recv(_READ_BYTES)
        if not data:
            return Ending.LEFT
        self._heard_at = time.monotonic()
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, events.CloseConnection):
                self._control(event.response())
                return Ending.LEFT
            if isinstance(event, events.Ping):
                if not allow():
                    return Ending.TOO_MANY
                self._control(event.response())
            if isinstance(event, events.TextMessage | events.BytesMessage):
                if self._counts(event) and not allow():
                    return Ending.TOO_MANY
                self._size += _bytes_in(event)
                if self._size > self._most_bytes:
                    return Ending.TOO_LARGE
                self._parts.append(event.data)
                if event.message_finished:
                    text = isinstance(event, events.TextMessage)
                    message = ("" if text else b"").join(self._parts)
                    self._parts, self._size = [], 0
                    hear(message)
        return None

    @staticmethod
    def _counts(event: events.Message[Any]) -> bool:
        small = event.frame_finished and len(event.data) < _SMALL_PART
        return bool(event.message_finished or small)

    def leave(self, ending: Ending) -> None:
        """Tell the client that the line ends and why, and end it.

        What it has sent meanwhile is read and dropped, for a second at most: unread, it
        would make our system take back the reason.
        """
        self.close(ending)
        if not self.closed.is_set():
            self._drop_the_rest()
        self.cut()

    def _drop_the_rest(self) -> None:
        deadline = time.monotonic() + _FAREWELL_S
        with suppress(OSError, EOFError, ValueError):
            with selectors.DefaultSelector() as ready:
                ready.register(self._socket, selectors.EVENT_READ)
                while ready.select(max(deadline - time.monotonic(), 0)):
                    if not self._socket.recv(_READ_BYTES):
                        return


def _bytes_in(event: events.Message[Any]) -> int:
    data = event.data
    return len(data.encode()) if isinstance(data, str) else len(data)
