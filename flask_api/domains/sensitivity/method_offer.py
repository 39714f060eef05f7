"""What each method of `/sensitivity/analyze` answers, and which settings it takes.

Plain data for the API's description (`x-methods` of `method`) and for the page, which
draws its form from it. The web process may read it; `test_method_offer.py` holds it to
the methods themselves.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Offer:
    """One method.

    group      heading that it stands under
    answers    the question it answers
    when       what speaks for it
    settings   names in `config` that it takes, those one looks for first in front
    defaults   where a setting is left out; `samples` is always told
    samplings  designs that it takes, the default first
    counts     what `samples` counts
    varies     `draws` inputs from distributions, moves them over a `range`, or `moves`
               all alike
    """

    title: str
    group: str
    answers: str
    when: str
    settings: tuple[str, ...]
    defaults: dict[str, Any] = field(default_factory=dict)
    samplings: tuple[str, ...] = ()
    counts: str = "rows"
    varies: str = "draws"


_ONE = "One input at a time"
_SHARES = "Shares of the spread"
_LINES = "Straight lines"
_WHOLE = "The whole distribution"

_CURVES = ("outputs", "seed", "monte_carlo_iterations", "confidence_level")
_BEHIND = {"monte_carlo_iterations": 1000, "confidence_level": 0.95}
_SURE = {"confidence_level": 0.95}

OFFERS: dict[str, Offer] = {
    "tornado": Offer(
        title="Tornado",
        group=_ONE,
        answers="Which input moves the output most, between its low and its high end?",
        when="A first look: three points for each input, all others as they are.",
        settings=_CURVES,
        defaults=_BEHIND,
        varies="range",
    ),
    "oat": Offer(
        title="Curves",
        group=_ONE,
        answers="How does the output follow each input over its whole range?",
        when="To see bends and kinks that a tornado hides.",
        settings=_CURVES,
        defaults=_BEHIND,
        varies="range",
    ),
    "spider": Offer(
        title="Spider",
        group=_ONE,
        answers="How does the output follow the same change in percent of every input?",
        when="To compare inputs by percent, whatever their ranges are.",
        settings=("percentages", *_CURVES),
        defaults={**_BEHIND, "percentages": list(range(-20, 21, 5))},
        varies="moves",
    ),
    "local": Offer(
        title="Local slopes",
        group=_ONE,
        answers="How steeply does the output move with each input at today's values?",
        when="Ranges are narrow, or the output is nearly a line.",
        settings=("outputs", "seed"),
        varies="range",
    ),
    "morris": Offer(
        title="Morris screening",
        group="Screening",
        answers="Which of many inputs can be left as they are?",
        when="Many inputs or a slow model: some tens of runs for each input do.",
        settings=(
            "samples", "seed", "outputs", "levels", "candidates", "resamples",
            "keep_resamples", "confidence_level", "groups", "within",
        ),
        defaults={
            "samples": 50, "levels": 4, "candidates": 0, "resamples": 0,
            "keep_resamples": False, **_SURE,
        },
        counts="trajectories",
    ),
    "sobol": Offer(
        title="Sobol indices",
        group=_SHARES,
        answers="Which share of the output's spread comes from each input, alone and "
        "together with others?",
        when="Independent inputs and rows to spare: the reference among the methods.",
        settings=(
            "samples", "seed", "sampling", "second_order", "outputs", "resamples",
            "keep_resamples", "confidence_level", "groups", "within",
        ),
        defaults={
            "samples": 4096, "second_order": False, "resamples": 0,
            "keep_resamples": False, **_SURE,
        },
        samplings=("sobol", "random"),
    ),
    "shapley": Offer(
        title="Shapley effects",
        group=_SHARES,
        answers="How is the output's spread shared out among inputs, so that the "
        "shares add up?",
        when="Inputs are correlated, or shares have to add up to 100 %.",
        settings=(
            "samples", "seed", "sampling", "outputs", "correlation", "groups",
            "confidence_level", "within",
        ),
        defaults={"samples": 4096, **_SURE},
        samplings=("sobol", "random"),
    ),
    "fast": Offer(
        title="FAST",
        group=_SHARES,
        answers="The shares of each input, alone and in all, from curves through the "
        "inputs' space.",
        when="A smooth output and few inputs; Sobol is the safer choice.",
        settings=(
            "samples", "seed", "curves", "harmonics", "outputs", "confidence_level",
            "within",
        ),
        defaults={"samples": 1025, "curves": 8, "harmonics": 4, **_SURE},
        counts="points of a curve",
    ),
    "rbd_fast": Offer(
        title="RBD-FAST",
        group=_SHARES,
        answers="The share of each input alone, from one sample for all of them.",
        when="First order is enough and rows are dear: more inputs cost no more.",
        settings=(
            "samples", "seed", "sampling", "harmonics", "outputs", "confidence_level",
            "within",
        ),
        defaults={"samples": 4096, "harmonics": 10, **_SURE},
        samplings=("lhs", "random"),
    ),
    "src": Offer(
        title="Regression (SRC, PCC)",
        group=_LINES,
        answers="Which way and how strongly does each input pull, if all is a line?",
        when="The output is nearly linear: R² near 1 says so.",
        settings=(
            "samples", "seed", "sampling", "outputs", "correlation",
            "confidence_level", "within",
        ),
        defaults={"samples": 4096, **_SURE},
        samplings=("random", "sobol"),
    ),
    "prcc": Offer(
        title="Rank correlation (PRCC)",
        group=_LINES,
        answers="The same on ranks: which way does each input pull, line or not?",
        when="The output only rises, or only falls, with each input.",
        settings=(
            "samples", "seed", "sampling", "outputs", "correlation",
            "confidence_level", "within",
        ),
        defaults={"samples": 4096, **_SURE},
        samplings=("random", "sobol"),
    ),
    "pawn": Offer(
        title="PAWN",
        group=_WHOLE,
        answers="How far does the output's whole distribution shift when an input is "
        "held?",
        when="The output is skewed or has long tails: its variance says little.",
        settings=(
            "samples", "seed", "sampling", "slices", "dummies", "outputs",
            "correlation", "within",
        ),
        defaults={"samples": 4096, "slices": 10, "dummies": 64},
        samplings=("random", "sobol"),
    ),
    "delta": Offer(
        title="Borgonovo's delta",
        group=_WHOLE,
        answers="How much of the output's density changes when an input is known?",
        when="As PAWN; it looks at the whole density, not at the largest gap.",
        settings=(
            "samples", "seed", "sampling", "resamples", "keep_resamples", "outputs",
            "correlation", "confidence_level", "within",
        ),
        defaults={
            "samples": 4096, "resamples": 100, "keep_resamples": False, **_SURE,
        },
        samplings=("random", "sobol"),
    ),
}  # fmt: skip


def described() -> list[Any]:
    """All methods as JSON has them, in the order of the form."""
    return [{"name": name, **asdict(offer)} for name, offer in OFFERS.items()]
