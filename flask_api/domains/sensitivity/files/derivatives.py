"""The report of `sensitivity.derivatives`: the price along one input."""

from __future__ import annotations

from typing import Any

from flask_api.documents.info import DocumentInfo
from flask_api.documents.pictures import Curve, Curves, Picture, thinned
from flask_api.documents.report import writers
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.domains.sensitivity.files import reading
from flask_api.domains.sensitivity.files.reading import Result, told

_MEASURES = (
    "The first derivative is what one unit more of the input does to the price, the "
    "second how that changes along the input; the elasticity is percent of price per "
    "percent of input. A cross effect is the change of the slope per unit of another "
    "input: where it is 0, the two act apart from each other."
)
_SOURCES = (
    (
        "Derivatives by the complex step",
        "Squire, Trapp (1998), SIAM Review 40, 110-112, doi:10.1137/S003614459631241X",
    ),
    (
        "Differences extrapolated to step 0",
        "Ridders (1982), Advances in Engineering Software 4, 75-76, "
        "doi:10.1016/S0141-1195(82)80057-0",
    ),
)
_SHOWN = (
    ("price", "Price"),
    ("first_order", "First derivative of the price"),
    ("second_order", "Second derivative of the price"),
    ("elasticity", "Elasticity of the price"),
)


def report(result: dict[str, Any], info: DocumentInfo) -> Report:
    """Price, slope, curvature and elasticity along the input, and cross effects."""
    metadata = result["metadata"]
    whole = {**result, "metadata": {**metadata, "model": _model(result)}}
    pictures = [_picture(result, key, title) for key, title in _SHOWN]
    return Report(
        title=f"Derivatives of the price by {result['parameter']}",
        kicker=f"Derivatives · {reading.model_name(whole)}",
        summary=[*_summary(result, reading.model_name(whole)), _MEASURES],
        tiles=_tiles(result),
        sections=[
            Section("Along the input", (), [p for p in pictures if p is not None]),
            Section("Numbers", tables=_tables(result)),
        ],
        sources=_SOURCES,
    )


def _model(result: Result) -> dict[str, Any]:
    return {
        "title": result["metadata"].get("title"),
        "version": result["version"],
        "extension": result["extension"],
    }


def _units(result: Result) -> dict[str, str]:
    metadata = result["metadata"]
    return {
        "price": metadata["units"]["price"],
        "first_order": metadata["unit"],
        "second_order": (metadata.get("second_order") or {}).get("unit") or "",
        "elasticity": "% of price per % of input",
    }


def _picture(result: Result, key: str, title: str) -> Picture | None:
    found, metadata = result["derivatives"], result["metadata"]
    kept = thinned(len(found["grid"]))
    y = [found[key][n] for n in kept]
    if all(value is None for value in y):
        return None
    today = metadata["baseline"]["value"]
    return Curves(
        f"{title} by {result['parameter']}",
        reading.with_unit(str(result["parameter"]), metadata["units"]["grid"]),
        _units(result)[key],
        [Curve(title, [found["grid"][n] for n in kept], y)],
        [] if today is None else [(f"today: {told(today)}", today)],
    )


def _summary(result: Result, model: str) -> list[str]:
    metadata, name = result["metadata"], result["parameter"]
    base, units = metadata["baseline"], metadata["units"]
    said = [
        f"Asked: how the price of {model} moves with {name}, at "
        f"{len(result['derivatives']['grid'])} values from "
        f"{told(metadata['range']['min'])} to "
        f"{told(metadata['range']['max'], units['grid'])}."
    ]
    if base.get("first_order") is not None:
        slope = told(base["first_order"], metadata["unit"])
        said.append(
            f"Today {name} is {told(base['value'], units['grid'])} and the price "
            f"{told(base['price'], units['price'])}; there its slope is {slope}."
        )
    price = [v for v in result["derivatives"]["price"] if v is not None]
    if price:
        said.append(
            f"Over the range the price lies between {told(min(price))} and "
            f"{told(max(price), units['price'])}."
        )
    return [*said, f"Scheme: {metadata['scheme']}."]


def _tiles(result: Result) -> list[tuple[str, Any, str]]:
    metadata = result["metadata"]
    base, units = metadata["baseline"], metadata["units"]
    found = [
        ("Slope today", base.get("first_order"), metadata["unit"]),
        ("Price today", base.get("price"), units["price"]),
        (f"{result['parameter']} today", base.get("value"), units["grid"]),
    ]
    return [tile for tile in found if tile[1] is not None]


def _tables(result: Result) -> list[ReportTable]:
    about = result["metadata"].get("cross_effects") or {}
    rows = [
        {
            "input": name,
            "cross effect": value,
            "unit": (about.get(name) or {}).get("unit"),
            "scheme": (about.get(name) or {}).get("scheme"),
        }
        for name, value in result["derivatives"]["cross_effects"].items()
    ]
    return [
        reading.table("Derivatives", result["table"]),
        reading.table("Cross effects", rows),
    ]


write_page, write_workbook = writers(report)
