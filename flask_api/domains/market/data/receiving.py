"""Data that come with a request: written to disk as they come, read by a worker.

The web process only moves bytes: files go to disk piece by piece, and the base64 text
of a JSON body as it is.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from flask import current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wsgi import get_input_stream

from flask_api.domains.market.data.schema import ReadOptions
from flask_api.domains.market.data.uploads import Draft, Gone, Uploads
from flask_api.errors import DiskFull, NotFound, TooLarge, ValidationError
from flask_api.http.auth import current_owner
from flask_api.http.body import json_object
from flask_api.http.waiting import preference, registry
from flask_api.push.socketio import socketio
from flask_api.settings import Settings
from flask_api.validation import validate

#: Beside the data, a JSON body may hold so much, bytes.
_BESIDE = 2**20
#: Text is written, and hashed, in pieces of this size.
_PIECE = 2**20
#: Fields of a form may hold so much, bytes.
_FIELDS = 2**20
_DRAIN_S = 10.0
_OPTIONS = tuple(ReadOptions.model_fields)
_SNAKE = {
    "csvBase64": "csv_base64",
    "dataJson": "data_json",
    "columnNames": "column_names",
}
#: Of a table in a JSON body; they may stand beside the other keys.
_DATA_KEYS = (*_SNAKE, *_SNAKE.values(), *_OPTIONS)


def uploads() -> Uploads:
    """The data of the caller."""
    settings: Settings = current_app.config["SETTINGS"]
    return Uploads(settings.data_folder, current_owner())


def there(data_id: str) -> Uploads:
    """The caller's data, once it is sure that they hold these. Raises NotFound."""
    found = uploads()
    try:
        found.place(data_id)
    except Gone:
        raise NotFound(
            f"there are no data {data_id[:60]!r}; GET /api/v1/data lists yours"
        ) from None
    return found


def received() -> tuple[dict[str, Any], str | None]:
    """The fields of this request beside its data, and the id of these.

    Takes JSON (`data` or the keys of it at top level) and multipart/form-data (a part
    with a file name is the data; other parts are fields, `request` the whole of them as
    JSON). None where the request brings no data.

    Raises ServiceError 400, 413, 415 or 507.
    """
    with _disk():
        if request.mimetype == "multipart/form-data":
            return _from_form()
        return _from_json()


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise DiskFull(
            f"the data cannot be kept in the folder data/: {error.strerror}"
        ) from None


# -- JSON ------------------------------------------------------------------------


def _from_json() -> tuple[dict[str, Any], str | None]:
    settings: Settings = current_app.config["SETTINGS"]
    asked: Any = request
    asked.json_limit = settings.max_base64_bytes + _BESIDE
    asked.json_rule = (
        "data in a JSON body may have {limit} bytes (the setting MAX_BASE64_BYTES); "
        "send them as multipart/form-data"
    )
    fields = dict(json_object())
    data = fields.pop("data", None)
    if data is None:
        data = {name: fields.pop(name) for name in _DATA_KEYS if name in fields}
    if not data:
        return fields, None
    if not isinstance(data, Mapping):
        raise _wrong("data", "must be an object with csv_base64 or data_json")
    return fields, _kept(dict(data))


def _kept(data: dict[str, Any]) -> str:
    """The id of data that stood in a JSON body, now on disk."""
    data = {_SNAKE.get(name, name): value for name, value in data.items()}
    text, rows = data.pop("csv_base64", None), data.pop("data_json", None)
    names = data.pop("column_names", None)
    options = _options(data)
    if (text is None) == (rows is None):
        raise _wrong("data", "give either csv_base64 or data_json, and one of them")
    if text is not None:
        if not isinstance(text, str):
            raise _wrong("data.csv_base64", "must be text")
        if names is not None:
            raise _wrong(
                "data.column_names", "goes with data_json; a CSV names its own"
            )
        return _written(text.encode("ascii", "replace"), "base64", options)
    if not isinstance(rows, list):
        raise _wrong("data.data_json", "must be a list of rows, each a list of cells")
    wanted = names is None or (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    )
    if not wanted:
        raise _wrong("data.column_names", "must be a list of texts")
    content = orjson.dumps({"data_json": rows, "column_names": names})
    return _written(content, "json", options)


def _written(content: bytes, form: str, options: Mapping[str, Any]) -> str:
    found = uploads()
    draft = found.draft()
    try:
        for start in range(0, len(content), _PIECE):
            draft.write(content[start : start + _PIECE])
            socketio.sleep(0)  # others are served between two pieces
        return found.keep(draft, form, options)
    except BaseException:
        draft.drop()
        raise


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    asked = validate(ReadOptions, dict(given), "data.")
    return asked.model_dump(exclude_none=True)


def _wrong(field: str, problem: str) -> ValidationError:
    return ValidationError(
        f"{field}: {problem}", details=[{"field": field, "problem": problem}]
    )


# -- forms -----------------------------------------------------------------------


def _from_form() -> tuple[dict[str, Any], str | None]:
    settings: Settings = current_app.config["SETTINGS"]
    limit = settings.max_data_bytes
    found = uploads()
    drafts: list[Draft] = []

    def place(*_: Any, **__: Any) -> _Sink:
        if drafts:
            raise _wrong("data", "two files are given; send one")
        drafts.append(found.draft())
        return _Sink(drafts[0])

    request.max_content_length = limit + _BESIDE
    parser = FormDataParser(
        stream_factory=place,  # type: ignore[arg-type]
        max_form_memory_size=_FIELDS,
        max_content_length=limit + _BESIDE,
        max_form_parts=1000,
        silent=False,
    )
    try:
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
            raise _wrong("body", f"is no multipart/form-data: {error}") from None
        fields = _fields(form.lists())
        options = {name: fields.pop(name) for name in _OPTIONS if name in fields}
        if not drafts:
            return fields, None
        if drafts[0].size > limit:
            raise _too_large(limit)
        if isinstance(options.get("header"), str):
            options["header"] = _truth(options["header"])
        return fields, found.keep(drafts[0], "csv", _options(options))
    except BaseException:
        for draft in drafts:
            draft.drop()
        raise


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
        if self._draft.size - self._paused_at >= _PIECE:
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
                raise _wrong(name, "must be a JSON object")
            fields |= whole
        elif name in _JSON_FIELDS and name != "params" and len(values) > 1:
            fields[name] = values
        elif len(values) > 1:
            raise _wrong(name, "is given twice; keep one")
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
        raise _wrong(name, f"must be JSON: {error}") from None


# -- reading ---------------------------------------------------------------------


def facts_of(data_id: str, wait_s: float | None = None) -> dict[str, Any] | None:
    """What a worker found in data; None where it is still reading.

    wait_s   seconds to wait for it; None = as long as requests wait for a result

    Raises what the worker refused them for; QueueFull, ShuttingDown.
    """
    found = there(data_id).facts(data_id)
    if found is not None:
        return found
    settings: Settings = current_app.config["SETTINGS"]
    patience = preference(settings.wait_s).wait_s if wait_s is None else wait_s
    owner = current_owner()
    asked = {"data_id": data_id}
    job = registry().submit("market.read_data", asked, owner=owner).job
    job = registry().wait(owner, job.id, patience)
    if not job.status.terminal:
        return None
    registry().result(owner, job.id)  # raises what it failed with
    return there(data_id).facts(data_id)
