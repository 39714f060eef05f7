"""Settings: where they come from, what they are called, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flask_api.analysis import Analyses
from flask_api.app import create_app
from flask_api.jobs.build import build_engine
from flask_api.settings import (
    Settings,
    SettingsError,
    concerns,
    example,
    load_settings,
    names_of,
    secret_key,
)

ROOT = Path(__file__).resolve().parent.parent
STRONG = "0123456789abcdef" * 2

#: What the seed tells its reader to put into flask_api/.env.
SEED_ENV = (
    "FLASK_ENV=development\nFLASK_DEBUG=True\nFLASK_HOST=0.0.0.0\nFLASK_PORT=5000\n"
    "SECRET_KEY=your-secret-key-here\n"
)


def start(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python start_backend.py` in a folder, for settings with which it can't start."""
    return subprocess.run(
        [sys.executable, str(ROOT / "start_backend.py")],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_without_any_setting_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path) == Settings()
    assert Settings().flask_host == "127.0.0.1"
    assert Settings().max_concurrent_jobs == os.cpu_count()


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_every_name_of_a_setting_sets_it(field: str, tmp_path: Path) -> None:
    values = {
        "flask_env": "testing",
        "async_mode": "threading",
        "job_executor": "inline",
        "log_format": "json",
        "flask_debug": "true",
        "allow_anonymous": "true",
        "flask_host": "::1",
    }
    kind = Settings.model_fields[field].annotation
    value = values.get(field, "1" if kind is int else "1.5" if kind is float else "x")
    if field == "max_json_bytes" or kind is int and "bytes" in field:
        value = "4096"
    if field == "max_content_length":
        value = "4096"
    for name in names_of(field):
        found = getattr(load_settings({name: value}, tmp_path), field)
        assert str(found).lower() == value
        assert found != "" and found is not None


def test_the_environment_goes_before_env_files(tmp_path: Path) -> None:
    (tmp_path / "flask_api").mkdir()
    (tmp_path / "flask_api" / ".env").write_text("FLASK_PORT=5001\nJOB_HISTORY=1\n")
    (tmp_path / ".env").write_text("FLASK_PORT=5002\nWAIT_S=2\n")
    environ = {"FLASK_PORT": "5003"}
    assert load_settings(environ, tmp_path).flask_port == 5003
    assert load_settings({}, tmp_path).flask_port == 5002
    (tmp_path / ".env").unlink()
    found = load_settings({}, tmp_path)
    assert (found.flask_port, found.job_history) == (5001, 1)


def test_an_empty_value_counts_as_not_given(tmp_path: Path) -> None:
    found = load_settings({"FLASK_PORT": "", "API_PORT": "5004"}, tmp_path)
    assert found.flask_port == 5004


def test_two_names_with_one_value_are_fine_and_with_two_are_refused(
    tmp_path: Path,
) -> None:
    same = {"FLASK_PORT": "5001", "API_PORT": "5001"}
    assert load_settings(same, tmp_path).flask_port == 5001
    (tmp_path / ".env").write_text("API_PORT=5002\n")
    said = "FLASK_PORT='5001' and API_PORT='5002' name one setting; keep one of them"
    with pytest.raises(SettingsError, match=said):
        load_settings({"FLASK_PORT": "5001"}, tmp_path)


def test_a_server_with_two_values_for_one_setting_exits_with_2(tmp_path: Path) -> None:
    done = start(tmp_path, API_HOST="127.0.0.1", FLASK_HOST="::1")
    assert done.returncode == 2
    assert "FLASK_HOST='::1' and API_HOST='127.0.0.1'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("FLASK_PORT", "0", "greater than or equal to 1"),
        ("FLASK_PORT", "http", "integer"),
        ("FLASK_ENV", "staging", "'development', 'production' or 'testing'"),
        ("ASYNC_MODE", "asyncio", "'eventlet'"),
        ("JOB_TIMEOUT", "-1", "greater than 0"),
        ("MAX_CONCURRENT_JOBS", "0", "greater than or equal to 1"),
        ("API_WORKERS", "none", "integer"),
        ("WORKER_NICE", "20", "less than or equal to 19"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_would_be_right(
    name: str, value: str, wanted: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({name: value}, tmp_path)
    assert names_of(_field(name))[0] in str(refused.value)
    assert repr(value) in str(refused.value)
    assert wanted in str(refused.value)


def _field(name: str) -> str:
    return next(field for field in Settings.model_fields if name in names_of(field))


def test_the_seeds_own_env_file_is_understood(tmp_path: Path) -> None:
    (tmp_path / "flask_api").mkdir()
    (tmp_path / "flask_api" / ".env").write_text(SEED_ENV)
    found = load_settings({}, tmp_path)
    assert found.flask_env == "development"
    assert found.flask_debug is True
    assert (found.flask_host, found.flask_port) == ("0.0.0.0", 5000)
    assert secret_key(found) == "your-secret-key-here"
    weak, open_door = concerns(found)
    assert "SECRET_KEY is weak" in weak and "FLASK_HOST=0.0.0.0" in open_door


def test_more_web_workers_than_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="need Redis"):
        load_settings({"API_WORKERS": "4"}, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "postgres://localhost/x", "needs the package psycopg"),
        ("DATABASE_URL", "no address", "is no database's address"),
        ("MODELS_DIR", "/nowhere/at/all", "is no folder"),
    ],
)
def test_what_the_engine_cannot_use_is_refused_by_name(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    environ = {name: value, "INSTANCE_FOLDER": str(tmp_path / "instance")}
    with pytest.raises(SettingsError, match=f"{name}.*{said}"):
        build_engine(load_settings(environ, tmp_path), Analyses(), print)


def test_production_starts_with_the_seeds_two_lines(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FLASK_ENV=production\nFLASK_DEBUG=False\n")
    found = load_settings({}, tmp_path)
    assert found.flask_env == "production"
    assert found.allowed_origins == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SECRET_KEY": "your-secret-key-here"}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": STRONG[:31]}, "SECRET_KEY is too weak"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS=* is refused"),
        ({"CORS_ORIGINS": "https://a.example, *"}, "CORS_ORIGINS=* is refused"),
        ({"FLASK_HOST": "0.0.0.0"}, "ALLOW_ANONYMOUS=true"),
        ({"FLASK_HOST": "192.0.2.1", "SECRET_KEY": STRONG}, "ALLOW_ANONYMOUS=true"),
    ],
)
def test_production_refuses_what_is_unsafe(
    settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    load_settings(settings, tmp_path)  # fine while developing
    with pytest.raises(SettingsError) as refused:
        load_settings({**settings, "FLASK_ENV": "production"}, tmp_path)
    assert said in str(refused.value)


def test_production_takes_what_is_safe(tmp_path: Path) -> None:
    safe = {
        "FLASK_ENV": "production",
        "SECRET_KEY": STRONG,
        "CORS_ORIGINS": "https://a.example, https://b.example:8443",
        "FLASK_HOST": "0.0.0.0",
        "ALLOW_ANONYMOUS": "true",
    }
    found = load_settings(safe, tmp_path)
    assert found.allowed_origins == ["https://a.example", "https://b.example:8443"]


def test_a_refused_secret_is_not_printed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"FLASK_ENV": "production", "SECRET_KEY": "hunter2"}, tmp_path)
    assert "hunter2" not in str(refused.value)


def test_a_secret_is_generated_once_and_readable_by_its_owner_alone(
    tmp_path: Path,
) -> None:
    settings = Settings(instance_folder=tmp_path / "instance")
    first = secret_key(settings)
    assert len(first) == 64
    assert secret_key(settings) == first
    mode = (tmp_path / "instance" / "secret_key").stat().st_mode
    assert mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["instance_folder", "log_folder"])
def test_a_folder_that_cannot_be_written_is_named(name: str, tmp_path: Path) -> None:
    # a file where a folder is wanted: nobody can write below it, root neither
    (tmp_path / "occupied").write_text("")
    given = {
        "instance_folder": tmp_path / "instance",
        "log_folder": tmp_path / "logs",
        name: tmp_path / "occupied" / "folder",
    }
    with pytest.raises(SettingsError) as refused:
        create_app(Settings(flask_env="testing", async_mode="threading", **given))
    assert name.upper() in str(refused.value)
    assert str(tmp_path / "occupied" / "folder") in str(refused.value)


def test_a_server_that_cannot_write_exits_with_2_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    done = start(tmp_path, INSTANCE_FOLDER="occupied/folder", FLASK_PORT="5999")
    assert done.returncode == 2
    assert "INSTANCE_FOLDER=occupied/folder cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_lists_every_setting_once_commented_out(tmp_path: Path) -> None:
    text = example()
    (tmp_path / ".env").write_text(text)
    assert load_settings({}, tmp_path) == Settings()
    for field in Settings.model_fields:
        assert text.count(f"\n# {field.upper()}=") == 1


def test_the_example_uncommented_is_the_defaults(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ")
        for line in example().splitlines()
        if line.partition("=")[0].removeprefix("# ").isupper()
    ]
    assert len(lines) == len(Settings.model_fields)
    (tmp_path / ".env").write_text("\n".join(lines))
    assert load_settings({}, tmp_path) == Settings()
