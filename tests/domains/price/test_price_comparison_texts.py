"""What plants are called: in the answer, on sheets and charts, and what is refused."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from flask_api.documents.info import DocumentInfo
from flask_api.documents.texts import MOST_NAME, sheet_name
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.comparison.naming import plant_name
from flask_api.domains.price.files.comparison_workbook import write_workbook

CHANGE = {"overrides": {"labor_cost": 25_000}}


def compared(client: FlaskClient, *variants: dict[str, Any]) -> dict[str, Any]:
    got = client.post("/price/comparison", json={"variants": [*variants]})
    assert got.status_code == 200, got.text
    answer: dict[str, Any] = got.json
    return answer


def written(result: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    write_workbook(result, DocumentInfo("price.comparison", "Prices", "j"), file)
    data = file.getvalue()
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        for name in parts.namelist():
            text = parts.read(name)
            ElementTree.fromstring(text)
            # escapes that only cells undo, and what this reader lets pass
            for sign in (b"_x0", "\ufffe".encode(), "\uffff".encode()):
                assert sign not in text
    return data


# -- names of sheets ---------------------------------------------------------------


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=50), max_size=6))
def test_any_texts_become_names_that_a_spreadsheet_allows(texts: list[str]) -> None:
    taken: set[str] = set()
    for text in [*texts, *texts]:
        name = sheet_name(text, taken)
        assert 1 <= units(name) <= MOST_NAME
        assert not name.startswith("'") and not name.endswith("'")
        assert not set(name) & set("[]:*?/\\")
        assert not any(ord(sign) < 32 for sign in name)
        assert name.casefold() not in taken | {"history"}
        taken.add(name.casefold())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x" * 30 + "'y", "x" * 30),
        ("1 with periods [{'start': 1, 'end': 2}]", "1 with periods  {'start'  1, 'e"),
        ("😀" * 20, "😀" * 15),
        ("x" + "😀" * 15, "x" + "😀" * 15),
        ("''", "Sheet"),
        ("a\x1b[31m", "a  31m"),
        ("a\ufffe", "a\ufffd"),
        ("History", "History (2)"),
    ],
)
def test_a_sheet_name_is_cut_where_the_file_format_wants_it(
    text: str, name: str
) -> None:
    assert sheet_name(text, set()) == name


def test_names_of_sheets_differ_by_more_than_case() -> None:
    taken = {sheet_name("Straße", set()).casefold()}
    assert sheet_name("STRASSE", taken) == "STRASSE (2)"


@pytest.mark.parametrize("id", ["x" * 30 + "'y", "😀" * 20, "'", "History"])
def test_a_workbook_of_any_name_opens(client: FlaskClient, id: str) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(written(compared(client, {"id": id, **CHANGE})))
    )
    assert len(book.sheetnames) == 5 and book["Comparison"]["A3"].value == id


@pytest.mark.parametrize("id", ["a\x00b", "\x1b[31m", "\x0b", "a\ufffe", "\uffff"])
def test_a_result_with_control_characters_is_still_a_sound_workbook(
    client: FlaskClient, id: str
) -> None:
    result = compared(client, {"id": "plain", **CHANGE})  # as one kept before
    entry = result["comparisons"].pop("plain")
    entry["waterfall"][-1]["label"] = entry["drivers"][0]["label"] = id
    result["comparisons"][id] = {**entry, "unit": id}
    result["summary"][0]["id"] = id
    book = openpyxl.load_workbook(io.BytesIO(written(result)))
    assert len(book.sheetnames) == 5


@pytest.mark.parametrize("id", ["a\x00b", "\x1b[31m", "\x0b", "a\x85", "a\ufffe"])
def test_control_characters_in_an_id_are_refused_by_field(
    client: FlaskClient, id: str
) -> None:
    body = {"variants": [{"id": "sound"}, {"id": id, **CHANGE}]}
    got = client.post("/price/comparison", json=body)
    assert got.status_code == 400
    assert got.json["details"][0]["field"] == "variants[1].id"
    assert "control characters" in got.json["message"]


# -- names of plants ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"plant_lifetime": 5.0}, "1 with plant_lifetime 5"),
        ({"S30": 0.075}, "1 with S30 0.075"),
        ({"state_deductible": True}, "1 with state_deductible true"),
        ({"S20": "7-MACRS"}, "1 with S20 7-MACRS"),
        ({"periods": [{"start": 1}]}, "1 with other periods"),
        ({"S11": 2e5, "selected_v": {}}, "1 with S11 200000, other selected_v"),
        ({"a": 1, "b": 2, "c": 3}, "1 with 3 changes"),
        ({"S20": "x" * 90}, "1 with a change"),
    ],
)
def test_a_plant_is_called_by_words_that_people_write(
    changes: dict[str, Any], name: str
) -> None:
    assert plant_name(load("1"), changes) == name


def test_years_of_their_own_name_a_variant_and_its_workbook_opens(
    client: FlaskClient,
) -> None:
    periods = [{"start": 1, "end": 3, "inputs": {"S35": 20_000}}]
    result = compared(client, {"periods": periods})
    assert list(result["comparisons"]) == ["1 with other periods"]
    book = openpyxl.load_workbook(io.BytesIO(written(result)))
    assert "1 with other periods" in book.sheetnames


def test_two_versions_of_one_base_are_refused_where_the_second_stands(
    client: FlaskClient,
) -> None:
    body = {"base_version": 1, "base": {"version": 2}, "variants": ["1"]}
    got = client.post("/price/comparison", json=body)
    assert (got.status_code, got.json["details"][0]["field"]) == (400, "base.version")
