"""All of a run in one ZIP file: tables as CSV, arrays, and what they mean."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.runs.arrays import FORMULA

#: Rows of an array that are written at a time.
_BLOCK = 10_000


class Info(Protocol):
    """What is known of the job besides its result."""

    @property
    def job_id(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def title(self) -> str: ...
    @property
    def request(self) -> Any: ...
    @property
    def files(self) -> str | None: ...
    @property
    def finished_at(self) -> str | None: ...


def write(result: dict[str, Any], info: Info, file: BinaryIO) -> None:
    """The ZIP file of a completed run."""
    folder = None if info.files is None else Path(info.files) / "arrays"
    arrays = {str(one["name"]): one for one in result["arrays"]}
    named = result["embeddings"]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as out:
        for place, head, name in (
            ("product_embeddings.csv", "product", named["product"]),
            ("household_embeddings.csv", "household", named["household"]),
            ("similarity_matrix.csv", "product", named["similarity"]),
        ):
            values = None if name is None else _values(name, result, folder)
            if values is not None:
                similar = name == named["similarity"]
                labels = arrays[name]["row_labels"]
                columns = arrays[name]["column_labels"] if similar else None
                _write(out, place, _lines(values, head, labels, columns))
        if result["variance_explained"]:
            _write(out, "variance_explained.csv", _variance(result))
        for name, rows in result["tables"].items():
            if rows:
                _write(out, f"tables/{name}.csv", _rows(rows))
        for one in arrays.values():
            for name in one["files"]:
                if name.endswith(".csv"):
                    continue  # Parquet has it too, and smaller
                if folder is not None and (folder / name).exists():
                    out.write(folder / name, f"arrays/{name}")
        out.writestr("model_summary.json", _summary(result, info))
        out.writestr("README.md", _readme(result, info, out.namelist()))


def _values(
    name: str, result: dict[str, Any], folder: Path | None
) -> npt.NDArray[Any] | None:
    """An array of the run, from its file or from the result itself."""
    if folder is not None and (folder / f"{name}.npy").exists():
        found: npt.NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r")
        return found
    listed = result["results"].get(name)
    return None if listed is None else np.array(listed, dtype=float)


def _write(out: zipfile.ZipFile, name: str, lines: Iterable[Sequence[object]]) -> None:
    with out.open(name, "w", force_zip64=True) as raw:
        text = io.TextIOWrapper(raw, "utf-8", newline="")
        csv.writer(text).writerows([_cell(cell) for cell in line] for line in lines)
        text.flush()
        text.detach()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return value


def _lines(
    values: npt.NDArray[Any],
    head: str,
    labels: Sequence[str] | None,
    columns: Sequence[str] | None,
) -> Iterator[Sequence[object]]:
    names = columns or [f"Dim_{number}" for number in range(1, values.shape[1] + 1)]
    yield [head, *names]
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK].tolist()
        for number, row in enumerate(block, start):
            yield [number + 1 if labels is None else labels[number], *row]


def _variance(result: dict[str, Any]) -> Iterator[Sequence[object]]:
    yield "component", "variance_explained_pct", "cumulative_pct"
    total = 0.0
    for number, share in enumerate(result["variance_explained"], 1):
        total += share or 0.0
        yield f"Dim_{number}", share, total


def _rows(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[object]]:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    yield columns
    for row in rows:
        yield [row.get(column) for column in columns]


def _summary(result: dict[str, Any], info: Info) -> str:
    kept: tuple[str, ...] = (
        "model_type",
        "model_params",
        "data_shape",
        "product_columns",
        "results_summary",
    )
    kept += ("metrics", "details", "converged", "warnings", "metadata")
    asked = {k: v for k, v in dict(info.request).items() if k != "data"}
    summary = {
        "model_run_id": info.job_id,
        "name": info.name,
        "completed_at": info.finished_at,
        "request": asked,
        **{key: result[key] for key in kept},
    }
    return json.dumps(summary, indent=2, ensure_ascii=False)


_MEANING = {
    "product_embeddings.csv": "the place of each product in the model's dimensions",
    "household_embeddings.csv": "the same of each household (row of the data, from 1)",
    "similarity_matrix.csv": "how alike each two products are, by the model",
    "variance_explained.csv": "what each dimension explains, in percent",
    "model_summary.json": "settings, fit measures, warnings, provenance",
}


def _readme(result: dict[str, Any], info: Info, names: list[str]) -> str:
    lines = [
        f"# {info.name or info.title}",
        "",
        f"Run `{info.job_id}`: {info.title}",
        "",
    ]
    shape = result["data_shape"]
    lines += [f"{shape['n_obs']:,} rows, {shape['n_items']:,} products.", ""]
    lines += ["| file | what it holds |", "|---|---|"]
    for name in names:
        if name.startswith("tables/"):
            meaning = name[7:-4].replace("_", " ")
        elif name.startswith("arrays/"):
            meaning = "an array, complete: " + name[7:].rpartition(".")[0]
        else:
            meaning = _MEANING[name]
        lines.append(f"| `{name}` | {meaning} |")
    if result["warnings"]:
        lines += ["", "## Beware", ""]
        lines += [f"- {warning}" for warning in result["warnings"]]
    return "\n".join(lines) + "\n"
