"""What a cell of a table says: 0 or 1, nothing, a number, or text."""

from __future__ import annotations

import math
import re

#: Codes of cells in the matrix of binary values.
ZERO, ONE, OTHER, MISSING = 0, 1, 254, 255

_CODES = {
    **dict.fromkeys(("0", "false", "no", "n", "f", "0.0"), ZERO),
    **dict.fromkeys(("1", "true", "yes", "y", "t", "1.0"), ONE),
    **dict.fromkeys(
        ("", "na", "n/a", "#n/a", "nan", "null", "none", ".", "?", "-"), MISSING
    ),
}
#: As programs write numbers with so many digits, of a column that holds 0 and 1.
_ROUND = re.compile(r"[01]\.0+\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z", re.ASCII)


def code_of(word: str) -> int:
    """ZERO, ONE, MISSING, or OTHER, of a cell as it stands in the file."""
    found = _CODES.get(word)
    if found is not None:
        return found
    plain = word.strip().lower()
    return int(plain[0]) if _ROUND.match(plain) else _CODES.get(plain, OTHER)


def number_of(word: str, decimal_comma: bool = False) -> float | None:
    """The number a cell is, NaN where it is missing; None where it is text.

    decimal_comma   `0,5` is a half: in files whose columns are divided otherwise

    True and yes are 1 here too, so that a column may be read both ways.
    """
    code = code_of(word)
    if code != OTHER:
        return math.nan if code == MISSING else float(code)
    text = word.strip()
    if decimal_comma and "," in text and "." not in text:
        text = text.replace(",", ".", 1)
    if not _NUMBER.match(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def shown(word: str) -> str:
    """A cell as messages repeat it."""
    return repr(word if len(word) <= 40 else word[:40] + "...")


def counted(number: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
