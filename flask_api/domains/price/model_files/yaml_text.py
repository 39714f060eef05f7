"""Turns YAML into plain values, within bounds, and says in words what is amiss."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode
from ruamel.yaml.scanner import RoundTripScanner

from flask_api.domains.price.stored import MAX_BYTES

#: A model file nests five levels; what is deeper has lost a bracket, or means harm.
MAX_DEPTH = 20
#: Keys and values of a file: ten times those of ours, and read in half a second.
MAX_VALUES = 10_000
#: Characters of a number: no double needs more, and longer ones can't be told again.
_LONGEST_NUMBER = 400
_CORE = "tag:yaml.org,2002:"
#: What JSON, XML and UTF-8 can't all carry: controls, surrogates, non-characters.
_UNFIT = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_KINDS = ("str", "int", "float", "bool", "null", "timestamp")
#: Parts of the parser's messages, and what each means to the writer of the text.
_MEANINGS = (
    (r"cannot start any token", "{char} can't begin a value: put the text in quotes"),
    (r"entries are not allowed", "{char} begins no list here: put a text in quotes"),
    (r"keys are not allowed", "{char} begins no key here: put a text in quotes"),
    (r"could not find expected ':'", "a colon is missing after the key of this line"),
    (
        r"mapping values are not allowed",
        "there is a second colon, or the indentation doesn't fit: put text that holds "
        "': ' in quotes",
    ),
    (
        r"single document|another document",
        "want a single document: leave out what --- begins",
    ),
    (r"end of stream|stream end", "a bracket or a quotation mark isn't closed"),
    (r"expected ',' or", "a comma is missing, or a bracket isn't closed"),
    (r"escape", "a backslash in double quotes begins an escape: double it"),
    (r"duplicate key", "a key is given twice"),
    (r"tag|directive|%", "tags and directives mean nothing here: leave them out"),
    (r"anchor|alias", "anchors mean nothing here: write the values out"),
    (r"block", "the indentation doesn't fit the lines above, or a key has no colon"),
)


class Unreadable(ValueError):
    """The text is no YAML of ours; line and column count from 1, None if unknown."""

    def __init__(
        self, problem: str, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(problem)
        self.line, self.column = line, column


class _Refusal(MarkedYAMLError):
    """What we refuse, in our words."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _Scanner(RoundTripScanner):
    """Tells where an escape stands that is no character."""

    def scan_flow_scalar_non_spaces(self, double: Any, start_mark: Any) -> Any:
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except ValueError:
            raise _Refusal("there is no character of that number", start_mark) from None


class _BoundedComposer(Composer):
    """Builds the tree of a file, unless it is too deep or holds what means nothing.

    A few aliases of aliases can stand for more values than fit in any memory; tags,
    merged and composite keys have no use in a model, and no place to name in messages.
    """

    nesting = 0
    values = 0

    def compose_document(self) -> Any:
        start = self.parser.peek_event()
        if start.version or start.tags:
            self._refuse("directives (lines that begin with %) mean nothing here")
        return super().compose_document()

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            name = str(event.anchor)[:40]
            self._refuse(f"*{name} repeats an anchor; write the values out")
        if event.tag is not None:
            self._refuse("tags (a word that begins with !) mean nothing here")
        is_key = isinstance(parent, MappingNode) and index is None
        if is_key and not isinstance(event, ScalarEvent):
            self._refuse("a key is a word or a number, not a list or a mapping")
        self.nesting += 1
        self.values += 1
        if self.nesting > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH} levels")
        if self.values > MAX_VALUES:
            self._refuse(f"more than {MAX_VALUES:,} keys and values")
        try:
            return super().compose_node(parent, index)
        finally:
            self.nesting -= 1

    def compose_scalar_node(self, anchor: Any) -> Any:
        mark = self.parser.peek_event().start_mark
        node = super().compose_scalar_node(anchor)
        kind = str(node.tag).removeprefix(_CORE)
        # the scanner marks the folds of `>` by a bell, which no text can hold else
        text = node.value.replace("\a", "") if node.style == ">" else node.value
        unfit = _UNFIT.search(text)
        problem = None
        if unfit:
            problem = f"{_code(unfit[0])} can't stand in a text"
        elif kind == "merge":
            problem = "<< merges nothing here; an extension can say `extends`"
        elif kind not in _KINDS:
            problem = f"put {node.value[:40]!r} in quotes"
        elif kind in ("int", "float") and len(node.value) > _LONGEST_NUMBER:
            problem = (
                f"a number of {len(node.value):,} characters; want a finite number of "
                f"{_LONGEST_NUMBER} at most"
            )
        if problem is not None:
            raise _Refusal(problem, mark)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, str], Any] = {}
        for key, _ in node.value:
            first = seen.setdefault((str(key.tag), key.value), key)
            if first is not key:
                line = first.start_mark.line + 1
                raise _Refusal(
                    f"the key {key.value[:60]!r} is given twice; it stands in line "
                    f"{line} too",
                    key.start_mark,
                )
        return node

    def _refuse(self, problem: str) -> NoReturn:
        raise _Refusal(problem, self.parser.peek_event().start_mark)


class _PlainConstructor(RoundTripConstructor):
    """Makes the values; dates stay the text they are, faults get their place."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, OverflowError) as error:
            raise _Refusal(
                f"{str(node.value)[:60]!r} can't be read as a number; put a text in "
                "quotes",
                node.start_mark,
            ) from error


_PlainConstructor.add_constructor(
    f"{_CORE}timestamp", RoundTripConstructor.construct_yaml_str
)


def plain_yaml(content: bytes) -> CommentedMap:
    """The top mapping of a YAML text: lines and columns with it, dates as text.

    Raises Unreadable for what is no YAML, is too large or too deep, repeats a key,
    uses tags, aliases or merges, or has characters that no answer can carry.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable(
            f"it has {len(content):,} bytes; a model text has at most {MAX_BYTES:,}",
        )
    text = _decoded(content)
    reader = YAML(typ="rt")
    reader.Scanner = _Scanner
    reader.Composer = _BoundedComposer
    reader.Constructor = _PlainConstructor
    try:
        data = reader.load(text)
    except MarkedYAMLError as error:
        raise _misread(text, error) from error
    except (YAMLError, ValueError, LookupError, OverflowError) as error:
        raise Unreadable("it is no YAML that can be read") from error
    if not isinstance(data, CommentedMap):
        raise Unreadable("want a mapping with title and inputs", 1, 1)
    return data


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        raise Unreadable(
            f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8",
            before.count(b"\n") + 1,
            error.start - before.rfind(b"\n"),
        ) from None
    unfit = _UNFIT.search(text)
    if unfit:
        start = unfit.start()
        raise Unreadable(
            f"{_code(unfit[0])} can't stand in a text",
            text.count("\n", 0, start) + 1,
            start - text.rfind("\n", 0, start),
        )
    return text


def _code(character: str) -> str:
    return f"the character U+{ord(character):04X}"


def _misread(text: str, error: MarkedYAMLError) -> Unreadable:
    """The parser's fault in words, at its place."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Unreadable("it is no YAML that can be read")
    if isinstance(error, _Refusal):
        problem = str(error.problem)
    else:
        problem = _in_words(text, f"{error.context or ''} {error.problem or ''}", mark)
    return Unreadable(problem, mark.line + 1, mark.column + 1)


def _in_words(text: str, problem: str, mark: Any) -> str:
    lines = text.splitlines()
    here = lines[mark.line] if mark.line < len(lines) else ""
    above = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
    for line in (here, above):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return "a tab stands before the text of the line; use spaces to indent"
    char = repr(here[mark.column : mark.column + 1])
    if char == r"'\t'":
        return "a tab stands here; use spaces"
    for part, meaning in _MEANINGS:
        if re.search(part, problem):
            return meaning.replace("{char}", char)
    return f"this is no YAML: {here.strip()[:60]!r}"
