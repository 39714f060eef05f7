"""The named choices behind a price, and the presets that group them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from flask_api.numerics.errors import InputError

CHOICES: Mapping[str, tuple[str | bool, ...]] = {
    "loan_deduction": ("interest", "whole_payment", "proportion"),
    "construction_interest": ("cumulative", "own_year", "capitalised", "none"),
    "loan_repayment": ("level_payment", "level_principal", "bullet", "revenue_share"),
    "interest_type": ("fixed", "variable"),
    "state_deductible": (True, False),
    "contingency_basis": ("cumulative", "bare"),
    "operating_cost": ("itemised", "fraction_of_revenue"),
    "required_rate": ("nominal", "real"),
    "v4_v5": ("credits", "costs"),
    "credit_use": ("refundable", "carried_forward"),
    "credit_indexation": ("fixed", "inflation"),
    "salvage_tax": ("gain", "whole", "none"),
    "book_value_at_end": ("lost", "written_off"),
}


@dataclass(frozen=True)
class Conventions:
    """Which of several customs each step of the calculation follows.

    loan_deduction          what lowers taxable income: the interest (tax law), the
                            whole payment, or a fixed `proportion` of it
    construction_interest   paid in each construction year on all draws so far
                            (`cumulative`), on that year's draw (`own_year`), added to
                            the principal (`capitalised`), or not charged (`none`)
    loan_repayment          equal payments (`level_payment`), equal parts of the
                            principal (`level_principal`), interest only and the whole
                            principal at the end of the term (`bullet`), or a share of
                            each year's revenue until it is repaid, the rest at the end
                            of the term (`revenue_share`)
    interest_type           one rate for the whole term, or other rates in the years
                            that `periods` name (payments are set anew from there)
    state_deductible        state tax lowers the federal base
    contingency_basis       contingencies on all rungs below, or on bare erected cost
    operating_cost          sum of variable and fixed costs, or a fraction of revenue
    required_rate           the required rate of return counts inflation already
                            (`nominal`), or comes on top of it (`real`)
    v4_v5                   quantity times unit cost of V4 and V5 are the credits of
                            sections 45Q and 45V, or costs like the other eight
    credit_use              credits are paid out in their year, or only lower the tax
                            that is due, and wait without end for such tax
    credit_indexation       credits stay as they are, or grow with inflation
    salvage_tax             taxed of the salvage value: what exceeds the book value
                            (`gain`), all of it, or nothing
    book_value_at_end       capital not yet depreciated in the plant's last year is
                            lost, or written off in it
    """

    preset: str = "standard"
    loan_deduction: str = "interest"
    construction_interest: str = "cumulative"
    loan_repayment: str = "level_payment"
    state_deductible: bool = True
    contingency_basis: str = "cumulative"
    operating_cost: str = "itemised"
    interest_type: str = "fixed"
    required_rate: str = "nominal"
    v4_v5: str = "credits"
    credit_use: str = "refundable"
    credit_indexation: str = "fixed"
    salvage_tax: str = "gain"
    book_value_at_end: str = "lost"

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
