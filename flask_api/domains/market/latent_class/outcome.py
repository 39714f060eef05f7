"""What latent class analysis tells: arrays, tables, metrics and warnings of a run."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from flask_api.domains.market.latent_class.covariates import CovariateEffects
from flask_api.domains.market.latent_class.model import posteriors
from flask_api.domains.market.latent_class.report import Report
from flask_api.domains.market.runs.model import Outcome, Problem

#: Pairs of products that the table of residuals lists, the largest first.
_PAIRS = 200


def outcome_of(
    problem: Problem,
    told: Report,
    p_value: float | None,
) -> Outcome:
    """What a latent class run tells: arrays, tables, metrics, warnings."""
    model = told.model
    member = problem.patterns.expand(posteriors(problem.patterns, model))
    classes = [f"class_{number}" for number in range(1, model.classes + 1)]
    products = problem.columns
    metrics: dict[str, float | int | bool | None] = {
        **asdict(told.criteria),
        **asdict(told.fit),
        "relative_entropy": told.classification.relative_entropy,
        "error_rate": told.classification.error_rate,
        "boundaries": told.boundaries,
        "starts_at_best": told.reached,
        "converged": model.converged,
    }
    if p_value is not None:
        metrics["bootstrap_p_value"] = p_value
    return Outcome(
        arrays={
            "class_probs": model.sizes,
            "item_probs": model.probabilities,
            "item_probs_se": told.errors.probabilities,
            "class_probs_se": told.errors.sizes,
            "responsibilities": member,
            "class_assignments": member.argmax(axis=1) + 1,
            "residual_correlations": told.residuals.correlation,
            "bivariate_residuals": told.residuals.bivariate,
            "start_log_likelihoods": told.log_likelihoods,
            "product_embeddings": model.probabilities.T,
        },
        labels={
            "class_probs": (classes, None),
            "class_probs_se": (classes, None),
            "item_probs": (classes, products),
            "item_probs_se": (classes, products),
            "responsibilities": (None, classes),
            "product_embeddings": (products, classes),
        },
        product_embeddings="product_embeddings",
        household_embeddings="responsibilities",
        similarity="residual_correlations",
        variance_explained=100 * model.sizes,
        summary={
            "n_classes": model.classes,
            "n_iter": model.iterations,
            "class_probs": model.sizes.tolist(),
            "converged": model.converged,
        },
        metrics=metrics,
        tables=_tables(told, products),
        details={
            "standard_errors": told.errors.kind,
            "identified": told.errors.identified,
        },
        warnings=told.warnings,
        converged=model.converged,
    )


def _tables(told: Report, products: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    model, errors = told.model, told.errors
    each = range(model.classes)
    profiles = [
        {
            "class": k + 1,
            "product": product,
            "probability": model.probabilities[k, j],
            "standard_error": errors.probabilities[k, j],
            "low": errors.probabilities_low[k, j],
            "high": errors.probabilities_high[k, j],
            "at_boundary": bool(errors.boundary[k, j]),
        }
        for k in each
        for j, product in enumerate(products)
    ]
    sizes = [
        {
            "class": k + 1,
            "size": model.sizes[k],
            "standard_error": errors.sizes[k],
            "low": errors.sizes_low[k],
            "high": errors.sizes_high[k],
            "most_likely_rows": told.classification.modal_counts[k],
        }
        for k in each
    ]
    best = told.log_likelihoods.max()
    starts = [
        {
            "start": number,
            "log_likelihood": value,
            "below_best": best - value,
            "finished": bool(done),
        }
        for number, (value, done) in enumerate(
            zip(told.log_likelihoods, told.finished, strict=True), 1
        )
    ]
    certain = [
        {
            "assigned_to": k + 1,
            **{
                f"class_{m + 1}": told.classification.average_posterior[k, m]
                for m in each
            },
        }
        for k in each
    ]
    return {
        "class_profiles": profiles,
        "class_sizes": sizes,
        "starts": starts,
        "bivariate_residuals": _pairs(told, products),
        "classification_table": certain,
    }


def _pairs(told: Report, products: tuple[str, ...]) -> list[dict[str, Any]]:
    """Pairs that the classes explain least, the worst first."""
    left = told.residuals
    rows, columns = np.triu_indices(len(products), 1)
    values = np.nan_to_num(left.bivariate[rows, columns], nan=-math.inf)
    order = np.argsort(-values, kind="stable")[:_PAIRS]
    return [
        {
            "product": products[i],
            "other": products[j],
            "bivariate_residual": left.bivariate[i, j],
            "standardised": left.standardised[i, j],
            "correlation": left.correlation[i, j],
        }
        for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    ]


def with_effects(
    outcome: Outcome, found: CovariateEffects, names: list[str]
) -> Outcome:
    """The same, with what the covariates do to belonging to a class."""
    classes = [
        f"class_{number}" for number in range(1, found.coefficients.shape[1] + 1)
    ]
    terms = ["intercept", *names]
    rows = [
        {
            "class": k + 1,
            "reference_class": found.reference + 1,
            "term": term,
            "coefficient": found.coefficients[i, k],
            "standard_error": found.errors[i, k],
            "z": found.z[i, k],
            "p": found.p[i, k],
            "odds_ratio": found.odds_ratios[i, k],
            "odds_low": found.odds_low[i, k],
            "odds_high": found.odds_high[i, k],
            "per_unit": found.per_unit[i, k],
            "per_unit_standard_error": found.per_unit_errors[i, k],
        }
        for k in range(len(classes))
        if k != found.reference
        for i, term in enumerate(terms)
    ]
    effects = {
        "beta": found.coefficients,
        "beta_se": found.errors,
        "odds_ratios": found.odds_ratios,
    }
    return replace(
        outcome,
        arrays={**outcome.arrays, **effects},
        labels={
            **outcome.labels,
            **dict.fromkeys(effects, (terms, classes)),
        },
        tables={**outcome.tables, "covariate_effects": rows},
        details={
            **outcome.details,
            "feature_names": names,
            "covariate_means": found.means.tolist(),
            "covariate_stds": found.scales.tolist(),
            "reference_class": found.reference + 1,
            "wald": [
                {"covariate": name, "wald": wald, "p": p}
                for name, wald, p in zip(
                    names, found.wald.tolist(), found.wald_p.tolist(), strict=True
                )
            ],
        },
        metrics={
            **outcome.metrics,
            "covariate_log_likelihood": found.log_likelihood,
            "covariates_converged": found.converged,
        },
        warnings=[*outcome.warnings, *found.warnings],
    )
