"""Runs in a worker: the answer of `POST /price/impact`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask_api.analysis import Context, Progress, Warnings
from flask_api.domains.price import catalogue
from flask_api.domains.price.comparison import competition
from flask_api.domains.price.comparison.impact import (
    half_width,
    propagated,
    revenue_impact,
    volume,
    weighted_elasticity,
    within,
)
from flask_api.domains.price.comparison.job import known_market, tell_share
from flask_api.domains.price.comparison.repricing import Change, one_name, reprice
from flask_api.domains.price.comparison.schema import (
    PriceImpactRequest,
)
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.model_choice import stored_models
from flask_api.numerics.errors import InputError

UNCERTAINTY = 0.1
#: A first-order estimate that moves the price by more than this factor is doubted.
DOUBTED = 2.0

Row = dict[str, Any]


@dataclass
class _Effects:
    """What either form finds.

    price       after all changes, $/unit, before constraints
    changes     a row for each change alone
    relative    what each adds, as a share of the price, by id
    half_width  of the 95 % interval around the price, $/unit
    elasticity  of demand, as the form itself tells it, or None
    facts       for the answer's metadata
    """

    price: float
    changes: list[Row]
    relative: dict[str, float | None]
    half_width: float = 0.0
    elasticity: float | None = None
    facts: Row = field(default_factory=dict)


def impact(
    request: PriceImpactRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """What changes do to a price: each alone, then all together."""
    form = _form(request)
    warnings = Warnings(progress)
    model = catalogue.load(
        *request.chosen(), context.models_dir, stored_models(context), request.place
    )
    progress(0, len(request.parameters) + 2, "model read")
    solved = None
    if form == "exact" or request.base_price is None:
        solved = model.solved_price()
    base = request.base_price
    if base is None:
        assert solved is not None
        base = solved
    progress(1, len(request.parameters) + 2, "base price known", price=base)
    if form == "exact":
        assert solved is not None
        effects = _exact(request, model, base, solved, progress, warnings)
    else:
        effects = _linear(request, base, warnings)
    limits = request.constraints
    price, binding = within(
        effects.price,
        None if limits is None else limits.min_price,
        None if limits is None else limits.max_price,
    )
    data = request.market_data
    elasticity = None if data is None else data.own_price_elasticity
    source = "market_data" if elasticity is not None else "weights"
    if elasticity is None:
        elasticity = effects.elasticity
    answer = {
        "base_price": base,
        "optimized_price": price,
        "changes": effects.changes,
        "metrics": {
            "price_elasticity": elasticity,
            "revenue_impact": revenue_impact(base, price, elasticity),
            "confidence_interval": [
                price - effects.half_width,
                price + effects.half_width,
            ],
        },
        "market_position": _market_position(request, price, base, warnings),
        "sensitivity_metrics": {
            f"{name}_impact": value for name, value in effects.relative.items()
        },
    }
    _tell_nulls(answer, effects, warnings)
    answer["metadata"] = {
        "form": form,
        "version": model.version,
        "extension": model.extension,
        "unit": model.units["price"],
        "base_price_source": "solved" if request.base_price is None else "request",
        "unconstrained_price": effects.price,
        "binding_constraint": binding,
        "constraints_applied": limits is not None,
        "price_elasticity_source": None if elasticity is None else source,
        "parameter_count": len(request.parameters),
        "market_data_used": data is not None,
        **effects.facts,
        "warnings": list(warnings),
    }
    total = len(request.parameters) + 2
    progress(total, total, "all changes together", price=price)
    return answer


def _form(request: PriceImpactRequest) -> str:
    """`exact` or `linear`; InputError names the item that has another form."""
    first, seen = request.parameters[0], dict[str, int]()
    for index, item in enumerate(request.parameters):
        if item.exact != first.exact:
            has, wanted = (
                ("weight and sensitivity", "change")
                if first.exact
                else ("change", "weight and sensitivity")
            )
            raise InputError(
                f"parameters[{index}] gives {has}, parameters[0] {wanted}: the two "
                "forms can't be mixed; send two requests",
                field=f"parameters[{index}]",
            )
        name = one_name(item.id) if item.exact else item.id
        if name in seen:
            raise InputError(
                f"parameters[{index}].id: {name[:60]!r} is given twice, "
                f"parameters[{seen[name]}] is the same; keep one",
                field=f"parameters[{index}].id",
            )
        seen[name] = index
    return "exact" if first.exact else "linear"


def _linear(request: PriceImpactRequest, base: float, warnings: Warnings) -> _Effects:
    """First-order propagation of weights and sensitivities."""
    items = request.parameters
    weights = [item.weight or 0.0 for item in items]
    slopes = [item.sensitivity or 0.0 for item in items]
    doubts = [
        UNCERTAINTY if item.uncertainty is None else item.uncertainty for item in items
    ]
    price = propagated(base, weights, slopes)
    if base > 0 and not 1 / DOUBTED <= price / base <= DOUBTED:
        warnings.tell(
            f"the linear form moves the price from {base:g} to {price:g}, beyond a "
            f"factor of {DOUBTED:g}: a first-order estimate is not to be trusted so "
            "far; give `change` for prices solved anew"
        )
    changes: list[Row] = []
    for item, weight, slope in zip(items, weights, slopes, strict=True):
        alone = propagated(base, [weight], [slope])
        changes.append({"id": item.id, "price": alone, "difference": alone - base})
    return _Effects(
        price,
        changes,
        {i.id: w * s for i, w, s in zip(items, weights, slopes, strict=True)},
        half_width(base, slopes, doubts),
        weighted_elasticity(weights, slopes),
        {"confidence_level": 0.95},
    )


def _exact(
    request: PriceImpactRequest,
    model: PriceModel,
    base: float,
    solved: float,
    progress: Progress,
    warnings: Warnings,
) -> _Effects:
    """Prices solved anew, each change alone and all together."""
    if base != solved:
        warnings.tell(
            f"base_price {base:g} is not the price that version {model.version} solves "
            f"to, {solved:.9g}: differences are from base_price, `effect` is from the "
            "solved price; leave base_price out to make them one"
        )
    items = request.parameters
    changes = [
        Change(item.id, item.change, item.change_type or "percentage", _at(index))
        for index, item in enumerate(items)
        if item.change is not None
    ]

    def report(index: int, row: Row) -> None:
        progress(index + 2, len(items) + 2, row["id"], price=row["price"])

    found = reprice(model, changes, base, solved, report, warnings.tell)
    relative: dict[str, float | None] = {
        row["id"]: (
            row["effect"] / solved if row["price"] is not None and solved else None
        )
        for row in found.rows
    }
    facts = {"solved_price": solved, "interaction": found.interaction}
    return _Effects(found.together, found.rows, relative, facts=facts)


def _at(index: int) -> str:
    return f"parameters[{index}]"


def _market_position(
    request: PriceImpactRequest, price: float, base: float, warnings: Warnings
) -> Row:
    """Where the price stands among competitors; nulls where that is not known."""
    if request.market_data is None:
        warnings.tell(
            "market_position is null: it needs market_data (competitor_prices, "
            "market_share, elasticity_data)"
        )
        return dict.fromkeys(
            ("percentile", "relative_position", "market_share_estimate")
        )
    market = known_market(request.market_data)
    others = market.competitor_prices
    place = competition.relative_position(price, others)
    if not others:
        warnings.tell(
            "percentile and relative_position are null: they need "
            "market_data.competitor_prices"
        )
    elif place is None:
        warnings.tell(
            "relative_position is null: all competitor_prices are the same, so there "
            "is no standard deviation to measure in"
        )
    tell_share(market, "market_share_estimate", warnings)
    return {
        "percentile": competition.percentile(price, others),
        "relative_position": place,
        "market_share_estimate": competition.share(price, base, market),
    }


def _tell_demand(answer: Row, warnings: Warnings) -> None:
    """Say where revenue_impact is null, or leans on more than demand can tell."""
    base, price = answer["base_price"], answer["optimized_price"]
    elasticity = answer["metrics"]["price_elasticity"]
    if base == 0:
        warnings.tell("revenue_impact is null: the base price is 0")
    elif price < 0:
        warnings.tell(f"revenue_impact is null: the price after all is {price:g}")
    elif abs((elasticity or 0.0) * (price - base) / base) > 1:
        warnings.tell(
            f"revenue_impact: an elasticity of {elasticity:g} says that a price "
            f"{100 * (price - base) / base:+.3g} % apart sells "
            f"{volume(base, price, elasticity):.3g} times as much: a straight line of "
            "demand is not to be trusted so far"
        )


def _tell_nulls(answer: Row, effects: _Effects, warnings: Warnings) -> None:
    """Say why a metric is null."""
    if answer["metrics"]["price_elasticity"] is None:
        warnings.tell(
            "price_elasticity is null: nothing is known of demand, revenue_impact "
            "counts with the same volume; give market_data.elasticity_data.own_price"
        )
    _tell_demand(answer, warnings)
    if None in effects.relative.values():
        warnings.tell(
            "sensitivity_metrics are null where a change has no price, or the solved "
            "price is 0"
        )
