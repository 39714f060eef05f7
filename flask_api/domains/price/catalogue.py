"""Price models by version: found in YAML files, with extensions and overrides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from flask_api.domains.price import conventions, depreciation
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.model import ModelInput, PriceModel, Structure
from flask_api.domains.price.model_file import ModelFile, Variant, apply, read
from flask_api.domains.price.revision import model_files
from flask_api.numerics.errors import InputError

#: Named choices that `overrides` may set beside inputs, by the seed's names as well.
DEPRECIATION_NAMES = ("depreciation_method", "S20", "depreciationMethodAmount20")
DIRECT_COST_NAMES = (
    "use_direct_operating_expenses",
    "S18",
    "use_direct_operating_expensesAmount18",
)

Override = float | str | bool


def load(
    version: str = "1",
    extension: str | None = None,
    overrides: Mapping[str, Override] | None = None,
    models_dir: str | None = None,
) -> PriceModel:
    """The price model of a version.

    version      name of a model file; `1` is the seed's default plant
    extension    a variant of that file; None or empty = none
    overrides    values by name, or a convention (`preset`, `loan_deduction`, ...),
                 `depreciation_method`, `use_direct_operating_expenses`
    models_dir   the user's own folder of model files, or None

    Raises InputError with field `version`, `extension` or `overrides.<name>`, which
    says what there is.
    """
    files = model_files(models_dir)
    version = str(version)
    if version not in files:
        raise InputError(
            f"there is no price model of version {version[:60]!r}; there are "
            f"{', '.join(files)}",
            field="version",
        )
    file = files[version]
    found = _read(file.name, file.read_bytes())
    inputs, structure, title = dict(found.inputs), found.structure, found.title
    if extension:
        variant = found.extensions.get(extension)
        if variant is None:
            there = ", ".join(found.extensions) or "none"
            raise InputError(
                f"version {version} has no extension {extension[:60]!r}; there are "
                f"{there}",
                field="extension",
            )
        inputs, structure = apply(inputs, structure, variant.changes)
        title = f"{title}: {variant.title}"
    model = PriceModel(
        version=version,
        extension=extension or None,
        title=title,
        inputs=inputs,
        structure=structure,
        description=found.description,
        source=found.source,
        date=found.date,
        product_unit=found.product_unit,
    )
    return override(model, overrides) if overrides else model


@lru_cache(maxsize=64)
def _read(name: str, content: bytes) -> ModelFile:
    return read(name, content)


def override(model: PriceModel, overrides: Mapping[str, Override]) -> PriceModel:
    """The model with some inputs or conventions replaced."""
    inputs, structure = dict(model.inputs), model.structure
    changed: set[str] = set()
    for given, value in overrides.items():
        field = f"overrides.{given}"
        choice = _choice(structure, given, value, field)
        if choice is not None:
            structure = choice
            continue
        name = canonical(given, field)
        if name in changed:
            raise InputError(f"{name} is given twice in overrides", field=field)
        changed.add(name)
        model.refuse_fixed(name, field)
        inputs[name] = _overridden(inputs.get(name), name, value, field)
    return replace(model, inputs=inputs, structure=structure)


def _choice(
    structure: Structure, given: str, value: Override, field: str
) -> Structure | None:
    """The structure with a named choice made, or None if `given` names none."""
    if given in DEPRECIATION_NAMES:
        if not isinstance(value, str):
            raise InputError(
                f"{given} is {value!r}; want one of {depreciation.METHODS}", field=field
            )
        method = depreciation.method_name(value, field)
        assets = tuple(replace(asset, method=method) for asset in structure.assets)
        return replace(structure, assets=assets)
    if given == "preset":
        return replace(structure, conventions=conventions.preset(value, field))
    if given in DIRECT_COST_NAMES:
        words = {"true": True, "false": False, True: True, False: False}
        direct = words.get(value.lower() if isinstance(value, str) else value)
        if direct is None:
            raise InputError(f"{given} is {value!r}; want true or false", field=field)
        given, value = "operating_cost", "fraction_of_revenue" if direct else "itemised"
    if given in conventions.CHOICES:
        changed = conventions.change(
            structure.conventions, {given: value}, field="overrides"
        )
        return replace(structure, conventions=changed)
    return None


def _overridden(
    before: ModelInput | None, name: str, value: Override, field: str
) -> ModelInput:
    spec = INPUTS[name]
    if isinstance(value, (bool, str)) or not math.isfinite(value):
        raise InputError(f"{name} is {value!r}; want a finite number", field=field)
    if not spec.allows(value):
        raise InputError(f"{name} is {value:g}; want {spec.bounds}", field=field)
    if spec.integer and value != round(value):
        raise InputError(f"{name} is {value:g}; want whole {spec.unit}", field=field)
    if before is not None:
        return replace(before, value=float(value))
    return ModelInput(
        name,
        float(value),
        spec.unit,
        spec.label,
        s_number=spec.s_number,
        integer=spec.integer,
    )


def listing(models_dir: str | None = None) -> list[dict[str, Any]]:
    """Every version with its inputs, conventions, extensions and source, as plain data.

    A file that can't be read is listed with `error` and without inputs, so that one
    broken file of a user doesn't hide the others.
    """
    result = []
    for version, file in model_files(models_dir).items():
        try:
            found = _read(file.name, file.read_bytes())
        except InputError as error:
            result.append(_broken(version, str(error)))
        else:
            result.append(_listed(version, found))
    return result


def _broken(version: str, message: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"inputs": [], "conventions": {}, "extensions": []}
    return {"version": version, "title": version, **empty, "error": message}


def _listed(version: str, found: ModelFile) -> dict[str, Any]:
    structure = found.structure
    return {
        "version": version,
        "title": found.title,
        "description": found.description,
        "source": found.source,
        "date": found.date,
        "product_unit": found.product_unit,
        "inputs": [_listed_input(item) for item in found.inputs.values()],
        "conventions": structure.conventions.as_dict(),
        "depreciation": [asdict(asset) for asset in structure.assets],
        "construction_schedule": structure.schedule,
        "replacements": {str(y): v for y, v in structure.replacements.items()},
        "extensions": [
            {
                "name": name,
                "title": variant.title,
                "description": variant.description,
                "inputs": _changed(found, variant),
            }
            for name, variant in found.extensions.items()
        ],
    }


def _changed(found: ModelFile, variant: Variant) -> dict[str, float]:
    """Values of the inputs that a variant sets otherwise than its file."""
    inputs, _ = apply(dict(found.inputs), found.structure, variant.changes)
    return {
        name: item.value
        for name, item in inputs.items()
        if name not in found.inputs or found.inputs[name].value != item.value
    }


def _listed_input(item: ModelInput) -> dict[str, Any]:
    spec = INPUTS[item.name]
    ends = None if item.low is None else {"min": item.low, "max": item.high}
    return {
        "name": item.name,
        "s_number": item.s_number,
        "property": spec.property_name,
        "label": item.label,
        "unit": item.unit,
        "value": item.value,
        "range": ends,
        "minimum": None if math.isinf(spec.low) else spec.low,
        "maximum": None if math.isinf(spec.high) else spec.high,
        "integer": item.integer,
        "distribution": item.distribution,
        "source": item.source,
    }
