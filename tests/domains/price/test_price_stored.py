"""Models that users store: revisions, history, retirement, and who wins a race."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.domains.price import stored
from flask_api.domains.price.revision import revision
from flask_api.domains.price.stored import MAX_BYTES, Priced, Refused, Stored

PLANT = """\
title: A plant
product_unit: kg
inputs:
  plant_lifetime: 10
  bare_erected_cost: 1000
  number_of_units: 100
  selling_price: 3
  required_irr: 0.1
extensions:
  dear: {inputs: {labor_cost: 100}}
  hopeless: {inputs: {number_of_units: 0}}
"""
#: An annuity of 1000 $ over 100 kg a year: no tax, no cost but capital.
PRICE = 10 * 0.1 / (1 - 1.1**-10)

Store = Callable[..., Any]


@pytest.fixture
def store(client: FlaskClient) -> Store:
    """Posts a model of the given capital cost."""

    def post(cost: float = 1000, **more: Any) -> Any:
        headers = more.pop("headers", None)
        text = PLANT.replace("cost: 1000", f"cost: {cost:g}")
        body = {"name": "mine", "content": text, **more}
        return client.post("/price/models", json=body, headers=headers)

    return post


def text_for(number: int) -> Priced:
    return Priced(b"title: %d" % number, "t", float(number), "$/kg")


# -- over REST ---------------------------------------------------------------------


def test_a_stored_model_is_priced_listed_and_used(
    client: FlaskClient, store: Store
) -> None:
    made = store(comment="first")
    assert made.status_code == 201, made.text
    told = made.json
    assert (told["version"], told["revision"], told["unit"]) == ("mine", 1, "$/kg")
    assert told["price"] == pytest.approx(PRICE, rel=1e-12)
    assert told["extension_prices"]["dear"] == pytest.approx(PRICE + 1, rel=1e-12)
    assert "hopeless" in told["warnings"][0]
    assert made.headers["Location"] == "/price/models/mine"
    listed = {m["version"]: m for m in client.get("/price/models").json["models"]}
    assert listed["mine"]["origin"] == "stored"
    assert (listed["mine"]["revision"], listed["mine"]["comment"]) == (1, "first")
    data = client.get("/price/data?version=mine").json
    assert data["price_data"]["current_price"] == told["price"]
    assert data["metadata"]["revision"] == made.headers["ETag"].strip('"')
    again = client.get("/api/price/data?version=mine&extension=dear").json
    assert again["price_data"]["current_price"] == told["extension_prices"]["dear"]
    body = {"version": "mine", "parameter": {"id": "S11", "steps": 3}}
    assert client.post("/sensitivity/analyze", json=body).status_code == 200
    steep = client.get("/sensitivity/derivatives/S11?version=mine&points=3")
    assert steep.status_code == 200
    compared = client.post(
        "/price/comparison", json={"base_version": "1", "variants": ["mine"]}
    )
    assert compared.status_code == 200, compared.text


def test_its_text_comes_back_as_it_was_sent(client: FlaskClient, store: Store) -> None:
    made = store()
    got = client.get("/api/price/models/mine")
    assert got.mimetype == "application/yaml"
    assert got.text == PLANT
    assert got.headers["ETag"] == made.headers["ETag"]
    same = {"If-None-Match": got.headers["ETag"]}
    assert client.get("/price/models/mine", headers=same).status_code == 304


@pytest.mark.parametrize("version", ["1", "corn_stover_ethanol"])
def test_the_text_of_a_built_in_model_is_its_file(
    client: FlaskClient, version: str
) -> None:
    got = client.get(f"/price/models/{version}")
    folder = Path(stored.__file__).parent / "models"
    assert got.text == (folder / f"{version}.yaml").read_text()
    rows = client.get(f"/price/models/{version}/revisions").json
    assert (rows["origin"], rows["total"]) == ("built-in", 0)
    assert client.get(f"/price/models/{version}?revision=1").status_code == 404


def test_revisions_count_up_and_all_stay(client: FlaskClient, store: Store) -> None:
    tags = [store(cost, comment=f"c{cost}").headers["ETag"] for cost in (1000, 1100)]
    unchanged = store(1100)
    assert (unchanged.status_code, unchanged.json["revision"]) == (200, 2)
    assert unchanged.headers["ETag"] == tags[1]
    assert store(1000).json["revision"] == 3  # back to the first text: a new revision
    rows = client.get("/price/models/mine/revisions").json
    assert [row["revision"] for row in rows["revisions"]] == [1, 2, 3]
    assert [row["comment"] for row in rows["revisions"]] == ["c1000", "c1100", None]
    assert [row["etag"] for row in rows["revisions"]][:2] == tags
    assert rows["total"] == 3 and rows["retired_at"] is None
    second = client.get("/price/models/mine?revision=2")
    assert "cost: 1100" in second.text and second.headers["ETag"] == tags[1]
    assert client.get("/price/models/mine?revision=4").status_code == 404


def test_the_price_history_is_that_of_the_revisions(
    client: FlaskClient, store: Store
) -> None:
    """Without tax or costs the price is in proportion to the capital."""
    for cost, comment in ((1000, "a"), (2000, "b"), (1000, None)):
        store(cost, comment=comment)
    for extension, more in (("", 0), ("dear", 1)):
        data = client.get(f"/price/data?version=mine&extension={extension}").json
        past = data["price_data"]["price_history"]
        assert [row["revision"] for row in past] == [1, 2, 3]
        assert [row["comment"] for row in past] == ["a", "b", None]
        wanted = [PRICE + more, 2 * PRICE + more, PRICE + more]
        assert [row["price"] for row in past] == pytest.approx(wanted, rel=1e-12)
    metrics = client.get("/price/data?version=mine").json["price_data"]["metrics"]
    assert metrics["average_price"] == pytest.approx(PRICE * 4 / 3, rel=1e-12)
    assert metrics["price_volatility"] == pytest.approx(math.log(2), rel=1e-12)
    assert metrics["price_trend"] == "flat"


def test_yaml_can_be_sent_as_it_is(client: FlaskClient) -> None:
    made = client.post(
        "/price/models?name=mine&comment=by+curl",
        data=PLANT,
        content_type="application/yaml",
    )
    assert (made.status_code, made.json["comment"]) == (201, "by curl")
    assert client.get("/price/models/mine").text == PLANT


def test_a_retired_model_is_used_no_more_and_its_history_stays(
    client: FlaskClient, store: Store
) -> None:
    store(1000)
    assert client.get("/price/data?version=mine").status_code == 200
    assert client.delete("/price/models/mine").status_code == 204
    for address in ("/price/models/mine", "/api/price/models/mine"):
        gone = client.get(address)
        assert (gone.status_code, gone.json["code"]) == (410, "GONE")
        assert "?revision=1" in gone.json["message"]
    assert client.delete("/price/models/mine").status_code == 410
    unused = client.get("/price/data?version=mine")
    assert (unused.status_code, unused.json["code"]) == (400, "INVALID_INPUT")
    assert "retired" in unused.json["message"]
    listed = client.get("/price/models").json["models"]
    assert "mine" not in [model["version"] for model in listed]
    assert client.get("/price/models/mine?revision=1").text == PLANT
    rows = client.get("/price/models/mine/revisions").json
    assert rows["retired_at"] and rows["total"] == 1
    back = store(1000)  # the same text as before it was retired
    assert (back.status_code, back.json["revision"]) == (201, 2)
    assert client.get("/price/data?version=mine").status_code == 200


def test_if_match_refuses_to_follow_an_older_revision(
    client: FlaskClient, store: Store
) -> None:
    first = store(1000).headers["ETag"]
    second = store(1100, headers={"If-Match": first})
    assert second.status_code == 201
    late = store(1200, headers={"If-Match": first})
    assert (late.status_code, late.json["code"]) == (409, "CONFLICT")
    assert second.headers["ETag"] in late.json["message"]
    assert client.get("/price/models/mine/revisions").json["total"] == 2
    refused = client.delete("/price/models/mine", headers={"If-Match": first})
    assert refused.status_code == 409
    assert store(1200, if_match="*").json["revision"] == 3
    new = client.post(
        "/price/models", json={"name": "new", "content": PLANT, "if_match": "*"}
    )
    assert (new.status_code, "without If-Match" in new.json["message"]) == (409, True)
    both = store(1, if_match="a", headers={"If-Match": "b"})
    assert both.json["details"][0]["field"] == "if_match"


def test_names_of_files_are_not_stored_over(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "ours.yaml").write_text(PLANT)
    client = make_app(models_dir=folder).test_client()
    for name in ("1", "ours"):
        got = client.post("/price/models", json={"name": name, "content": PLANT})
        assert (got.status_code, got.json["code"]) == (409, "CONFLICT")
        assert "another name" in got.json["message"]
        assert client.delete(f"/price/models/{name}").status_code == 409
    # a file that comes later is told of, and both stay
    client.post("/price/models", json={"name": "later", "content": PLANT})
    (folder / "later.yaml").write_text(PLANT)
    twice = client.get("/price/data?version=later")
    assert (twice.status_code, "rename" in twice.json["message"]) == (400, True)
    assert client.get("/price/data?version=1").status_code == 200
    listed = {m["version"]: m for m in client.get("/price/models").json["models"]}
    assert "also a model you stored" in listed["later"]["error"]
    assert client.delete("/price/models/later").status_code == 204
    assert client.get("/price/data?version=later").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "a/b", "content": PLANT}, 400, "name"),
        ({"name": "..", "content": PLANT}, 400, "name"),
        ({"name": "", "content": PLANT}, 400, "name"),
        ({"name": "x" * 65, "content": PLANT}, 400, "name"),
        ({"name": "mine.yaml", "content": PLANT}, 400, "name"),
        ({"name": 1, "content": PLANT}, 400, "name"),
        ({"name": "mine"}, 400, "content"),
        ({"name": "mine", "content": ""}, 400, "content"),
        ({"name": "mine", "content": "x" * (MAX_BYTES + 1)}, 400, "content"),
        ({"name": "mine", "content": "é" * (MAX_BYTES - 1)}, 400, "content"),
        ({"name": "mine", "content": ["x"]}, 400, "content"),
        ({"name": "mine", "content": PLANT, "coment": "x"}, 400, "coment"),
        ({"name": "mine", "content": PLANT, "comment": "x" * 1001}, 400, "comment"),
        ({"name": "mine", "content": "title: ["}, 400, "content"),
        ({"name": "mine", "content": PLANT + "x: 1\n"}, 400, "content"),
        ({"name": "mine", "content": PLANT + "\tx: 1\n"}, 400, "content"),
        ({"name": "mine", "content": PLANT + "title: x\n"}, 400, "content"),
        ({"name": "mine", "content": PLANT.replace("100", "0")}, 400, "content"),
    ],
    ids=lambda value: repr(value)[-60:],
)
def test_what_can_not_be_stored_is_named(
    client: FlaskClient, body: dict[str, Any], status: int, field: str
) -> None:
    got = client.post("/price/models", json=body)
    assert got.status_code == status, got.text[:300]
    assert got.json["details"][0]["field"] == field
    assert client.get("/price/models/mine").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        PLANT.replace("A plant", r'"\ud800"'),
        PLANT + r'description: "\ud800"',
        PLANT + r'source: "a \udfff"',
        PLANT + r'date: "\ud800"',
        PLANT + r'preset: "\ud800"',
        PLANT.replace("product_unit: kg", r'product_unit: "\ud800"'),
        PLANT.replace("  dear:", r'  "\ud800":'),
        PLANT.replace("{labor_cost: 100}}", r'{}, title: "\ud800"}'),
        PLANT.replace("1000", r'{value: 1, label: "\ud800"}'),
        PLANT.replace("1000", r'{value: 1, unit: "\ud800"}'),
        PLANT.replace("1000", r'{value: 1, source: "\ud800"}'),
        PLANT + r'products: {2: "\ud800"}',
        PLANT + r'"\ud800": 1',
        PLANT.replace("A plant", r'"\0"'),
        PLANT.replace("A plant", r'"\e[31m"'),
        PLANT.replace("A plant", r'"\uffff"'),
    ],
)
def test_a_text_that_no_answer_can_carry_is_not_stored(
    client: FlaskClient, store: Store, text: str
) -> None:
    store()
    got = client.post("/price/models", json={"name": "odd", "content": text})
    assert got.status_code == 400, got.text
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "\\" in one)
    assert got.json["details"][0]["line"] == line
    assert got.json["details"][0]["column"] > 0
    assert "U+" in got.json["message"]
    listed = client.get("/price/models")
    assert listed.status_code == 200
    versions = [model["version"] for model in listed.json["models"]]
    assert "mine" in versions and "odd" not in versions


def test_a_fault_of_the_text_is_told_with_its_place(client: FlaskClient) -> None:
    text = PLANT.replace("required_irr", "reqired_irr")
    got = client.post("/price/models", json={"name": "mine", "content": text}).json
    assert "mine.yaml, line 8, column 3, key inputs.reqired_irr" in got["message"]
    assert not got["message"].startswith("content")
    assert got["details"] == [
        {
            "field": "content",
            "problem": got["message"],
            "file": "mine.yaml",
            "line": 8,
            "column": 3,
            "key": "inputs.reqired_irr",
        }
    ]


@pytest.mark.parametrize(
    ("query", "data", "kind", "status", "told"),
    [
        ("?name=mine", b"x" * (MAX_BYTES + 1), "application/yaml", 413, "262,144"),
        ("?name=mine", b"x" * 50_000_000, "application/yaml", 413, "50,000,000"),
        ("", b'"' + b"x" * 50_000_000, "application/json", 413, "50,000,001"),
        ("?name=mine", b"a: \xff", "application/yaml", 400, "UTF-8"),
        ("?name=mine", b"", "application/yaml", 400, "content"),
        ("", PLANT.encode(), "application/yaml", 400, "name"),
        ("?name=a&name=b", PLANT.encode(), "application/yaml", 400, "twice"),
        ("?name=a&content=b", PLANT.encode(), "application/yaml", 400, "content"),
        ("?name=a&nmae=b", PLANT.encode(), "application/yaml", 400, "nmae"),
        ("?name=a", b"{}", "application/json", 400, "put it into the body"),
        ("?name=a", PLANT.encode(), "text/plain", 415, "application/yaml"),
        ("?name=a", PLANT.encode(), "multipart/form-data", 415, "application/yaml"),
    ],
)
def test_a_body_that_is_no_model_is_refused(
    client: FlaskClient, query: str, data: bytes, kind: str, status: int, told: str
) -> None:
    got = client.post(f"/price/models{query}", data=data, content_type=kind)
    assert (got.status_code, told in got.json["message"]) == (status, True), got.json


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/price/models/nope", 404),
        ("GET", "/price/models/%2e%2e", 404),
        ("GET", "/price/models/a%00b", 404),
        ("GET", "/price/models/" + "x" * 500, 404),
        ("GET", "/price/models/nope/revisions", 404),
        ("GET", "/price/models/1?revision=0", 400),
        ("GET", "/price/models/1?revision=one", 400),
        ("GET", "/price/models/1?version=1", 400),
        ("GET", "/price/models/1/revisions?limit=1", 400),
        ("DELETE", "/price/models/nope", 404),
        ("DELETE", "/price/models/nope?x=1", 400),
        ("PUT", "/price/models/1", 405),
    ],
)
def test_an_address_of_no_model_is_told(
    client: FlaskClient, method: str, address: str, status: int
) -> None:
    got = client.open(address, method=method)
    assert got.status_code == status
    assert got.json["message"]


# -- caches ------------------------------------------------------------------------


def test_a_cached_answer_is_computed_anew_after_each_change(
    client: FlaskClient, store: Store
) -> None:
    def ask(address: str) -> tuple[str, str]:
        got = client.get(address)
        assert got.status_code == 200, got.text
        return got.headers["X-Job-ID"], got.headers["ETag"]

    store(1000)
    data, models = "/price/data?version=mine", "/price/models"
    other = ask("/price/data?version=1")
    first = ask(data), ask(models)
    assert (ask(data), ask(models)) == first
    store(1000)  # the same text: nothing changes
    assert (ask(data), ask(models)) == first
    store(2000)
    second = ask(data), ask(models)
    assert not set(first) & set(second)
    assert ask("/price/data?version=1") == other  # not of this version
    client.delete("/price/models/mine")
    assert ask(models) not in (first[1], second[1])


def test_the_models_folder_is_read_again_when_it_changes(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """A file may change, come and go while the service runs."""
    folder = tmp_path / "models"
    folder.mkdir()
    client = make_app(models_dir=folder).test_client()

    def price(version: str) -> float | None:
        got = client.get(f"/price/data?version={version}")
        return (
            got.json["price_data"]["current_price"] if got.status_code == 200 else None
        )

    assert price("mine") is None
    (folder / "mine.yaml").write_text(PLANT)
    assert price("mine") == pytest.approx(PRICE)
    (folder / "mine.yaml").write_text(PLANT.replace("cost: 1000", "cost: 2000"))
    assert price("mine") == pytest.approx(2 * PRICE)
    (folder / "mine.yaml").write_text("title: [")
    assert price("mine") is None
    assert price("1") == pytest.approx(2.00579, abs=5e-6)  # methods.md 5, 5 decimals
    (folder / "mine.yaml").unlink()
    (folder / "other.yml").write_text(PLANT)
    assert price("mine") is None
    assert price("other") == pytest.approx(PRICE)


def test_a_worker_process_stores_what_the_server_then_shows(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(job_executor="local", max_concurrent_jobs=1)
    client = app.test_client()
    got = client.post("/price/models", json={"name": "mine", "content": PLANT})
    assert got.status_code == 201, got.text
    record = Stored(app.config["SETTINGS"].stored_models_folder).latest("mine")
    assert record.job_id == got.headers["X-Job-ID"]
    assert client.get("/price/models/mine").text == PLANT


# -- the folder --------------------------------------------------------------------


def test_owners_do_not_see_each_others_models(tmp_path: Path) -> None:
    mine, yours = Stored(tmp_path, "a"), Stored(tmp_path, "b")
    mine.add("x", text_for(1))
    assert (mine.versions(), yours.versions()) == (["x"], [])
    assert yours.latest("x") is None
    yours.add("x", text_for(2))
    assert (mine.latest("x").price, yours.latest("x").price) == (1, 2)
    before = revision(stored=yours)
    mine.add("x", text_for(3))
    assert revision(stored=yours) == before


def test_of_many_writers_at_once_each_gets_a_number_of_its_own(tmp_path: Path) -> None:
    writers, each = 8, 6
    ready = threading.Barrier(writers)
    faults: list[BaseException] = []

    def write(writer: int) -> None:
        own = Stored(tmp_path)
        ready.wait()
        try:
            for turn in range(each):
                own.add("x", text_for(writer * each + turn))
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not faults
    found = Stored(tmp_path).history("x")
    assert [one.revision for one in found] == list(range(1, writers * each + 1))
    assert {one.price for one in found} == set(map(float, range(writers * each)))
    for one in found:
        assert Stored(tmp_path).content(one) == b"title: %d" % one.price
    assert not list(tmp_path.rglob("*.draft"))


def test_of_two_who_follow_the_same_revision_one_is_refused(tmp_path: Path) -> None:
    tag = Stored(tmp_path).add("x", text_for(0)).etag
    ready, outcomes = threading.Barrier(6), []

    def write(number: int) -> None:
        ready.wait()
        try:
            outcomes.append(Stored(tmp_path).add("x", text_for(number), None, tag))
        except Refused:
            outcomes.append(None)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(one is not None for one in outcomes) == 1
    assert [one.revision for one in Stored(tmp_path).history("x")] == [1, 2]


def test_a_job_that_runs_again_gets_the_revision_it_stored(tmp_path: Path) -> None:
    own = Stored(tmp_path)
    tag = own.add("x", text_for(0)).etag
    first = own.add("x", text_for(1), None, tag, "job")
    assert own.add("x", text_for(1), None, tag, "job") == first
    assert len(own.history("x")) == 2


def test_a_crash_while_storing_leaves_no_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Stored(tmp_path)
    before = own.add("x", text_for(0))
    link, made = os.link, []

    def fail(source: Any, target: Any) -> None:
        made.append(target)
        if str(target).endswith(".json"):
            raise OSError(28, "No space left on device")
        link(source, target)

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(OSError, match="No space"):
        own.add("x", text_for(1))
    monkeypatch.undo()
    assert made and own.latest("x") == before
    assert own.versions() == ["x"]
    assert own.add("x", text_for(1)).revision == 2


def test_a_full_disk_is_answered_as_such(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Any, target: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fail)
    got = store()
    assert (got.status_code, got.json["code"]) == (507, "DISK_FULL")


def test_the_number_of_revisions_and_versions_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MOST_REVISIONS", 2)
    monkeypatch.setattr(stored, "MOST_VERSIONS", 2)
    own = Stored(tmp_path)
    for number in range(2):
        own.add("x", text_for(number))
    with pytest.raises(Refused, match="under a new name"):
        own.add("x", text_for(3))
    own.add("x", text_for(1))  # what is there already is no new revision
    own.add("y", text_for(1))
    with pytest.raises(Refused, match="2 stored versions"):
        own.add("z", text_for(1))


def test_a_text_changed_on_disk_is_not_taken_for_the_stored_one(
    client: FlaskClient, store: Store, app: Flask
) -> None:
    store()
    folder = app.config["SETTINGS"].stored_models_folder
    (file,) = folder.rglob("*.yaml")
    file.write_text(PLANT.replace("1000", "1"))
    assert "changed on disk" in client.get("/price/models/mine").json["message"]
    got = client.get("/price/data?version=mine")
    assert (got.status_code, "changed on disk" in got.json["message"]) == (400, True)


def test_the_list_is_told_from_what_was_kept_and_reads_no_text(
    client: FlaskClient, store: Store, app: Flask
) -> None:
    store()
    before = {m["version"]: m for m in client.get("/price/models").json["models"]}
    folder = app.config["SETTINGS"].stored_models_folder
    (text,) = folder.rglob("*.yaml")
    content = text.read_bytes()
    text.write_text("title: [")
    body = {"name": "other", "content": PLANT}
    client.post("/price/models", json=body)  # so that the list is made anew
    after = {m["version"]: m for m in client.get("/price/models").json["models"]}
    assert after["mine"] == before["mine"]
    # what lists tell can be lost: it is made anew from the text, and kept again
    text.write_bytes(content)
    (row,) = text.parent.glob("*.row-*.json")
    row.unlink()
    client.delete("/price/models/other")
    again = {m["version"]: m for m in client.get("/price/models").json["models"]}
    assert again["mine"] == before["mine"]
    assert row.is_file()


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("000001.json", b"{"),
        ("000001.json", b"[]"),
        ("000001.json", b"{}"),
        ("000001.json", b"\xff"),
        ("*.row-*.json", b"["),
        ("*.yaml", None),
    ],
)
def test_what_is_broken_on_disk_hides_no_other_model(
    client: FlaskClient,
    store: Store,
    app: Flask,
    pattern: str,
    content: bytes | None,
) -> None:
    store()
    folder = app.config["SETTINGS"].stored_models_folder
    for file in folder.rglob(pattern):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
    client.post("/price/models", json={"name": "other", "content": PLANT})
    listed = client.get("/price/models")
    assert listed.status_code == 200, listed.text
    found = {model["version"]: model for model in listed.json["models"]}
    assert {"1", "mine", "other"} <= set(found)
    assert ("error" in found["mine"]) == (pattern == "000001.json")
    assert "error" not in found["other"] and "error" not in found["1"]
    assert client.get("/price/data?version=other").status_code == 200
    mine = client.get("/price/data?version=mine")
    assert mine.status_code == (200 if "row" in pattern else 400), mine.text
    for address in ("/price/models/mine", "/price/models/mine/revisions"):
        got = client.get(address)
        assert got.status_code in (200, 400, 409)
        assert str(folder) not in got.text


def test_names_that_are_no_versions_touch_nothing(tmp_path: Path) -> None:
    (tmp_path / "000001.json").write_text(json.dumps({}))
    own = Stored(tmp_path / "inner")
    for name in ("..", ".", "", "a/b", "../..", "a\0b"):
        assert own.latest(name) is None
        assert own.history(name) == []
        assert own.record(name, 1) is None
