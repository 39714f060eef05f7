"""Latent classes the long way: rows, not patterns; logarithms, not tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.patterns.patterns import Patterns, pack

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
DATA = Path(__file__).parents[2] / "data"


def carcinoma() -> Patterns:
    with (DATA / "carcinoma_patterns.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(line for line in file if line[0] != "#"))
    table = np.array(rows[1:], dtype=np.int64)
    return pack(table[:, :-1], counts=table[:, -1])


def published() -> dict[str, Any]:
    text = (DATA / "market_cases.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["carcinoma"]
    return found


def households(sizes: Any, p: Any, rows: int, seed: int) -> tuple[Bytes, Any]:
    """Purchases drawn from a model, and the class of each row."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(sizes), rows, p=np.asarray(sizes))
    inside = np.asarray(p)[chosen]
    return (random.random(inside.shape) < inside).astype(np.uint8), chosen


def fitted(patterns: Patterns, classes: int, **settings: Any) -> Fitting:
    """The last state of a fit."""
    *_, last = fit(patterns, classes, **settings)
    return last


def joint_by_hand(
    data: Bytes, missing: Bools | None, sizes: Floats, p: Floats
) -> Floats:
    """Log of size times probability, by row and class."""
    known = np.ones(data.shape, bool) if missing is None else ~missing
    x = (data == 1) & known
    zeros = (data == 0) & known
    found: Floats = np.log(sizes) + x @ np.log(p.T) + zeros @ np.log1p(-p.T)
    return found


def likelihood_by_hand(
    data: Bytes, missing: Bools | None, sizes: Floats, p: Floats
) -> float:
    joint = joint_by_hand(data, missing, sizes, p)
    highest = joint.max(axis=1)
    return float((highest + np.log(np.exp(joint.T - highest).sum(axis=0))).sum())


def step_by_hand(
    data: Bytes, missing: Bools | None, sizes: Floats, p: Floats
) -> tuple[Floats, Floats]:
    """One step of expectation-maximisation."""
    joint = joint_by_hand(data, missing, sizes, p)
    r = np.exp(joint - joint.max(axis=1)[:, None])
    r /= r.sum(axis=1)[:, None]
    known = np.ones(data.shape, bool) if missing is None else ~missing
    return r.mean(axis=0), (r.T @ ((data == 1) & known)) / (r.T @ known)
