"""What a model file may say, and where what is wrong with it stands."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from flask_api.domains.price.catalogue import listing, load
from flask_api.domains.price.model import Period, PriceModel
from flask_api.domains.price.model_files import yaml_text
from flask_api.domains.price.model_files.model_file import read
from flask_api.domains.price.stored import MAX_BYTES
from flask_api.numerics.errors import InputError

PLANT = """\
title: A plant
product_unit: kg
inputs:
  plant_lifetime: 10
  bare_erected_cost: 1000
  number_of_units: 100
  selling_price: 3
  required_irr: 0.1
"""


def loaded(folder: Path, text: str, **choice: Any) -> PriceModel:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return load("mine", models_dir=str(folder), **choice)


def changed(old: str, new: str) -> str:
    assert old in PLANT
    return PLANT.replace(old, new, 1)


def fault(text: str | bytes) -> InputError:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InputError) as caught:
        read("mine.yaml", content)
    return caught.value


# -- units -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "own"),
    [
        ("bare_erected_cost", "{value: 1, unit: k$}", "1000"),
        ("bare_erected_cost", "{value: 0.001, unit: M$}", "1000"),
        ("bare_erected_cost", "{value: 0.001, unit: MM$}", "1000"),
        ("number_of_units", "{value: 0.1, unit: t/year}", "100"),
        ("number_of_units", "{value: 100, unit: kg/yr}", "100"),
        ("selling_price", "{value: 3000, unit: $/t}", "3"),
        ("selling_price", "{value: 3, unit: k$/t}", "3"),
        ("required_irr", '{value: 10, unit: "%"}', "0.1"),
        ("required_irr", '{value: 10, unit: "%/year"}', "0.1"),
        ("required_irr", '{value: 7, unit: "%"}', "0.07"),  # 7 * 0.01 is not
        ("plant_lifetime", "{value: 120, unit: months}", "10"),
        ("maintenance_cost", "{value: 0.05, unit: k$/year}", "50"),
        ("federal_tax_rate", '{value: 21, unit: "%"}', "0.21"),
        ("v4_quantity", "{value: 5000, unit: kg/year}", "5"),
        ("v5_unit_cost", "{value: 3000, unit: $/t}", "3"),
        ("startup_months", "{value: 1, unit: year}", "12"),
    ],
)
def test_a_unit_is_converted_exactly(name: str, given: str, own: str) -> None:
    """0.05 k$ is 50 $, bit for bit: conversions round once, from the exact value."""
    lines = [line for line in PLANT.splitlines() if f"{name}:" not in line]
    found = read("mine.yaml", "\n".join([*lines, f"  {name}: {given}"]).encode())
    plain = read("mine.yaml", "\n".join([*lines, f"  {name}: {own}"]).encode())
    assert found.inputs[name].value == float(own)
    assert found.inputs[name].unit == plain.inputs[name].unit


def test_range_distribution_and_extensions_are_in_the_unit_of_the_value(
    tmp_path: Path,
) -> None:
    text = changed(
        "bare_erected_cost: 1000",
        "bare_erected_cost: {value: 1, unit: k$, range: [0.5, 2], "
        "distribution: {kind: normal, mean: 1, std: 0.25}}",
    )
    text += "extensions:\n  big: {inputs: {bare_erected_cost: 2}}\n"
    item = loaded(tmp_path, text).inputs["bare_erected_cost"]
    assert (item.low, item.high) == (500, 2000)
    assert item.distribution == {"kind": "normal", "mean": 1000, "std": 250}
    big = load("mine", "big", models_dir=str(tmp_path)).inputs["bare_erected_cost"]
    assert (big.value, big.unit) == (2000, "$")


@pytest.mark.parametrize(
    ("name", "unit", "wanted"),
    [
        ("bare_erected_cost", "EUR", r"models are in \$"),
        ("bare_erected_cost", "furlong", r"\$, k\$, M\$"),
        ("bare_erected_cost", "$/year", r"\$, k\$"),
        ("number_of_units", "MWh/year", "kg/year"),
        ("number_of_units", "kg", "kg/year"),
        ("selling_price", "$/MWh", r"\$/kg"),
        ("selling_price", "€/kg", "convert it"),
        ("required_irr", "years", "%/year"),
        ("plant_lifetime", "days", "years or months"),
        ("labor_cost", "$", r"\$/year"),
        ("federal_tax_rate", "permille", "fraction or %"),
        ("v6_quantity", "furlong/year", "x/year"),
        ("v6_unit_cost", "furlong", r"\$/x"),
    ],
)
def test_an_unknown_unit_is_refused_with_those_there_are(
    name: str, unit: str, wanted: str
) -> None:
    lines = [line for line in PLANT.splitlines() if f"{name}:" not in line]
    text = "\n".join([*lines, f'  {name}: {{value: 1, unit: "{unit}"}}'])
    error = fault(text)
    details: Any = error.details
    assert details["key"] == f"inputs.{name}.unit"
    assert details["line"] == len(lines) + 1
    with pytest.raises(InputError, match=wanted):
        raise error


def test_what_is_counted_and_what_is_paid_for_must_agree() -> None:
    slots = (
        "  v6_quantity: {value: 5, unit: ha/year}\n"
        "  v6_unit_cost: {value: 2, unit: $/km}\n"
    )
    error = fault(PLANT + slots)
    assert "v6_unit_cost is in $/km and v6_quantity in ha/year" in str(error)
    read("mine.yaml", (PLANT + slots.replace("$/km", "$/ha")).encode())


# -- years, slots, products --------------------------------------------------------


def test_periods_slots_products_and_tables_are_read(tmp_path: Path) -> None:
    text = PLANT.replace(
        "inputs:",
        "conventions: {interest_type: variable}\n"
        "periods:\n"
        "  - {start: 1, end: 3, inputs: {number_of_units: 50, loan_rate: 0.05}}\n"
        "  - {start: 4, end: 4, inputs: {S12: 80}}\n"
        "off: [V3, F2]\n"
        "products: {2: electricity}\n"
        "solves: npv\n"
        "depreciation: {method: custom, table: [0.5, 0.3, 0.2]}\n"
        "inputs:",
        1,
    )
    shape = loaded(tmp_path, text).structure
    assert shape.periods == (
        Period(1, 3, {"number_of_units": 50.0, "loan_rate": 0.05}),
        Period(4, 4, {"number_of_units": 80.0}),
    )
    assert shape.off == {"V3", "F2"}
    assert (shape.products, shape.solves) == ({2: "electricity"}, "npv")
    (asset,) = shape.assets
    assert (asset.method, asset.share) == ("custom", 1)
    assert asset.table == (0.5, 0.3, 0.2)
    listed = {m["version"]: m for m in listing(str(tmp_path))}["mine"]
    assert listed["off"] == ["F2", "V3"]
    assert listed["periods"][1] == {
        "start": 4,
        "end": 4,
        "inputs": {"number_of_units": 80.0},
    }


def test_numbers_of_a_period_are_in_the_unit_of_the_input(tmp_path: Path) -> None:
    text = changed("number_of_units: 100", "number_of_units: {value: 1, unit: t/year}")
    text += "periods: [{start: 1, end: 2, inputs: {number_of_units: 0.5}}]\n"
    (period,) = loaded(tmp_path, text).structure.periods
    assert period.values == {"number_of_units": 500}


@pytest.mark.parametrize("off", ["selectedV: {V1: off, V2: on}", "off: [V1]"])
def test_slots_are_switched_by_list_or_by_map(tmp_path: Path, off: str) -> None:
    assert loaded(tmp_path, PLANT + off + "\n").structure.off == {"V1"}


def test_an_extension_switches_single_slots_back_on(tmp_path: Path) -> None:
    text = PLANT + "off: [V1, V2]\nextensions: {a: {selectedV: {V2: on}}}\n"
    assert loaded(tmp_path, text, extension="a").structure.off == {"V1"}


def test_extensions_build_on_each_other_in_any_order(tmp_path: Path) -> None:
    text = PLANT + (
        "extensions:\n"
        "  c: {extends: b, inputs: {labor_cost: 3}}\n"
        "  b: {extends: a, inputs: {utility_cost: 2}, off: [F1]}\n"
        "  a: {inputs: {labor_cost: 1}}\n"
    )
    inputs = loaded(tmp_path, text, extension="c")
    assert inputs.inputs["labor_cost"].value == 3
    assert inputs.inputs["utility_cost"].value == 2
    assert inputs.structure.off == {"F1"}
    assert loaded(tmp_path, text, extension="a").structure.off == frozenset()
    assert list(read("m.yaml", text.encode()).extensions) == ["c", "b", "a"]


def test_a_term_that_is_left_out_ends_with_the_plant(tmp_path: Path) -> None:
    text = PLANT + "  loan_fraction: 0.5\n"
    ten = loaded(tmp_path, text, overrides={"loan_years": 10.0}).solved_price()
    assert loaded(tmp_path, text).solved_price() == ten


def test_one_part_of_a_payment_sets_the_other(tmp_path: Path) -> None:
    model = loaded(tmp_path, PLANT + "  interest_proportion: 0.3\n")
    assert model.baseline()["principal_proportion"] == 0.7


# -- what is wrong, and where ------------------------------------------------------

WRONG = [
    # periods
    ("periods: [{start: 0, end: 3, inputs: {S12: 1}}]", "periods[0].start", "1..10"),
    ("periods: [{start: 1, end: 11, inputs: {S12: 1}}]", "periods[0].end", "1..10"),
    ("periods: [{start: 3, end: 2, inputs: {S12: 1}}]", "periods[0].end", "before"),
    ("periods: [{start: 1.5, end: 2, inputs: {S12: 1}}]", "periods[0].start", "year"),
    ("periods: [{start: 1, end: 2, inputs: {S11: 1}}]", "periods[0].inputs.S11", "S"),
    ("periods: [{start: 1, end: 2, inputs: {S12: -1}}]", "periods[0].inputs.S12", "0"),
    ("periods: [{start: 1, end: 2, inputs: {S12: x}}]", "periods[0].inputs.S12", "num"),
    ("periods: [{start: 1, end: 2, inputs: {nope: 1}}]", "periods[0].inputs.nope", "n"),
    ("periods: [{start: 1, end: 2}]", "periods[0]", "mapping"),
    ("periods: [{start: 1, end: 2, inputs: {}}]", "periods[0].inputs", "mapping"),
    ("periods: [{begin: 1}]", "periods[0].begin", "unknown key"),
    ("periods: {start: 1}", "periods", "want a list"),
    ("periods: [3]", "periods", "want mappings"),
    (
        "periods: [{start: 1, end: 3, inputs: {S12: 1}}, "
        "{start: 3, end: 4, inputs: {number_of_units: 2}}]",
        "periods[1].inputs",
        "year 3 in item 0",
    ),
    ("periods: [{start: 1, end: 2, inputs: {loan_rate: 0.1}}]", "periods", "variable"),
    # slots, products, calculation
    ("off: [V11]", "off", "V10"),
    ("off: V1", "off", "want a list"),
    ("selectedV: {F1: on}", "selectedV.F1", "V10"),
    ("selectedF: {F1: maybe}", "selectedF.F1", "on or off"),
    ("off: [V1]\nselectedF: {F1: on}", "selectedF", "not both"),
    ("products: {1: heat}", "products.1", "2 to 5"),
    ("products: {2: 5}", "products.2", "want text"),
    ("solves: irr", "solves", "price, npv"),
    # depreciation
    ("depreciation: custom", "depreciation", "table"),
    ("depreciation: {method: custom}", "depreciation.method", "table"),
    (
        "depreciation: {method: custom, table: [0.5, 0.4]}",
        "depreciation.table",
        "sum to 0.9",
    ),
    ("depreciation: {method: custom, table: [1, x]}", "depreciation.table", "year 2"),
    (
        "depreciation: {method: MACRS7, table: [1]}",
        "depreciation.table",
        "its own table",
    ),
    ("depreciation: {}", "depreciation", "want a method"),
    ("replacement_depreciation: custom", "replacement_depreciation", "fixed method"),
    # what can't be together
    ("  loan_fraction: 0.5\n  loan_years: 11", "inputs.loan_years", "outlast"),
    ("  federal_tax_rate: 0.6\n  S32: 1", "inputs.federal_tax_rate", "100%"),
    (
        "  S33: 0.6\n  S32: 0.4\nconventions: {state_deductible: false}",
        "inputs.S33",
        "100%",
    ),
    (
        "periods: [{start: 7, end: 9, inputs: {S33: 1}}]",
        "periods",
        "100% of every dollar earned in year 7",
    ),
    (
        "  interest_proportion: 0.5\n  principal_proportion: 0.6",
        "inputs.interest_proportion",
        "sum to 1.1",
    ),
    ("  number_of_units: -5", None, None),
    ("construction_schedule: [0.5, 0.6]", "construction_schedule", "sum to 1.1"),
    ("construction_schedule: 1", "construction_schedule", "want a list"),
    # extensions
    ("extensions: {a: {extends: b}}", "extensions.a.extends", "no extension 'b'"),
    (
        "extensions: {a: {extends: b}, b: {extends: c}, c: {extends: a}}",
        "extensions.c.extends",
        "a -> b -> c -> a",
    ),
    ("extensions: {a: {extends: a}}", "extensions.a.extends", "a -> a"),
    ("extensions: {a: {inputs: {S11: -1}}}", "extensions.a.inputs.S11", "at least 0"),
    ("extensions: {1: {}}", "extensions.1", "text"),
    (
        "  loan_fraction: 0.5\n  loan_years: 10\n"
        "extensions: {a: {inputs: {plant_lifetime: 9}}}",
        "extensions.a.inputs.plant_lifetime",
        "outlast",
    ),
    # distributions
    (
        "  S35: {value: 1, distribution: {kind: normal, mean: 1}}",
        "inputs.S35.distribution",
        "std",
    ),
    (
        "  S35: {value: 1, distribution: {kind: normall, mean: 1, std: 1}}",
        "inputs.S35.distribution",
        "normal",
    ),
    (
        "  S35: {value: 1, unit: k$/year, "
        "distribution: {kind: lognormal, mu: 1, sigma: 1}}",
        "inputs.S35.distribution",
        "does not scale",
    ),
    # YAML itself
    ("\tx: 1", None, None),
    ("title: again", None, "title"),
    ("description: &a text\nsource: *a", None, "repeats an anchor"),
    ("description: " + "[" * 30 + "]" * 30, None, "deeper than 20"),
    ("  labor_cost: " + "9" * 400, "inputs.labor_cost", "finite"),
]


@pytest.mark.parametrize(
    ("text", "key", "told"), WRONG, ids=[text[:60] for text, *_ in WRONG]
)
def test_what_is_wrong_is_named_with_its_place(
    text: str, key: str | None, told: str | None
) -> None:
    error = fault(PLANT + text + "\n")
    assert isinstance(error.details, dict)
    assert error.details["line"] >= 9 or key is None
    assert f"line {error.details['line']}, column {error.details['column']}" in str(
        error
    )
    if key is not None:
        assert error.details["key"] == key
    if told is not None:
        assert told in str(error)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"b: 1\na: \xff", "line 2, column 4: byte 8 (0xff) is not UTF-8"),
        (b"b: 1\na: \0", "line 2, column 4: the character U+0000"),
        (b"b: 1\na: \x01", "line 2, column 4: the character U+0001"),
        (b'a: "\\ud800"', "line 1, column 4: the character U+D800"),
        (b'a: "\\U00110000"', "line 1, column 4: there is no character"),
        (b"a: " + b"9" * 5000, "line 1, column 4: a number of 5,000 characters"),
        (b"a: 0x" + b"f" * 4000, "line 1, column 4: a number of 4,002 characters"),
        (b"a: 0b" + b"1" * 20_000, "line 1, column 4: a number of 20,002"),
        (b"a: 0x_", "line 1, column 4: '0x_' can't be read as a number"),
        (b"- 1", "line 1, column 1: want a mapping"),
        (b"", "line 1, column 1: want a mapping"),
        (b"a: 1\n---\nb: 2", "line 2, column 1: want a single document"),
        (b"a: !!bool abc", "line 1, column 4: tags"),
        (b"a: !!int x", "line 1, column 4: tags"),
        (b"a: !!float x", "line 1, column 4: tags"),
        (b"a: !!omap [b: 1]", "line 1, column 4: tags"),
        (b"a: !mine x", "line 1, column 4: tags"),
        (b"a: !%ED%A0%80 x", "tags"),
        (b"%YAML 1.1\n---\na: yes", "directives"),
        (b"a: =", "line 1, column 4: put '=' in quotes"),
        (b"<<: {a: 1}", "line 1, column 1: << merges nothing"),
        (b"? [a]\n: 1", "line 1, column 3: a key is a word"),
        (b"a: 1\na: {}", "line 2, column 1: the key 'a' is given twice"),
        (b"1: 1\n0x1: 2", "line 2, column 1: a key is given twice"),
        (b"a: " + b"[" * 100_000, "nested deeper than 20"),
        (b"a: 1\n\tb: 2", "line 2, column 1: a tab stands before"),
        (b"a:\n\tb: 2", "use spaces"),
        (b"a:\t1", "line 1, column 3: a tab stands here; use spaces"),
        (b"a: [1, 2", "isn't closed"),
        (b'a: "x', "isn't closed"),
        (b"a: b: c", "line 1, column 5: there is a second colon"),
        (b"  x: 1\n y: 2", "line 2, column 2: the indentation"),
        (b"a: @b", "line 1, column 4: '@' can't begin a value"),
        (b'a: "\\q"', "a backslash in double quotes"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_yaml_of_ours_is_refused_at_its_place(
    content: bytes, told: str
) -> None:
    error = fault(content)
    assert str(error).startswith("mine.yaml, line ")
    assert told in str(error)
    assert isinstance(error.details, dict) and error.details["line"] >= 1
    _says_nothing_of_the_parser(str(error))


def _says_nothing_of_the_parser(told: str) -> None:
    inner = r"<[a-z]|ordereddict|Tagged|Commented|datetime|set_int_max|yaml\.org"
    assert not re.search(inner, told), told


@pytest.mark.parametrize(
    "value", ["{a: 1}", "[1, {a: 2}]", "2026-11-21", "0x" + "f" * 300]
)
@pytest.mark.parametrize(
    "place",
    [
        "title: %s",
        "preset: %s",
        "conventions: {loan_deduction: %s}",
        "depreciation: {method: custom, table: [%s]}",
        "depreciation: [%s]",
        "off: [%s]",
        "selectedV: {V1: %s}",
        "solves: %s",
        "products: {2: %s}",
        "replacements: {1: %s}",
        "construction_schedule: [%s]",
        "periods: [{start: %s, end: 2, inputs: {S12: 1}}]",
        "periods: [{start: 1, end: 2, inputs: {S12: %s}}]",
        "periods: %s",
        "extensions: {a: {inputs: {S11: %s}}}",
        "  labor_cost: {value: %s}",
        "  labor_cost: {value: 1, range: %s}",
        "  labor_cost: {value: 1, distribution: {kind: normal, mean: %s}}",
    ],
)
def test_messages_show_what_was_written_not_what_the_parser_made(
    place: str, value: str
) -> None:
    text = place % value
    plant = PLANT.replace("title: A plant\n", "") if "title" in place else PLANT
    try:
        read("mine.yaml", f"{plant}{text}\n".encode())
    except InputError as error:
        _says_nothing_of_the_parser(str(error))
        assert len(str(error)) < 600
    else:
        # a text, as it was written
        assert value == "2026-11-21" and place[:5] in ("title", "produ")


def test_a_text_that_is_too_long_is_not_read() -> None:
    error = fault(b"title: x\n#" + b"x" * MAX_BYTES)
    assert "262,154 bytes; a model text has at most 262,144" in str(error)


def test_the_slowest_texts_are_read_within_seconds() -> None:
    """0.5 s each on the machine this was made on; ten times that is still fine."""
    for line in ("- 1 #" + "y" * 15, "- #\n\n  1\n", "- {a: 1}", '- "\\n"', "- x\n  x"):
        content = ("a:\n" + f"{line}\n" * 3_300).encode()
        begun = time.process_time()
        with pytest.raises(InputError):
            read("mine.yaml", content[:MAX_BYTES])
        assert time.process_time() - begun < 5


def test_folded_and_literal_texts_are_read() -> None:
    text = PLANT + "description: >\n  one\n  two\nsource: |\n  one\n  two\n"
    found = read("m.yaml", text.encode())
    assert (found.description, found.source) == (
        "one two",
        "one\ntwo",
    )


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        (
            "  labor_cost: {value: 5, range: [1, 4]}",
            "inputs.labor_cost.range",
            "1 to 4 doesn't hold the value 5",
        ),
        ("replacements: {11: 5}", "replacements.11", "beyond plant_lifetime, 10"),
        ("  target_row: 11", "inputs.target_row", "target_row is 11 and plant_life"),
        (
            "extensions: {a: {inputs: {target_row: 12}}}",
            "extensions.a.inputs.target_row",
            "plant_lifetime 10",
        ),
        ("date: 2026-13-01", "date", "there is no day 2026-13-01"),
        ("  loan_years: 9.000001", "inputs.loan_years", "9.000001; want whole years"),
    ],
)
def test_what_could_never_count_is_named(text: str, key: str, told: str) -> None:
    error = fault(f"{PLANT}{text}\n")
    details: Any = error.details
    assert (details["key"], told in str(error)) == (key, True), str(error)
    assert details["line"] == 9


def test_a_horizon_of_the_file_ends_with_a_plant_of_shorter_life(
    tmp_path: Path,
) -> None:
    text = PLANT + "  target_row: 9\n"
    shorter = loaded(tmp_path, text, overrides={"S10": 5.0})
    whole = loaded(tmp_path, text, overrides={"S10": 5.0, "target_row": 0})
    assert shorter.solved_price() == whole.solved_price()


def test_a_text_of_too_many_values_is_read_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(yaml_text, "MAX_VALUES", 100)
    error = fault(b"a:\n" + b"- 1\n" * 101)
    assert "more than 100 keys and values" in str(error)
    assert error.details == {"file": "mine.yaml", "line": 99, "column": 3}


def test_a_date_needs_no_quotes() -> None:
    assert read("m.yaml", (PLANT + "date: 2026-11-21\n").encode()).date == "2026-11-21"


# -- requests ----------------------------------------------------------------------

OVERRIDES: list[tuple[dict[str, Any], str | None, str]] = [
    ({"selectedV": {"V11": "on"}}, "overrides.selectedV.V11", "V10"),
    ({"selected_f": {"F1": 2}}, "overrides.selected_f.F1", "on or off"),
    ({"selected_f": "F1"}, "overrides.selected_f", "mapping"),
    ({"S21": "complex"}, "overrides.S21", "simple, compounded"),
    ({"S22": "floating"}, "overrides.S22", "fixed, variable"),
    ({"selectedCalculationOption": "x"}, "overrides.selectedCalculationOption", "free"),
    ({"depreciation_table": [1]}, "overrides.depreciation_table", "S20"),
    (
        {"S20": "Custom", "depreciation_table": [0.5]},
        "overrides.depreciation_table",
        "sum to 0.5",
    ),
    (
        {"S20": "Custom", "depreciationTable": 5},
        "overrides.depreciationTable",
        "want a list",
    ),
    (
        {"S20": "7-MACRS", "depreciation_table": [1]},
        "overrides.depreciation_table",
        "only Custom",
    ),
    (
        {"periods": [{"start": 1, "end": 21, "inputs": {"S12": 1}}]},
        "overrides.periods[0].end",
        "1..20",
    ),
    (
        {"periods": [{"start": 1, "end": 2, "inputs": {"S31": 0.1}}]},
        "overrides.periods",
        "variable",
    ),
    (
        {"periods": [{"start": 1, "end": 2, "inputs": {"S11": 1}}]},
        "overrides.periods[0].inputs.S11",
        "year to year",
    ),
    ({"periods": {}}, "overrides.periods", "list"),
    ({"S26": 0.2, "S10": 15}, "overrides.S10", "outlast"),
    ({"S26": 0.2, "loan_years": 25}, "overrides.loan_years", "outlast"),
    ({"S33": 0.97}, "overrides.S33", "102%"),
    ({"S24": 0.5, "S25": 0.6}, "overrides.S24", "sum to 1.1"),
    ({"S12": -1}, "overrides.S12", "at least 0"),
    ({"targetRow": 1.5}, "overrides.targetRow", "whole years"),
    ({"targetRow": 5, "target_row": 5}, "overrides.target_row", "twice"),
    ({"S20": "MACRS7", "depreciation_method": "MACRS5"}, None, "twice"),
]


@pytest.mark.parametrize(("overrides", "field", "told"), OVERRIDES, ids=str)
def test_what_a_request_can_not_change_is_named(
    overrides: dict[str, Any], field: str | None, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        load("1", overrides=overrides)
    assert told in str(caught.value)
    if field is not None:
        assert caught.value.field == field


def test_the_seeds_switches_change_the_plant() -> None:
    table = [0.6, 0.4]
    model = load(
        "1",
        overrides={
            "selectedV": {"V1": "off", "V2": True},
            "selectedF": {"F1": "off"},
            "targetRow": 12.0,
            "selectedCalculationOption": "freeFlowNPV",
            "depreciationMethodAmount20": "Custom",
            "depreciation_table": table,
            "loanTypeAmount21": "compounded",
            "S22": "variable",
            "S24": 0.25,
            "periods": [{"start": 2.0, "end": 3.0, "inputs": {"S31": 0.07}}],
        },
    )
    shape = model.structure
    assert shape.off == {"V1", "F1"}
    assert (model.baseline()["target_row"], shape.solves) == (12, "npv")
    assert {asset.table for asset in shape.assets} == {tuple(table)}
    assert shape.conventions.construction_interest == "capitalised"
    assert shape.conventions.interest_type == "variable"
    assert model.baseline()["principal_proportion"] == 0.75
    assert shape.periods == (Period(2, 3, {"loan_rate": 0.07}),)


@pytest.mark.parametrize(
    "spelling",
    [
        "Straight-Line",
        "5-MACRS",
        "7-MACRS",
        "15-MACRS",
        "MACRS 10",
        "Fraction of TOC",
        "Double-Declining 10",
    ],
)
def test_every_spelling_of_s20_is_understood(spelling: str) -> None:
    plain = load("1", overrides={"S20": spelling}).structure.assets
    full = load("1", overrides={"depreciation_method": spelling}).structure.assets
    assert plain == full


def test_a_simple_loan_pays_its_interest() -> None:
    kept = load("corn_stover_ethanol", overrides={"S21": "simple"}).structure
    assert kept.conventions.construction_interest == "own_year"
    both = load("1", overrides={"construction_interest": "capitalised"})
    assert both.structure.conventions.construction_interest == "capitalised"


def test_a_preset_counts_first_whatever_the_order() -> None:
    one = {"loan_deduction": "interest", "preset": "biosteam"}
    other = dict(reversed(one.items()))
    assert (
        load("1", overrides=one).structure
        == load("1", overrides=other).structure
        == load("1", overrides={"preset": "biosteam"} | one).structure
    )
    assert load("1", overrides=one).structure.conventions.loan_deduction == "interest"


def test_a_shorter_plant_has_no_years_beyond_its_last(tmp_path: Path) -> None:
    text = PLANT + (
        "periods:\n"
        "  - {start: 1, end: 6, inputs: {S12: 50}}\n"
        "  - {start: 7, end: 10, inputs: {S12: 80}}\n"
    )
    model = loaded(tmp_path, text, overrides={"S10": 4.0})
    assert model.structure.periods == (Period(1, 4, {"number_of_units": 50.0}),)


def test_one_rate_for_the_loan_leaves_no_rates_of_years(tmp_path: Path) -> None:
    text = PLANT + (
        "conventions: {interest_type: variable}\n"
        "periods: [{start: 1, end: 6, inputs: {loan_rate: 0.1}}]\n"
    )
    assert loaded(tmp_path, text).structure.periods
    assert not loaded(tmp_path, text, overrides={"S22": "fixed"}).structure.periods
