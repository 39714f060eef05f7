"""What a choice may depend on: the terms of the utility, and their design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.offers import refuse_unlinked
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Utility:
    """Terms of the utility of an alternative; the sum of them decides.

    generic        attributes with one coefficient for all alternatives
    specific       attributes with a coefficient for each alternative
    traits         of the person, with a coefficient for each alternative but the base
    interactions   (attribute, trait): how the attribute counts more with the trait;
                   traits are taken in standard deviations from their mean
    constants      whether each alternative but the base has a constant
    base           the alternative whose constant is 0; None = the last one
    """

    generic: tuple[str, ...] = ()
    specific: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    constants: bool = True
    base: str | None = None


@dataclass(frozen=True, eq=False)
class Design:
    """The utility as a table: alternatives of situations by coefficients.

    names        of the coefficients: `price`, `time (CAR)`, `constant (CAR)`,
                 `price x income`
    x            shape (situations, alternatives, coefficients); utility = x @ them
    data         what it was made of
    base         number of the base alternative
    constants    which coefficients are constants, shape (coefficients,)
    attributes   by name the coefficients an attribute stands in
    """

    names: tuple[str, ...]
    x: Floats
    data: ChoiceData
    base: int
    constants: Flags
    attributes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Contrasts:
    """What speaks for the chosen alternative against each other available one.

    d          x of the chosen one minus x of another, shape (pairs, coefficients)
    start      first pair of each situation, and the end, shape (situations + 1,)
    person     first situation of each person, and the end, shape (persons + 1,)
    order      the situation of the data that each one is: persons stand together

    The likelihood needs nothing else: log P = -log(1 + sum of exp(-d @ coefficients)).
    """

    d: Floats
    start: Ints
    person: Ints
    order: Ints

    @property
    def situations(self) -> int:
        return len(self.start) - 1

    @property
    def persons(self) -> int:
        return len(self.person) - 1


def design(data: ChoiceData, utility: Utility) -> Design:
    """The table of the utility.

    Raises InputError for names that are not in the data, a utility without terms, and
    an attribute that is the same for all alternatives of every situation.
    """
    names: list[str] = []
    columns: list[Floats] = []
    constants: list[bool] = []
    uses: dict[str, list[int]] = {}
    base = _base(data, utility.base)

    def add(name: str, cells: Floats, attribute: str | None, constant: bool) -> None:
        if attribute is not None:
            uses.setdefault(attribute, []).append(len(names))
        names.append(name)
        columns.append(cells)
        constants.append(constant)

    shape = data.available.shape
    others = [j for j in range(shape[1]) if j != base]
    if utility.constants:
        _all_chosen(data)
        refuse_unlinked(data.alternatives, data.available, "constants")
        for j in others:
            cells = np.zeros(shape)
            cells[:, j] = 1.0
            add(f"constant ({data.alternatives[j]})", cells, None, True)
    for name in utility.generic:
        cells = _attribute(data, name, "attributes")
        _varying(data, name, cells)
        add(name, cells, name, False)
    for name in utility.specific:
        cells = _attribute(data, name, "specific")
        for j in range(shape[1]):
            if cells[:, j].any():
                own = np.zeros(shape)
                own[:, j] = cells[:, j]
                add(f"{name} ({data.alternatives[j]})", own, name, False)
    if utility.traits:
        refuse_unlinked(data.alternatives, data.available, "traits")
    for name in utility.traits:
        trait = _trait(data, name, "traits")
        for j in others:
            own = np.zeros(shape)
            own[:, j] = trait
            add(f"{name} ({data.alternatives[j]})", own, None, False)
    for name, by in utility.interactions:
        cells = _attribute(data, name, "interactions")
        trait = _trait(data, by, "interactions")
        scaled = (trait - trait.mean()) / trait.std()
        add(f"{name} x {by}", cells * scaled[:, None], name, False)
    _sensible(names)
    x = np.empty((*shape, len(names)))
    for k, cells in enumerate(columns):
        x[:, :, k] = cells
    x[~data.available] = 0.0
    return Design(
        tuple(names),
        x,
        data,
        base,
        np.array(constants),
        {name: tuple(found) for name, found in uses.items()},
    )


def contrasts(made: Design) -> Contrasts:
    """The chosen alternative against each other available one, person by person."""
    data = made.data
    if data.persons is None:
        order = np.arange(data.situations)
        person = np.arange(data.situations + 1)
    else:
        order = np.argsort(data.persons, kind="stable")
        counts = np.bincount(data.persons)
        person = np.concatenate([[0], np.cumsum(counts)])
    rivals = data.available.copy()
    rivals[np.arange(data.situations), data.chosen] = False
    rivals = rivals[order]
    start = np.concatenate([[0], np.cumsum(rivals.sum(axis=1))])
    case, other = np.nonzero(rivals)
    case = order[case]
    d = made.x[case, data.chosen[case]] - made.x[case, other]
    return Contrasts(np.ascontiguousarray(d), start, person, order)


def _base(data: ChoiceData, base: str | None) -> int:
    if base is None:
        return len(data.alternatives) - 1
    if base not in data.alternatives:
        raise InputError(
            f"got base {base!r}; wanted one of {', '.join(data.alternatives)}",
            "params.base",
        )
    return data.alternatives.index(base)


def _all_chosen(data: ChoiceData) -> None:
    """Refuse alternatives whose constant would have no end: those never chosen."""
    counts = data.chosen_counts
    offered = (data.available & (data.available.sum(axis=1) > 1)[:, None]).sum(axis=0)
    for j, name in enumerate(data.alternatives):
        if not counts[j]:
            raise InputError(
                f"alternative {name!r} is never chosen: its constant has no end. Leave "
                "the alternative out, or fit without constants",
                "data",
            )
        if not offered[j]:
            raise InputError(
                f"alternative {name!r} is never offered beside another one; leave it "
                "out",
                "data",
            )


def _attribute(data: ChoiceData, name: str, where: str) -> Floats:
    if name not in data.attributes:
        known = ", ".join(data.attributes) or "none"
        raise InputError(
            f"there is no attribute {name!r}; wanted one of {known}", f"params.{where}"
        )
    return data.attributes[name]


def _trait(data: ChoiceData, name: str, where: str) -> Floats:
    if name not in data.traits:
        known = ", ".join(data.traits) or "none"
        raise InputError(
            f"there is no trait {name!r}; wanted one of {known}", f"params.{where}"
        )
    trait = data.traits[name]
    if np.ptp(trait) <= 1e-12 * np.abs(trait).max():
        raise InputError(
            f"trait {name!r} is the same in every situation; leave it out",
            f"params.{where}",
        )
    return trait


def _varying(data: ChoiceData, name: str, cells: Floats) -> None:
    """Refuse an attribute that never differs among what is offered together."""
    for part in (slice(256), slice(None)):  # mostly the first few will do
        some, open_to = cells[part], data.available[part]
        low = np.where(open_to, some, np.inf).min(axis=1)
        high = np.where(open_to, some, -np.inf).max(axis=1)
        varies = (high - low).max() > 1e-12 * max(float(np.abs(some).max()), 1e-300)
        if varies:
            break
    else:
        raise InputError(
            f"attribute {name!r} is the same for all alternatives of every situation: "
            "it says nothing about the choice. Leave it out, or make it a trait",
            "params.attributes",
        )


def _sensible(names: list[str]) -> None:
    if not names:
        raise InputError(
            "got a utility without terms; wanted constants or an attribute at least",
            "params.attributes",
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"term {twice!r} stands twice in the utility", "params")
