"""Runs in a worker: answers of `GET /price/data` and `GET /price/models`."""

from __future__ import annotations

import math
from typing import Any

from flask_api.analysis import Context, Progress
from flask_api.domains.price import catalogue, report
from flask_api.domains.price.capital import RUNGS
from flask_api.domains.price.cash_flow import COLUMNS
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.revision import file_revision, model_files, revision
from flask_api.domains.price.schema import PriceDataRequest, PriceModelsRequest

NPV_ORIGIN = (
    "start of operation: the last year of construction stands at t = 0 and is not "
    "discounted, operating year y is discounted by (1+r)^y, earlier construction years "
    "are compounded forward"
)


def data(
    request: PriceDataRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Minimum selling price of a plant, what it is made of, and its year table."""
    chosen = request.chosen()
    model = catalogue.load(*chosen, models_dir=context.models_dir)
    progress(1, 3, "model read")
    price = model.solved_price()
    progress(2, 3, "price solved", price=price)
    table = model.cash_flow_table(price)
    economics = report.economics(model, table, price)
    if not math.isfinite(economics["irr_at_base_price"]):
        progress.warn(
            "irr_at_base_price is null: at the base price no rate makes this plant's "
            "net present value 0"
        )
    progress.warn(
        "price_volatility and price_trend are null: they need two stored revisions, "
        "there is one"
    )
    progress(3, 3, "year table made")
    return {
        "version": model.version,
        "extension": model.extension,
        "price_data": _price_data(model, price, table, economics),
        "metadata": _metadata(model, context, len(table["year"])),
    }


def _price_data(
    model: PriceModel, price: float, table: report.Table, economics: dict[str, Any]
) -> dict[str, Any]:
    return {
        "base_price": model.baseline()["selling_price"],
        "current_price": price,
        "average_selling_price": economics["average_selling_price"],
        "price_by_year": report.price_by_year(model, price),
        "price_history": [{"timestamp": model.date, "price": price}],
        "metrics": {
            "average_price": price,
            "price_volatility": None,
            "price_trend": None,
        },
        "economics": economics,
        "cost_breakdown": report.cost_breakdown(model, table),
        "capital_ladder": [
            {"rung": rung, "label": RUNGS[rung], "value": value}
            for rung, value in model.capital_ladder().items()
        ],
        "cash_flow_table": report.rows(table),
    }


def _metadata(model: PriceModel, context: Context, points: int) -> dict[str, Any]:
    conventions = model.structure.conventions.as_dict()
    return {
        "version": model.version,
        "extension": model.extension,
        "title": model.title,
        "source": model.source,
        "revision": file_revision(model_files(context.models_dir)[model.version]),
        "preset": conventions.pop("preset"),
        "conventions": {
            **conventions,
            "depreciation": {
                asset.name: asset.method for asset in model.structure.assets
            },
            "losses": "carried forward without limit",
        },
        "npv_origin": NPV_ORIGIN,
        "unit": model.units["price"],
        "columns": dict(COLUMNS),
        "data_points": points,
    }


def models(
    request: PriceModelsRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Every version with its inputs, units, conventions, extensions and source."""
    found = catalogue.listing(context.models_dir)
    progress(1, 1, f"{len(found)} models read")
    for model in found:
        if "error" in model:
            progress.warn(f"version {model['version']}: {model['error']}")
    return {
        "models": found,
        "metadata": {"revision": revision(context.models_dir), "total": len(found)},
    }
