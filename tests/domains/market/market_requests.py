"""What the tests of the market's addresses share: tables, requests, waiting."""

from __future__ import annotations

import base64
import time
from typing import Any

import numpy as np

#: Probabilities of buying of two kinds of households.
PROFILES = np.array([[0.9, 0.8, 0.7, 0.1, 0.2, 0.1], [0.1, 0.2, 0.1, 0.8, 0.9, 0.7]])
PRODUCTS = ["bread", "butter", "jam", "beer", "crisps", "nuts"]


def households(rows: int, seed: int = 1, profiles: Any = PROFILES) -> Any:
    """A matrix of 0 and 1: who bought what."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(len(profiles), size=rows)
    return (rng.random((rows, profiles.shape[1])) < profiles[kind]).astype(int)


def csv_of(matrix: Any, names: list[str] | None = None, separator: str = ",") -> bytes:
    """A CSV file of a matrix."""
    head = separator.join(names or PRODUCTS[: matrix.shape[1]])
    lines = [separator.join(map(str, row)) for row in matrix.tolist()]
    return ("\n".join([head, *lines]) + "\n").encode()


def base64_of(content: bytes) -> dict[str, str]:
    """`data` of a request."""
    return {"csv_base64": base64.b64encode(content).decode()}


def start(client: Any, content: bytes | None = None, **asked: Any) -> Any:
    """The answer to `POST /api/v1/runs`, LCA with two classes unless told otherwise."""
    body: dict[str, Any] = {
        "model_type": "lca",
        "params": {"n_classes": 2, "n_init": 5, "seed": 1},
        **asked,
    }
    if content is not None:
        body["data"] = base64_of(content)
    return client.post("/api/v1/runs", json=body)


def ended(client: Any, run_id: str, seconds: float = 90.0) -> dict[str, Any]:
    """The run when it has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run: dict[str, Any] = client.get(f"/api/v1/runs/{run_id}").json
        if run["status"] in ("completed", "failed", "cancelled"):
            return run
        time.sleep(0.02)
    raise AssertionError(f"the run has not ended: {run}")


def completed(client: Any, content: bytes, **asked: Any) -> dict[str, Any]:
    """A run that has completed."""
    answer = start(client, content, **asked)
    assert answer.status_code == 201, answer.text
    run = ended(client, answer.json["id"])
    assert run["status"] == "completed", run
    return run
