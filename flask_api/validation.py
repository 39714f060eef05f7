"""From plain data to a request model, with errors a person can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from flask_api.errors import ValidationError

M = TypeVar("M", bound=BaseModel)

_SHOWN = 60  # characters of a wrong value that an error repeats


def validate(model: type[M], data: object, where: str = "") -> M:
    """`data` as an instance of `model`, judged strictly as JSON.

    data    what the JSON reader returned
    where   put before each field's name, such as `params.`

    Raises ValidationError whose details name each field and its problem.
    """
    try:
        return model.model_validate_json(orjson.dumps(data))
    except PydanticError as error:
        details = list(_details(error, model, data, where))
        first = f"{details[0]['field']}: {details[0]['problem']}"
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        raise ValidationError(first + more, details=details) from None
    except TypeError as error:  # orjson met what is no JSON value
        problem = f"holds a value that JSON cannot carry: {error}"
        details = [{"field": where.rstrip(".") or "body", "problem": problem}]
        raise ValidationError(f"the request {problem}", details=details) from None


def _details(
    error: PydanticError, model: type[BaseModel], data: object, where: str
) -> Iterator[dict[str, str]]:
    for item in error.errors(include_url=False)[:50]:
        loc = _as_given(item["loc"], data)
        name = where + path_of(loc) if loc else where.rstrip(".")
        yield {"field": name or "body", "problem": _problem(item, model)}


def _as_given(loc: tuple[int | str, ...], data: object) -> tuple[int | str, ...]:
    """`loc` in the words of the request: without the names that pydantic gives to
    the branches of a union, and with the key where a model counts a mapping's items.
    """
    found: list[int | str] = []
    here = data
    for i, part in enumerate(loc):
        if isinstance(here, Mapping):
            if isinstance(part, int) and part < len(here):
                part = list(here)[part]
            if part in here:
                here = here[part]
            elif i < len(loc) - 1:
                continue  # a branch of a union
            found.append(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
            found.append(part)
        # else: `here` is a plain value, and what follows names a branch
    return tuple(found)


def path_of(loc: tuple[int | str, ...]) -> str:
    """`parameters[2].range.min` of ('parameters', 2, 'range', 'min')."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _problem(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, got = str(item["type"]), item.get("input")
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        known = sorted(model.model_fields) if len(item["loc"]) == 1 else []
        close = get_close_matches(str(item["loc"][-1]), known, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        if not hint and known:
            hint = f"; known here: {', '.join(known)}"
        return "is not a known key, or is given in both spellings" + hint
    message = str(item["msg"]).removeprefix("Value error, ")
    if kind in ("value_error", "assertion_error"):
        return message
    shown = repr(got)
    if len(shown) > _SHOWN:
        shown = shown[:_SHOWN] + "..."
    return f"{message[:1].lower()}{message[1:]}; got {shown}"
