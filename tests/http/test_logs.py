"""The log file: where, what, how large, at which level."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from flask import Flask

from flask_api.http import logs
from flask_api.settings import Settings, SettingsError


def log_of(app: Flask) -> str:
    return (app.config["SETTINGS"].log_folder / "flask_api.log").read_text()


def test_each_request_has_one_line_with_its_id(app: Flask) -> None:
    app.test_client().get("/health?x=1", headers={"X-Request-ID": "req-1"})
    lines = [line for line in log_of(app).splitlines() if "GET /health" in line]
    assert len(lines) == 1
    assert "INFO" in lines[0] and " 200 " in lines[0] and "req-1" in lines[0]


def test_lines_written_within_a_request_bear_its_id(app: Flask) -> None:
    def speak() -> str:
        logging.getLogger("some.library").warning("from the standard library")
        structlog.get_logger("ours").warning("from structlog", answer=42)
        return ""

    app.add_url_rule("/speak", "speak", speak)
    app.test_client().get("/speak", headers={"X-Request-ID": "req-2"})
    lines = [line for line in log_of(app).splitlines() if " from " in line]
    assert len(lines) == 2
    assert all("request_id=req-2" in line for line in lines)
    assert "answer=42" in lines[1]


def test_json_lines_are_json(make_app: Callable[..., Flask]) -> None:
    app = make_app(log_format="json")
    app.test_client().get("/health", headers={"X-Request-ID": "req-3"})
    found = [json.loads(line) for line in log_of(app).splitlines()]
    line = next(item for item in found if item["logger"] == "flask_api.access")
    assert line["request_id"] == "req-3"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_a_caller_cannot_forge_a_line(app: Flask) -> None:
    app.test_client().get("/x%0A2026-01-01T00:00:00Z%20ERROR%20forged")
    assert not any(line.startswith("2026-01-01") for line in log_of(app).splitlines())


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, {"INFO"}),
        ({"flask_debug": True}, {"DEBUG", "INFO"}),
        ({"log_level": "WARNING", "flask_debug": True}, set()),
        ({"log_levels": "mine=ERROR, other=INFO"}, set()),
    ],
)
def test_levels_follow_the_settings(
    make_app: Callable[..., Flask], settings: dict[str, object], shown: set[str]
) -> None:
    app = make_app(**settings)
    mine = logging.getLogger("mine")
    mine.debug("said")
    mine.info("said")
    mine.setLevel(logging.NOTSET)
    found = [line for line in log_of(app).splitlines() if " mine " in line]
    assert {line.split()[1] for line in found} == shown


def test_the_file_rotates_at_its_size(make_app: Callable[..., Flask]) -> None:
    app = make_app(log_max_bytes=2000, log_backups=2)
    for number in range(100):
        logging.getLogger("mine").info("line %d", number)
    folder = app.config["SETTINGS"].log_folder
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["flask_api.log", "flask_api.log.1", "flask_api.log.2"]
    assert all(file.stat().st_size <= 2000 for file in folder.iterdir())


def test_a_log_folder_that_cannot_be_written_stops_the_start(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SettingsError, match="LOG_FOLDER=.*no log can be written"):
        make_app(log_folder=tmp_path / "file" / "logs")


@pytest.mark.parametrize(
    "settings", [{"log_level": "LOUD"}, {"log_levels": "a"}, {"log_levels": "a=LOUD"}]
)
def test_a_level_that_is_none_stops_the_start(
    make_app: Callable[..., Flask], settings: dict[str, str]
) -> None:
    with pytest.raises(SettingsError, match="LOG_LEVEL"):
        make_app(**settings)
    logs.close()


def test_the_newest_app_logs_alone_and_closing_leaves_no_file_open(
    make_app: Callable[..., Flask],
) -> None:
    first, second = make_app(), make_app()
    logging.getLogger("mine").info("said once")
    assert "said once" not in log_of(first)
    assert "said once" in log_of(second)
    logs.close()
    root = logging.getLogger()
    assert not any(isinstance(h, (logs.LogFile, logs.Terminal)) for h in root.handlers)


def test_defaults_are_the_seeds() -> None:
    settings = Settings()
    assert (settings.log_max_bytes, settings.log_backups) == (1_000_000, 10)
    assert settings.log_folder == Path("logs")
