"""The answers of the analyses, in the words that the outside was promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flask_api.domains.sensitivity.curves import Entry
from flask_api.domains.sensitivity.selection import Varied
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.numerics.monte_carlo import Simulation


class Pictured(Protocol):
    """An item with the front-end's flags for pictures."""

    @property
    def comparison_type(self) -> str | None: ...

    @property
    def waterfall(self) -> bool: ...

    @property
    def bar(self) -> bool: ...

    @property
    def point(self) -> bool: ...


class Asking(Protocol):
    """A request whose items say which inputs vary."""

    def items(self) -> Sequence[Pictured]: ...

    def field(self, index: int) -> str: ...


def pictures(request: Asking, varied: Sequence[Varied]) -> list[dict[str, Any]]:
    """Pictures that the front-end's flags ask for, for the report, by input.

    An item that means all inputs asks for those of each.
    """
    asked = {request.field(i): item for i, item in enumerate(request.items())}
    rows = []
    for one in varied:
        item = asked[one.field]
        flags = {"waterfall": item.waterfall, "bar": item.bar, "point": item.point}
        kinds = [kind for kind, wanted in flags.items() if wanted]
        if kinds:
            axis = item.comparison_type or "primary"
            rows.append({"id": one.id, "kinds": kinds, "comparison_type": axis})
    return rows


def tornado(entries: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """Output at both ends of each input, widest swing first."""
    rows = [
        {"id": id, "low": e.low, "high": e.high, "swing": e.swing}
        for id, e in entries.items()
    ]
    return sorted(rows, key=lambda row: -(row["swing"] or 0.0))


def analysis_answer(
    model: Studied,
    varied: Sequence[Varied],
    entries: Mapping[str, Entry],
    only: str | None,
    warnings: list[str],
    metadata: dict[str, Any],
) -> dict[str, Any]:
    """Answer of `/sensitivity/analyze`.

    only   id of a single `parameter`: its keys then stand directly under `results`
    """
    rows = tornado(entries)
    shown = sorted({item.output for item in varied})
    if len(shown) > 1:
        warnings.append(
            f"inputs are compared with {' and '.join(shown)}: swings of different "
            "outputs stand side by side in tornado and ranking"
        )
    assumptions = [
        f"{item.id}: neither request nor model gives a range; 20 % either side"
        for item in varied
        if item.origin == "default"
    ]
    results = {id: entry.result for id, entry in entries.items()}
    return {
        **({} if only is None else {"parameter_id": only}),
        "method": metadata["method"],
        "results": results if only is None else results[only],
        "ranking": [{"id": row["id"], "effect": row["swing"]} for row in rows],
        "tornado": rows,
        "metadata": {
            **metadata,
            "model": dict(model.identity),
            "units": {name: model.units[name] for name in metadata["baseline"]},
            "assumptions": assumptions,
            "warnings": warnings,
        },
    }


def short(report: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a summary that is told of an input which varies alone."""
    keys = ("n", "failed", "mean", "std", "min", "max", "percentiles", "distribution")
    return {key: report[key] for key in keys}


def simulation_answer(
    model: Studied,
    varied: Sequence[Varied],
    state: Simulation,
    outputs: Sequence[str],
    per_parameter: Mapping[str, Any],
    warnings: list[str],
    metadata: Mapping[str, Any],
) -> dict[str, Any]:
    """Answer of `/sensitivity/monte-carlo`; its figures are those of `outputs[0]`."""
    ids = {item.name: item.id for item in varied}
    reports = {}
    for name in outputs:
        rows = [{**r, "id": ids[r["id"]]} for r in state.contribution(name)]
        reports[name] = {**state.summaries[name].report(), "contribution": rows}
    first = reports[outputs[0]]
    return {
        "results": {**first, "outputs": reports, "per_parameter": per_parameter},
        "iterations": state.done,
        "converged": state.converged,
        "metadata": {
            "method": "monte_carlo",
            **metadata,
            "n": first["n"],
            "failed_draws": first["failed"],
            "output": outputs[0],
            "units": {name: model.units[name] for name in outputs},
            "model": dict(model.identity),
            "inputs": {item.id: given_input(item) for item in varied},
            "contribution_draws": state.sample.filled,
            "percentiles_exact": first["percentile_rank_error"] == 0,
            "assumptions": _assumptions(varied, metadata),
            "warnings": warnings,
        },
    }


_SAID = {
    "range": "uniform over the model's range",
    "default": "uniform, 20 % either side of its value",
}


def _assumptions(varied: Sequence[Varied], metadata: Mapping[str, Any]) -> list[str]:
    tied = metadata["correlation"]
    if tied is None:
        said = ["the inputs vary independently of each other"]
    else:
        names = ", ".join(tied["names"])
        said = [f"{names} are correlated by rank; all others vary independently"]
        if tied["missed_by"] > 1e-3:
            said.append(
                f"rank correlations are missed by {tied['missed_by']:.2g} at most: "
                "normal scores can't be so correlated"
            )
    said += drawn_as(varied)
    sampling, replicates = metadata["sampling"], metadata["replicates"]
    if replicates > 1:
        said.append(
            f"sem and all intervals come from the scatter of {replicates} independent "
            "designs that share the draws"
        )
    elif sampling != "random":
        points = "Sobol points" if sampling == "sobol" else "Latin hypercubes"
        said.append(
            f"sem and the convergence intervals are those of independent draws; "
            f"{points} are closer to the truth than that"
        )
    return said


def drawn_as(varied: Sequence[Varied]) -> list[str]:
    """What is assumed of each input that the request says nothing of."""
    said = [f"{v.id}: {_SAID[v.origin]}" for v in varied if v.origin in _SAID]
    whole = [v for v in varied if v.integer]
    return said + [f"{v.id}: draws are rounded to whole {v.unit}" for v in whole]


def given_input(item: Varied) -> dict[str, Any]:
    return {
        "name": item.name,
        "baseline": item.baseline,
        "unit": item.unit,
        "distribution": item.assumed.as_mapping(),
        "origin": item.origin,
    }
