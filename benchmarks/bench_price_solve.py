"""Nanoseconds of processor time for one price, on one thread, beside two peers.

The same rows of one plant (BioSTEAM's NREL-like base case, eight inputs varied) are
solved by our whole-array solver, by BioSTEAM's own TEA.solve_price, and by plain Python
with scipy's brentq, and must give the same prices. Beside it: version 1 with ten
inputs, corn-stover ethanol with eight.

BioSTEAM needs Python 3.12: name one that has it with --biosteam-python (or
BIOSTEAM_PYTHON); without it, its figure is quoted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from benchmarks.plant import EIGHT_INPUTS, TEN_INPUTS
from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.price import catalogue
from flask_api.domains.price.model import PriceModel

Floats = NDArray[np.float64]
#: One TEA.solve_price of BioSTEAM, measured on the machine of the first prototypes.
QUOTED_NS = 66_000.0
AIM = 100.0

#: BioSTEAM's base case, as a model file of ours.
BASE_CASE = """
title: NREL-like base case
preset: biosteam
construction_schedule: [0.08, 0.6, 0.32]
depreciation: MACRS7
inputs:
  plant_lifetime: 30
  bare_erected_cost: 232000000
  number_of_units: 61000000
  selling_price: 2.15
  required_irr: 0.1
  federal_tax_rate: 0.35
  variable_cost: 70000000
  fixed_cost: 10000000
  byproduct_revenue: 6600000
  startup_months: 3
  startup_sales_fraction: 0.5
  startup_variable_fraction: 0.75
  startup_fixed_fraction: 1
  working_capital_fraction: 0.05
  loan_fraction: 0.6
  loan_rate: 0.08
  loan_years: 10
"""
MACRS7 = (0.1429, 0.2449, 0.1749, 0.1249, 0.0893, 0.0892, 0.0893, 0.0446)


def base_case() -> PriceModel:
    """The base case, loaded like a user's own model file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "base.yaml").write_text(BASE_CASE, encoding="utf-8")
        return catalogue.load("base", models_dir=folder)


def rows(model: PriceModel, names: tuple[str, ...], n: int) -> dict[str, Floats]:
    """`n` plants whose named inputs vary by 20 % either way."""
    rng = np.random.default_rng(0)
    base = model.baseline()
    return {name: base[name] * rng.uniform(0.8, 1.2, n) for name in names}


def numpy_ns(model: PriceModel, varied: Mapping[str, Floats]) -> tuple[float, Floats]:
    """Nanoseconds a price, and the prices."""
    began = time.process_time()
    prices = model.evaluate(varied)["price"]
    return 1e9 * (time.process_time() - began) / len(prices), prices


# -- peer: one row at a time, plain Python ---------------------------------------------


def plain_price(row: Mapping[str, float]) -> float:
    """The break-even price of the base case with some inputs replaced."""
    schedule, rate = (0.08, 0.6, 0.32), row["required_irr"]
    capital = row["bare_erected_cost"]
    loan = capital * row["loan_fraction"]
    payment = loan * 0.08 * 1.08**10 / (1.08**10 - 1)
    working = capital * row["working_capital_fraction"]
    start = 0.0
    for share in schedule:
        start = start * (1 + rate) - share * (capital - loan) - 0.08 * share * loan
    start -= working
    variable, fixed = row["variable_cost"], row["fixed_cost"]

    def npv(price: float) -> float:
        value, losses, growth = start, 0.0, 1.0
        sales = row["number_of_units"] * price + 6_600_000
        for year in range(30):
            growth *= 1 + rate
            full = year > 0
            income = sales * (1.0 if full else 0.875)  # 3 months at half the sales
            income -= variable * (1.0 if full else 0.9375) + fixed
            income -= payment if year < 10 else 0.0
            taxable = income - (capital * MACRS7[year] if year < 8 else 0.0) + losses
            losses = min(0.0, taxable)
            value += (income - row["federal_tax_rate"] * max(0.0, taxable)) / growth
        return value + working / growth

    return float(brentq(npv, 0.0, 100.0, xtol=1e-12, rtol=1e-14))


def brentq_ns(varied: Mapping[str, Floats], n: int) -> tuple[float, Floats]:
    """Nanoseconds a price of the first `n` rows, and the prices."""
    plants = [{k: float(v[i]) for k, v in varied.items()} for i in range(n)]
    began = time.process_time()
    prices = np.array([plain_price(row) for row in plants])
    return 1e9 * (time.process_time() - began) / n, prices


# -- peer: BioSTEAM in a process of its own --------------------------------------------


class BioSteam:
    """BioSTEAM under a Python that has it."""

    def __init__(self, python: str) -> None:
        peer = Path(__file__).with_name("biosteam_peer.py")
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(peer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = self._read()["version"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                "BioSTEAM's process has ended: is it installed for that Python?"
            )
        found: dict[str, Any] = json.loads(line)
        return found

    def ns(self, varied: Mapping[str, Floats], n: int) -> tuple[float, Floats]:
        """Nanoseconds a price of the first `n` rows, and the prices."""
        assert self._process.stdin is not None
        plants = [{k: float(v[i]) for k, v in varied.items()} for i in range(n)]
        self._process.stdin.write(json.dumps(plants) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        return 1e9 * answer["seconds"] / n, np.array(answer["prices"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def must_agree(ours: Floats, theirs: Floats, relative: float, peer: str) -> None:
    """Two solvers of one plant have to find one price."""
    worst = float(np.max(np.abs(theirs / ours[: len(theirs)] - 1)))
    if not worst <= relative:
        raise RuntimeError(f"{peer} and we differ by {worst:.1e} relative")


def main() -> None:
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--biosteam-python", default=os.environ.get("BIOSTEAM_PYTHON", "")
    )
    args = parser.parse_args()
    if args.quick:
        args.rows, args.peer_rows, args.rounds = 200_000, 300, 3
    biosteam = BioSteam(args.biosteam_python) if args.biosteam_python else None

    plants = {
        "version 1, 10 inputs": (catalogue.load("1"), tuple(TEN_INPUTS)),
        "corn stover, 8 inputs": (
            catalogue.load("corn_stover_ethanol"),
            EIGHT_INPUTS,
        ),
        "BioSTEAM's base case, 8 inputs": (base_case(), EIGHT_INPUTS),
    }
    varied = {k: rows(model, names, args.rows) for k, (model, names) in plants.items()}
    base = "BioSTEAM's base case, 8 inputs"
    ours: dict[str, list[float]] = {name: [] for name in plants}
    plain, theirs, loads = [], [], []
    for model, _ in plants.values():  # what only the first call pays
        model.evaluate({k: v[:20_000] for k, v in varied[base].items()})
    for _ in range(args.rounds):
        for name, (model, _) in plants.items():
            ns, prices = numpy_ns(model, varied[name])
            ours[name].append(ns)
        ns, peer_prices = brentq_ns(varied[base], args.peer_rows)
        must_agree(prices, peer_prices, 1e-9, "brentq")
        plain.append(ns)
        if biosteam is not None:
            ns, peer_prices = biosteam.ns(varied[base], args.peer_rows)
            must_agree(prices, peer_prices, 1e-5, "BioSTEAM")  # it stops within 10 $
            theirs.append(ns)
        loads.append(load())
    steam = theirs or [QUOTED_NS] * args.rounds
    mark = f"measured, {biosteam.version}" if biosteam else "quoted"
    lines: list[tuple[object, ...]] = [
        (
            name,
            spread(times, "{:,.0f}"),
            spread([b / a for a, b in zip(times, steam, strict=True)], "{:,.0f}"),
            spread([b / a for a, b in zip(times, plain, strict=True)], "{:,.0f}"),
        )
        for name, times in ours.items()
    ]
    peer = f"BioSTEAM TEA.solve_price ({mark})"
    lines.append((peer, spread(steam, "{:,.0f}"), "", ""))
    lines.append(("plain Python, brentq", spread(plain, "{:,.0f}"), "", ""))
    table(
        f"Price solve: processor time, one thread, {args.rows:,} rows, "
        f"{args.rounds} rounds; peers {args.peer_rows:,} rows of the base case; "
        f"load {', '.join(loads)}",
        ("plant", "ns a price", "x BioSTEAM", "x brentq"),
        lines,
    )
    slowest = min(
        statistics.median(b / a for a, b in zip(times, steam, strict=True))
        for times in ours.values()
    )
    met = "met" if slowest >= AIM else "MISSED"
    print(f"aim >= {AIM:.0f} x BioSTEAM: {met}, {slowest:.0f} x for the slowest plant")
    if biosteam is not None:
        biosteam.close()


if __name__ == "__main__":
    main()
