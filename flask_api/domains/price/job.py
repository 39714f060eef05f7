"""Runs in a worker: answers of `/price/data` and `/price/models`."""

from __future__ import annotations

import math
from typing import Any

from flask_api.analysis import Context, Progress, Warnings
from flask_api.domains.price import catalogue, report
from flask_api.domains.price.audit import audit
from flask_api.domains.price.calculation.capital import RUNGS
from flask_api.domains.price.calculation.cash_flow import COLUMNS
from flask_api.domains.price.history import price_metrics
from flask_api.domains.price.model import PriceModel
from flask_api.domains.price.model_choice import stored_models
from flask_api.domains.price.model_files.model_file import read
from flask_api.domains.price.model_files.overriding import blamed
from flask_api.domains.price.revision import ModelText, model_files, revision
from flask_api.domains.price.schema import (
    PriceDataRequest,
    PriceModelsRequest,
    PriceStoreRequest,
)
from flask_api.domains.price.stored import Priced, Refused, Stored
from flask_api.errors import Conflict, DiskFull
from flask_api.numerics.errors import InputError, NoSolutionError

#: `loss_years` from here on: no plant lives longer.
LOSSES_FOR_EVER = 100

NPV_ORIGIN = (
    "start of operation: the last year of construction stands at t = 0 and is not "
    "discounted, operating year y is discounted by (1+r)^y, earlier construction years "
    "are compounded forward"
)


def data(
    request: PriceDataRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Minimum selling price of a plant, what it is made of, and its year table."""
    chosen, place = request.chosen(), request.place
    warnings = Warnings(progress)
    stored = stored_models(context)
    text = catalogue.find(chosen.version, context.models_dir, stored, place("version"))
    if text.warning is not None:
        warnings.tell(text.warning)
    model = catalogue.build(text, chosen.extension, chosen.overrides, place)
    for note in model.notes:
        warnings.tell(note)
    progress(1, 4, "model read")
    values = model.baseline()
    if values["target_row"] > values["plant_lifetime"]:
        warnings.tell(
            f"target_row is {values['target_row']:g} and plant_lifetime "
            f"{values['plant_lifetime']:g}: the last year counts as the target"
        )
    try:
        price = model.solved_price()
    except NoSolutionError as error:
        field = blamed(str(error), chosen.overrides, place) or error.field
        raise NoSolutionError(str(error), field=field) from None
    progress(2, 4, "price solved", price=price)
    table = model.cash_flow_table(price)
    economics = report.economics(model, table, price)
    if not math.isfinite(economics["irr_at_base_price"]):
        warnings.tell(
            "irr_at_base_price is null: at the base price no rate makes this plant's "
            "net present value 0"
        )
    if len(economics["irr_all_roots"]) > 1:
        rates = ", ".join(f"{rate:.4%}" for rate in economics["irr_all_roots"])
        warnings.tell(
            f"the internal rate of return is not unique: at the base price the cash "
            f"flow turns more than once, and its net present value is 0 at {rates}"
        )
    try:
        past = _history(text, model, price, stored)
    except Refused as error:
        raise InputError(str(error), field=place("version")) from None
    metrics, problems = price_metrics([one["price"] for one in past])
    for problem in problems:
        warnings.tell(problem)
    progress(3, 4, "year table made")
    choices = audit(model)
    progress(4, 4, "other conventions tried")
    return {
        "version": model.version,
        "extension": model.extension,
        "price_data": {
            **_price_data(model, price, table, economics),
            "price_history": past,
            "metrics": metrics,
            "audit": choices,
        },
        "metadata": {
            **_metadata(model, text, len(table["year"])),
            "warnings": list(warnings),
        },
    }


def _history(
    text: ModelText, model: PriceModel, price: float, stored: Stored | None
) -> list[dict[str, Any]]:
    """Solved prices of the stored revisions up to this one, at least its own."""
    found: list[dict[str, Any]] = []
    if text.record is not None and stored is not None:
        for record in stored.history(text.version)[: text.record.revision]:
            solved: float | None = record.price
            if model.extension is not None:
                solved = record.extension_prices.get(model.extension)
            if solved is not None:
                found.append(
                    {
                        "timestamp": record.timestamp,
                        "price": solved,
                        "revision": record.revision,
                        "comment": record.comment,
                    }
                )
    alone = {"timestamp": model.date, "price": price, "revision": None, "comment": None}
    return found or [alone]


def _price_data(
    model: PriceModel, price: float, table: report.Table, economics: dict[str, Any]
) -> dict[str, Any]:
    return {
        "base_price": model.baseline()["selling_price"],
        "current_price": price,
        "average_selling_price": economics["average_selling_price"],
        "price_by_year": report.price_by_year(model, price),
        "economics": economics,
        "cost_breakdown": report.cost_breakdown(model, table),
        "capital_ladder": [
            {"rung": rung, "label": RUNGS[rung], "value": value}
            for rung, value in model.capital_ladder().items()
        ],
        "cash_flow_table": report.rows(table),
        "inputs": [catalogue.listed_input(item) for item in model.inputs.values()],
    }


def _metadata(model: PriceModel, text: ModelText, points: int) -> dict[str, Any]:
    conventions = model.structure.conventions.as_dict()
    return {
        "version": model.version,
        "extension": model.extension,
        "title": model.title,
        "description": model.description,
        "source": model.source,
        "origin": text.origin,
        "revision": text.etag,
        "preset": conventions.pop("preset"),
        "conventions": {
            **conventions,
            "depreciation": {
                asset.name: asset.method for asset in model.structure.assets
            },
            "losses": _losses(model),
        },
        "npv_origin": NPV_ORIGIN,
        "unit": model.units["price"],
        "columns": dict(COLUMNS),
        "data_points": points,
    }


def _losses(model: PriceModel) -> str:
    values = model.baseline()
    share, years = values["loss_limit"], int(values["loss_years"])
    if years == 0 or share == 0:
        return "never carried forward"
    length = "without end" if years >= LOSSES_FOR_EVER else f"for {years} years"
    part = "" if share == 1 else f", against {share:.0%} of a year's taxable income"
    return f"carried forward {length}{part}"


def models(
    request: PriceModelsRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """Every version with its inputs, units, conventions, extensions and source."""
    stored = stored_models(context)
    found = catalogue.listing(context.models_dir, stored)
    progress(1, 1, f"{len(found)} models read")
    for model in found:
        for problem in ("error", "warning"):
            if problem in model:
                progress.warn(f"version {model['version']}: {model[problem]}")
    return {
        "models": found,
        "metadata": {
            "revision": revision(context.models_dir, stored),
            "total": len(found),
        },
    }


def store(
    request: PriceStoreRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """The model checked, priced and kept as the newest revision of its version.

    Raises Conflict where the name is a file's, or the revision meant is not the
    latest.
    """
    stored, name = stored_models(context), request.name
    if stored is None:
        raise Conflict("this server keeps no models: it has no folder for them")
    if name in model_files(context.models_dir):
        raise Conflict(
            f"{name} is the name of a model file, which can't be stored over: take "
            "another name, or change the file in MODELS_DIR"
        )
    progress(0, 3, "reading")
    priced = _priced(request, progress)
    progress(3, 3, "priced", price=priced.price)
    try:
        made = stored.add(
            name, priced, request.comment, request.if_match, context.job_id
        )
    except Refused as error:
        raise Conflict(str(error)) from None
    except OSError as error:
        raise DiskFull(f"the model can't be kept: {error.strerror}") from None
    return made.as_dict()


def _priced(request: PriceStoreRequest, progress: Progress) -> Priced:
    """The text with its solved prices; extensions without one are warned of."""
    content = request.content.encode()
    found = read(f"{request.name}.yaml", content, field="content")
    model = catalogue.model_of(found, request.name)
    progress(1, 3, "model read")
    try:
        price = model.solved_price()
    except NoSolutionError as error:
        raise NoSolutionError(str(error), field="content") from None
    progress(2, 3, "price solved", price=price)
    prices: dict[str, float] = {}
    warnings: list[str] = []
    for extension in found.extensions:
        variant = catalogue.model_of(found, request.name, extension)
        warnings += variant.notes
        try:
            prices[extension] = variant.solved_price()
        except NoSolutionError as error:
            warnings.append(f"extension {extension} has no price: {error}")
    for warning in warnings:
        progress.warn(warning)
    row = catalogue.row_of(request.name, found, field="content")
    return Priced(
        content, model.title, price, model.units["price"], prices, tuple(warnings), row
    )
