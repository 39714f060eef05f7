"""Vocabulary and bounds of formulas. Standard library only: the web reads it too."""

from __future__ import annotations

import re

#: Characters of one formula, at most.
LONGEST = 10_000
#: Brackets, functions, signs and powers within each other, at most.
DEEPEST = 100
#: Functions, with the smallest and largest number of their arguments.
FUNCTIONS = {
    **dict.fromkeys(("abs", "sqrt", "exp", "log", "log10", "sin", "cos"), (1, 1)),
    **dict.fromkeys(("tan", "tanh", "floor", "ceil"), (1, 1)),
    **dict.fromkeys(("min", "max"), (2, LONGEST)),
    "where": (3, 3),
}
WORDS = ("and", "or", "not")
#: What no input or output may be called.
RESERVED = frozenset([*FUNCTIONS, *WORDS])
#: What inputs and outputs are called.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
