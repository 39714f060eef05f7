"""What the tests of the pages share: Chromium, and pages that may not complain."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed"
)

#: What can be used on a page and says nothing of what it does.
UNNAMED = """() => [...document.querySelectorAll(
    "input, select, textarea, button, a[href]")]
  .filter((at) => at.checkVisibility())
  .filter((at) => !(at.ariaLabel || at.labels?.length || at.innerText.trim()))
  .map((at) => at.outerHTML)"""
#: How the focus is drawn.
OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"

#: Opens a page; `expected`: what its console may complain of; `url`: another address;
#: more keyword arguments go to the browser's context.
Opener = Callable[..., Any]


@contextmanager
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opening(
    browser: Any, home: str, ready: str, patience: float = 60
) -> Iterator[Opener]:
    """Opens pages, and says at the end what any of them has complained of.

    ready     selector of what shows that the page can be used
    patience  seconds that it is waited for what a test wants: a laden machine starts
              workers slowly, and these may have to compile their kernels first
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(expected: str = "", url: str = home, **options: Any) -> Any:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}} | options
        )
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(1000 * patience)
        server = url[: url.index("/", len("http://")) + 1]

        def heard(message: Any) -> None:
            # The browser itself logs what fails on the network; some tests want that.
            wanted = expected and expected in message.text
            if message.type in ("error", "warning") and not wanted:
                complaints.append(message.text)

        def asked(request: Any) -> None:
            if not request.url.startswith((server, "data:", "blob:")):
                complaints.append(f"asked {request.url}")

        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", asked)
        page.goto(url)
        page.wait_for_selector(ready)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
