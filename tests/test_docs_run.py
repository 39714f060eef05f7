"""The documentation is true: what it shows runs, and gives what it says."""

from __future__ import annotations

import importlib
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.analysis import Analyses, discover
from flask_api.domains.price.catalogue import load
from tests.doc_pages import ALL_BLOCKS, DOCS, ROOT, Block, blocks


@pytest.mark.parametrize(
    "block", [b for b in ALL_BLOCKS if b.info == "python"], ids=str
)
def test_every_python_example_compiles(block: Block) -> None:
    compile(block.body, str(block), "exec")


@pytest.mark.parametrize("block", [b for b in ALL_BLOCKS if b.info == "json"], ids=str)
def test_every_json_example_is_json(block: Block) -> None:
    json.loads(block.body)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server as `python start_backend.py` starts it, on a free port."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        free = int(trial.getsockname()[1])
    environ = os.environ | {
        "FLASK_PORT": str(free),
        "INSTANCE_FOLDER": str(folder / "instance"),
        "LOG_FOLDER": str(folder / "logs"),
        "MAX_CONCURRENT_JOBS": "1",
        "WORKER_NICE": "0",
        "PYTHONPATH": str(ROOT),
    }
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "start_backend.py")], env=environ, cwd=folder
    )
    try:
        deadline = time.monotonic() + 120
        while not _is_ready(free):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield free
    finally:
        server.terminate()
        server.wait(60)


def _is_ready(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=20).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


RUNNABLE = [b for b in ALL_BLOCKS if b.runnable]


@pytest.mark.parametrize("block", [b for b in RUNNABLE if b.info == "bash"], ids=str)
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_every_command_marked_as_runnable_runs(block: Block, port: int) -> None:
    script = block.body.replace(":5000", f":{port}")
    curl = 'curl() { command curl --fail-with-body --max-time 60 "$@"; }\n'
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", curl + script],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.strip()
    if "/price/data |" in block.body:
        price = json.loads(done.stdout)["price_data"]["current_price"]
        assert str(price) in (ROOT / "README.md").read_text()
    if "monte-carlo" in block.body:
        results = json.loads(done.stdout)["results"]
        assert f"{results['mean']:.4f}" == "2.0391"
        assert f"{results['probability_of_target']:.0%}" == "68%"
    if "/api/v1/runs" in block.body:
        assert "100% completed: completed" in done.stdout
        assert "log-likelihood -293.704978" in done.stdout
    elif "/stream" in block.body:
        assert "event: completed" in done.stdout
        assert "percentile,value" in done.stdout


@pytest.mark.parametrize("block", [b for b in RUNNABLE if b.info == "python"], ids=str)
def test_every_python_example_marked_as_runnable_runs(block: Block, port: int) -> None:
    pytest.importorskip("requests", reason="python-socketio's client needs it")
    done = subprocess.run(
        [sys.executable, "-c", block.body.replace(":5000", f":{port}")],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "'ok': True" in done.stdout
    # handlers run in threads of their own: their lines may mix
    assert "complete" in done.stdout and "[] 2.005789" in done.stdout


def test_the_pages_with_commands_have_some_that_run() -> None:
    pages = [block.page for block in RUNNABLE]
    assert pages.count("README.md") >= 3
    assert pages.count("docs/getting-started.md") >= 4


# -- REST, request by request ------------------------------------------------------


def assert_fits(shown: Any, real: Any, where: str = "answer") -> None:
    """`shown` is what the page shows of `real`; "..." stands for anything."""
    if shown == "...":
        return
    if isinstance(shown, dict):
        assert isinstance(real, dict), where
        open_ended = "..." in shown
        keys = {key for key in shown if key != "..."}
        assert keys <= set(real), f"{where}: {keys - set(real)} are not there"
        assert open_ended or keys == set(real), f"{where}: {set(real) - keys} missing"
        for key in keys:
            assert_fits(shown[key], real[key], f"{where}.{key}")
    elif isinstance(shown, list):
        open_ended = shown[-1:] == ["..."]
        items = shown[:-1] if open_ended else shown
        assert len(real) >= len(items), where
        assert open_ended or len(real) == len(items), where
        for number, (one, other) in enumerate(zip(items, real, strict=False)):
            assert_fits(one, other, f"{where}[{number}]")
    elif isinstance(shown, float):
        assert real == pytest.approx(shown, rel=1e-8), where  # digits shown
    else:
        assert shown == real, where


def ask(client: FlaskClient, text: str, job_id: str) -> Any:
    """The answer to a request as the page prints it."""
    head, _, body = text.partition("\n\n")
    first, *rest = head.strip().splitlines()
    method, address = first.split()
    headers = dict(line.split(": ", 1) for line in rest)
    return client.open(
        address.replace("{id}", job_id), method=method, headers=headers, data=body
    )


def test_every_request_of_the_rest_page_is_answered_as_it_says(
    client: FlaskClient,
) -> None:
    shown = [b for b in ALL_BLOCKS if b.page == "docs/rest.md"]
    assert len(shown) >= 30
    job_id = ""
    for request, expected in zip(shown[::2], shown[1::2], strict=True):
        assert request.info == "http"
        kind, status = expected.info.split()
        answer = ask(client, request.body, job_id)
        assert answer.status_code == int(status), f"{request}: {answer.text[:500]}"
        started = ("api/jobs HTTP", "POST /api/jobs\n", "POST /api/v1/runs\n")
        if answer.status_code in (201, 202) and any(
            words in request.body for words in started
        ):
            job_id = answer.headers["X-Job-ID"]
            registry = client.application.extensions["registry"]
            registry.wait("anonymous", job_id, 60)
        if kind == "json":
            assert_fits(json.loads(expected.body), answer.json, str(request))
        else:
            text = answer.text.replace("\r\n", "\n")
            assert text.startswith(expected.body.strip()), str(request)


# -- the worked examples -----------------------------------------------------------


def test_the_price_worked_out_by_hand_is_the_one_that_is_solved() -> None:
    page = DOCS / "price-model.md"
    (code,) = [b.body for b in blocks(page) if b.info == "python"]
    worked: dict[str, Any] = {}
    exec(code, worked)
    solved = load("1").solved_price()
    assert worked["price"] == pytest.approx(solved, rel=1e-13)  # some roundings
    assert f"`price` is {solved!r}" in page.read_text()


def test_the_prices_in_the_table_are_those_that_are_solved() -> None:
    page = (DOCS / "price-model.md").read_text()
    rows = {
        "| straight line |": None,
        "| extension `as_income_allows` |": "as_income_allows",
        "| extension `loan` (20 % at 4 % over 20 years) |": "loan",
    }
    for start, extension in rows.items():
        prices = [
            f"{load('1', extension, {'required_irr': r}).solved_price():.5f}"
            for r in (0.05, 0.2)
        ]
        assert f"{start} {' | '.join(prices)} |" in page


def test_the_model_file_of_the_page_can_be_priced(tmp_path: Path) -> None:
    (file,) = [b for b in blocks(DOCS / "price-model.md") if b.info == "yaml"]
    (tmp_path / "biogas.yaml").write_text(file.body)
    plain = load("biogas", None, None, str(tmp_path)).solved_price()
    leased = load("biogas", "leased_land", None, str(tmp_path)).solved_price()
    assert plain == pytest.approx(leased - 12_000 / 5_200, rel=1e-9)  # paid each year


def test_the_monte_carlo_with_a_known_answer_has_it(client: FlaskClient) -> None:
    page = DOCS / "sensitivity.md"
    (code,) = [b.body for b in blocks(page) if b.info == "python"]
    known: dict[str, Any] = {}
    exec(code, known)
    labor = {"id": "labor_cost", "range": {"min": 20_000, "max": 30_000}}
    body = {"parameters": [labor], "iterations": 10_000, "config": {"seed": 1}}
    results = client.post("/sensitivity/monte-carlo", json=body).get_json()["results"]
    # One uniform input under Sobol: the mean of n stratified draws errs by
    # range/sqrt(12 n^3), here 1e-7; n is no power of two, so take range/n.
    assert results["mean"] == pytest.approx(known["mean"], abs=(1 / 3) / 10_000)
    assert results["std"] == pytest.approx(known["std"], abs=(1 / 3) / 10_000)
    assert math.isclose(known["mean"], 2.0391, abs_tol=5e-5)
    assert math.isclose(known["std"], 0.09623, abs_tol=5e-6)


@pytest.fixture
def queueing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The domain of docs/adding-an-analysis.md, in a package of its own."""
    package = tmp_path / "docs_domains" / "queueing"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    for block in blocks(DOCS / "adding-an-analysis.md"):
        named = re.search(r"`flask_api/domains/queueing/(\w+\.py)`\s*\Z", block.before)
        if named:
            code = block.body.replace("flask_api.domains.", "docs_domains.")
            (package / named[1]).write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package
    for name in [n for n in sys.modules if n.partition(".")[0] == "docs_domains"]:
        del sys.modules[name]


def test_the_analysis_of_the_page_runs_through_the_engine(
    queueing: Path, make_app: Callable[..., Flask]
) -> None:
    app = make_app()
    registry = app.extensions["registry"]
    ours, theirs = discover(), discover("docs_domains")
    registry.analyses = Analyses({**ours.by_kind, **theirs.by_kind}, ours.by_alias)
    app.register_blueprint(importlib.import_module("docs_domains.queueing.routes").bp)
    client = app.test_client()
    asked = dict(theirs.by_kind["queueing.waiting_time"].example)
    answer = client.post("/queueing/waiting-time", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["mean_wait_h"] == pytest.approx(0.25, abs=4 * 0.006)
    job = client.get(f"/api/jobs/{answer.headers['X-Job-ID']}").get_json()
    assert job["progress"] == 1
    assert job["latest_results"]["mean_wait_h"] == answer.get_json()["mean_wait_h"]
    wrong = client.post("/queueing/waiting-time", json=asked | {"arriving": 5})
    assert wrong.status_code == 400
    assert wrong.get_json()["details"][0]["field"] == "arriving"


def test_the_test_of_the_page_passes_and_can_fail(queueing: Path) -> None:
    (code,) = [
        b.body
        for b in blocks(DOCS / "adding-an-analysis.md")
        if b.info == "python" and b.body.startswith("def test_")
    ]
    waiting = importlib.import_module("docs_domains.queueing.waiting")
    names: dict[str, Any] = {"mean_wait": waiting.mean_wait}
    exec(code, names)
    test = next(f for name, f in names.items() if name.startswith("test_"))
    test()
    names["mean_wait"] = lambda a, s, n, seed: waiting.mean_wait(1.8, s, n, seed)
    with pytest.raises(AssertionError):
        test()
