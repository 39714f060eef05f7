"""YAML whose every value knows its line and column, for messages that help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml.comments import CommentedMap

from flask_api.domains.price.model_files.shown import shown
from flask_api.domains.price.model_files.yaml_text import Unreadable, plain_yaml
from flask_api.numerics.errors import InputError


@dataclass(frozen=True)
class Section:
    """A mapping of the file, with the place where it stands for messages.

    field   of the request that named or carried the file
    """

    file: str
    path: str
    data: CommentedMap
    field: str = "version"

    def refuse(self, key: Any, problem: str) -> NoReturn:
        """InputError with file, line, column and key."""
        where = self.path_of(key)
        try:
            at = self.data.lc.key(key) if key is not None else None
        except KeyError:
            at = None
        line, column = at if at is not None else (self.data.lc.line, self.data.lc.col)
        place = {"line": line + 1, "column": column + 1}
        raise InputError(
            f"{self.file}, line {line + 1}, column {column + 1}, key "
            f"{where or '(top)'}: {problem}",
            field=self.field,
            details={"file": self.file, **place, "key": where},
        )

    def path_of(self, key: Any) -> str:
        return ".".join(
            str(part)[:60] for part in (self.path, key) if part not in ("", None)
        )

    def only(self, allowed: tuple[str, ...]) -> None:
        """Refuse keys that mean nothing here."""
        for key in self.data:
            if key not in allowed:
                self.refuse(key, f"unknown key; there are {', '.join(allowed)}")

    def section(self, key: Any) -> Section:
        value = self.data.get(key)
        if not isinstance(value, CommentedMap):
            self.refuse(key, f"want a mapping, got {shown(value)}")
        return Section(self.file, self.path_of(key), value, self.field)

    def sections(self, key: str) -> list[Section]:
        """The mappings of a list."""
        found = []
        for number, value in enumerate(self.list_of(key)):
            if not isinstance(value, CommentedMap):
                self.refuse(key, f"want mappings in the list, got {shown(value)}")
            path = f"{self.path_of(key)}[{number}]"
            found.append(Section(self.file, path, value, self.field))
        return found

    def list_of(self, key: str) -> list[Any]:
        value = self.data.get(key)
        if not isinstance(value, list):
            self.refuse(key, f"want a list, got {shown(value)}")
        return value

    def text(self, key: Any, default: str | None = None, most: int = 4000) -> str:
        value = self.data.get(key, default)
        if value is None:
            self.refuse(None, f"{key} is missing")
        if not isinstance(value, str):
            self.refuse(key, f"want text, got {shown(value)}")
        if len(value) > most:
            self.refuse(key, f"want {most} characters at most, got {len(value)}")
        return str(value)

    def number(self, key: Any, value: Any = ...) -> float:
        value = self.data.get(key) if value is ... else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(key, f"want a number, got {shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse(key, f"want a finite number, got {shown(value)}")
        return number


def parse(name: str, content: bytes, field: str = "version") -> Section:
    """The top mapping of a YAML text.

    name    of the file, for messages
    field   of the request that named or carried it

    Raises InputError with line and column for what `plain_yaml` doesn't read.
    """
    try:
        return Section(name, "", plain_yaml(content), field)
    except Unreadable as error:
        place = {"line": error.line, "column": error.column}
        details = {"file": name} | (place if error.line is not None else {})
        told = "".join(f", {part} {at}" for part, at in place.items() if at is not None)
        raise InputError(
            f"{name}{told}: {error}", field=field, details=details
        ) from error
