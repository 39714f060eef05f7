"""Reverse proxies that are believed, and hosts that are answered to."""

# mypy: disable-error-code="index, union-attr"

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("zone.example", 200),
        ("zone.example:8443", 200),
        ("a.inner.example", 200),
        ("evil.example", 400),
        ("", 400),
    ],
)
def test_only_trusted_hosts_are_answered_to(
    make_app: Callable[..., Flask], host: str, status: int
) -> None:
    client = make_app(trusted_hosts="zone.example, .inner.example").test_client()
    answer = client.get("/live", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert answer.json["code"] == "UNTRUSTED_HOST"
        assert "TRUSTED_HOSTS" in answer.json["message"]


def test_an_untrusted_host_opens_no_socket(make_app: Callable[..., Flask]) -> None:
    client = make_app(trusted_hosts="zone.example").test_client()
    path = "/socket.io/?EIO=4&transport=polling"
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400
    assert client.get(path, headers={"Host": "zone.example"}).status_code == 200


def test_any_host_is_answered_to_without_the_setting(
    make_app: Callable[..., Flask],
) -> None:
    answer = make_app().test_client().get("/live", headers={"Host": "any.example"})
    assert answer.status_code == 200


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "192.0.2.7")])
def test_forwarded_addresses_count_only_from_believed_proxies(
    make_app: Callable[..., Flask], proxies: int, seen: str
) -> None:
    app = make_app(trusted_proxies=proxies)
    log = app.config["SETTINGS"].log_folder / "flask_api.log"
    app.test_client().get("/nothing", headers={"X-Forwarded-For": "192.0.2.7"})
    assert f"address={seen}" in log.read_text()
