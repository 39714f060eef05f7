"""Data that come with a request: written to disk as they come, read by a worker.

The web process only moves bytes: files go to disk piece by piece, and the base64 text
of a JSON body as it is.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from flask import current_app, request

from flask_api.domains.market.data.forms import PIECE, form_of, wrong
from flask_api.domains.market.data.schema import ReadOptions
from flask_api.domains.market.data.uploads import Gone, Uploads
from flask_api.errors import DiskFull, NotFound
from flask_api.http.auth import current_owner
from flask_api.http.body import json_object
from flask_api.http.waiting import preference, registry
from flask_api.push.socketio import socketio
from flask_api.settings import Settings
from flask_api.validation import validate

#: Beside the data, a JSON body may hold so much, bytes.
_BESIDE = 2**20
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
        raise wrong("data", "must be an object with csv_base64 or data_json")
    return fields, _kept(dict(data))


def _kept(data: dict[str, Any]) -> str:
    """The id of data that stood in a JSON body, now on disk."""
    data = {_SNAKE.get(name, name): value for name, value in data.items()}
    text, rows = data.pop("csv_base64", None), data.pop("data_json", None)
    names = data.pop("column_names", None)
    options = _options(data)
    if (text is None) == (rows is None):
        raise wrong("data", "give either csv_base64 or data_json, and one of them")
    if text is not None:
        if not isinstance(text, str):
            raise wrong("data.csv_base64", "must be text")
        if names is not None:
            raise wrong("data.column_names", "goes with data_json; a CSV names its own")
        return _written(text.encode("ascii", "replace"), "base64", options)
    if not isinstance(rows, list):
        raise wrong("data.data_json", "must be a list of rows, each a list of cells")
    wanted = names is None or (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    )
    if not wanted:
        raise wrong("data.column_names", "must be a list of texts")
    content = orjson.dumps({"data_json": rows, "column_names": names})
    return _written(content, "json", options)


def _written(content: bytes, form: str, options: Mapping[str, Any]) -> str:
    found = uploads()
    draft = found.draft()
    try:
        for start in range(0, len(content), PIECE):
            draft.write(content[start : start + PIECE])
            socketio.sleep(0)  # others are served between two pieces
        return found.keep(draft, form, options)
    except BaseException:
        draft.drop()
        raise


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    asked = validate(ReadOptions, dict(given), "data.")
    return asked.model_dump(exclude_none=True)


# -- forms -----------------------------------------------------------------------


def _from_form() -> tuple[dict[str, Any], str | None]:
    settings: Settings = current_app.config["SETTINGS"]
    found = uploads()
    fields, draft = form_of(found, settings.max_data_bytes)
    try:
        if draft is None:
            return fields, None
        options = {name: fields.pop(name) for name in _OPTIONS if name in fields}
        return fields, found.keep(draft, "csv", _options(options))
    except BaseException:
        if draft is not None:
            draft.drop()
        raise


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
