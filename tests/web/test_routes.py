"""The page and its files, without a browser."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.web import routes

PAGES = ("/", "/plant", "/market")


@pytest.fixture
def page_client() -> FlaskClient:
    """The page alone: no engine, no jobs."""
    app = Flask("page_alone", static_folder=None)
    app.register_blueprint(routes.bp)
    return app.test_client()


def files(suffix: str) -> list[Path]:
    return sorted(routes.STATIC.rglob(f"*{suffix}"))


@pytest.mark.parametrize("page", PAGES)
def test_every_address_on_a_page_is_served_and_may_be_kept_for_ever(
    page_client: FlaskClient, page: str
) -> None:
    html = page_client.get(page).text
    addresses = re.findall(r'(?:href|src|data-plotly)="(assets/[^"]+)"', html)
    assert len(addresses) >= 7
    for address in addresses:
        answer = page_client.get("/" + address, buffered=True)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"], address


def test_modules_have_the_type_that_browsers_demand(page_client: FlaskClient) -> None:
    version = routes.static_version()
    for path in files(".js"):
        name = path.relative_to(routes.STATIC).as_posix()
        answer = page_client.get(f"/assets/{version}/{name}", buffered=True)
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_every_import_of_a_module_names_a_file_that_is_there() -> None:
    for path in files(".js"):
        for name in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_other_server_and_runs_no_inline_script(
    page_client: FlaskClient, page: str
) -> None:
    answer = page_client.get(page)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "script-src" not in policy  # so the default holds for scripts
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
    assert not re.search(r"\son[a-z]+=", answer.text)
    for path in [*files(".js"), *files(".css")]:
        for found in re.findall(r"https?://[^\s\"')]+", path.read_text("utf-8")):
            # A name of a vocabulary, fetched by nobody.
            assert found == "http://www.w3.org/2000/svg", f"{path.name}: {found}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_itself_is_asked_for_anew_at_each_visit(
    page_client: FlaskClient, page: str
) -> None:
    assert page_client.get(page).headers["Cache-Control"] == "no-cache"


def test_each_page_links_to_the_other_and_marks_itself(
    page_client: FlaskClient,
) -> None:
    for page, name in zip(PAGES, ("Uncertainty", "Price", "Market"), strict=True):
        html = page_client.get(page).text
        links = dict(
            re.findall(r'<a href="([^"]+)"([^>]*)>(?:Price|Uncertainty|Market)<', html)
        )
        # Relative, for pages under a prefix of a proxy.
        assert list(links) == ["plant", ".", "market"]
        assert re.findall(r'aria-current="page">(\w+)<', html) == [name]


def test_an_outdated_version_is_not_kept_for_ever(page_client: FlaskClient) -> None:
    answer = page_client.get("/assets/000000000000/js/main.js", buffered=True)
    assert answer.headers["Cache-Control"] == "no-cache"


def test_plotly_comes_gzipped_and_is_what_the_wheel_holds(
    page_client: FlaskClient,
) -> None:
    path, version = routes.plotly_file()
    address = f"/assets/plotly-{version}.min.js"
    first = page_client.get(address, headers={"Accept-Encoding": "gzip, br"})
    second = page_client.get(address, headers={"Accept-Encoding": "gzip"})
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.data == second.data
    assert len(first.data) < 0.4 * path.stat().st_size
    assert gzip.decompress(first.data) == path.read_bytes()


def test_plotly_comes_as_it_is_for_who_cannot_unpack_it(
    page_client: FlaskClient,
) -> None:
    path, version = routes.plotly_file()
    for accepted in ("identity", "gzip;q=0"):
        with page_client.get(
            f"/assets/plotly-{version}.min.js", headers={"Accept-Encoding": accepted}
        ) as answer:
            assert "Content-Encoding" not in answer.headers
            assert answer.data == path.read_bytes()


def test_another_version_of_plotly_is_not_here(page_client: FlaskClient) -> None:
    assert page_client.get("/assets/plotly-0.0.1.min.js").status_code == 404


def test_nothing_outside_the_static_folder_is_served(page_client: FlaskClient) -> None:
    for name in ("../routes.py", "%2e%2e/routes.py", "js/../../routes.py"):
        assert page_client.get(f"/assets/x/{name}").status_code == 404
