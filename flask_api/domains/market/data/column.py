"""What a column of a table holds: learned from its words, block by block."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.data.words import (
    MISSING,
    ONE,
    OTHER,
    ZERO,
    code_of,
    number_of,
)

#: Words whose code is kept; a column of names has a new one in every row.
_REMEMBERED = 1000
#: Characters of a cell that is repeated.
_SHOWN = 60


class Column:
    """One column, while it is read."""

    def __init__(self, name: str, decimal_comma: bool = False) -> None:
        self.name = name
        self._comma = decimal_comma  # `0,5` is a half
        self._codes: dict[str, int] = {}
        self._counts = {ZERO: 0, ONE: 0, OTHER: 0, MISSING: 0}
        self._first: dict[int, tuple[int, str]] = {}
        self._first_text: tuple[int, str] | None = None
        self._first_word: str | None = None
        self._constant = True
        self._low, self._high = math.inf, -math.inf

    @property
    def kind(self) -> str:
        """binary, numeric or text; a column without any value is binary."""
        if not self._counts[OTHER]:
            return "binary"
        return "numeric" if self._first_text is None else "text"

    def learn(
        self, words: list[str], indices: npt.NDArray[np.integer[Any]], before: int
    ) -> npt.NDArray[np.uint8]:
        """The codes of some more rows.

        words, indices   distinct words, and which one each row has
        before           rows that came before these
        """
        codes = np.array([self._code(word) for word in words], np.uint8)
        counts = np.bincount(indices, minlength=len(words)).tolist()
        for word, code, count in zip(words, codes.tolist(), counts, strict=True):
            self._counts[code] += count
            if code == OTHER:
                self._look(word, indices, words, before)
            if code != MISSING and self._constant:
                self._compare(word, code)
        found: npt.NDArray[np.uint8] = codes[indices]
        for code in (OTHER, MISSING):
            if code not in self._first and (codes == code).any():
                row = int(np.argmax(found == code))
                self._first[code] = (before + row + 1, words[indices[row]])
        return found

    def _code(self, word: str) -> int:
        found = self._codes.get(word)
        if found is None:
            found = code_of(word)
            if len(self._codes) < _REMEMBERED:
                self._codes[word] = found
        return found

    def _look(
        self,
        word: str,
        indices: npt.NDArray[np.integer[Any]],
        words: list[str],
        before: int,
    ) -> None:
        if self._first_text is None and number_of(word, self._comma) is None:
            row = int(np.argmax(indices == words.index(word)))
            self._first_text = (before + row + 1, word)

    def _compare(self, word: str, code: int) -> None:
        same = word if code == OTHER else str(code)
        if self._first_word is None:
            self._first_word = same
        self._constant = same == self._first_word

    def numbers(self, words: list[str]) -> npt.NDArray[np.float64]:
        """The words of a numeric column as numbers, NaN where missing."""
        found = [number_of(word, self._comma) for word in words]
        values = np.array(found, np.float64)
        known = values[~np.isnan(values)]
        if len(known):
            self._low = min(self._low, float(known.min()))
            self._high = max(self._high, float(known.max()))
        return values

    def read(self, word: str) -> float | int | str | None:
        """A cell of this column as JSON."""
        if code_of(word) == MISSING:
            return None
        if self.kind == "binary":
            return code_of(word)
        if self.kind == "text":
            return word[:_SHOWN]
        value = number_of(word, self._comma)
        # Above 2^53 a float is no exact count, and JSON has no room for its digits.
        whole = value is not None and abs(value) < 2**53 and value == int(value)
        return int(value) if value is not None and whole else value

    def facts(self, rows: int) -> dict[str, Any]:
        """What `table.json` says of this column."""
        known = rows - self._counts[MISSING]
        facts: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "missing": self._counts[MISSING],
            "first_missing": self._first.get(MISSING, (None,))[0],
            "constant": known == 0 or self._constant,
        }
        if self.kind == "binary":
            facts |= {"zeros": self._counts[ZERO], "ones": self._counts[ONE]}
        else:
            row, word = self._first[OTHER]
            facts["first_not_binary"] = {"row": row, "value": word[:_SHOWN]}
            facts["not_binary"] = self._counts[OTHER]
            facts["zeros_and_ones"] = self._counts[ZERO] + self._counts[ONE]
        if self.kind == "numeric" and self._low <= self._high:
            facts |= {"minimum": self._low, "maximum": self._high}
        if self._first_text is not None:
            row, word = self._first_text
            facts["first_text"] = {"row": row, "value": word[:_SHOWN]}
        return facts
