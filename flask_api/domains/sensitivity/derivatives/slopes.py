"""Slopes of the price in the words that `/sensitivity/derivatives` was promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.price.curvature import Along, along, cross_effects
from flask_api.domains.price.derivatives import STEP, gradient
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import PriceModel
from flask_api.numerics.errors import InputError, NoSolutionError

Floats = npt.NDArray[np.float64]

#: Half-width of the grid where neither request nor model file gives a range.
DEFAULT_SPREAD = 0.2
COMPLEX_STEP = "implicit rule, by the complex step"
WHOLE_YEARS = "difference of solved prices per year"
EXTRAPOLATED = "extrapolated central differences of the first derivative"


@dataclass(frozen=True)
class Grid:
    """Values of the input, rising, and who chose them: request, range or default."""

    values: Floats
    origin: str


def grid(
    model: PriceModel, name: str, points: int, low: float | None, high: float | None
) -> Grid:
    """Where to look: the request's range, else the file's, else 20 % either side.

    name   canonical name

    A range of ours is cut to what is possible; of whole years each is taken once.
    Raises InputError with field `min` or `max` for a value that is not possible.
    """
    spec, entry = INPUTS[name], model.inputs.get(name)
    for field, value in (("min", low), ("max", high)):
        if value is not None and not spec.allows(value):
            raise InputError(f"{name} would be {value:g}; want {spec.bounds}", field)
    origin = "default"
    x0 = model.baseline()[name]
    ends = sorted([x0 * (1 - DEFAULT_SPREAD), x0 * (1 + DEFAULT_SPREAD)])
    if spec.integer:
        ends = [float(np.floor(ends[0])), float(np.ceil(ends[1]))]
    if entry is not None and entry.low is not None and entry.high is not None:
        ends, origin = [entry.low, entry.high], "range"
    first = max(ends[0], spec.low) if low is None else low
    last = min(ends[1], spec.high) if high is None else high
    if low is not None or high is not None:
        origin = "request"
        if not first < last:
            field, missing = ("min", "max") if high is None else ("max", "min")
            raise InputError(
                f"the range would go from {first:g} to {last:g}; give {missing} too",
                field,
            )
    values = np.linspace(first, last, points)
    if spec.integer:
        values = np.rint(values)
    return Grid(np.unique(values), origin)


def answer(
    model: PriceModel,
    name: str,
    where: Grid,
    tell: Callable[[int, str], None],
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """Keys `derivatives`, `table` and `metadata` of the answer.

    name   canonical name
    tell   called with the number of parts that are done, of 3
    warn   called with each thing that the user should know

    Raises NoSolutionError if the plant has a price nowhere on the grid.
    """
    found = along(model, name, where.values)
    if not np.isfinite(found.price).any():
        model.solved_price()  # raises, with the reason, if it is the plant's own
        raise NoSolutionError(
            f"no value of {name} on the grid gives a price; choose min and max",
            field="parameter",
        )
    tell(1, "slopes along the grid")
    price, slopes, mixed = _at_baseline(model, name, warn)
    tell(2, "cross effects")
    _say_what_is_missing(name, where, found, warn)
    if not (np.nan_to_num(found.first).any() or np.nan_to_num(found.second).any()):
        warn(f"{name} does not influence the price here: all derivatives are 0")
    with np.errstate(all="ignore"):  # at a price of 0 there is no elasticity
        elasticity = found.first * where.values / found.price
    columns = {
        "price": found.price,
        "first_order": found.first,
        "second_order": found.second,
        "elasticity": np.where(np.isfinite(elasticity), elasticity, np.nan),
    }
    shown = {key: _listed(column) for key, column in columns.items()}
    values = where.values.tolist()
    return {
        "derivatives": {"grid": values, **shown, "cross_effects": mixed},
        "table": [
            {"value": value, **dict(zip(shown, row, strict=True))}
            for value, row in zip(
                values, zip(*shown.values(), strict=True), strict=True
            )
        ],
        "metadata": {
            **_metadata(model, name, where, found, list(mixed)),
            "baseline": {
                "value": model.baseline()[name],
                "price": _number(price),
                "first_order": _number(slopes),
            },
        },
    }


def _at_baseline(
    model: PriceModel, name: str, warn: Callable[[str], None]
) -> tuple[float, float, dict[str, float | None]]:
    """Price and slope at the model's own values, and the cross effects there.

    Of inputs that move neither the price nor its slope nothing is told.
    """
    fixed = model.structure.schedule is not None
    others = [
        other
        for other in model.inputs
        if other != name and not (fixed and other == "construction_years")
    ]
    price, slopes = gradient(model, [name, *others])
    mixed = cross_effects(model, name, others)
    telling = {
        other: mixed[other]
        for other in others
        if slopes[other][0] != 0 or mixed[other] != 0
    }
    if not np.isfinite(price[0]):
        warn("cross effects are null: the plant has no price at the model's own values")
    else:
        unknown = [other for other, value in telling.items() if not np.isfinite(value)]
        if unknown:
            warn(
                f"cross effects are null where the price has a kink at the model's own "
                f"values or no price beside them: {', '.join(unknown)}"
            )
    cross = {other: _number(value) for other, value in telling.items()}
    return float(price[0]), float(slopes[name][0]), cross


def _say_what_is_missing(
    name: str, where: Grid, found: Along, warn: Callable[[str], None]
) -> None:
    points, priced = where.values.size, np.isfinite(found.price)
    if points == 1:
        warn(
            f"the grid is one point: {name} is {where.values[0]:g}, neither request "
            "nor model file gives a range; give min and max for more"
        )
    if not priced.all():
        missing = int((~priced).sum())
        warn(f"{missing} of {points} points have no price: null there")
    for order, column in (("first", found.first), ("second", found.second)):
        missing = int((priced & ~np.isfinite(column)).sum())
        if missing:
            warn(
                f"the {order} derivative is null at {missing} of {points} points: the "
                "price has a kink there, or no price beside it"
            )
    if (found.price == 0).any():
        warn("elasticity is null where the price is 0")


def _metadata(
    model: PriceModel, name: str, where: Grid, found: Along, others: list[str]
) -> dict[str, Any]:
    units = {other: _unit(model, other) for other in (name, *others)}
    price, whole = model.units["price"], INPUTS[name].integer
    known = found.error[np.isfinite(found.error)]
    return {
        "version": model.version,
        "extension": model.extension,
        "title": model.title,
        "name": name,
        "scheme": WHOLE_YEARS if whole else COMPLEX_STEP,
        "step": 1.0 if whole else STEP,
        "unit": f"({price})/({units[name]})",
        "second_order": {
            "scheme": "second difference per year" if whole else EXTRAPOLATED,
            "unit": f"({price})/({units[name]})^2",
            "largest_error": _number(known.max()) if known.size else None,
        },
        "cross_effects": {
            other: {
                "scheme": (
                    "difference per year of the slope"
                    if whole or INPUTS[other].integer
                    else EXTRAPOLATED
                ),
                "unit": f"({price})/({units[name]} x {units[other]})",
            }
            for other in others
        },
        "units": {"grid": units[name], "price": price},
        "range": {"min": float(where.values[0]), "max": float(where.values[-1])},
        "range_origin": where.origin,
        "points": where.values.size,
    }


def _unit(model: PriceModel, name: str) -> str:
    entry = model.inputs.get(name)
    return INPUTS[name].unit if entry is None else entry.unit


def _listed(column: Floats) -> list[float | None]:
    return [_number(value) for value in column.tolist()]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
