"""Every kind of run has its picture on the page, and the picture shows the answer.

Runs are started over the API with Ishigami's function and opened in a real browser by
their address; what was drawn is compared with the answer of the API. One page serves
all tests, so that the pictures' library is fetched once; its console must stay silent.
Longer than most files here: each method's picture has something of its own to say.
"""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.page_parts import needs_chromium

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(300),
]

ANALYZE, CARLO = "sensitivity.analyze", "sensitivity.monte_carlo"
TURN = [-3.14159265, 3.14159265]
ISHIGAMI = {
    "outputs": {"f": "sin(a) + 7*sin(b)**2 + 0.1*c**4*sin(a)", "g": "a + 2*b"},
    "inputs": {name: {"value": 0.5, "range": TURN, "unit": "rad"} for name in "abc"},
}
INPUTS = ["a", "b", "c"]
#: What ranks the inputs of each method that gives intervals or plain indices.
INDICES = {
    "sobol": ["total", "first"],
    "fast": ["total", "first"],
    "rbd_fast": ["first"],
    "shapley": ["shapley"],
    "src": ["pcc", "src"],
    "prcc": ["prcc", "srrc"],
    "pawn": ["median", "maximum"],
    "delta": ["delta", "first"],
    "local": ["effect"],
}
#: What is drawn of each picture: plotly's traces, and marks that reached the screen.
DRAWN = """() => [...document.querySelectorAll("#run .picture")].map((figure) => {
  const plot = figure.querySelector(".plot");
  return {
    title: figure.querySelector("h3").textContent,
    bars: plot.querySelectorAll(".bars .point path").length,
    lines: plot.querySelectorAll(".scatterlayer .trace").length,
    cells: plot.querySelectorAll(".heatmaplayer image").length,
    words: [...plot.querySelectorAll("text")].map((at) => at.textContent),
    marks: plot.layout.annotations?.map((at) => at.text) ?? [],
    traces: plot.data.map(({ type, name, x, y, z, base, text, error_x }) =>
      ({ type, name, x, y, z, base, text, error_x })),
  };
})"""
#: What the growing picture says of itself.
LIVE = 'document.querySelector(".live-chart svg")?.ariaLabel ?? ""'


@pytest.fixture
def address(live_server: str) -> str:
    return live_server


@pytest.fixture(scope="module")
def only_page(browser: Any, live_server: str) -> Iterator[tuple[Any, list[str]]]:
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)  # workers may compile their kernels first

    def heard(said: Any) -> None:
        if said.type in ("error", "warning"):
            complaints.append(said.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(live_server)
    page.wait_for_selector("#start:enabled")
    yield page, complaints
    page.close()


@pytest.fixture
def page(only_page: tuple[Any, list[str]]) -> Iterator[Any]:
    yield only_page[0]
    assert only_page[1] == []


def asked(url: str, body: Any = None, wait: int = 55) -> Any:
    """The JSON of an answer; with a `body` to a POST, which waits so many seconds."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Prefer": f"wait={wait}"}
    request = urllib.request.Request(url, data, headers if data else {})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def opened(page: Any, address: str, kind: str, params: Any) -> tuple[Any, Any]:
    """The answer of a new run, and the pictures that the page draws of it."""
    body = {"kind": kind, "name": f"{kind} of mine", "params": params}
    job = asked(f"{address}api/jobs", body)["job_id"]
    result = asked(f"{address}api/jobs/{job}/result")
    # prices and slopes are in no list: the run's own links tell that it is shown
    show(page, job, sign=f'#run .actions a[href*="{job}"]')
    page.wait_for_selector("#run .picture .main-svg")
    return result, page.evaluate(DRAWN)


def show(page: Any, job: str, sign: str = "") -> None:
    page.evaluate("location.hash = ''")
    page.evaluate("(id) => (location.hash = `run=${id}`)", job)
    page.wait_for_selector(sign or f'.job.here[data-id="{job}"]')


def ishigami(method: str, **config: Any) -> dict[str, Any]:
    return {
        "model": ISHIGAMI,
        "parameters": INPUTS,
        "method": method,
        "config": {"seed": 1, "outputs": ["f", "g"], **config},
    }


def titled(pictures: list[Any], words: str) -> Any:
    return next(one for one in pictures if words in one["title"])


def sentence(page: Any) -> str:
    return str(page.inner_text("#run .verdict"))


@pytest.mark.parametrize("method", INDICES)
def test_bars_are_the_indices_of_the_answer_with_their_intervals(
    page: Any, address: str, method: str
) -> None:
    result, pictures = opened(page, address, ANALYZE, ishigami(method))
    first = pictures[0]
    order = [row["id"] for row in result["ranking"]]
    for trace, name in zip(first["traces"], INDICES[method], strict=True):
        of = result["outputs"]["f"]["indices"][name]
        assert trace["y"] == order
        assert trace["x"] == [of[id]["value"] for id in order]
        if trace["error_x"]:
            reached = [
                value + up
                for value, up in zip(trace["x"], trace["error_x"]["array"], strict=True)
            ]
            assert reached == pytest.approx([of[id]["upper"] for id in order])
    assert first["bars"] == len(order) * len(INDICES[method])
    assert sentence(page).startswith(f"{order[0]} ")


def test_sobol_pairs_are_a_map_and_another_output_has_other_pictures(
    page: Any, address: str
) -> None:
    result, pictures = opened(
        page, address, ANALYZE, ishigami("sobol", second_order=True)
    )
    of = result["outputs"]["f"]["indices"]
    pairs = titled(pictures, "only together")
    shown = sorted(v for row in pairs["traces"][0]["z"] for v in row if v is not None)
    assert shown == sorted(pair["value"] for pair in of["second"])
    assert pairs["cells"] == 1
    assert "surely more than b" in sentence(page)  # 0.56 and 0.44, known to 0.05
    page.select_option("#output", "g")
    page.wait_for_selector("#run h3:has-text('makes g uncertain')")
    g = page.evaluate(DRAWN)[0]["traces"][0]
    assert g["x"][0] == result["outputs"]["g"]["indices"]["total"]["b"]["value"]
    assert "c can be fixed" in sentence(page)
    page.click("#run .picture >> nth=0 >> text=As a table")
    cells = page.locator("#run .picture >> nth=0 >> tbody td").all_inner_texts()
    assert float(cells[0]) == pytest.approx(g["x"][0], abs=1e-5)


@pytest.mark.parametrize("method, index", [("sobol", "total"), ("morris", "mu_star")])
def test_resamples_that_are_kept_show_how_sure_the_order_is(
    page: Any, address: str, method: str, index: str
) -> None:
    body = ishigami(method, resamples=40, samples=64, keep_resamples=True)
    result, pictures = opened(page, address, ANALYZE, body)
    order = [row["id"] for row in result["ranking"]]
    kept = result["outputs"]["f"]["resampled"][index]
    ranks = {id: result["results"][id]["outputs"]["f"]["ranks"] for id in order}
    shown = titled(pictures, "How sure the order is")["traces"][0]
    for id, row in zip(order, shown["z"], strict=True):
        assert sum(row) == pytest.approx(1)
        assert row[ranks[id]["rank"] - 1] == pytest.approx(ranks[id]["stability"])
        first = [all(kept[id][at] >= kept[o][at] for o in order) for at in range(40)]
        assert row[0] == pytest.approx(sum(first) / 40)
    share = round(100 * ranks[order[0]]["stability"])
    assert f"{order[0]} has rank 1 in {share} % of the resamples." in sentence(page)
    page.click("#run .picture >> nth=0 >> text=As a table")
    head = page.locator("#run .picture >> nth=0 >> th[scope=col]").all_inner_texts()
    assert head[-4:] == ["Rank", "in resamples", "from rank", "to rank"]


def test_pawn_shows_the_distance_of_each_slice(page: Any, address: str) -> None:
    result, pictures = opened(page, address, ANALYZE, ishigami("pawn"))
    slices = titled(pictures, "Where in its range")["traces"][0]
    for id, row in zip(slices["y"], slices["z"], strict=True):
        assert row == result["results"][id]["outputs"]["f"]["distances"]
    assert pictures[0]["marks"] == ["by chance"]


def test_morris_shows_a_plane_with_its_guide_lines(page: Any, address: str) -> None:
    result, pictures = opened(page, address, ANALYZE, ishigami("morris"))
    *guides, points = pictures[0]["traces"]
    order = [row["id"] for row in result["ranking"]]
    mine = result["results"]
    assert points["x"] == [mine[id]["mu_star"]["value"] for id in order]
    assert points["y"] == [mine[id]["sigma"] for id in order]
    slopes = [line["y"][1] / line["x"][1] for line in guides]
    assert slopes == pytest.approx([0.1, 0.5, 1])
    assert "sigma = mu*" in pictures[0]["marks"]


@pytest.mark.parametrize("method", ["oat", "tornado", "spider"])
def test_bars_start_from_today_and_end_at_the_ends_of_each_curve(
    page: Any, address: str, method: str
) -> None:
    result, pictures = opened(page, address, ANALYZE, ishigami(method))
    low, high = titled(pictures, "What moves f")["traces"]
    rows = {row["id"]: row for row in result["tornado"]}
    assert low["y"] == [row["id"] for row in result["tornado"]]
    base = result["metadata"]["baseline"]["f"]
    for trace, end in ((low, "low"), (high, "high")):
        ends = [trace["base"] + width for width in trace["x"]]
        assert trace["base"] == base
        assert ends == pytest.approx([rows[id][end] for id in trace["y"]])
    if method != "tornado":
        curves = pictures[1]
        assert curves["lines"] == len(INPUTS)
        curve = result["results"][low["y"][0]]["sensitivity_curve"]
        assert curves["traces"][0]["y"] == [point["result"] for point in curve]
    if method == "spider":
        assert curves["traces"][0]["x"] == [point["change"] for point in curve]


def test_a_monte_carlo_tells_the_chance_of_a_target_that_one_moves(
    page: Any, address: str
) -> None:
    config = {"seed": 1, "outputs": ["f", "g"], "percentiles": [5, 37, 50, 95]}
    config["correlation"] = {"pairs": [["a", "b", 0.5]]}
    result, pictures = opened(
        page,
        address,
        CARLO,
        {
            "model": ISHIGAMI,
            "parameters": INPUTS,
            "iterations": 20_000,
            "config": config,
        },
    )
    of = result["results"]
    histogram = titled(pictures, "What values of f come out")
    assert histogram["bars"] == len(of["distribution"])
    assert histogram["marks"] == ["P5", "P50", "P95"]
    at_most, at_least, _ = titled(pictures, "How likely")["traces"]
    both = zip(at_most["y"], at_least["y"], strict=True)
    assert all(one + other == pytest.approx(100) for one, other in both)
    assert at_most["y"] == sorted(at_most["y"])
    spread = titled(pictures, "Where the spread")["traces"][0]
    shares = {row["id"]: 100 * row["variance_share"] for row in of["contribution"]}
    assert dict(zip(spread["y"], spread["x"], strict=True)) == shares
    settled = titled(pictures, "settles")["traces"][2]
    assert settled["y"] == [row["mean"] for row in of["convergence"]]
    tied = titled(pictures, "correlated")["traces"][0]
    assert tied["z"] == [[1, 0.5], [0.5, 1]]

    at = {row["percentile"]: row["value"] for row in of["percentiles"]}
    page.fill('[aria-label="Target for f"]', repr(at[37]))
    page.press('[aria-label="Target for f"]', "Enter")
    assert page.inner_text(".chance").startswith("37.0 %")  # a percentile is exact
    page.select_option('[aria-label="Target for f: comparison"]', ">=")
    assert page.inner_text(".chance").startswith("63.0 %")
    page.focus('[aria-label="Target for f, to slide"]')
    page.keyboard.press("Home")  # the keyboard moves it too: to the smallest value
    assert page.inner_text(".chance").startswith("100.0 %")
    page.wait_for_function(
        """(value) => [...document.querySelectorAll("#run .plot")]
          .some((plot) => Math.abs(plot.layout.shapes?.[0]?.x0 - value) < 1e-3
            && plot.layout.shapes.length === 1)""",
        arg=of["min"],
    )  # and the line moves with it


def test_an_optimum_shows_its_trace_its_decisions_and_what_holds_it(
    page: Any, address: str
) -> None:
    model = {
        "outputs": {"cost": "(x - 3)**2 + (y - 2)**2 + 1"},
        "inputs": {
            "x": {"range": [0, 10], "value": 8},
            "y": {"range": [0, 10], "value": 5},
        },
    }
    result, pictures = opened(
        page,
        address,
        "sensitivity.optimize",
        {
            "model": model,
            "parameters": ["x", "y"],
            "objective": "min",
            "output": "cost",
            "constraints": [{"expression": "x + y", "op": "<=", "value": 4}],
            "config": {"seed": 1},
        },
    )
    trace = titled(pictures, "best value of cost")["traces"][0]
    known = [row for row in result["trace"] if row["value"] is not None]
    assert trace["y"] == [row["value"] for row in known]
    best = titled(pictures, "What to choose")["traces"][2]
    # x = 2.5, y = 1.5 by Lagrange's multiplier, as parts of 0 to 10.
    assert best["x"] == pytest.approx([25, 15], abs=1e-3)
    assert "held by x + y <= 4" in sentence(page)
    assert "none: active" in titled(pictures, "limits")["words"]


def test_a_goal_seek_shows_every_solution(page: Any, address: str) -> None:
    model = {"formula": "x**2", "inputs": {"x": {"range": [-5, 5], "value": 1}}}
    params = {
        "model": model,
        "parameters": ["x"],
        "objective": "target",
        "target": 9,
        "config": {"seed": 1},
    }
    _, pictures = opened(page, address, "sensitivity.optimize", params)
    found = titled(pictures, "Where the target is reached")["traces"][2]
    assert sorted(found["x"]) == pytest.approx([20, 80])  # -3 and 3 from -5 to 5
    assert "x = 3, or x = -3" in sentence(page)


def test_a_surface_is_a_map_with_its_ends_and_today(page: Any, address: str) -> None:
    params = {
        "model": ISHIGAMI,
        "parameters": [{"id": "a", "steps": 9}, {"id": "c", "steps": 7}],
        "config": {"outputs": ["f"]},
    }
    result, pictures = opened(page, address, "sensitivity.surface", params)
    grid, lowest, highest, today = pictures[0]["traces"]
    own = result["outputs"]["f"]
    assert grid["z"] == [list(row) for row in zip(*own["values"], strict=True)]
    for trace, end in ((lowest, "lowest"), (highest, "highest")):
        assert (trace["x"][0], trace["y"][0]) == tuple(own["best"][end]["at"].values())
    assert (today["x"], today["y"]) == ([0.5], [0.5])
    assert pictures[0]["cells"] == 1


def test_a_surface_of_one_decision_has_a_band_of_draws(page: Any, address: str) -> None:
    params = {
        "model": ISHIGAMI,
        "parameters": [{"id": "a", "steps": 9}],
        "uncertain": [{"id": "b"}],
        "config": {"seed": 1, "samples": 64, "outputs": ["f"]},
    }
    result, pictures = opened(page, address, "sensitivity.surface", params)
    high, low, middle, *_ = pictures[0]["traces"]
    wanted = result["outputs"]["f"]["uncertain"]["percentiles"]
    assert [one["y"] for one in (low, middle, high)] == [p["values"] for p in wanted]


def test_a_fit_shows_its_quantiles_against_those_of_the_data(
    page: Any, address: str
) -> None:
    draw = random.Random(4)
    data = [draw.lognormvariate(0.4, 0.5) for _ in range(300)]
    result, pictures = opened(page, address, "sensitivity.fit", {"data": data})
    best = result["fits"][0]["kind"]
    points = titled(pictures, "QQ plot")["traces"][1]
    assert points["x"] == [row[best] for row in result["quantiles"]]
    assert points["y"] == [row["data"] for row in result["quantiles"]]
    bars = titled(pictures, "likeliest first")["traces"][0]
    assert bars["x"][0] == 0 and bars["x"] == sorted(bars["x"])
    density = titled(pictures, "densities")["traces"][1]
    # The lognormal's mode, exp(mu - sigma^2), is where its curve is highest.
    mode = density["x"][density["y"].index(max(density["y"]))]
    assert mode == pytest.approx(1.16, abs=0.15)
    assert sentence(page).startswith(f"{best} fits best")


def test_levers_lie_in_the_plane_of_leverage_and_certainty(
    page: Any, address: str
) -> None:
    parts = []
    requests: list[tuple[str, dict[str, Any]]] = [
        (ANALYZE, {"version": 1, "parameters": ["S11", "S33"]}),
        ("price.data", {"version": "1"}),
    ]
    for kind, request in requests:
        job = asked(f"{address}api/jobs", {"kind": kind, "params": request})
        parts.append({"analysis_id": job["job_id"]})
    params = {"sensitivity_data": parts[0], "price_data": parts[1]}
    result, pictures = opened(page, address, "sensitivity.efficacy", params)
    points = titled(pictures, "Which lever")["traces"][-1]
    assert points["x"] == [lever["leverage"] for lever in result["levers"]]
    assert points["y"] == [lever["certainty"] for lever in result["levers"]]
    # the source job's inputs by the names that its model gives them
    assert points["text"] == ["Bare erected cost", "Federal income tax"]
    assert sentence(page).startswith("Bare erected cost is the best lever")
    scores = titled(pictures, "part by part")["traces"][0]
    assert scores["x"][0] == result["overall_score"]


def test_slopes_along_an_input_are_a_curve_with_today_marked(
    page: Any, address: str
) -> None:
    params = {"version": 1, "parameter": "number_of_units", "points": 5}
    result, pictures = opened(page, address, "sensitivity.derivatives", params)
    price = titled(pictures, "The price for each value of Units sold")
    told = result["derivatives"]
    assert price["traces"][0]["x"] == told["grid"]
    assert price["traces"][0]["y"] == told["price"]
    assert price["marks"] == ["today"]
    assert titled(pictures, "steep")["traces"][0]["y"] == told["first_order"]
    assert "lowers the price by 1 %" in sentence(page)  # all costs are fixed


def test_a_price_a_comparison_and_an_impact_are_bars_of_their_parts(
    page: Any, address: str
) -> None:
    result, pictures = opened(page, address, "price.data", {"version": "1"})
    parts = titled(pictures, "pays for")["traces"][0]
    costs = result["price_data"]["cost_breakdown"]
    assert dict(zip(parts["y"], parts["x"], strict=True)) == {
        name: value for name, value in costs.items() if value
    }
    assert titled(pictures, "year by year")["traces"][0]["y"] == [
        row["cumulative_npv"] for row in result["price_data"]["cash_flow_table"]
    ]
    dearer = {"id": "dearer", "overrides": {"S11": 250_000, "labor_cost": 30_000}}
    params: dict[str, Any] = {"base_version": 1, "variants": [dearer]}
    result, pictures = opened(page, address, "price.comparison", params)
    own = result["comparisons"]["dearer"]
    assert pictures[0]["traces"][0]["x"] == [result["base_price"], own["price"]]
    parts = titled(pictures, "difference: dearer")["traces"][0]
    assert parts["x"] == [driver["contribution"] for driver in own["drivers"]]
    change = {"id": "S35", "change": 30_000, "change_type": "directvalue"}
    params = {"parameters": [change, {"id": "bare_erected_cost", "change": 10}]}
    result, pictures = opened(page, address, "price.impact", params)
    assert pictures[0]["traces"][0]["x"] == [
        one["difference"] for one in result["changes"]
    ]
    assert sentence(page).startswith("F2 labor makes the largest difference")


#: Decisions of a function with very many valleys, Rastrigin's.
MANY = [f"x{index}" for index in range(20)]
LONG: dict[str, tuple[str, dict[str, Any]]] = {
    "sobol": (ANALYZE, ishigami("sobol", samples=1 << 24)),
    "morris": (ANALYZE, ishigami("morris", samples=1_000_000)),
    "optimum": (
        "sensitivity.optimize",
        {
            "model": {
                "formula": " + ".join(f"{x}**2 - 10 * cos(6.3 * {x})" for x in MANY),
                "inputs": {x: {"value": 3, "range": [-5, 5]} for x in MANY},
            },
            "parameters": [{}],
            "objective": "min",
            "config": {"seed": 1},
            "budget": {"evaluations": 10_000_000},
        },
    ),
    "surface": (
        "sensitivity.surface",
        {
            "model": ISHIGAMI,
            "parameters": [{"id": "a", "steps": 100}, {"id": "c", "steps": 100}],
            "uncertain": [{"id": "b"}],
            "config": {"seed": 1, "samples": 10_000, "outputs": ["f"]},
        },
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_run_grows_on_the_page_and_stays_when_it_is_cancelled(
    page: Any, address: str, name: str
) -> None:
    kind, params = LONG[name]
    body = {"kind": kind, "params": params, "name": name}
    job = asked(f"{address}api/jobs", body, wait=0)["job_id"]
    show(page, job)
    page.wait_for_selector(".live-chart svg")
    for _ in range(2):
        page.wait_for_function(
            f"(before) => {LIVE} !== before", arg=page.evaluate(LIVE)
        )
    page.click("#cancel")
    page.wait_for_selector('#run-body .badge[data-status="cancelled"]')
    assert page.is_visible(".live-chart svg")


def test_runs_are_leafed_through_quickly_and_the_last_one_stays(
    page: Any, address: str
) -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        (ANALYZE, {"version": "corn_stover_ethanol", "parameters": [{}]}),
        (ANALYZE, ishigami("sobol", second_order=True)),
        (CARLO, {"model": ISHIGAMI, "parameters": INPUTS, "config": {"seed": 1}}),
    ]
    jobs = [
        asked(f"{address}api/jobs", {"kind": kind, "params": params})["job_id"]
        for kind, params in requests
    ]
    for turn in range(20):
        page.evaluate("(id) => (location.hash = `run=${id}`)", jobs[turn % 3])
        # while it is fetched, while it is drawn, and once it stands
        page.wait_for_timeout((0, 20, 60, 120, 200, 400)[turn % 6])
    page.wait_for_selector(f'.job.here[data-id="{jobs[1]}"]')
    page.wait_for_selector("#run h3:has-text('makes f uncertain')")
    page.wait_for_selector("#run .picture .main-svg")
    page.wait_for_timeout(300)  # what is still to be thrown is thrown


def test_pictures_fit_a_phone_and_follow_the_theme(page: Any, address: str) -> None:
    params = {"version": "corn_stover_ethanol", "parameters": [{}], "method": "tornado"}
    opened(page, address, ANALYZE, params)
    colour = "() => document.querySelector('.plot').layout.font.color"
    light = page.evaluate(colour)
    page.click("#theme")
    page.wait_for_function(f"(before) => ({colour})() !== before", arg=light)
    page.click("#theme")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(
        "() => [...document.querySelectorAll('.plot .main-svg')]"
        ".every((one) => one.clientWidth < 390)"
    )
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        clipped = page.evaluate(
            """() => [...document.querySelectorAll(".plot .ytick text")].filter((at) =>
              at.getBoundingClientRect().left < 0).map((at) => at.textContent)"""
        )
        assert clipped == []
    finally:
        page.set_viewport_size({"width": 1440, "height": 900})
