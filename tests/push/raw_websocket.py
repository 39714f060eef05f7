"""A WebSocket client that says and answers exactly what it is told to: plain TCP."""

from __future__ import annotations

import os
import socket
import struct
from types import TracebackType

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class RawWebSocket:
    """A connection whose pings nobody answers, unless the test does."""

    def __init__(
        self,
        address: str,
        path: str = "/realtime",
        *,
        receive_buffer: int = 0,
        source: str = "127.0.0.1",
    ) -> None:
        """address         host:port of the server; `source` is our own address
        receive_buffer  bytes that the system takes for us, 0: as many as it likes
        """
        host, _, port = address.partition(":")
        self.tcp = socket.socket()
        if receive_buffer:
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.tcp.bind((source, 0))
        self.tcp.settimeout(30)
        self.tcp.connect((host, int(port)))
        self.port: int = self.tcp.getsockname()[1]
        self.tcp.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"
            f"Sec-WebSocket-Key: {'x' * 22}==\r\n\r\n".encode()
        )
        self._waiting = b""
        while b"\r\n\r\n" not in self._waiting:
            self._more()
        head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
        self.head = head.decode()

    def send(self, opcode: int, payload: bytes = b"", *, last: bool = True) -> None:
        self.tcp.sendall(frame(opcode, payload, last=last))

    def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; EOFError at the end."""
        first, length = struct.unpack("!BB", self._take(2))
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return first & 0x0F, self._take(length)

    def until(self, wanted: int) -> bytes:
        """The payload of the next frame of that kind; others are passed over."""
        while True:
            opcode, payload = self.receive()
            if opcode == wanted:
                return payload

    def close_code(self) -> int:
        """The code with which the server closes; the stream ends right after it."""
        code = int.from_bytes(self.until(CLOSE)[:2], "big")
        assert self.ended()
        return code

    def ended(self) -> bool:
        """Whether nothing more comes; a reset is an end, too."""
        try:
            while True:
                self.receive()
        except (EOFError, ConnectionError):
            return True

    def _take(self, n: int) -> bytes:
        while len(self._waiting) < n:
            self._more()
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        return taken

    def _more(self) -> None:
        data = self.tcp.recv(65_536)
        if not data:
            raise EOFError("the server has ended the connection")
        self._waiting += data

    def __enter__(self) -> RawWebSocket:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.tcp.close()


def frame(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """A masked frame, as clients send it."""
    first = (0x80 if last else 0) | opcode
    n = len(payload)
    if n < 126:
        head = struct.pack("!BB", first, 0x80 | n)
    elif n < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, n)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, n)
    mask = os.urandom(4)
    repeated = mask * (n // 4 + 1)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:n], "big")
    return head + mask + mixed.to_bytes(n, "big")
