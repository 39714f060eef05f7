"""Runs choice models for the API: steps with words, and their outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.long_form import from_long
from flask_api.domains.market.choice.mixed import choice_mixed as mixed_states
from flask_api.domains.market.choice.multinomial import Climbing, MultinomialLogit
from flask_api.domains.market.choice.multinomial import choice_mnl as mnl_states
from flask_api.domains.market.choice.random_coefficients import Random
from flask_api.domains.market.choice.report import ChoiceReport, choice_report
from flask_api.domains.market.choice.simulated_likelihood import MixedLogit, Simulating
from flask_api.domains.market.choice.utility import Design, Utility, design
from flask_api.domains.market.choice.wide_form import from_wide
from flask_api.domains.market.choice.willingness import refuse_unknown
from flask_api.domains.market.data.table import Table
from flask_api.domains.market.runs.model import Outcome, Problem, Step

#: How the phases of a mixed logit read.
_SAID = {
    "starting": "Multinomial logit to start from",
    "errors": "Standard errors",
    "checking": "Twice as many draws",
    "finished": "Fitted",
}


def choice_mnl(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Multinomial logit with every diagnostic. See `multinomial.choice_mnl`."""
    made = design_of(problem.table, settings)
    state: Climbing | None = None
    for state in mnl_states(made, max_iter=settings["max_iter"]):
        # five steps are the rule
        yield _climbed(state, state.iteration, max(6, state.iteration + 1), "Step")
    assert state is not None and state.fit is not None
    yield from _told(problem, settings, made, state.fit)


def choice_mixed(problem: Problem, settings: Mapping[str, Any]) -> Iterator[Step]:
    """Mixed logit with every diagnostic. See `mixed.choice_mixed`."""
    made = design_of(problem.table, settings)
    state: Simulating | None = None
    for state in mixed_states(
        made,
        [Random(**given) for given in settings["random"]],
        n_draws=settings["n_draws"],
        correlated=settings["correlated"],
        max_iter=settings["max_iter"],
        tol=settings["tol"],
        seed=problem.seed,
    ):
        said = _SAID.get(state.phase, "Step")
        yield _climbed(state, state.done, max(state.total, state.done) + 2, said)
    assert state is not None and state.fit is not None
    yield from _told(problem, settings, made, state.fit)


class _Columns(Mapping[str, npt.NDArray[Any]]):
    """The columns of a table, read when they are asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._kinds = {str(one["name"]): one["kind"] for one in table.columns}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if self._kinds[name] == "text":
            return np.array(self._table.texts(name), dtype=object)
        return self._table.number(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def design_of(table: Table, settings: Mapping[str, Any]) -> Design:
    """The table's choices with the utility that was asked for."""
    interactions = [
        (one["attribute"], one["trait"]) for one in settings["interactions"]
    ]
    traits = list(dict.fromkeys([*settings["traits"], *(t for _, t in interactions)]))
    specific = settings["specific"]
    wanted = [*settings["attributes"], *specific, *(a for a, _ in interactions)]
    data = _data(_Columns(table), settings, list(dict.fromkeys(wanted)), traits)
    generic = [name for name in settings["attributes"] if name not in specific]
    made = design(
        data,
        Utility(
            generic=tuple(generic),
            specific=tuple(specific),
            traits=tuple(settings["traits"]),
            interactions=tuple(interactions),
            constants=settings["constants"],
            base=settings["base"],
        ),
    )
    if settings["price"] is not None:
        refuse_unknown(settings["price"], made.names)
    return made


def _data(
    columns: _Columns,
    settings: Mapping[str, Any],
    attributes: list[str],
    traits: list[str],
) -> ChoiceData:
    if settings["form"] == "long":
        return from_long(
            columns,
            situation=settings["situation"],
            alternative=settings["alternative"],
            chosen=settings["chosen"],
            attributes=attributes,
            traits=traits,
            available=settings["available"],
            person=settings["person"],
            missing=settings["missing_cells"],
        )
    named = settings["attribute_columns"] or {}
    return from_wide(
        columns,
        chosen=settings["chosen"],
        alternatives=settings["alternatives"],
        attributes=attributes,
        named=named,
        codes=settings["codes"],
        traits=traits,
        available=settings["available"],
        person=settings["person"],
        missing=settings["missing_cells"],
    )


def _climbed(
    state: Climbing | Simulating, done: float, total: float, said: str
) -> Step:
    change = "..." if state.change is None else f"{state.change:.4g}"
    norm = state.gradient_norm if np.isfinite(state.gradient_norm) else None
    number = f" {state.iteration}" if said == "Step" else ""
    return Step(
        done,
        total,
        f"{said}{number} | LL: {state.log_likelihood:.3f} | change: {change}",
        extra={
            "iteration": state.iteration,
            "log_likelihood": state.log_likelihood,
            "delta": state.change,
            "gradient_norm": norm,
        },
        trace=state.log_likelihood,
    )


def _told(
    problem: Problem,
    settings: Mapping[str, Any],
    made: Design,
    fit: MultinomialLogit | MixedLogit,
) -> Iterator[Step]:
    report = None
    for state in choice_report(
        made,
        fit,
        price=settings["price"],
        confidence=settings["confidence_level"],
        seed=problem.seed,
    ):
        yield Step(
            1000 + state.done / state.total,
            1001.5,
            f"Elasticities: situation {state.done:,} of {state.total:,}",
        )
        report = state.report
    assert report is not None
    said = f"{made.data.situations:,} choices | LL: {fit.log_likelihood:.4f}"
    yield Step(1, 1, said, outcome=_outcome(made, fit, report))


def _outcome(
    made: Design, fit: MultinomialLogit | MixedLogit, report: ChoiceReport
) -> Outcome:
    names, modes = [row.name for row in report.estimates], made.data.alternatives
    predicted = report.prediction
    metrics: dict[str, float | int | bool | None] = {
        **asdict(report.statistics),
        "hit_rate": predicted.hit_rate,
        "converged": fit.converged,
    }
    if isinstance(fit, MixedLogit):
        metrics["log_likelihood_twice_the_draws"] = fit.log_likelihood_twice
        metrics["log_likelihood_multinomial"] = fit.multinomial.log_likelihood
    arrays = {
        "coefficients": np.array([row.estimate for row in report.estimates]),
        "covariance": fit.covariance,
        "robust_covariance": fit.robust_covariance,
        "probabilities": predicted.probabilities,
    }
    labels: dict[str, Any] = {
        "coefficients": (names, None),
        "covariance": (names, names),
        "robust_covariance": (names, names),
        "probabilities": (None, modes),
    }
    if len(report.spreads):
        random = [row.name for row in report.spreads]
        arrays["random_correlations"] = report.correlations
        labels["random_correlations"] = (random, random)
    return Outcome(
        arrays=arrays,
        labels=labels,
        summary={
            "n_iter": fit.iterations,
            "n_situations": made.data.situations,
            "n_alternatives": len(modes),
            "converged": fit.converged,
        },
        metrics=metrics,
        tables=_tables(made, fit, report),
        details=_details(made, fit),
        warnings=report.warnings,
        converged=fit.converged,
    )


def _tables(
    made: Design, fit: MultinomialLogit | MixedLogit, report: ChoiceReport
) -> dict[str, list[dict[str, Any]]]:
    modes, predicted = made.data.alternatives, report.prediction
    tables: dict[str, list[dict[str, Any]]] = {
        "coefficients": [asdict(row) for row in report.estimates],
        "shares": [
            {
                "alternative": mode,
                "observed": predicted.observed[j],
                "predicted": predicted.shares[j],
                "available": made.data.available[:, j].mean(),
            }
            for j, mode in enumerate(modes)
        ],
        "confusion": [
            {
                "chosen": chosen,
                "predicted": likely,
                "situations": int(predicted.confusion[i, j]),
            }
            for i, chosen in enumerate(modes)
            for j, likely in enumerate(modes)
        ],
        "elasticities": [
            {
                "attribute": attribute,
                "demand_for": mode,
                "attribute_of": other,
                "elasticity": values[i, j],
            }
            for attribute, values in predicted.elasticities.items()
            for i, mode in enumerate(modes)
            for j, other in enumerate(modes)
        ],
        "willingness_to_pay": [asdict(row) for row in report.willingness],
    }
    if isinstance(fit, MixedLogit):
        tables["random_coefficients"] = [asdict(row) for row in report.spreads]
    return tables


def _details(made: Design, fit: MultinomialLogit | MixedLogit) -> dict[str, Any]:
    data = made.data
    persons = None if data.persons is None else int(data.persons.max()) + 1
    details: dict[str, Any] = {
        "alternatives": list(data.alternatives),
        "base": data.alternatives[made.base] if made.constants.any() else None,
        "persons": persons,
        "left_out": data.dropped,
    }
    if isinstance(fit, MixedLogit):
        details["draws"] = fit.draws.count
    else:
        details["without_end"] = list(fit.endless)
    return details
