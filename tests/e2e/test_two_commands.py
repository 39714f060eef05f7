"""`make run`, `python start_backend.py` and what a newcomer may do wrong with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.e2e.conftest import ROOT, Server, StartServer
from tests.patience import in_time

#: Serve with the environment that runs the tests; pip has nothing to do.
MAKE_RUN = (
    f"make -s -o '{sys.prefix}/.runtime' -o '{sys.executable}' run VENV='{sys.prefix}'"
)


def test_make_run_prints_the_address_where_the_page_is(server: StartServer) -> None:
    def interrupted() -> float:
        one = server(MAKE_RUN, fresh=True)
        check_page(one)
        return one.interrupt()

    in_time(interrupted, 5)


def check_page(one: Server) -> None:
    assert f"Model Zone: {one.url}/" in one.output()
    page = requests.get(one.url, timeout=60)
    assert page.status_code == 200 and "<html" in page.text
    assert list((one.folder / "instance").glob("*.sqlite")), "no database was made"
    until(lambda: len(one.family()) > 2, "no worker was started")


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["dev", "dev-threading"])
def test_ctrl_c_leaves_no_process_behind(server: StartServer, kind: str) -> None:
    in_time(lambda: interrupted_at_work(server(kind, fresh=True)), 5)


def interrupted_at_work(one: Server) -> float:
    """Seconds that Ctrl-C takes to end a server that computes and streams."""
    made = requests.post(
        f"{one.url}/api/jobs",
        json={
            "kind": "sensitivity.monte_carlo",
            "params": {
                "parameters": [{"id": "S11", "range": {"min": 1e5, "max": 3e5}}],
                "iterations": 100_000_000,
            },
        },
        timeout=60,
    )
    assert made.status_code == 202, made.text
    with requests.get(
        f"{one.url}/api/jobs/{made.json()['job_id']}/stream", stream=True, timeout=60
    ) as stream:
        next(stream.iter_lines())
        took = one.interrupt()
    assert one.process.returncode == 0
    assert "Traceback" not in one.output(), one.output()
    return took


def command_of(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):  # it has just ended
        return process.cmdline()
    return []


@pytest.mark.parametrize("kind", ["dev", "dev-threading"])
def test_the_seeds_debug_setting_opens_no_debugger(
    server: StartServer, kind: str
) -> None:
    one = server(kind, fresh=True, FLASK_DEBUG="True", FLASK_ENV="development")
    asked = {"__debugger__": "yes", "cmd": "resource", "f": "style.css"}
    answer = requests.get(one.url, params=asked, timeout=60)
    assert "text/css" not in answer.headers["Content-Type"]
    assert requests.get(f"{one.url}/console", timeout=60).status_code == 404
    assert sum("start_backend.py" in command_of(p) for p in one.family()) == 1


def test_a_port_in_use_is_said_in_a_sentence(server: StartServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        one = server("dev", fresh=True, ready=None, FLASK_PORT=port)
        assert one.process.wait(120) == 2
    assert f"port {port} of 127.0.0.1 is in use" in one.output()
    assert f"FLASK_PORT={port + 1}" in one.output()
    assert "Traceback" not in one.output()


def test_a_second_server_on_the_same_port_is_refused(server: StartServer) -> None:
    first = server("dev")
    second = server("dev", fresh=True, ready=None, FLASK_PORT=first.port)
    assert second.process.wait(120) == 2
    assert "is in use" in second.output()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"FLASK_PORT": "80000"}, "FLASK_PORT='80000'"),
        ({"FLASK_PORT": "5000", "API_PORT": "5001"}, "name one setting"),
        ({"ASYNC_MODE": "asyncio"}, "ASYNC_MODE='asyncio'"),
        ({"FLASK_HOST": "192.0.2.1"}, "is no address of this machine"),
        ({"INSTANCE_FOLDER": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    server: StartServer, settings: dict[str, str], reason: str
) -> None:
    one = server("dev", fresh=True, ready=None, **settings)
    assert one.process.wait(120) == 2, one.output()
    assert reason in one.output()
    assert "Traceback" not in one.output(), one.output()


def test_the_seeds_own_env_file_starts_the_server(
    server: StartServer, tmp_path: Path
) -> None:
    (tmp_path / "flask_api").mkdir()
    (tmp_path / "flask_api" / ".env").write_text(
        "FLASK_ENV=development\nFLASK_DEBUG=True\nFLASK_HOST=0.0.0.0\n"
        "FLASK_PORT=5000\nSECRET_KEY=your-secret-key-here\n"
    )
    # Host and port stay those of the test: the environment goes before the file.
    one = server(
        f"bash -c \"cd '{tmp_path}' && exec python '{ROOT}/start_backend.py'\"",
        fresh=True,
        FLASK_ENV="development",
        PYTHONPATH=ROOT,
    )
    assert requests.get(f"{one.url}/live", timeout=60).status_code == 200


def make(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-n", *arguments],
        cwd=ROOT,
        env=os.environ | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_make_takes_the_python_that_fits_and_not_the_first_of_that_name(
    tmp_path: Path,
) -> None:
    for name, body in (
        ("python3", "exit 1"),
        ("python3.13", "exit 127"),
        ("python3.12", f'exec "{sys.executable}" "$@"'),
    ):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    shell = Path(shutil.which("sh") or "/bin/sh").parent
    path = f"{tmp_path}:{shell}"
    planned = make("run", f"VENV={tmp_path}/venv", path=path).stdout
    assert f"python3.12 -m venv {tmp_path}/venv" in planned


def test_make_installs_again_only_when_the_pins_have_changed(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for name in (".runtime", ".dev", "bin/python", "bin/uv"):
        (venv / name).touch()
    assert "pip install" not in make("run", f"VENV={venv}").stdout
    changed = make("run", f"VENV={venv}", "-W", "requirements.txt").stdout
    assert "pip install" in changed and "-r requirements.txt" in changed


def test_a_built_wheel_holds_the_page_and_the_models(tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        pytest.skip("needs uv (requirements-dev.txt)")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):  # what it is built from
        shutil.copy(ROOT / name, source)
    unwanted = shutil.ignore_patterns("__pycache__", ".env")
    shutil.copytree(ROOT / "flask_api", source / "flask_api", ignore=unwanted)
    built = subprocess.run(
        [str(uv), "build", "--wheel", "--quiet", "--out-dir", str(tmp_path / "dist")],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "flask_api").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.name != ".env"
    }
    assert wanted - held == set()
