"""Values in messages: as they were written, and never longer than a line."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

_LONGEST = 60
#: Integers beyond it have more digits than Python turns into text.
_PLAIN = 10**18


def shown(value: object) -> str:
    """`value` as its writer knows it: `nothing`, `true`, `'text'`, `a mapping`..."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple | set):
        return "a list"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, int) and abs(value) >= _PLAIN:
        return "a number beyond 10^18" if value > 0 else "a number below -10^18"
    text = repr(str(value)) if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def plainly(value: float) -> str:
    """A number with as many digits as it takes to tell it from any other."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))
