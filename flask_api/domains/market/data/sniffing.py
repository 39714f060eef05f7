"""How a file of rows is written: its separator, its first line, the columns' names."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from flask_api.domains.market.data.encoding import encoding_of
from flask_api.domains.market.data.words import (
    OTHER,
    code_of,
    counted,
    number_of,
    shown,
)
from flask_api.numerics.errors import InputError

#: Separators that are looked for, the likeliest first.
SEPARATORS = (",", ";", "\t", "|")
#: More columns are a table that lies on its side.
MOST_COLUMNS = 5000

#: The first lines, by which separator and header are told, characters.
_SAMPLE = 256 * 1024
#: Characters of a line: the names of MOST_COLUMNS columns fit.
_LONGEST = 1 << 21
_LINES = 50
#: The line by which spreadsheets are told the separator.
_SEP = re.compile(r'"?sep=(.)"?\Z')


@dataclass(frozen=True)
class Form:
    """How the rows of a file are written.

    encoding    a name that Python knows
    separator   between cells
    header      whether the first line names the columns
    names       of the columns
    skipped     lines before the first one: remarks that begin with #, and `sep=;`
    quotes      whether a quote stands anywhere: cells may hold line breaks then
    longest     characters of the longest of the first lines; all remarks are one
    warnings    what was guessed, for the user
    """

    encoding: str
    separator: str
    header: bool
    names: tuple[str, ...]
    quotes: bool
    skipped: int = 0
    longest: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Head:
    """The first lines of a file.

    lines       without remarks
    remarks     how many lines were, above them
    size        characters of these
    separator   as a line `sep=;` says it, or None
    whole       whether these are all there are
    """

    lines: list[str]
    remarks: int
    size: int
    separator: str | None
    whole: bool

    def rows(self, separator: str) -> list[list[str]]:
        """The first lines that are not blank, cell by cell."""
        csv.field_size_limit(1 << 24)
        found: list[list[str]] = []
        for row in csv.reader(self.lines, delimiter=separator):
            if row:
                found.append(row)
            if len(found) >= _LINES:
                break
        return found


def sniff(
    file: Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
) -> Form:
    """The form of a CSV file; what is given is not guessed.

    Raises InputError for an empty file, one that is no text or not in the encoding
    given, for too many columns, and for names of columns that occur twice.
    """
    if not file.stat().st_size:
        raise InputError("the file is empty; wanted a header and rows", "data")
    encoding, quotes, warnings = encoding_of(file, encoding)
    head = _head(file, encoding)
    chosen = separator or head.separator or _separator(head)
    rows = head.rows(chosen)
    if not rows:
        raise InputError("the file has blank lines only; wanted rows", "data")
    first = rows[0]
    if len(first) > MOST_COLUMNS:
        raise InputError(
            f"the file has {len(first):,} columns; wanted at most {MOST_COLUMNS:,}: "
            "rows are households, columns products",
            "columns",
        )
    named = _names_columns(rows) if header is None else header
    if not named and header is None:
        warnings.append(
            "The first line holds values, so the columns are called item_1, item_2, "
            "...; ask for `header: true` if it names them."
        )
    names = (
        _names(first, warnings)
        if named
        else tuple(f"item_{number}" for number in range(1, len(first) + 1))
    )
    if named and len(rows) == 1 and head.whole:
        raise InputError(
            f"the file has a header of {counted(len(names), 'column')} and no row "
            "below it",
            "data",
        )
    if head.remarks and not named:
        warnings.append(
            f"{head.remarks} lines that begin with # were taken for remarks; if one "
            "names the columns, take the # away."
        )
    skipped = head.remarks + (head.separator is not None)
    longest = max(head.size, *map(len, head.lines))
    return Form(
        encoding, chosen, named, names, quotes, skipped, longest, tuple(warnings)
    )


# -- lines -----------------------------------------------------------------------


def _head(file: Path, encoding: str) -> _Head:
    """The first lines of a file. Raises InputError for one that never ends."""
    said: str | None = None
    with file.open(encoding=_with_mark(encoding), errors="replace", newline="") as text:
        line, remarks, above = text.readline(_LONGEST).lstrip("\ufeff"), 0, 0
        while line.startswith("#") and line.endswith(("\n", "\r")):
            remarks, above = remarks + 1, above + len(line)
            line = text.readline(_LONGEST)
        if above > _LONGEST:
            raise InputError(
                f"the file begins with {remarks:,} lines of remarks (#); wanted "
                f"{_LONGEST:,} characters of these at most: take them out",
                "data",
            )
        if (found := _SEP.match(line.rstrip("\r\n"))) and found[1] in SEPARATORS:
            line, said = text.readline(_LONGEST), found[1]
        lines: list[str] = []
        size = 0
        while line:
            if len(line) >= _LONGEST:
                raise InputError(
                    f"line {remarks + len(lines) + 1} has {_LONGEST:,} characters or "
                    "more; wanted a line for each household: are the line ends lost?",
                    "data",
                )
            lines.append(line)
            size += len(line)
            if size >= _SAMPLE and len(lines) > 1:
                break
            line = text.readline(_LONGEST)
        return _Head(lines, remarks, above, said, whole=not line)


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _separator(head: _Head) -> str:
    """The one that divides most lines into the same number of cells, above one."""
    best, most = ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = [len(row) for row in head.rows(separator)]
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
    taken, unnamed = set(names), [i for i, name in enumerate(names) if not name]
    for place in unnamed:
        called = f"column_{place + 1}"
        while called in taken:
            called += "_"
        names[place] = called
    for place in unnamed[:3]:
        warnings.append(
            f"Column {place + 1} has no name; it is called {names[place]} here."
        )
    if len(unnamed) > 3:
        warnings.append(f"So it is with {len(unnamed) - 3:,} more columns.")
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
