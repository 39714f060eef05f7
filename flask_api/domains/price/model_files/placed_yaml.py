"""YAML whose every value knows its line and column, for messages that help."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from flask_api.domains.price.stored import MAX_BYTES
from flask_api.numerics.errors import InputError

#: A model file nests five levels; what is deeper has lost a bracket, or means harm.
MAX_DEPTH = 20
#: Keys and values of a file: 50 times those of ours, and read in some 2 s.
MAX_VALUES = 50_000


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
        if isinstance(value, datetime.date):  # a date without quotes
            return value.isoformat()
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


def shown(value: object) -> str:
    return f"{value!r:.60}" if value is not None else "nothing"


class _BoundedComposer(Composer):
    """Builds the tree of a file, unless it is too deep or repeats itself by name.

    A few aliases of aliases can stand for more values than fit in any memory.
    """

    depth = 0
    values = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.parser.check_event(AliasEvent):
            event = self.parser.peek_event()
            raise ComposerError(
                None,
                None,
                f"*{str(event.anchor)[:40]} repeats an anchor; write the values out",
                event.start_mark,
            )
        self.depth += 1
        self.values += 1
        if self.depth > MAX_DEPTH or self.values > MAX_VALUES:
            problem = f"nested deeper than {MAX_DEPTH} levels"
            if self.values > MAX_VALUES:
                problem = f"more than {MAX_VALUES:,} keys and values"
            mark = self.parser.peek_event().start_mark
            raise ComposerError(None, None, problem, mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def parse(name: str, content: bytes, field: str = "version") -> CommentedMap:
    """The top mapping of a YAML text.

    name    of the file, for messages
    field   of the request that named or carried it

    Raises InputError with line and column for what is no YAML, is too large or too
    deep, repeats a key, or uses aliases.
    """
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{name} has {len(content):,} bytes; a model file has at most "
            f"{MAX_BYTES:,}",
            field=field,
        )
    reader = YAML(typ="rt")
    reader.Composer = _BoundedComposer
    try:
        data = reader.load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8 (byte {error.start})", field=field
        ) from error
    except MarkedYAMLError as error:
        raise _misread(name, error, field) from error
    except (YAMLError, ValueError, OverflowError) as error:
        problem = " ".join(str(error).split())[:200]
        raise InputError(f"{name} is not YAML: {problem}", field=field) from error
    if not isinstance(data, CommentedMap):
        raise InputError(
            f"{name}, line 1: want a mapping with title and inputs, got {shown(data)}",
            field=field,
        )
    return data


def _misread(name: str, error: MarkedYAMLError, field: str) -> InputError:
    mark = error.problem_mark or error.context_mark
    at = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
    return InputError(
        f"{name}, line {at.get('line', '?')}, column {at.get('column', '?')}: "
        + ", ".join(part for part in (error.context, error.problem) if part),
        field=field,
        details={"file": name, **at},
    )
