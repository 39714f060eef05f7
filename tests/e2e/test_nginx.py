"""The service behind Nginx, with the location block that the seed prints."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.e2e import client_script
from tests.e2e.conftest import NODE, ROOT, Server, StartServer, free_port

SEED_BLOCK = """\
location /socket.io {
    proxy_pass http://localhost:5000/socket.io;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "Upgrade";
    proxy_set_header Host $host;
}
"""

#: Nginx' main file around ours: no privileges, everything in one folder.
AROUND = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{ours}
}}
"""


def our_block() -> str:
    return (ROOT / "deploy" / "nginx.conf").read_text()


def test_our_file_holds_the_seeds_block_as_it_is_printed() -> None:
    assert SEED_BLOCK in our_block()


@pytest.fixture(scope="module")
def behind(server: StartServer) -> Server:
    """The server behind the proxy."""
    return server("gunicorn-eventlet", TRUSTED_PROXIES=1)


@pytest.fixture(scope="module")
def front(
    behind: Server, nginx: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of an Nginx that serves deploy/nginx.conf, ports changed."""
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    ours = our_block().replace("localhost:5000", f"localhost:{behind.port}")
    ours = ours.replace("listen 80;", f"listen 127.0.0.1:{port};")
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, ours=ours))
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [nginx, "-c", str(file), "-e", str(folder / "error.log")],
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_for(url, process, folder)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.ConnectionError):
            if requests.get(f"{url}/live", timeout=20).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError((folder / "error.log").read_text())


def test_the_client_script_passes_through_nginx(front: str, behind: Server) -> None:
    run([sys.executable, client_script.__file__, front], behind)


def test_npms_own_client_passes_through_nginx(
    front: str, behind: Server, node: str
) -> None:
    run([node, str(NODE / "client.mjs"), front], behind)


def run(command: list[str], behind: Server) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=180, check=False
    )
    told = f"{done.stdout}\n{done.stderr}\n-- server --\n{behind.output()}"
    assert done.returncode == 0, told


def test_events_come_through_nginx_while_the_job_runs(front: str) -> None:
    watcher = client_script.Watcher(front)
    name = client_script.start_monte_carlo(watcher, iterations=100_000_000)
    stream = client_script.server_sent_events(f"{front}/api/jobs/{name}/stream")
    seen = [next(stream) for _ in range(4)]
    assert seen[-1]["event"] == "progress" and seen[-1]["data"]["progress"] < 1
    assert watcher.ask("cancel_analysis", {"analysis_id": name})["ok"]
    assert [e["event"] for e in stream][-2:] == ["cancelled", "close"]
    watcher.close()


def test_a_body_over_16_mb_is_refused(front: str) -> None:
    body = b'{"a":"' + b"x" * (17 * 2**20) + b'"}'
    try:
        answer = requests.post(f"{front}/api/jobs", data=body, timeout=120)
    except requests.ConnectionError:
        return  # Nginx had answered and closed while the body was still being sent
    assert answer.status_code == 413
