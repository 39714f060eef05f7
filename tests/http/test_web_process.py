"""What the web process loads: it moves bytes and knows no mathematics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from flask_api.app import create_app
from flask_api.settings import Settings

folder = Path(sys.argv[1])
app = create_app(Settings(
    flask_env="testing", async_mode="threading", max_concurrent_jobs=1,
    worker_nice=0, wait_s=55,
    instance_folder=folder / "instance", log_folder=folder / "logs",
))
client = app.test_client()
body = {"parameters": [{"id": "S11", "range": {"min": 1e5, "max": 3e5}}]}
answers = [
    client.get("/price/data"),
    client.get("/price/models"),
    client.get("/openapi.json"),
    client.get("/docs"),
    client.get("/health"),
    client.post("/sensitivity/analyze", json=body),
    client.get("/price/data?format=xlsx"),
    client.get("/price/data?format=html"),
    client.get("/price/data?format=csv"),
]
app.extensions["drain"]("the test is over")  # or a failure would wait for the workers
assert [answer.status_code for answer in answers] == [200] * 9, answers
assert answers[6].data[:2] == b"PK" and b"<svg" in answers[7].data
print(*sorted(
    {"numpy", "scipy", "pandas", "numba", "matplotlib", "xlsxwriter", "flask_openapi"}
    & set(sys.modules)
))
"""


def test_serving_every_kind_of_answer_imports_no_mathematics(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
