"""Where the rules come from that a priced plant really uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_api.domains.price.files.reading import Result, inputs

_MACRS = (
    "Depreciation by MACRS",
    "IRS Publication 946, How To Depreciate Property, appendix A, table A-1 (half-year "
    "convention)",
)
_LADDER = (
    "Capital ladder",
    "NETL, Quality Guidelines for Energy System Studies: Cost Estimation Methodology "
    "for NETL Assessments of Power Plant Performance",
)
_BIOSTEAM = (
    "Conventions of the preset biosteam",
    "Cortes-Pena et al. (2020), BioSTEAM, ACS Sustainable Chemistry & Engineering 8, "
    "3302-3310, doi:10.1021/acssuschemeng.9b07040",
)
_LCOE = (
    "Levelised cost",
    "NREL, Annual Technology Baseline: equations and variables",
)
_SHAPLEY = (
    "Drivers of a price difference",
    "Shapley (1953), A value for n-person games, Contributions to the Theory of Games "
    "II, 307-317",
)
_CAPTURE = ("Credit for carbon dioxide captured (V4)", "26 U.S.C. 45Q")
_HYDROGEN = ("Credit for clean hydrogen (V5)", "26 U.S.C. 45V")
_INVESTMENT = (
    "Investment credit, and the reduction of the basis by it",
    "26 U.S.C. 48 and 50(c)",
)
_LOSSES = ("Limit of losses carried forward", "26 U.S.C. 172(a)")
_INTEREST = ("Interest that lowers taxable income", "26 U.S.C. 163(a)")


def citations(result: Result) -> list[tuple[str, str]]:
    """What is taken from where: the model's own source, then the rules in use."""
    metadata = result["metadata"]
    chosen = metadata.get("conventions") or {}
    values = {str(item["name"]): item.get("value") for item in inputs(result)}
    found = [("Model", str(metadata["source"]))] if metadata.get("source") else []
    found.append(_LADDER)
    methods = chosen.get("depreciation")
    if "macrs" in str(methods).lower():
        found.append(_MACRS)
    credits = chosen.get("v4_v5", "credits") == "credits"
    if credits and _bought(values, "v4"):
        found.append(_CAPTURE)
    if credits and _bought(values, "v5"):
        found.append(_HYDROGEN)
    if values.get("investment_credit"):
        found.append(_INVESTMENT)
    if values.get("loss_limit", 1) != 1:
        found.append(_LOSSES)
    if values.get("loan_fraction") and chosen.get("loan_deduction") == "interest":
        found.append(_INTEREST)
    if metadata.get("preset") == "biosteam":
        found.append(_BIOSTEAM)
    if (result["price_data"].get("economics") or {}).get("levelised_cost") is not None:
        found.append(_LCOE)
    return found


def _bought(values: Mapping[str, Any], slot: str) -> bool:
    return bool(values.get(f"{slot}_quantity")) and bool(
        values.get(f"{slot}_unit_cost")
    )


def comparison_citations(result: Result) -> list[tuple[str, str]]:
    """The same for a comparison."""
    metadata = result.get("metadata") or {}
    own = [("Model", str(metadata["source"]))] if metadata.get("source") else []
    return [*own, _SHAPLEY]
