"""From plain data to a request model, with errors a person can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError
from pydantic_core import PydanticCustomError

from flask_api.errors import ValidationError

M = TypeVar("M", bound=BaseModel)

_SHOWN = 60  # characters of a wrong value that an error repeats


def misplaced(field: str, problem: str) -> PydanticCustomError:
    """An error that a validator of a whole model raises about one of its fields.

    field   path below the model, such as `base.version`
    """
    return PydanticCustomError(
        "misplaced", "{problem}", {"field": field, "problem": problem}
    )


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
    """A problem for each field, in the order in which they were found."""
    problems: dict[str, list[Mapping[str, Any]]] = {}
    mismatched: set[str] = set()
    for item in error.errors(include_url=False)[:50]:
        loc, branch = _as_given(item["loc"], data, str(item["type"]))
        if item["type"] == "misplaced":
            loc = (*loc, item["ctx"]["field"])
        name = (where + path_of(loc) if loc else where.rstrip(".")) or "body"
        problems.setdefault(name, []).append(item)
        if branch:
            mismatched.add(name)
    for name in mismatched:  # another branch of the union fits, and has faults inside
        if any(other.startswith((f"{name}.", f"{name}[")) for other in problems):
            del problems[name]
    for name, items in problems.items():
        yield {"field": name, "problem": _problem(items, model)}


def _as_given(
    loc: tuple[int | str, ...], data: object, kind: str
) -> tuple[tuple[int | str, ...], bool]:
    """`loc` in the words of the request: without the names that pydantic gives to
    the branches of a union, and with the key where a model counts a mapping's items.
    And whether it ended in such a name.
    """
    found: list[int | str] = []
    here = data
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        if isinstance(here, Mapping):
            if isinstance(part, int) and part < len(here):
                part = list(here)[part]
            if part in here:
                here = here[part]
            elif not (last and kind == "missing"):
                if last:
                    return tuple(found), True
                continue
            found.append(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
            found.append(part)
        elif last and isinstance(here, list):
            return tuple(found), True
        # else: `here` is a plain value, and what follows names a branch
    return tuple(found), False


def path_of(loc: tuple[int | str, ...]) -> str:
    """`parameters[2].range.min` of ('parameters', 2, 'range', 'min')."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


#: What a field should be, by pydantic's name of the fault.
_WANTED: Mapping[str, str] = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "an object",
    "string_type": "text",
}
_SHOULD_BE = "Input should be "


def _problem(items: list[Mapping[str, Any]], model: type[BaseModel]) -> str:
    """What is wrong with a field; `items`: of each branch of a union."""
    wanted = [_wanted(item) for item in items]
    if all(wanted):
        unlike = dict.fromkeys(str(text) for text in wanted)
        choice = ", or ".join(unlike)
        return f"must be {choice}; got {_shown(items[0].get('input'))}"
    plain = [item for item, text in zip(items, wanted, strict=True) if not text]
    return _other_problem(plain[0], model)


def _wanted(item: Mapping[str, Any]) -> str | None:
    """What the field should be; None where its fault is of another sort."""
    if text := _WANTED.get(str(item["type"])):
        return text
    message = str(item["msg"])
    if message.startswith(_SHOULD_BE):
        return message.removeprefix(_SHOULD_BE)
    return None


def _other_problem(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, got, limits = str(item["type"]), item.get("input"), item.get("ctx") or {}
    if kind == "missing":
        return "is missing"
    if kind == "json_invalid":  # it was JSON when it came: only its depth is too much
        return "is nested too deeply; no request needs more than a few levels"
    if kind == "extra_forbidden":
        known = sorted(model.model_fields) if len(item["loc"]) == 1 else []
        close = get_close_matches(str(item["loc"][-1]), known, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        if not hint and known:
            hint = f"; known here: {', '.join(known)}"
        return "is not a known key, or is given in both spellings" + hint
    if kind == "union_tag_invalid":
        key = str(limits["discriminator"]).strip("'")
        tags, given = limits["expected_tags"], _shown(_under(got, key))
        return f"`{key}` must be one of {tags}; got {given}"
    if kind == "union_tag_not_found":
        key = str(limits["discriminator"]).strip("'")
        return f"`{key}` is missing, which says what it is; got {_shown(got)}"
    bound = next((w for w in ("max_length", "min_length") if w in limits), None)
    if bound and isinstance(got, str | list | dict):
        what = "character" if isinstance(got, str) else "item"
        word = "at most" if bound == "max_length" else "at least"
        return f"must have {word} {_count(limits[bound], what)}; got {len(got)}"
    message = str(item["msg"]).removeprefix("Value error, ")
    if kind in ("value_error", "assertion_error", "misplaced"):
        return message
    return f"{message[:1].lower()}{message[1:]}; got {_shown(got)}"


def _under(got: object, key: str) -> object:
    return got.get(key) if isinstance(got, Mapping) else got


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
