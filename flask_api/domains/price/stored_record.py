"""What is kept of a stored model: its text with a price, as one revision."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Largest model text, bytes: a real one has some 10 kB, and this one takes 0.5 s.
MAX_BYTES = 2**18
MAX_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")


def is_name(text: str) -> bool:
    """Whether a version may be called so."""
    return _NAME.fullmatch(text) is not None


class Refused(ValueError):
    """A stored model's state does not allow what was asked; says what to do."""


@dataclass(frozen=True)
class Revision:
    """One stored text of a version, with the price it was solved to.

    price              $ per `unit`'s denominator, at the text's own values
    extension_prices   the same for each extension that has a price
    job_id             the job that stored it
    """

    version: str
    revision: int
    timestamp: str
    sha256: str
    title: str
    price: float
    unit: str
    comment: str | None = None
    extension_prices: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    job_id: str | None = None

    @property
    def etag(self) -> str:
        return f"{self.revision}-{self.sha256[:16]}"

    def as_dict(self) -> dict[str, Any]:
        """What is told of it."""
        told = asdict(self) | {"warnings": list(self.warnings)}
        del told["job_id"]
        return told


@dataclass(frozen=True)
class Priced:
    """A text that was read and priced, ready to be stored.

    row   what lists tell of it, a JSON object
    """

    content: bytes
    title: str
    price: float
    unit: str
    extension_prices: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    row: bytes | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()
