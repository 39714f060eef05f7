"""How many sockets and messages each owner may have, counted in this process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock


@dataclass
class _Account:
    sockets: int
    tokens: float  # messages that may still come at once
    counted_at: float  # monotonic


class Allowance:
    """Who holds how many sockets, and how fast their messages come together."""

    def __init__(self, sockets: int, messages_per_s: int) -> None:
        """sockets         most that one owner may hold at a time
        messages_per_s  most that one owner may send; a second's worth may come at once
        """
        self.sockets = sockets
        self.messages_per_s = messages_per_s
        self._accounts: dict[str, _Account] = {}
        self._lock = Lock()

    def take_socket(self, who: str) -> bool:
        """Whether `who` may hold one more; if so, it is counted until `give_back`."""
        now = time.monotonic()
        with self._lock:
            # Accounts outlive their sockets by a second: whoever connects anew finds
            # no fresh second's worth of messages.
            self._accounts = {
                name: account
                for name, account in self._accounts.items()
                if account.sockets or now - account.counted_at < 1
            }
            account = self._accounts.setdefault(
                who, _Account(0, self.messages_per_s, now)
            )
            if account.sockets >= self.sockets:
                return False
            account.sockets += 1
            return True

    def give_back(self, who: str) -> None:
        """End what `take_socket` allowed."""
        with self._lock:
            self._accounts[who].sockets -= 1

    def take_message(self, who: str) -> bool:
        """Whether `who`, who holds a socket, may send one more message now."""
        now = time.monotonic()
        with self._lock:
            account = self._accounts[who]
            gained = (now - account.counted_at) * self.messages_per_s
            account.tokens = min(account.tokens + gained, self.messages_per_s)
            account.counted_at = now
            if account.tokens < 1:
                return False
            account.tokens -= 1
            return True
