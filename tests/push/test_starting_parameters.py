"""Which names `start_analysis` takes for inputs, on the whole service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from .watcher import Watcher

FORMULA = {"formula": "a * b", "inputs": {"a": [0, 1], "b": [1, 2]}}


@pytest.mark.parametrize(
    ("payload", "unknown", "says"),
    [
        ({"model": FORMULA, "parameters": ["a", "z"]}, "z", "its inputs are a, b"),
        ({"model": FORMULA, "parameters": {"y": [0, 1]}}, "y", "its inputs are a, b"),
        (
            {"config": {"model": FORMULA}, "parameters": [{"id": "S11"}]},
            "S11",
            "its inputs are a, b",
        ),
        ({"version": 1, "parameters": [{"id": "S11"}, {"id": "z"}]}, "z", "models"),
        ({"runner": "server", "parameters": ["S11", "z"]}, "z", "models"),
        ({"parameters": ["S11", "z"]}, "z", "others are known"),
    ],
)
def test_an_unknown_input_is_refused_before_a_job_is_made(
    make_app: Callable[..., Flask], payload: dict[str, Any], unknown: str, says: str
) -> None:
    client = Watcher(make_app())
    answer = client.ask(
        "start_analysis", analysis_id="p-1", type="sensitivity", **payload
    )
    assert answer["ok"] is False, answer
    error = answer["error"]
    assert (error["code"], error["details"][0]["field"]) == (
        "VALIDATION_ERROR",
        "parameters",
    )
    assert repr(unknown) in error["message"] and says in error["message"]


@pytest.mark.parametrize(
    ("payload", "runner"),
    [
        ({"model": FORMULA, "parameters": ["a", "b"]}, "server"),
        ({"model": FORMULA, "parameters": [{}]}, "server"),
        # a choice is no input, and the server knows it
        (
            {"parameters": ["S11", {"id": "S20", "type": "boolean"}]},
            "server",
        ),
        ({"parameters": [{"id": "mine", "type": "boolean"}]}, "client"),
        ({"parameters": ["mine"]}, "client"),
    ],
)
def test_who_computes(
    make_app: Callable[..., Flask], payload: dict[str, Any], runner: str
) -> None:
    client = Watcher(make_app())
    answer = client.ask(
        "start_analysis", analysis_id="p-2", type="sensitivity", **payload
    )
    assert (answer["ok"], answer.get("runner")) == (True, runner), answer
