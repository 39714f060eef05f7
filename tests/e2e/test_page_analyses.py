"""Every analysis on the page: set up, put back into the form, and compared.

As in `test_page.py`, every test also promises: no error on the browser's console, and
not one request to anything but this server.
"""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import test_page
from tests.e2e.page_parts import UNNAMED, Opener, needs_chromium
from tests.e2e.test_page import fetched, fetched_from, run_id

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(300),
]

opened = test_page.opened

SETTINGS = """() => [...document.querySelectorAll(".settings .setting")]
  .map((at) => at.dataset.setting.replaceAll("-", "_"))"""

ISHIGAMI = {
    "formula": "sin(a) + 7 * sin(b)**2 + 0.1 * c**4 * sin(a)",
    "inputs": {
        name: {"range": {"min": -3.141592653589793, "max": 3.141592653589793}}
        for name in "abc"
    },
}


def started(server: str, kind: str, params: Any, name: str | None = None) -> Any:
    """The job as the server tells it, once it has ended."""
    asked = {"kind": kind, "params": params} | ({"name": name} if name else {})
    headers = {"Content-Type": "application/json", "Prefer": "wait=30"}
    body = json.dumps(asked).encode()
    job = fetched_from(urllib.request.Request(f"{server}api/jobs", body, headers))
    return fetched(f"{server}api/jobs/{job['job_id']}")


def choose(page: Any, analysis: str, version: str = "corn_stover_ethanol") -> None:
    page.select_option("#version", version)
    page.select_option("#analysis", analysis)


def asked(page: Any, server: str) -> Any:
    """Press Start and see what the server was asked, once the run is there."""
    before = page.url
    page.click("#start")
    page.wait_for_function("before => location.href !== before", arg=before)
    return fetched(f"{server}api/jobs/{run_id(page)}")


def copied(page: Any) -> Any:
    """The request that the form stands for now."""
    page.evaluate("navigator.clipboard.writeText('')")
    page.click("#copy-form")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        command = page.evaluate("navigator.clipboard.readText()")
        if command:
            return json.loads(command.split("-d '", 1)[1].rstrip("'"))
        page.wait_for_timeout(20)
    raise AssertionError(page.inner_text("#form-problem"))


def test_every_method_is_offered_with_its_own_settings_and_no_others(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    described = fetched(f"{live_server}openapi.json")["components"]["schemas"]
    methods = described["AnalyzeRequest"]["properties"]["method"]["x-methods"]
    assert len(methods) == 13
    for method in methods:
        page.select_option("#analysis", method["name"])
        about = page.inner_text("#analysis-about")
        assert method["answers"] in about and method["when"] in about
        shown = set(page.evaluate(SETTINGS)) - {"steps", "behind"}
        assert shown == set(method["settings"])
    others = {"monte_carlo", "optimize", "goal_seek", "surface", "fit"}
    offered = page.locator("#analysis option").evaluate_all(
        "options => options.map((option) => option.value)"
    )
    assert set(offered) == {method["name"] for method in methods} | others


WORDS = """async (kinds) => {
  const [main] = document.querySelectorAll("script[type=module]");
  const { analysis } = await import(main.src.replace("main.js", "format.js"));
  return kinds.map(analysis);
}"""


def test_every_kind_of_run_has_a_name_in_words(
    opened: Opener, live_server: str
) -> None:
    kinds = fetched(f"{live_server}openapi.json")["paths"]["/api/jobs"]["post"]
    schema = kinds["requestBody"]["content"]["application/json"]["schema"]
    names = [form["title"] for form in schema["oneOf"]]
    words = dict(zip(names, opened().evaluate(WORDS, names), strict=True))
    assert not [told for told in words.values() if set("._") & set(told)]
    assert len(set(words.values())) == len(names)
    assert words["sensitivity.derivatives"] == "Slopes of the price"
    assert words["market.lca_covariates"] == "Market: LCA covariates"


def test_a_sobol_run_asks_for_what_the_form_says(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    choose(page, "sobol")
    for name in ("loan_rate", "required_irr"):
        page.check(f'.input[data-name="{name}"] .vary input')
    page.fill("#samples", "64")
    page.fill("#seed", "9007199254740881")
    page.check("#second-order")
    page.click("#settings-more summary")
    page.check("#outputs input[value=npv]")
    page.fill("#resamples", "20")
    page.click("text=Add a group")
    page.fill('[aria-label="Name of the group"]', "money")
    adding = page.locator('[aria-label="Add an input to the group"]')
    adding.select_option("loan_rate")
    adding.select_option("required_irr")
    job = asked(page, live_server)
    params = job["params"]
    assert params["method"] == "sobol"
    assert params["config"] == {
        "samples": 64,
        "seed": 9007199254740881,
        "second_order": True,
        "outputs": ["npv"],
        "resamples": 20,
        "groups": {"money": ["loan_rate", "required_irr"]},
    }
    assert job["name"] == "Corn-stover ethanol: Sobol indices"


def test_a_formula_of_ones_own_is_analysed(opened: Opener, live_server: str) -> None:
    page = opened()
    choose(page, "local", "=formula")
    page.fill(
        "#formula", "margin = units * price - cost\nshare = cost / 1e2 / max(units, 1)"
    )
    names = page.locator("#inputs .input").evaluate_all(
        "rows => rows.map((row) => row.dataset.name)"
    )
    assert names == ["units", "price", "cost"]
    page.fill("#input-units", "30")
    job = asked(page, live_server)
    assert job["params"]["model"] == {
        "outputs": {
            "margin": "units * price - cost",
            "share": "cost / 1e2 / max(units, 1)",
        },
        "inputs": {"units": {"value": 30}, "price": {"value": 1}, "cost": {"value": 1}},
    }
    test_page.wait_for_status(page, "completed")
    result = fetched(f"{live_server}api/jobs/{job['id']}/result")
    # d(units * price - cost) / d price = units
    assert result["indices"]["derivative"]["price"]["value"] == pytest.approx(30)


def test_a_goal_is_sought_and_an_optimum_found_within_constraints(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    choose(page, "goal_seek", "1")
    page.check('.input[data-name="bare_erected_cost"] .vary input')
    row = page.locator('.input[data-name="bare_erected_cost"]')
    row.locator("[data-field=low]").fill("100,000")
    row.locator("[data-field=high]").fill("300,000")
    page.click("#start")
    assert "has to be given" in page.inner_text("#form-problem")
    assert page.get_attribute("#goal", "aria-invalid") == "true"
    page.fill("#goal", "2")
    job = asked(page, live_server)
    test_page.wait_for_status(page, "completed")
    result = fetched(f"{live_server}api/jobs/{job['id']}/result")
    # by hand from two prices: docs/optimization.md
    found = result["best"]["inputs"]["bare_erected_cost"]
    assert found == pytest.approx(198_088.749, abs=0.001)

    page.select_option("#analysis", "optimize")
    page.select_option("#objective", "max")
    page.select_option("#best-output", "npv")
    page.click("text=Add a constraint")
    limit = page.locator(".limit-row")
    limit.locator("select").first.select_option("=sum")
    limit.locator('[aria-label="Sum of inputs"]').fill("2*bare_erected_cost")
    limit.locator('[aria-label="Limit"]').fill("250,000")
    limit.locator('[aria-label="Comparison"]').select_option(">=")
    labour = page.locator('.input[data-name="labor_cost"]')
    labour.locator(".vary input").check()
    labour.locator("[data-field=role]").select_option("uncertain")
    params = asked(page, live_server)["params"]
    assert params["objective"] == "max" and params["output"] == "npv"
    assert params["constraints"] == [
        {"expression": "2*bare_erected_cost", "op": ">=", "value": 250_000}
    ]
    assert [item["id"] for item in params["parameters"]] == ["bare_erected_cost"]
    assert [item["id"] for item in params["uncertain"]] == ["labor_cost"]
    assert params["uncertain"][0]["distribution"]["kind"] == "triangular"


def test_pasted_data_are_fitted_and_nonsense_in_them_is_named(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    page.select_option("#analysis", "fit")
    assert not page.is_visible("#inputs") and not page.is_visible("#version")
    page.fill("#data", "1.5 two 2.5")
    page.click("#start")
    assert "“two” is not a number" in page.inner_text("#form-problem")
    assert page.get_attribute("#data", "aria-invalid") == "true"
    page.fill("#data", "\n".join(f"{1 + 0.1 * (7 * i % 23):.1f}" for i in range(40)))
    page.check("#kinds input[value=normal]")
    page.check("#kinds input[value=gamma]")
    job = asked(page, live_server)
    assert len(job["params"]["data"]) == 40
    assert job["params"]["kinds"] == ["normal", "gamma"]
    test_page.wait_for_status(page, "completed")


def test_what_the_server_refuses_lands_at_its_field(opened: Opener) -> None:
    page = opened(expected="status of 400")
    choose(page, "monte_carlo")
    for name in ("loan_rate", "required_irr", "bare_erected_cost"):
        page.check(f'.input[data-name="{name}"] .vary input')
    page.fill("#iterations", "1000")
    page.click("#settings-more summary")
    for one, other, rho in (
        ("loan_rate", "required_irr", "0.95"),
        ("required_irr", "bare_erected_cost", "0.95"),
        ("loan_rate", "bare_erected_cost", "-0.95"),
    ):
        page.click("text=Add a pair")
        row = page.locator(".pair-row").last
        row.locator("select").first.select_option(one)
        row.locator("select").last.select_option(other)
        row.locator("input").fill(rho)
    page.click("#start")
    page.wait_for_selector("[data-setting=correlation] .bad:visible")

    page.select_option("#version", "=formula")
    page.select_option("#analysis", "sobol")
    page.fill("#formula", "units * (price - ")
    page.click("#start")
    page.wait_for_selector("#formula-problem:visible")
    assert page.get_attribute("#formula", "aria-invalid") == "true"
    assert "Formula" in page.inner_text("#form-problem")


def test_inputs_are_drawn_from_a_part_of_their_range_only(
    opened: Opener, live_server: str
) -> None:
    page = opened()
    choose(page, "sobol", "1")
    page.fill("#samples", "64")
    page.click("#settings-more summary")
    page.click("text=Add a part")
    part = page.locator(".part-row")
    part.locator("select").select_option("bare_erected_cost")
    low, high = (
        part.locator(f'[aria-label="Part of the range: {end}"]')
        for end in ("from", "to")
    )
    page.click("#start")
    assert "has to be given" in page.inner_text("#form-problem")
    low.fill("230,000")
    high.fill("220,000")
    page.click("#start")
    assert "from has to be below to" in page.inner_text("#form-problem")
    assert low.get_attribute("aria-invalid") == "true"
    high.fill("")
    job = asked(page, live_server)
    assert job["params"]["config"]["within"] == {"bare_erected_cost": {"min": 230_000}}
    test_page.wait_for_status(page, "completed")
    page.click("#run-body >> text=Edit and run again")
    page.wait_for_selector("#editing:visible")
    assert low.input_value() == "230,000" and high.input_value() == ""
    assert "within" not in page.inner_text("#editing")
    assert copied(page)["params"] == job["params"]


def test_all_inputs_that_are_ticked_at_first_can_be_moved_by_percent(
    opened: Opener,
) -> None:
    page = opened()
    choose(page, "spider", "1")  # which has a year of construction
    page.click("#start")
    test_page.wait_for_status(page, "completed")
    page.wait_for_selector("#run .picture .main-svg")


def test_a_run_is_taken_home_as_report_and_workbook(
    opened: Opener, tmp_path: Path
) -> None:
    page = opened()
    choose(page, "tornado")
    page.click("#start")
    test_page.wait_for_status(page, "completed")
    starts = {"html": b"<!doctype html>", "xlsx": b"PK"}
    for form, start in starts.items():
        with page.expect_download() as download:
            page.click(f"#run-body [data-format={form}]")
        name = download.value.suggested_filename
        assert name == f"corn-stover-ethanol-tornado.{form}"
        download.value.save_as(tmp_path / name)
        found = (tmp_path / name).read_bytes()
        assert found[: len(start)].lower() == start.lower()


#: Requests with parts that the form has no fields for, and parts that it has.
ODD = (
    (
        "sensitivity.monte_carlo",
        {
            "model": {"version": 1, "overrides": {"loan_rate": 0.0712345678912}},
            "parameters": [
                {"id": "S11", "range": [150_000, 250_000]},
                {"id": "labor_cost", "mode": "percentage", "values": [-20, 0, 20]},
                {
                    "id": "number_of_units",
                    "distribution": {
                        "kind": "truncated",
                        "of": {"kind": "normal", "mean": 3e4, "std": 3e3},
                        "low": 2e4,
                    },
                },
            ],
            "iterations": 1000,
            "config": {
                "seed": 0,
                "bins": 20,
                "percentiles": [5, 50, 99.9],
                "correlation": {"pairs": [["S11", "labor_cost", 0.5]]},
                "stop": {"metric": "p90", "relative_error": 0.01, "output": "price"},
                "target": {"op": ">", "value": 2.25},
            },
        },
    ),
    (
        "sensitivity.analyze",
        {
            "version": "1",
            "parameters": [
                {"id": "S20", "type": "categorical", "values": ["macrs_7", "macrs_15"]},
                {"id": "labor_cost", "range": [2e4, 3e4], "steps": 7},
            ],
            "type": "monte_carlo",
            "config": {"confidence_level": 0.9, "outputs": ["npv", "price"]},
        },
    ),
    (
        "sensitivity.analyze",
        {
            "model": ISHIGAMI,
            "parameters": [{}],
            "method": "pawn",
            "config": {
                "samples": 256,
                "sampling": "sobol",
                "slices": 8,
                # a part as a pair, which stays as it was said
                "within": {"a": [0, 1], "b": {"min": None, "max": 2.5}},
            },
        },
    ),
)


def normal(params: Any) -> Any:
    """A request with its model in one place, as text, and nothing said twice."""
    said = json.loads(json.dumps(params))
    model = said.setdefault("model", {})
    if "formula" not in model and "outputs" not in model:
        for key in ("version", "extension"):
            if key in said:
                model[key] = said.pop(key)
        model["version"] = str(model.get("version", "1"))
    said.setdefault("method", "oat")
    if said.get("objective") == "min":
        del said["objective"]
    return said


def test_any_run_comes_back_into_the_form_whole(
    opened: Opener, live_server: str
) -> None:
    kinds = fetched(f"{live_server}openapi.json")["paths"]["/api/jobs"]["post"]
    examples = kinds["requestBody"]["content"]["application/json"]["examples"]
    offered = ("analyze", "monte_carlo", "optimize", "surface", "fit")
    requests = [*ODD]
    for name in offered:
        told = examples[f"sensitivity.{name}"]["value"]
        requests.append((told["kind"], told["params"]))
    page = opened()
    for kind, params in requests:
        job = started(live_server, kind, params, "Base")
        assert job["status"] == "completed", job["error"]
        page.goto(f"{live_server}#run={job['id']}")
        # Until then the run before is shown, whose button would be pressed.
        page.wait_for_selector(f'#run-body .actions a[href*="{job["id"]}"]')
        page.click("#run-body >> text=Edit and run again")
        page.wait_for_selector(f'#editing a[href="#run={job["id"]}"]:visible')
        again = copied(page)
        assert again["kind"] == job["kind"]
        assert again["name"] == "Base, changed"
        if kind == "sensitivity.fit":
            assert again["params"] == job["params"]
            continue
        assert normal(again["params"]) == normal(job["params"])


def test_a_run_is_changed_and_started_again_under_a_name_after_it(
    opened: Opener, live_server: str
) -> None:
    kind, params = ODD[0]
    first = started(live_server, kind, params, "Base")
    page = opened()
    page.goto(f"{live_server}#run={first['id']}")
    page.click("#run-body >> text=Edit and run again")
    told = page.inner_text("#editing")
    assert "Base" in told and "config.stop" in told
    assert "percentage" in page.inner_text('.input[data-name="labor_cost"]')
    page.fill("#seed", "5")
    page.click('[aria-label="Remove config.stop from the request"]')
    labour = page.locator('.input[data-name="labor_cost"]')
    labour.locator("text=set it here instead").click()
    labour.locator("[data-field=kind]").select_option("uniform")
    second = asked(page, live_server)
    assert second["name"] == "Base, changed"
    assert second["params"]["config"]["seed"] == 5
    assert "stop" not in second["params"]["config"]
    assert second["params"]["parameters"][0] == first["params"]["parameters"][0]
    assert second["params"]["parameters"][1]["distribution"]["kind"] == "uniform"
    assert page.input_value("#run-name") == "Base, changed 2"
    unchanged = fetched(f"{live_server}api/jobs/{first['id']}")
    assert unchanged["params"] == first["params"]


def test_a_link_followed_while_the_page_still_loads_is_not_lost(
    opened: Opener, live_server: str
) -> None:
    kind, params = ODD[0]
    job = started(live_server, kind, params, "Linked")
    page = opened()
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/api/jobs?*", hold)  # the list of runs is read last
    page.reload()
    page.wait_for_selector("#start:enabled")
    page.evaluate("(id) => (location.hash = `run=${id}`)", job["id"])
    while not held:
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    page.wait_for_selector(f'#run-body .actions a[href*="{job["id"]}"]')
    assert page.inner_text("#run-title") == "Linked"


def test_a_run_that_the_form_has_no_place_for_is_left_alone(
    opened: Opener, live_server: str
) -> None:
    params = {
        "sensitivity_data": {"points": [{"value": 1.0}, {"value": 2.0}]},
        "price_data": {"points": [{"price": 1.0}, {"price": 2.0}]},
    }
    job = started(live_server, "sensitivity.efficacy", params)
    page = opened()
    page.goto(f"{live_server}#run={job['id']}")
    page.click("#run-body >> text=Edit and run again")
    page.wait_for_selector("#note:visible")
    assert "not set up in this form" in page.inner_text("#note")
    assert not page.is_visible("#editing")


def test_finished_runs_are_compared_and_the_address_can_be_shared(
    opened: Opener, live_server: str
) -> None:
    kind = "sensitivity.monte_carlo"
    params = {"version": 1, "parameters": ["labor_cost"], "iterations": 1000}
    names = ("Narrow", "Wide")
    jobs = [
        started(
            live_server,
            kind,
            {
                **params,
                "parameters": [{"id": "labor_cost", "distribution": shape}],
            },
            name,
        )
        for name, shape in zip(
            names,
            (
                {"kind": "uniform", "low": 23_000, "high": 25_000},
                {"kind": "uniform", "low": 14_000, "high": 34_000},
            ),
            strict=True,
        )
    ]
    page = opened()
    for job in jobs:
        page.check(f'.job[data-id="{job["id"]}"] .pick')
    page.click("#compare-start")
    page.wait_for_selector("#compare .picture .main-svg")
    assert page.url.endswith(f"#compare={jobs[0]['id']},{jobs[1]['id']}")
    heads = page.locator("#compare .compare-table").first.locator("thead th")
    assert heads.all_inner_texts() == list(names)
    figures = page.locator("#compare .compare-table").first.inner_text()
    assert "Mean" in figures and "Std. deviation" in figures
    differs = page.locator("#compare .differs").inner_text()
    assert "23,000" in differs and "14,000" in differs
    assert "1,000" not in differs.split()  # iterations are the same
    page.wait_for_selector("#compare .picture >> nth=1")
    assert page.locator("#compare .picture").count() == 2

    other = opened(url=live_server)
    other.goto(page.url)
    other.reload()
    other.wait_for_selector("#compare .picture .main-svg")
    assert "2 runs compared" in other.inner_text("#compare-title")
    other.click("text=Close the comparison")
    assert not other.is_visible("#compare")


def test_unlike_and_unknown_runs_are_compared_as_far_as_they_go(
    opened: Opener, live_server: str
) -> None:
    asked_for = {"version": 1, "parameters": ["labor_cost", "bare_erected_cost"]}
    curves = started(live_server, "sensitivity.analyze", asked_for)
    morris = started(
        live_server,
        "sensitivity.analyze",
        {**asked_for, "method": "morris", "config": {"samples": 10}},
    )
    carlo = started(
        live_server, "sensitivity.monte_carlo", {**asked_for, "iterations": 1000}
    )
    page = opened(expected="status of 404")
    page.goto(f"{live_server}#compare={curves['id']},{morris['id']},nobody")
    page.reload()
    page.wait_for_selector("#compare .picture .main-svg")
    assert "no run “nobody”" in page.inner_text("#compare-body")
    assert "strongest input" in page.inner_text("#compare-body")
    page.goto(f"{live_server}#compare={curves['id']},{carlo['id']}")
    page.wait_for_selector("text=no picture in common")
    page.goto(f"{live_server}#compare={curves['id']}")
    page.wait_for_selector("text=nothing to be compared with")


@test_page.patient
def test_a_run_that_is_still_going_joins_the_comparison_once_it_has_finished(
    opened: Opener, live_server: str
) -> None:
    params = {"version": 1, "parameters": ["labor_cost"], "iterations": 1000}
    done = started(live_server, "sensitivity.monte_carlo", params)
    asked = {
        "kind": "sensitivity.monte_carlo",
        "params": {**params, "iterations": 100_000_000},
    }
    body = json.dumps(asked).encode()
    headers = {"Content-Type": "application/json"}
    page = opened()
    page.wait_for_selector('#connection[data-state="on"]')
    going = fetched_from(
        urllib.request.Request(f"{live_server}api/jobs", body, headers)
    )["job_id"]
    page.goto(f"{live_server}#compare={done['id']},{going}")
    page.wait_for_selector("text=is not finished yet")
    page.wait_for_selector(
        "#compare .picture .main-svg", timeout=1000 * test_page.PATIENCE
    )
    assert "not finished" not in page.inner_text("#compare-body")


@pytest.mark.parametrize("width", [360, 390])
def test_no_analysis_runs_over_the_edge_or_has_a_field_without_a_name(
    opened: Opener, width: int
) -> None:
    page = opened(viewport={"width": width, "height": 740})
    offered = page.locator("#analysis option").evaluate_all(
        "options => options.map((option) => option.value)"
    )
    for analysis in offered:
        page.select_option("#analysis", analysis)
        if page.is_visible("#settings-more"):
            page.evaluate("document.getElementById('settings-more').open = true")
        for words in ("Add a pair", "Add a group", "Add a part", "Add a constraint"):
            if page.is_visible(f"text={words}"):
                page.click(f"text={words}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, analysis
        assert page.evaluate(UNNAMED) == []
