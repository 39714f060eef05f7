"""The pages on methods are true: examples give what they say, settings are as told."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.analysis import Request
from flask_api.app import create_app
from flask_api.domains.sensitivity.derivatives.schema import DerivativesQuery
from flask_api.domains.sensitivity.fitting.schema import FitRequest
from flask_api.domains.sensitivity.method_offer import OFFERS
from flask_api.domains.sensitivity.methods import METHODS
from flask_api.domains.sensitivity.optimization.schema import OptimizeConfig
from flask_api.domains.sensitivity.schema import MonteCarloConfig
from flask_api.domains.sensitivity.surface.schema import SurfaceConfig
from flask_api.settings import Settings
from tests.doc_pages import DOCS, Block, blocks

METHOD_PAGES = sorted((DOCS / "methods").glob("*.md"))
ANALYZE = "/sensitivity/analyze"


def name_of(page: Path) -> str:
    return page.stem


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One service for all pages."""
    folder = tmp_path_factory.mktemp("methods")
    app = create_app(
        Settings(
            flask_env="testing",
            job_executor="inline",
            async_mode="threading",
            database_url="memory:",
            wait_s=55,
            instance_folder=folder / "instance",
            log_folder=folder / "logs",
        )
    )
    until = time.monotonic() + 60
    while not app.extensions["engine"].ready and time.monotonic() < until:
        time.sleep(0.005)
    yield app
    app.extensions["drain"]("the test is over")
    app.extensions["registry"].store.close()


@pytest.fixture
def asking(service: Flask) -> FlaskClient:
    return service.test_client()


class Shown(float):
    """A number as the page prints it, with what its digits leave open."""

    half_a_digit: float

    @classmethod
    def of(cls, text: str) -> Shown:
        shown = cls(text)
        mantissa, _, exponent = text.lower().partition("e")
        places = len(mantissa.partition(".")[2]) - int(exponent or 0)
        shown.half_a_digit = 0.5 * 10.0**-places
        return shown

    def fits(self, real: Any) -> bool:
        if isinstance(real, bool) or not isinstance(real, int | float):
            return False
        return abs(real - self) <= self.half_a_digit * (1 + 1e-9)


def misfits(shown: Any, real: Any, where: str = "answer") -> Iterator[str]:
    """Where the answer differs from what the page shows; "..." stands for anything."""
    if shown == "...":
        return
    if isinstance(shown, dict) and isinstance(real, dict):
        keys = {key for key in shown if key != "..."}
        missing, more = keys - set(real), set(real) - keys
        if missing or (more and "..." not in shown):
            yield f"{where}: {missing} missing, {more if '...' not in shown else ''}"
        for key in keys & set(real):
            yield from misfits(shown[key], real[key], f"{where}.{key}")
    elif isinstance(shown, list) and isinstance(real, list):
        yield from _misfits_of_items(shown, real, where)
    elif isinstance(shown, Shown):
        if not shown.fits(real):
            yield f"{where}: {real!r}, not {float(shown)!r}"
    elif shown != real:
        yield f"{where}: {real!r}, not {shown!r}"


def _misfits_of_items(shown: list[Any], real: list[Any], where: str) -> Iterator[str]:
    """A last "..." stands for the rest, another for one item."""
    whole = shown[-1:] != ["..."]
    items = shown if whole else shown[:-1]
    if len(real) < len(items) or (whole and len(real) != len(items)):
        yield f"{where}: {len(real)} items, not {len(items)}"
    for number, (one, other) in enumerate(zip(items, real, strict=False)):
        yield from misfits(one, other, f"{where}[{number}]")


def at(answer: Any, path: str) -> Any:
    """The value at a path such as `tornado.0.swing`."""
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return answer


def send(client: FlaskClient, request: str) -> Any:
    head, _, body = request.partition("\n\n")
    first, *rest = head.strip().splitlines()
    method, address = first.split()
    headers = dict(line.split(": ", 1) for line in rest)
    return client.open(address, method=method, headers=headers, data=body)


def pairs(page: Path) -> list[tuple[Block, Block]]:
    """Requests of a page, each with the answer that follows it."""
    found = list(blocks(page))
    return [
        (one, other)
        for one, other in zip(found, found[1:], strict=False)
        if one.info == "http"
    ]


@pytest.mark.parametrize("page", METHOD_PAGES, ids=name_of)
def test_the_examples_of_a_method_give_what_the_page_says(
    page: Path, asking: FlaskClient
) -> None:
    shown = pairs(page)
    assert shown, "a page has a worked example"
    answers = []
    for request, expected in shown:
        kind, status = expected.info.split()
        assert kind == "json"
        answer = send(asking, request.body)
        assert answer.status_code == int(status), f"{request}: {answer.text[:500]}"
        wanted = json.loads(expected.body, parse_float=Shown.of)
        assert not list(misfits(wanted, answer.json)), str(request)
        answers.append(answer.json)
    formulas = [b for b in blocks(page) if b.info == "python" and "known = " in b.body]
    assert len(formulas) == len(answers), "each answer has its closed form"
    for block, answer in zip(formulas, answers, strict=True):
        known: dict[str, Any] = {}
        exec(block.body, known)
        for path, (by_formula, near) in known["known"].items():
            assert abs(at(answer, path) - by_formula) <= near, f"{block}: {path}"
        assert_comments_are_true(block, known)


def assert_comments_are_true(block: Block, known: dict[str, Any]) -> None:
    """`name = ...  # 0.5`: the number behind it is the value, to the digits shown."""
    for name, digits in re.findall(r"^(\w+) = .*  # (-?\d[\d.]*)$", block.body, re.M):
        assert Shown.of(digits).fits(float(known[name])), f"{block}: {name}"


def test_a_number_that_is_off_by_a_digit_is_seen() -> None:
    wanted = json.loads('{"a": [1.25, "..."], "...": "..."}', parse_float=Shown.of)
    assert not list(misfits(wanted, {"a": [1.2549, 3], "b": 1}))
    assert list(misfits(wanted, {"a": [1.2551]}))
    assert list(misfits(wanted, {"b": 1}))
    assert list(misfits(wanted, {"a": [None]}))
    assert list(misfits(json.loads('{"a": [1]}'), {"a": [1, 2]}))


# -- settings ----------------------------------------------------------------------


def settings_of(page: Path) -> dict[str, tuple[str, str]]:
    """Default and bounds by setting, from the page's table."""
    row = r"^\| `(\w+)` \| (.*?) \| (.*?) \| .* \|$"
    found = re.findall(row, page.read_text(), re.M)
    return {name: (default, bounds) for name, default, bounds in found}


@pytest.mark.parametrize("method", OFFERS)
def test_every_method_has_a_page_with_its_settings_and_defaults(method: str) -> None:
    page, offer = DOCS / "methods" / f"{method}.md", OFFERS[method]
    told = settings_of(page)
    drawn = {"within"} if method in METHODS else set()
    assert set(told) == {*offer.settings, *drawn}
    for name, (default, _) in told.items():
        if name == "sampling":
            assert default == f"`{offer.samplings[0]}`"
        elif name in offer.defaults and not isinstance(offer.defaults[name], list):
            wanted = json.dumps(offer.defaults[name])
            assert default.strip("`") == wanted, name


@pytest.mark.parametrize("method", OFFERS)
def test_what_lies_beyond_the_bounds_of_a_page_is_refused(
    method: str, asking: FlaskClient
) -> None:
    inputs = {"a": [0, 1], "b": [0, 1]}
    body: dict[str, Any] = {
        "method": method,
        "model": {"formula": "a + b", "inputs": inputs},
        "parameters": ["a", "b"],
    }
    for name, (_, bounds) in settings_of(DOCS / "methods" / f"{method}.md").items():
        ends = re.match(r"(?:0, or )?([\d,]+) to ([\d,]+)", bounds)
        if ends is None or "names" in bounds or "numbers" in bounds:
            continue
        low, high = (int(end.replace(",", "")) for end in ends.groups())
        for beyond in (low - 1, high + 1):
            if beyond == 0 and bounds.startswith("0, or"):
                beyond = -1
            answer = asking.post(ANALYZE, json=body | {"config": {name: beyond}})
            assert answer.status_code == 400, (name, beyond)
            assert answer.json is not None
            assert answer.json["details"][0]["field"] == f"config.{name}", beyond


#: The settings of analyses that have one page.
FIELDS: dict[str, type[Request]] = {
    "monte-carlo": MonteCarloConfig,
    "surface": SurfaceConfig,
    "fit": FitRequest,
    "derivatives": DerivativesQuery,
    "optimization": OptimizeConfig,
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_of_the_other_analyses_stands_in_its_page(name: str) -> None:
    text = (DOCS / "methods" / f"{name}.md").read_text()
    told = set(re.findall(r"^\| `(?:config\.)?(\w+)` \|", text, re.M))
    assert not set(FIELDS[name].model_fields) - told


HEADINGS = ("When to use it", "Formula", "How to read it", "Worked example", "Sources")


@pytest.mark.parametrize("page", METHOD_PAGES, ids=name_of)
def test_every_page_has_its_parts_and_is_linked_from_the_overview(page: Path) -> None:
    heads = re.findall(r"^## (.*)$", page.read_text(), re.M)
    assert not [head for head in HEADINGS if head not in heads]
    assert f"(methods/{page.name})" in (DOCS / "sensitivity.md").read_text()
