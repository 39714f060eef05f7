"""JSON in and out: bodies and queries as plain data, answers by orjson.

Every fault of a body is told apart: wrong content type 415, too large 413, everything
else 400 with the position. Nothing larger than `max_json_bytes` is ever held.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
from flask import Flask, Request, Response, current_app, request
from flask.json.provider import JSONProvider
from pydantic import BaseModel
from pydantic.alias_generators import to_snake
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from flask_api.errors import TooLarge, UnsupportedMediaType, ValidationError
from flask_api.settings import Settings

_PIECE = 64 * 1024
_DRAIN_S = 10.0
#: Bodies up to here are searched for doubled keys (1 ms at most; orjson can't).
_DOUBLES_SEARCHED = 128 * 1024
_DEEPEST = 250
#: Commas of a body beyond `max_json_bytes`. A long text is read in a moment; as many
#: bytes of short values hold up all other requests for seconds.
_FEW = 100_000
_TOO_DEEP = f"brackets are nested deeper than {_DEEPEST}"
_BOM = b"\xef\xbb\xbf"
#: Servers whose input ends with the last chunk, though they don't say so.
_ENDING_INPUTS = ("eventlet.", "gevent.")
#: Their errors at a chunk have no class in common, and mustn't be imported here.
_SERVERS = ("gunicorn.", "eventlet.", "gevent.")
_NO_CHUNKS = (
    "the body is not whole, or not sent in chunks as Transfer-Encoding: chunked says"
)
_CUT_SHORT = "the body ended before its announced Content-Length; send it again"
_JSON_LIMIT = "a JSON body may have {limit} bytes (the setting MAX_JSON_BYTES)"
_WANTED = 'wanted a JSON object such as {"kind": "...", "params": {...}}'


class JsonRequest(Request):
    """A request whose `get_json` tells every fault of a body apart."""

    #: A route that takes longer bodies than others sets this, with a rule that says so.
    json_limit: int | None = None
    json_rule = _JSON_LIMIT

    _json_body: Any = None
    _json_was_read = False

    def get_json(
        self, force: bool = False, silent: bool = False, cache: bool = True
    ) -> Any:
        """The JSON body; raises ServiceError with status 400, 413 or 415."""
        if cache and self._json_was_read:
            return self._json_body
        self._check_type(force)
        settings: Settings = current_app.config["SETTINGS"]
        limit = self.json_limit or settings.max_json_bytes
        data = self.read_body(limit, self.json_rule)
        if len(data) > settings.max_json_bytes and data.count(b",") > _FEW:
            raise TooLarge(
                f"the body has {len(data):,} bytes in many parts: beyond "
                f"{settings.max_json_bytes:,} (the setting MAX_JSON_BYTES) it may be "
                "one long text, such as a file in base64; send rows as "
                "multipart/form-data"
            )
        value = _parse(data)
        if cache:
            self._json_body, self._json_was_read = value, True
        return value

    def _check_type(self, force: bool) -> None:
        if not force and not self.is_json:
            got = f"got {self.mimetype!r}" if self.mimetype else "the header is missing"
            raise UnsupportedMediaType(
                f"send JSON, with the header Content-Type: application/json; {got}"
            )

    def read_body(self, limit: int, rule: str) -> bytes:
        """The whole body, which may have `limit` bytes as `rule` says.

        Raises ServiceError with status 400, 413 or 415.
        """
        settings: Settings = current_app.config["SETTINGS"]
        coding = self.headers.get("Content-Encoding", "identity").lower()
        if coding != "identity":
            raise UnsupportedMediaType(
                f"Content-Encoding {coding[:40]!r} is not read here; send the JSON or "
                "YAML text as it is"
            )
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        source = type(self.environ.get("wsgi.input")).__module__
        if chunked and source.startswith(_ENDING_INPUTS):
            self.environ["wsgi.input_terminated"] = True
        # What is drained below may be larger than what is kept.
        self.max_content_length = max(settings.max_content_length, limit)
        try:
            kept = b""
            if (self.content_length or 0) <= limit:
                kept = _read_up_to(self.stream, limit + 1)
            if (self.content_length or 0) > limit or len(kept) > limit:
                _drain(self.stream)
                raise self._too_large(limit, rule)
        except RequestEntityTooLarge:
            raise self._too_large(limit, rule) from None
        except (ClientDisconnected, OSError, EOFError):
            raise ValidationError(_NO_CHUNKS if chunked else _CUT_SHORT) from None
        except Exception as error:
            if not type(error).__module__.startswith(_SERVERS):
                raise
            raise ValidationError(f"{_NO_CHUNKS}: {error}") from None
        if len(kept) < (self.content_length or 0):
            raise ValidationError(_CUT_SHORT)
        return kept

    def _too_large(self, limit: int, rule: str) -> TooLarge:
        known = self.content_length
        got = f"has {known:,} bytes" if known else "is longer than it may be"
        return TooLarge(f"the body {got}: {rule.format(limit=f'{limit:,}')}")


def _read_up_to(stream: Any, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while size < limit:
        piece = stream.read(min(_PIECE, limit - size))
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _drain(stream: Any) -> None:
    """Throw the rest away: who is still sending would miss the answer otherwise."""
    until = time.monotonic() + _DRAIN_S
    while stream.read(_PIECE) and time.monotonic() < until:
        pass


def _parse(data: bytes) -> Any:
    data = data.removeprefix(_BOM)
    if not data.strip():
        raise ValidationError(f"the body is empty; {_WANTED}")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValidationError(
            f"the body is not JSON: {_reason(error)} at line {error.lineno}, "
            f"column {error.colno} (character {error.pos})",
            details=[{"field": "body", "problem": _reason(error)}],
        ) from None
    if data.count(b"[") + data.count(b"{") > _DEEPEST:
        _refuse_deep(value)
    if len(data) <= _DOUBLES_SEARCHED:
        _refuse_doubled_keys(data)
    return value


def _refuse_deep(value: Any) -> None:
    """Refuse what can be read but not written again: orjson writes 254 levels."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise ValidationError(
            f"the body is not JSON that is read here: {_TOO_DEEP}",
            details=[{"field": "body", "problem": _TOO_DEEP}],
        ) from None


def _reason(error: orjson.JSONDecodeError) -> str:
    if "depth" in error.msg or "ecursion" in error.msg:
        return _TOO_DEEP
    if "infinity" in error.msg:
        return "a number is too large for a 64-bit float"
    rest = error.doc[error.pos : error.pos + 8].lstrip("-")
    if rest.startswith(("NaN", "Inf", "nan", "inf")):
        return "NaN and Infinity are no JSON numbers; send a finite number or null"
    return error.msg


def _refuse_doubled_keys(data: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in items]
        if len(set(keys)) < len(keys):
            doubled = sorted({key for key in keys if keys.count(key) > 1})
            raise ValidationError(
                f"the key {doubled[0][:60]!r} is given twice in one object; keep one",
                details=[
                    {"field": key[:60], "problem": "is given twice"} for key in doubled
                ],
            )

    # Numbers stay text: this pass only looks at keys.
    json.loads(data, object_pairs_hook=pairs, parse_int=str, parse_float=str)


def json_object() -> dict[str, Any]:
    """The body of this request as a dict; raises ServiceError 400, 413 or 415."""
    value = request.get_json()
    if isinstance(value, dict):
        return value
    names = {list: "an array", str: "text", bool: "true or false", type(None): "null"}
    got = names.get(type(value), "a number")
    raise ValidationError(
        f"the body is {got}; {_WANTED}",
        details=[{"field": "body", "problem": f"must be an object, got {got}"}],
    )


def text_body(limit: int, rule: str) -> str:
    """The body of this request as text.

    limit   bytes it may have
    rule    which says so, with `{limit}` in it

    Raises ServiceError 400 (not UTF-8, cut short), 413 or 415 (compressed).
    """
    data: bytes = request.read_body(limit, rule)  # type: ignore[attr-defined]
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 (byte {error.start})"
        raise ValidationError(
            f"the body {problem}", details=[{"field": "body", "problem": problem}]
        ) from None


def query(model: type[BaseModel]) -> dict[str, Any]:
    """The query of this request as JSON data for `model`, numbers as numbers.

    Text becomes a number or boolean where the model wants one and it reads as one;
    what does not fit stays text, so that validating names it. Unknown keys stay too.
    Raises ValidationError for a key given twice, in one spelling or in both.
    """
    wanted = _wanted_types(model)
    found: dict[str, Any] = {}
    for key, values in request.args.lists():
        name = key if key in wanted or to_snake(key) not in wanted else to_snake(key)
        if len(values) > 1 or name in found:
            raise ValidationError(
                f"{key[:60]}: is given twice in the query; keep one",
                details=[{"field": key[:60], "problem": "is given twice"}],
            )
        found[name] = _converted(values[0], wanted.get(name, frozenset({"string"})))
    return found


@lru_cache(maxsize=256)
def _wanted_types(model: type[BaseModel]) -> dict[str, frozenset[str]]:
    schema = model.model_json_schema()
    return {
        name: frozenset(_types(schema["properties"].get(name, {})))
        for name in model.model_fields
    }


def _types(schema: dict[str, Any]) -> Iterator[str]:
    if "type" in schema:
        yield schema["type"]
    for branch in schema.get("anyOf", ()):
        yield from _types(branch)


def _converted(text: str, wanted: frozenset[str]) -> Any:
    if "string" in wanted:
        return text
    if "boolean" in wanted and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if wanted & {"integer", "number"}:
        return _number(text, whole="number" not in wanted)
    return text


def _number(text: str, *, whole: bool) -> int | float | str:
    """`text` as a number, also as people write it (.95, 1e2); else the text."""
    if not _NUMBER.match(text):
        return text
    try:
        return int(text)
    except ValueError:  # has a point or an exponent
        value = float(text)
    if not math.isfinite(value):
        return text
    return int(value) if whole and value.is_integer() else value


#: Numbers as people write them; JSON carries no more digits of whole ones.
_NUMBER = re.compile(
    r"[+-]?(\d{1,19}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?\Z", re.ASCII
)


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson: NaN and infinity become null, times ISO 8601 UTC."""

    _OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, option=self._OPTIONS).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        data = orjson.dumps(
            self._prepare_response_obj(args, kwargs), option=self._OPTIONS
        )
        return current_app.response_class(data + b"\n", mimetype="application/json")


def init_app(app: Flask) -> None:
    app.request_class = JsonRequest
    app.json = OrjsonProvider(app)
