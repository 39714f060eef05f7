"""The seed's socket type `optimization`, on the whole service."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from .watcher import Watcher


def test_the_seeds_type_optimization_starts_a_search(
    make_app: Callable[..., Flask],
) -> None:
    client = Watcher(make_app())
    answer = client.ask(
        "start_analysis",
        analysis_id="o-1",
        type="optimization",
        parameters={"bare_erected_cost": {"range": [100_000, 300_000]}},
        config={"objective": "target", "target": 2.0, "budget": 1000, "seed": 1},
        total_steps=100,
    )
    assert answer["ok"] and answer["runner"] == "server"
    done = client.first("analysis_complete")
    assert done["status"] == "complete", done["errors"]
    results = done["results"]
    assert results["analysis_id"] == "o-1" and results["converged"]
    # the linear relation, as in docs/optimization.md
    assert abs(results["best"]["inputs"]["bare_erected_cost"] - 198_088.749) < 0.001
    assert results["metadata"]["seed"] == 1
