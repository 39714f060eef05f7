"""A model with some of its inputs, choices and years replaced by a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from flask_api.domains.price import conventions
from flask_api.domains.price.calculation import depreciation
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.model import ModelInput, Period, PriceModel, Structure
from flask_api.domains.price.model_files import checks
from flask_api.domains.price.model_files.inherited import with_value
from flask_api.domains.price.model_files.shown import shown
from flask_api.numerics.errors import InputError, NoSolutionError

#: A number or a word; lists and mappings for switches, periods and tables.
Override = float | str | bool | Mapping[str, Any] | Sequence[Any]
#: Where a name (of an override, `version`, `extension`) stands in the request.
Place = Callable[[str], str]

#: What may be overridden beside inputs and conventions, and the seed's names for it.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "preset": (),
    "depreciation_method": ("S20",),
    "depreciation_table": ("depreciationTable",),
    "use_direct_operating_expenses": ("S18",),
    "loan_type": ("S21", "loanType"),
    "interest_type": ("S22", "interestType"),
    "selected_v": ("selectedV",),
    "selected_f": ("selectedF",),
    "selected_calculation_option": ("selectedCalculationOption", "solves"),
    "target_row": ("targetRow",),
    "periods": (),
}
_BY_NAME = {
    spelling: name for name, others in CHOICES.items() for spelling in (name, *others)
}
_NUMBERED = re.compile(r"(?:S|.*Amount)(18|20|21|22)", re.IGNORECASE | re.ASCII)
_LOAN_TYPES = ("simple", "compounded")


def in_overrides(name: str) -> str:
    """Where a name stands if the request has nothing but overrides."""
    return name if name in ("version", "extension") else f"overrides.{name}"


def choice_name(given: str) -> str | None:
    """The canonical name of a choice such as `S20` or `selectedV`; None if it is none.

    `target_row` is an input and a choice of the seed's: here it counts as an input.
    """
    numbered = _NUMBERED.fullmatch(given)
    found = _BY_NAME.get(f"S{numbered[1]}" if numbered else given)
    if found is None and given in conventions.CHOICES:
        return given
    return found if found != "target_row" else None


def override(
    model: PriceModel, overrides: Mapping[str, Override], place: Place = in_overrides
) -> PriceModel:
    """The model with some inputs, conventions, switches or years replaced.

    overrides   by input (any of its three names), convention, or a name of `CHOICES`
    place       says where a name stands in the request, for messages

    A preset counts before single conventions, whatever the order. One part of a loan
    payment (S24, S25) given alone sets the other. Raises InputError with the field.
    """
    given: dict[str, tuple[str, Override]] = {}
    for key, value in overrides.items():
        name = choice_name(key) or canonical(_BY_NAME.get(key, key), place(key))
        if name in given:
            raise InputError(f"{name} is given twice in overrides", field=place(key))
        given[name] = (key, value)
    inputs = dict(model.inputs)
    for name in [name for name in given if name in INPUTS]:
        key, value = given[name]
        model.refuse_fixed(name, place(key))
        inputs[name] = _input(inputs.get(name), name, value, place(key))
    part = checks.complete_proportions(given)
    if part is not None:
        rest = 1 - inputs[part[0]].value
        inputs[part[1]] = _input(inputs.get(part[1]), part[1], rest, "")
    changed = replace(model, inputs=inputs)
    structure = _structure(changed, given, place)
    _refuse_faults(replace(changed, structure=structure), given, place)
    return replace(changed, structure=structure)


def blamed(problem: str, overrides: Mapping[str, Override], place: Place) -> str | None:
    """Where the override stands that a problem speaks of; None where it is of none."""
    names = {
        choice_name(key) or canonical(_BY_NAME.get(key, key)): key for key in overrides
    }
    also = {"use_direct_operating_expenses": "operating_cost_fraction"}
    for name, key in names.items():
        if name in problem:
            return place(key)
    for name, key in names.items():
        if name in also and also[name] in problem:
            return place(key)
    return None


def _input(
    before: ModelInput | None, name: str, value: Override, field: str
) -> ModelInput:
    def refuse(problem: str) -> NoReturn:
        raise InputError(problem, field=field)

    number = checks.check_value(name, value, lambda _, plain: plain, refuse)
    if before is not None:
        return with_value(before, number)
    spec = INPUTS[name]
    return ModelInput(
        name,
        number,
        spec.unit,
        spec.label,
        s_number=spec.s_number,
        integer=spec.integer,
    )


def _structure(
    model: PriceModel, given: Mapping[str, tuple[str, Override]], place: Place
) -> Structure:
    """The structure after all choices of a request, the preset first."""
    found = model.structure
    order = sorted(given, key=lambda name: name != "preset")
    for name in [name for name in order if name not in INPUTS]:
        key, value = given[name]
        if name not in ("periods", "depreciation_table"):
            found = _chosen(found, name, key, value, given, place)
    if "depreciation_table" in given and "depreciation_method" not in given:
        key, value = given["depreciation_table"]
        if any(asset.method != depreciation.CUSTOM for asset in found.assets):
            raise InputError(
                f"{key} is the table of depreciation_method (S20) Custom: give both",
                field=place(key),
            )
        found = _depreciated(found, depreciation.CUSTOM, given, place, place(key))
    life = model.baseline()["plant_lifetime"]
    if "periods" in given:
        key, value = given["periods"]
        found = replace(found, periods=_periods(value, life, place(key)))
        return found
    return checks.within_life(found, life)


def _chosen(
    before: Structure,
    name: str,
    key: str,
    value: Override,
    given: Mapping[str, tuple[str, Override]],
    place: Place,
) -> Structure:
    """The structure with one choice made."""
    field = place(key)

    def refuse(problem: str) -> NoReturn:
        raise InputError(f"{key}: {problem}", field=field)

    if name == "preset":
        return replace(before, conventions=conventions.preset(value, field))
    if name == "depreciation_method":
        if not isinstance(value, str):
            refuse(f"got {shown(value)}; want one of {depreciation.METHODS}")
        method = depreciation.method_name(value, field)
        return _depreciated(before, method, given, place, field)
    if name in ("selected_v", "selected_f"):

        def at(slot: str | None, problem: str) -> NoReturn:
            where = field if slot is None else f"{field}.{slot}"
            raise InputError(f"{key}: {problem}", field=where)

        off = checks.switched(before.off, value, name[-1].upper(), at)
        return replace(before, off=off)
    if name == "selected_calculation_option":
        return replace(before, solves=checks.calculation(value, refuse))
    custom, choice = _convention(before, name, value, refuse)
    try:
        changed = conventions.change(before.conventions, {custom: choice})
    except InputError as error:
        raise InputError(str(error), field=field) from None
    return replace(before, conventions=changed)


def _convention(
    before: Structure, name: str, value: Override, refuse: Callable[[str], NoReturn]
) -> tuple[str, Override]:
    """The convention that a choice of the seed's stands for, and its value."""
    if name == "use_direct_operating_expenses":
        words = {"true": True, "false": False}
        direct = words.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(direct, bool):
            refuse(f"got {shown(value)}; want true or false")
        return "operating_cost", "fraction_of_revenue" if direct else "itemised"
    if name == "loan_type":
        kind = value.lower() if isinstance(value, str) else None
        if kind not in _LOAN_TYPES:
            refuse(f"got {shown(value)}; choose one of {', '.join(_LOAN_TYPES)}")
        now = before.conventions.construction_interest
        if kind == "compounded":
            return "construction_interest", "capitalised"
        return "construction_interest", "cumulative" if now == "capitalised" else now
    if name == "interest_type" and isinstance(value, str):
        return name, value.lower()
    return name, value


def _depreciated(
    before: Structure,
    method: str,
    given: Mapping[str, tuple[str, Override]],
    place: Place,
    field: str,
) -> Structure:
    """All asset classes written off by one method."""
    key, table = given.get("depreciation_table", ("", None))
    if method != depreciation.CUSTOM:
        if table is not None:
            raise InputError(
                f"{method} has its own table; only Custom takes {key}", field=place(key)
            )
        assets = tuple(
            replace(asset, method=method, table=None) for asset in before.assets
        )
        return replace(before, assets=assets)
    if table is None:
        if all(asset.method == method for asset in before.assets):
            return before
        raise InputError(
            "depreciation method Custom wants depreciation_table beside it: the share "
            "of the capital written off in each operating year, together 1",
            field=field,
        )
    if not isinstance(table, list | tuple):
        raise InputError(
            f"{key} is {shown(table)}; want a list of yearly shares", field=place(key)
        )
    try:
        shares = depreciation.check_table(table, key)
    except InputError as error:
        raise InputError(str(error), field=place(key)) from None
    assets = tuple(
        replace(asset, method=method, table=shares) for asset in before.assets
    )
    return replace(before, assets=assets)


def _periods(value: Override, plant_lifetime: float, field: str) -> tuple[Period, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(
            f"periods is {shown(value)}; want a list of {{start, end, inputs}}",
            field=field,
        )

    def refuse(index: int | None, key: str | None, problem: str) -> NoReturn:
        where = field if index is None else f"{field}[{index}]"
        raise InputError(
            f"periods: {problem}", field=where if key is None else f"{where}.{key}"
        )

    return checks.check_periods(value, plant_lifetime, lambda _, x: x, refuse)


def _refuse_faults(
    model: PriceModel, given: Mapping[str, tuple[str, Override]], place: Place
) -> None:
    """Refuse what can't be together, at the field that made it so."""
    # `target_row` means the last year at most: seed's pages send it with every plant
    named = set(model.inputs) - {"target_row"}
    for fault in checks.faults(model.baseline(), model.structure, named):
        also = {"interest_type": ("interest_type", "preset")}
        names = [one for name in fault.names for one in also.get(name, (name,))]
        field = next((place(given[name][0]) for name in names if name in given), None)
        if field is None:  # such as a preset that changes what taxes take together
            field = next((place(key) for key, _ in given.values()), "model")
        kind = NoSolutionError if fault.hopeless else InputError
        raise kind(fault.problem, field=field)
