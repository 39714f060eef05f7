"""The API's description: valid, complete, offline, and true under random requests."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.specs.openapi import definitions

#: Addresses of pages and files, which are no part of the API.
PAGES = re.compile(r"/($|plant$|market$|static/|docs/assets/|assets/|favicon|realtime)")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json
    return found


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    checker = jsonschema_rs.validator_for(definitions.OPENAPI_31)
    assert [error.message for error in checker.iter_errors(document)] == []


def everything(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for item in part.values():
            yield from everything(item)
    elif isinstance(part, list):
        for item in part:
            yield from everything(item)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for part in everything(document):
        if isinstance(part.get("$ref"), str):
            assert part["$ref"].removeprefix("#/components/schemas/") in schemas


def test_every_route_of_the_api_is_described(
    app: Flask, document: dict[str, Any]
) -> None:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        if PAGES.match(path):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert method.lower() in document["paths"].get(path, {}), path


def test_every_operation_has_words_an_id_answers_and_the_shape_of_errors(
    document: dict[str, Any],
) -> None:
    ids = []
    for path in document["paths"].values():
        for operation in path.values():
            ids.append(operation["operationId"])
            assert operation["summary"] and operation["tags"]
            error = operation["responses"]["default"]["content"]["application/json"]
            assert error["schema"]["$ref"].endswith("/ErrorAnswer")
            assert any(status[0] == "2" for status in operation["responses"])
    assert len(ids) == len(set(ids))


def test_the_seeds_addresses_stand_under_both_prefixes(
    document: dict[str, Any],
) -> None:
    for path in (
        "/sensitivity/analyze",
        "/sensitivity/monte-carlo",
        "/sensitivity/optimize",
        "/price/models",
        "/price/data",
    ):
        assert path in document["paths"] and f"/api{path}" in document["paths"]


def test_each_analysis_brings_its_form_and_its_example(
    app: Flask, document: dict[str, Any]
) -> None:
    content = document["paths"]["/api/jobs"]["post"]["requestBody"]["content"]
    body = content["application/json"]
    offered = {
        kind: analysis
        for kind, analysis in app.extensions["registry"].analyses.by_kind.items()
        if analysis.available
    }
    assert {form["title"] for form in body["schema"]["oneOf"]} == set(offered)
    for kind, analysis in offered.items():
        value = {"kind": kind, "params": dict(analysis.example)}
        assert body["examples"][kind]["value"] == value


def test_every_example_satisfies_its_schema(document: dict[str, Any]) -> None:
    components = document["components"]
    for path in document["paths"].values():
        content = path.get("post", {}).get("requestBody", {}).get("content", {})
        body = content.get("application/json", {})
        found = [body["example"]] if "example" in body else []
        found += [item["value"] for item in body.get("examples", {}).values()]
        for example in found:
            schema = {**body["schema"], "components": components}
            jsonschema_rs.validator_for(schema).validate(example)


def test_the_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links and all(re.match(r"/(?!/)|data:", link) for link in links)
    for link in links:
        if link.startswith("/"):
            assert client.get(link, buffered=True).status_code == 200
    style = next(link for link in links if link.endswith(".css"))
    text = client.get(style, buffered=True).get_data(as_text=True)
    assert "@import" not in text
    assert not re.search(r"url\(['\"]?(https?:)?//", text)


def test_the_pages_files_are_kept_by_browsers_and_no_others_are_served(
    client: FlaskClient,
) -> None:
    answer = client.get("/docs/assets/1/swagger-ui-bundle.js", buffered=True)
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/docs/assets/1/secret.py").status_code == 404


def test_the_document_knows_304(client: FlaskClient) -> None:
    first = client.get("/openapi.json")
    etag = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/api/openapi.json", headers=etag).status_code == 304


def test_random_requests_are_never_answered_500(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(job_timeout=0.5, wait_s=0.05, max_queued_jobs=20)
    api = schemathesis.openapi.from_wsgi("/openapi.json", app)
    for found in api.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/stream"):
            continue  # does not end by itself; tests/push has these

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        def ask(case: schemathesis.Case) -> None:
            case.headers.pop("Prefer", None)
            answer = case.call()
            assert answer.status_code in (503, 504) or answer.status_code < 500, (
                case.as_curl_command(),
                answer.text,
            )

        ask()
