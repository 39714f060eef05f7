"""The named choices behind a price, and the presets that group them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from flask_api.numerics.errors import InputError

CHOICES: Mapping[str, tuple[str | bool, ...]] = {
    "loan_deduction": ("interest", "whole_payment"),
    "construction_interest": ("cumulative", "own_year", "capitalised", "none"),
    "loan_repayment": ("level_payment", "level_principal"),
    "state_deductible": (True, False),
    "contingency_basis": ("cumulative", "bare"),
    "operating_cost": ("itemised", "fraction_of_revenue"),
}


@dataclass(frozen=True)
class Conventions:
    """Which of several customs each step of the calculation follows.

    loan_deduction          what lowers taxable income: the interest (tax law) or the
                            whole payment
    construction_interest   paid in each construction year on all draws so far
                            (`cumulative`), on that year's draw (`own_year`), added to
                            the principal (`capitalised`), or not charged (`none`)
    loan_repayment          equal payments, or equal parts of the principal
    state_deductible        state tax lowers the federal base
    contingency_basis       contingencies on all rungs below, or on bare erected cost
    operating_cost          sum of variable and fixed costs, or a fraction of revenue
    """

    preset: str = "standard"
    loan_deduction: str = "interest"
    construction_interest: str = "cumulative"
    loan_repayment: str = "level_payment"
    state_deductible: bool = True
    contingency_basis: str = "cumulative"
    operating_cost: str = "itemised"

    def as_dict(self) -> dict[str, str | bool]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


Preset = Literal["standard", "biosteam", "model_zone"]

#: `biosteam` is the custom of that package; `model_zone` the seed's.
PRESETS: Mapping[str, Conventions] = {
    "standard": Conventions(),
    "biosteam": Conventions(
        preset="biosteam",
        loan_deduction="whole_payment",
        construction_interest="own_year",
        state_deductible=False,
    ),
    "model_zone": Conventions(
        preset="model_zone", construction_interest="none", state_deductible=False
    ),
}


def preset(name: object, field: str = "preset") -> Conventions:
    """The conventions a preset groups; InputError lists the presets there are."""
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    raise InputError(
        f"preset is {name!r}; choose one of {', '.join(PRESETS)}", field=field
    )


def change(
    base: Conventions, changes: Mapping[str, object], field: str = "conventions"
) -> Conventions:
    """`base` with some choices replaced; InputError lists what each may be."""
    for name, value in changes.items():
        allowed = CHOICES.get(name)
        if allowed is None:
            raise InputError(
                f"{name!r} is no convention; there are {', '.join(CHOICES)}",
                field=f"{field}.{name}",
            )
        if not any(type(value) is type(one) and value == one for one in allowed):
            raise InputError(
                f"{name} is {value!r}; choose one of {', '.join(map(str, allowed))}",
                field=f"{field}.{name}",
            )
    return replace(base, **changes)  # type: ignore[arg-type]
