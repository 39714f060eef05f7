"""How a file of rows is written: its encoding, its separator, its first line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask_api.domains.market.data.words import OTHER, code_of, number_of, shown
from flask_api.numerics.errors import InputError

#: Separators that are looked for, the likeliest first.
SEPARATORS = (",", ";", "\t", "|")
#: Encodings that may be asked for.
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")

#: The first lines, by which separator and header are told, bytes.
_SAMPLE = 256 * 1024
_PIECE = 1 << 20
_LINES = 50
#: Characters that no text has; tab, line feed and carriage return it does.
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\f\v")
_KNOWN = (
    (b"PK\x03\x04", "a ZIP file or an Excel workbook: save the sheet as CSV"),
    (b"\x1f\x8b", "compressed (gzip): unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"%PDF", "a PDF: save the table as CSV"),
    (b"PAR1", "a Parquet file: save it as CSV"),
)


@dataclass(frozen=True)
class Form:
    """How the rows of a file are written.

    encoding    a name that Python knows
    separator   between cells
    header      whether the first line names the columns
    names       of the columns
    skipped     lines before the first one: remarks that begin with #
    quotes      whether a quote stands anywhere: cells may hold line breaks then
    warnings    what was guessed, for the user
    """

    encoding: str
    separator: str
    header: bool
    names: tuple[str, ...]
    quotes: bool
    skipped: int = 0
    warnings: tuple[str, ...] = ()


def sniff(
    file: Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
) -> Form:
    """The form of a CSV file; what is given is not guessed.

    Raises InputError for an empty file, one that is no text or not in the encoding
    given, and for names of columns that occur twice.
    """
    if not file.stat().st_size:
        raise InputError("the file is empty; wanted a header and rows", "data")
    encoding, quotes, warnings = _encoding(file, encoding)
    chosen = separator or _separator(file, encoding)
    rows = list(_first_rows(file, encoding, chosen))
    if not rows:
        raise InputError("the file has blank lines only; wanted rows", "data")
    named = _names_columns(rows) if header is None else header
    if not named and header is None:
        warnings.append(
            "The first line holds values, so the columns are called item_1, item_2, "
            "...; ask for `header: true` if it names them."
        )
    first = rows[0]
    names = (
        _names(first, warnings)
        if named
        else tuple(f"item_{number}" for number in range(1, len(first) + 1))
    )
    if named and len(rows) == 1:
        raise InputError(
            f"the file has a header of {len(names)} columns and no row below it",
            "data",
        )
    skipped = _remarks(_sample(file, encoding))[1]
    if skipped and not named:
        warnings.append(
            f"{skipped} lines that begin with # were taken for remarks; if one names "
            "the columns, take the # away."
        )
    return Form(encoding, chosen, named, names, quotes, skipped, tuple(warnings))


# -- encoding --------------------------------------------------------------------


def _encoding(file: Path, wanted: str | None) -> tuple[str, bool, list[str]]:
    """Encoding, whether there are quotes, and warnings."""
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
            raise InputError(
                f"the file is no text: byte {at + place} is {piece[place]:#04x}"
                + (f" (line {line})" if not at else "")
                + "; wanted rows of text, such as CSV",
                "data",
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


def _checked(file: Path, encoding: str) -> bool:
    """Whether there are quotes. Raises InputError for what is not so encoded."""
    decoder = codecs.getincrementaldecoder(encoding)()
    quotes, line = False, 1
    try:
        for piece in _pieces(file):
            text = decoder.decode(piece)
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


# -- lines -----------------------------------------------------------------------


def _sample(file: Path, encoding: str) -> str:
    with file.open("rb") as data:
        raw = data.read(_SAMPLE)
    decoder = codecs.getincrementaldecoder(_with_mark(encoding))(errors="replace")
    text = decoder.decode(raw)
    whole = len(raw) < _SAMPLE
    return text if whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _remarks(text: str) -> tuple[str, int]:
    """A text without its first lines that begin with #, and how many these are."""
    text, skipped = text.lstrip("\ufeff"), 0
    while text.startswith("#") and "\n" in text:
        text, skipped = text.partition("\n")[2], skipped + 1
    return text, skipped


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _first_rows(file: Path, encoding: str, separator: str) -> Iterator[list[str]]:
    """The first lines that are not blank, cell by cell."""
    csv.field_size_limit(1 << 24)
    sample = io.StringIO(_remarks(_sample(file, encoding))[0], newline="")
    found = 0
    for row in csv.reader(sample, delimiter=separator):
        if row:
            yield row
            found += 1
        if found >= _LINES:
            return


def _separator(file: Path, encoding: str) -> str:
    """The one that divides most lines into the same number of cells, above one."""
    best, most = ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = [len(row) for row in _first_rows(file, encoding, separator)]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        if usual > 1 and (widths.count(usual) / len(widths), usual) > most:
            best, most = separator, (widths.count(usual) / len(widths), usual)
    return best


def _names_columns(rows: list[list[str]]) -> bool:
    """Whether the first line names columns: it holds text, or numbers unlike below."""
    first = rows[0]
    if any(number_of(cell) is None for cell in first):
        return True
    below = [cell for row in rows[1:] for cell in row]
    binary = all(code_of(cell) != OTHER for cell in below)
    return bool(below) and binary and any(code_of(cell) == OTHER for cell in first)


def _names(cells: list[str], warnings: list[str]) -> tuple[str, ...]:
    names = [cell.strip() for cell in cells]
    for number, name in enumerate(names, 1):
        if not name:
            names[number - 1] = f"column_{number}"
            warnings.append(
                f"Column {number} has no name; it is called column_{number} here."
            )
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name in seen:
            raise InputError(
                f"columns {seen[name]} and {number} are both called {shown(name)}; "
                "give each a name of its own",
                "columns",
            )
        seen[name] = number
    return tuple(names)
