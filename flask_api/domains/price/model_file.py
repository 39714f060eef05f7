"""Reads one model file; what is wrong is named with file, line, column and key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.comments import CommentedMap

from flask_api.domains.price import capital, conventions, depreciation
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.model import ModelInput, Structure
from flask_api.domains.price.placed_yaml import Section, parse, shown
from flask_api.numerics.errors import InputError

_TOP = (
    "title",
    "description",
    "source",
    "date",
    "product_unit",
    "preset",
    "conventions",
    "construction_schedule",
    "depreciation",
    "replacements",
    "replacement_depreciation",
    "inputs",
    "extensions",
)
_STRUCTURE = _TOP[5:-2]
_INPUT = ("value", "unit", "label", "range", "distribution", "source")
_EXTENSION = ("title", "description", "inputs", *_STRUCTURE)


@dataclass(frozen=True)
class Variant:
    """An extension: what it changes, still to be applied to its base."""

    title: str
    description: str
    changes: Section


@dataclass(frozen=True)
class ModelFile:
    """A model file, checked."""

    title: str
    description: str
    source: str
    date: str | None
    product_unit: str
    inputs: Mapping[str, ModelInput]
    structure: Structure
    extensions: Mapping[str, Variant] = field(default_factory=dict)


def read(name: str, content: bytes) -> ModelFile:
    """The model that a file's content describes.

    name   of the file, for messages

    Raises InputError with file, line, column and key.
    """
    top = Section(name, "", parse(name, content))
    top.only(_TOP)
    title = top.text("title")
    if "inputs" not in top.data:
        top.refuse(None, "inputs is missing")
    found = inputs(top.section("inputs"), {})
    for required, spec in INPUTS.items():
        if spec.left_out is None and required not in found:
            top.refuse("inputs", f"{required} is missing ({spec.label}, {spec.unit})")
    structure = restructure(Structure(), top, found)
    if structure.schedule is not None and "construction_years" in found:
        top.refuse(
            "construction_schedule", "give this or inputs.construction_years, not both"
        )
    return ModelFile(
        title=title,
        description=top.text("description", "").strip(),
        source=top.text("source", "").strip(),
        date=top.text("date") if "date" in top.data else None,
        product_unit=top.text("product_unit", "unit"),
        inputs=found,
        structure=structure,
        extensions=_extensions(top, found, structure),
    )


def _extensions(
    top: Section, base: Mapping[str, ModelInput], structure: Structure
) -> dict[str, Variant]:
    """The variants of a file, each tried on its base so that faults show at once."""
    if "extensions" not in top.data:
        return {}
    section, found = top.section("extensions"), {}
    for name in section.data:
        changes = section.section(name)
        changes.only(_EXTENSION)
        apply(base, structure, changes)
        found[str(name)] = Variant(
            changes.text("title", str(name)),
            changes.text("description", "").strip(),
            changes,
        )
    return found


def apply(
    base: Mapping[str, ModelInput], structure: Structure, changes: Section
) -> tuple[dict[str, ModelInput], Structure]:
    """Inputs and structure of a base with an extension's changes."""
    found = dict(base)
    if "inputs" in changes.data:
        found.update(inputs(changes.section("inputs"), base))
    return found, restructure(structure, changes, found)


def inputs(section: Section, base: Mapping[str, ModelInput]) -> dict[str, ModelInput]:
    """The inputs a mapping names; a bare number changes the value of `base` only."""
    found: dict[str, ModelInput] = {}
    for key in section.data:
        try:
            name = canonical(str(key))
        except InputError as error:
            section.refuse(key, str(error))
        if name in found:
            section.refuse(key, f"{name} is given twice")
        found[name] = _input(section, key, name, base.get(name))
    return found


def _input(
    section: Section, key: Any, name: str, before: ModelInput | None
) -> ModelInput:
    spec = INPUTS[name]
    whole = isinstance(section.data[key], CommentedMap)
    item = section.section(key) if whole else section
    if whole:
        item.only(_INPUT)
    place = "value" if whole else key
    value = item.number(place)
    if not spec.allows(value):
        item.refuse(place, f"{name} is {value:g}; want {spec.bounds}")
    if spec.integer and value != round(value):
        item.refuse(place, f"{name} is {value:g}; want whole {spec.unit}")
    keep = before or ModelInput(
        name, value, spec.unit, spec.label, s_number=spec.s_number, integer=spec.integer
    )
    given = item.data if whole else {}
    low, high = _range(item, spec.low, spec.high) if "range" in given else (None, None)
    return ModelInput(
        name=name,
        value=value,
        unit=item.text("unit") if "unit" in given else keep.unit,
        label=item.text("label") if "label" in given else keep.label,
        low=low if low is not None else keep.low,
        high=high if high is not None else keep.high,
        distribution=(
            _distribution(item) if "distribution" in given else keep.distribution
        ),
        s_number=keep.s_number,
        integer=keep.integer,
        source=item.text("source") if "source" in given else keep.source,
    )


def _range(item: Section, lowest: float, highest: float) -> tuple[float, float]:
    given = item.data["range"]
    if not isinstance(given, list) or len(given) != 2:
        item.refuse("range", f"want [low, high], got {shown(given)}")
    low, high = item.number("range", given[0]), item.number("range", given[1])
    if not lowest <= low < high <= highest:
        item.refuse(
            "range",
            f"want low < high within {lowest:g} to {highest:g}, got {low:g}, {high:g}",
        )
    return low, high


def _distribution(item: Section) -> Mapping[str, Any]:
    section = item.section("distribution")
    result: dict[str, Any] = {"kind": section.text("kind")}
    for key, value in section.data.items():
        if isinstance(value, list):
            result[str(key)] = [section.number(key, one) for one in value]
        elif key != "kind":
            result[str(key)] = section.number(key)
    return result


def restructure(
    before: Structure, section: Section, found: Mapping[str, ModelInput]
) -> Structure:
    """`before` with what the section says on conventions, schedule and assets."""
    data = section.data
    choice = before.conventions
    try:
        if "preset" in data:
            choice = conventions.preset(data["preset"])
        if "conventions" in data:
            changes = section.section("conventions")
            choice = conventions.change(choice, dict(changes.data))
    except InputError as error:
        key = "preset" if error.field == "preset" else "conventions"
        section.refuse(key, str(error))
    schedule = before.schedule
    if "construction_schedule" in data:
        given = data["construction_schedule"]
        if not isinstance(given, list):
            section.refuse("construction_schedule", "want a list of yearly shares")
        numbers = [section.number("construction_schedule", one) for one in given]
        try:
            schedule = capital.check_schedule(numbers, "version")
        except InputError as error:
            section.refuse("construction_schedule", str(error))
    method = before.replacement_method
    if "replacement_depreciation" in data:
        method = _replacement_method(section, "replacement_depreciation")
    return Structure(
        conventions=choice,
        assets=(
            _assets(section, choice, found) if "depreciation" in data else before.assets
        ),
        schedule=schedule,
        replacements=(
            _replacements(section) if "replacements" in data else before.replacements
        ),
        replacement_method=method,
    )


def _method(section: Section, key: str) -> str:
    try:
        return depreciation.method_name(section.text(key))
    except InputError as error:
        if error.details is not None:  # already placed by section.text
            raise
        section.refuse(key, str(error))


def _replacement_method(section: Section, key: str) -> str | None:
    if section.data[key] == "none":
        return None
    method = _method(section, key)
    if method == depreciation.AS_INCOME_ALLOWS:
        section.refuse(key, f"want none or a fixed method, got {method}")
    return method


def _assets(
    section: Section,
    choice: conventions.Conventions,
    found: Mapping[str, ModelInput],
) -> tuple[depreciation.AssetClass, ...]:
    """Asset classes; $ amounts become shares of the file's own overnight cost."""
    if isinstance(section.data["depreciation"], str):
        method = _method(section, "depreciation")
        return (depreciation.AssetClass("plant", method, 1.0),)
    classes = section.section("depreciation")
    values = {name: spec.left_out or 0.0 for name, spec in INPUTS.items()}
    values.update({name: item.value for name, item in found.items()})
    rungs = capital.ladder(values, choice.contingency_basis)
    overnight, assets = float(rungs["total_overnight_cost"]), []
    for name in classes.data:
        item = classes.section(name)
        item.only(("method", "share", "amount"))
        method = _method(item, "method")
        if ("share" in item.data) == ("amount" in item.data):
            item.refuse("method", "give either share (of overnight cost) or amount ($)")
        if "share" in item.data:
            share = item.number("share")
        else:
            share = item.number("amount") / overnight if overnight else math.inf
        if not 0 <= share <= 1:
            item.refuse(
                "method", f"the share of overnight cost is {share:g}; want 0..1"
            )
        assets.append(depreciation.AssetClass(str(name), method, share))
    if sum(asset.share for asset in assets) > 1 + 1e-9:
        section.refuse("depreciation", "the shares of the classes sum to more than 1")
    return tuple(assets)


def _replacements(section: Section) -> dict[int, float]:
    given = section.section("replacements")
    for year in given.data:
        if isinstance(year, bool) or not isinstance(year, int) or year < 1:
            given.refuse(year, "want an operating year, 1 or later")
    return {int(year): given.number(year) for year in given.data}
