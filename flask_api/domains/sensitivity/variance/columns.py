"""What is judged as one: single inputs, and groups of inputs that move together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flask_api.numerics.errors import InputError


@dataclass(frozen=True)
class Columns:
    """Inputs and groups in the order of their first input.

    names      of the columns: a group's name, or the input's own
    of_input   for each input in turn the number of its column
    """

    names: list[str]
    of_input: list[int]


def columns_of(
    inputs: Collection[str], groups: Mapping[str, Sequence[str]] | None = None
) -> Columns:
    """The columns that `groups` make of `inputs`; inputs in no group stand alone.

    Raises InputError without inputs, for an empty group, an input that is not there or
    is in two groups, and a group with the name of an input outside it.
    """
    if not inputs:
        raise InputError("got no uncertain input; wanted at least one", "parameters")
    group_of: dict[str, str] = {}
    for group, members in (groups or {}).items():
        where = f"config.groups.{group}"
        if not members:
            raise InputError("got no input in this group; name one or more", where)
        for name in members:
            if name not in inputs:
                offered = ", ".join(sorted(inputs)[:20])
                raise InputError(
                    f"got input {name!r}, which does not vary here; wanted some of "
                    f"{offered}",
                    where,
                )
            if name in group_of:
                raise InputError(
                    f"got input {name!r}, which is in {group_of[name]!r} already; "
                    "an input belongs to one group",
                    where,
                )
            group_of[name] = group
    for group in groups or {}:
        if group in inputs and group_of.get(group) != group:
            raise InputError(
                f"got a group named {group!r} like an input outside it; rename it",
                f"config.groups.{group}",
            )
    number: dict[str, int] = {}
    of_input = [
        number.setdefault(group_of.get(name, name), len(number)) for name in inputs
    ]
    return Columns(list(number), of_input)
