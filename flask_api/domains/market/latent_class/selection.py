"""How many classes: models of one to several classes, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from flask_api.domains.market.latent_class.classification import classification
from flask_api.domains.market.latent_class.criteria import (
    criteria,
    goodness_of_fit,
)
from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.latent_class.information import (
    BOUNDARY_ROWS,
    identified,
)
from flask_api.domains.market.latent_class.likelihood_ratio import (
    LikelihoodRatio,
    likelihood_ratio,
)
from flask_api.domains.market.latent_class.model import memberships
from flask_api.domains.market.latent_class.recommendation import (
    SIGNIFICANT,
    Candidate,
    Recommendation,
    recommend,
)
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError


@dataclass
class Selection:
    """The state after a block of work.

    numbers          numbers of classes asked for
    candidates       those fitted, in this order
    fitting          the fit under way
    test             the likelihood-ratio test under way, or None
    looked_at        number of classes of which it is being looked whether the data
                     determine them, or None
    recommendation   of the candidates so far, None before the first
    """

    numbers: list[int]
    candidates: list[Candidate] = field(default_factory=list)
    fitting: Fitting | None = None
    test: LikelihoodRatio | None = None
    looked_at: int | None = None
    recommendation: Recommendation | None = None


def select(
    patterns: Patterns,
    numbers: Sequence[int] = range(1, 9),
    *,
    n_init: int = 10,
    max_iter: int = 1000,
    tol: float = 1e-6,
    seed: int = 0,
    exhaustive_starts: bool = False,
    resamples: int = 0,
) -> Iterator[Selection]:
    """Models of each number of classes with a recommendation, after each block of work.

    numbers     of classes, ascending, each at least 1; those beyond the number of
                distinct patterns are left out
    resamples   of the bootstrap likelihood-ratio test of each model against the one
                before it, until one is not significant; 0 = no test

    The other settings are those of `fit`.
    """
    wanted = list(numbers)
    if not wanted or wanted != sorted(set(wanted)) or wanted[0] < 1:
        raise InputError(
            f"got numbers of classes {wanted}; wanted ascending whole numbers from 1",
            "params.n_classes",
        )
    informative = (patterns.counts > 0) & patterns.informative()
    most = max(wanted[0], int(np.count_nonzero(informative)))
    state = Selection([number for number in wanted if number <= most])
    for number in state.numbers:
        for fitting in fit(
            patterns,
            number,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            seed=seed,
            exhaustive_starts=exhaustive_starts,
        ):
            state.fitting = fitting
            yield state
        state.candidates.append(_candidate(patterns, fitting))
        state.recommendation = recommend(state.candidates)
        yield state
    yield from _stood_by(patterns, state)
    testing = resamples > 0
    for before, after in zip(state.candidates, state.candidates[1:], strict=False):
        if not testing:
            break
        for test in likelihood_ratio(
            patterns,
            before.model,
            after.model,
            resamples=resamples,
            max_iter=max_iter,
            tol=tol,
            seed=seed,
        ):
            state.test = test
            yield state
        after.p_value = test.p_value
        testing = after.p_value < SIGNIFICANT
        state.recommendation = recommend(state.candidates)
        yield state
    yield from _stood_by(patterns, state)


def _stood_by(patterns: Patterns, state: Selection) -> Iterator[Selection]:
    """Look whether the model that is recommended is determined by the data.

    Where it isn't, the next one is recommended, and looked at. Others are not: that
    takes longer than many a fit.
    """
    asked = set[int]()
    while True:
        state.recommendation = recommend(state.candidates)
        number = state.recommendation.classes
        chosen = next(c for c in state.candidates if c.classes == number)
        if number in asked or chosen.identified is not None:
            return
        asked.add(number)
        state.looked_at = number
        work = identified(patterns, chosen.model)
        while True:
            try:
                next(work)
            except StopIteration as end:
                chosen.identified, state.looked_at = end.value, None
                break
            yield state


def _candidate(patterns: Patterns, fitting: Fitting) -> Candidate:
    model = fitting.best()
    rows = int(patterns.counts[patterns.informative()].sum())
    sure = classification(patterns, model)
    behind = np.zeros(model.probabilities.shape)
    for part, posterior, _ in memberships(patterns, model):
        behind += (posterior * patterns.counts[part][:, None]).T @ patterns.seen(part)
    edge = np.minimum(model.probabilities, 1 - model.probabilities) * behind
    return Candidate(
        model=model,
        criteria=criteria(model, rows, sure.entropy),
        degrees_of_freedom=goodness_of_fit(patterns, model).degrees_of_freedom,
        relative_entropy=sure.relative_entropy,
        error_rate=sure.error_rate,
        smallest=float(model.sizes[-1]),
        boundaries=int((edge < BOUNDARY_ROWS).sum()),
        finished=sum(start.finished for start in fitting.starts),
        reached=fitting.reached,
    )
