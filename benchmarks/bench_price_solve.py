"""Nanoseconds of processor time for one price, on one thread, beside three peers.

The same rows of one plant (BioSTEAM's NREL-like base case, eight inputs varied) are
solved by our compiled kernel, by its whole-array twin in numpy, by BioSTEAM's own
TEA.solve_price, and by plain Python with scipy's brentq, and must give the same prices.
ProFAST has a plant of its own, which both models can say (`profast_peer.py`). Beside
them: version 1 with ten inputs, corn-stover ethanol with eight, and plants under rules
that follow income, which are simulated year by year.

BioSTEAM needs Python 3.12: name one that has it with --biosteam-python (or
BIOSTEAM_PYTHON); without it, its figure is quoted, as ProFAST's where it is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from benchmarks import profast_peer
from benchmarks.plant import BASE_CASE, EIGHT_INPUTS, TEN_INPUTS
from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.price import catalogue
from flask_api.domains.price.calculation import rows
from flask_api.domains.price.kernel import prices as kernel
from flask_api.domains.price.model import PriceModel

Floats = NDArray[np.float64]
Plants = dict[str, tuple[PriceModel, tuple[str, ...]]]
#: One TEA.solve_price of BioSTEAM, one solve_price of ProFAST, measured another day.
QUOTED = {"BioSTEAM": 48_000.0, "ProFAST": 14_000_000.0}
AIMS = {"BioSTEAM": 500, "ProFAST": 100_000}
#: The plants that the peers price too.
BASE, OF_PROFAST = "BioSTEAM's base case, 8 inputs", "ProFAST's plant, 8 inputs"

MACRS7 = (0.1429, 0.2449, 0.1749, 0.1249, 0.0893, 0.0892, 0.0893, 0.0446)


def from_text(text: str) -> PriceModel:
    """A model, loaded like a user's own file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "own.yaml").write_text(text, encoding="utf-8")
        return catalogue.load("own", models_dir=folder)


def in_step() -> Plants:
    """Plants whose rules follow no income: all lanes are solved in step."""
    return {
        "version 1, 10 inputs": (catalogue.load("1"), tuple(TEN_INPUTS)),
        "corn stover, 8 inputs": (catalogue.load("corn_stover_ethanol"), EIGHT_INPUTS),
        BASE: (from_text(BASE_CASE), EIGHT_INPUTS),
        OF_PROFAST: (from_text(profast_peer.MODEL), profast_peer.VARIED),
    }


def by_year() -> Plants:
    """Plants that are simulated year by year."""
    stover = "corn_stover_ethanol"
    changes: dict[str, dict[str, Any]] = {
        "losses offset 80 %": {"loss_limit": 0.8},
        "losses expire": {"loss_years": 5},
        "credits wait": {"credit_use": "carried_forward", "investment_credit": 0.3},
        "loan by revenue": {"loan_repayment": "revenue_share"},
    }
    early = catalogue.load("1", "as_income_allows")
    return {
        "version 1, as income allows": (early, tuple(TEN_INPUTS)),
        **{
            f"corn stover, {name}": (
                catalogue.load(stover, overrides=change),
                EIGHT_INPUTS,
            )
            for name, change in changes.items()
        },
    }


def drawn(model: PriceModel, names: Sequence[str], n: int) -> dict[str, Floats]:
    """`n` plants whose named inputs vary by 20 % either way."""
    rng = np.random.default_rng(0)
    base = model.baseline()
    return {name: base[name] * rng.uniform(0.8, 1.2, n) for name in names}


def kernel_ns(model: PriceModel, varied: Mapping[str, Floats]) -> tuple[float, Floats]:
    """Nanoseconds a price of the compiled kernel, and the prices."""
    began = time.process_time()
    arrays, possible = rows.checked(varied, model.refuse_fixed)
    prices = kernel.evaluate(model, arrays, possible)["price"]
    return 1e9 * (time.process_time() - began) / len(prices), prices


def numpy_ns(
    model: PriceModel, varied: Mapping[str, Floats], n: int
) -> tuple[float, Floats]:
    """Nanoseconds a price of its numpy twin on the first `n` rows, and the prices."""
    part = {name: column[:n] for name, column in varied.items()}
    prices = np.empty(n)
    began = time.process_time()
    arrays, possible = rows.checked(part, model.refuse_fixed)
    with np.errstate(all="ignore"):
        # by this door, as `evaluate` hands so many rows to the kernel
        for block, found in model._blocks(arrays, possible, ("price",)):
            prices[block] = found["price"]
    return 1e9 * (time.process_time() - began) / n, prices


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


# -- the comparison --------------------------------------------------------------------


def must_agree(ours: Floats, theirs: Floats, relative: float, peer: str) -> None:
    """Two solvers of one plant have to find one price."""
    worst = float(np.max(np.abs(theirs / ours[: len(theirs)] - 1)))
    if not worst <= relative:
        raise RuntimeError(f"{peer} and we differ by {worst:.1e} relative")


class Rounds:
    """Nanoseconds a price of everybody, round by round; peers take turns with us."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.plants = {**in_step(), **by_year()}
        self.varied = {
            name: drawn(model, names, args.rows)
            for name, (model, names) in self.plants.items()
        }
        python = args.biosteam_python
        self._biosteam = BioSteam(python) if python else None
        found = importlib.util.find_spec("ProFAST") is not None
        self._profast = profast_peer.ProFast() if found else None
        self.marks = {
            "BioSTEAM": self._biosteam.version if self._biosteam else "quoted",
            "ProFAST": metadata.version("ProFAST") if self._profast else "quoted",
        }
        self.kernel: dict[str, list[float]] = {name: [] for name in self.plants}
        self.numpy: dict[str, list[float]] = {name: [] for name in self.plants}
        self.peers: dict[str, list[float]] = {**{p: [] for p in QUOTED}, "brentq": []}
        self.loads: list[str] = []
        kernel.warm()
        for name, (model, _) in self.plants.items():  # what only the first call pays
            kernel_ns(model, self.varied[name])

    def go(self) -> None:
        for _ in range(self.args.rounds):
            prices = {}
            for name, (model, _) in self.plants.items():
                ns, prices[name] = kernel_ns(model, self.varied[name])
                self.kernel[name].append(ns)
                ns, twins = numpy_ns(model, self.varied[name], self.args.numpy_rows)
                self.numpy[name].append(ns)
                must_agree(prices[name], twins, 1e-12, "numpy")
            self._peers(prices)
            self.loads.append(load())
        if self._biosteam is not None:
            self._biosteam.close()

    def _peers(self, prices: Mapping[str, Floats]) -> None:
        varied, few = self.varied[BASE], self.args.peer_rows
        ns, theirs = brentq_ns(varied, few)
        must_agree(prices[BASE], theirs, 1e-9, "brentq")
        self.peers["brentq"].append(ns)
        found = dict(QUOTED)
        if self._biosteam is not None:
            found["BioSTEAM"], theirs = self._biosteam.ns(varied, few)
            must_agree(prices[BASE], theirs, 1e-5, "BioSTEAM")  # it stops within 10 $
        if self._profast is not None:
            slow = self.varied[OF_PROFAST]
            found["ProFAST"], theirs = self._profast.ns(slow, max(2, few // 200))
            # it stops within 500 $
            must_agree(prices[OF_PROFAST], theirs, 1e-5, "ProFAST")
        for name, ns in found.items():
            self.peers[name].append(ns)

    def ratios(self, plant: str, peer: str) -> list[float]:
        """How many of our prices one of the peer's costs, round by round."""
        return [
            theirs / ours
            for ours, theirs in zip(self.kernel[plant], self.peers[peer], strict=True)
        ]


def show(rounds: Rounds) -> None:
    """Print the table, and whether the aims are met."""
    args = rounds.args
    lines: list[tuple[object, ...]] = [
        (
            name,
            spread(ours, "{:,.1f}"),
            spread(rounds.numpy[name], "{:,.0f}"),
            *(spread(rounds.ratios(name, peer), "{:,.0f}") for peer in rounds.peers),
        )
        for name, ours in rounds.kernel.items()
    ]
    for peer, theirs in rounds.peers.items():
        mark = rounds.marks.get(peer, "plain Python")
        lines.append((f"{peer} ({mark})", spread(theirs, "{:,.0f}"), "", "", "", ""))
    table(
        f"Price solve: processor time, one thread, {args.rows:,} rows (numpy "
        f"{args.numpy_rows:,}), {args.rounds} rounds; peers {args.peer_rows:,} rows of "
        f"their plant; load {', '.join(rounds.loads)}",
        ("plant", "ns a price", "in numpy", *(f"x {peer}" for peer in rounds.peers)),
        lines,
    )
    for peer, aim in AIMS.items():
        slowest = min(statistics.median(rounds.ratios(n, peer)) for n in in_step())
        met = "met" if slowest >= aim else "MISSED"
        print(f"aim >= {aim:,} x {peer}: {met}, {slowest:,.0f} x for the slowest plant")


def main() -> None:
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--numpy-rows", type=int, default=100_000)
    parser.add_argument("--peer-rows", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--biosteam-python", default=os.environ.get("BIOSTEAM_PYTHON", "")
    )
    args = parser.parse_args()
    if args.quick:
        args.rows, args.numpy_rows, args.peer_rows = 200_000, 20_000, 300
        args.rounds = 3
    rounds = Rounds(args)
    rounds.go()
    show(rounds)


if __name__ == "__main__":
    main()
