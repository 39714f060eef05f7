"""Price models by version: found as YAML texts, with extensions and overrides."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import orjson

from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import ModelInput, PriceModel, Structure
from flask_api.domains.price.model_files.model_file import ModelFile, Variant, read
from flask_api.domains.price.model_files.overriding import (
    Override,
    Place,
    in_overrides,
    override,
)
from flask_api.domains.price.revision import ModelText, model_files, model_text
from flask_api.domains.price.stored import Refused, Revision, Stored
from flask_api.numerics.errors import InputError

__all__ = [
    "Override",
    "build",
    "find",
    "listing",
    "load",
    "model_of",
    "override",
    "row_of",
]

#: Bytes of a model in lists; ours have some 10 kB, and an owner may have 500 models.
_LONGEST_ROW = 2**19
_log = logging.getLogger(__name__)


def load(
    version: str = "1",
    extension: str | None = None,
    overrides: Mapping[str, Override] | None = None,
    models_dir: str | None = None,
    stored: Stored | None = None,
    place: Place = in_overrides,
) -> PriceModel:
    """The price model of a version.

    version      name of a model file or of a stored model; `1` is the seed's plant
    extension    a variant of that version; None or empty = none
    overrides    values by name, or a convention (`preset`, `loan_deduction`, ...), or
                 one of `overriding.CHOICES` (`depreciation_method`, `selected_v`, ...)
    models_dir   the user's own folder of model files, or None
    stored       the models that the asking owner stored, or None
    place        says where `version`, `extension` or an override stands in the request

    Raises InputError with that field, which says what there is.
    """
    text = find(str(version), models_dir, stored, place("version"))
    return build(text, extension, overrides, place)


def build(
    text: ModelText,
    extension: str | None = None,
    overrides: Mapping[str, Override] | None = None,
    place: Place = in_overrides,
) -> PriceModel:
    """The model of a text, as `load` makes it."""
    found = _read(text.name, text.content)
    if extension and extension not in found.extensions:
        there = ", ".join(found.extensions) or "none"
        raise InputError(
            f"version {text.version} has no extension {extension[:60]!r}; there are "
            f"{there}",
            field=place("extension"),
        )
    model = model_of(found, text.version, extension or None)
    return override(model, overrides, place) if overrides else model


def find(
    version: str,
    models_dir: str | None = None,
    stored: Stored | None = None,
    field: str = "version",
) -> ModelText:
    """A version's text. Raises InputError with `field`, which says what there is."""
    return model_text(version, models_dir, stored, field)


def model_of(
    found: ModelFile, version: str, extension: str | None = None
) -> PriceModel:
    """The model of a file that was read, or of one of its extensions."""
    inputs, structure, title = found.inputs, found.structure, found.title
    notes: tuple[str, ...] = ()
    if extension is not None:
        variant = found.extensions[extension]
        inputs, structure = variant.plant.inputs, variant.plant.structure
        title = f"{title}: {variant.title}"
        notes = tuple(f"extension {extension}: {one}" for one in variant.notes)
    return PriceModel(
        version=version,
        extension=extension,
        title=title,
        inputs=inputs,
        structure=structure,
        description=found.description,
        source=found.source,
        date=found.date,
        product_unit=found.product_unit,
        notes=notes,
    )


@lru_cache(maxsize=512)
def _read(name: str, content: bytes) -> ModelFile:
    return read(name, content)


def listing(
    models_dir: str | None = None, stored: Stored | None = None
) -> list[dict[str, Any]]:
    """Every version with its inputs, conventions, extensions and source, as plain data.

    A text that can't be read is listed with `error` and without inputs, so that one
    broken file of a user doesn't hide the others. Of stored models the rows are told
    that were kept with them: no text is read for it.
    """
    files = model_files(models_dir)
    names = [*files, *(stored.versions() if stored else [])]
    result = []
    for version in dict.fromkeys(names):
        origin = files[version].origin if version in files else "stored"
        try:
            if stored is not None and version not in files:
                listed = _listed_stored(version, stored)
            else:
                text = find(version, models_dir, stored)
                listed = orjson.loads(row_of(version, _read(text.name, text.content)))
                if text.warning is not None:
                    listed["warning"] = text.warning
        except (InputError, Refused) as error:
            listed = _broken(version, str(error))
        result.append({**listed, "origin": origin})
    return result


def _listed_stored(version: str, stored: Stored) -> dict[str, Any]:
    record = stored.latest(version)
    if record is None:
        raise Refused(f"{version} was removed meanwhile")
    return {
        **(stored.row(record) or _row_made_anew(record, stored)),
        "revision": record.revision,
        "timestamp": record.timestamp,
        "price": record.price,
        "comment": record.comment,
    }


def _row_made_anew(record: Revision, stored: Stored) -> dict[str, Any]:
    """The row of a text that was stored when rows had another form."""
    found = _read(f"{record.version}.yaml", stored.content(record))
    row = row_of(record.version, found)
    try:
        stored.keep_row(record, row)
    except OSError:
        _log.warning("the row of %s can't be kept", record.version, exc_info=True)
    listed: dict[str, Any] = orjson.loads(row)
    return listed


def row_of(version: str, found: ModelFile, field: str = "version") -> bytes:
    """What lists tell of a model, as JSON. Raises InputError if that can't be."""
    try:
        row = orjson.dumps(_listed(version, found))
    except orjson.JSONEncodeError as error:
        raise InputError(
            f"the model has a value that no answer can carry: {error}", field=field
        ) from None
    if len(row) > _LONGEST_ROW:
        raise InputError(
            f"the model has {len(row):,} bytes in lists of models, at most "
            f"{_LONGEST_ROW:,} are kept: leave extensions, or data of distributions, "
            "out of it",
            field=field,
        )
    return row


def _broken(version: str, message: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"inputs": [], "conventions": {}, "extensions": []}
    return {"version": version, "title": version, **empty, "error": message}


def _listed(version: str, found: ModelFile) -> dict[str, Any]:
    return {
        "version": version,
        "title": found.title,
        "description": found.description,
        "source": found.source,
        "date": found.date,
        "product_unit": found.product_unit,
        "inputs": [listed_input(item) for item in found.inputs.values()],
        **_listed_structure(found.structure),
        "extensions": [
            {
                "name": name,
                "title": variant.title,
                "description": variant.description,
                "extends": variant.extends,
                "inputs": _changed(found, variant),
            }
            for name, variant in found.extensions.items()
        ],
    }


def _listed_structure(structure: Structure) -> dict[str, Any]:
    return {
        "conventions": structure.conventions.as_dict(),
        "depreciation": [asdict(asset) for asset in structure.assets],
        "construction_schedule": structure.schedule,
        "replacements": {str(y): v for y, v in structure.replacements.items()},
        "periods": [
            {"start": one.start, "end": one.end, "inputs": dict(one.values)}
            for one in structure.periods
        ],
        "off": sorted(structure.off),
        "products": {str(n): name for n, name in structure.products.items()},
        "solves": structure.solves,
    }


def _changed(found: ModelFile, variant: Variant) -> dict[str, float]:
    """Values of the inputs that a variant sets otherwise than its file."""
    return {
        name: item.value
        for name, item in variant.plant.inputs.items()
        if name not in found.inputs or found.inputs[name].value != item.value
    }


def listed_input(item: ModelInput) -> dict[str, Any]:
    """An input with its names, value, unit, range and source, as plain data."""
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
