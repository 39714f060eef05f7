"""A multipart form as it comes in: its file goes to disk, the rest are fields."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wsgi import get_input_stream

from flask_api.domains.market.data.uploads import Draft, Uploads
from flask_api.errors import TooLarge, ValidationError
from flask_api.push.socketio import socketio

#: Bytes that are written before others are served.
PIECE = 2**20
#: Fields of a form may hold so much, bytes.
_FIELDS = 2**20
_DRAIN_S = 10.0


def wrong(field: str, problem: str) -> ValidationError:
    """The refusal of a field."""
    return ValidationError(
        f"{field}: {problem}", details=[{"field": field, "problem": problem}]
    )


def form_of(found: Uploads, limit: int) -> tuple[dict[str, Any], Draft | None]:
    """The fields of the form that the request is, and its file; None where it has none.

    found   gets the file as a draft
    limit   bytes that the file may have

    Raises ServiceError 400 or 413, OSError where the file can't be kept; no draft is
    left then.
    """
    drafts: list[Draft] = []

    def place(*_: Any, **__: Any) -> _Sink:
        if drafts:
            raise wrong("data", "two files are given; send one")
        drafts.append(found.draft())
        return _Sink(drafts[0])

    try:
        fields = _fields(_parsed(place, limit))
        if drafts and drafts[0].size > limit:
            raise _too_large(limit)
    except BaseException:
        for draft in drafts:
            draft.drop()
        raise
    if isinstance(fields.get("header"), str):
        fields["header"] = _truth(fields["header"])
    return fields, drafts[0] if drafts else None


def _parsed(place: Any, limit: int) -> Iterable[tuple[str, list[str]]]:
    """The fields of the form, its file written to what `place` gives."""
    request.max_content_length = limit + PIECE
    parser = FormDataParser(
        stream_factory=place,
        max_form_memory_size=_FIELDS,
        max_content_length=limit + PIECE,
        max_form_parts=1000,
        silent=False,
    )
    try:
        _, form, _ = parser.parse(
            request.stream,
            request.mimetype,
            request.content_length,
            request.mimetype_params,
        )
    except RequestEntityTooLarge:
        _drain()
        raise _too_large(limit) from None
    except (ValueError, HTTPException) as error:
        raise wrong("body", f"is no multipart/form-data: {error}") from None
    return form.lists()


class _Sink:
    """What a form's reader writes a file to.

    A client on a fast line has the next bytes there before these are written: without
    a pause now and then nobody else would be served until its file is whole.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._paused_at = 0

    def write(self, piece: bytes) -> int:
        written = self._draft.write(piece)
        if self._draft.size - self._paused_at >= PIECE:
            self._paused_at = self._draft.size
            socketio.sleep(0)
        return written

    def seek(self, place: int) -> int:
        """The reader rewinds what it filled; nothing is read here."""
        return place


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"the upload is too large: data may have {limit:,} bytes (the setting "
        f"MAX_DATA_BYTES), other fields {_FIELDS:,}"
    )


def _drain() -> None:
    """Read what was not: who is still sending would miss the answer otherwise."""
    if request.content_length is None:
        return
    until = time.monotonic() + _DRAIN_S
    stream = get_input_stream(request.environ)
    while stream.read(64 * 1024) and time.monotonic() < until:
        pass


def _truth(text: str) -> Any:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


#: Fields of forms that hold JSON: lists may be comma-separated text, too.
_JSON_FIELDS = ("params", "product_columns", "productColumns")


def _fields(given: Iterable[tuple[str, list[str]]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, values in given:
        if name == "request":
            whole = _json(name, values[0])
            if not isinstance(whole, dict):
                raise wrong(name, "must be a JSON object")
            fields |= whole
        elif name in _JSON_FIELDS and name != "params" and len(values) > 1:
            fields[name] = values
        elif len(values) > 1:
            raise wrong(name, "is given twice; keep one")
        elif name in _JSON_FIELDS:
            text = values[0].strip()
            plain = name != "params" and not text.startswith("[")
            listed = [part.strip() for part in text.split(",") if part.strip()]
            fields[name] = listed if plain else _json(name, text)
        else:
            fields[name] = values[0]
    return fields


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise wrong(name, f"must be JSON: {error}") from None
