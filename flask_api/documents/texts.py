"""Texts as the files of a workbook can hold them: plain ones, and names of sheets."""

from __future__ import annotations

import re
from collections.abc import Container

#: What XML 1.0 cannot carry, not even escaped (its production `Char`).
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: Control characters, and what the name of a sheet may not have.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\[\]:*?/\\]")
#: The `!` before what looks like a cell: XlsxWriter takes such names for references.
_CELL = re.compile(r"!(?=\$?[A-Z]+\$?\d)")
#: A sheet's name has at most so many UTF-16 units; further planes take two each.
MOST_NAME = 31


def plain(text: str) -> str:
    """`text` with a replacement character for each that XML cannot carry."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def chart_text(text: str) -> str:
    """`text` as a name within a chart, where `word!A1` would be read as a cell."""
    return _CELL.sub("! ", plain(text))


def sheet_name(wanted: str, taken: Container[str]) -> str:
    """A name that a sheet may have, as close to `wanted` as can be, and not taken.

    taken   names there are, case-folded: the spreadsheet tells no cases apart
    """
    name = _trimmed(plain(_NOT_IN_NAMES.sub(" ", wanted)), MOST_NAME) or "Sheet"
    free, number = name, 2
    while free.casefold() in taken or free.casefold() == "history":
        tail = f" ({number})"
        free, number = _trimmed(name, MOST_NAME - len(tail)) + tail, number + 1
    return free


def _trimmed(name: str, most: int) -> str:
    """`name` cut to so many UTF-16 units, without quotes and blanks at its ends."""
    name = name.strip(" '")
    size = 0
    for place, sign in enumerate(name):
        size += 1 if ord(sign) < 0x10000 else 2
        if size > most:
            return name[:place].strip(" '")
    return name
