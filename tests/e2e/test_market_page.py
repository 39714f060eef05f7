"""The page of market structure in a real browser, against a real server with workers.

Every test also promises: no error on the browser's console, and not one request to
anything but this server.
"""

from __future__ import annotations

import csv
import io
import json
import random
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.page_parts import UNNAMED, Opener, needs_chromium, opening

DATA = Path(__file__).parents[1] / "data" / "carcinoma_patterns.csv"
#: Seven pathologists, three classes: `market_cases.json`, from poLCA 1.6.
PUBLISHED = {"Log-likelihood": "-293.705", "G²": "15.262"}

#: Titles of pictures that have something drawn in them.
DRAWN = """() => [...document.querySelectorAll("#run .picture")]
  .filter((at) => at.querySelector(
    ".plot .point path, .plot .heatmaplayer image, .plot .scatterlayer .trace"))
  .map((at) => at.querySelector("h3").textContent)"""
TWO_ROWS = "() => document.querySelectorAll('#jobs-list .pick').length === 2"
#: Where a live curve begins, as a share of its picture's width.
BEGINS = """(title) => {
  const svg = document.querySelector(`#run .live-chart svg[aria-label^="${title}"]`);
  const [from, to] = ["x1", "x2"].map((x) =>
    Number(svg.querySelector(".faint").getAttribute(x)));
  const line = svg.querySelector(".step").getAttribute("d");
  return (Number(line.match(/M([^ ]+) /)[1]) - from) / (to - from);
}"""
TILES = """() => Object.fromEntries([...document.querySelectorAll("#run .tile")].map(
  (at) => [at.querySelector("dt").textContent, at.querySelector("dd").textContent]))"""

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(400),
]


@contextmanager
def opening_runs(browser: Any, live_server: str) -> Iterator[Opener]:
    """Opens the page, also with a `run` on show."""
    home = f"{live_server}market"
    with opening(browser, home, "#model:enabled", patience=120) as open_page:

        def open_run(run: str = "", **more: Any) -> Any:
            return open_page(url=f"{home}#run={run}" if run else home, **more)

        yield open_run


@pytest.fixture
def opened(browser: Any, live_server: str) -> Iterator[Opener]:
    with opening_runs(browser, live_server) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def visited(browser: Any, live_server: str) -> Iterator[Any]:
    """One page that walks from run to run, as its reader does."""
    with opening_runs(browser, live_server) as open_page:
        yield open_page()


def carcinoma() -> str:
    """118 slides by 7 pathologists, as a user's CSV file has them."""
    lines = [line for line in DATA.read_text().splitlines() if line[0] != "#"]
    head, *patterns = csv.reader(lines)
    rows = [",".join(head[:-1])]
    for *answers, times in patterns:
        rows += [",".join(answers)] * int(times)
    return "\n".join(rows) + "\n"


def table(text: str, name: str = "data.csv") -> dict[str, Any]:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def upload(page: Any, text: str, name: str = "data.csv") -> None:
    page.set_input_files("#file", table(text, name))
    page.wait_for_selector("#sheet table")


def ended(page: Any, word: str = "completed", seconds: float = 180) -> None:
    page.wait_for_selector(
        f'#run-body .run-head .badge[data-status="{word}"]', timeout=1000 * seconds
    )


def run_id(page: Any) -> str:
    return str(page.url.split("#run=")[1])


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def started(url: str, body: dict[str, Any]) -> str:
    """The id of a run that was started over the API."""
    asked = urllib.request.Request(
        f"{url}api/v1/runs",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return str(json.load(answer)["id"])


def test_a_newcomer_uploads_the_carcinoma_table_and_gets_the_published_classes(
    opened: Opener, tmp_path: Path
) -> None:
    page = opened(accept_downloads=True)
    upload(page, carcinoma(), "carcinoma.csv")
    assert page.inner_text("#data-title") == "carcinoma.csv"
    assert page.inner_text("#data-about") == "118 rows, 7 columns"
    assert page.inner_text("#roles") == "7 products, of 7 columns"
    page.fill("#n-classes", "3")
    page.fill("#seed", "1")
    page.click("#start")
    ended(page)
    page.wait_for_selector("#run .picture .plot svg")
    tiles = page.evaluate(TILES)
    assert {name: tiles[name] for name in PUBLISHED} == PUBLISHED
    assert page.inner_text("#run .verdict").startswith("3 classes with 44 %, 37 % and")
    page.wait_for_function(f"() => ({DRAWN})().length >= 6")
    assert "What each class buys" in page.evaluate(DRAWN)
    with page.expect_download() as download:
        page.click('#run [data-format="zip"]')
    place = tmp_path / "run.zip"
    download.value.save_as(place)
    with zipfile.ZipFile(place) as archive:
        names = archive.namelist()
        text = archive.read(
            next(n for n in names if "product_embeddings" in n and n.endswith(".csv"))
        )
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == list("ABCDEFG")


def scattered(rows: int, columns: int, seed: int = 3) -> str:
    """Purchases without any structure, which take a model long to settle."""
    draw = random.Random(seed)
    lines = [",".join(f"p{number}" for number in range(1, columns + 1))]
    for _ in range(rows):
        lines.append(",".join(draw.choice("01") for _ in range(columns)))
    return "\n".join(lines) + "\n"


def test_a_long_fit_shows_its_likelihood_grow_and_stops_when_asked(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    upload(page, scattered(20_000, 24))
    page.fill("#n-classes", "12")
    page.click("#settings-more summary")
    page.fill("#n-init", "50")
    page.select_option("#exhaustive-starts", "yes")
    page.click("#start")
    label = '() => document.querySelector("#run .live-chart svg")?.ariaLabel ?? ""'
    page.wait_for_function(f"() => ({label})().startsWith('Log-likelihood so far')")
    first = page.evaluate(label)
    page.wait_for_function(f"(was) => ({label})() !== was", arg=first)
    tiles = page.evaluate(TILES)
    assert tiles["Start"].endswith("of 50")
    assert float(tiles["Log-likelihood"].replace(",", "")) < 0
    assert page.locator('#run [data-part="sizes"] .bar').count() == 12
    page.click("#cancel")
    ended(page, "cancelled")
    assert fetched(f"{live_server}api/v1/runs/{run_id(page)}")["status"] == "cancelled"
    page.wait_for_selector('#jobs-list [data-status="cancelled"]')


def test_chains_show_whether_they_agree_and_leave_their_draws_when_stopped(
    opened: Opener, live_server: str
) -> None:
    draw = random.Random(7)
    table = [[draw.choice((0, 1)) for _ in range(12)] for _ in range(2000)]
    run = started(
        live_server,
        {
            "model_type": "bayesian_factor_pymc",
            "data": {"data_json": table, "column_names": list("abcdefghijkl")},
            "params": {
                "n_factors": 1,
                "n_tune": 200,
                "n_samples": 10_000,
                "n_chains": 2,
                "seed": 1,
            },
        },
    )
    page = opened(run=run)
    page.wait_for_selector('#run svg[aria-label^="Largest R-hat so far"]')
    tiles = page.evaluate(TILES)
    assert tiles["Chains"] == "2"
    assert float(tiles["Step size"]) > 0
    # who reloads the page sees what was before, from the warm-up's first draws on
    page.reload()
    page.wait_for_selector('#run svg[aria-label^="Largest R-hat so far"]')
    for title in ("Log posterior", "Step size"):
        assert page.evaluate(BEGINS, title) < 0.03
    assert page.locator("#run .live-chart text:text-is('warm-up ends')").count() == 3
    page.click("#cancel")
    ended(page, "cancelled")
    page.reload()  # what a run has told until it was stopped stays, too
    page.wait_for_selector('#run svg[aria-label^="Largest R-hat so far"]')
    assert page.evaluate(BEGINS, "Log posterior") < 0.03
    links = page.locator("#run .actions a[href$='.npy']")
    links.last.wait_for()
    assert links.all_inner_texts() == ["Draws chain 1 (npy)", "Draws chain 2 (npy)"]
    with urllib.request.urlopen(links.first.evaluate("at => at.href")) as answer:
        assert answer.read(6) == b"\x93NUMPY"


def test_refusals_of_the_server_stand_where_they_can_be_mended(opened: Opener) -> None:
    page = opened(expected="400")
    page.set_input_files("#file", table("a,b\n1,0\n0\n"))
    page.wait_for_selector("#upload-problem:not([hidden])")
    assert "row 2" in page.inner_text("#upload-problem")
    # the same file, mended, may be chosen at once; a gap is no fault of the file
    upload(page, "a,b,c,age\n1,0,1,31\n0,,1,52\n1,1,0,44\n0,0,0,28\n")
    assert page.locator("#upload-problem").is_hidden()
    assert "1 missing" in page.inner_text("#sheet thead")
    page.fill("#n-classes", "2")
    page.click("#start")
    page.wait_for_selector("#form-problem:not([hidden])")
    assert "column 'b', row 2: the value is missing" in page.inner_text("#form-problem")
    assert page.locator("#sheet th[data-fault]").inner_text().startswith("b")
    assert page.get_attribute("#missing", "aria-invalid") == "true"
    assert "“Missing values”: drop" in page.inner_text("#form-problem")
    page.select_option("#sheet [aria-label='b is']", "none")
    page.fill("#n-classes", "99")
    page.click("#start")
    assert "from 2 to 20" in page.inner_text("#n-classes-problem")
    page.fill("#n-classes", "2")
    page.click("#start")
    ended(page)


def test_a_file_is_dropped_and_covariates_are_ticked(opened: Opener) -> None:
    page = opened()
    rows = "".join(
        f"{n % 2},{n % 3 % 2},{n % 2},{n % 5 // 3},{20 + n % 2 * 9 + n % 7}\n"
        for n in range(60)
    )
    page.evaluate(
        """(text) => {
          const files = new DataTransfer();
          files.items.add(new File([text], "homes.csv", { type: "text/csv" }));
          const event = new DragEvent("drop", { dataTransfer: files, bubbles: true });
          document.querySelector("#drop").dispatchEvent(event);
        }""",
        "tea,milk,cake,soap,age\n" + rows,
    )
    page.wait_for_selector("#sheet table")
    assert page.inner_text("#data-title") == "homes.csv"
    assert page.inner_text("#roles") == "4 products, of 5 columns"
    page.select_option("#model", "market.lca_covariates")
    page.fill("#n-classes", "2")
    page.click("#start")
    assert "has to be given" in page.inner_text(
        "#covariate-columns-problem, [data-setting='covariate-columns'] .bad"
    )
    page.check("#covariate-columns input[value='age']")
    assert page.input_value("#sheet [aria-label='age is']") == "covariate"
    page.click("#start")
    ended(page)
    page.wait_for_function(
        f"() => ({DRAWN})().some((title) => title.startsWith('Who belongs'))"
    )


def test_runs_are_filtered_compared_and_their_products_grouped(opened: Opener) -> None:
    page = opened()
    upload(page, carcinoma(), "slides.csv")
    for classes in ("2", "3"):
        page.fill("#n-classes", classes)
        page.fill("#seed", "1")
        page.click("#start")
        page.wait_for_selector(
            f"#run-title:has-text('slides: Latent classes, {classes}')"
        )
        ended(page)
    page.fill("#find-run", "slides")
    page.wait_for_function(TWO_ROWS)
    page.select_option("#filter-status", "failed")
    page.wait_for_selector("#jobs-empty:not([hidden])")
    page.select_option("#filter-status", "completed")
    page.wait_for_function(TWO_ROWS)
    for box in page.locator("#jobs-list .pick").all():
        box.check()
    page.click("#compare-start")
    page.wait_for_selector("#compare .picture .heatmaplayer image")
    better = page.locator("#compare tr:has(th:text-is('BIC')) .better").inner_text()
    assert better.startswith("697.136")
    assert "Settings that differ" in page.inner_text("#compare")
    page.click("#compare-close")
    page.wait_for_selector("#groups:not([hidden])")
    page.select_option("#groups-method", "hierarchical")
    page.click("#groups-start")
    page.wait_for_selector("#groups .picture .plot svg")
    assert "2 groups" in page.inner_text("#groups .verdict")


def test_a_run_is_deleted_and_its_data_can_be_taken_up_again(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    upload(page, carcinoma(), "again.csv")
    page.fill("#n-classes", "2")
    page.click("#start")
    ended(page)
    page.click("#run-body >> text=Delete")
    page.wait_for_selector("#run-empty:visible")
    page.click("#data-other")
    page.locator("#earlier").get_by_role("button", name="again.csv", exact=True).click()
    page.wait_for_selector("#sheet table")
    assert page.inner_text("#data-title") == "again.csv"
    assert page.evaluate("document.activeElement.id") == "data"


#: What a run of each model shows: the title of a picture, and one of its figures. Those
#: that sample come last: their chains run while the others are looked at.
SHOWN = {
    "lca": ("What each class buys", "BIC"),
    "lca_covariates": ("Who belongs to which class, compared with class 1", "BIC"),
    "factor_tetrachoric": ("How products lean on the factors", "RMSEA"),
    "nmf": ("What is in each basket", "Reconstruction error"),
    "mca": ("Map of products and households", "Total inertia"),
    "bayesian_factor_vi": ("The ELBO as it rose", "ELBO"),
    "choice_mnl": ("Elasticities: who gains and who loses", "Hits"),
    "choice_mixed": ("How tastes differ between people", "Hits"),
    "model_selection": ("Information criteria", "Recommended"),
    "bayesian_factor_pymc": ("Do the chains agree?", "Largest R-hat"),
    "dcm": ("What was learned", "Largest R-hat"),
}
#: Ids that two elements of the page share: labels and hints would go astray.
TWICE = """() => [...document.querySelectorAll("[id]")].map((at) => at.id)
  .filter((id, place, all) => all.indexOf(id) !== place)"""
#: Names beside a picture's rows that cover each other.
COVERED = """(title) => {
  const of = [...document.querySelectorAll("#run .picture")]
    .find((at) => at.querySelector("h3").textContent === title);
  const boxes = [...of.querySelectorAll(".ytick text")]
    .map((at) => at.getBoundingClientRect()).sort((a, b) => a.top - b.top);
  return boxes.filter((box, at) => at && box.top < boxes[at - 1].bottom - 2).length;
}"""
HOUSEHOLDS = """() => [...document.querySelectorAll("#run .plot")].some((plot) =>
  plot.data?.some((trace) => trace.name === "Households" && trace.x.length > 1000))"""


@pytest.fixture(scope="module")
def examples(live_server: str) -> dict[str, Any]:
    """The example of each model in the API's description, by `model_type`."""
    told = fetched(f"{live_server}openapi.json")
    body = told["paths"]["/api/jobs"]["post"]["requestBody"]["content"]
    values = [one["value"] for one in body["application/json"]["examples"].values()]
    return {
        value["kind"].removeprefix("market."): value["params"]
        for value in values
        if value["kind"].startswith("market.")
    }


@pytest.fixture(scope="module")
def example_runs(live_server: str, examples: dict[str, Any]) -> dict[str, str]:
    """A run of each example, by model: all are started at once, the longest first."""
    first = "bayesian_factor_pymc"
    return {
        model: started(
            live_server, {"model_type": model, "name": model, **examples[model]}
        )
        for model in (first, *(one for one in SHOWN if one != first))
    }


@pytest.mark.parametrize("model_type", SHOWN)
def test_each_models_example_is_shown_in_pictures(
    visited: Any, example_runs: dict[str, str], model_type: str
) -> None:
    page, (title, figure) = visited, SHOWN[model_type]
    page.evaluate("(id) => { location.hash = `run=${id}`; }", example_runs[model_type])
    page.wait_for_selector(f"#run-title:text-is('{model_type}')")
    ended(page, seconds=240)
    page.wait_for_function(f"(title) => ({DRAWN})().includes(title)", arg=title)
    assert figure in page.evaluate(TILES)
    page.locator("#run .picture .table summary").first.click()
    assert page.locator("#run .picture tbody tr").count() > 0
    # the form that the description draws offers this model, and every setting a name
    page.select_option("#model", f"market.{model_type}")
    page.evaluate("document.querySelector('#settings-more').open = true")
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(TWICE) == []


def test_a_narrow_screen_shows_all_without_scrolling_sideways(
    opened: Opener, example_runs: dict[str, str]
) -> None:
    page = opened(run=example_runs["lca"], viewport={"width": 390, "height": 844})
    ended(page)
    upload(page, carcinoma())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector("#run .picture .plot svg")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate(UNNAMED) == []


def test_many_classes_of_products_with_long_names_stay_legible(
    opened: Opener, live_server: str
) -> None:
    draw = random.Random(4)
    shelf = "Organic wholemeal sourdough bread with sunflower seeds, family pack of"
    names = [f"{shelf} {number} x 250 g" for number in range(1, 41)]
    table = [[draw.choice((0, 1)) for _ in names] for _ in range(300)]
    run = started(
        live_server,
        {
            "model_type": "lca",
            "data": {"data_json": table, "column_names": names},
            "params": {"n_classes": 14, "n_init": 1, "max_iter": 20, "seed": 1},
        },
    )
    page = opened(run=run)
    ended(page)
    for title in ("What each class buys", "What the classes leave unexplained"):
        page.wait_for_function(f"(title) => ({DRAWN})().includes(title)", arg=title)
        assert page.evaluate(COVERED, title) == 0
    ends = page.locator("#run .picture .ytick text").all_text_contents()[:40]
    assert len(set(ends)) == 40  # shortened names still tell the products apart
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_households_that_no_result_could_hold_come_from_the_files_of_the_run(
    opened: Opener, live_server: str
) -> None:
    draw = random.Random(5)
    table = [[draw.choice((0, 1)) for _ in range(6)] for _ in range(11_000)]
    run = started(
        live_server,
        {
            "model_type": "mca",
            "data": {"data_json": table, "column_names": list("abcdef")},
            "params": {"n_components": 5},
        },
    )
    page = opened(run=run)
    ended(page)
    page.wait_for_function(HOUSEHOLDS)


def test_every_model_that_the_server_offers_is_visited(
    examples: dict[str, Any],
) -> None:
    hidden = {"read_data", "check_choices", "clustering", "comparison"}
    assert set(examples) - hidden == set(SHOWN)
