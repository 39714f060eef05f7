"""The page of one plant in a real browser: what it shows is what the API answers.

Every test also promises: no error on the browser's console, and not one request to
anything but this server.
"""

from __future__ import annotations

import csv
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.e2e.page_parts import OUTLINE, UNNAMED, Opener, needs_chromium, opening

#: The line of the editor that is marked.
MARKED = """() => {
  const at = document.activeElement;
  return [at.id, at.value.slice(at.selectionStart, at.selectionEnd)];
}"""
#: Amounts of a waterfall: each bar's title ends in value and unit.
BARS = """() => [...document.querySelectorAll("#waterfall rect")]
  .map((bar) => [bar.classList.contains("total"), bar.textContent])"""

ETHANOL = "corn_stover_ethanol"

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(300),
]


@pytest.fixture
def opened(browser: Any, live_server: str) -> Iterator[Opener]:
    """Opens the page with a model chosen."""
    with opening(browser, f"{live_server}plant", "#version:enabled") as open_page:

        def open_model(version: str = ETHANOL, **more: Any) -> Any:
            page = open_page(**more)
            page.select_option("#version", version)
            page.wait_for_selector('#price[aria-busy="false"]')
            return page

        yield open_model


def asked(address: str, body: Any = None) -> Any:
    """The JSON of an answer; with a `body` to a POST."""
    request = urllib.request.Request(
        address,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def api_price(server: str, version: str = ETHANOL, **model: Any) -> float:
    body = {"model": {"version": version, **model}}
    answer = asked(f"{server}price/data", body)
    return float(answer["price_data"]["current_price"])


def number(words: str) -> float:
    found = re.search(r"[-+]?[\d,]*\.?\d+(e-?\d+)?", words)
    assert found, words
    return float(found[0].replace(",", ""))


def shown_price(page: Any) -> float:
    page.wait_for_selector('#price[aria-busy="false"]')
    return number(page.inner_text("#price-value"))


def give(page: Any, name: str, value: object) -> None:
    """Type a value and leave its field; the price is under way after that."""
    page.fill(f"#value-{name}", f"{value}")
    page.press(f"#value-{name}", "Tab")


def to_5_digits(value: float) -> Any:
    """As a headline: five digits are shown."""
    return pytest.approx(value, rel=5e-5)


def test_a_changed_value_gives_the_price_that_the_api_gives(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    # The file's own price, methods.md section 5.
    assert shown_price(page) == to_5_digits(0.68767)
    give(page, "required_irr", 0.12)
    give(page, "variable_cost", 60_000_000)
    changed = {"required_irr": 0.12, "variable_cost": 60_000_000}
    assert shown_price(page) == to_5_digits(api_price(live_server, overrides=changed))
    assert "from 0.68767 $/kg as in the file" in page.inner_text("#price-was")
    assert "2 changes" in page.inner_text("#changed-count")
    page.click("#undo")
    assert shown_price(page) == to_5_digits(0.68767)
    assert page.input_value("#value-required_irr") == "0.1"


def test_a_convention_is_switched_and_the_audit_tells_before_what_it_does(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    own = shown_price(page)
    page.click("summary:has-text('Conventions')")
    select = page.locator("#convention-loan_deduction")
    told = select.locator("option", has_text="interest (")
    difference = number(told.text_content().split("(")[1])
    row = page.locator("#audit-table tbody", has_text="loan_deduction")
    in_audit = number(
        row.locator("tr", has_text="interest").locator("td").first.inner_text()
    )
    select.select_option(label=told.text_content())
    found = shown_price(page)
    wanted = api_price(live_server, overrides={"loan_deduction": "interest"})
    assert found == to_5_digits(wanted)
    assert found == pytest.approx(in_audit, abs=1e-5)  # as many decimals are shown
    # Three digits of the difference are shown, five of the prices.
    assert found - own == pytest.approx(difference, abs=6e-5)
    assert "changed" in page.locator("label:has(#convention-loan_deduction)").evaluate(
        "(at) => at.className"
    )


def test_parts_of_a_waterfall_add_up_to_what_lies_between_two_variants(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    own = shown_price(page)
    page.click("#keep")
    page.wait_for_selector("#variants-table tbody tr")
    changed = {"required_irr": 0.12, "plant_lifetime": 20, "loan_rate": 0.06}
    for name, value in changed.items():
        give(page, name, value)
    other = shown_price(page)
    page.click("#keep")
    page.wait_for_selector("#waterfall-figure:visible")
    titles = page.evaluate(BARS)
    totals = [number(text.rsplit(": ")[-1]) for total, text in titles if total]
    parts = [number(text.rsplit(": ")[-1]) for total, text in titles if not total]
    assert totals == [to_5_digits(own), to_5_digits(other)]
    assert len(parts) == len(changed)
    # Titles show five digits of each.
    assert sum(parts) == pytest.approx(other - own, abs=3e-5)
    row = page.locator("#variants-table tbody tr").nth(1)
    difference = api_price(live_server, overrides=changed) - api_price(live_server)
    assert number(row.locator("td").nth(1).inner_text()) == pytest.approx(
        difference, rel=1e-3
    )
    page.click("#variants-table >> text=✕ >> nth=0")
    page.wait_for_selector("#waterfall-figure", state="hidden")
    assert page.locator("#variants-table tbody tr").count() == 1


def test_a_file_is_checked_saved_and_every_revision_kept_with_its_price(
    opened: Opener, live_server: str
) -> None:
    page = opened(version="1", expected="status of 400")
    first = shown_price(page)
    page.click("#tab-yaml")
    area = page.locator("#yaml-text")
    good = area.input_value()
    area.fill(good.replace("required_irr:", "requird_irr:"))
    page.fill("#yaml-name", "my_plant")
    page.click("#yaml-save")
    page.wait_for_selector("#yaml-problem:visible")
    problem = page.inner_text("#yaml-problem")
    line = 1 + good[: good.index("required_irr:")].count("\n")
    assert f"line {line}," in problem and "did you mean required_irr?" in problem
    where, marked = page.evaluate(MARKED)
    assert where == "yaml-text" and marked.strip().startswith("requird_irr:")

    area.fill(good)
    page.click("#yaml-save")
    page.wait_for_selector("#yaml-said:has-text('revision 1')")
    assert shown_price(page) == to_5_digits(first)
    area.fill(good.replace("value: 200000", "value: 220000"))
    page.fill("#yaml-comment", "a tenth more capital")
    page.click("#yaml-save")
    page.wait_for_selector("#yaml-said:has-text('revision 2')")
    assert page.input_value("#version") == "my_plant"
    second = api_price(live_server, "my_plant")
    assert second == api_price(live_server, "1", overrides={"S11": 220_000}) > first
    assert shown_price(page) == to_5_digits(second)

    page.click("#tab-history")
    rows = page.locator("#history-list tbody tr")
    told = [number(row.locator("td").first.inner_text()) for row in rows.all()]
    assert told == [to_5_digits(second), to_5_digits(first)]
    assert "a tenth more capital" in rows.first.inner_text()
    assert page.locator("#history-chart circle").count() == 2
    rows.nth(1).get_by_role("button").click()
    page.wait_for_selector("#yaml-said:has-text('Revision 1 of 2')")
    assert area.input_value() == good

    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#yaml-retire")
    page.wait_for_selector("#version option[value=my_plant]", state="detached")
    assert shown_price(page) == to_5_digits(first)


def test_changes_are_written_into_the_file_as_a_variant(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    give(page, "required_irr", 0.12)
    page.click("summary:has-text('Conventions')")
    page.select_option("#convention-depreciation", index=1)
    page.select_option("#convention-loan_deduction", index=1)
    wanted = shown_price(page)
    page.click("#write")
    assert "variant_1" in page.evaluate(MARKED)[1]
    page.fill("#yaml-name", "written")
    page.click("#yaml-save")
    page.wait_for_selector("#yaml-said:has-text('Saved as revision 1 of written')")
    assert shown_price(page) == wanted
    assert page.input_value("#extension") == "variant_1"
    assert api_price(live_server, "written", extension="variant_1") == to_5_digits(
        wanted
    )


def test_the_report_comes_in_every_form(
    opened: Opener, live_server: str, tmp_path: Path
) -> None:
    page = opened()
    shown_price(page)
    price = api_price(live_server)
    files = {}
    for form in ("xlsx", "html", "csv", "json"):
        with page.expect_download() as download:
            page.click(f'#price-actions [data-format="{form}"]')
        assert download.value.suggested_filename == f"{ETHANOL}-price.{form}"
        files[form] = tmp_path / f"report.{form}"
        download.value.save_as(files[form])
    result = json.loads(files["json"].read_text())
    assert result["price_data"]["current_price"] == price
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert len(rows) == len(result["price_data"]["cash_flow_table"])
    assert float(rows[-1]["cumulative_npv"]) == pytest.approx(0, abs=1)  # of 358 M$
    book = openpyxl.load_workbook(files["xlsx"], read_only=True)
    values = {cell for sheet in book for row in sheet.values for cell in row}
    book.close()
    assert any(isinstance(v, float) and v == pytest.approx(price) for v in values)
    html = files["html"].read_text()
    assert html.startswith("<!doctype html>") and f"{price:.5g}" in html


def test_the_curve_of_an_input_is_what_the_api_says(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    page.select_option("#slope-input", "bare_erected_cost")
    label = "Price, slope and elasticity against Fixed capital investment"
    page.wait_for_selector(f'#slope-chart svg[aria-label="{label}"]')
    answer = asked(
        f"{live_server}sensitivity/derivatives/bare_erected_cost?version={ETHANOL}"
    )
    found, here = answer["derivatives"], answer["metadata"]["baseline"]
    dots = [
        number(dot.split(": ")[1])
        for dot in page.locator("#slope-chart circle").all_text_contents()
    ]
    told = [*found["price"], *found["first_order"], *found["elasticity"]]
    assert dots == [pytest.approx(value, rel=1e-5) for value in told]
    elasticity = here["first_order"] * here["value"] / here["price"]
    assert number(page.inner_text("#slope-words b")) == pytest.approx(
        elasticity, rel=5e-3
    )


def test_what_is_wrong_is_said_at_its_field_and_no_price_is_said_in_its_place(
    opened: Opener,
) -> None:
    page = opened(version="1", expected="status of 400")
    give(page, "required_irr", "0,05")
    assert page.get_attribute("#value-required_irr", "aria-invalid") == "true"
    assert "a number is needed" in page.inner_text("#note-required_irr")
    give(page, "required_irr", 0.06)
    page.wait_for_selector("#price-was:not(:empty)")
    assert page.get_attribute("#value-required_irr", "aria-invalid") is None
    give(page, "number_of_units", 0)
    page.wait_for_selector("#price-problem:visible")
    assert page.inner_text("#price-value") == "No price"
    assert "it sells nothing" in page.inner_text("#price-problem")
    assert page.is_disabled("#keep")
    assert not page.is_visible("#audit")
    page.click("#undo")
    assert shown_price(page) == to_5_digits(2.0057890737900124)
    assert page.is_enabled("#keep")


def test_what_the_server_refuses_is_said_at_the_field_it_names(opened: Opener) -> None:
    page = opened(expected="status of 400")
    give(page, "loan_years", 40)
    page.wait_for_selector("#note-loan_years.bad")
    assert "plant_lifetime" in page.inner_text("#note-loan_years")
    assert page.get_attribute("#value-loan_years", "aria-invalid") == "true"
    assert page.inner_text("#price-value") == "Not priced"
    give(page, "loan_years", 12)
    shown_price(page)
    page.wait_for_selector("#price-was:not(:empty)")
    assert page.get_attribute("#value-loan_years", "aria-invalid") is None


def test_a_server_that_answers_202_is_waited_for(
    opened: Opener, live_server: str, tmp_path: Path
) -> None:
    page = opened()
    statuses: list[int] = []

    def hurried(route: Any) -> None:
        # What the server answers at once to who doesn't wait: 202, and the rest later.
        route.continue_(headers=route.request.headers | {"prefer": "respond-async"})

    page.on("response", lambda answer: statuses.append(answer.status))
    for address in ("**/price/**", "**/sensitivity/**", "**/result?format=xlsx"):
        page.route(address, hurried)
    page.reload()
    page.wait_for_selector("#version:enabled")
    shown_price(page)
    give(page, "required_irr", 0.13)
    changed = {"required_irr": 0.13}
    page.wait_for_selector("#price-was:not(:empty)")
    assert shown_price(page) == to_5_digits(api_price(live_server, overrides=changed))
    with page.expect_download() as download:
        page.click('#price-actions [data-format="xlsx"]')
    download.value.save_as(tmp_path / "report.xlsx")
    openpyxl.load_workbook(tmp_path / "report.xlsx", read_only=True).close()
    page.wait_for_selector('#price-actions [data-format="xlsx"]:enabled')
    assert 202 in statuses


def test_the_keyboard_alone_reaches_all_and_tabs_answer_to_arrows(
    opened: Opener,
) -> None:
    page = opened()
    shown_price(page)
    page.focus("#tab-values")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#yaml-text") and not page.is_visible("#inputs")
    page.keyboard.press("End")
    assert page.evaluate("() => document.activeElement.id") == "tab-history"
    assert "Change its file" in page.inner_text("#history-list")
    page.keyboard.press("Home")
    seen: list[str] = []
    while "slope-input" not in seen:
        page.keyboard.press("Tab")
        seen.append(page.evaluate("() => document.activeElement.id"))
        assert page.evaluate(OUTLINE) != "none", seen
    assert {"find", "value-loan_rate", "keep"} <= set(seen)
    assert page.evaluate(UNNAMED) == []


def test_nothing_runs_over_the_edge_of_a_narrow_screen(opened: Opener) -> None:
    page = opened(viewport={"width": 360, "height": 740}, color_scheme="dark")
    own = shown_price(page)
    page.click("#keep")
    give(page, "required_irr", 0.12)
    page.wait_for_selector("#price-was:not(:empty)")
    assert shown_price(page) > own
    page.click("#keep")
    page.wait_for_selector("#waterfall-figure:visible")
    page.click("summary:has-text('As a table')")
    page.click("summary:has-text('Together')")
    for tab in ("yaml", "history", "values"):
        page.click(f"#tab-{tab}")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
