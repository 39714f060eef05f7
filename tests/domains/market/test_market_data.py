"""Data that are uploaded: read in whatever form they come, refused where they err."""

from __future__ import annotations

import base64
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask

from flask_api.domains.market.data.reading import read_csv, sha256_of
from flask_api.domains.market.data.sniffing import sniff
from flask_api.domains.market.data.table import Table, open_table
from flask_api.domains.market.data.words import MISSING, number_of
from flask_api.numerics.errors import InputError
from tests.domains.market.market_requests import base64_of, csv_of, households, start


def upload(client: Any, content: bytes, **options: str) -> Any:
    data: dict[str, Any] = {"file": (io.BytesIO(content), "table.csv"), **options}
    return client.post("/api/v1/data", data=data)


def read(content: bytes, folder: Path, **options: Any) -> Table:
    file = folder / "upload"
    file.write_bytes(content)
    table = folder / "table"
    table.mkdir()
    for _ in read_csv(file, sniff(file, **options), table, sha256_of(file)):
        pass
    return open_table(table)


# -- forms of files ----------------------------------------------------------------

ROWS = "Käufer;Brot;Bier\n1;1;0\n2;0;1\n3;1;1\n"


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.encode("utf-16"),
        ROWS.encode("utf-16-le"),
        ROWS.encode("utf-16-be"),
        ROWS.encode("cp1252"),
        ROWS.replace(";", ",").encode(),
        ROWS.replace(";", "\t").encode(),
        ROWS.replace(";", "|").encode(),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("\n", "\n\n").encode(),
        ("# a remark; with a semicolon\n" + ROWS).encode(),
        ROWS.rstrip().encode(),
        ROWS.replace("Brot", '"Brot"').replace("1;1;0", '"1";"1";"0"').encode(),
    ],
    ids=[
        "utf-8", "mark", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "comma", "tab",
        "bar", "crlf", "blank lines", "remark", "no last line end", "quotes",
    ],
)  # fmt: skip
def test_a_table_is_the_same_however_it_is_written(
    content: bytes, tmp_path: Path
) -> None:
    table = read(content, tmp_path)
    assert table.names == ["Käufer", "Brot", "Bier"]
    assert table.binary(["Brot", "Bier"]).tolist() == [[1, 0], [0, 1], [1, 1]]
    assert table.number("Käufer").tolist() == [1, 2, 3]


def test_a_guessed_encoding_is_said(client: Any) -> None:
    answer = upload(client, ROWS.encode("latin-1"))
    assert answer.status_code == 201
    assert "not UTF-8; it was read as cp1252" in answer.json["warnings"][0]


def test_an_encoding_that_is_told_is_taken_or_refused(client: Any) -> None:
    told = upload(client, ROWS.encode("latin-1"), encoding="latin-1")
    assert told.json["columns"][0]["name"] == "Käufer"
    assert told.json["warnings"] == []
    wrong = upload(client, ROWS.encode("latin-1"), encoding="utf-8")
    assert wrong.status_code == 400
    assert "not utf-8" in wrong.json["message"]


def test_words_for_yes_and_no_are_1_and_0(tmp_path: Path) -> None:
    words = b"a,b,c,d,e\n1,true,Yes,T,1.0\n0,FALSE,no,f,0.0\n ,NA,null,nan,-\n"
    table = read(words, tmp_path)
    assert [column["kind"] for column in table.columns] == ["binary"] * 5
    expected = [[1] * 5, [0] * 5, [MISSING] * 5]
    assert table.cells().tolist() == expected


def test_other_columns_are_kept_as_numbers_or_text(tmp_path: Path) -> None:
    table = read(b'id,age,x\n"a, b",30.5,1\n"c\nd",NA,0\ne,-2e3,1\n', tmp_path)
    kinds = {column["name"]: column["kind"] for column in table.columns}
    assert kinds == {"id": "text", "age": "numeric", "x": "binary"}
    assert table.texts("id") == ["a, b", "c\nd", "e"]
    np.testing.assert_array_equal(table.number("age"), [30.5, np.nan, -2000])
    age = table.columns[1]
    assert (age["minimum"], age["maximum"], age["missing"]) == (-2000, 30.5, 1)
    with pytest.raises(InputError, match=r"row 2"):
        table.numbers(["age"])
    with pytest.raises(InputError, match=r"'id' is text \(row 1 holds 'a, b'\)"):
        table.number("id")


def test_a_decimal_comma_is_understood_where_columns_are_divided_otherwise() -> None:
    assert number_of("0,5", decimal_comma=True) == 0.5
    assert number_of("0,5") is None
    assert number_of("1,000.5", decimal_comma=True) is None


def test_values_on_the_first_line_are_no_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    table = read(b"1,0,1\n0,1,1\n", tmp_path / "a")
    assert table.names == ["item_1", "item_2", "item_3"]
    assert table.n_rows == 2
    (tmp_path / "b").mkdir()
    told = read(b"1,0\n0,1\n", tmp_path / "b", header=True)
    assert told.names == ["1", "0"]
    (tmp_path / "c").mkdir()
    codes = read(b"4711,4712\n0,1\n1,1\n", tmp_path / "c")
    assert codes.names == ["4711", "4712"]


def test_a_column_without_a_name_gets_one(client: Any) -> None:
    answer = upload(client, b",a,b\n0,1,0\n1,0,1\n")
    assert [c["name"] for c in answer.json["columns"]] == ["column_1", "a", "b"]
    assert "column_1" in answer.json["warnings"][0]


def test_types_that_change_late_in_a_large_file_are_seen(tmp_path: Path) -> None:
    # Blocks are 4 MiB: this column is 0 and 1 in the first ones, then a number, then
    # text; its earlier values are not lost.
    n = 1_200_000
    lines = ["a,b,c"] + ["1,0,1"] * n
    lines[n - 10] = "1,7.5,x"
    table = read("\n".join(lines).encode(), tmp_path)
    assert [column["kind"] for column in table.columns] == ["binary", "numeric", "text"]
    assert table.number("b")[[0, n - 11, n - 1]].tolist() == [0, 7.5, 0]
    texts = table.texts("c")
    assert len(texts) == n and texts[0] == "1" and texts[n - 11] == "x"
    assert table.columns[2]["first_text"] == {"row": n - 10, "value": "x"}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    # pyarrow reads 32 blocks of 512 KiB ahead: both files are longer than that.
    def peak(times: int) -> int:
        folder = tmp_path / str(times)
        folder.mkdir()
        rows = csv_of(households(1000))
        head, _, body = rows.partition(b"\n")
        content = head + b"\n" + body * times
        tracemalloc.start()
        read(content, folder)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(4_000) < peak(2_000) + 2_000_000  # 48 and 24 MB


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n\n", "blank lines only"),
        (b"a,b,c\n", "a header of 3 columns and no row"),
        (b"a,b\n1,0\n0,1,1\n", "row 2 has 3 cells; wanted 2"),
        (b"a,b\n1,0\n\n0\n", "row 2 has 1 cell; wanted 2"),
        (b"a,b,a\n1,0,1\n", "columns 1 and 3 are both called 'a'"),
        (bytes(range(256)) * 10, "no text: byte 0 is 0x00"),
        (b"a,b\n1,0\n1,\x07\n", "byte 10 is 0x07 (line 3)"),
        (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
        (b"\x1f\x8b" + bytes(100), "gzip"),
        (b"%PDF-1.7 ...", "a PDF"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(
    client: Any, content: bytes, said: str
) -> None:
    answer = upload(client, content)
    assert answer.status_code == 400, answer.text
    assert answer.json["code"] == "INVALID_INPUT"
    assert said in answer.json["message"]
    assert client.get("/api/v1/data").json["total"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%%%%", "no base64"),
        ("YWJj*ZGVm", "no base64"),
        ("YQ=====", "no base64"),
        ("", "the file is empty"),
    ],
)
def test_base64_garbage_is_refused(client: Any, text: str, said: str) -> None:
    answer = client.post("/api/v1/data", json={"csv_base64": text})
    assert answer.status_code == 400
    assert said in answer.json["message"]


def test_base64_is_read_as_browsers_and_mail_programs_write_it(
    client: Any,
) -> None:
    content = csv_of(households(500))
    plain = base64.b64encode(content).decode()
    wrapped = base64.encodebytes(content).decode()
    for text in (plain, wrapped, plain.rstrip("="), f"data:text/csv;base64,{plain}"):
        answer = client.post("/api/v1/data", json={"csvBase64": text})
        assert answer.status_code == 201, answer.text
        assert answer.json["n_rows"] == 500
    shas = {
        client.get(f"/api/v1/data/{row['data_id']}").json["sha256"]
        for row in client.get("/api/v1/data").json["data"]
    }
    assert len(shas) == 1  # of the file, not of the text it came in


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "data: is missing"),
        ({"data": 5}, "must be an object"),
        ({"csv_base64": 5}, "must be text"),
        ({"csv_base64": "YQ==", "data_json": [[1]]}, "either csv_base64 or data_json"),
        ({"csv_base64": "YQ==", "column_names": ["a"]}, "goes with data_json"),
        ({"data_json": 1}, "must be a list of rows"),
        ({"data_json": []}, "got no row"),
        ({"data_json": [1, 2]}, "wanted a list of cells"),
        ({"data_json": [[1, 0], [1]]}, "row 2 has 1 cell"),
        ({"data_json": [[1, 0], [1, {}]]}, "row 2, column 2 holds a list or an object"),
        ({"data_json": [[1, 0]], "column_names": ["a"]}, "got 1 column name"),
        ({"data_json": [[1, 0]], "column_names": ["a", "a"]}, "two columns are called"),
        ({"data_json": [[1, 0]], "column_names": "ab"}, "must be a list of texts"),
        ({"data_json": [[1, 0]], "separator": "x"}, "separator"),
        ({"data_json": [[1, 0]], "colour": "x"}, "colour"),
    ],
)
def test_a_json_body_without_a_table_is_refused(
    client: Any, body: dict[str, Any], said: str
) -> None:
    answer = client.post("/api/v1/data", json=body)
    assert answer.status_code == 400
    assert said in answer.json["message"]


def test_json_rows_are_a_table_too(client: Any) -> None:
    answer = client.post(
        "/api/v1/data",
        json={
            "data_json": [[True, 0.5, "x"], [False, None, "y"]],
            "column_names": list("abc"),
        },
    )
    kinds = [column["kind"] for column in answer.json["columns"]]
    assert kinds == ["binary", "numeric", "text"]
    assert answer.json["preview"] == [[1, 0.5, "x"], [0, None, "y"]]


def test_an_upload_that_is_too_large_is_413_and_leaves_nothing(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(max_data_bytes=20_000, max_base64_bytes=20_000)
    client: Any = app.test_client()
    large = csv_of(households(3_000))
    assert upload(client, large).status_code == 413
    answer = client.post("/api/v1/data", json=base64_of(large * 40))
    assert answer.status_code == 413
    assert "MAX_BASE64_BYTES" in answer.json["message"]
    folder = app.config["SETTINGS"].data_folder
    assert not [p for p in folder.rglob("*") if p.is_file()]


def test_broken_forms_are_refused(client: Any) -> None:
    broken = client.post(
        "/api/v1/data", data=b"--x\r\nbroken", content_type="multipart/form-data"
    )
    assert broken.status_code == 400
    cut = client.post(
        "/api/v1/data",
        data=b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1',
        content_type="multipart/form-data; boundary=x",
    )
    assert cut.status_code == 400
    assert client.post("/api/v1/data", data=b"a,b").status_code == 415


# -- keeping -----------------------------------------------------------------------


def test_the_same_content_has_the_same_id_and_is_kept_once(client: Any) -> None:
    content = csv_of(households(100))
    one, two = upload(client, content), upload(client, content)
    assert one.json == two.json
    assert client.get("/api/v1/data").json["total"] == 1
    told = upload(client, content, header="false")
    assert told.json["data_id"] != one.json["data_id"]
    assert told.json["n_rows"] == 101


def test_data_are_listed_shown_and_deleted(client: Any) -> None:
    made = upload(client, csv_of(households(100)))
    location = made.headers["Location"]
    assert location == f"/api/v1/data/{made.json['data_id']}"
    shown = client.get(f"{location}?rows=3")
    assert len(shown.json["preview"]) == 3
    assert shown.json["columns"] == made.json["columns"]
    assert client.delete(location).status_code == 204
    for method in ("get", "delete"):
        assert getattr(client, method)(location).status_code == 404
    assert client.get("/api/v1/data").json["total"] == 0


@pytest.mark.parametrize("name", ["d" + "0" * 32, "nope", "..", "..%2F..%2Fjobs"])
def test_unknown_data_are_404(client: Any, name: str) -> None:
    assert client.get(f"/api/v1/data/{name}").status_code == 404
    assert client.delete(f"/api/v1/data/{name}").status_code == 404
    answer = start(client, data_id=name)
    assert answer.status_code == 404


def test_data_that_a_run_needs_are_not_deleted(
    make_app: Callable[..., Flask],
) -> None:
    client: Any = make_app(max_concurrent_jobs=1).test_client()
    data_id = upload(client, csv_of(households(300))).json["data_id"]
    long = {"n_classes": 4, "bootstrap_resamples": 1000, "seed": 1}
    run = start(client, data_id=data_id, params=long).json
    refused = client.delete(f"/api/v1/data/{data_id}")
    assert refused.status_code == 409
    assert run["id"] in refused.json["message"]
    assert client.delete(f"/api/v1/runs/{run['id']}").status_code == 204
    assert client.get(f"/api/v1/data/{data_id}").status_code == 200  # it was uploaded
    assert client.delete(f"/api/v1/data/{data_id}").status_code == 204
