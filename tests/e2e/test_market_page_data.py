"""The list of uploads on the page of market structure: opened again, and deleted.

As all tests of pages, these also promise a silent console, and no request to others.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.page_parts import UNNAMED, Opener, needs_chromium
from tests.e2e.test_market_page import (
    TWICE,
    ended,
    fetched,
    opening_runs,
    scattered,
    started,
    upload,
)

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(400),
]


@pytest.fixture
def opened(browser: Any, live_server: str) -> Iterator[Opener]:
    with opening_runs(browser, live_server) as open_page:
        yield open_page


#: What the keyboard stands on: its label, or its words.
FOCUS = "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"
QUESTION = "dialog.question[open]"


def test_data_are_deleted_after_one_question_that_names_their_runs(
    opened: Opener, live_server: str
) -> None:
    page = opened(expected="409")
    upload(page, scattered(3000, 10, seed=8), "shop.csv")
    page.click("#data-other")
    delete = page.locator("#earlier").get_by_label("Delete: shop.csv", exact=True)
    data_id = delete.evaluate("at => at.closest('li').dataset.id")
    others = page.locator("#earlier li").count() - 1
    short = {"model_type": "mca", "data_id": data_id, "params": {"n_components": 2}}
    page.evaluate(
        "(id) => { location.hash = `run=${id}`; }",
        started(live_server, {**short, "name": "Map of the shop"}),
    )
    ended(page)
    long = {"n_classes": 8, "bootstrap_resamples": 1000, "seed": 1}
    run = started(
        live_server,
        {"model_type": "lca", "data_id": data_id, "name": "Long one", "params": long},
    )
    # with the keyboard alone: asked, kept, asked again, refused
    delete.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(QUESTION)
    asked = page.inner_text(QUESTION)
    assert "Delete shop.csv?" in asked and "3,000 rows, 10 columns" in asked
    assert "A run that has not ended needs these data: “Long one”" in asked
    assert "A run used these data: “Map of the shop”. What it found stays" in asked
    assert page.evaluate(UNNAMED) == [] and page.evaluate(TWICE) == []
    assert page.evaluate(FOCUS) == "Keep"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate(FOCUS) == "Delete: shop.csv"
    page.keyboard.press("Enter")
    page.wait_for_selector(QUESTION)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUS) == "Delete"
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{QUESTION} [role=alert]:not([hidden])")
    refused = page.inner_text(f"{QUESTION} [role=alert]")
    assert refused.startswith("Not deleted: 1 unfinished run of yours named these data")
    assert "such as “Long one”: wait for its end, or cancel it." in refused
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
    assert page.locator(f"{QUESTION} .danger").is_visible()
    # the run is stopped elsewhere; the question still stands
    stop = urllib.request.Request(
        f"{live_server}api/v1/runs/{run}/cancel", method="POST"
    )
    urllib.request.urlopen(stop, timeout=60).close()
    page.wait_for_selector(f'#jobs-list [data-id="{run}"][data-status="cancelled"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog", state="detached")
    delete.wait_for(state="detached")
    assert page.locator("#earlier li").count() == others
    page.wait_for_function("() => document.activeElement !== document.body")
    assert "shop.csv is deleted" in page.inner_text("#announcer")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(f"{live_server}api/v1/data/{data_id}")
    page.reload()
    page.wait_for_selector("#model:enabled")
    assert page.locator(f'#earlier [data-id="{data_id}"]').count() == 0


def test_a_list_of_many_uploads_is_shown_page_by_page(
    opened: Opener, live_server: str
) -> None:
    before = fetched(f"{live_server}api/v1/data?limit=1")["total"]
    for number in range(max(0, 23 - before)):
        table = {"data_json": [[0, 1], [1, number + 2], [1, 0]]}
        asked = urllib.request.Request(
            f"{live_server}api/v1/data",
            json.dumps({"data": table}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(asked, timeout=60).close()
    total = fetched(f"{live_server}api/v1/data?limit=1")["total"]
    page = opened()
    assert page.locator("#earlier li").count() == 20
    assert page.inner_text("#earlier-count") == f"20 of {total}"
    page.click("#earlier-more")
    page.wait_for_selector("#earlier-more", state="hidden")
    assert page.locator("#earlier li").count() == total
    assert page.evaluate("document.activeElement.closest('li').dataset.id")
