"""Seed 001's own clients, as its README prints them, against a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.domains.market.market_requests import csv_of, households
from tests.patience import in_time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

pytestmark = pytest.mark.timeout(300)

# -- pasted from the seed ----------------------------------------------------------

SUBMIT = """
import httpx
import base64

# Read and encode data
with open("purchases.csv", "rb") as f:
    csv_base64 = base64.b64encode(f.read()).decode()

# Submit LCA run
response = httpx.post(
    "http://localhost:8000/api/v1/runs",
    json={
        "model_type": "lca",
        "name": "My LCA Analysis",
        "params": {
            "n_classes": 4,
            "max_iter": 100,
            "n_init": 10
        },
        "data": {
            "csv_base64": csv_base64
        },
        "product_columns": ["prod_a", "prod_b", "prod_c"]
    }
)

run = response.json()
print(f"Run ID: {run['id']}")
"""

STREAM = """
import httpx

run_id = "your-run-id"

with httpx.stream("GET", f"http://localhost:8000/api/v1/progress/{run_id}/stream") as r:
    for line in r.iter_lines():
        if line.startswith("data:"):
            progress = json.loads(line[5:])
            print(f"Progress: {progress['progress']*100:.1f}% - {progress['message']}")
            
            if progress['phase'] in ['completed', 'failed']:
                break
"""  # noqa: W293

BROWSER = """
const eventSource = new EventSource(`/api/v1/progress/${runId}/stream`);

eventSource.onmessage = (event) => {
    const progress = JSON.parse(event.data);
    
    // Update progress bar
    progressBar.style.width = `${progress.progress * 100}%`;
    statusText.textContent = progress.message;
    
    // Show ETA
    if (progress.eta_seconds) {
        etaText.textContent = `ETA: ${Math.round(progress.eta_seconds)}s`;
    }
};

eventSource.addEventListener('close', () => {
    eventSource.close();
});

eventSource.onerror = (error) => {
    console.error('SSE error:', error);
    eventSource.close();
};
"""  # noqa: W293

# ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(server: Callable[..., Any]) -> str:
    """Address of a server with one slot, as a user starts it."""
    return str(server("gunicorn-eventlet", MAX_CONCURRENT_JOBS=1, WORKER_NICE=0).url)


@pytest.fixture(scope="module")
def purchases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file that the seed's client reads."""
    folder = tmp_path_factory.mktemp("client")
    names = ["prod_a", "prod_b", "prod_c", "prod_d", "prod_e", "prod_f"]
    (folder / "purchases.csv").write_bytes(csv_of(households(500), names))
    return folder


def run_python(
    text: str, url: str, folder: Path, on_first_line: Callable[[], Any] = bool
) -> str:
    text = text.replace("http://localhost:8000", url)
    with subprocess.Popen(
        [sys.executable, "-u", "-c", "import json\n" + text],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        on_first_line()
        rest, complaints = running.communicate(timeout=120)
    assert running.returncode == 0, complaints
    return first + rest


def ask(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def block_the_slot(url: str) -> Callable[[], None]:
    """Keep the only slot busy, so that a run waits in silence; call to free it."""
    jobs = []
    for seed in range(6):  # one takes some seconds
        params: dict[str, Any] = {"parameters": ["S11"], "iterations": 100_000_000}
        params["config"] = {"seed": seed}
        body = {"kind": "sensitivity.monte_carlo", "params": params}
        jobs.append(ask(url, "/api/jobs", body)["id"])

    def free() -> None:
        for job in jobs[::-1]:  # so that none begins when another ends
            with suppress(urllib.error.HTTPError):  # 409: it has ended by itself
                ask(url, f"/api/jobs/{job}/cancel", {})

    return free


def test_the_seeds_python_client_submits_and_watches(url: str, purchases: Path) -> None:
    pytest.importorskip("httpx", reason="pip install -r requirements-dev.txt")
    free = block_the_slot(url)
    said = run_python(SUBMIT, url, purchases)
    run_id = said.removeprefix("Run ID: ").strip()
    # httpx gives up after 5 silent seconds: comments keep it through the wait.
    later = threading.Timer(6.5, free)
    text = STREAM.replace("your-run-id", run_id)
    watched = run_python(text, url, purchases, on_first_line=later.start)
    later.join()
    lines = watched.splitlines()
    assert lines[0] == "Progress: 0.0% - pending"
    assert lines[-1] == "Progress: 100.0% - completed"
    shares = [float(line.split()[1].rstrip("%")) for line in lines]
    assert shares == sorted(shares) and len(lines) > 3
    run = ask(url, f"/api/v1/runs/{run_id}")
    assert run["status"] == "completed" and run["results_summary"]["n_classes"] == 4
    assert run["data_shape"] == {"n_obs": 500, "n_items": 3}


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_seeds_javascript_client_moves_its_bar(url: str, purchases: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("httpx", reason="pip install -r requirements-dev.txt")
    free = block_the_slot(url)
    said = run_python(SUBMIT, url, purchases)
    run_id = said.removeprefix("Run ID: ").strip()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{url}/live")  # any page of the server
        before = f"const runId = {json.dumps(run_id)};" + "".join(
            f"const {name} = document.body.appendChild(document.createElement('p'));"
            for name in ("progressBar", "statusText", "etaText")
        )
        after = """
            window.at = () => ({
                width: progressBar.style.width,
                said: statusText.textContent,
                state: eventSource.readyState,
            });
        """
        page.evaluate(f"() => {{ {before} {BROWSER} {after} }}")
        page.wait_for_function("() => window.at().said === 'pending'", timeout=60_000)
        free()
        page.wait_for_function("() => window.at().state === 2", timeout=60_000)
        at = page.evaluate("() => window.at()")
        browser.close()
    assert at == {"width": "100%", "said": "completed", "state": 2}
    assert complaints == []


def test_a_large_file_comes_in_while_others_are_served(
    url: str, tmp_path: Path
) -> None:
    # 40 MB: the server writes it as it comes, a worker reads it, and a plain request
    # is answered meanwhile: 0.5 s is far above the 20 ms that it takes.
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    head, _, body = csv_of(households(1000)).partition(b"\n")
    (tmp_path / "large.csv").write_bytes(head + b"\n" + body * 3300)

    def slowest_answer_meanwhile() -> float:
        upload = subprocess.Popen(
            ["curl", "-s", "-F", f"file=@{tmp_path}/large.csv", f"{url}/api/v1/data"],
            stdout=subprocess.PIPE,
            text=True,
        )
        slowest = 0.0
        while upload.poll() is None:
            began = time.monotonic()
            ask(url, "/live")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.01)
        assert upload.stdout is not None
        answer = json.loads(upload.stdout.read())
        upload.stdout.close()
        assert answer["n_rows"] == 3_300_000
        return slowest

    in_time(slowest_answer_meanwhile, 0.5)
