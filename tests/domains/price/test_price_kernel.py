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
from flask_api.domains.price.model import ModelInput, PriceModel
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
    from flask_api.domains.price.kernel.plan import plan

    made = plan(load("1"), (), {}, {"price"}, stamp=1)
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
