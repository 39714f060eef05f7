"""Choices from a table with one row for each situation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from flask_api.domains.market.data.words import number_of
from flask_api.numerics.errors import InputError

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def from_wide(
    columns: Columns,
    *,
    chosen: str,
    alternatives: Sequence[str],
    attributes: Sequence[str],
    named: Mapping[str, Mapping[str, str]] | None = None,
    codes: Mapping[str, str | float] | None = None,
    traits: Sequence[str] = (),
    available: Mapping[str, str] | None = None,
    person: str | None = None,
    missing: str = "refuse",
) -> ChoiceData:
    """Choices of a wide table in dense form.

    columns        the table: arrays of one length, by name
    chosen         column with the chosen alternative: its name, or its code
    alternatives   their names, at least two
    attributes     what differs between alternatives: columns `attribute_alternative`;
                   an alternative without one has 0 there
    named          by attribute the column of each alternative, where they are called
                   otherwise
    codes          by alternative the value of `chosen` that means it, where it isn't
                   the name
    traits         columns that belong to the situation or the person: income
    available      by alternative a column of 0 and 1; alternatives without one always
                   are
    person         column with who chose; else each situation is a person of its own
    missing        `refuse`, or `drop` rows with missing cells

    Raises InputError by row and column for missing cells, text where numbers belong, a
    chosen value that is no alternative or one that is not available, and names of
    columns or alternatives that don't exist.
    """
    dropping = missing_checked(missing)
    names = [str(name).strip() for name in alternatives]
    _distinct(names)
    if len(names) < 2:
        raise InputError(
            f"got one alternative, {names[0]!r}; wanted at least two to choose among",
            "params.alternatives",
        )
    wanted = _mapped(columns, attributes, named or {}, names)
    option, gaps = _chosen(columns, chosen, names, codes)
    open_to = np.ones((len(option), len(names)), bool)
    for name, flag in (available or {}).items():
        j = _known(name.strip(), names, "params.available")
        values = table.numbers(columns, flag)
        gaps.setdefault(flag, np.isnan(values))
        open_to[:, j] = _open(values, flag)
    dense = {}
    for attribute, by_name in wanted.items():
        dense[attribute] = np.zeros(open_to.shape)
        for name, source in by_name.items():
            j = _known(name.strip(), names, f"params.attribute_columns.{attribute}")
            values = table.numbers(columns, source)
            gap = np.isnan(values) & open_to[:, j]
            gaps[source] = gaps[source] | gap if source in gaps else gap
            dense[attribute][:, j] = np.where(open_to[:, j], values, 0.0)
    same = {name: table.numbers(columns, name) for name in traits}
    gaps |= {name: np.isnan(values) for name, values in same.items()}
    who = None if person is None else table.labels(columns, person)[1]
    if person is not None and who is not None:
        gaps[person] = who < 0
    keep = np.ones(len(option), bool)
    for name, gap in gaps.items():
        if not dropping:
            missing_refused(name, np.flatnonzero(gap))
        keep &= ~gap
    rows = np.flatnonzero(keep)
    closed = rows[~open_to[rows, option[rows]]]
    if len(closed):
        row = int(closed[0])
        raise InputError(
            f"row {row + 1}: the chosen alternative {names[option[row]]!r} is not "
            f"available; mend column {chosen!r} or the availability",
            table.field(chosen, row),
        )
    return assembled(
        names,
        {name: cells[rows] for name, cells in dense.items()},
        {name: cells[rows] for name, cells in same.items()},
        open_to[rows],
        option[rows],
        None if who is None else who[rows],
        int(len(keep) - len(rows)),
    )


def _distinct(names: list[str]) -> None:
    if not names:
        raise InputError(
            "got no alternative; wanted at least two", "params.alternatives"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"alternative {twice!r} stands twice; name each one once",
            "params.alternatives",
        )


def _known(name: str, names: list[str], where: str) -> int:
    if name not in names:
        raise InputError(
            f"got {name!r}; wanted one of the alternatives {', '.join(names)}", where
        )
    return names.index(name)


def _mapped(
    columns: Columns,
    attributes: Sequence[str],
    named: Mapping[str, Mapping[str, str]],
    names: list[str],
) -> dict[str, dict[str, str]]:
    """By attribute and alternative the column."""
    for name in named:
        if name not in attributes:
            raise InputError(
                f"got columns of {name!r}; wanted one of the attributes "
                f"{', '.join(attributes) or '(none)'}",
                "params.attribute_columns",
            )
    wanted = {}
    for name in attributes:
        if name in named:
            wanted[name] = dict(named[name])
            continue
        found = {alt: f"{name}_{alt}" for alt in names if f"{name}_{alt}" in columns}
        if not found:
            raise InputError(
                f"no column is called {name}_{names[0]} or the like; wanted "
                "attribute_alternative, or a column for each alternative",
                "params.attributes",
            )
        wanted[name] = found
    return wanted


def _open(values: npt.NDArray[np.float64], name: str) -> Flags:
    odd = ~np.isnan(values) & (values != 0) & (values != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise InputError(
            f"row {row + 1}, column {name!r} is {values[row]:g}; wanted 0 or 1",
            table.field(name, row),
        )
    return np.asarray(values == 1)


def _chosen(
    columns: Columns,
    chosen: str,
    names: list[str],
    codes: Mapping[str, str | float] | None,
) -> tuple[Ints, dict[str, Flags]]:
    """The number of each row's alternative, and where it is missing."""
    given, found = table.labels(columns, chosen)
    meant = {name: _as_read(name, given) for name in names}
    for name, code in (codes or {}).items():
        _known(name.strip(), names, "params.codes")
        meant[name.strip()] = _as_read(table.label_of(code), given)
    place = {code: names.index(name) for name, code in meant.items()}
    if len(place) < len(names):
        raise InputError("two alternatives have the same code", "params.codes")
    for label in given:
        if label not in place:
            row = int(np.argmax(found == given.index(label)))
            raise InputError(
                f"row {row + 1}, column {chosen!r} is {label!r}, which is no "
                f"alternative; wanted one of {', '.join(place)}",
                table.field(chosen, row),
            )
    of_label = np.array([*(place[label] for label in given), 0], np.int64)
    # where none is told, any alternative stands in until the row is left out
    return of_label[found], {chosen: found < 0}


def _as_read(label: str, given: Sequence[str]) -> str:
    """How a label stands in a column that was read as numbers: `yes` as 1, 1.0 as 1."""
    if label in given:
        return label
    value = number_of(label)
    read = label if value is None else table.label_of(value)
    return read if read in given else label
