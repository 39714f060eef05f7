"""In which encoding the bytes of a file are text, and whether they are text at all."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from flask_api.numerics.errors import InputError

#: Encodings that may be asked for.
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")

_PIECE = 1 << 20
#: Characters that no text has; tab, line feed and carriage return it does.
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\f\v")
_CONTROL = re.compile(f"[{re.escape(_CONTROLS.decode('ascii'))}]")
_KNOWN = (
    (b"PK\x03\x04", "a ZIP file or an Excel workbook: save the sheet as CSV"),
    (b"\x1f\x8b", "compressed (gzip): unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"%PDF", "a PDF: save the table as CSV"),
    (b"PAR1", "a Parquet file: save it as CSV"),
    (b"\xff\xfe\x00\x00", "UTF-32: save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "UTF-32: save it as UTF-8"),
)


def encoding_of(file: Path, wanted: str | None) -> tuple[str, bool, list[str]]:
    """Encoding of a file, whether there are quotes in it, and warnings for the user.

    wanted   the encoding that was asked for; None = to be guessed

    Raises InputError for what is no text, or not so encoded.
    """
    with file.open("rb") as data:
        head = data.read(4096)
    for start, what in _KNOWN:
        if head.startswith(start):
            raise InputError(f"the file is {what}", "data")
    if wanted is None and head.startswith((b"\xff\xfe", b"\xfe\xff")):
        wanted = "utf-16"
    elif wanted is None and (wide := _wide(head)):
        wanted = wide
    if wanted is not None:
        return wanted, _checked(file, wanted), []
    quotes, plain = _plain(file)
    if plain:
        return "utf-8", quotes, []
    try:
        _checked(file, "cp1252")
    except InputError:
        said = "latin-1"
    else:
        said = "cp1252"
    warning = (
        f"The file is not UTF-8; it was read as {said} (Western European). Give "
        "`encoding` if letters look wrong."
    )
    return said, quotes, [warning]


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of plain text is 0."""
    even, odd = head[0:200:2], head[1:200:2]
    if len(odd) < 3:
        return None
    if odd.count(0) > 0.8 * len(odd) and not even.count(0):
        return "utf-16-le"
    if even.count(0) > 0.8 * len(even) and not odd.count(0):
        return "utf-16-be"
    return None


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as data:
        while piece := data.read(_PIECE):
            yield piece


def _plain(file: Path) -> tuple[bool, bool]:
    """Whether there are quotes, and whether all is UTF-8. Refuses what is no text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    quotes, plain, at = False, True, 0
    for piece in _pieces(file):
        if len(piece.translate(None, _CONTROLS)) < len(piece):
            place = next(i for i, byte in enumerate(piece) if byte in _CONTROLS)
            line = piece.count(b"\n", 0, place) + 1
            raise _no_text(
                f"byte {at + place} is {piece[place]:#04x}"
                + (f" (line {line})" if not at else "")
            )
        quotes = quotes or b'"' in piece
        if plain and not piece.isascii():
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                plain = False
        elif plain and decoder.getstate()[0]:
            plain = False  # a letter was cut short by plain text
        at += len(piece)
    return quotes, plain and not decoder.getstate()[0]


def _no_text(why: str) -> InputError:
    return InputError(
        f"the file is no text: {why}; wanted rows of text, such as CSV", "data"
    )


def _checked(file: Path, encoding: str) -> bool:
    """Whether there are quotes. Raises InputError for what is not so encoded."""
    decoder = codecs.getincrementaldecoder(encoding)()
    quotes, line = False, 1
    try:
        for piece in _pieces(file):
            text = decoder.decode(piece)
            if control := _CONTROL.search(text):
                line += text.count("\n", 0, control.start())
                raise _no_text(f"line {line} holds {ord(control.group()):#04x}")
            quotes = quotes or '"' in text
            line += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InputError(
            f"the file is not {encoding} (near line {line}: {error}); leave `encoding` "
            "out, or give the right one",
            "encoding",
        ) from None
    return quotes
