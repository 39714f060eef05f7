"""What market structure costs the processes: the web's, and those of other jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: Runs without any compiler on its PATH. Libraries with compiled parts are seen in
#: the memory maps of a process, whoever imported them, and under whatever name.
PROGRAM = """
import json, os, sys, time
from pathlib import Path
from flask_api.app import create_app
from flask_api.domains.market.runs.registry import BY_TYPE
from flask_api.settings import Settings

LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pyarrow", "sklearn", "nutpie")

def loaded(pid):
    maps = Path(f"/proc/{pid}/maps").read_text()
    return [name for name in LIBRARIES if f"/site-packages/{name}/" in maps]

def in_workers():
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = {pid for file in children for pid in file.read_text().split()}
    return sorted({name for pid in pids for name in loaded(pid)})

folder = Path(sys.argv[1])
app = create_app(Settings(
    flask_env="testing", async_mode="threading", max_concurrent_jobs=1,
    worker_nice=0, wait_s=55,
    instance_folder=folder / "instance", log_folder=folder / "logs",
))
client = app.test_client()

def run(model_type):
    example = BY_TYPE[model_type].example
    body = {"model_type": model_type, **example}
    answer = client.post("/api/v1/runs", json=body)
    assert answer.status_code == 201, answer.text
    address = f"/api/v1/runs/{answer.json['id']}"
    until = time.monotonic() + 240
    while client.get(address).json["status"] in ("pending", "running"):
        assert time.monotonic() < until
        time.sleep(0.05)
    results = client.get(f"{address}/results")
    assert results.status_code == 200, results.text
    assert client.get(f"/api/v1/progress/{answer.json['id']}/stream").data
    assert client.get(f"{address}/export").data[:2] == b"PK"
    return results.json

told = {}
assert client.get("/price/data").status_code == 200
told["price"] = in_workers()
run("mca")
told["mca"] = in_workers()
told["engine"] = run("bayesian_factor_pymc")["details"]["engine"]
told["bayesian"] = in_workers()
told["web"] = loaded("self")
modules = ("numpy", "scipy", "numba", "pymc", "nutpie", "pytensor")
told["web_modules"] = [name for name in modules if name in sys.modules]
app.extensions["drain"]("the test is over")
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the processes of a service held after some jobs."""
    if sys.platform != "linux":
        pytest.skip("only Linux shows the memory maps of a process")
    folder = tmp_path_factory.mktemp("processes")
    empty = folder / "no-compiler"
    empty.mkdir()
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=root,
        env={"PATH": str(empty), "HOME": str(folder), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(150)
def test_bayesian_libraries_are_loaded_by_bayesian_runs_alone(
    told: dict[str, Any],
) -> None:
    assert "numpy" in told["price"] and "nutpie" not in told["price"]
    assert "nutpie" not in told["mca"]
    assert "nutpie" in told["bayesian"]  # so the maps do show it


@pytest.mark.timeout(150)
def test_without_a_compiler_the_sampler_runs_on_numba_and_says_so(
    told: dict[str, Any],
) -> None:
    assert told["engine"].startswith("nutpie ")
    assert told["engine"].endswith("density by numba")


@pytest.mark.timeout(150)
def test_the_web_process_serves_runs_without_mathematics(told: dict[str, Any]) -> None:
    assert told["web"] == [] and told["web_modules"] == []
