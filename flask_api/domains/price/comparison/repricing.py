"""Prices solved anew after changes: each change alone, then all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_api.domains.price.catalogue import override
from flask_api.domains.price.comparison.impact import changed
from flask_api.domains.price.inputs import INPUTS, canonical, find
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.model_files.overriding import choice_name
from flask_api.numerics.errors import NoSolutionError

Row = dict[str, Any]
Value = float | str | bool


@dataclass(frozen=True)
class Change:
    """What to change of a plant.

    id      of an input or a choice, in any of its names
    change  a number, or the choice
    kind    of a number: one of `impact.CHANGES`
    field   where it stands in the request
    """

    id: str
    change: Value
    kind: str
    field: str


@dataclass(frozen=True)
class Repriced:
    """Prices after changes, $/unit.

    together     after all changes
    rows         of each change alone, ready for the answer
    interaction  what all do together beyond the sum of their effects; None where one of
                 them alone leaves no price
    """

    together: float
    rows: list[Row]
    interaction: float | None


def one_name(given: str) -> str:
    """The one name of an input or choice; another word as it is."""
    return choice_name(given) or find(given) or given


def reprice(
    model: PriceModel,
    changes: Sequence[Change],
    base: float,
    solved: float,
    report: Callable[[int, Row], None],
    warn: Callable[[str], None],
) -> Repriced:
    """The price of `model` after each change alone and after all together.

    base     price that differences are taken from
    solved   price of the unchanged plant
    report   told the index and row of each change as it is found

    Raises InputError for a change that can't be, NoSolutionError where all changes
    together leave no price.
    """
    rows: list[Row] = []
    values: dict[str, Value] = {}
    for index, change in enumerate(changes):
        before, after = _values(model, change, warn)
        values[change.id] = after
        row = _alone(model, change, before, after)
        if row["price"] is None:
            warn(f"{change.id}: price is null: {row['error']}")
        else:
            row |= _differences(row["price"], base, solved, before, after)
        rows.append(row)
        report(index, row)
    together = _together(model, values)
    effects = [row["effect"] for row in rows]
    interaction = None if None in effects else together - solved - sum(effects)
    return Repriced(together, rows, interaction)


def _values(
    model: PriceModel, change: Change, warn: Callable[[str], None]
) -> tuple[float | None, Value]:
    """Value before (None of a choice) and after one change."""
    given = change.change
    if isinstance(given, (bool, str)) or choice_name(change.id):
        return None, given
    name = canonical(change.id, field=f"{change.field}.id")
    before = float(model.baseline()[name])
    after = changed(before, given, change.kind, field=f"{change.field}.change")
    if before == 0 and given and change.kind == "percentage":
        warn(
            f"{change.id}: {given:g} % of 0 is 0, so this changes nothing; give "
            "change_type directvalue or absolutedeparture"
        )
    if INPUTS[name].integer and after != round(after):
        warn(f"{change.id}: {after:g} is rounded to {round(after)} {INPUTS[name].unit}")
        after = float(round(after))
    return before, after


def _alone(
    model: PriceModel, change: Change, before: float | None, after: Value
) -> Row:
    known = choice_name(change.id) or find(change.id)
    field = f"{change.field}.{'change' if known else 'id'}"
    row: Row = {
        "id": change.id,
        "input": one_name(change.id),
        "base_value": before,
        "new_value": after,
        "price": None,
        "difference": None,
        "effect": None,
        "elasticity": None,
        "error": None,
    }
    changed_model = override(model, {change.id: after}, lambda name: field)
    try:
        row["price"] = changed_model.solved_price()
    except NoSolutionError as error:
        row["error"] = str(error)
    return row


def _differences(
    price: float, base: float, solved: float, before: float | None, after: Value
) -> Row:
    """What a changed price differs by, and how much of it per change of the input."""
    effect, elasticity = price - solved, None
    if before and solved and isinstance(after, float) and after != before:
        elasticity = (effect / solved) / ((after - before) / before)
    return {"difference": price - base, "effect": effect, "elasticity": elasticity}


def _together(model: PriceModel, values: dict[str, Value]) -> float:
    changed_model = override(model, values, lambda name: "parameters")
    try:
        return changed_model.solved_price()
    except NoSolutionError as error:
        raise NoSolutionError(
            f"all changes together leave no price: {error}", field="parameters"
        ) from None
