"""How much a comparison computes: enough, and never for longer than it may."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from flask_api.domains.price.catalogue import load, override
from flask_api.domains.price.comparison import effort
from flask_api.domains.price.comparison.attribution import EXACT, worths
from flask_api.domains.price.comparison.effort import MOST, Effort, orders
from flask_api.domains.price.comparison.mixtures import Mixtures, differences
from flask_api.domains.price.kernel import prices as kernel

#: Eighteen things, thirteen of them choices.
CHOICES: dict[str, Any] = {
    "loan_deduction": "whole_payment",
    "construction_interest": "cumulative",
    "loan_repayment": "level_principal",
    "state_deductible": True,
    "contingency_basis": "bare",
    "required_rate": "real",
    "v4_v5": "costs",
    "credit_use": "carried_forward",
    "credit_indexation": "inflation",
    "salvage_tax": "whole",
    "book_value_at_end": "written_off",
    "depreciation_method": "7-MACRS",
    "selected_v": {"V1": "off"},
    "loan_fraction": 0.3,
    "v4_quantity": 3,
    "v4_unit_cost": 100,
    "salvage_fraction": 0.1,
    "inflation_rate": 0.02,
}

efforts = st.builds(
    Effort,
    things=st.integers(1, 300),
    choices=st.integers(0, 20),
    periods=st.integers(0, 200),
)


def test_a_usual_request_draws_what_it_asked_for() -> None:
    assert orders([Effort(18, 18, 0)], 1024) == 1024
    assert orders([Effort(60, 0, 0)] * 50, 1024) == 1024
    assert orders([Effort(12, 12, 0)] * 50, 1024) == 1024  # none is drawn


def test_fifty_variants_of_many_choices_draw_fewer_orders() -> None:
    drawn = orders([Effort(18, 18, 0)] * 50, 1024)
    assert 4 <= drawn < 1024 and drawn % 2 == 0
    assert 50 * drawn * Effort(18, 18, 0).work_per_order <= MOST


@given(st.lists(efforts, min_size=1, max_size=50), st.integers(4, 16_384))
def test_no_request_takes_more_than_its_measure(
    several: list[Effort], asked: int
) -> None:
    found = orders(several, asked)
    assert min(4, asked) <= found <= asked
    drawn = [effort for effort in several if effort.drawn]
    work = sum(effort.work_per_order for effort in drawn)
    if drawn and found > 4:
        exact = sum(effort.exact_work for effort in several if not effort.drawn)
        assert work * found <= max(MOST - exact, MOST / 4) * (1 + 1e-12)


def test_what_differs_is_counted_by_what_it_costs() -> None:
    base = load("1")
    variant = override(base, CHOICES, lambda name: name)
    things = differences(base, variant)
    counted = Effort.of(base, variant, things)
    assert counted == Effort(things=18, choices=13, periods=0)
    assert counted.drawn and not Effort(EXACT, EXACT, 0).drawn
    assert worths(12) == Effort(12, 12, 0).exact_work // (1 + effort._PLANT)


def test_many_sets_of_choices_are_priced_as_each_of_them_alone() -> None:
    if not kernel.available():
        pytest.skip("numba can't be used here")
    base = load("1")
    variant = override(base, CHOICES, lambda name: name)
    things = differences(base, variant)
    mixtures = Mixtures(base, variant, things, lambda prices: None)
    coalitions = np.random.default_rng(3).random((600, len(things))) < 0.5
    fast = mixtures(coalitions)  # by the kernel: there are enough of them
    slow = np.concatenate([mixtures(coalitions[at : at + 1]) for at in range(40)])
    # the kernel's sums are in another order: some roundings
    assert fast[:40] == pytest.approx(slow, rel=1e-12)


def test_fewer_orders_than_were_asked_for_are_told_with_what_they_cost(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effort, "MOST", 500)
    monkeypatch.setattr(effort, "_LEFT", 0)
    body = {"variants": [{"id": "other", "overrides": CHOICES}], "config": {"seed": 1}}
    answer: Any = client.post("/price/comparison", json=body).json
    entry, metadata = answer["comparisons"]["other"], answer["metadata"]
    drawn = metadata["permutations"]
    assert 4 <= drawn < 50 and entry["attribution"]["permutations"] == drawn
    (told,) = [text for text in metadata["warnings"] if "orders of change" in text]
    assert f"{drawn} orders" in told and "1024" in told and "std_error" in told
    parts = [row["contribution"] for row in entry["drivers"]]
    assert sum(parts) == pytest.approx(entry["price_difference"], abs=1e-12)
    assert max(row["std_error"] for row in entry["drivers"]) > 0
