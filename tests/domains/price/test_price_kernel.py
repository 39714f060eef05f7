"""The compiled kernel: the same prices as its numpy twin, to the last bits anywhere."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flask_api.domains.price.calculation import rows
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.conventions import CHOICES
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.model import ModelInput, Period, PriceModel
from flask_api.domains.price.revision import model_files
from tests.domains.price import by_hand
from tests.domains.price.drawn_plants import drawn
from tests.domains.price.test_price_by_hand import freed

Floats = NDArray[np.float64]
BOTH = ("price", "npv")
#: Of what a user may vary; beyond, plants have no price.
WHOLE_YEARS = {
    "plant_lifetime": (1, 45),
    "target_row": (0, 40),
    "construction_years": (1, 6),
}


def computed(
    model: PriceModel, varied: Mapping[str, Floats], outputs: tuple[str, ...] = BOTH
) -> dict[str, Floats]:
    """What the kernel finds, called as `PriceModel.evaluate` does."""
    arrays, possible = rows.checked(varied, model.refuse_fixed)
    return kernel.evaluate(model, arrays, possible, outputs)


def plant(seed: int) -> PriceModel:
    """Every second one without rules that follow income, every third evenly built."""
    model = freed(drawn(seed)) if seed % 2 else drawn(seed)
    if seed % 3:
        return model
    name, years = "construction_years", 1.0 + seed % 5
    return replace(
        model,
        inputs={**model.inputs, name: ModelInput(name, years, "years", name)},
        structure=replace(model.structure, schedule=None),
    )


def columns(model: PriceModel, seed: int, count: int) -> dict[str, Floats]:
    """Rows in which some of all inputs differ."""
    choose, draw = random.Random(seed), np.random.default_rng(seed)
    base = model.baseline()
    names = set(choose.sample(sorted(INPUTS), choose.randint(0, 12)))
    names |= {"plant_lifetime"} if seed % 5 == 0 else set()
    names |= {"target_row"} if seed % 7 == 0 else set()
    names -= {"loss_limit", "loss_years"} if seed % 2 else set()
    names -= {"construction_years"} if model.structure.schedule is not None else set()
    found = {}
    for name in sorted(names):
        spec = INPUTS[name]
        low, high = WHOLE_YEARS.get(name, (spec.low, min(spec.high, 60)))
        if spec.integer:
            column = draw.integers(int(low), int(high) + 1, count).astype(float)
        elif base[name] == 0:
            column = draw.uniform(0, 0.2, count)
        else:
            column = base[name] * draw.uniform(0.7, 1.3, count)
        found[name] = np.clip(column, spec.low, spec.high)
    return found


def assert_twins(model: PriceModel, varied: Mapping[str, Floats]) -> None:
    """Price and NPV as of the numpy path, which takes over below some hundred rows."""
    want, got = model.evaluate(varied, BOTH), computed(model, varied)
    # the contract's promise. Of 3,200 drawn plants two differed by more, whose price is
    # a small difference of large amounts: some millionths of the plant's turnover
    assert got["price"] == pytest.approx(want["price"], rel=1e-12, nan_ok=True)
    size = 1e-12 * model.baseline()["bare_erected_cost"]
    assert got["npv"] == pytest.approx(want["npv"], abs=size, nan_ok=True)


@pytest.mark.parametrize("seed", range(300))
def test_a_drawn_plant_costs_the_same_in_numpy_and_compiled(seed: int) -> None:
    model = plant(seed)
    assert_twins(model, columns(model, seed, count=1 + seed % 40))


@pytest.mark.parametrize("seed", range(60))
def test_a_drawn_plant_costs_the_same_compiled_and_by_hand(seed: int) -> None:
    model = plant(seed)
    values = model.baseline()
    # by hand a root is bisected, to 1e-10 or so
    assert computed(model, {})["price"][0] == pytest.approx(
        by_hand.solved_price(values, model.structure), rel=1e-9
    )


#: Each touches other stages of the kernel, some of them under one choice only.
STAGED = ("construction_years", "inflation_rate", "required_irr", "loan_rate")


@pytest.mark.parametrize("choice", CHOICES)
def test_each_choice_costs_the_same_in_numpy_and_compiled(choice: str) -> None:
    for value in CHOICES[choice]:
        for seed in (12, 33, 36):  # evenly built, and with a loan
            model = plant(seed)
            changes: dict[str, Any] = {choice: value}
            conventions = replace(model.structure.conventions, **changes)
            shape = replace(model.structure, conventions=conventions)
            model = replace(model, structure=shape)
            assert_twins(model, columns(model, seed, 9))
            for name in STAGED:
                assert_twins(model, {name: column_of(model, name)})


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_each_input_varied_alone_costs_the_same_in_numpy_and_compiled(
    name: str,
) -> None:
    for seed in (0, 1):
        model = plant(3 * seed)  # evenly built, so that construction may vary
        column = column_of(model, name)
        assert_twins(model, {name: column})


def column_of(model: PriceModel, name: str) -> Floats:
    """The input's range; more rows than a block, as the first one computes all."""
    spec, value = INPUTS[name], model.baseline()[name]
    if spec.integer:
        low, high = WHOLE_YEARS.get(name, (spec.low, spec.high))
        return np.resize(np.arange(low, min(high, low + 30) + 1.0), 37)
    column = np.linspace(0.7, 1.3, 37) * (value or 0.1)
    return np.clip(column, spec.low, spec.high)


@pytest.mark.parametrize("version", sorted(model_files(None)))
def test_the_models_that_ship_cost_the_same_in_numpy_and_compiled(version: str) -> None:
    model = load(version)
    base, draw = model.baseline(), np.random.default_rng(0)
    ranged = [n for n, i in model.inputs.items() if i.low is not None and not i.integer]
    assert_twins(
        model, {name: base[name] * draw.uniform(0.8, 1.2, 40) for name in ranged}
    )


#: Version 1 half of which is lent for all its life: rate, years, and the price in
#: arithmetic of 200 digits.
LENT = (
    (0.3, 100, 2.60406611327942),
    (0.5, 60, 3.26927274304457),
    (1.0, 60, 4.93574570860422),
    (2.0, 40, 8.28056608473113),
    (10.0, 100, 34.9373119574324),
)


@pytest.mark.parametrize(("rate", "years", "price"), LENT)
def test_a_dear_loan_of_many_years_costs_what_it_does_in_200_digits(
    rate: float, years: int, price: float
) -> None:
    lent = {"plant_lifetime": years, "loan_years": years, "loan_fraction": 0.5}
    varied = {"loan_rate": np.full(3, rate)}
    model = load("1", overrides=lent)
    # fifteen digits are given
    assert computed(model, varied)["price"] == pytest.approx([price] * 3, rel=1e-14)
    assert model.evaluate(varied)["price"] == pytest.approx([price] * 3, rel=1e-14)


@pytest.mark.parametrize(
    "repayment", ["level_payment", "level_principal", "bullet", "revenue_share"]
)
def test_loans_whose_rate_changes_cost_the_same_everywhere(repayment: str) -> None:
    model = load("1", overrides={"loan_fraction": 0.5, "plant_lifetime": 60})
    dear = (Period(5, 9, {"loan_rate": 3.0}), Period(30, 44, {"loan_rate": 0.0}))
    conventions = replace(
        model.structure.conventions,
        loan_repayment=repayment,
        interest_type="variable",
    )
    shape = replace(model.structure, periods=dear, conventions=conventions)
    model = replace(model, structure=shape)
    rates, years = np.array([0.0, 0.04, 1.0, 10.0]), np.array([60.0, 31.0, 60.0, 7.0])
    varied = {"loan_rate": rates, "loan_years": years}
    assert_twins(model, varied)
    for rate, term, price in zip(
        rates, years, computed(model, varied)["price"], strict=True
    ):
        values = {**model.baseline(), "loan_rate": rate, "loan_years": term}
        # by hand a root is bisected, to 1e-10 or so
        assert price == pytest.approx(by_hand.solved_price(values, shape), rel=1e-9)


def test_a_loss_that_expires_unused_is_lost() -> None:
    # year 1 loses 1,000,000 $; nine equal incomes make up for it, six may use it
    model = load("1", overrides={"plant_lifetime": 10, "required_irr": 0.0})
    year = Period(1, 1, {"labor_cost": 1_000_000.0})
    shape = replace(model.structure, periods=(year,))
    model = replace(model, structure=shape)
    for last in (4, 5, 6, 7, 8):
        values = {**model.baseline(), "loss_years": last}
        want = by_hand.solved_price(values, shape)
        varied = {"loss_years": np.full(3, float(last))}
        for found in (computed(model, varied), model.evaluate(varied)):
            assert found["price"] == pytest.approx([want] * 3, rel=1e-9)
        if last < 8:
            assert want > model.solved_price() * 1.0001


def test_a_drawn_loss_limit_below_that_of_the_model_counts() -> None:
    limits = np.array([1.0, 0.8, 0.5, 0.0])
    model = load("corn_stover_ethanol")
    assert model.baseline()["loss_limit"] == 1
    assert_twins(model, {"loss_limit": limits})
    assert (np.diff(computed(model, {"loss_limit": limits})["price"]) > 0).all()


def test_years_that_mean_the_last_one_are_drawn_beside_early_ones() -> None:
    for rows_of in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 3]):
        assert_twins(load("1"), {"target_row": np.resize(np.array(rows_of, float), 40)})


def test_whole_years_are_rounded_to_the_nearest() -> None:
    for name, of in (("plant_lifetime", 20.0), ("construction_years", 3.0)):
        column = np.array([of - 0.4, of, of + 0.4])
        for found in (
            computed(load("1"), {name: column}),
            load("1").evaluate({name: column}),
        ):
            assert len(set(found["price"])) == 1


# -- the same bits ---------------------------------------------------------------------


def rules() -> dict[str, PriceModel]:
    """A plant solved for all lanes at once, and one simulated year by year."""
    changes: dict[str, Any] = {"loss_limit": 0.8, "loss_years": 6}
    return {
        "at_once": load("corn_stover_ethanol"),
        "by_year": load("corn_stover_ethanol", overrides=changes),
    }


@pytest.fixture(scope="module", params=["at_once", "by_year"])
def many(request: pytest.FixtureRequest) -> tuple[PriceModel, dict[str, Floats]]:
    """A plant with more rows than a chunk, of which every stage differs by row."""
    model, draw = rules()[request.param], np.random.default_rng(3)
    base, count = model.baseline(), 2 * kernel.CHUNK + 5
    names = ("bare_erected_cost", "required_irr", "variable_cost", "loan_rate")
    varied = {name: base[name] * draw.uniform(0.5, 1.5, count) for name in names}
    for name, low, high in (("plant_lifetime", 5, 40), ("loan_years", 1, 20)):
        varied[name] = draw.integers(low, high, count).astype(float)
    return model, varied


Many = tuple[PriceModel, dict[str, Floats]]


def test_a_row_has_the_same_bits_wherever_it_stands(many: Many) -> None:
    model, varied = many
    whole = computed(model, varied)
    order = np.random.default_rng(4).permutation(whole["price"].size)
    moved = computed(model, {name: column[order] for name, column in varied.items()})
    for name in BOTH:
        assert np.array_equal(moved[name], whole[name][order])


def test_a_row_has_the_same_bits_in_a_part_of_any_size(many: Many) -> None:
    model, varied = many
    whole = computed(model, varied)
    for start, stop in ((0, 1), (3, 4), (5, 21), (100, 133), (16_380, 16_400)):
        part = {name: column[start:stop] for name, column in varied.items()}
        for name, column in computed(model, part).items():
            assert np.array_equal(column, whole[name][start:stop])


def test_a_row_has_the_same_bits_beside_neighbours_that_have_no_price(
    many: Many,
) -> None:
    model, varied = many
    part = {name: column[:64] for name, column in varied.items()}
    alone = computed(model, {**part, "number_of_units": np.full(64, 1e8)})["price"]
    units, rate = np.full(64, 1e8), part["required_irr"].copy()
    units[::3], rate[1::3] = 0.0, np.nan
    mixed = computed(model, {**part, "number_of_units": units, "required_irr": rate})
    assert np.array_equal(mixed["price"][2::3], alone[2::3])
    assert np.isnan(np.delete(mixed["price"], np.s_[2::3])).all()


def test_a_row_has_the_same_bits_before_and_after_longer_constructions() -> None:
    # a loan drawn in 13 parts is 1 but for roundings: not so in the next block
    model = load("1", overrides={"loan_fraction": 0.4})
    for longest in (3, 7, 13, 20):
        years = np.append(np.ones(16), np.full(50, float(longest)))
        there = computed(model, {"construction_years": years})["price"]
        back = computed(model, {"construction_years": years[::-1].copy()})["price"]
        assert np.array_equal(back[::-1], there)


def test_a_loan_is_all_of_it_though_its_schedule_sums_to_1_but_for_a_billionth() -> (
    None
):
    model = load("1", overrides={"loan_fraction": 0.9})
    shape = replace(model.structure, schedule=(0.5, 0.5 - 9e-10))
    assert_twins(replace(model, structure=shape), {})


@pytest.mark.parametrize(
    ("overrides", "varied"),
    [
        ({}, {"loss_years": [100.0, 3, 50, 20, 40]}),
        ({"loss_years": 20}, {"plant_lifetime": [15.0, 10, 30, 40, 8]}),
        ({}, {"plant_lifetime": [10.0, 11, 12, 20, 8]}),
    ],
)
def test_a_row_has_the_same_bits_alone_and_beside_rows_under_other_rules(
    overrides: dict[str, float], varied: dict[str, list[float]]
) -> None:
    # the last one: taxes differ by year only for plants that live to see it
    model = load("corn_stover_ethanol", overrides=overrides)
    late = (Period(12, 14, {"federal_tax_rate": 0.5}),)
    periods = () if overrides or "loss_years" in varied else late
    model = replace(model, structure=replace(model.structure, periods=periods))
    given = {name: np.array(column) for name, column in varied.items()}
    given["bare_erected_cost"] = model.baseline()["bare_erected_cost"] * np.linspace(
        0.5, 1.5, 5
    )
    together = computed(model, given)["price"]
    for row in range(5):
        alone = {name: column[row : row + 1] for name, column in given.items()}
        assert computed(model, alone)["price"][0] == together[row]


# -- what is refused, and what stops ---------------------------------------------------


def test_rows_that_are_not_possible_have_no_price() -> None:
    varied = {"required_irr": np.array([0.1, np.nan, -1, np.inf, 11, 0.1])}
    found = computed(load("1"), varied)
    for name in BOTH:
        assert np.isnan(found[name]).tolist() == [False, True, True, True, True, False]
        assert found[name][0] == found[name][5]
    alone = computed(load("1"), {"required_irr": np.array([np.nan])})
    assert np.isnan(alone["price"]).all()


@pytest.mark.parametrize("extension", ["", "as_income_allows"])
def test_no_price_saves_a_plant_that_sells_nothing_or_is_taxed_whole(
    extension: str,
) -> None:
    varied = {
        "number_of_units": np.array([0.0, 30_000, 30_000]),
        "federal_tax_rate": np.array([0.2, 1.0, 0.2]),
        "state_tax_rate": np.zeros(3),
    }
    found = computed(load("1", extension), varied)["price"]
    assert np.isnan(found).tolist() == [True, True, False]


@pytest.mark.parametrize("credit_use", ["refundable", "carried_forward"])
@pytest.mark.parametrize("extension", ["", "as_income_allows"])
@pytest.mark.parametrize("by_period", [False, True])
def test_taxes_that_take_more_than_all_leave_no_price(
    extension: str, credit_use: str, by_period: bool
) -> None:
    """Though NPV may be 0 at some price: where nothing is taxed, or losses are."""
    model = load(
        "1",
        extension,
        overrides={
            "credit_use": credit_use,
            "federal_tax_rate": 0.0 if by_period else 0.3,
            "v4_quantity": 300.0,
            "v4_unit_cost": 50.0,
        },
    )
    if by_period:
        dear = (Period(6, 8, {"federal_tax_rate": 0.3, "labor_cost": 2e5}),)
        model = replace(model, structure=replace(model.structure, periods=dear))
    varied = {"state_tax_rate": np.array([0.1, 0.69, 0.7, 0.75, 0.95, 1.0])}
    for found in (computed(model, varied), model.evaluate(varied, BOTH)):
        assert np.isnan(found["price"]).tolist() == [False, False] + 4 * [True]
        assert np.isfinite(found["npv"]).all()
    assert_twins(model, varied)


@pytest.mark.parametrize("loss_limit", [1.0, 0.8])
def test_taxes_that_take_more_than_all_leave_no_price_though_nothing_is_taxed(
    loss_limit: float,
) -> None:
    # it sells what it spends: income is 0 at the price at which it breaks even
    costs = ("raw_material_cost", "utility_cost", "maintenance_cost", "insurance_cost")
    free = {**dict.fromkeys(costs, 0.0), "bare_erected_cost": 0.0, "required_irr": 0.0}
    sales = {"labor_cost": 512.0, "number_of_units": 512.0, "plant_lifetime": 4}
    model = load("1", overrides={**free, **sales, "loss_limit": loss_limit})
    varied = {"state_tax_rate": np.array([0.05, 0.78, 0.79, 0.95])}
    for found in (computed(model, varied), model.evaluate(varied)):
        assert found["price"].tolist()[:2] == pytest.approx([1.0, 1.0], rel=1e-12)
        assert np.isnan(found["price"][2:]).all()


def test_a_model_that_solves_npv_has_the_selling_price() -> None:
    model = load("1")
    model = replace(model, structure=replace(model.structure, solves="npv"))
    assert computed(model, {})["price"].tolist() == [2.0]
    varied = {"selling_price": np.array([3.0, np.nan, 4.0])}
    assert computed(model, varied)["price"] == pytest.approx(
        [3, np.nan, 4], nan_ok=True
    )
    assert_twins(model, {"selling_price": np.array([3.0, 4.0])})


def test_at_the_price_it_finds_a_plant_is_worth_nothing(many: Many) -> None:
    model, varied = many
    part = {name: column[:500] for name, column in varied.items()}
    price = computed(model, part)["price"]
    worth = computed(model, {**part, "selling_price": price})["npv"]
    # the promise is 1e-9 of the capital; a root is found to some hundred roundings
    assert np.abs(worth / part["bare_erected_cost"]).max() < 1e-11


def test_between_is_called_after_each_part_and_can_end_the_work(many: Many) -> None:
    model, varied = many
    arrays, possible = rows.checked(varied, model.refuse_fixed)
    calls = []
    kernel.evaluate(model, arrays, possible, BOTH, lambda: calls.append(1))
    assert len(calls) == 3

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel.evaluate(model, arrays, possible, BOTH, stop)


def test_a_plan_made_by_other_sources_is_refused() -> None:
    from flask_api.domains.price.kernel.loop import plants
    from flask_api.domains.price.kernel.plan import Plans

    made = Plans((), stamp=1).of(load("1"), {}, {"price"})
    tables = (made.codes, made.segments, made.terms, made.tables, made.numbers)
    nothing = np.empty(0), made.rows
    row = np.empty(1)
    assert plants()(made.workspace, *nothing, *tables, True, row, row.copy()) == 0


# -- importing and compiling -----------------------------------------------------------


def run(code: str, **environment: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


def test_numba_is_imported_when_the_kernel_is_first_used() -> None:
    code = (
        "import sys\n"
        "from flask_api.domains.price import model\n"
        "from flask_api.domains.price.kernel import prices as kernel\n"
        "print('numba' in sys.modules)\n"
        "kernel.warm()\n"
        "print('numba' in sys.modules, kernel.available())"
    )
    assert run(code).split() == ["False", "True", "True"]


#: Prints the bits of some prices, solved in step and simulated year by year.
SOME_PRICES = """
import numpy as np
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.catalogue import load
rates = np.linspace(0.05, 0.2, 33)
for limit in (1.0, 0.8):
    model = load("corn_stover_ethanol", overrides={"loss_limit": limit})
    possible = np.ones(rates.size, dtype=bool)
    found = kernel.evaluate(model, {"required_irr": rates}, possible)
    print(found["price"].tobytes().hex())
"""


@pytest.fixture(scope="module")
def elsewhere() -> str:
    """Some prices from a plain processor, where no folder takes a cache."""
    return run(
        SOME_PRICES,
        NUMBA_CPU_NAME="generic",
        NUMBA_CPU_FEATURES="",
        # of numba's own places but the one that is given no folder here
        NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator",
    )


def test_where_no_folder_takes_a_cache_the_kernel_compiles_all_the_same(
    elsewhere: str,
) -> None:
    found = np.frombuffer(bytes.fromhex(elsewhere.split()[0]))
    model, rates = load("corn_stover_ethanol"), np.linspace(0.05, 0.2, 33)
    want = model.evaluate({"required_irr": rates})["price"]
    assert found == pytest.approx(want, rel=1e-12)


def test_a_price_has_the_same_bits_on_a_processor_without_wide_vectors(
    elsewhere: str,
) -> None:
    assert elsewhere == run(SOME_PRICES)
