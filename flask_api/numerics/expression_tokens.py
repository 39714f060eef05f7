"""Cuts the text of a formula into numbers, names and signs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from flask_api.numerics.expression_words import FUNCTIONS, WORDS

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|//|<=|>=|==|!=|[-+*/()<>,])"
)
HINTS = {
    "//": "write floor(a / b)",
    "%": "write a - b * floor(a / b) for the remainder, x / 100 for per cent",
    "^": "write ** for a power",
    "=": "write == to compare",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "'": "texts are not understood",
    '"': "texts are not understood",
    ".": "parts of a name are not understood",
    "[": "lists are not understood",
    "{": "sets are not understood",
}
OFFERED = (
    "a formula is plain ASCII text: numbers, names of inputs, + - * / ** ( ), "
    f"< <= > >= == !=, and or not, {', '.join(sorted(FUNCTIONS))}"
)


@dataclass(frozen=True)
class Token:
    """A piece of a formula, and at which character it stands."""

    kind: str  # number, name, sign, strange, end
    text: str
    at: int


def tokens_of(text: str) -> list[Token]:
    """The pieces in order; the last is `end`, or the first that is not understood.

    That one is refused when it is reached: what stands before it may be wrong too.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match[0] in HINTS:
            piece = text[at] if match is None else match[0]
            return [*tokens, Token("strange", piece, at)]
        kind = "sign" if match[0] in WORDS else str(match.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, match[0], at))
        at = match.end()
    return [*tokens, Token("end", "", len(text))]


def shown(token: Token) -> str:
    """The piece as an error repeats it, with the name of a strange character."""
    if token.kind == "end":
        return "the formula ends"
    text = token.text
    if text.isascii() and text.isprintable():
        return f"got {text[:60]!r}"
    name = unicodedata.name(text, "a control character")
    return f"got {ascii(text)} ({name}, U+{ord(text):04X})"
