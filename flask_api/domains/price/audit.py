"""Which conventions a price rests on, and what every other choice would do to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask_api.domains.price.calculation.depreciation import AS_INCOME_ALLOWS
from flask_api.domains.price.conventions import CHOICES, PRESETS, Conventions, change
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import ModelInput, PriceModel
from flask_api.numerics.errors import NoSolutionError

#: Depreciation that is tried, for all classes of assets at once.
METHODS = (
    "straight_line",
    "straight_line_10",
    "macrs_5",
    "macrs_7",
    "macrs_15",
    "macrs_20",
    "double_declining_10_to_straight_line",
    "sum_of_years_digits_10",
    AS_INCOME_ALLOWS,
)
#: Rules for losses that are tried: no limit, and the usual one.
_LOSSES = {"loss_limit": (1.0, 0.8), "loss_years": (100.0, 20.0)}
#: Changes of price below this part of it are roundings.
_SAME = 1e-12


def audit(model: PriceModel) -> list[dict[str, Any]]:
    """One entry for each convention, in the order of the documentation.

    Each holds `convention`, `chosen`, `effect` (whether any other choice changes the
    price), and `choices`: for every choice but the chosen one `choice`, `price`,
    `difference` from the chosen one's price, and `reason` where there is no price (then
    both are None). A model that solves no price has `npv` in its place.
    """
    measure = model.structure.solves
    base, _ = _value(model)
    return [
        _entry(measure, name, chosen, base, list(others))
        for name, chosen, others in _conventions(model)
    ]


def _conventions(
    model: PriceModel,
) -> Iterator[tuple[str, Any, Iterator[tuple[Any, PriceModel]]]]:
    """Name, choice made, and the model under each other choice."""
    choice = model.structure.conventions
    yield (
        "preset",
        choice.preset,
        (
            (name, _with(model, other))
            for name, other in PRESETS.items()
            if name != choice.preset
        ),
    )
    for name, of in CHOICES.items():
        chosen = getattr(choice, name)
        yield (
            name,
            chosen,
            (
                (one, _with(model, change(choice, {name: one})))
                for one in of
                if one != chosen
            ),
        )
    yield "depreciation", *_depreciation(model)
    values = model.baseline()
    for name, tried in _LOSSES.items():
        yield (
            name,
            values[name],
            ((one, _given(model, name, one)) for one in tried if one != values[name]),
        )


def _depreciation(
    model: PriceModel,
) -> tuple[dict[str, str], Iterator[tuple[str, PriceModel]]]:
    assets = model.structure.assets
    return (
        {asset.name: asset.method for asset in assets},
        (
            (
                method,
                replace(
                    model,
                    structure=replace(
                        model.structure,
                        assets=tuple(
                            replace(asset, method=method, table=None)
                            for asset in assets
                        ),
                    ),
                ),
            )
            for method in METHODS
            if any(asset.method != method for asset in assets)
        ),
    )


def _with(model: PriceModel, conventions: Conventions) -> PriceModel:
    structure = replace(model.structure, conventions=conventions)
    return replace(model, structure=structure)


def _given(model: PriceModel, name: str, value: float) -> PriceModel:
    spec = INPUTS[name]
    item = model.inputs.get(name, ModelInput(name, value, spec.unit, spec.label))
    inputs = {**model.inputs, name: replace(item, value=value)}
    return replace(model, inputs=inputs)


def _entry(
    measure: str,
    name: str,
    chosen: Any,
    base: float | None,
    others: list[tuple[Any, PriceModel]],
) -> dict[str, Any]:
    choices = []
    for choice, model in others:
        value, reason = _value(model)
        choices.append(
            {
                "choice": choice,
                measure: value,
                "difference": _difference(value, base),
                "reason": reason,
            }
        )
    effects = [one["difference"] for one in choices if one[measure] != base]
    return {
        "convention": name,
        "chosen": chosen,
        "effect": any(effect is None or effect != 0 for effect in effects),
        "choices": choices,
    }


def _difference(value: float | None, base: float | None) -> float | None:
    if value is None or base is None:
        return None
    return 0.0 if math.isclose(value, base, rel_tol=_SAME) else value - base


def _value(model: PriceModel) -> tuple[float | None, str | None]:
    """The solved price, or NPV where the model solves none; or why there is none."""
    if model.structure.solves == "npv":
        worth = float(model.evaluate({}, ("npv",))["npv"][0])
        if math.isfinite(worth):
            return worth, None
        return None, "its amounts are too large to add up"
    try:
        return model.solved_price(), None
    except NoSolutionError as error:
        return None, str(error)
