"""The pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])

FENCE = re.compile(
    r"^(?P<marker><!-- runnable -->\n)?```(?P<info>[^\n]*)\n(?P<body>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    info: str
    body: str
    runnable: bool
    before: str  # the page's text up to it

    def __str__(self) -> str:
        return f"{self.page}:{self.before.count(chr(10)) + 1}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in FENCE.finditer(text):
        name = page.relative_to(ROOT).as_posix()
        marked = found["marker"] is not None
        yield Block(name, found["info"], found["body"], marked, text[: found.start()])


ALL_BLOCKS = [block for page in PAGES for block in blocks(page)]


def text_of(*names: str) -> str:
    return "\n".join((DOCS / name).read_text() for name in names)
