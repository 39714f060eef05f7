"""Biogeme's estimates of choices, in an environment of its own.

Run by `bench_choice.py --biogeme PYTHON`: reads choices from an .npz file, prints the
processor seconds of the estimation and the log-likelihood as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from typing import Any

ONE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
ONE["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def main(path: str, draws: int) -> None:
    os.environ.update(ONE)
    # only that environment has these: nothing of ours can check them
    np, pd = import_module("numpy"), import_module("pandas")
    wanted: Any = import_module("biogeme.expressions")
    models: Any = import_module("biogeme.models")
    database: Any = import_module("biogeme.database")
    estimation: Any = import_module("biogeme.biogeme")
    beta, variable = wanted.Beta, wanted.Variable
    with np.load(path) as given:
        frame = pd.DataFrame({"chosen": given["chosen"] + 1})
        for j in range(3):
            frame[f"time{j}"] = given["time"][:, j]
            frame[f"cost{j}"] = given["cost"][:, j]
            frame[f"open{j}"] = given["available"][:, j].astype(int)
    time_b: Any = beta("time", 0, None, None, 0)
    if draws:
        spread = beta("spread", 1, None, None, 0)
        time_b = time_b + spread * wanted.Draws("draw", "NORMAL_HALTON2")
    cost = beta("cost", 0, None, None, 0)
    constants = [beta("a0", 0, None, None, 0), 0, beta("a2", 0, None, None, 0)]
    utility = {
        code: constant + time_b * variable(f"time{j}") + cost * variable(f"cost{j}")
        for j, (code, constant) in enumerate(zip((1, 2, 3), constants, strict=True))
    }
    open_to = {code: variable(f"open{code - 1}") for code in (1, 2, 3)}
    chosen = variable("chosen")
    formula = (
        wanted.log(wanted.MonteCarlo(models.logit(utility, open_to, chosen)))
        if draws
        else models.loglogit(utility, open_to, chosen)
    )
    settings: dict[str, Any] = {"number_of_draws": draws, "seed": 1} if draws else {}
    began = time.process_time()
    model = estimation.BIOGEME(
        database.Database("choices", frame),
        formula,
        generate_html=False,
        generate_yaml=False,
        save_iterations=False,
        calculating_second_derivatives="analytical",
        **settings,
    )
    model.model_name = "peer"
    results = model.estimate()
    taken = time.process_time() - began
    print(json.dumps({"seconds": taken, "ll": float(results.final_log_likelihood)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
