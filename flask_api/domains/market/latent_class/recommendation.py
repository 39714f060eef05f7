"""Which number of classes to take, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_api.domains.market.latent_class.criteria import Criteria
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.latent_class.report import (
    LOW_ENTROPY,
    SMALL_ROWS,
    SMALL_SHARE,
)

#: A likelihood-ratio test below this speaks for the larger model.
SIGNIFICANT = 0.05
#: BIC differences up to this are weak evidence: Raftery (1995), doi:10.2307/271063.
WEAK = 2.0


@dataclass(eq=False)
class Candidate:
    """One number of classes: a row of the table.

    criteria             information criteria
    degrees_of_freedom   negative: more numbers than the data can tell apart
    relative_entropy     0..1, None for one class
    error_rate           share of rows expected to be assigned to a wrong class
    smallest             share of rows in the smallest class
    boundaries           probabilities at 0 or 1
    finished, reached    starts followed to their end, and those that found the best
    p_value              of the bootstrap test of one class less against this number;
                         None where it was not asked for, or not needed any more
    identified           whether the data tell all its numbers apart; None where that
                         was not looked at, which is so of models that fit worse
    """

    model: LatentClasses = field(repr=False)
    criteria: Criteria
    degrees_of_freedom: int
    relative_entropy: float | None
    error_rate: float
    smallest: float
    boundaries: int
    finished: int
    reached: int
    p_value: float | None = None
    identified: bool | None = None

    @property
    def classes(self) -> int:
        return self.model.classes


@dataclass(frozen=True)
class Recommendation:
    """Which number of classes to take, with reasons and reservations in sentences."""

    classes: int
    reasons: list[str]
    reservations: list[str]


def recommend(candidates: Sequence[Candidate]) -> Recommendation:
    """The number of classes to take: by BIC, among models one can stand by.

    Models that did not converge, have numbers that the data can't tell apart, or a
    class below 1 % of rows or below 10 rows are passed over. A likelihood-ratio test
    that does not speak for a model leads to the smaller one it was compared with.
    """
    ranked = sorted(candidates, key=lambda c: c.criteria.bic)
    sound = [c for c in ranked if not _faults(c)]
    chosen = (sound or ranked)[0]
    reasons = [f"{_classes(chosen)} has the lowest BIC ({chosen.criteria.bic:,.1f})"]
    reasons[0] += (
        "." if chosen is ranked[0] else " of the models that one can stand by."
    )
    for passed in ranked[: ranked.index(chosen)]:
        reasons.append(
            f"{_classes(passed)} has a lower BIC ({passed.criteria.bic:,.1f}), but "
            f"{' and '.join(_faults(passed))}."
        )
    tested = [c for c in candidates if c.p_value is not None]
    doubtful = [
        (before, c)
        for before, c in zip(candidates, candidates[1:], strict=False)
        if c.p_value is not None and c.p_value >= SIGNIFICANT
    ]
    if doubtful and doubtful[0][1].classes <= chosen.classes:
        smaller, larger = doubtful[0]
        reasons.append(
            f"The bootstrap test does not speak for {larger.classes} classes against "
            f"{smaller.classes} (p = {larger.p_value:.3f}): the smaller model is taken."
        )
        chosen = smaller
    elif tested:
        last = [c for c in tested if c.classes <= chosen.classes]
        if last and last[-1] is chosen:
            reasons.append(
                f"The bootstrap test speaks for it against one class less (p = "
                f"{chosen.p_value:.3f})."
            )
    if chosen.relative_entropy is not None:
        reasons.append(
            f"Its relative entropy is {chosen.relative_entropy:.2f}, its smallest "
            f"class holds {chosen.smallest:.1%} of the rows."
        )
    return Recommendation(
        chosen.classes, reasons, _reservations(chosen, ranked, candidates)
    )


def _classes(candidate: Candidate) -> str:
    return f"The model of {candidate.classes} class" + (
        "es" if candidate.classes > 1 else ""
    )


def _faults(candidate: Candidate) -> list[str]:
    """Why one can't stand by a model, in half sentences."""
    found = []
    rows = candidate.smallest * candidate.criteria.rows
    if not candidate.model.converged:
        found.append("it did not converge")
    if candidate.degrees_of_freedom < 0:
        found.append("it has more numbers than the data can tell apart")
    elif candidate.identified is False:
        found.append("the data don't determine all its numbers")
    if candidate.classes > 1 and (
        candidate.smallest < SMALL_SHARE or rows < SMALL_ROWS
    ):
        found.append(
            f"its smallest class holds {candidate.smallest:.2%} of the rows "
            f"({rows:.1f})"
        )
    return found


def _reservations(
    chosen: Candidate, ranked: Sequence[Candidate], candidates: Sequence[Candidate]
) -> list[str]:
    said = [f"{_classes(chosen)}: {fault}." for fault in _faults(chosen)]
    if chosen is candidates[-1] and chosen is ranked[0] and len(candidates) > 1:
        said.append(
            f"BIC still falls at {chosen.classes} classes, the largest number tried: "
            "try more."
        )
    near = [
        str(c.classes)
        for c in ranked
        if c is not chosen and abs(c.criteria.bic - chosen.criteria.bic) <= WEAK
    ]
    if near:
        said.append(
            f"BIC hardly tells it from {' and '.join(near)} classes (difference at "
            f"most {WEAK:g})."
        )
    if chosen.finished > 1 and chosen.reached < 2:
        said.append(
            f"Only 1 of its {chosen.finished} finished starts reached the best "
            "log-likelihood: raise n_init."
        )
    entropy = chosen.relative_entropy
    if entropy is not None and entropy < LOW_ENTROPY:
        said.append(
            f"Its classes overlap (relative entropy {entropy:.2f}): rows can't be "
            "assigned with certainty."
        )
    others = {
        name: min(candidates, key=lambda c: float(getattr(c.criteria, name))).classes
        for name in ("aic", "caic", "icl")
    }
    for name, classes in others.items():
        if classes != chosen.classes:
            said.append(f"{name.upper()} prefers {classes}.")
    return said
