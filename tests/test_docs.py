"""The documentation is true: what exists it names, and what it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from flask_api.analysis import discover
from flask_api.domains.price.conventions import CHOICES, PRESETS
from flask_api.errors import ServiceError
from flask_api.jobs.job import EventType
from flask_api.push.socketio import socketio
from flask_api.settings import Settings, example, names_of
from tests.doc_pages import FENCE, PAGES, ROOT, text_of

SOURCES = sorted((ROOT / "flask_api").rglob("*.py"))

# -- what exists is named ----------------------------------------------------------


def test_every_analysis_and_alias_is_documented() -> None:
    found = discover()
    pages = text_of("rest.md")
    missing = [n for n in (*found.by_kind, *found.by_alias) if f"`{n}`" not in pages]
    assert not missing


def test_every_table_of_a_result_is_documented() -> None:
    pages = text_of("rest.md")
    tables = [t.name for a in discover().by_kind.values() for t in a.tables]
    assert not [name for name in tables if f"`{name}`" not in pages]


def test_every_event_type_is_documented() -> None:
    pages = text_of("events.md")
    assert not [kind for kind in EventType if f"`{kind.value}`" not in pages]


def socket_events() -> set[str]:
    """Names of Socket.IO events and WebSocket types, heard and told."""
    text = "\n".join((ROOT / "flask_api" / "push" / n).read_text() for n in PUSH)
    told = re.findall(r'emit\(\s*"(\w+)"', text)
    told += re.findall(r'[\[(]\("(\w+)", \w+\(?', text)
    told += re.findall(r'"type": "(\w+_\w+)"', text)
    told += re.findall(r'@_on\("(\w+)"\)', text)
    return set(told)


PUSH = ("socketio.py", "dialects.py", "rooms.py", "realtime.py")


def test_every_socket_event_is_documented(app: Flask) -> None:
    known = socket_events()
    assert {"start_analysis", "progress_update", "calculation_complete"} <= known
    handled = set(socketio.server.handlers["/"]) - {"connect", "disconnect", "*"}
    assert handled <= known
    pages = text_of("events.md")
    assert not sorted(name for name in known if f"`{name}`" not in pages)


def error_codes() -> set[str]:
    """Codes of the error classes, and those that stand as text in the source."""
    codes, todo = set(), [ServiceError]
    while todo:
        cls = todo.pop()
        codes.add(cls.code)
        todo.extend(cls.__subclasses__())
    written = r'(?:"code": ?|_fail\(\s*job, |_error_frame\(\s*)"([A-Z][A-Z_]+)"'
    for source in SOURCES:
        codes.update(re.findall(written, source.read_text()))
    return codes


def test_every_error_code_is_documented(app: Flask) -> None:
    codes = error_codes()
    assert {"VALIDATION_ERROR", "CLIENT_IDLE", "TOO_MANY_CONNECTIONS"} <= codes
    pages = text_of("errors.md")
    assert not sorted(code for code in codes if f"| `{code}` |" not in pages)


def test_every_documented_error_code_exists(app: Flask) -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", text_of("errors.md"), re.M)
    # of HTTP itself, made from the phrase of its status
    assert set(rows) - error_codes() == {"METHOD_NOT_ALLOWED"}
    assert len(rows) == len(set(rows))


def test_every_setting_is_documented_with_its_default_and_other_names() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", text_of("settings.md"), re.M)
    assert sorted(row[0].lower() for row in rows) == sorted(Settings.model_fields)
    for name, default, meaning in rows:
        field = Settings.model_fields[name.lower()]
        for other in names_of(name.lower())[1:]:
            assert f"`{other}`" in meaning
        if name == "MAX_CONCURRENT_JOBS":
            assert default == "cores"
        elif field.default in (None, ""):
            assert default == "empty"
        else:
            value = field.default
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            assert default == f"`{shown}`", name


def test_the_example_of_the_settings_is_what_the_generator_prints() -> None:
    assert (ROOT / ".env.example").read_text() == example()


def test_every_address_is_documented(app: Flask) -> None:
    pages = text_of("rest.md", "events.md")
    known = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] not in ("web", "static")
    }
    twins = {f"/api{address}" for address in known}
    # the page's own files, and what the rules say of the second prefix
    wanted = {a for a in known - twins if not a.startswith(("/assets", "/docs/"))}
    assert not sorted(address for address in wanted if address not in pages)


def test_every_convention_and_preset_is_documented() -> None:
    rows = {
        cells[1].strip(" `"): [cell.strip() for cell in cells[3:6]]
        for line in text_of("price-model.md").splitlines()
        if len(cells := line.split("|")) == 7
    }
    assert rows["option"] == list(PRESETS)
    for name, choices in CHOICES.items():
        held = [str(p.as_dict()[name]) for p in PRESETS.values()]
        assert [cell.capitalize() for cell in rows[name]] == [
            cell.capitalize() for cell in held
        ]
        for choice in choices:
            assert isinstance(choice, bool) or f"`{choice}`" in text_of(
                "price-model.md"
            )


# -- what is named exists ----------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def functions_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


def test_every_row_of_the_seeds_has_a_test_that_exists_or_an_issue() -> None:
    lines = text_of("from-the-seeds.md").splitlines()
    rows = [line for line in lines if line.startswith(('| "', "| `", "| type", "| d"))]
    rows += [line for line in lines if line.startswith("| price data")]
    assert len(rows) == sum(line.startswith("| ") for line in lines) - 1  # the head
    assert len(rows) > 60
    for row in rows:
        last = row.strip(" |").rsplit("|", 1)[-1].strip()
        if re.fullmatch(r"issue \d|issue: [a-z]+ \([a-z, ]+\)", last):
            continue
        found = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", last)
        assert found, row
        assert found[2] in functions_of(ROOT / found[1]), last


def test_pytest_is_among_the_pins_of_the_service() -> None:
    pins = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^pytest==", pins, re.M)
