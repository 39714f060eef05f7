"""Peak memory of a worker while it draws more than could ever be kept.

A real job through the service on gunicorn with eventlet; VmHWM of /proc/<pid>/status,
the kernel's own high-water mark, of the worker that computes and of the web process.
10^7 draws keep every value for exact quantiles, 10^8 are sketched. Linux only.
"""

from __future__ import annotations

import argparse
import time

import psutil

from benchmarks.plant import monte_carlo
from benchmarks.server import Server
from benchmarks.tables import load, table, verdict

AIM_MB = 300.0


def high_water_mb(process: psutil.Process) -> float:
    """The most memory `process` has ever held, MB."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {process.pid} has no memory: it has ended")


def measure(draws: int, inputs: int) -> tuple[object, ...]:
    """A row of the table for one job on a fresh server."""
    body = monte_carlo(draws)
    body["parameters"] = body["parameters"][:inputs]
    with Server(MAX_CONCURRENT_JOBS=1, JOB_TIMEOUT=3600) as server:
        name = server.start(body)
        server.wait_for(name, "running")
        worker = server.busy_worker()
        early = high_water_mb(worker)
        while server.job(name)["status"] == "running":
            time.sleep(0.5)
        done = server.wait_for(name, "completed")
        peak, web = high_water_mb(worker), high_water_mb(server.web())
    seconds = float(done["run_seconds"])
    return (
        f"{draws:,} x {inputs}",
        f"{early:.0f}",
        f"{peak:.0f}",
        verdict(peak, AIM_MB, "{:.0f}"),
        f"{web:.0f}",
        f"{seconds:.1f}",
        f"{draws / seconds / 1e6:.2f}",
        load(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--iterations", type=int, nargs="+", default=[10**6, 10**7, 10**8]
    )
    parser.add_argument("--inputs", type=int, default=10, help="1 to 10")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.iterations = [10**6, 10**7]
    table(
        "Memory of a job, peak resident MB",
        (
            "draws x inputs",
            "worker at its begin",
            "worker's peak",
            "aim",
            "web process",
            "seconds",
            "million draws/s",
            "load",
        ),
        [measure(n, args.inputs) for n in args.iterations],
    )


if __name__ == "__main__":
    main()
