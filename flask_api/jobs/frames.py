"""How server and worker talk: frames of 4-byte length and JSON on a socket pair.

server -> worker    {"type": "warm", "modules": [...]}
                    {"type": "job", "id", "attempt", "run", "params", "context", ...}
                    {"type": "cancel", "id", "attempt"}
worker -> server    {"type": "ready"}
                    {"type": "progress", "done", "total", "message", "partial"}
                    {"type": "phase", "name"}    {"type": "warning", "message"}
                    {"type": "log", "level", "logger", "message"}
                    and one end: {"type": "result" | "error" | "stopped", ...}
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import orjson

#: A longer frame from a worker is a fault of it, bytes.
MAX_FRAME = 256 * 1024
#: A job's frame carries the request, bytes.
MAX_JOB_FRAME = 64 * 2**20
#: Partial results above this are left out, bytes of JSON.
MAX_PARTIAL = 16 * 1024
#: Results above this become a file, bytes of JSON.
MAX_INLINE = 64 * 1024

_LENGTH = struct.Struct(">I")


class FrameError(Exception):
    """The other side sent something that is no frame."""


class Closed(Exception):
    """The other side is gone."""


def pack(frame: dict[str, Any], limit: int = MAX_FRAME) -> bytes:
    """The bytes of a frame, length first. Raises FrameError if it is too long."""
    body = orjson.dumps(frame, option=orjson.OPT_SERIALIZE_NUMPY)
    if len(body) > limit:
        raise FrameError(f"a frame of {len(body)} bytes; {limit} are allowed")
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Frames out of a stream socket, kept across time-outs."""

    def __init__(self, sock: socket.socket, limit: int = MAX_FRAME) -> None:
        self._socket = sock
        self._limit = limit
        self._buffer = bytearray()

    def read(self) -> dict[str, Any] | None:
        """The next frame; None after the socket's time-out. Closed or FrameError."""
        while True:
            frame = self._complete()
            if frame is not None:
                return frame
            try:
                got = self._socket.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise Closed(str(error)) from None
            if not got:
                raise Closed("end of stream")
            self._buffer += got

    def _complete(self) -> dict[str, Any] | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._limit:
            raise FrameError(f"a frame of {length} bytes; {self._limit} are allowed")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        try:
            frame = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise FrameError(f"not JSON: {error}") from None
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise FrameError("a frame is an object with a type")
        return frame
