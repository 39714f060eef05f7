"""One large Sobol job with second order: processor time and peak memory, as JSON.

`python -m benchmarks.sobol_job ROWS INPUTS RESAMPLES`; `bench_sobol` runs it in a
process of its own, where no peer takes memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.tables import on_one_thread
from flask_api.domains.sensitivity.variance.sobol import sobol
from flask_api.numerics.distributions import Uniform

Floats = npt.NDArray[np.float64]


def g_function(x: Mapping[str, Floats]) -> dict[str, Floats]:
    """Sobol's G, in columns."""
    out = np.ones(len(next(iter(x.values()))))
    for i, column in enumerate(x.values()):
        out *= (np.abs(4 * column - 2) + i / 2) / (1 + i / 2)
    return {"y": out}


def peak_mb() -> float:
    # not getrusage: there, a process begins with the peak of the one that started it
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    on_one_thread()
    rows, inputs, resamples = map(int, sys.argv[1:])
    cube = {f"x{i}": Uniform(0, 1) for i in range(inputs)}
    before, began = peak_mb(), time.process_time()
    *_, state = sobol(
        g_function,
        cube,
        ["y"],
        rows,
        seed=0,
        second_order=True,
        resamples=resamples,
    )
    state.report("y")
    taken = time.process_time() - began
    print(json.dumps({"cpu_s": taken, "peak_mb": peak_mb(), "before_mb": before}))


if __name__ == "__main__":
    main()
