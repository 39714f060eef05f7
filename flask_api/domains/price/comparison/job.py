"""Runs in a worker: the answer of `POST /price/comparison`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask_api.analysis import Context, Progress, Warnings
from flask_api.domains.price import catalogue
from flask_api.domains.price.comparison.attribution import EXACT, worths
from flask_api.domains.price.comparison.comparison import (
    Drawing,
    Plant,
    Row,
    compare,
    unpriced,
)
from flask_api.domains.price.comparison.competition import (
    ASSUMED_ELASTICITY,
    Market,
    halved_by,
)
from flask_api.domains.price.comparison.effort import Effort, orders
from flask_api.domains.price.comparison.mixtures import differences
from flask_api.domains.price.comparison.naming import plant_name, plant_names
from flask_api.domains.price.comparison.schema import (
    MarketData,
    PriceComparisonRequest,
)
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.model_choice import ModelReference, stored_models
from flask_api.domains.price.model_files.overriding import Place
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.numerics.streams import stream

#: A share that such a rise of the price halves is told with a warning.
STEEP = 0.1


class _Count:
    """Prices solved so far, reported after each part of the work.

    Those of the base and of the variants are not counted: one takes as long as a
    hundred of the plants between them, and would spoil the forecast.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total
        self.solved = 0
        self.message = "models read"
        self.partial: Row = {}

    def __call__(self, prices: int) -> None:
        self.solved += prices
        done = min(self.solved, self._total)
        self._progress(
            done, self._total, self.message, prices=self.solved, **self.partial
        )


def comparison(
    request: PriceComparisonRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Prices of variants beside a base, and what makes each difference."""
    chosen = request.chosen_base()
    base_model = catalogue.load(
        *chosen, context.models_dir, stored_models(context), _base_place(request)
    )
    models = [
        _variant_model(request, index, base_model, context)
        for index in range(len(request.variants))
    ]
    names = plant_names(
        [
            (variant.id, model, variant.changes())
            for variant, model in zip(request.variants, models, strict=True)
        ]
    )
    efforts = [
        Effort.of(base_model, model, differences(base_model, model)) for model in models
    ]
    config = request.config
    seed = config.seed
    if seed is None and any(effort.drawn for effort in efforts):
        seed = context.seed
    warnings = Warnings(progress)
    permutations = _permutations(efforts, config.permutations, warnings)
    market = _market(request.market_data, warnings)
    counts = [worths(effort.things, permutations) for effort in efforts]
    total = sum(counts)
    count = _Count(progress, total)
    if kernel.serves(total):
        kernel.warm()  # now, or the forecast would go by how long that takes
    count(0)
    base = _solved_base(plant_name(base_model, chosen.overrides), base_model, request)
    count(0)
    comparisons: dict[str, Row] = {}
    for index, (name, model) in enumerate(zip(names, models, strict=True)):
        count.message = f"{name}: its price and drivers"
        drawing = Drawing(permutations, None if seed is None else stream(seed, index))
        try:
            plant = Plant.solved(name, model)
        except NoSolutionError as error:
            comparisons[name] = unpriced(model, str(error))
            warnings.tell(f"variant {name!r} has no price: {error}")
            count(counts[index])
            continue
        count.partial = {"variant": name, "price": plant.price}
        count(0)
        comparisons[name], found = compare(base, plant, market, drawing, count, total)
        for text in found:
            warnings.tell(text)
    _refuse_all_failed(comparisons)
    progress(total, total, f"{len(comparisons)} variants compared", prices=total)
    return {
        "base_version": base_model.version,
        "base_price": base.price,
        "comparisons": comparisons,
        "summary": [_summary(name, entry) for name, entry in comparisons.items()],
        "metadata": {
            "base": base.id,
            "version": base_model.version,
            "extension": base_model.extension,
            "title": base_model.title,
            "unit": base_model.units["price"],
            "variants_compared": len(comparisons),
            "exact_up_to": EXACT,
            "permutations": permutations,
            "seed": seed,
            "kernel": kernel.name(total),
            "market_data_used": market is not None,
            "warnings": list(warnings),
        },
    }


def _permutations(efforts: Sequence[Effort], asked: int, warnings: Warnings) -> int:
    """Orders to draw for each variant that needs them; warns where they are fewer."""
    drawn = orders(efforts, asked)
    if drawn < asked:
        warnings.tell(
            f"drivers beyond {EXACT} differing things come from {drawn} orders of "
            f"change, not from {asked}: more would take longer than a minute or so. "
            "std_error tells how sure each is; compare fewer variants at once for more"
        )
    return drawn


def _base_place(request: PriceComparisonRequest) -> Place:
    """Where a name of the base stands in the request."""
    base = request.base

    def place(name: str) -> str:
        if name == "version" and (base is None or base.version is None):
            return "base_version"
        return within_reference("base", base or ModelReference(), name)

    return place


def within_reference(where: str, reference: ModelReference, name: str) -> str:
    """Where `version`, `extension` or an override stands in a reference at `where`."""
    inside = name in (reference.overrides or {})
    return f"{where}.overrides.{name}" if inside else f"{where}.{name}"


def _solved_base(
    name: str, model: PriceModel, request: PriceComparisonRequest
) -> Plant:
    try:
        return Plant.solved(name, model)
    except NoSolutionError as error:
        field = "base_version" if request.base is None else "base"
        raise NoSolutionError(
            f"the base has no price to compare with: {error}", field=field
        ) from None


def _variant_model(
    request: PriceComparisonRequest,
    index: int,
    base: PriceModel,
    context: Context,
) -> PriceModel:
    """The plant of one variant: what it leaves out is as in the base.

    One that names a version starts from that version alone.
    """
    variant, chosen = request.variants[index], request.chosen_base()
    own, stored = f"variants[{index}]", stored_models(context)
    place = partial(within_reference, own, variant)
    version = None if variant.version is None else str(variant.version)
    changes = variant.changes()
    if version is None and variant.extension is None and not changes:
        version = _known(variant.id, context)
    if version is not None:
        extension = variant.extension or None
        model = catalogue.load(
            version, extension, None, context.models_dir, stored, place
        )
    elif variant.extension is not None:
        of_base = _base_place(request)
        model = catalogue.load(
            chosen.version,
            variant.extension or None,
            chosen.overrides,
            context.models_dir,
            stored,
            lambda name: f"{own}.{name}" if name == "extension" else of_base(name),
        )
    else:
        model = base
    return catalogue.override(model, changes, place) if changes else model


def _known(id: str | None, context: Context) -> str | None:
    """`id` if it is a version: the seed's variants have an id and nothing else."""
    if id is None:
        return None
    try:
        catalogue.find(id, context.models_dir, stored_models(context))
    except InputError:
        return None
    return id


def _market(data: MarketData | None, warnings: Warnings) -> Market | None:
    """What is known of the market; says what can't be told without it."""
    if data is None:
        warnings.tell(
            "market_share_impact and competitive_position are null: they need "
            "market_data (competitor_prices, market_share, elasticity_data)"
        )
        return None
    market = known_market(data)
    if not market.competitor_prices:
        warnings.tell(
            "competitive_position is null: it needs market_data.competitor_prices"
        )
    tell_share(market, "market_share_impact", warnings)
    return market


def known_market(data: MarketData) -> Market:
    """The market as the maths knows it."""
    return Market(
        tuple(data.competitor_prices or ()), data.own_share, data.own_price_elasticity
    )


def tell_share(market: Market, name: str, warnings: Warnings) -> None:
    """Warn of what a share of the market lacks."""
    if market.own_share is None and not market.competitor_prices:
        warnings.tell(
            f"{name} is null: it needs market_data.competitor_prices or "
            "market_data.market_share"
        )
    elif market.elasticity is None:
        warnings.tell(
            f"{name} assumes an own-price elasticity of {ASSUMED_ELASTICITY:g}; give "
            "market_data.elasticity_data.own_price"
        )
    rise = halved_by(market)
    if rise is not None and rise < STEEP:
        warnings.tell(
            f"{name}: by this market_data, a price {100 * rise:.2g} % higher costs "
            "half of the share: a share near 1, or an elasticity far below -1, makes "
            "the logit a step, not to be trusted over larger changes"
        )


def _refuse_all_failed(comparisons: dict[str, Row]) -> None:
    reasons = [entry["error"] for entry in comparisons.values()]
    if all(reasons):
        raise NoSolutionError(
            f"none of the {len(reasons)} variants has a price; the first: {reasons[0]}",
            field="variants",
            details=[
                {"field": f"variants[{index}]", "problem": reason}
                for index, reason in enumerate(reasons)
            ],
        )


def _summary(name: str, entry: Row) -> Row:
    keys = ("version", "extension", "price", "price_difference", "percentage_change")
    return {
        "id": name,
        **{key: entry[key] for key in keys},
        **entry["impact_metrics"],
        "error": entry["error"],
    }
