"""What plants are called that were given no name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_api.domains.price.model import PriceModel
from flask_api.numerics.errors import InputError

#: Longer lists of changes are counted.
_LONGEST = 80


def plant_names(
    variants: Sequence[tuple[str | None, PriceModel, Mapping[str, object]]],
) -> list[str]:
    """The id of each variant: its own, or one that tells what it is.

    variants   id or None, model, and what it changes

    Raises InputError for an id given twice.
    """
    given: dict[str, int] = {}
    for index, (id, _, _) in enumerate(variants):
        if id is None:
            continue
        if id in given:
            raise InputError(
                f"id {id[:60]!r} is given twice: variants[{given[id]}] has it too; "
                "name each variant once",
                field=f"variants[{index}].id",
            )
        given[id] = index
    names: list[str] = []
    for id, model, changes in variants:
        name = id or plant_name(model, changes)
        plain, number = name, 2
        while id is None and (name in given or name in names):
            name, number = f"{plain} ({number})", number + 1
        names.append(name)
    return names


def plant_name(model: PriceModel, changes: Mapping[str, object]) -> str:
    """`1.loan with labor_cost 30000`: which plant it is."""
    plant = f"{model.version}.{model.extension}" if model.extension else model.version
    if not changes:
        return plant
    told = ", ".join(_told(*item) for item in [*changes.items()][:2])
    if len(changes) > 2 or len(told) > _LONGEST:
        told = f"{len(changes)} changes" if len(changes) > 1 else "a change"
    return f"{plant} with {told}"


def _told(name: str, value: object) -> str:
    """A change as people write it: `plant_lifetime 5`, `other periods`."""
    if isinstance(value, bool):
        return f"{name} {str(value).lower()}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{name} {int(value)}"
    if isinstance(value, int | float | str):
        return f"{name} {value}"
    return f"other {name}"
