"""The ZIP file of a run: the seed's tables, every array, and what they mean."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest

from tests.domains.market.market_requests import (
    PRODUCTS,
    completed,
    csv_of,
    households,
)

CSV = csv_of(households(300))


def archive(client: Any, run_id: str) -> zipfile.ZipFile:
    answer = client.get(f"/api/v1/runs/{run_id}/export")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    found = zipfile.ZipFile(io.BytesIO(answer.data))
    assert found.testzip() is None
    return found


def rows(found: zipfile.ZipFile, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(found.read(name).decode())))


def test_the_seeds_files_hold_what_the_results_say(client: Any) -> None:
    run = completed(client, CSV, name="kinds")
    results = client.get(f"/api/v1/runs/{run['id']}/results").json
    found = archive(client, run["id"])
    products = rows(found, "product_embeddings.csv")
    assert products[0] == ["product", "Dim_1", "Dim_2"]
    assert [row[0] for row in products[1:]] == PRODUCTS
    told = np.array([row[1:] for row in products[1:]], dtype=float)
    np.testing.assert_array_equal(told, results["product_embeddings"])
    at_home = rows(found, "household_embeddings.csv")
    assert len(at_home) == 301 and at_home[1][0] == "1"
    similar = rows(found, "similarity_matrix.csv")
    assert similar[0] == ["product", *PRODUCTS] and len(similar) == 7
    variance = rows(found, "variance_explained.csv")
    assert variance[0] == ["component", "variance_explained_pct", "cumulative_pct"]
    assert float(variance[-1][2]) == pytest.approx(100)
    summary = json.loads(found.read("model_summary.json"))
    assert summary["model_run_id"] == run["id"]
    assert summary["metrics"] == results["metrics"]
    assert summary["metadata"]["seed"] == 1
    readme = found.read("README.md").decode()
    assert readme.startswith("# kinds\n")
    for name in found.namelist():
        assert name == "README.md" or f"`{name}`" in readme


def test_every_array_and_table_is_in_it(client: Any) -> None:
    run = completed(client, CSV)
    results = client.get(f"/api/v1/runs/{run['id']}/results").json
    found = archive(client, run["id"])
    names = set(found.namelist())
    for one in results["arrays"]:
        assert f"arrays/{one['name']}.npy" in names
        array = np.load(io.BytesIO(found.read(f"arrays/{one['name']}.npy")))
        assert list(array.shape) == one["shape"]
    for name, lines in results["tables"].items():
        assert len(rows(found, f"tables/{name}.csv")) == len(lines) + 1


def test_names_never_become_formulas(client: Any) -> None:
    names = ["=1+1", "+x", "-y", "@z", "a,b", '"q"']
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    content = CSV.replace(",".join(PRODUCTS).encode(), quoted.encode())
    run = completed(client, content)
    assert run["product_columns"] == names
    found = archive(client, run["id"])
    told = [row[0] for row in rows(found, "product_embeddings.csv")[1:]]
    assert told == ["'=1+1", "'+x", "'-y", "'@z", "a,b", '"q"']


def test_the_file_is_made_once_and_known_by_its_tag(client: Any) -> None:
    run = completed(client, CSV)
    address = f"/api/v1/runs/{run['id']}/export"
    one, two = client.get(address), client.get(address)
    assert one.data == two.data
    tag = {"If-None-Match": one.headers["ETag"]}
    assert client.get(address, headers=tag).status_code == 304
    assert one.headers["Content-Disposition"].endswith(f'{run["id"]}.zip"')
    by_job = client.get(f"/api/jobs/{run['id']}/result?format=zip")
    assert by_job.data == one.data


def test_other_forms_of_the_result_are_there_too(client: Any) -> None:
    run = completed(client, CSV)
    address = f"/api/jobs/{run['id']}/result"
    profiles = client.get(f"{address}?format=csv&table=class_profiles").text
    assert profiles.splitlines()[0].startswith("class,product,probability")
    for form in ("xlsx", "html"):
        answer = client.get(f"{address}?format={form}")
        assert answer.status_code == 200
    answer = client.get(f"{address}?format=zip&table=starts")
    assert answer.status_code == 400
    # what leaves no files has no ZIP either
    other = client.post(
        "/api/jobs",
        json={"kind": "price.data", "params": {}},
        headers={"Prefer": "wait=55"},
    ).json
    refused = client.get(f"/api/jobs/{other['id']}/result?format=zip")
    assert refused.status_code == 400
