"""Whether one class more explains the data better than chance would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.latent_class.resampling import check_resamples, sample
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]
#: Starts followed to their end on each resample.
_FOLLOWED = 3
_LANE = 63  # keeps starts on resamples apart from other uses of the same seed


@dataclass
class LikelihoodRatio:
    """The state of a bootstrap likelihood-ratio test after a block of work.

    classes        (fewer, more): the two models compared
    observed       2 (LL of the larger - LL of the smaller) on the data
    total, done    resamples wanted and finished
    statistics     the same on each resample, shape (done,)
    fitting        the fit under way
    """

    classes: tuple[int, int]
    observed: float
    total: int
    fitting: Fitting | None = None
    _statistics: list[float] = field(default_factory=list, repr=False)

    @property
    def done(self) -> int:
        return len(self._statistics)

    @property
    def statistics(self) -> Floats:
        return np.array(self._statistics)

    @property
    def p_value(self) -> float:
        """(1 + resamples at least as extreme) / (1 + resamples): small = keep more."""
        extreme = int((self.statistics >= self.observed).sum())
        return (1 + extreme) / (1 + self.done)

    def add(self, statistic: float) -> None:
        self._statistics.append(statistic)


def likelihood_ratio(
    patterns: Patterns,
    smaller: LatentClasses,
    larger: LatentClasses,
    *,
    resamples: int = 100,
    n_init: int = 5,
    max_iter: int = 1000,
    tol: float = 1e-6,
    seed: int = 0,
) -> Iterator[LikelihoodRatio]:
    """The test of `smaller` against `larger`, yielded after each block of work.

    smaller, larger   best models of the data with k and more classes
    resamples         samples drawn from `smaller`, each fitted with both
    n_init            random starts of each larger model, besides one that splits the
                      largest class of the smaller

    The usual chi-square table does not hold here.
    McLachlan (1987), doi:10.2307/2347790.
    """
    if larger.classes <= smaller.classes:
        raise InputError(
            f"got {larger.classes} classes to compare with {smaller.classes}; wanted "
            "more classes in the larger model",
            "params.n_classes",
        )
    check_resamples(resamples)
    gain = 2 * (larger.log_likelihood - smaller.log_likelihood)
    state = LikelihoodRatio((smaller.classes, larger.classes), gain, resamples)
    for number in range(resamples):
        drawn = sample(patterns, smaller, seed, number)
        begin = int(stream(seed, number, _LANE).integers(2**53))
        for fitting in fit(
            drawn, smaller.classes, n_init=0, max_iter=max_iter, tol=tol, given=smaller
        ):
            state.fitting = fitting
            yield state
        low = fitting.best()
        most = min(larger.classes, int(np.count_nonzero(drawn.counts)))
        for fitting in fit(
            drawn,
            most,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            seed=begin,
            given=_split(low, most),
            followed=_FOLLOWED,
        ):
            state.fitting = fitting
            yield state
        best = fitting.leader.log_likelihood
        state.add(max(0.0, 2 * (best - low.log_likelihood)))
        yield state


def _split(model: LatentClasses, classes: int) -> LatentClasses | None:
    """The same model, its largest classes cut in halves that differ a little."""
    if classes <= model.classes:
        return None
    sizes, p = list(model.sizes), list(model.probabilities)
    sign = np.where(np.arange(p[0].size) % 2, 0.5, -0.5)
    while len(sizes) < classes:
        k = int(np.argmax(sizes))
        sizes[k] /= 2
        sizes.append(sizes[k])
        odds = p[k] / (1 - p[k])
        p.append(odds * np.exp(sign) / (1 + odds * np.exp(sign)))
        p[k] = odds * np.exp(-sign) / (1 + odds * np.exp(-sign))
    return LatentClasses(np.array(sizes), np.array(p), model.log_likelihood, 0, False)
