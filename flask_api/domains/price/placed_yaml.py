"""YAML whose every value knows its line and column, for messages that help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from flask_api.numerics.errors import InputError

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Section:
    """A mapping of the file, with the place where it stands for messages."""

    file: str
    path: str
    data: CommentedMap

    def refuse(self, key: Any, problem: str) -> NoReturn:
        """InputError with file, line, column and key."""
        where = ".".join(
            str(part) for part in (self.path, key) if part not in ("", None)
        )
        try:
            at = self.data.lc.key(key) if key is not None else None
        except KeyError:
            at = None
        line, column = at if at is not None else (self.data.lc.line, self.data.lc.col)
        place = {"line": line + 1, "column": column + 1}
        raise InputError(
            f"{self.file}, line {line + 1}, column {column + 1}, key "
            f"{where or '(top)'}: {problem}",
            field="version",
            details={"file": self.file, **place, "key": where},
        )

    def only(self, allowed: tuple[str, ...]) -> None:
        """Refuse keys that mean nothing here."""
        for key in self.data:
            if key not in allowed:
                self.refuse(key, f"unknown key; there are {', '.join(allowed)}")

    def section(self, key: str) -> Section:
        value = self.data.get(key)
        if not isinstance(value, CommentedMap):
            self.refuse(key, f"want a mapping, got {shown(value)}")
        path = f"{self.path}.{key}" if self.path else str(key)
        return Section(self.file, path, value)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if value is None:
            self.refuse(None, f"{key} is missing")
        if not isinstance(value, str) or len(value) > 4000:
            self.refuse(key, f"want text, got {shown(value)}")
        return str(value)

    def number(self, key: Any, value: Any = ...) -> float:
        value = self.data.get(key) if value is ... else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(key, f"want a number, got {shown(value)}")
        if not math.isfinite(value):
            self.refuse(key, f"want a finite number, got {value}")
        return float(value)


def shown(value: object) -> str:
    return f"{value!r:.60}" if value is not None else "nothing"


def parse(name: str, content: bytes) -> CommentedMap:
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{name} has {len(content)} bytes; a model file has at most {MAX_BYTES}",
            field="version",
        )
    try:
        data = YAML(typ="rt").load(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8 (byte {error.start})", field="version"
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise InputError(
            f"{name}, line {at.get('line', '?')}, column {at.get('column', '?')}: "
            f"{error.problem or error.context}",
            field="version",
            details={"file": name, **at},
        ) from error
    except YAMLError as error:
        raise InputError(f"{name} is not YAML: {error}", field="version") from error
    if not isinstance(data, CommentedMap):
        raise InputError(
            f"{name}, line 1: want a mapping with title and inputs, got {shown(data)}",
            field="version",
        )
    return data
