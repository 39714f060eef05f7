"""Choices in one dense form: situations by alternatives, with who could choose what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice import columns as table
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ChoiceData:
    """Who was offered what, and chose what.

    alternatives   their names, in order of appearance
    attributes     by name, of shape (situations, alternatives); 0 where not available
    traits         of the person or the situation, the same for all alternatives, by
                   name, of shape (situations,)
    available      what could be chosen, shape (situations, alternatives)
    chosen         number of the alternative, shape (situations,)
    persons        number of the person, from 0, shape (situations,); None where each
                   situation is a person of its own
    dropped        situations left out for missing cells
    warnings       what to beware of
    """

    alternatives: tuple[str, ...]
    attributes: Mapping[str, Floats]
    traits: Mapping[str, Floats]
    available: Flags
    chosen: Ints
    persons: Ints | None
    dropped: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def situations(self) -> int:
        return len(self.chosen)

    @property
    def chosen_counts(self) -> Ints:
        """How often each alternative was chosen."""
        counts = np.bincount(self.chosen, minlength=len(self.alternatives))
        return counts.astype(np.int64)


def assembled(
    alternatives: list[str],
    attributes: Mapping[str, Floats],
    traits: Mapping[str, Floats],
    available: Flags,
    chosen: Ints,
    persons: Ints | None,
    dropped: int,
) -> ChoiceData:
    """The dense form, once there is a choice in it.

    Raises InputError for no situation, fewer than two alternatives, or situations
    which all leave no choice.
    """
    if not len(chosen):
        raise InputError(
            f"no choice situation is left of {dropped:,}; wanted at least one without "
            "missing cells",
            "data",
        )
    if len(alternatives) < 2:
        raise InputError(
            f"got one alternative, {alternatives[0]!r}, in every row; wanted at least "
            "two to choose among",
            "data",
        )
    several = available.sum(axis=1) > 1
    if not several.any():
        raise InputError(
            "every situation has one available alternative only; wanted at least two "
            "to choose among",
            "data",
        )
    warnings = []
    if not several.all():
        alone = int((~several).sum())
        warnings.append(
            f"{_situations(alone)} with one available alternative: they say nothing "
            "about the choice."
        )
    if dropped:
        warnings.append(f"{_situations(dropped)} left out for missing cells.")
    return ChoiceData(
        alternatives=tuple(alternatives),
        attributes=attributes,
        traits=traits,
        available=available,
        chosen=chosen,
        persons=None if persons is None else _numbered(persons),
        dropped=dropped,
        warnings=warnings,
    )


def _situations(count: int) -> str:
    return f"{count:,} situation{'s' if count != 1 else ''}"


def _numbered(persons: Ints) -> Ints:
    """Numbers from 0 without gaps, in order of appearance."""
    _, first, inverse = np.unique(persons, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse])


def missing_refused(name: str, rows: Ints, *, droppable: bool = True) -> None:
    """Refuse the first of these rows (from 0), if there is any.

    droppable   whether such situations can be left out: one can't where it is not told
                which situation it is
    """
    if len(rows):
        row = int(rows[0])
        raise InputError(
            f"row {row + 1}, column {name!r} is missing ({len(rows):,} such); fill it, "
            + (
                "or leave such situations out with missing_cells: drop"
                if droppable
                else "or take the row out of the data: without it the row can't be used"
            ),
            table.field(name, row),
        )


def missing_checked(missing: str) -> bool:
    """Whether situations with missing cells are left out."""
    if missing not in ("refuse", "drop"):
        raise InputError(
            f"got missing {missing!r}; wanted refuse or drop", "params.missing"
        )
    return missing == "drop"
