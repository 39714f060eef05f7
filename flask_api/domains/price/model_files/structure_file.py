"""Reads what a model file says besides numbers: customs, schedules, assets, years."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from flask_api.domains.price import conventions
from flask_api.domains.price.calculation import capital, depreciation
from flask_api.domains.price.model import Period, Structure
from flask_api.domains.price.model_files import checks
from flask_api.domains.price.model_files.placed_yaml import Section
from flask_api.domains.price.model_files.shown import shown
from flask_api.numerics.errors import InputError

#: Keys of a model file, or of an extension, that are read here.
STRUCTURE = (
    "preset",
    "conventions",
    "construction_schedule",
    "depreciation",
    "replacements",
    "replacement_depreciation",
    "periods",
    "off",
    "selectedV",
    "selectedF",
    "products",
    "solves",
)
_SWITCHES = {"selectedV": "V", "selectedF": "F"}
_CLASS = ("method", "share", "amount", "table")


def restructure(
    before: Structure,
    section: Section,
    values: Mapping[str, float],
    convert: checks.Convert,
) -> Structure:
    """`before` with what a section of a file says otherwise.

    values    of every input, those of this section included
    convert   from the unit of the file into the input's own
    """
    data = section.data
    choice = _conventions(before.conventions, section)
    changed: dict[str, Any] = {"conventions": choice}
    if "construction_schedule" in data:
        changed["schedule"] = _schedule(section)
    if "depreciation" in data:
        changed["assets"] = _assets(section, choice, values)
    if "replacements" in data:
        changed["replacements"] = _replacements(section, values["plant_lifetime"])
    if "replacement_depreciation" in data:
        changed["replacement_method"] = _replacement_method(section)
    if "off" in data or any(key in data for key in _SWITCHES):
        changed["off"] = _off(before.off, section)
    if "products" in data:
        changed["products"] = _products(section)
    if "solves" in data:
        changed["solves"] = checks.calculation(
            data["solves"], lambda problem: section.refuse("solves", problem)
        )
    if "periods" in data:
        changed["periods"] = _periods(section, values["plant_lifetime"], convert)
    structure = replace(before, **changed)
    if "periods" in data:
        return structure
    return checks.within_life(structure, values["plant_lifetime"])


def _conventions(
    before: conventions.Conventions, section: Section
) -> conventions.Conventions:
    choice = before
    if "preset" in section.data:
        section.text("preset")
    if "conventions" in section.data:
        _refuse_no_choices(section.section("conventions"))
    try:
        if "preset" in section.data:
            choice = conventions.preset(section.data["preset"])
        if "conventions" in section.data:
            changes = section.section("conventions")
            choice = conventions.change(
                choice, {str(key): value for key, value in changes.data.items()}
            )
    except InputError as error:
        if error.details is not None:  # placed already
            raise
        if error.field == "preset":
            section.refuse("preset", str(error))
        given = section.section("conventions")
        key = str(error.field).partition(".")[2]
        given.refuse(key if key in given.data else None, str(error))
    return choice


def _refuse_no_choices(given: Section) -> None:
    for key, value in given.data.items():
        if not isinstance(value, str | bool):
            given.refuse(key, f"want a word, or true or false; got {shown(value)}")


def _schedule(section: Section) -> tuple[float, ...]:
    key = "construction_schedule"
    numbers = [section.number(key, one) for one in section.list_of(key)]
    if len(numbers) > 20:
        section.refuse(key, f"want 20 years at most, got {len(numbers)}")
    try:
        return capital.check_schedule(numbers, "version")
    except InputError as error:
        section.refuse(key, str(error))


def _method(section: Section, key: str) -> str:
    try:
        return depreciation.method_name(section.text(key))
    except InputError as error:
        if error.details is not None:  # already placed by section.text
            raise
        section.refuse(key, str(error))


def _replacement_method(section: Section) -> str | None:
    key = "replacement_depreciation"
    if section.data[key] == "none":
        return None
    method = _method(section, key)
    if method in (depreciation.AS_INCOME_ALLOWS, depreciation.CUSTOM):
        section.refuse(key, f"want none or a fixed method, got {method}")
    return method


def _assets(
    section: Section, choice: conventions.Conventions, values: Mapping[str, float]
) -> tuple[depreciation.AssetClass, ...]:
    """Asset classes; $ amounts become shares of the file's own overnight cost."""
    given = section.data["depreciation"]
    if isinstance(given, str):
        method = _method(section, "depreciation")
        if method == depreciation.CUSTOM:
            section.refuse(
                "depreciation",
                "custom wants its table: {method: custom, table: [0.5, 0.3, 0.2]}",
            )
        return (depreciation.AssetClass("plant", method, 1.0),)
    classes = section.section("depreciation")
    if isinstance(classes.data.get("method"), str):
        classes.only(("method", "table"))
        return (_class("plant", classes, 1.0),)
    rungs = capital.ladder(values, choice.contingency_basis)
    overnight, assets = float(rungs["total_overnight_cost"]), []
    for name in classes.data:
        item = classes.section(name)
        item.only(_CLASS)
        if ("share" in item.data) == ("amount" in item.data):
            item.refuse(
                "method" if "method" in item.data else None,
                "give either share (of overnight cost) or amount ($)",
            )
        key = "share" if "share" in item.data else "amount"
        share = item.number(key)
        if key == "amount":
            share = share / overnight if overnight else math.inf
        if not 0 <= share <= 1:
            item.refuse(key, f"the share of overnight cost is {share:g}; want 0..1")
        assets.append(_class(str(name), item, share))
    if not assets:
        section.refuse("depreciation", "want a method, or asset classes by name")
    if sum(asset.share for asset in assets) > 1 + 1e-9:
        section.refuse("depreciation", "the shares of the classes sum to more than 1")
    return tuple(assets)


def _class(name: str, item: Section, share: float) -> depreciation.AssetClass:
    method = _method(item, "method")
    if method != depreciation.CUSTOM:
        if "table" in item.data:
            item.refuse("table", f"{method} has its own table; only custom takes one")
        return depreciation.AssetClass(name, method, share)
    if "table" not in item.data:
        item.refuse("method", "custom wants its table: yearly shares that sum to 1")
    given = item.list_of("table")
    for year, part in enumerate(given, start=1):
        if isinstance(part, bool) or not isinstance(part, int | float):
            item.refuse("table", f"year {year} has {shown(part)}; want a number")
    try:
        table = depreciation.check_table(given, "table")
    except InputError as error:
        if error.details is not None:
            raise
        item.refuse("table", str(error))
    return depreciation.AssetClass(name, method, share, table)


def _replacements(section: Section, plant_lifetime: float) -> dict[int, float]:
    given = section.section("replacements")
    for year in given.data:
        if isinstance(year, bool) or not isinstance(year, int) or not 1 <= year <= 100:
            given.refuse(year, "want an operating year, 1 to 100")
        if year > plant_lifetime:
            given.refuse(
                year,
                f"year {year} is beyond plant_lifetime, {plant_lifetime:g}: nothing "
                "is replaced any more",
            )
    return {int(year): given.number(year) for year in given.data}


def _off(before: frozenset[str], section: Section) -> frozenset[str]:
    off = before
    if "off" in section.data:
        slots = [slot for group in checks.SLOTS.values() for slot in group]
        given = section.list_of("off")
        for slot in given:
            if slot not in slots:
                section.refuse(
                    "off",
                    f"there is no slot {shown(slot)}; there are {', '.join(slots)}",
                )
        off = frozenset(str(slot) for slot in given)
    for key, letter in _SWITCHES.items():
        if key in section.data:
            if "off" in section.data:
                section.refuse(key, f"give off or {key}, not both")
            switches = section.section(key)
            off = checks.switched(off, dict(switches.data), letter, switches.refuse)
    return off


def _products(section: Section) -> dict[int, str]:
    given = section.section("products")
    for number in given.data:
        if isinstance(number, bool) or number not in range(2, 6):
            given.refuse(number, "want the number of a product, 2 to 5")
    return {int(number): given.text(number, most=60) for number in given.data}


def _periods(
    section: Section, plant_lifetime: float, convert: checks.Convert
) -> tuple[Period, ...]:
    items = section.sections("periods")

    def refuse(index: int | None, key: str | None, problem: str) -> NoReturn:
        if index is None:
            section.refuse("periods", problem)
        item, (first, _, rest) = items[index], (key or "").partition(".")
        if rest and first in item.data:
            inputs = item.section(first)
            known = {str(one): one for one in inputs.data}
            inputs.refuse(known.get(rest), problem)
        item.refuse(key if key in item.data else None, problem)

    return checks.check_periods(
        [item.data for item in items], plant_lifetime, convert, refuse
    )
