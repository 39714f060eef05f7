"""A million prices of corn-stover ethanol through the whole service.

Eight inputs are drawn, one output asked for: POST /sensitivity/monte-carlo on gunicorn
with eventlet, one worker process, from request to result. Then where the time goes, as
in `bench_monte_carlo_service.py`.
"""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.bench_monte_carlo_service import measure, options
from benchmarks.plant import EIGHT_INPUTS
from benchmarks.tables import verdict

#: Seconds from request to result, for a million prices.
AIM = 1.0

#: What the model file gives no distribution for.
_DRAWN: dict[str, dict[str, Any]] = {
    "required_irr": {"kind": "uniform", "low": 0.08, "high": 0.12},
    "federal_tax_rate": {"kind": "uniform", "low": 0.21, "high": 0.4},
    "working_capital_fraction": {"kind": "uniform", "low": 0.03, "high": 0.08},
    "loan_fraction": {"kind": "uniform", "low": 0.4, "high": 0.7},
}


def prices(iterations: int, seed: int) -> dict[str, Any]:
    """The body of a Monte Carlo over the eight inputs."""
    return {
        "version": "corn_stover_ethanol",
        "parameters": [
            (
                {"id": name, "distribution": _DRAWN[name]}
                if name in _DRAWN
                else {"id": name}
            )
            for name in EIGHT_INPUTS
        ],
        "iterations": iterations,
        "config": {"seed": seed, "outputs": ["price"]},
    }


def main() -> None:
    args = options(__doc__)
    seconds = measure("prices of 8 inputs", prices, args.iterations, args.rounds)
    million = statistics.median(seconds) * 1e6 / args.iterations
    print(f"A million prices: {million:.2f} s, {verdict(million, AIM, '{:.0f} s')}")


if __name__ == "__main__":
    main()
