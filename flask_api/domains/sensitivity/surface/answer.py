"""The answer of `/sensitivity/surface`, and what is seen of it on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.answers import drawn_as
from flask_api.domains.sensitivity.selection import Varied
from flask_api.domains.sensitivity.studied.model import Studied
from flask_api.numerics.grids import Grid, Response
from flask_api.numerics.surfaces import Surface

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]

#: Values of a decision that watchers see at most: of two together 900 numbers, 12 kB.
LIVE_OF_ONE, LIVE_OF_TWO = 200, 30
#: Columns of the flat table that are no decision.
_OWN = ("output", "value", "mean", "std", "failed")


class Live:
    """A coarser grid, which watchers see filled.

    head   keys that stay: output, decisions with their values
    """

    def __init__(self, grid: Grid, chosen: Sequence[Varied], output: str) -> None:
        most = LIVE_OF_ONE if len(chosen) == 1 else LIVE_OF_TWO
        kept = [_thinned(n, most) for n in grid.shape]
        self.points = np.ravel_multi_index(np.ix_(*kept), grid.shape).ravel().tolist()
        self._width = len(kept[-1]) if len(kept) == 2 else 0
        values = list(grid.decisions.values())
        self.head = {
            "output": output,
            "decisions": [
                {"id": item.id, "values": _short(v[at])}
                for item, v, at in zip(chosen, values, kept, strict=True)
            ],
        }

    def table(self, flat: Floats) -> list[Any]:
        """Numbers at `points` in the shape of the coarser grid, to six digits."""
        plain = _short(flat)
        if not self._width:
            return plain
        starts = range(0, len(plain), self._width)
        return [plain[i : i + self._width] for i in starts]


def _thinned(n: int, most: int) -> npt.NDArray[np.int64]:
    """Which of `n` values are shown: both ends, evenly between them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


def _short(values: Floats) -> list[float | None]:
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in values.tolist()]


def answer(
    chosen: Sequence[Varied],
    plain: Response,
    drawn: Surface | None,
    today: Mapping[str, float],
    units: Mapping[str, str],
    metadata: Mapping[str, Any],
) -> Row:
    """The tables of every output, the best points, and the same row by row.

    chosen   the decisions, in the order of the grid
    plain    all other inputs at their values
    drawn    with the uncertain inputs drawn; None where there are none
    """
    grid = plain.grid
    ids = {str(item.name): item.id for item in chosen}
    outputs = {
        output: _output(plain, drawn, output, ids) | {"unit": units[output]}
        for output in plain.values
    }
    return {
        "decisions": [
            {
                "id": item.id,
                "name": item.name,
                "unit": item.unit,
                "integer": item.integer,
                "today": item.baseline,
                "values": grid.decisions[str(item.name)].tolist(),
            }
            for item in chosen
        ],
        "today": {
            "inputs": {item.id: item.baseline for item in chosen},
            "outputs": dict(today),
        },
        "outputs": outputs,
        "best": list(_best(outputs)),
        "table": list(_rows(grid, ids, outputs)),
        "metadata": dict(metadata),
    }


def _output(
    plain: Response, drawn: Surface | None, output: str, ids: Mapping[str, str]
) -> Row:
    found = plain.report(output)
    told = {**found, "best": _named(found["best"], ids), "uncertain": None}
    if drawn is None:
        return told
    report = drawn.report(output)
    told["uncertain"] = {
        "percentiles": [
            {"percentile": p, "values": values, "best": _named(best, ids)}
            for p, values, best in zip(
                report["percentiles"], report["values"], report["best"], strict=True
            )
        ],
        "mean": report["mean"],
        "std": report["std"],
        "failed": report["failed"],
        "best_mean": _named(report["best_mean"], ids),
        "percentile_rank_error": report["rank_error"],
    }
    return told


def _named(best: Mapping[str, Any], ids: Mapping[str, str]) -> Row:
    """The same with decisions as the user names them."""
    return {
        end: found and {**found, "at": {ids[n]: v for n, v in found["at"].items()}}
        for end, found in best.items()
    }


def _best(outputs: Mapping[str, Row]) -> Iterator[Row]:
    """Rows {output, of, end, value, <decision>: its value}."""
    for output, told in outputs.items():
        found = {"value": told["best"]}
        if told["uncertain"]:
            found["mean"] = told["uncertain"]["best_mean"]
            for one in told["uncertain"]["percentiles"]:
                found[_percent(one["percentile"])] = one["best"]
        for of, ends in found.items():
            for end, cell in ends.items():
                if cell is not None:
                    at = {_column(id): v for id, v in cell["at"].items()}
                    head = {"output": output, "of": of, "end": end}
                    yield {**head, "value": cell["value"], **at}


def _rows(
    grid: Grid, ids: Mapping[str, str], outputs: Mapping[str, Row]
) -> Iterator[Row]:
    """Rows {output, <decision>: its value, value, mean, std, p5, ..., failed}."""
    columns = [_column(ids[name]) for name in grid.decisions]
    for output, told in outputs.items():
        tables = {"value": told["values"]}
        uncertain = told["uncertain"]
        if uncertain:
            tables |= {"mean": uncertain["mean"], "std": uncertain["std"]}
            for one in uncertain["percentiles"]:
                tables[_percent(one["percentile"])] = one["values"]
            tables["failed"] = uncertain["failed"]
        flat = {name: _flat(table, grid) for name, table in tables.items()}
        for index, point in enumerate(grid.points):
            at = dict(zip(columns, point, strict=True))
            cells = {name: column[index] for name, column in flat.items()}
            yield {"output": output, **at, **cells}


def _flat(table: list[Any], grid: Grid) -> list[Any]:
    if len(grid.shape) == 1:
        return table
    return [value for row in table for value in row]


def _percent(p: float) -> str:
    return f"p{p:g}"


def _column(id: str) -> str:
    """A decision's column, which may not be called as one of the table's own."""
    own = id in (*_OWN, "of", "end") or (id[:1] == "p" and id[1:].isdigit())
    return f"input {id}" if own else id


def assumptions(
    model: Studied,
    chosen: Sequence[Varied],
    uncertain: Sequence[Varied],
    correlated: bool,
) -> list[str]:
    """What is assumed of the inputs that the request says nothing of."""
    said = [
        f"{item.id}: neither request nor model gives a range; 20 % either side"
        for item in chosen
        if item.origin == "default"
    ]
    if len(uncertain) > 1 and not correlated:
        said.append("the uncertain inputs vary independently of each other")
    said += drawn_as(uncertain)
    moved = {item.name for item in (*chosen, *uncertain)}
    held = [
        name
        for name, entry in model.inputs.items()
        if entry.distribution is not None and name not in moved
    ]
    if held:
        said.append(
            f"{', '.join(held)}: held at the model's value, though it gives a "
            "distribution; name it in `uncertain` to draw it"
        )
    return said
