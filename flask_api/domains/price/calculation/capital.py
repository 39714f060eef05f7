"""From bare erected cost to total capital, rung by rung, and when it is spent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from flask_api.domains.price.calculation.arrays import Amount, Array, Values, to_date
from flask_api.numerics.errors import InputError

#: Rungs in the order they are climbed, with what each is.
RUNGS: Mapping[str, str] = {
    "bare_erected_cost": "Bare erected cost",
    "epc": "+ engineering, procurement and construction",
    "process_contingency": "+ process contingency",
    "project_contingency": "+ project contingency",
    "total_overnight_cost": "= total overnight cost",
    "owners_costs": "+ owner's costs",
    "fixed_capital": "= fixed capital, spent over construction",
    "working_capital": "+ working capital",
    "land_cost": "+ land",
    "startup_costs": "+ start-up costs",
    "total_capital": "= total capital investment",
}


def ladder(values: Values, contingency_basis: str) -> dict[str, Amount]:
    """Every rung of the capital ladder, in $, keyed as in `RUNGS`.

    contingency_basis   `cumulative`: each contingency is a fraction of all rungs below,
                        so that the total is BEC (1+EPC)(1+PC)(1+PT); `bare`: both are
                        fractions of bare erected cost
    """
    bare = values["bare_erected_cost"]
    epc = bare * values["epc"]
    below = bare + epc if contingency_basis == "cumulative" else bare
    process = below * values["process_contingency"]
    below = below + process if contingency_basis == "cumulative" else bare
    project = below * values["project_contingency"]
    overnight = bare + epc + process + project
    owners = values["owners_costs"]
    fixed = overnight + owners
    working = fixed * values["working_capital_fraction"]
    land, startup = values["land_cost"], values["startup_costs"]
    rungs = (
        bare,
        epc,
        process,
        project,
        overnight,
        owners,
        fixed,
        working,
        land,
        startup,
        fixed + working + land + startup,
    )
    return dict(zip(RUNGS, rungs, strict=True))


def even_schedule(years: Amount) -> Array:
    """The same share of fixed capital in each construction year.

    years   whole number, or one per sample: then shape (longest, samples), where
            shorter constructions begin later
    """
    longest = int(np.max(years))
    if np.ndim(years) == 0:
        return np.full(longest, 1.0 / longest)
    ahead = np.arange(longest, 0, -1)[:, None]
    return np.where(ahead <= years, 1.0 / np.asarray(years), 0.0)


def first_year(schedule: Array) -> Array:
    """1 in the year in which construction begins, else 0; shape as `schedule`."""
    if schedule.ndim == 1:
        first = np.zeros(len(schedule))
        first[0] = 1.0
        return first
    return np.asarray((schedule > 0) & (to_date(schedule) == schedule), dtype=float)


def check_schedule(shares: Sequence[float], field: str) -> tuple[float, ...]:
    """The schedule as a tuple, if its shares are >= 0 and sum to 1; else InputError."""
    if not shares or any(not 0 <= share <= 1 for share in shares):
        raise InputError(
            "a construction schedule is a list of yearly shares between 0 and 1",
            field=field,
        )
    if not math.isclose(sum(shares), 1, abs_tol=1e-9):
        raise InputError(
            f"the shares of the construction schedule sum to {sum(shares):.12g}; "
            "they must sum to 1",
            field=field,
        )
    return tuple(float(share) for share in shares)
