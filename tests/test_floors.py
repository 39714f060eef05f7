"""The house stands: who imports whom, and what can be taken out."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from configparser import ConfigParser
from pathlib import Path

import pytest
from flask import Flask
from pydantic import BaseModel

from flask_api.analysis import discover

ROOT = Path(__file__).resolve().parent.parent

#: Mathematics that only a worker may import.
MATHS = ("numpy", "scipy", "pandas", "numba", "matplotlib")


def python(code: str, folder: Path, *, source: Path = ROOT) -> str:
    """What a fresh interpreter prints for `code`, run in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(source),
            "FLASK_ENV": "testing",
            "ASYNC_MODE": "threading",
            "JOB_EXECUTOR": "inline",
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_import_leads_downwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed: requirements-dev.txt")
    done = subprocess.run(
        [str(linter), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    assert "6 kept, 0 broken" in done.stdout


def test_the_web_process_imports_no_mathematics(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from flask_api.app import create_app\n"
        "create_app()\n"
        f"print(json.dumps([m for m in {MATHS!r} if m in sys.modules]))"
    )
    assert json.loads(python(code, tmp_path)) == []


def test_create_app_patches_nothing(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "plain = socket.socket\n"
        "from flask_api.app import create_app\n"
        "create_app()\n"
        "print(socket.socket is plain)"
    )
    assert python(code, tmp_path).strip() == "True"


@pytest.mark.parametrize("kind", [n for n, a in discover().by_kind.items()])
def test_every_analysis_names_a_function_that_is_there(kind: str) -> None:
    analysis = discover().by_kind[kind]
    module, _, name = analysis.run.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    assert callable(found) or not analysis.available


def test_every_analysis_has_an_example_that_its_own_model_accepts() -> None:
    for analysis in discover().by_kind.values():
        analysis.request.model_validate(dict(analysis.example))
        assert analysis.title


def test_no_two_schemas_share_a_name(app: Flask) -> None:
    by_name: dict[str, set[str]] = defaultdict(set)
    todo: list[type[BaseModel]] = [BaseModel]
    while todo:
        for model in todo.pop().__subclasses__():
            todo.append(model)
            if model.__module__.startswith("flask_api."):
                by_name[model.__name__].add(model.__module__)
    assert len(by_name) > 20
    assert not {name: where for name, where in by_name.items() if len(where) > 1}


def test_the_service_works_without_a_domain(tmp_path: Path) -> None:
    copy = tmp_path / "flask_api"
    shutil.copytree(
        ROOT / "flask_api", copy, ignore=shutil.ignore_patterns("__pycache__", ".env")
    )
    shutil.rmtree(copy / "domains" / "sensitivity")
    app = (copy / "app.py").read_text()
    app = re.sub(r".*domains\.sensitivity\.routes.*\n", "", app)
    app, taken = re.subn(r", sensitivity\)", ")", app)
    assert taken == 1
    (copy / "app.py").write_text(app)
    code = (
        "import json, time\n"
        "from flask_api.app import create_app\n"
        "client = create_app().test_client()\n"
        "price = client.get('/price/data').get_json()['price_data']['current_price']\n"
        "gone = client.post('/sensitivity/analyze', json={}).status_code\n"
        "told = client.get('/openapi.json').status_code\n"
        "page = client.get('/').status_code\n"
        "print(json.dumps([price, gone, told, page]))"
    )
    price, *statuses = json.loads(python(code, tmp_path, source=tmp_path))
    assert price == pytest.approx(2.00579, abs=5e-6)  # digits given
    assert statuses == [404, 200, 200]


def test_the_seeds_style_tools_agree_with_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    flake8 = ConfigParser()
    flake8.read(ROOT / ".flake8")
    widths = {
        project["ruff"]["line-length"],
        project["black"]["line-length"],
        flake8.getint("flake8", "max-line-length"),
    }
    assert len(widths) == 1
    # what black writes, flake8 calls a fault in these two rules alone
    assert flake8.get("flake8", "extend-ignore") == "E203,W503"
    makefile = (ROOT / "Makefile").read_text()
    for command in ("flake8 .", "black --check", "mypy ."):
        assert command in makefile
