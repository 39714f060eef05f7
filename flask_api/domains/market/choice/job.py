"""Judges the choices of a table before a run exists: quickly, in a worker."""

from __future__ import annotations

from typing import Any

import numpy as np

from flask_api.analysis import Context, Progress
from flask_api.domains.market.choice.multinomial import choice_mnl
from flask_api.domains.market.choice.random_coefficients import Random, structure
from flask_api.domains.market.choice.run import design_of
from flask_api.domains.market.choice.schema import CheckChoicesRequest
from flask_api.domains.market.data.job import table_of


def check_choices(
    request: CheckChoicesRequest, progress: Progress, context: Context
) -> dict[str, Any]:
    """What would be fitted: situations, alternatives and coefficients.

    With the log-likelihood after a first step, or of no coefficients at all.

    Raises InputError, by row and column, for what a fit would refuse.
    """
    settings = request.params.model_dump()
    progress(0, 1, "reading the data")
    with table_of(request.data_id, request.data, context, progress, 0.5) as table:
        made = design_of(table, settings)
        sha256 = table.sha256
    if settings["random"]:
        randoms = [Random(**given) for given in settings["random"]]
        structure(made, randoms, settings["correlated"], np.zeros(len(made.names)))
    start = next(choice_mnl(made))  # refuses terms that follow from others
    told = f"{made.data.situations:,} choices, {len(made.names)} coefficients"
    progress(1, 1, told)
    return {
        "n_situations": made.data.situations,
        "alternatives": list(made.data.alternatives),
        "coefficients": list(made.names),
        "log_likelihood": start.log_likelihood,
        "warnings": list(made.data.warnings),
        "metadata": {"seed": None, "data_sha256": sha256},
    }
