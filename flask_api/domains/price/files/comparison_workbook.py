"""The workbook of a comparison: all variants, their drivers, and a waterfall each."""

from __future__ import annotations

from typing import Any, BinaryIO

from flask_api.documents.info import DocumentInfo
from flask_api.documents.native_charts import waterfall
from flask_api.documents.workbook import NUMBERS, Book, add_provenance, new_book
from flask_api.domains.price.files import reading
from flask_api.domains.price.files.citations import comparison_citations

_PRICE = NUMBERS["price"]
#: Beyond, a variant is in the tables only: a workbook of 50 charts opens slowly.
MOST_CHARTS = 50


def write_workbook(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
    """A workbook of `price.comparison`: summary, drivers, a sheet per variant."""
    with new_book(file, info) as book:
        found = list(reading.variants(result))
        _summary(book, result, found)
        _drivers(book, found)
        for variant in found[:MOST_CHARTS]:
            if variant.steps:
                _waterfall(book, variant, reading.variant_unit(result, variant))
        sheet = book.sheet("Sources")
        rows = comparison_citations(result)
        book.table(sheet, rows, ("What", "Source"), widths=(50, 110))
        add_provenance(book, result, info)


def _summary(book: Book, result: reading.Result, found: list[reading.Variant]) -> None:
    sheet = book.sheet("Comparison")
    metrics = reading.columns_of([v.about.get("impact_metrics") or {} for v in found])
    heads = ["Variant", "Price", "Difference", "Difference, %", "Unit"]
    heads += [reading.words(name) for name in metrics] + ["Why there is no price"]
    base = [result.get("base_version"), result["base_price"], 0.0, 0.0]
    rows: list[list[Any]] = [[f"Base: version {base[0]}", *base[1:]]]
    rows[0].append(reading.unit_of(result))
    for variant in found:
        about = variant.about
        its = about.get("impact_metrics") or {}
        rows.append(
            [
                variant.id,
                about.get("price"),
                about.get("price_difference"),
                about.get("percentage_change"),
                reading.variant_unit(result, variant),
                *(its.get(name) for name in metrics),
                about.get("error"),
            ]
        )
    kinds = ["general", "price", "price", "decimal"] + ["general"] * (len(heads) - 4)
    widths = [34, 18, 18, 16, 12] + [20] * len(metrics) + [60]
    book.table(sheet, rows, heads, kinds, widths=widths)
    sheet.freeze_panes(1, 1)


def _drivers(book: Book, found: list[reading.Variant]) -> None:
    sheet = book.sheet("Drivers")
    columns = reading.columns_of([row for v in found for row in v.drivers])
    rows = [[v.id, *(row.get(c) for c in columns)] for v in found for row in v.drivers]
    amounts = ("contribution", "std_error")
    kinds = ["general", *("price" if c in amounts else "general" for c in columns)]
    heads = ["Variant", *(reading.words(column) for column in columns)]
    widths = [30, *(46 if column == "label" else 22 for column in columns)]
    end = book.table(sheet, rows, heads, kinds, widths=widths)
    sheet.freeze_panes(1, 1)
    if rows:
        sheet.autofilter(0, 0, end - 1, len(heads) - 1)


def _waterfall(book: Book, variant: reading.Variant, unit: str) -> None:
    sheet = book.sheet(variant.id)
    texts = (f"From the base to {variant.id}, {unit}", unit)
    waterfall(book, sheet, variant.steps, (0, 0), "J2", texts, _PRICE, cut=True)
    for column, width in enumerate((46, 16, 14, 14, 14, 14, 14, 14)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 1)
