"""Choice data: long and wide tables say the same, and faults are told by cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from flask_api.domains.market.choice.long_form import from_long
from flask_api.domains.market.choice.utility import Utility, contrasts, design
from flask_api.domains.market.choice.wide_form import from_wide
from flask_api.numerics.errors import InputError
from tests.domains.market.choices_by_hand import both, simulated

Table = dict[str, npt.NDArray[Any]]


def text(*words: str | None) -> npt.NDArray[Any]:
    return np.array(words, dtype=object)


def long_table() -> Table:
    """Three trips by two persons; the second trip has no car."""
    return {
        "trip": np.array([7.0, 7, 7, 9, 9, 9, 8, 8, 8]),
        "mode": text(
            "bus", "car", "train", "bus", "car", "train", "bus", "car", "train"
        ),
        "took": np.array([0, 1, 0, 1, 0, 0, 0, 0, 1], np.uint8),
        "price": np.array([1.0, 2, 3, 4, np.nan, 6, 7, 8, 9]),
        "there": np.array([1, 1, 1, 1, 0, 1, 1, 1, 1], np.uint8),
        "who": text("ann", "ann", "ann", "bob", "bob", "bob", "ann", "ann", "ann"),
        "age": np.array([30.0, 30, 30, 50, 50, 50, 30, 30, 30]),
    }


LONG: dict[str, Any] = {
    "situation": "trip",
    "alternative": "mode",
    "chosen": "took",
    "attributes": ["price"],
    "traits": ["age"],
    "available": "there",
    "person": "who",
}


def wide_table() -> Table:
    return {
        "took": text("car", "bus", "train"),
        "price_bus": np.array([1.0, 4, 7]),
        "price_car": np.array([2.0, np.nan, 8]),
        "price_train": np.array([3.0, 6, 9]),
        "car_there": np.array([1, 0, 1], np.uint8),
        "who": text("ann", "bob", "ann"),
        "age": np.array([30.0, 50, 30]),
    }


WIDE: dict[str, Any] = {
    "chosen": "took",
    "alternatives": ["bus", "car", "train"],
    "attributes": ["price"],
    "traits": ["age"],
    "available": {"car": "car_there"},
    "person": "who",
}


def test_long_and_wide_tables_say_the_same() -> None:
    one, other = from_long(long_table(), **LONG), from_wide(wide_table(), **WIDE)
    assert one.alternatives == other.alternatives == ("bus", "car", "train")
    for data in (one, other):
        np.testing.assert_array_equal(
            data.attributes["price"], [[1, 2, 3], [4, 0, 6], [7, 8, 9]]
        )
        np.testing.assert_array_equal(data.available[1], [True, False, True])
        np.testing.assert_array_equal(data.chosen, [1, 0, 2])
        np.testing.assert_array_equal(data.persons, [0, 1, 0])
        np.testing.assert_array_equal(data.traits["age"], [30, 50, 30])
        assert data.dropped == 0 and not data.warnings


def test_rows_of_a_long_table_may_stand_in_any_order() -> None:
    table = long_table()
    order = np.random.default_rng(0).permutation(9)
    mixed = from_long({name: cells[order] for name, cells in table.items()}, **LONG)
    plain = from_long(table, **LONG)
    # alternatives and situations stand in order of appearance
    modes = [mixed.alternatives.index(name) for name in plain.alternatives]
    trips = list(dict.fromkeys(table["trip"][order]))
    rows = [trips.index(trip) for trip in (7, 9, 8)]
    for name in ("available",):
        np.testing.assert_array_equal(
            getattr(mixed, name)[rows][:, modes], getattr(plain, name)
        )
    np.testing.assert_array_equal(
        mixed.attributes["price"][rows][:, modes], plain.attributes["price"]
    )


def test_an_alternative_without_a_row_is_not_available() -> None:
    table = {name: np.delete(cells, 4) for name, cells in long_table().items()}
    data = from_long(table, **{**LONG, "available": None})
    np.testing.assert_array_equal(data.available[1], [True, False, True])


def test_numbers_are_labels_too_and_codes_name_alternatives() -> None:
    table = wide_table() | {"took": np.array([2.0, 1, 3])}
    data = from_wide(table, **WIDE, codes={"bus": 1, "car": "2", "train": 3.0})
    np.testing.assert_array_equal(data.chosen, [1, 0, 2])
    assert from_long(
        long_table() | {"mode": np.tile([1.0, 2, 3], 3)}, **LONG
    ).alternatives
    one = from_wide(
        table | {"fare": np.ones(3)},
        **{**WIDE, "attributes": ["fare"], "named": {"fare": {"bus": "fare"}}},
        codes={"bus": 1, "car": 2, "train": 3},
    )
    np.testing.assert_array_equal(one.attributes["fare"][0], [1, 0, 0])


def test_situations_with_missing_cells_can_be_left_out() -> None:
    table = long_table()
    table["price"][0] = np.nan
    data = from_long(table, **LONG, missing="drop")
    assert data.situations == 2 and data.dropped == 1
    assert data.warnings == ["1 situation left out for missing cells."]
    np.testing.assert_array_equal(data.chosen, [0, 2])
    np.testing.assert_array_equal(data.persons, [0, 1])
    wide = wide_table()
    wide["price_bus"][0] = np.nan
    same = from_wide(wide, **WIDE, missing="drop")
    np.testing.assert_array_equal(same.attributes["price"], data.attributes["price"])
    wide["took"] = text(None, "bus", "train")
    np.testing.assert_array_equal(
        from_wide(wide, **WIDE, missing="drop").chosen, [0, 2]
    )


def test_a_situation_without_a_choice_is_told() -> None:
    table = long_table()
    table["there"][:] = [1, 1, 1, 1, 0, 0, 1, 1, 1]
    assert "1 situation with one available alternative" in "".join(
        from_long(table, **LONG).warnings
    )


@pytest.mark.parametrize(
    ("column", "row", "value", "where", "said"),
    [
        ("took", 1, 0, "data.took[0]", "situation that starts in row 1 has no chosen"),
        ("took", 2, 1, "data.took[2]", "row 3: a second alternative"),
        ("took", 2, 3, "data.took[2]", "row 3, column 'took' is 3; wanted 0 or 1"),
        ("took", 2, 255, "data.took[2]", "row 3, column 'took' is missing"),
        ("there", 1, 0, "data.took[1]", "row 2: the chosen alternative is not avail"),
        ("price", 3, np.nan, "data.price[3]", "row 4, column 'price' is missing (1 su"),
        ("price", 3, np.inf, "data.price[3]", "row 4, column 'price' is inf"),
        ("mode", 3, "car", "data.mode[4]", "row 5: alternative 'car' stands twice"),
        ("mode", 3, None, "data.mode[3]", "row 4, column 'mode' is missing"),
        ("trip", 3, np.nan, "data.trip[3]", "row 4, column 'trip' is missing"),
        (
            "age",
            4,
            51.0,
            "data.age[4]",
            "differs within a situation: row 5 is not row 4",
        ),
        ("who", 4, "ann", "data.who[4]", "differs within a situation: row 5"),
        ("who", 4, "", "data.who[4]", "row 5, column 'who' is missing"),
    ],
)
def test_faults_of_a_long_table_are_told_by_cell(
    column: str, row: int, value: Any, where: str, said: str
) -> None:
    table = long_table()
    table[column][row] = value
    with pytest.raises(InputError) as caught:
        from_long(table, **LONG)
    assert said in str(caught.value) and caught.value.field == where


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        ({"price": text(*"123456", "dear", "8", "9")}, "data.price[6]", "text, 'dear'"),
        (
            {"price": text(*"12345678", "inf")},
            "data.price[8]",
            "wanted a finite number",
        ),
        ({"mode": text(*["bus"] * 9), "trip": np.arange(9.0)}, None, ""),
    ],
)
def test_columns_that_cannot_be_used_are_refused(
    change: Table, where: str | None, said: str
) -> None:
    table = long_table() | change
    if where is None:
        table["took"] = np.ones(9, np.uint8)
        table["there"] = np.ones(9, np.uint8)
        table["price"] = np.ones(9)
        where, said = "data", "got one alternative, 'bus'"
    with pytest.raises(InputError) as caught:
        from_long(table, **LONG)
    assert said in str(caught.value) and caught.value.field == where


def test_text_that_reads_as_numbers_will_do() -> None:
    table = long_table()
    words = text(*[None if np.isnan(p) else f" {p:g}" for p in table["price"]])
    np.testing.assert_array_equal(
        from_long(table | {"price": words}, **LONG).attributes["price"],
        from_long(table, **LONG).attributes["price"],
    )


@pytest.mark.parametrize(
    ("change", "settings", "where", "said"),
    [
        (
            {"took": text("car", "bike", "bus")},
            {},
            "data.took[1]",
            "is 'bike', which is no",
        ),
        (
            {"took": text("car", "car", "bus")},
            {},
            "data.took[1]",
            "row 2: the chosen alter",
        ),
        (
            {"took": text("car", "", "bus")},
            {},
            "data.took[1]",
            "row 2, column 'took' is m",
        ),
        (
            {"car_there": np.array([1, 2, 1])},
            {},
            "data.car_there[1]",
            "is 2; wanted 0 or 1",
        ),
        (
            {"age": np.array([30, np.nan, 30])},
            {},
            "data.age[1]",
            "row 2, column 'age' is",
        ),
        (
            {},
            {"alternatives": ["bus", "car"]},
            "data.took[2]",
            "is 'train', which is no",
        ),
        (
            {},
            {"alternatives": ["bus", "bus"]},
            "params.alternatives",
            "'bus' stands twice",
        ),
        ({}, {"alternatives": []}, "params.alternatives", "got no alternative"),
        (
            {},
            {"attributes": ["speed"]},
            "params.attributes",
            "no column is called speed_b",
        ),
        (
            {},
            {"attributes": ["p"], "named": {"p": {"x": "age"}}},
            "params.attribute_columns.p",
            "got 'x'; wanted one of",
        ),
        (
            {},
            {"named": {"fare": {"bus": "age"}}},
            "params.attribute_columns",
            "got columns of 'fare'",
        ),
        (
            {},
            {"attributes": ["p"], "named": {"p": {"bus": "q"}}},
            "data.q",
            "there is no column 'q'",
        ),
        (
            {},
            {"available": {"x": "age"}},
            "params.available",
            "got 'x'; wanted one of the alt",
        ),
        (
            {},
            {"codes": {"bus": "car"}},
            "params.codes",
            "two alternatives have the same code",
        ),
        ({}, {"missing": "guess"}, "params.missing", "got missing 'guess'"),
    ],
)
def test_faults_of_a_wide_table_are_told(
    change: Table, settings: dict[str, Any], where: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        from_wide(wide_table() | change, **(WIDE | settings))
    assert said in str(caught.value) and caught.value.field == where


def test_no_situation_left_is_refused() -> None:
    table = wide_table() | {"age": np.full(3, np.nan)}
    with pytest.raises(InputError, match="no choice situation is left of 3"):
        from_wide(table, **WIDE, missing="drop")
    alone = wide_table() | {"took": text("bus", "bus", "bus")}
    closed = dict.fromkeys(("car", "train"), "none")
    alone["none"] = np.zeros(3)
    with pytest.raises(InputError, match="every situation has one available"):
        from_wide(alone, **{**WIDE, "available": closed})


def test_contrasts_stand_person_by_person() -> None:
    data = from_long(long_table(), **LONG)
    pairs = contrasts(design(data, Utility(generic=("price",), constants=False)))
    np.testing.assert_array_equal(pairs.order, [0, 2, 1])
    np.testing.assert_array_equal(pairs.person, [0, 2, 3])
    np.testing.assert_array_equal(pairs.start, [0, 2, 4, 5])
    np.testing.assert_array_equal(pairs.d[:, 0], [1, -1, 2, 1, -2])


def test_terms_of_the_utility_are_named_and_placed() -> None:
    data = simulated(20, 2, 0)
    made = design(
        data,
        Utility(
            generic=("time",),
            specific=("price",),
            traits=("age",),
            interactions=(("time", "age"),),
            base="bus",
        ),
    )
    assert made.names == (
        "constant (car)",
        "constant (train)",
        "time",
        "price (bus)",
        "price (car)",
        "price (train)",
        "age (car)",
        "age (train)",
        "time x age",
    )
    assert made.attributes == {"time": (2, 8), "price": (3, 4, 5)}
    assert made.constants.sum() == 2 and made.base == 0
    assert not made.x[~data.available].any()
    age = data.traits["age"]
    np.testing.assert_allclose(
        made.x[:, 2, 8], data.attributes["time"][:, 2] * (age - age.mean()) / age.std()
    )


@pytest.mark.parametrize(
    ("utility", "where", "said"),
    [
        (Utility(constants=False), "params.attributes", "a utility without terms"),
        (
            Utility(generic=("speed",)),
            "params.attributes",
            "there is no attribute 'speed'",
        ),
        (Utility(specific=("speed",)), "params.specific", "there is no attribute"),
        (Utility(traits=("sex",)), "params.traits", "there is no trait 'sex'"),
        (
            Utility(interactions=(("time", "sex"),)),
            "params.interactions",
            "no trait 'sex'",
        ),
        (Utility(generic=("time", "time")), "params", "term 'time' stands twice"),
        (Utility(base="bike"), "params.base", "got base 'bike'"),
        (
            Utility(generic=("flat",)),
            "params.attributes",
            "'flat' is the same for all alt",
        ),
        (Utility(traits=("one",)), "params.traits", "'one' is the same in every sit"),
    ],
)
def test_terms_that_make_no_sense_are_refused(
    utility: Utility, where: str, said: str
) -> None:
    data = simulated(20, 1, 0)
    flat = np.where(data.available, 3.0, 0.0)
    data = replace(
        data,
        attributes={**data.attributes, "flat": flat},
        traits={**data.traits, "one": np.ones(20)},
    )
    with pytest.raises(InputError) as caught:
        design(data, utility)
    assert said in str(caught.value) and caught.value.field == where


def test_an_alternative_that_nobody_chooses_is_refused_a_constant() -> None:
    data = simulated(50, 1, 0)
    data = replace(data, chosen=np.where(data.chosen == 1, 0, data.chosen))
    with pytest.raises(InputError, match="'car' is never chosen: its constant has no"):
        both(data)
    both(data, constants=False)
