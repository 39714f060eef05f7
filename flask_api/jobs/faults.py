"""Faults that come back until somebody mends their cause: told once, tried again later.

A full disk fails every slot again and again. Its log would be the next to fill it.
"""

from __future__ import annotations

import logging
import threading
import time

from flask_api.errors import ServiceError

_LOG = logging.getLogger("flask_api.jobs")
#: The longest pause before the next try, seconds.
LONGEST_S = 8.0
#: A fault that stays is told again after so many seconds.
AGAIN_S = 600.0


class Faults:
    """What keeps the parts of the engine from working."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        #: Times in a row that a part has failed.
        self._failed: dict[str, int] = {}
        #: When each cause was told last.
        self._told: dict[str, float] = {}

    @property
    def any(self) -> bool:
        """Whether some part has failed and not worked since."""
        return bool(self._failed)

    def tell(self, part: str, error: Exception) -> float:
        """Log a fault, unless it was told of late; seconds until the next try.

        One that the software knows is a line, any other has its traceback.
        """
        cause, now = f"{type(error).__name__}: {error}", time.monotonic()
        with self._changing:
            times = self._failed[part] = self._failed.get(part, 0) + 1
            fresh = now - self._told.get(cause, -AGAIN_S) >= AGAIN_S
            if fresh:
                self._told[cause] = now
        if fresh:
            known = isinstance(error, ServiceError)
            _LOG.error(
                "a fault in %s: %s; it tries again, and tells when it succeeds",
                part,
                str(error).rstrip("."),
                exc_info=None if known else error,
            )
        return float(min(LONGEST_S, 2.0 ** (times - 1)))

    def over(self, part: str) -> None:
        """A part works; after the last one that failed, causes are told anew."""
        if part not in self._failed:
            return
        with self._changing:
            times = self._failed.pop(part, 0)
            if self._failed or not times:
                return
            self._told.clear()
        _LOG.warning("%s works again, after %d failures", part, times)
