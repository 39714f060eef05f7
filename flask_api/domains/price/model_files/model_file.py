"""Reads one model file; what is wrong is named with file, line, column and key."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import ModelInput, Structure
from flask_api.domains.price.model_files import checks
from flask_api.domains.price.model_files.inputs_file import Plant, key_of, with_inputs
from flask_api.domains.price.model_files.placed_yaml import Section, parse
from flask_api.domains.price.model_files.structure_file import STRUCTURE, restructure

_TOP = (
    "title",
    "description",
    "source",
    "date",
    "product_unit",
    *STRUCTURE,
    "inputs",
    "extensions",
)
_EXTENSION = ("title", "description", "extends", "inputs", *STRUCTURE)
_MOST_EXTENSIONS = 100


@dataclass(frozen=True)
class Variant:
    """An extension of a file, with what it builds on."""

    title: str
    description: str
    extends: str | None
    plant: Plant

    @property
    def notes(self) -> tuple[str, ...]:
        """What its owner should know of it."""
        return tuple(self.plant.dropped.values())


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


def read(name: str, content: bytes, field: str = "version") -> ModelFile:
    """The model that a file's content describes.

    name    of the file, for messages
    field   of the request that named or carried the file

    Raises InputError with file, line, column and key.
    """
    top = parse(name, content, field)
    top.only(_TOP)
    title = top.text("title", most=200)
    if "inputs" not in top.data:
        top.refuse(None, "inputs is missing")
    product = top.text("product_unit", "unit", 40).strip() or "unit"
    plant = with_inputs(Plant({}, Structure(), product), top.section("inputs"))
    for required, spec in INPUTS.items():
        if spec.left_out is None and required not in plant.inputs:
            top.refuse("inputs", f"{required} is missing ({spec.label}, {spec.unit})")
    plant = _with_structure(plant, top)
    return ModelFile(
        title=title,
        description=top.text("description", "").strip(),
        source=top.text("source", "").strip(),
        date=_date(top),
        product_unit=product,
        inputs=plant.inputs,
        structure=plant.structure,
        extensions=_extensions(top, plant),
    )


def _date(top: Section) -> str | None:
    """When the numbers are from: a date that exists, or words such as `spring 2026`."""
    if "date" not in top.data:
        return None
    text = top.text("date", most=40)
    if re.match(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            datetime.date.fromisoformat(text[:10])
        except ValueError:
            top.refuse("date", f"there is no day {text[:10]}")
    return text


def _extensions(top: Section, base: Plant) -> dict[str, Variant]:
    """The variants of a file, each built on its base so that faults show at once."""
    if "extensions" not in top.data:
        return {}
    section = top.section("extensions")
    found: dict[str, Variant] = {}
    if len(section.data) > _MOST_EXTENSIONS:
        top.refuse("extensions", f"want {_MOST_EXTENSIONS} at most")
    for name in section.data:
        if not isinstance(name, str) or not 1 <= len(name) <= 64:
            section.refuse(name, "an extension's name is a text of 1 to 64 characters")
        for one in reversed(_line_of(section, name)):
            if one not in found:
                changes = section.section(one)
                below = found.get(changes.data.get("extends"))
                found[one] = _variant(one, changes, below.plant if below else base)
    return {name: found[name] for name in section.data}


def _line_of(section: Section, name: str) -> list[str]:
    """An extension and those it builds on, itself first."""
    line = [name]
    while True:
        changes = section.section(line[-1])
        if "extends" not in changes.data:
            return line
        base = changes.text("extends")
        if base not in section.data:
            there = ", ".join(str(key) for key in section.data)
            changes.refuse(
                "extends", f"there is no extension {base[:60]!r}; there are {there}"
            )
        if base in line:
            chain = " -> ".join([*line[line.index(base) :], base])
            changes.refuse(
                "extends", f"extensions build on each other in a circle: {chain}"
            )
        line.append(base)


def _variant(name: str, changes: Section, below: Plant) -> Variant:
    changes.only(_EXTENSION)
    plant = below
    if "inputs" in changes.data:
        plant = with_inputs(below, changes.section("inputs"))
    plant = _with_structure(plant, changes)
    return Variant(
        changes.text("title", name, 200),
        changes.text("description", "").strip(),
        changes.text("extends") if "extends" in changes.data else None,
        plant,
    )


def _with_structure(plant: Plant, section: Section) -> Plant:
    """A plant after what a section says besides inputs, checked as a whole."""
    structure = restructure(plant.structure, section, plant.values(), plant.convert)
    if structure.schedule is not None and "construction_years" in plant.inputs:
        key = "construction_schedule"
        if key not in section.data:
            section = section.section("inputs")
            key = key_of(section, "construction_years")
        section.refuse(
            key, "give construction_schedule or inputs.construction_years, not both"
        )
    plant = replace(plant, structure=structure)
    _refuse_faults(plant, section)
    return plant


def _refuse_faults(plant: Plant, section: Section) -> None:
    """Refuse what can't be together, at the key of this section that made it so."""
    values = plant.values()
    if plant.structure.schedule is not None:
        values["construction_years"] = float(len(plant.structure.schedule))
    for fault in checks.faults(values, plant.structure, plant.inputs):
        inputs = section.section("inputs") if "inputs" in section.data else None
        for name in fault.names:
            key = None if inputs is None else key_of(inputs, name)
            if inputs is not None and key is not None:
                inputs.refuse(key, fault.problem)
            if name in section.data:
                section.refuse(name, fault.problem)
        last = "conventions" if "conventions" in section.data else None
        section.refuse(last, fault.problem)
