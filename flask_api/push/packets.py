"""Socket.IO's packets, read so that nothing a client sends becomes an exception."""

from __future__ import annotations

from typing import Any

import orjson
from socketio.packet import BINARY_ACK, BINARY_EVENT, CONNECT_ERROR, EVENT, Packet

#: The event that a packet without sense is read as.
MALFORMED = "malformed packet"

_MOST_ATTACHMENTS = 10
#: Names by which the library calls its own handlers; no client may send them.
_RESERVED = ("connect", "disconnect", "connect_error")


class Json:
    """orjson in the shape python-socketio asks for: text out, NaN becomes null."""

    @staticmethod
    def dumps(obj: Any, **_: Any) -> str:
        return orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class ForgivingPacket(Packet):  # type: ignore[misc]  # python-socketio has no types
    """A packet that reads nonsense as the event `malformed packet`."""

    json = Json

    def __init__(self, *args: Any, encoded_packet: Any = None, **fields: Any) -> None:
        super().__init__(*args, encoded_packet=encoded_packet, **fields)
        if encoded_packet is not None and not encoded_packet:
            self._malformed("the packet is empty")

    def decode(self, encoded_packet: str) -> int:
        try:
            attachments = int(super().decode(encoded_packet))
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            return self._malformed(f"the packet cannot be read: {error}")
        if self.packet_type == CONNECT_ERROR or self.packet_type > BINARY_ACK:
            return self._malformed(
                f"no client sends packets of type {self.packet_type}"
            )
        if self.packet_type in (EVENT, BINARY_EVENT):
            if attachments > _MOST_ATTACHMENTS:
                return self._malformed(
                    f"{attachments} attachments; at most {_MOST_ATTACHMENTS}"
                )
            problem = _problem_with_event(self.data)
            if problem:
                return self._malformed(problem)
        return attachments

    def _malformed(self, problem: str) -> int:
        self.packet_type = EVENT
        self.data = [MALFORMED, problem[:200]]
        return 0

    @classmethod
    def reconstruct_binary(cls, data: Any, attachments: list[bytes]) -> Any:
        try:
            return super().reconstruct_binary(data, attachments)
        except (IndexError, TypeError) as error:
            return [MALFORMED, f"a binary placeholder has no attachment: {error}"]


def _problem_with_event(data: Any) -> str | None:
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        return 'an event must be an array that begins with its name: ["subscribe", {}]'
    if data[0] in _RESERVED:
        return f"{data[0]!r} is no event that a client can send"
    return None
