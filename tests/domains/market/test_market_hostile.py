"""Files and requests that mean harm, or come from strange programs: none is a 500."""

from __future__ import annotations

import base64
import csv
import io
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_api.domains.market.data.checks import products, refuse_unusable
from flask_api.domains.market.data.reading import read_csv, read_rows, sha256_of
from flask_api.domains.market.data.sniffing import sniff
from flask_api.domains.market.data.table import Table, open_table
from flask_api.numerics.errors import InputError
from tests.domains.market.market_requests import (
    completed,
    csv_of,
    ended,
    households,
    start,
)

WIDE = 1200  # more columns than files may be open below


def upload(client: Any, content: bytes, **options: str) -> Any:
    data: dict[str, Any] = {"file": (io.BytesIO(content), "table.csv"), **options}
    return client.post("/api/v1/data", data=data)


def read(content: bytes, folder: Path, **options: Any) -> Table:
    file, table = folder / "upload", folder / "table"
    file.write_bytes(content)
    table.mkdir()
    for _ in read_csv(file, sniff(file, **options), table, sha256_of(file)):
        pass
    return open_table(table)


def kept_data(app: Flask) -> list[str]:
    """What lies in the folder of data, of all owners."""
    folder: Path = app.config["SETTINGS"].data_folder
    return [found.name for found in folder.glob("*/*")] if folder.is_dir() else []


# -- bytes that are no text ---------------------------------------------------------

NUL = "a,b\n1,\x000\n0,1\n"


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (NUL.encode(), {}, "byte 6 is 0x00 (line 2)"),
        (NUL.encode("utf-16"), {}, "line 2 holds 0x00"),
        (NUL.encode(), {"encoding": "latin-1"}, "line 2 holds 0x00"),
        (NUL.encode(), {"encoding": "utf-8"}, "line 2 holds 0x00"),
        ("a,b\n1,0\n".encode("utf-32"), {}, "UTF-32: save it as UTF-8"),
        ("a,b\n1,0\n".encode("utf-16"), {"encoding": "latin-1"}, "line 1 holds 0x00"),
        ("a,b\n1,0\n".encode("utf-16") + b"x", {}, "is not utf-16 (near line 3"),
    ],
    ids=["utf-8", "utf-16", "latin-1", "told utf-8", "utf-32", "not latin-1", "odd"],
)
def test_bytes_that_no_text_has_are_refused_in_every_encoding(
    app: Flask, content: bytes, options: dict[str, str], said: str
) -> None:
    client: Any = app.test_client()
    answer = upload(client, content, **options)
    assert answer.status_code == 400, answer.text
    assert said in answer.json["message"]
    assert kept_data(app) == []


# -- lines ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * (1 << 21), "line 1 has 2,097,152 characters or more"),
        (b"1," * (1 << 20), "are the line ends lost?"),
        (b"a,b\n1," + b"x" * (1 << 21), "line 2 has 2,097,152 characters or more"),
        (b'a,b\n1,"' + b"x,1\n" * 300_000, "a quote (\") is opened and never closed"),
        (b'a,b\n1,0\n"1,0\n', "a quote is opened and not closed"),
        (b"#x\n" * 200_000, "blank lines only"),
        (b",".join(b"c%d" % i for i in range(5001)) + b"\n", "5,001 columns"),
    ],
    ids=["one word", "one row", "cell", "quote", "last quote", "remarks", "columns"],
)  # fmt: skip
def test_endless_lines_and_quotes_are_refused_soon(
    content: bytes, said: str, tmp_path: Path
) -> None:
    began = time.process_time()
    with pytest.raises(InputError) as caught:
        read(content, tmp_path)
    assert said in str(caught.value)
    # Remarks were cut off one by one, each time copying the rest: 15 s of a worker.
    assert time.process_time() - began < 2


def test_a_row_that_is_longer_than_the_sample_is_read(tmp_path: Path) -> None:
    # The sample was cut at its last line end: "a header and no row below it".
    note = "n" * 700_000
    table = read(f"a,note\n1,{note}\n0,{note}\n".encode(), tmp_path)
    assert table.n_rows == 2
    assert table.texts("note") == [note, note]


def test_data_below_long_remarks_are_read(tmp_path: Path) -> None:
    remarks = "# made by a program that tells much\n" * 20_000
    table = read(f"{remarks}a,b\n1,0\n0,1\n".encode(), tmp_path)
    assert table.names == ["a", "b"]
    assert table.n_rows == 2


def test_the_separator_that_a_spreadsheet_tells_is_taken(tmp_path: Path) -> None:
    table = read(b"sep=;\r\na;b, c\r\n1;0\r\n0;1\r\n", tmp_path)
    assert table.names == ["a", "b, c"]
    assert table.n_rows == 2


def test_an_unnamed_column_never_takes_anothers_name(tmp_path: Path) -> None:
    table = read(b",column_1,\n1,0,1\n0,1,1\n", tmp_path)
    assert table.names == ["column_1_", "column_1", "column_3"]


def test_zeros_and_ones_with_any_decimals_are_binary(tmp_path: Path) -> None:
    table = read(b"a,b\n1.00,0.000\n0.00,1.000\n", tmp_path)
    assert table.binary(["a", "b"]).tolist() == [[1, 0], [0, 1]]


# -- many columns --------------------------------------------------------------------


@pytest.fixture
def few_files() -> Iterator[None]:
    """As many open files as many systems allow a process, and fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_files")
def test_columns_of_text_and_numbers_may_be_more_than_files_can_be_open(
    tmp_path: Path,
) -> None:
    names = [f"c{i}" for i in range(WIDE)]
    cells = [f"word {i}" if i % 2 else f"{i + 2}.5" for i in range(WIDE)]
    lines = [names, cells, cells[::-1]]
    table = read("\n".join(map(",".join, lines)).encode(), tmp_path)
    assert table.texts("c1199") == ["word 1199", "2.5"]
    (tmp_path / "rows").mkdir()
    for _ in read_rows(lines[1:2], names, tmp_path / "rows", ""):
        pass
    rows = open_table(tmp_path / "rows")
    assert rows.number("c1198").tolist() == [1200.5]
    assert rows.texts("c1199") == ["word 1199"]


def test_rows_of_too_many_cells_are_refused_as_files_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="5,001 cells; wanted at most 5,000"):
        list(read_rows([[1] * 5001], None, tmp_path, ""))


def test_thousands_of_columns_are_judged_in_a_moment() -> None:
    # Each was looked for in a list of all: the web process stood still for seconds.
    names = [f"product {i}" for i in range(5000)]
    known = {"kind": "binary", "missing": 0, "constant": False}
    columns = [{"name": name, **known} for name in names]
    began = time.process_time()
    assert products(columns, names) == names
    refuse_unusable(columns, names, "refuse", False)
    assert time.process_time() - began < 0.1
    with pytest.raises(InputError, match="'product 7' is named twice"):
        products(columns, [*names, "product 7"])


def test_json_of_many_small_parts_is_too_large_before_it_is_read(
    make_app: Callable[..., Flask],
) -> None:
    # 60 MB of rows held up every other request for 1.2 s.
    app = make_app(max_json_bytes=200_000)
    client: Any = app.test_client()
    row = ",".join("10" * 100)
    body = f'{{"data": {{"data_json": [{",".join([f"[{row}]"] * 600)}]}}}}'
    answer = client.post("/api/v1/data", data=body, content_type="application/json")
    assert answer.status_code == 413
    assert "send rows as multipart/form-data" in answer.json["message"]
    assert "csv_base64" not in answer.json["message"]
    text = base64.b64encode(csv_of(households(15_000))).decode()
    assert len(text) > 200_000
    large = client.post("/api/v1/data", json={"data": {"csv_base64": text}})
    assert large.status_code == 201, large.text
    assert large.json["n_rows"] == 15_000


# -- requests ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("YSxiCg==MSwwCg==", "padding (=) before the end"),
        ("YSxi-_==", "not the URL's - and _"),
        ("YSxi\u00e9", "only base64 data"),
    ],
)
def test_base64_of_other_kinds_is_refused(client: Any, text: str, said: str) -> None:
    answer = client.post("/api/v1/data", json={"data": {"csv_base64": text}})
    assert answer.status_code == 400
    assert said.lower() in answer.json["message"].lower()
    assert answer.json["details"][0]["field"] == "data.csv_base64"


def test_how_to_read_a_file_is_refused_where_no_file_comes(client: Any) -> None:
    given = upload(client, csv_of(households(20))).json["data_id"]
    form = {"model_type": "mca", "params": "{}", "data_id": given, "separator": ";"}
    answer = client.post("/api/v1/runs", data=form, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert "separator: is not a known key" in answer.json["message"]


def test_a_product_that_one_odd_cell_spoils_is_not_left_out_in_silence(
    client: Any,
) -> None:
    matrix = households(40)
    matrix[4, 2] = 2
    run = completed(client, csv_of(matrix))
    told = [one for one in run["warnings"] if "'jam' (row 5 holds '2'" in one]
    assert len(told) == 1, run["warnings"]
    named = start(client, csv_of(matrix), product_columns=["bread", "jam"])
    assert named.status_code == 400
    assert "column 'jam', row 5: got '2'" in named.json["message"]


def test_a_product_is_no_count(client: Any) -> None:
    asked = {"product_columns": ["bread", "beer", "jam"], "count_column": "jam"}
    answer = start(client, csv_of(households(40)), **asked)
    assert answer.status_code == 400
    assert "count_column: 'jam' is one of product_columns" in answer.json["message"]


@pytest.mark.parametrize("count", [-1, 1.5, 1e300, 0], ids=str)
def test_counts_that_are_none_fail_in_few_words(client: Any, count: float) -> None:
    counts = [count] * 20
    lines = [[*row, n] for row, n in zip(households(20).tolist(), counts, strict=True)]
    out = io.StringIO()
    csv.writer(out).writerows([["a", "b", "c", "d", "e", "f", "n"], *lines])
    asked = start(client, out.getvalue().encode(), count_column="n")
    said = asked.json.get("message")
    if asked.status_code == 201:
        said = ended(client, asked.json["id"])["error_message"]
    assert "column 'n'" in said
    assert "wanted" in said
    assert len(said) < 200


def test_names_are_no_formulas_in_the_files_of_arrays(client: Any) -> None:
    names = ["=1+1", "+a", "-b", "@c", "label", "d"]
    content = csv_of(households(60), names)
    run = completed(client, content, model_type="mca", params={"n_components": 2})
    for file in client.get(f"/api/v1/runs/{run['id']}").json["files"]:
        if not file.endswith(".csv"):
            continue
        with client.get(f"/api/v1/runs/{run['id']}/arrays/{file}") as answer:
            rows = list(csv.reader(io.StringIO(answer.text)))
        cells = [*rows[0], *(row[0] for row in rows)]
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@"))], file
