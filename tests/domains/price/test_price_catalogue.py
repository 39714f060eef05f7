"""Model files: what is found, and how what is wrong is named."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, union-attr"

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from flask_api.domains.price.catalogue import listing, load, row_of
from flask_api.domains.price.inputs import canonical, is_input
from flask_api.domains.price.model_files.model_file import read
from flask_api.domains.price.revision import revision
from flask_api.numerics.errors import InputError

PLANT = """\
title: A plant
inputs:
  plant_lifetime: 10
  bare_erected_cost: 1000
  number_of_units: 100
  selling_price: 3
  required_irr: 0.1
"""


@pytest.mark.parametrize("name", ["bare_erected_cost", "S11", "s11", "bECAmount11"])
def test_an_input_has_three_names(name: str) -> None:
    assert canonical(name) == "bare_erected_cost"
    assert is_input(name)


@pytest.mark.parametrize("name", ["param1", "S99", "", "S", "x" * 10_000, "price"])
def test_a_foreign_name_is_no_input(name: str) -> None:
    assert not is_input(name)
    with pytest.raises(InputError):
        canonical(name)


def test_a_misspelt_input_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="bare_erected_cost"):
        canonical("bare_erected_costs")


@pytest.mark.parametrize(
    ("choice", "field", "told"),
    [
        ({"version": "2"}, "version", "corn_stover_ethanol"),
        ({"version": "../1"}, "version", "there are 1"),
        ({"extension": "laon"}, "extension", "as_income_allows, loan"),
        ({"overrides": {"epcc": 1.0}}, "overrides.epcc", "epc"),
        ({"overrides": {"S11": -1.0}}, "overrides.S11", "at least 0"),
        ({"overrides": {"S11": True}}, "overrides.S11", "finite number"),
        ({"overrides": {"S11": "12"}}, "overrides.S11", "finite number"),
        ({"overrides": {"S11": float("nan")}}, "overrides.S11", "finite number"),
        ({"overrides": {"S10": 12.5}}, "overrides.S10", "whole years"),
        ({"overrides": {"S11": 1.0, "bECAmount11": 1.0}}, None, "twice"),
        ({"overrides": {"S20": "MACRS9"}}, "overrides.S20", "macrs_7"),
        ({"overrides": {"S20": "Custom"}}, "overrides.S20", "depreciation_table"),
        ({"overrides": {"S18": 3.0}}, "overrides.S18", "true or false"),
        (
            {"overrides": {"state_deductible": 1.0}},
            "overrides.state_deductible",
            "True",
        ),
        ({"overrides": {"preset": "nrel"}}, "overrides.preset", "biosteam"),
        (
            {
                "version": "corn_stover_ethanol",
                "overrides": {"construction_years": 2.0},
            },
            "overrides.construction_years",
            "construction_schedule",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    choice: dict[str, object], field: str | None, told: str
) -> None:
    with pytest.raises(InputError, match=told) as caught:
        load(**choice)  # type: ignore[arg-type]
    if field is not None:
        assert caught.value.field == field


def test_an_override_switches_the_loan_on() -> None:
    with_loan = load("1", overrides={"S26": 0.2}).solved_price()
    assert with_loan == pytest.approx(load("1", "loan").solved_price(), rel=1e-12)


def test_a_users_folder_adds_models_and_changes_the_revision(tmp_path: Path) -> None:
    before = revision(str(tmp_path))
    assert before == revision()
    (tmp_path / "mine.yaml").write_text(PLANT, encoding="utf-8")
    assert revision(str(tmp_path)) != before
    model = load("mine", models_dir=str(tmp_path))
    # nothing but capital, no tax: an annuity of 1000 $ over 100 units
    assert model.solved_price() == pytest.approx(10 * 0.1 / (1 - 1.1**-10), rel=1e-12)


def test_a_users_model_cannot_shadow_ours_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "1.yml").write_text(PLANT, encoding="utf-8")
    folder = str(tmp_path)
    assert load("1", models_dir=folder) == load("1")
    assert revision(folder) != revision()
    listed = {item["version"]: item for item in listing(folder)}
    assert listed["1"]["origin"] == "built-in"
    assert listed["1"]["warning"].startswith("1.yml in MODELS_DIR is not used")
    assert "error" not in listed["1"]


def _directory(file: Path) -> None:
    file.mkdir()


def _dangling(file: Path) -> None:
    file.symlink_to(file.parent / "nothing")


def _loop(file: Path) -> None:
    file.symlink_to(file)


def _zeros(file: Path) -> None:
    file.symlink_to("/dev/zero")


def _large(file: Path) -> None:
    with file.open("wb") as out:
        out.truncate(50_000_000)  # sparse: takes no disk


def _twice(file: Path) -> None:
    for one in (file, file.with_suffix(".yml")):
        one.write_text(PLANT, encoding="utf-8")


def _tagged(file: Path) -> None:
    file.write_text("title: !!bool abc", encoding="utf-8")


ODD = {
    _directory: "is a folder",
    _dangling: "No such file",
    _loop: "symbolic links",
    os.mkfifo: "pipe",
    _zeros: "device",
    _large: "50,000,000 bytes",
    _twice: "odd.yml",
    _tagged: "line 1, column 8",
}


@pytest.mark.parametrize("make", ODD)
def test_an_odd_file_hides_no_other_model(
    make_app: Callable[..., Flask], tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mine.yaml").write_text(PLANT, encoding="utf-8")
    make(folder / "odd.yaml")
    client = make_app(models_dir=folder).test_client()
    begun = time.monotonic()
    answers = [client.get("/price/models")]
    found = {model["version"]: model for model in answers[0].json["models"]}
    assert [name for name, model in found.items() if "error" in model] == ["odd"]
    assert "odd.yaml" in found["odd"]["error"]
    assert ODD[make] in found["odd"]["error"]
    for version in ("1", "mine"):
        assert client.get(f"/price/data?version={version}").status_code == 200
    for address in ("/price/data?version=odd", "/price/models/odd"):
        answers.append(client.get(address))
        if make is not _tagged or "data" in address:  # its text can be read, and mended
            assert answers[-1].status_code == 400
    body = {"name": "odd", "content": PLANT}
    answers.append(client.post("/price/models", json=body))
    assert answers[-1].status_code == 409
    assert not [one for one in answers if str(tmp_path) in one.text]
    # the pipe blocked a web process for 31 s, /dev/zero until it was killed
    assert time.monotonic() - begun < 20


def test_a_model_that_no_list_can_carry_is_refused() -> None:
    """The parser refuses such texts before; the list holds a line of its own."""
    found = read("mine.yaml", PLANT.encode())
    with pytest.raises(InputError, match="no answer can carry") as caught:
        row_of("mine", replace(found, title="\ud800"), field="content")
    assert caught.value.field == "content"
    with pytest.raises(InputError, match="at most 524,288"):
        row_of("mine", replace(found, description="x" * 2**19))


def test_of_many_models_only_near_ones_are_named(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"plant-{number}.yaml").write_text(PLANT, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load("plnt-7", models_dir=str(tmp_path))
    assert "did you mean plant-7" in str(caught.value)
    assert "lists the 44 there are" in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["S１１", "ſ11", "S¹¹", "amount１１"])
def test_numbers_of_other_scripts_name_no_input(name: str) -> None:
    assert not is_input(name)


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("  selling_price: 3\n", "", 2, "inputs"),
        ("0.1\n", "ten\n", 7, "inputs.required_irr"),
        ("0.1\n", "-0.1\n", 7, "inputs.required_irr"),
        ("0.1\n", "true\n", 7, "inputs.required_irr"),
        ("0.1\n", ".nan\n", 7, "inputs.required_irr"),
        ("required_irr: 0.1\n", "irrr: 0.1\n", 7, "inputs.irrr"),
        ("0.1\n", "{value: 0.1, unti: x}\n", 7, "inputs.required_irr.unti"),
        ("0.1\n", "{value: 0.1, range: [2, 1]}\n", 7, "inputs.required_irr.range"),
        ("  plant_lifetime: 10\n", "  plant_lifetime: 10.5\n", 3, None),
        ("  plant_lifetime: 10\n", "  S10: 10\n  plant_lifetime: 1\n", 4, None),
        ("title", "tilte", 1, "tilte"),
        ("inputs:", "preset: nrel\ninputs:", 2, "preset"),
        (
            "inputs:",
            "conventions: {loan_deduction: x}\ninputs:",
            2,
            "conventions.loan_deduction",
        ),
        ("inputs:", "depreciation: MACRS9\ninputs:", 2, "depreciation"),
        (
            "inputs:",
            "construction_schedule: [0.5, 0.6]\ninputs:",
            2,
            "construction_schedule",
        ),
        ("inputs:", "replacements: {0: 5}\ninputs:", 2, "replacements.0"),
        (
            "inputs:",
            "extensions:\n  a: {inputs: {S11: -1}}\ninputs:",
            3,
            "extensions.a.inputs.S11",
        ),
        ("inputs:", "\tinputs:", 2, None),
        ("inputs:", "title: again\ninputs:", 2, None),
        ("title: A plant", "title: [", None, None),
    ],
)
def test_a_faulty_file_is_named_with_line_column_and_key(
    tmp_path: Path, old: str, new: str, line: int | None, key: str | None
) -> None:
    assert old in PLANT
    (tmp_path / "mine.yaml").write_text(PLANT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml, line \d+, column \d+") as caught:
        load("mine", models_dir=str(tmp_path))
    details = caught.value.details
    assert isinstance(details, dict)
    if line is not None:
        assert details["line"] == line
    if key is not None:
        assert details["key"] == key
    # the others stay usable, and the list says what is wrong with this one
    assert load("1", models_dir=str(tmp_path)).version == "1"
    listed = {item["version"]: item for item in listing(str(tmp_path))}
    assert "mine.yaml" in listed["mine"]["error"]


def test_the_list_has_every_input_with_unit_value_and_number() -> None:
    models = {item["version"]: item for item in listing()}
    assert {"1", "corn_stover_ethanol"} <= set(models)
    assert not [model["error"] for model in models.values() if "error" in model]
    assert {model["origin"] for model in models.values()} == {"built-in"}
    inputs = {item["name"]: item for item in models["1"]["inputs"]}
    bare = inputs["bare_erected_cost"]
    assert (bare["s_number"], bare["unit"], bare["value"]) == ("S11", "$", 200_000)
    assert bare["range"] == {"min": 160_000, "max": 240_000}
    assert [item["name"] for item in models["1"]["extensions"]] == [
        "as_income_allows",
        "loan",
    ]


def test_names_and_revision_need_neither_numpy_nor_yaml() -> None:
    code = (
        "import sys\n"
        "from flask_api.domains.price import schema, inputs, revision\n"
        "revision.revision()\n"
        "print([m for m in ('numpy', 'scipy', 'ruamel') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
