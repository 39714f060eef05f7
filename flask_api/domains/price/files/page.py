"""Reports of prices and of comparisons, each as one page that stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from flask_api.documents import charts
from flask_api.documents.info import DocumentInfo
from flask_api.documents.page import environment, write_page
from flask_api.domains.price.files import reading
from flask_api.domains.price.files.citations import citations, comparison_citations


def write_report(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
    """A page about `price.data`: price, ladder, cash flow, parts, inputs, choices."""
    data, unit = result["price_data"], reading.unit_of(result)
    columns, rows = reading.table(data)
    empty = [name for name in columns if not any(row.get(name) for row in rows)]
    write_page(
        environment(price=__package__),
        "price/price.html",
        result,
        info,
        file,
        title=info.name or result["metadata"].get("title") or "Price of a plant",
        kicker=f"{reading.price_name(data)} · {reading.plant(result)}",
        data=data,
        metadata=result["metadata"],
        unit=unit,
        economics=reading.economics(result),
        products=reading.products(data),
        ladder=reading.ladder(data),
        breakdown=reading.breakdown(data),
        columns=[name for name in columns if name not in empty],
        empty=empty,
        years=rows,
        inputs=reading.inputs(result),
        conventions=reading.conventions(result),
        audit=reading.audit(result),
        citations=citations(result),
        reading=reading,
        pictures=_pictures(data, unit),
    )


def _pictures(data: Mapping[str, Any], unit: str) -> dict[str, Any]:
    _, rows = reading.table(data)
    found: dict[str, Any] = {
        "ladder": charts.waterfall(
            reading.ladder(data),
            "$",
            "From bare erected cost to total capital, in $",
            amounts=True,
        ),
        "breakdown": charts.waterfall(
            reading.breakdown(data),
            unit,
            f"What the price is made of, in {unit}",
        ),
        "years": None,
    }
    if rows and {"year", "cash_flow", "cumulative_npv"} <= set(rows[0]):
        found["years"] = charts.yearly(
            [row["year"] for row in rows],
            [row["cash_flow"] for row in rows],
            [row["cumulative_npv"] for row in rows],
            ("After-tax cash flow", "Cumulative net present value"),
            "$",
            "After-tax cash flow and cumulative net present value by year, in $",
        )
    return found


def write_comparison(
    result: dict[str, Any], info: DocumentInfo, file: BinaryIO
) -> None:
    """A page about `price.comparison`: prices, drivers and a waterfall per variant."""
    found = list(reading.variants(result))
    pictures = {
        variant.id: charts.waterfall(
            variant.steps,
            reading.variant_unit(result, variant),
            f"From the price of the base to that of {variant.id}",
            cut=True,
        )
        for variant in found
    }
    write_page(
        environment(price=__package__),
        "price/comparison.html",
        result,
        info,
        file,
        title=info.name or "Prices compared",
        kicker=f"Price comparison · base: version {result.get('base_version')}",
        base_version=result.get("base_version"),
        base_price=result["base_price"],
        unit=reading.unit_of(result),
        unit_here={v.id: reading.variant_unit(result, v) for v in found},
        variants=found,
        pictures=pictures,
        citations=comparison_citations(result),
        reading=reading,
    )
