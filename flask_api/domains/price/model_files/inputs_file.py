"""Reads the inputs of a model file: values, units, ranges, distributions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml.comments import CommentedMap

from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.model import ModelInput, Structure
from flask_api.domains.price.model_files import checks, units
from flask_api.domains.price.model_files.inherited import dropped, with_value
from flask_api.domains.price.model_files.placed_yaml import Section
from flask_api.domains.price.model_files.shown import plainly, shown
from flask_api.numerics.distributions import make
from flask_api.numerics.errors import InputError

_INPUT = ("value", "unit", "label", "range", "distribution", "source")


@dataclass(frozen=True)
class Plant:
    """Inputs and structure, and the units in which the file writes its inputs.

    dropped   by input, what it could not keep of the plant that it changes
    """

    inputs: Mapping[str, ModelInput]
    structure: Structure
    product_unit: str
    written: Mapping[str, units.Conversion] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)

    def convert(self, name: str, value: float) -> float:
        """A number of the file in the input's own unit."""
        known = self.written.get(name)
        return value if known is None else known(value)

    def values(self) -> dict[str, float]:
        """Of every input; those left out and required by all plants are 0."""
        found = {name: spec.left_out or 0.0 for name, spec in INPUTS.items()}
        found.update({name: item.value for name, item in self.inputs.items()})
        return found


def with_inputs(base: Plant, section: Section) -> Plant:
    """A plant with the inputs that a section of a file gives."""
    found: dict[str, ModelInput] = {}
    written, lost = dict(base.written), dict(base.dropped)
    for key in section.data:
        try:
            name = canonical(str(key))
        except InputError as error:
            section.refuse(key, str(error))
        if name in found:
            section.refuse(key, f"{name} is given twice")
        found[name], convert, problem = _input(base, section, key, name)
        if convert is not None:
            written[name] = convert
        if problem is not None:
            lost[name] = problem
        elif found[name].low is not None or found[name].distribution is not None:
            lost.pop(name, None)
    part = checks.complete_proportions(found)
    if part is not None:
        given, follows = part
        rest = 1 - found[given].value
        found[follows] = replace(_blank(follows, base.product_unit), value=rest)
    inputs = {**base.inputs, **found}
    wrong = units.disagreement({name: item.unit for name, item in inputs.items()})
    if wrong is not None:
        section.refuse(key_of(section, wrong[0]), wrong[1])
    return replace(base, inputs=inputs, written=written, dropped=lost)


def key_of(section: Section, name: str) -> Any:
    """The key by which a section gives an input, or None."""
    for key in section.data:
        if canonical(str(key)) == name:
            return key
    return None


def _blank(name: str, product_unit: str) -> ModelInput:
    spec = INPUTS[name]
    unit = units.own_unit(name, product_unit)
    return ModelInput(
        name, 0.0, unit, spec.label, s_number=spec.s_number, integer=spec.integer
    )


def _input(
    base: Plant, section: Section, key: Any, name: str
) -> tuple[ModelInput, units.Conversion | None, str | None]:
    """An input, the unit it is written in where that is said, and what it lost.

    A bare number changes the value of the base only, in the unit of the base.
    """
    whole = isinstance(section.data[key], CommentedMap)
    item = section.section(key) if whole else section
    given = item.data if whole else CommentedMap()
    if whole:
        item.only(_INPUT)
    before = base.inputs.get(name) or _blank(name, base.product_unit)
    convert = _unit(base, item, name) if "unit" in given else base.written.get(name)
    in_own = convert or units.Conversion(units.ONE, before.unit)
    place = "value" if whole else key
    if place not in item.data:
        section.refuse(key, "value is missing")
    number = item.number(place)
    value = checks.check_value(
        name,
        number,
        lambda _, written: in_own(written),
        lambda problem: item.refuse(place, problem),
    )
    keep, spec = with_value(before, value, in_own.unit), INPUTS[name]
    low, high = keep.low, keep.high
    if "range" in given:
        low, high = _range(item, in_own, spec.low, spec.high)
        if not low <= value <= high:
            item.refuse(
                "range",
                f"{plainly(low)} to {plainly(high)} doesn't hold the value "
                f"{plainly(value)}",
            )
    changed = replace(
        keep,
        label=item.text("label", most=200) if "label" in given else keep.label,
        low=low,
        high=high,
        distribution=(
            _distribution(item, in_own)
            if "distribution" in given
            else keep.distribution
        ),
        source=item.text("source") if "source" in given else keep.source,
    )
    return changed, convert, dropped(before, keep, given)


def _unit(base: Plant, item: Section, name: str) -> units.Conversion:
    text = item.text("unit")
    try:
        return units.conversion(name, text, base.product_unit)
    except InputError as error:
        item.refuse("unit", str(error))


def _range(
    item: Section, convert: units.Conversion, lowest: float, highest: float
) -> tuple[float, float]:
    given = item.data["range"]
    if not isinstance(given, list) or len(given) != 2:
        item.refuse("range", f"want [low, high], got {shown(given)}")
    low, high = (convert(item.number("range", one)) for one in given)
    if not lowest <= low < high <= highest:
        item.refuse(
            "range",
            f"want low < high within {lowest:g} to {highest:g}, got {low:g}, {high:g}",
        )
    return low, high


def _distribution(item: Section, convert: units.Conversion) -> Mapping[str, Any]:
    section = item.section("distribution")
    given: dict[str, Any] = {"kind": section.text("kind")}
    for key, value in section.data.items():
        if isinstance(value, list):
            given[str(key)] = [section.number(key, one) for one in value]
        elif key != "kind":
            given[str(key)] = section.number(key)
    try:
        made = units.convert_distribution(given, convert)
        make(made, "distribution")
    except InputError as error:
        if error.details is not None:
            raise
        item.refuse("distribution", str(error))
    return made
