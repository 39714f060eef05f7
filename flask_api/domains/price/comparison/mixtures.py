"""Plants between two plants: some things as in one, the others as in the other.

Two models may differ in inputs (numbers) and in choices (what `Structure` fixes). Each
is one thing; a coalition says which of them stand as in the variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation import rows
from flask_api.domains.price.comparison.attribution import Array, Coalitions
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.model import ModelInput, PriceModel
from flask_api.numerics.errors import InputError

if TYPE_CHECKING:
    from flask_api.domains.price.kernel.plan import Plans

Members = NDArray[np.intp]
Pricing = Callable[[PriceModel, Members], Array]

#: Plants between two reports of the kernel, some tens of ms of work at most.
_AT_ONCE = 256
#: Choices by the name that a model file gives them, where that is another.
CHOICE_NAMES: Mapping[str, str] = {
    "assets": "depreciation",
    "schedule": "construction_schedule",
    "replacement_method": "replacement_depreciation",
}
#: Names for people: no price depends on them.
_LABELS = ("preset", "products")
_YEARS = "construction_years"


@dataclass(frozen=True)
class Difference:
    """One thing in which two models differ.

    name, label    of the input or choice, as a model file calls it
    unit           of the values; `choice` where they are no numbers
    base, variant  its values, as numbers or short text
    part           `inputs`, `conventions` or `structure`: where it is kept
    field          its name there
    """

    name: str
    label: str
    unit: str
    base: float | str | bool
    variant: float | str | bool
    part: str
    field: str


def differences(base: PriceModel, variant: PriceModel) -> list[Difference]:
    """Everything in which two models differ and that a price may depend on.

    Choices first, in the order of `Structure`, then inputs in the order of `INPUTS`.
    A construction schedule and the years of construction are one thing.
    """
    found = [
        *_convention_differences(base, variant),
        *_structure_differences(base, variant),
    ]
    scheduled = {base.structure.schedule, variant.structure.schedule} != {None}
    at_base, at_variant = base.baseline(), variant.baseline()
    for name in INPUTS:
        if at_base[name] == at_variant[name] or (scheduled and name == _YEARS):
            continue
        found.append(
            Difference(
                name,
                _label(name, base, variant),
                _unit(name, base, variant),
                float(at_base[name]),
                float(at_variant[name]),
                "inputs",
                name,
            )
        )
    return found


def _label(name: str, *models: PriceModel) -> str:
    given = (model.inputs[name].label for model in models if name in model.inputs)
    return next(given, INPUTS[name].label)


def _unit(name: str, *models: PriceModel) -> str:
    given = (model.inputs[name].unit for model in models if name in model.inputs)
    return next(given, INPUTS[name].unit)


def _convention_differences(base: PriceModel, variant: PriceModel) -> list[Difference]:
    one, other = (m.structure.conventions.as_dict() for m in (base, variant))
    return [
        Difference(
            name, _words(name), "choice", one[name], other[name], "conventions", name
        )
        for name in one
        if one[name] != other[name] and name not in _LABELS
    ]


def _structure_differences(base: PriceModel, variant: PriceModel) -> list[Difference]:
    found = []
    for item in fields(base.structure):
        if item.name == "conventions" or item.name in _LABELS:
            continue
        one, other = (getattr(m.structure, item.name) for m in (base, variant))
        if one == other:
            continue
        name = CHOICE_NAMES.get(item.name, item.name)
        found.append(
            Difference(
                name,
                _words(name),
                "choice",
                _shown(one, item.name, base),
                _shown(other, item.name, variant),
                "structure",
                item.name,
            )
        )
    return found


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _shown(value: Any, name: str, model: PriceModel) -> str:
    """A choice in a few words."""
    if name == "schedule" and value is None:
        years = int(model.baseline()[_YEARS])
        return f"even over {years} year{'s' if years != 1 else ''}"
    text = _text(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _text(value: Any) -> str:
    if value is None or (not value and not isinstance(value, (bool, int, float))):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, (tuple, list)):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(map(str, value)))
    if is_dataclass(value) and not isinstance(value, type):
        parts = [_text(getattr(value, item.name)) for item in fields(value)]
        return " ".join(part for part in parts if part != "none")
    return f"{value:g}" if isinstance(value, float) else str(value)


class Mixtures:
    """Prices of the plants between `base` and `variant`; call it with coalitions.

    ahead    called with the number of prices found since the last call, at least once
             in each block of work; what it raises ends the work
    plants   priced by the whole work of which this is a part: where they are many, the
             kernel prices them, however few a single call asks for
    """

    def __init__(
        self,
        base: PriceModel,
        variant: PriceModel,
        things: Sequence[Difference],
        ahead: Callable[[int], None],
        plants: int = 0,
    ) -> None:
        self._base, self._variant, self._ahead = base, variant, ahead
        self._choices = [i for i, t in enumerate(things) if t.part != "inputs"]
        self._inputs = [i for i, t in enumerate(things) if t.part == "inputs"]
        self._things, self._plants = things, plants
        self._plans: Plans | None = None
        self._reasons: list[str] = []

    @property
    def reason(self) -> str | None:
        """Why a mixture could not be computed, where the model said so."""
        return self._reasons[0] if self._reasons else None

    def __call__(self, coalitions: Coalitions) -> Array:
        """Solved prices, shape (m,); NaN where a mixture has none."""
        prices = np.full(len(coalitions), np.nan)
        chosen = coalitions[:, self._choices]
        kinds, group = np.unique(chosen, axis=0, return_inverse=True)
        order = np.argsort(group.reshape(-1), kind="stable")
        counts = np.bincount(group.reshape(-1), minlength=len(kinds))
        compiled = kernel.serves(max(len(coalitions), self._plants))
        price = self._compiled(coalitions) if compiled else self._plain(coalitions)
        found, at_once = 0, _AT_ONCE if compiled else 1
        for kind, members in zip(
            kinds, np.split(order, np.cumsum(counts)[:-1]), strict=True
        ):
            try:
                prices[members] = price(self._mixed(kind), members)
            except InputError as error:  # two plants may not mix: the caller says so
                self._reasons.append(str(error))
            found += len(members)
            if found >= at_once:
                self._ahead(found)
                found = 0
        self._ahead(found)
        return prices

    def _varied(self, coalitions: Coalitions) -> dict[str, Array]:
        """The inputs that differ, of each coalition."""
        return {
            thing.field: np.where(coalitions[:, index], thing.variant, thing.base)
            for index, thing in ((i, self._things[i]) for i in self._inputs)
        }

    def _plain(self, coalitions: Coalitions) -> Pricing:
        """What prices some of the coalitions, which make the same choices."""
        varied = self._varied(coalitions)

        def price(model: PriceModel, members: Members) -> Array:
            some = {name: column[members] for name, column in varied.items()}
            return model.evaluate(some, between=lambda: self._ahead(0))["price"]

        return price

    def _compiled(self, coalitions: Coalitions) -> Pricing:
        """The same by the kernel, even for a single plant.

        There are thousands of sets of choices: what they share is made once.
        """
        arrays, possible = rows.checked(
            self._varied(coalitions), self._base.refuse_fixed
        )
        if self._plans is None:
            self._plans = kernel.family(tuple(arrays))
        plans = self._plans

        def price(model: PriceModel, members: Members) -> Array:
            some = {name: column[members] for name, column in arrays.items()}
            between = partial(self._ahead, 0) if len(members) > kernel.CHUNK else None
            fits = possible[members] if arrays else possible
            return kernel.evaluate(model, some, fits, ("price",), between, plans)[
                "price"
            ]

        return price

    def _mixed(self, kind: Coalitions) -> PriceModel:
        """The base plant with some of the variant's choices.

        kind   of each choice that differs, whether it is the variant's
        """
        structure, theirs = self._base.structure, self._variant.structure
        chosen: dict[str, Any] = {}
        changes: dict[str, Any] = {}
        for index, taken in zip(self._choices, kind.tolist(), strict=True):
            thing = self._things[index]
            if taken and thing.part == "conventions":
                chosen[thing.field] = getattr(theirs.conventions, thing.field)
            elif taken:
                changes[thing.field] = getattr(theirs, thing.field)
        if chosen:
            changes["conventions"] = replace(structure.conventions, **chosen)
        if not changes:
            return self._base
        inputs = self._base.inputs
        if "schedule" in changes:
            inputs = self._scheduled
        structure = replace(structure, **changes)
        return replace(self._base, inputs=inputs, structure=structure)

    @cached_property
    def _scheduled(self) -> Mapping[str, ModelInput]:
        """The base's inputs with the variant's years of construction."""
        return {**self._base.inputs, _YEARS: _years(self._variant)}


def _years(model: PriceModel) -> ModelInput:
    spec = INPUTS[_YEARS]
    return ModelInput(
        _YEARS, model.baseline()[_YEARS], spec.unit, spec.label, integer=True
    )
