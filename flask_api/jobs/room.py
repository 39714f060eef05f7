"""Whether there is room for another job: its row, its events, its result."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

#: What a small job may take: its result stands in its row up to this size, bytes.
WANTED = 256 * 1024
#: What was found out holds for so many seconds.
_TRUSTED_S = 1.0
#: The store may be elsewhere: what it said holds until it was tried again, seconds.
_STORE_S = 20.0


class Room:
    """Room in the folder of results, and in the store as far as it has told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changing = threading.Lock()
        self._looked_at = -_TRUSTED_S
        self._found = ""
        self._store_said, self._store_said_at = "", 0.0

    def problem(self) -> str:
        """Why no job can be kept at the moment, in a sentence; empty if it can.

        Writes a little to find out: quotas and read-only disks show in no other way.
        """
        now = time.monotonic()
        if self._store_said and now - self._store_said_at < _STORE_S:
            return self._store_said
        with self._changing:
            if now - self._looked_at >= _TRUSTED_S:
                self._found, self._looked_at = self._tried(), now
            return self._found

    def _tried(self) -> str:
        try:
            with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
                # the last bytes may fit only in part, which is no error by itself
                if file.write(bytes(WANTED)) == WANTED:
                    return ""
                reason = "No space left on device"
        except OSError as error:
            reason = error.strerror or str(error)
        return (
            f"the folder of jobs and results ({self._folder.name}/) cannot be written: "
            f"{reason}; make room, and it goes on by itself"
        )

    def store_failed(self, reason: str) -> None:
        """The store could not keep what it was given."""
        self._store_said, self._store_said_at = reason, time.monotonic()

    def store_works(self) -> None:
        """The store has kept something again."""
        self._store_said = ""
