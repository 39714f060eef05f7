"""Tables of purchases for tests of factors, maps and parts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.patterns.patterns import Patterns, pack

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
DATA = Path(__file__).parents[2] / "data"


def patterns_of(name: str) -> Patterns:
    """A table of patterns with their counts in the last column, of tests/data."""
    with (DATA / name).open(encoding="utf-8") as file:
        rows = list(csv.reader(line for line in file if line[0] != "#"))
    table = np.array(rows[1:], dtype=np.int64)
    return pack(table[:, :-1], counts=table[:, -1])


def published() -> dict[str, Any]:
    """LSAT 6 by independent solutions and R's psych 2.2.9."""
    text = (DATA / "market_cases.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["tetrachoric_lsat6"]
    return found


def simple_structure(items: int, factors: int, size: float = 0.7) -> Floats:
    """Loadings where each product leans on one factor, in turn."""
    own = np.arange(items)[:, None] % factors == np.arange(factors)
    return np.asarray(size * own, dtype=np.float64)


def leaning(
    loadings: Floats, thresholds: Any, rows: int, seed: int
) -> tuple[Bytes, Floats]:
    """Purchases drawn from factors, and the factors of each row."""
    random = np.random.default_rng(seed)
    factors = random.standard_normal((rows, loadings.shape[1]))
    own = np.sqrt(1 - (loadings**2).sum(axis=1))
    leanings = factors @ loadings.T + own * random.standard_normal(
        (rows, len(loadings))
    )
    return (leanings > thresholds).astype(np.uint8), factors
