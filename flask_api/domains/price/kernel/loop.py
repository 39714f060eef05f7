"""Compiled: many plants of one plan, block by block."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
from numba import float64, int64

from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel.compiling import Codes, Floats, compiled
from flask_api.domains.price.kernel.flows import (
    capital,
    ends,
    flows,
    sums,
    tax_rates,
    values,
)
from flask_api.domains.price.kernel.lanes import get, put
from flask_api.domains.price.kernel.layout import LANES
from flask_api.domains.price.kernel.patterns import (
    discounts,
    horizon,
    loans,
    ramps,
    spending,
    write_offs,
)
from flask_api.domains.price.kernel.solve import solve, worth
from flask_api.domains.price.kernel.years import solve_by_year, worth_at

_SELLING = at.ROWS["selling_price"]
#: All that the compiled code was made of.
_SOURCES = ("kernel/*.py", "inputs.py", "calculation/solve.py")


@functools.cache
def stamp() -> int:
    """A number that changes with any line the compiled code was made of.

    numba looks at one file only to tell whether what it has stored is stale.
    """
    here, found = Path(__file__).parents[1], hashlib.sha256()
    for pattern in _SOURCES:
        for source in sorted(here.glob(pattern)):
            found.update(source.read_bytes())
    return int.from_bytes(found.digest()[:7])


@compiled
def _fill(w: Floats, columns: Floats, rows: Codes, start: int, count: int) -> None:
    """Copy a block of the varied inputs; the last one is filled up by repetition."""
    for k in range(len(rows)):
        if start + LANES <= count:
            put(w, rows[k], get(columns, k * count + start))
        else:
            for i in range(LANES):
                w[rows[k] + i] = columns[k * count + min(start + i, count - 1)]


@compiled
def _prepare(
    w: Floats,
    codes: Codes,
    segments: Codes,
    terms: Codes,
    tables: Floats,
    numbers: Floats,
    fresh: bool,
) -> int:
    """All that comes before the price, anew where a varied input touches it.

    Returns the operating years that count.
    """
    longest = horizon(w)
    years = codes[at.LONGEST] if fresh else longest
    if fresh or codes[at.LIFE_VARIES]:
        write_offs(w, codes, tables, years)
    if fresh or codes[at.RAMP_VARIES]:
        ramps(w, years)
    if fresh or codes[at.RATE_VARIES]:
        discounts(w, codes, years)
    if fresh or codes[at.SPENDING_VARIES]:
        spending(w, codes, numbers[1:])
    if fresh or codes[at.SUMS_VARY]:
        sums(w, codes[at.SEGMENTS], terms)
        if codes[at.GENERAL]:
            tax_rates(w, codes, segments, years)
    if codes[at.HAS_LOAN] and (fresh or codes[at.LOAN_VARIES]):
        loans(w, codes, segments, years)
    capital(w, codes, numbers[0])
    flows(w, codes, segments, longest)
    ends(w, codes, longest)
    values(w, longest)
    return longest


def _plants(
    made_by: int,
) -> Callable[..., int]:
    def plants(
        w: Floats,
        columns: Floats,
        rows: Codes,
        codes: Codes,
        segments: Codes,
        terms: Codes,
        tables: Floats,
        numbers: Floats,
        fresh: bool,
        price: Floats,
        npv: Floats,
    ) -> int:
        if codes[at.STAMP] != made_by:
            return 0
        count, general = len(price), codes[at.GENERAL] != 0
        wanted_price, wanted_npv = codes[at.PRICE_WANTED], codes[at.NPV_WANTED]
        for start in range(0, count, LANES):
            _fill(w, columns, rows, start, count)
            years = _prepare(w, codes, segments, terms, tables, numbers, fresh)
            fresh = False
            size = min(LANES, count - start)
            if wanted_price:
                if general:
                    put(w, at.PRICE, solve_by_year(w, codes, segments, years))
                else:
                    put(w, at.PRICE, solve(w, years))
                for i in range(size):
                    price[start + i] = w[at.PRICE + i]
            if wanted_npv:
                selling = get(w, _SELLING)
                if general:
                    put(w, at.NPV, worth_at(w, codes, segments, years, selling))
                else:
                    put(w, at.NPV, worth(w, years, selling)[0])
                for i in range(size):
                    npv[start + i] = w[at.NPV + i]
        return 1

    return plants


_row, _code, _terms = float64[::1], int64[::1], int64[:, ::1]
_SIGNATURE = int64(
    _row, _row, _code, _code, _code, _terms, _row, _row, numba.boolean, _row, _row
)


@functools.cache
def plants() -> Callable[..., int]:
    """The kernel: compiled in some five seconds, or loaded from numba's cache.

    The cache lies in `__pycache__` beside this file, else in NUMBA_CACHE_DIR or in the
    user's cache folder; where none can be written to, each process compiles anew.
    """
    function = _plants(stamp())
    try:
        return _compiled(function, cache=True)
    except (RuntimeError, OSError):  # no folder for a cache, or none left on disk
        return _compiled(function, cache=False)


def _compiled(function: Callable[..., int], cache: bool) -> Callable[..., int]:
    made: Any = numba.njit(cache=cache, error_model="numpy")(function)
    made.compile(_SIGNATURE.args)
    made.disable_compile()
    return cast("Callable[..., int]", made)
