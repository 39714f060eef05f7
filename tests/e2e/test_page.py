"""The page in a real browser, against a real server with real workers.

Every test also promises: no error on the browser's console, and not one request to
anything but this server.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.page_parts import OUTLINE, UNNAMED, Opener, needs_chromium, opening

#: The bar's percent, and what the live picture says of itself.
SIGHT = """() => [
  Number(document.querySelector("[role=progressbar]").ariaValueNow),
  document.querySelector(".live-chart svg")?.ariaLabel ?? ""
]"""

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(300),
]

#: Seconds for a run of millions of draws: two on an idle machine, more on a busy one.
PATIENCE = 240
#: For tests that wait for such runs, one after the other.
patient = pytest.mark.timeout(3 * PATIENCE)


@pytest.fixture
def opened(browser: Any, live_server: str) -> Iterator[Opener]:
    with opening(browser, live_server, "#start:enabled", patience=120) as open_page:
        yield open_page


def status(page: Any) -> str:
    return str(page.get_attribute("#run-body .badge", "data-status"))


def wait_for_status(page: Any, word: str, seconds: float = 120) -> None:
    page.wait_for_selector(
        f'#run-body .run-head .badge[data-status="{word}"]', timeout=1000 * seconds
    )


def run_id(page: Any) -> str:
    return str(page.url.split("#run=")[1])


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def set_up(page: Any, iterations: int, seed: int | None = None) -> None:
    """Corn stover, with the fields of a Monte Carlo filled in."""
    page.select_option("#version", "corn_stover_ethanol")
    page.wait_for_selector('.input[data-name="loan_rate"]')
    page.fill("#iterations", f"{iterations:,}")
    page.fill("#seed", "" if seed is None else str(seed))


def watched(page: Any, seconds: float = PATIENCE) -> list[tuple[int, str]]:
    """What a watcher sees until the run ends: each (percent, picture) once."""
    seen: list[tuple[int, str]] = []
    deadline = time.monotonic() + seconds
    while status(page) in ("pending", "running") and time.monotonic() < deadline:
        sight = page.evaluate(SIGHT)
        if not seen or seen[-1] != tuple(sight):
            seen.append((sight[0], sight[1]))
        page.wait_for_timeout(20)
    return seen


@patient
def test_a_monte_carlo_is_watched_live_and_its_result_taken_home(
    opened: Opener, live_server: str, tmp_path: Path
) -> None:
    page = opened()
    set_up(page, 16_000_000, seed=7)
    page.fill("#input-loan_rate", "0.09")
    page.fill("#target", "0.7")
    page.click("#start")
    page.wait_for_selector("#run-body [role=progressbar]")
    seen = watched(page)
    wait_for_status(page, "completed")
    percents = [percent for percent, _ in seen]
    assert percents == sorted(percents)
    assert len(set(percents)) >= 3  # the bar moved
    assert len({picture for _, picture in seen if picture}) >= 3  # the picture grew
    page.wait_for_selector(".picture .main-svg")

    with page.expect_download() as download:
        page.click("text=Download JSON")
    download.value.save_as(tmp_path / "result.json")
    result = json.loads((tmp_path / "result.json").read_text())
    mean = result["results"]["mean"]
    assert result["iterations"] == 16_000_000
    assert f"{mean:.5g}" in page.inner_text(".tiles")
    asked = fetched(f"{live_server}api/jobs/{run_id(page)}")["params"]
    assert asked["model"]["overrides"] == {"loan_rate": 0.09}

    with page.expect_download() as download:
        page.click("text=Download CSV")
    download.value.save_as(tmp_path / "result.csv")
    lines = (tmp_path / "result.csv").read_text().splitlines()
    assert lines[0] == "value,probability"
    shares = [float(line.split(",")[1]) for line in lines[1:]]
    assert sum(shares) == pytest.approx(1)

    page.click("#run-body >> text=Copy as curl")
    command = page.evaluate("navigator.clipboard.readText()")
    again = _run_in_a_shell(command, live_server)
    # Same request and same seed: the same bits.
    assert fetched(f"{live_server}api/jobs/{again}/result")["results"]["mean"] == mean


def _run_in_a_shell(command: str, server: str) -> str:
    """The id of the job that `command` started, once that has ended well."""
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=120, check=True
    )
    job = str(json.loads(done.stdout)["job_id"])
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state = fetched(f"{server}api/jobs/{job}")["status"]
        if state not in ("pending", "running"):
            break
        time.sleep(0.2)
    assert state == "completed"
    return job


def test_a_tornado_shows_the_widest_input_first(opened: Opener) -> None:
    page = opened()
    page.select_option("#version", "corn_stover_ethanol")
    page.select_option("#analysis", "tornado")
    page.click("#start")
    wait_for_status(page, "completed")
    page.wait_for_selector(".picture .main-svg")
    page.click("text=As a table")
    swings = [
        abs(float(cell.replace(",", "")))
        for cell in page.locator("tbody td:last-child").all_inner_texts()
    ]
    assert len(swings) >= 10
    assert swings == sorted(swings, reverse=True)
    # The file's own price, methods.md section 5, to the digits a tile shows.
    assert "0.68767" in page.inner_text(".tiles")


def test_a_long_run_is_cancelled_and_keeps_what_it_had(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    set_up(page, 100_000_000)
    page.click("#start")
    page.wait_for_selector(".live-chart svg")
    # Together in one event, but not at first: a job that is read has no rate.
    page.wait_for_selector('.progress-line:has-text("/s"):has-text(" left")')
    page.click("#cancel")
    wait_for_status(page, "cancelled")
    assert page.is_visible(".live-chart svg")
    row = page.locator(f'.job[data-id="{run_id(page)}"]')
    assert row.get_attribute("data-status") == "cancelled"
    assert fetched(f"{live_server}api/jobs/{run_id(page)}")["status"] == "cancelled"


def test_runs_are_still_there_after_a_reload_and_one_goes_on(opened: Opener) -> None:
    page = opened()
    set_up(page, 100_000_000)
    page.click("#start")
    page.wait_for_selector(".live-chart svg")
    before = page.locator(".job").evaluate_all("rows => rows.map(r => r.dataset.id)")
    running = run_id(page)
    page.reload()
    page.wait_for_selector(".job")
    after = page.locator(".job").evaluate_all("rows => rows.map(r => r.dataset.id)")
    assert after == before
    assert run_id(page) == running
    page.wait_for_selector(".live-chart svg")
    page.click(f'.job[data-id="{running}"] >> text=Cancel')
    wait_for_status(page, "cancelled")


@patient
def test_a_killed_server_is_waited_for_and_the_run_goes_on(
    opened: Opener, server: Callable[..., Any], tmp_path: Path
) -> None:
    first = server("dev", fresh=True, folder=tmp_path)
    page = opened(expected="net::ERR", url=f"{first.url}/")
    set_up(page, 24_000_000, seed=3)
    page.click("#start")
    page.wait_for_selector(".live-chart svg", timeout=1000 * PATIENCE)
    first.process.kill()
    first.process.wait(60)
    page.wait_for_selector("#run-body >> text=The connection is lost")
    second = server(
        "dev", fresh=True, folder=tmp_path, ready=None, FLASK_PORT=first.port
    )
    second.port = first.port
    second.wait_ready(PATIENCE)
    wait_for_status(page, "completed", PATIENCE)
    page.wait_for_selector('#connection[data-state="on"]')


def test_the_list_tells_of_runs_that_others_start_and_delete(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    # The row must come by the stream, so the stream has to be open first.
    page.wait_for_selector('#connection[data-state="on"]')
    asked = {"kind": "sensitivity.analyze", "params": {"parameters": ["S11"]}}
    body = json.dumps(asked).encode()
    request = urllib.request.Request(
        f"{live_server}api/jobs",
        body,
        {"Content-Type": "application/json", "Prefer": "wait=55"},
    )
    job = fetched_from(request)["job_id"]
    page.wait_for_selector(f'.job[data-id="{job}"][data-status="completed"]')
    request = urllib.request.Request(f"{live_server}api/jobs/{job}", method="DELETE")
    urllib.request.urlopen(request, timeout=60).close()
    page.wait_for_selector(f'.job[data-id="{job}"]', state="detached")


def fetched_from(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def test_the_keyboard_alone_starts_a_run_and_the_focus_is_seen(opened: Opener) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(200):
        page.keyboard.press("Tab")
        outline = page.evaluate(OUTLINE)
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        here = page.evaluate("document.activeElement.id")
        if here == "iterations":
            page.keyboard.press("Control+A")
            page.keyboard.type("1,000")
        if here == "start":
            break
    assert page.input_value("#iterations") == "1,000"
    page.keyboard.press("Enter")
    wait_for_status(page, "completed")
    assert page.evaluate("document.activeElement.id") == "start"


def test_every_field_has_a_name_that_a_screen_reader_can_say(opened: Opener) -> None:
    page = opened()
    page.check("#show-all")
    unnamed = page.evaluate(UNNAMED)
    assert unnamed == []
    assert page.get_attribute("#announcer", "aria-live") == "polite"


def test_a_wrong_setting_is_refused_beside_its_field(opened: Opener) -> None:
    page = opened(expected="status of 400")
    set_up(page, 5)
    page.click("#start")
    page.wait_for_selector("#form-problem:visible")
    assert "Iterations" in page.inner_text("#form-problem")
    assert page.get_attribute("#iterations", "aria-invalid") == "true"
    page.fill("#iterations", "0,05")
    page.click("#start")
    assert "whole number" in page.inner_text("#form-problem")


def test_a_wrong_input_is_refused_beside_its_field(opened: Opener) -> None:
    page = opened(expected="status of 400")
    set_up(page, 1000)
    page.fill("#input-loan_fraction", "3")
    page.click("#start")
    row = page.locator('.input[data-name="loan_fraction"]')
    row.locator(".bad").wait_for(state="visible")
    assert page.get_attribute("#input-loan_fraction", "aria-invalid") == "true"
    assert page.is_visible("#form-problem")
    page.click("text=Undo all changes")
    assert page.input_value("#input-loan_fraction") == "0.6"


def brightness(page: Any) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(c) for c in colour[4:-1].split(","))
    return (red + green + blue) / 765


def test_the_page_is_dark_where_the_system_is_and_the_button_switches(
    opened: Opener,
) -> None:
    page = opened(color_scheme="dark")
    assert brightness(page) < 0.2
    page.click("#theme")
    assert brightness(page) > 0.8
    page.reload()
    page.wait_for_selector("#start:enabled")
    assert brightness(page) > 0.8
    assert brightness(opened(color_scheme="light")) > 0.8


def test_nothing_runs_over_the_edge_of_a_narrow_screen(opened: Opener) -> None:
    page = opened(viewport={"width": 360, "height": 740})
    page.check("#show-all")
    set_up(page, 1000, seed=1)
    page.click("#start")
    wait_for_status(page, "completed")
    page.wait_for_selector(".picture .main-svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
