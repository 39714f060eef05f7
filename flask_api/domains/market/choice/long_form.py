"""Choices from a table with one row for each alternative of each situation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice import columns as table
from flask_api.domains.market.choice.columns import Columns
from flask_api.domains.market.choice.data import (
    ChoiceData,
    assembled,
    missing_checked,
    missing_refused,
)
from flask_api.domains.market.choice.offers import refuse_many
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def from_long(
    columns: Columns,
    *,
    situation: str,
    alternative: str,
    chosen: str,
    attributes: Sequence[str],
    traits: Sequence[str] = (),
    available: str | None = None,
    person: str | None = None,
    missing: str = "refuse",
) -> ChoiceData:
    """Choices of a long table in dense form.

    columns       the table: arrays of one length, by name
    situation     column that tells which rows are offered together
    alternative   column with the alternative's name
    chosen        column of 0 and 1, one 1 in each situation
    attributes    columns that differ between alternatives: price, time
    traits        columns that are the same in all rows of a situation: income
    available     column of 0 and 1; rows that aren't there are not available either
    person        column with who chose; else each situation is a person of its own
    missing       `refuse`, or `drop` situations with missing cells

    Situations stand in order of appearance. Attributes of an alternative that is not
    available may be missing.
    Raises InputError by row and column for missing cells, text where numbers belong,
    no, two or unavailable chosen alternatives, an alternative twice in a situation,
    traits or persons that differ within a situation, fewer than two alternatives or
    more than 200.
    """
    dropping = missing_checked(missing)
    _, case = table.labels(columns, situation)
    names, option = table.labels(columns, alternative)
    refuse_many(names, alternative)
    picked = _flags(columns, chosen)
    offered = None if available is None else _flags(columns, available)
    who = None if person is None else table.labels(columns, person)[1]
    values = {name: table.numbers(columns, name) for name in attributes}
    same = {name: table.numbers(columns, name) for name in traits}
    missing_refused(situation, np.flatnonzero(case < 0), droppable=False)
    missing_refused(alternative, np.flatnonzero(option < 0), droppable=False)
    open_to = np.ones(len(case), bool) if offered is None else offered == 1
    gaps = {chosen: np.isnan(picked)}
    if available is not None and offered is not None:
        gaps[available] = np.isnan(offered)
    if person is not None and who is not None:
        gaps[person] = who < 0
    gaps |= {name: np.isnan(v) & open_to for name, v in values.items()}
    gaps |= {name: np.isnan(v) for name, v in same.items()}
    keep = _kept(case, gaps, dropping)
    rows = np.flatnonzero(keep[case])
    _two_alike_refused(case, option, rows, names, alternative)
    place = np.cumsum(keep) - 1
    situations, here = int(keep.sum()), place[case[rows]]
    shape = situations, len(names)
    dense_open = np.zeros(shape, bool)
    dense_open[here, option[rows]] = open_to[rows]
    dense = {}
    for name, cells in values.items():
        dense[name] = np.zeros(shape)
        dense[name][here, option[rows]] = np.where(open_to, cells, 0.0)[rows]
    first = np.full(situations, len(case))
    np.minimum.at(first, here, rows)
    for name, cells in same.items():
        _differing_refused(name, cells, rows, first[here])
    if person is not None and who is not None:
        _differing_refused(person, who, rows, first[here])
    return assembled(
        names,
        dense,
        {name: cells[first] for name, cells in same.items()},
        dense_open,
        _one_chosen(chosen, picked, open_to, rows, here, option, first),
        None if who is None else who[first],
        int(len(keep) - situations),
    )


def _flags(columns: Columns, name: str) -> Floats:
    """A column of 0, 1 and NaN."""
    values = table.numbers(columns, name)
    odd = ~np.isnan(values) & (values != 0) & (values != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise InputError(
            f"row {row + 1}, column {name!r} is {values[row]:g}; wanted 0 or 1",
            table.field(name, row),
        )
    return values


def _kept(case: Ints, gaps: dict[str, Flags], dropping: bool) -> Flags:
    """By situation: whether it has all its cells."""
    keep = np.ones(int(case.max(initial=-1)) + 1, bool)
    for name, gap in gaps.items():
        if not dropping:
            missing_refused(name, np.flatnonzero(gap))
        keep[case[gap]] = False
    return keep


def _two_alike_refused(
    case: Ints, option: Ints, rows: Ints, names: list[str], alternative: str
) -> None:
    key = case[rows] * len(names) + option[rows]
    order = np.argsort(key, kind="stable")
    again = order[1:][np.diff(key[order]) == 0]
    if len(again):
        row = int(rows[again.min()])
        raise InputError(
            f"row {row + 1}: alternative {names[option[row]]!r} stands twice in its "
            "situation; wanted one row for each alternative",
            table.field(alternative, row),
        )


def _differing_refused(
    name: str, cells: npt.NDArray[np.generic], rows: Ints, first: Ints
) -> None:
    differs = cells[rows] != cells[first]
    if differs.any():
        at = int(np.argmax(differs))
        row, other = int(rows[at]), int(first[at])
        raise InputError(
            f"column {name!r} differs within a situation: row {row + 1} is not row "
            f"{other + 1}; wanted the same for all alternatives",
            table.field(name, row),
        )


def _one_chosen(
    name: str,
    picked: Floats,
    open_to: Flags,
    rows: Ints,
    here: Ints,
    option: Ints,
    first: Ints,
) -> Ints:
    """Which alternative each situation's one 1 belongs to."""
    taken = picked[rows] == 1
    counts = np.bincount(here[taken], minlength=len(first))
    if (counts != 1).any():
        at = int(np.argmax(counts != 1))
        row = int(first[at])
        if counts[at]:
            row = int(rows[taken & (here == at)][1])
            got = f"row {row + 1}: a second alternative of its situation is chosen"
        else:
            got = f"the situation that starts in row {row + 1} has no chosen one"
        raise InputError(
            f"{got} in column {name!r}; wanted exactly one 1 in each situation",
            table.field(name, row),
        )
    closed = rows[taken & ~open_to[rows]]
    if len(closed):
        row = int(closed[0])
        raise InputError(
            f"row {row + 1}: the chosen alternative is not available; mend column "
            f"{name!r} or the availability",
            table.field(name, row),
        )
    chosen = np.empty(len(first), np.int64)
    chosen[here[taken]] = option[rows[taken]]
    return chosen
