"""What the Bayesian models tell: arrays, tables, metrics and warnings of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.bayesian.choice import ChoiceSampling
from flask_api.domains.market.bayesian.choice_posterior import ChoicePosterior
from flask_api.domains.market.bayesian.convergence import R_HAT, Judged
from flask_api.domains.market.bayesian.factors import FactorPosterior, FactorSampling
from flask_api.domains.market.bayesian.identification import standardised
from flask_api.domains.market.bayesian.predictive import Predictive
from flask_api.domains.market.bayesian.sampler import Sampling
from flask_api.domains.market.bayesian.variational import Variational
from flask_api.domains.market.runs.model import Outcome, Problem

Floats = npt.NDArray[np.float64]

_MEAN_FIELD = (
    "Standard deviations are those of a mean-field approximation: they are too small, "
    "and loadings are drawn towards 0, the more so the fewer products there are. "
    "bayesian_factor_pymc gives the posterior itself."
)

#: Below so many products the mean field hides much of the loadings: on the 5 questions
#: of LSAT 6 they come out 26 to 85 % below those of maximum likelihood.
_FEW = 10
_FEW_PRODUCTS = (
    "{} products are too few for variational inference: loadings come out far too "
    "small (with 5 products by 26 to 85 %), and their order may be wrong. Don't read "
    "them; take bayesian_factor_pymc or factor_tetrachoric."
)


def _dimensions(count: int) -> list[str]:
    return [f"Dim_{number}" for number in range(1, count + 1)]


def _cosine(rows: Floats) -> Floats:
    """Cosines between rows; NaN where a row is 0."""
    length = np.sqrt((rows**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = rows / length[:, None]
    return np.asarray(unit @ unit.T)


def variational_outcome(
    problem: Problem, settings: Mapping[str, Any], state: Variational
) -> Outcome:
    found = state.turned(settings["rotation"])
    products, names = problem.columns, _dimensions(found.loadings.shape[1])
    strong = standardised(found.loadings)
    table = [
        {
            "product": product,
            "factor": names[k],
            "loading": found.loadings[j, k],
            "loading_std": found.loadings_std[j, k],
            "standardised": strong[j, k],
        }
        for j, product in enumerate(products)
        for k in range(len(names))
    ]
    warnings = [_MEAN_FIELD]
    if len(products) < _FEW:
        warnings.insert(0, _FEW_PRODUCTS.format(len(products)))
    if not state.converged:
        warnings.append(
            f"The ELBO was still rising by {state.change:.3g} a pass after "
            f"{state.iteration} passes; raise max_iter or tol."
        )
    return Outcome(
        arrays={
            "loadings": found.loadings,
            "loadings_std": found.loadings_std,
            "standardised_loadings": strong,
            "alpha": found.intercepts,
            "alpha_std": found.intercepts_std,
            "scores": problem.patterns.expand(found.scores),
            "scores_std": problem.patterns.expand(found.scores_std),
            "elbo_history": np.array(state.elbo),
            "similarity": _cosine(found.loadings),
        },
        labels={
            **dict.fromkeys(
                ("loadings", "loadings_std", "standardised_loadings"), (products, names)
            ),
            **dict.fromkeys(("scores", "scores_std"), (None, names)),
            **dict.fromkeys(("alpha", "alpha_std"), (products, None)),
            "elbo_history": (None, None),
        },
        product_embeddings="loadings",
        household_embeddings="scores",
        similarity="similarity",
        variance_explained=found.variance_explained,
        summary={
            "n_factors": len(names),
            "n_iter": state.iteration,
            "var_explained_pct": found.variance_explained.tolist(),
            "converged": state.converged,
        },
        metrics={
            "elbo": state.elbo[-1],
            "n_iter": state.iteration,
            "converged": state.converged,
        },
        tables={"loadings": table},
        details={"rotation": settings["rotation"]},
        warnings=warnings,
        converged=state.converged,
    )


def factor_outcome(problem: Problem, state: FactorSampling) -> Outcome:
    found = state.posterior or state.so_far()
    assert found is not None and state.sampling is not None
    assert state.triangle is not None
    products, names = problem.columns, _dimensions(found.loadings.shape[1])
    rows = (lambda v: v) if found.per_household else problem.patterns.expand
    arrays = {
        "loadings": found.loadings,
        "loadings_std": found.loadings_std,
        "standardised_loadings": standardised(found.loadings),
        "alpha": found.intercepts,
        "alpha_std": found.intercepts_std,
        "scores": rows(found.scores),
        "scores_std": rows(found.scores_std),
        "similarity": _cosine(found.loadings),
        "posterior_draws": found.judged.draws,
    }
    return Outcome(
        arrays=arrays,
        labels={
            **dict.fromkeys(
                ("loadings", "loadings_std", "standardised_loadings"), (products, names)
            ),
            **dict.fromkeys(("scores", "scores_std"), (None, names)),
            **dict.fromkeys(("alpha", "alpha_std"), (products, None)),
            "posterior_draws": (None, _columns(found.judged, products)),
        },
        product_embeddings="loadings",
        household_embeddings="scores",
        similarity="similarity",
        variance_explained=found.variance_explained,
        summary=_summary(state.sampling, found)
        | {
            "n_factors": len(names),
            "var_explained_pct": found.variance_explained.tolist(),
        },
        metrics=_metrics(state.sampling, found),
        tables={"parameters": _parameters(found.judged, products)},
        details={
            "engine": state.sampling.engine,
            "scores": "integrated" if state.integrated else "sampled",
            "rotation": state.rotation,
            "anchors": [products[item] for item in state.triangle.anchors],
            "variance_explained_std": found.variance_explained_std.tolist(),
        },
        warnings=_warnings(state.sampling, found),
        converged=found.judged.convergence.converged,
    )


def choice_outcome(
    problem: Problem, state: ChoiceSampling, features: list[str], attributes: list[str]
) -> Outcome:
    found = state.posterior or state.so_far()
    assert found is not None and state.sampling is not None
    products, names = problem.columns, _dimensions(found.product_latent.shape[1])
    latent = bool(names)
    spreads = {
        "sigma_hh": found.sigma_hh,
        "sigma_hh_std": found.sigma_hh_std,
        "lambda_sd": found.lambda_sd,
        "theta_sd": found.theta_sd,
    }
    arrays = {
        "alpha": found.alpha,
        "alpha_std": found.alpha_std,
        "posterior_draws": found.judged.draws,
    }
    optional = {
        "beta": found.beta,
        "beta_std": found.beta_std,
        "gamma": found.gamma,
        "gamma_std": found.gamma_std,
        "product_latent": found.product_latent,
        "product_latent_std": found.product_latent_std,
        "household_latent": found.household_latent,
        "household_latent_std": found.household_latent_std,
        "household_effect": found.household_effect,
    }
    arrays |= {name: values for name, values in optional.items() if values.size}
    if latent:
        arrays["similarity"] = _cosine(found.product_latent)
    return Outcome(
        arrays=arrays,
        labels={
            "alpha": (products, None),
            "alpha_std": (products, None),
            **dict.fromkeys(("beta", "beta_std"), (features, products)),
            **dict.fromkeys(("gamma", "gamma_std"), (attributes, None)),
            **dict.fromkeys(
                ("product_latent", "product_latent_std"), (products, names)
            ),
            **dict.fromkeys(
                ("household_latent", "household_latent_std"), (None, names)
            ),
            "household_effect": (None, None),
            "posterior_draws": (None, _columns(found.judged, products)),
        },
        product_embeddings="product_latent" if latent else None,
        household_embeddings="household_latent" if latent else None,
        similarity="similarity" if latent else None,
        variance_explained=found.variance_explained if latent else None,
        summary=_summary(state.sampling, found),
        metrics=_metrics(state.sampling, found) | spreads,
        absent=[name for name, value in spreads.items() if value is None],
        tables={"parameters": _parameters(found.judged, products)},
        details={
            "engine": state.sampling.engine,
            "feature_names": features,
            "feature_means": state.features.means.tolist(),
            "feature_stds": state.features.deviations.tolist(),
            "attribute_names": attributes,
            "attribute_means": state.attributes.means.tolist(),
            "attribute_stds": state.attributes.deviations.tolist(),
        },
        warnings=_warnings(state.sampling, found),
        converged=found.judged.convergence.converged,
    )


def _columns(judged: Judged, products: tuple[str, ...]) -> list[str]:
    """`loading[bread, 2]`: a name for each quantity."""
    found = []
    for what, product, dimension in judged.names:
        places = [products[product]] if product >= 0 else []
        places += [str(dimension + 1)] if dimension >= 0 else []
        found.append(f"{what}[{', '.join(places)}]" if places else what)
    return found


def _parameters(judged: Judged, products: tuple[str, ...]) -> list[dict[str, Any]]:
    agreement = judged.convergence
    return [
        {
            "parameter": what,
            "product": products[product] if product >= 0 else None,
            "dimension": dimension + 1 if dimension >= 0 else None,
            "mean": judged.means[i],
            "std": judged.deviations[i],
            "low": judged.lows[i],
            "high": judged.highs[i],
            "r_hat": agreement.r_hat[i],
            "ess_bulk": agreement.ess_bulk[i],
            "ess_tail": agreement.ess_tail[i],
        }
        for i, (what, product, dimension) in enumerate(judged.names)
    ]


def _summary(
    sampling: Sampling, found: FactorPosterior | ChoicePosterior
) -> dict[str, Any]:
    return {
        "n_draws": found.draws,
        "n_chains": len(sampling.draws.chains),
        "n_divergences": sampling.divergences,
        "converged": found.judged.convergence.converged,
    }


def _metrics(
    sampling: Sampling, found: FactorPosterior | ChoicePosterior
) -> dict[str, float | int | bool | None]:
    agreement, fit = found.judged.convergence, found.predictive
    return {
        "n_divergences": sampling.divergences,
        "r_hat_max": float(agreement.r_hat.max()),
        "ess_bulk_min": float(agreement.ess_bulk.min()),
        "ess_tail_min": float(agreement.ess_tail.min()),
        "ess_wanted": agreement.wanted,
        "step_size": sampling.step_size,
        "converged": agreement.converged,
        **_criteria(fit),
    }


def _criteria(fit: Predictive | None) -> dict[str, float | int | bool | None]:
    if fit is None:
        return {}
    return {
        "waic": fit.waic,
        "waic_se": fit.waic_se,
        "effective_parameters": fit.effective_parameters,
        "waic_doubtful": fit.waic_doubtful,
        "loo": fit.loo,
        "loo_se": fit.loo_se,
        "loo_doubtful": fit.loo_doubtful,
    }


def _warnings(
    sampling: Sampling, found: FactorPosterior | ChoicePosterior
) -> list[str]:
    agreement, fit, said = found.judged.convergence, found.predictive, []
    if not agreement.converged:
        fewest = min(agreement.ess_bulk.min(), agreement.ess_tail.min())
        because = []
        if not agreement.r_hat.max() <= R_HAT:
            because.append(
                f"R-hat reaches {agreement.r_hat.max():.3f} (wanted {R_HAT:g} at most)"
            )
        if not fewest >= agreement.wanted:
            because.append(
                f"effective draws fall to {fewest:.0f} (wanted {agreement.wanted:.0f} "
                "or more)"
            )
        said.append(
            f"The chains have not converged: {', '.join(because)}. Draw more "
            "(n_samples, n_tune), or use fewer factors or latent features."
        )
    if sampling.divergences:
        said.append(
            f"{sampling.divergences} divergent draws: the posterior may be explored "
            "badly; raise target_accept."
        )
    if sampling.deepest > 0.01:
        said.append(
            f"{sampling.deepest:.0%} of the trees reached their largest depth: chains "
            "move slowly."
        )
    if fit is not None and fit.loo_doubtful:
        said.append(
            f"LOO is not to be relied on for {fit.loo_doubtful} households (Pareto k "
            "above 0.7)."
        )
    elif fit is not None and fit.waic_doubtful:
        said.append(f"WAIC is doubtful for {fit.waic_doubtful} households; prefer LOO.")
    return said
