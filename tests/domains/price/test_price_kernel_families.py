"""Thousands of sets of choices between two plants, priced from parts made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flask_api.analysis import Stopped
from flask_api.domains.price.catalogue import load, override
from flask_api.domains.price.comparison.mixtures import Mixtures, differences
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.model import PriceModel
from tests.domains.price.drawn_plants import drawn
from tests.domains.price.test_price_comparison_effort import CHOICES

pytestmark = pytest.mark.skipif(
    not kernel.available(), reason="numba can't be used here"
)
#: So many plants that the kernel prices each of them.
MANY = kernel.LEAST


def mixtures(
    base: PriceModel,
    variant: PriceModel,
    plants: int = MANY,
    ahead: Callable[[int], None] = lambda prices: None,
) -> Mixtures:
    return Mixtures(base, variant, differences(base, variant), ahead, plants)


def coalitions(
    base: PriceModel, variant: PriceModel, count: int, seed: int = 0
) -> NDArray[np.bool_]:
    things = len(differences(base, variant))
    return np.random.default_rng(seed).random((count, things)) < 0.5


@pytest.mark.parametrize("seed", range(12))
def test_drawn_sets_of_choices_cost_together_what_each_costs_alone(seed: int) -> None:
    base, variant = drawn(seed), drawn(seed + 100)
    sets = coalitions(base, variant, 40, seed)
    together = mixtures(base, variant)(sets)
    assert np.isfinite(together).all()
    # to the last bit: a part that is used again is the part that would be made anew
    alone = [mixtures(base, variant)(one[None])[0] for one in sets]
    assert together.tolist() == alone
    # the contract's promise of the two paths
    by_numpy = [mixtures(base, variant, plants=0)(one[None])[0] for one in sets]
    assert together == pytest.approx(by_numpy, rel=1e-12)


def test_years_with_values_of_their_own_cost_together_what_each_set_costs_alone() -> (
    None
):
    """Of two plants with a hundred periods each, and twelve other choices."""

    def periods(first: float) -> list[dict[str, Any]]:
        return [
            {"start": year, "end": year, "inputs": {"labor_cost": first + year}}
            for year in range(1, 101)
        ]

    numbers = {"plant_lifetime": 100, "loan_fraction": 0.3, "v4_quantity": 3}
    numbers |= {"v4_unit_cost": 100, "inflation_rate": 0.02}
    base = load("1", overrides={**numbers, "periods": periods(20_000)})
    changes = {k: v for k, v in CHOICES.items() if k not in INPUTS}
    variant = override(base, {**changes, "periods": periods(30_000)})
    assert len(differences(base, variant)) >= 12
    sets = coalitions(base, variant, 60)
    together = mixtures(base, variant)(sets)
    assert together.tolist() == [mixtures(base, variant)(one[None])[0] for one in sets]
    by_numpy = [mixtures(base, variant, plants=0)(one[None])[0] for one in sets[:8]]
    assert together[:8] == pytest.approx(by_numpy, rel=1e-12)


@pytest.mark.parametrize("seed", range(24))
def test_nothing_that_the_plant_before_left_in_the_workspace_counts(seed: int) -> None:
    one, other = drawn(seed), drawn(seed + 1)
    columns = {"bare_erected_cost": np.array([1.0, 2.0, 3.0]) * 1e5}
    if seed % 3 == 0:
        columns["plant_lifetime"] = np.array([3.0, 30.0, 12.0])
    possible = np.ones(3, dtype=bool)
    plans = kernel.family(tuple(columns))
    kernel.evaluate(one, columns, possible, kernel.OUTPUTS, plans=plans)
    # what the kernel computes lies before its inputs
    plans._room[: at.ROWS[next(iter(INPUTS))]] = np.nan
    found = kernel.evaluate(other, columns, possible, kernel.OUTPUTS, plans=plans)
    fresh = kernel.evaluate(other, columns, possible, kernel.OUTPUTS)
    for name in kernel.OUTPUTS:
        assert np.isfinite(fresh[name]).any()
        assert np.array_equal(found[name], fresh[name], equal_nan=True)


def test_many_sets_are_told_as_they_are_priced_and_can_be_stopped() -> None:
    base = load("1")
    variant = override(base, CHOICES)
    sets = coalitions(base, variant, 2_000)
    told: list[int] = []
    mixtures(base, variant, ahead=told.append)(sets)
    assert sum(told) == len(sets) and max(told) < 300

    def stop(prices: int) -> None:
        told.append(prices)
        raise Stopped

    told.clear()
    with pytest.raises(Stopped):
        mixtures(base, variant, ahead=stop)(sets)
    assert len(told) == 1 and told[0] < 300
