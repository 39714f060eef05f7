"""The table of a request: read before, or now, from an upload or the request itself."""

from __future__ import annotations

import binascii
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask_api.domains.market.data.reading import (
    Reading,
    read_csv,
    read_rows,
    sha256_of,
)
from flask_api.domains.market.data.sniffing import sniff
from flask_api.domains.market.data.table import Table, open_table
from flask_api.domains.market.data.uploads import Gone, Uploads
from flask_api.numerics.errors import InputError

_PIECE = 1 << 20
_OPTIONS = ("encoding", "separator", "header")


def opened(
    uploads: Uploads | None,
    data_id: str | None,
    given: Mapping[str, Any] | None,
    scratch: Path,
) -> Iterator[Reading | Table]:
    """Progress while a table is read, then the table.

    uploads   of the owner
    data_id   of what was uploaded; None: `given` holds it
    given     as `DataGiven`, as plain data
    scratch   an empty folder for a table that comes with the request

    Raises InputError for data that are gone, or can't be read.
    """
    if data_id is None:
        assert given is not None  # the request's schema wants one of them
        form = "json" if given.get("csv_base64") is None else "base64"
        file = scratch / "upload"
        if form == "json":
            content = {k: given.get(k) for k in ("data_json", "column_names")}
            file.write_text(json.dumps(content), "utf-8")
        else:
            file.write_text(given["csv_base64"], "utf-8")
        yield from _read(file, {**given, "form": form}, scratch / "table")
        yield open_table(scratch / "table")
        return
    try:
        if uploads is None:
            raise Gone(data_id)
        place = uploads.place(data_id)
    except Gone:
        raise _gone(data_id) from None
    try:
        if not (place / "table" / "table.json").exists():
            yield from _make_table(place)
        table = open_table(place / "table")
    except FileNotFoundError:
        if place.is_dir():
            raise
        raise _gone(data_id) from None  # deleted while they were read
    yield table


def _gone(data_id: str) -> InputError:
    return InputError(
        f"there are no data {data_id!r}; upload them again (POST /api/v1/data)",
        "data_id",
    )


def _make_table(place: Path) -> Iterator[Reading]:
    """Read an upload, and put its table in its place at once and whole."""
    options = json.loads((place / "upload.json").read_bytes())
    draft = place / f"draft-{uuid.uuid4().hex}"
    try:
        yield from _read(place / "upload", options, draft)
        try:
            draft.rename(place / "table")
        except OSError:
            if not (place / "table" / "table.json").exists():
                raise  # else another worker was first, with the same table
        (place / "upload").unlink(missing_ok=True)
    except FileNotFoundError:
        if not (place / "table" / "table.json").exists():
            raise  # else another worker was first, and has put the upload away
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _read(file: Path, options: Mapping[str, Any], folder: Path) -> Iterator[Reading]:
    folder.mkdir()
    if options["form"] == "json":
        content = json.loads(file.read_bytes())
        names = content.get("column_names")
        yield from read_rows(content["data_json"], names, folder, sha256_of(file))
        return
    if options["form"] == "base64":
        file = _decoded(file, folder / "decoded")
    asked = {name: options.get(name) for name in _OPTIONS}
    yield from read_csv(file, sniff(file, **asked), folder, sha256_of(file))
    (folder / "decoded").unlink(missing_ok=True)


def _decoded(file: Path, target: Path) -> Path:
    """A base64 text as the bytes it stands for. Raises InputError for garbage."""
    field = "data.csv_base64"
    left = b""
    try:
        with file.open("rb") as source, target.open("wb") as out:
            while piece := source.read(_PIECE):
                if not left and not out.tell() and piece.startswith(b"data:"):
                    piece = piece.partition(b",")[2]  # as browsers' FileReader gives it
                left += b"".join(piece.split())
                # The last four characters may be padded: they wait for the end.
                whole = max(0, (len(left) - 1) // 4 * 4)
                if b"=" in left[:whole]:
                    raise binascii.Error("padding (=) before the end")
                out.write(binascii.a2b_base64(left[:whole], strict_mode=True))
                left = left[whole:]
            padded = left + b"=" * (-len(left) % 4)
            out.write(binascii.a2b_base64(padded, strict_mode=True))
    except binascii.Error as error:
        raise InputError(
            f"{field} is no base64: {error}; wanted the file's bytes in base64 (A-Z "
            "a-z 0-9 + / =, not the URL's - and _)",
            field,
        ) from None
    return target
