"""A plant beside another: both prices, what makes the difference, what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flask_api.domains.price.comparison.attribution import EXACT, Split, shapley
from flask_api.domains.price.comparison.competition import (
    Market,
    competitive_position,
    share,
)
from flask_api.domains.price.comparison.mixtures import (
    Difference,
    Mixtures,
    differences,
)
from flask_api.domains.price.model import PriceModel

#: Drivers that a waterfall draws one by one; all further ones make up its `rest`.
DRAWN = 12

METRICS = (
    "revenue_impact",
    "margin_impact",
    "npv_impact",
    "market_share_impact",
    "competitive_position",
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Plant:
    """A model at its own solved price.

    price    $/unit
    revenue  sales of its products over all operating years, $, not discounted
    margin   (revenue + by-products - operating cost) / (revenue + by-products) over all
             operating years; None where nothing is earned
    """

    id: str
    model: PriceModel
    price: float
    revenue: float
    margin: float | None

    @classmethod
    def solved(cls, id: str, model: PriceModel) -> Plant:
        """The plant with what it earns. Raises NoSolutionError where no price does."""
        price = model.solved_price()
        table = model.cash_flow_table(price)
        revenue = sum(table["revenue"])
        earned = revenue + sum(table["byproduct_revenue"])
        cost = sum(table["operating_cost"])
        margin = (earned - cost) / earned if earned > 0 else None
        return cls(id, model, price, revenue, margin)

    def npv_at(self, price: float) -> float | None:
        """Net present value, $, if it sold at `price`; None beyond what floats hold."""
        at = {"selling_price": np.array([price])}
        found = float(self.model.evaluate(at, ("npv",))["npv"][0])
        return found if np.isfinite(found) else None


@dataclass(frozen=True)
class Drawing:
    """How parts are drawn where more than EXACT things differ."""

    permutations: int
    generator: np.random.Generator | None


def compare(
    base: Plant,
    variant: Plant,
    market: Market | None,
    drawing: Drawing,
    ahead: Callable[[int], None],
    plants: int = 0,
) -> tuple[Row, list[str]]:
    """One variant's entry of the answer, and what its reader is to be warned of.

    drawing   its generator is needed only where more than EXACT things differ
    ahead     told how many prices were solved; what it raises ends the work
    plants    that are priced for all variants of the answer
    """
    things = differences(base.model, variant.model)
    mixtures = Mixtures(base.model, variant.model, things, ahead, plants)
    split = shapley(mixtures, len(things), drawing.permutations, drawing.generator)
    warnings = _warnings(base, variant, things, split, mixtures.reason)
    drivers = None if split.missing.worthless else _drivers(things, split)
    change = variant.price - base.price
    metrics = _metrics(base, variant, market)
    warnings += [
        f"variant {variant.id!r}: {name} is null: {_WHY_NULL[name]}"
        for name in METRICS[:3]
        if metrics[name] is None
    ]
    entry = {
        **_named(variant.model),
        "price": variant.price,
        "price_difference": change,
        "percentage_change": 100 * change / base.price if base.price else None,
        "drivers": drivers,
        "attribution": {
            "method": "sampled" if split.permutations else "exact",
            "differing": len(things),
            "permutations": split.permutations,
            "prices": split.missing.valued,
        },
        "impact_metrics": metrics,
        "waterfall": waterfall(base, variant, drivers),
        "error": None,
    }
    return entry, warnings


def unpriced(model: PriceModel, reason: str) -> Row:
    """The entry of a variant that no price can save."""
    return {
        **_named(model),
        "price": None,
        "price_difference": None,
        "percentage_change": None,
        "drivers": None,
        "attribution": None,
        "impact_metrics": dict.fromkeys(METRICS),
        "waterfall": [],
        "error": reason,
    }


def _named(model: PriceModel) -> Row:
    return {
        "version": model.version,
        "extension": model.extension,
        "unit": model.units["price"],
    }


def _drivers(things: Sequence[Difference], split: Split) -> list[Row]:
    """All parts, the largest first."""
    rows = [
        {
            "input": thing.name,
            "label": thing.label,
            "unit": thing.unit,
            "base_value": thing.base,
            "variant_value": thing.variant,
            "contribution": float(part),
            "std_error": float(error),
        }
        for thing, part, error in zip(things, split.parts, split.std_error, strict=True)
    ]
    return sorted(rows, key=lambda row: -abs(row["contribution"]))


def waterfall(base: Plant, variant: Plant, drivers: Sequence[Row] | None) -> list[Row]:
    """Bars from the base's price to the variant's: where each starts and ends, $/unit.

    Each of the DRAWN largest drivers has a bar; what is not among them is one bar,
    `rest`, which is there only if something is left to show.
    """
    bars = [_bar("base", base.id, 0.0, base.price)]
    level = base.price
    shown = [*(drivers or ())][:DRAWN]
    for driver in shown:
        end = level + driver["contribution"]
        bars.append(_bar("driver", driver["label"], level, end, driver["input"]))
        level = end
    if drivers is None or len(drivers) > len(shown):
        bars.append(_bar("rest", "Rest", level, variant.price))
    bars.append(_bar("variant", variant.id, 0.0, variant.price))
    return bars


def _bar(
    kind: str, label: str, start: float, end: float, name: str | None = None
) -> Row:
    return {
        "kind": kind,
        "label": label,
        "input": name,
        "start": start,
        "end": end,
        "value": end - start,
    }


_WHY_NULL: Mapping[str, str] = {
    "revenue_impact": "the base earns no revenue at its price",
    "margin_impact": "a plant without income has no margin",
    "npv_impact": "net present value at the base's price is beyond what is computed",
}


def _metrics(base: Plant, variant: Plant, market: Market | None) -> Row:
    margins = (variant.margin, base.margin)
    values = (variant.npv_at(base.price), base.npv_at(base.price))
    known = market or Market()
    shares = [share(p.price, base.price, known) for p in (variant, base)]
    place = competitive_position(variant.price, known.competitor_prices)
    return {
        "revenue_impact": (
            variant.revenue / base.revenue - 1 if base.revenue else None
        ),
        "margin_impact": _less(*margins),
        "npv_impact": _less(*values),
        "market_share_impact": _less(*shares),
        "competitive_position": place,
    }


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _warnings(
    base: Plant,
    variant: Plant,
    things: Sequence[Difference],
    split: Split,
    reason: str | None,
) -> list[str]:
    name = f"variant {variant.id!r}"
    found = []
    if not things:
        found.append(
            f"{name} is the same plant as the base; give it a version, extension or "
            "overrides that change something"
        )
    units = [plant.model.units["price"] for plant in (base, variant)]
    if units[0] != units[1]:
        found.append(
            f"{name} is priced in {units[1]}, the base in {units[0]}: their difference "
            "compares unlike products"
        )
    if base.price == 0:
        found.append(f"{name}: percentage_change is null: the base's price is 0")
    missing = split.missing
    if missing.worthless:
        taken = ", ".join(
            thing.name
            for thing, on in zip(things, _row(missing.example), strict=True)
            if on
        )
        why = f" ({reason})" if reason else ""
        found.append(
            f"{name}: drivers are null: {missing.worthless} of {missing.valued} plants "
            f"between it and the base have no price, such as the base with the "
            f"variant's {taken}{why}; compare in two steps, through a plant with one"
        )
    return found


def _row(coalition: np.ndarray[Any, np.dtype[np.bool_]] | None) -> list[bool]:
    return [] if coalition is None else [bool(on) for on in coalition]


def sampling_needed(base: PriceModel, variants: Sequence[PriceModel]) -> bool:
    """Whether any variant differs in more things than are split exactly."""
    return any(len(differences(base, variant)) > EXACT for variant in variants)
