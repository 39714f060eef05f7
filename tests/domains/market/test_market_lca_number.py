"""How many classes: the bootstrap likelihood-ratio test, the table, the advice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.latent_class.criteria import Criteria
from flask_api.domains.market.latent_class.likelihood_ratio import (
    LikelihoodRatio,
    likelihood_ratio,
)
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.latent_class.recommendation import Candidate, recommend
from flask_api.domains.market.latent_class.selection import Selection, select
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.latent_class_by_hand import carcinoma, fitted, households

INSIDE = [
    [0.9, 0.8, 0.9, 0.2, 0.1, 0.2],
    [0.1, 0.3, 0.2, 0.7, 0.8, 0.9],
    [0.1, 0.2, 0.1, 0.2, 0.1, 0.1],
]


def ratio(patterns: Patterns, classes: int, **settings: Any) -> LikelihoodRatio:
    few = fitted(patterns, classes).best()
    more = fitted(patterns, classes + 1).best()
    *_, last = likelihood_ratio(patterns, few, more, **settings)
    return last


def test_the_test_speaks_for_classes_that_are_there_and_for_no_more() -> None:
    data, _ = households([0.4, 0.35, 0.25], INSIDE, 1000, seed=1)
    patterns = pack(data)
    for_third = ratio(patterns, 2, resamples=50)
    for_fourth = ratio(patterns, 3, resamples=50)
    assert for_third.p_value == pytest.approx(1 / 51)
    assert for_fourth.p_value > 0.05
    assert (for_fourth.statistics >= 0).all() and for_fourth.done == 50


def test_p_values_are_even_where_the_smaller_model_is_true() -> None:
    p_values = []
    for seed in range(40):
        data, _ = households([1.0], [[0.5, 0.4, 0.6, 0.3]], 150, seed=seed)
        found = ratio(pack(data), 1, resamples=19, seed=seed)
        p_values.append(found.p_value)
    # even over 1/20 .. 20/20: mean 0.525, and 40 of them scatter by 0.288 / sqrt(40)
    assert np.mean(p_values) == pytest.approx(0.525, abs=4 * 0.288 / np.sqrt(40))
    # 2 expected at 1/20, more than 8 once in 3000
    assert sum(p < 0.051 for p in p_values) <= 8


def test_the_same_seed_draws_the_same_resamples() -> None:
    data, _ = households([0.6, 0.4], INSIDE[:2], 300, seed=2)
    once, again, other = (
        ratio(pack(data), 2, resamples=5, seed=seed).statistics for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_a_test_can_be_left_within_a_resample() -> None:
    data, _ = households([0.6, 0.4], INSIDE[:2], 300, seed=2)
    few, more = fitted(pack(data), 1).best(), fitted(pack(data), 2).best()
    first = next(likelihood_ratio(pack(data), few, more))
    assert first.done == 0 and first.total == 100 and first.p_value == 1
    assert first.fitting is not None and first.fitting.iteration > 0


def test_models_the_wrong_way_round_are_refused() -> None:
    few, more = fitted(carcinoma(), 2).best(), fitted(carcinoma(), 3).best()
    with pytest.raises(InputError, match="more classes in the larger"):
        next(likelihood_ratio(carcinoma(), more, few))
    with pytest.raises(InputError, match="0 resamples") as told:
        next(likelihood_ratio(carcinoma(), few, more, resamples=0))
    assert told.value.field == "params.resamples"


def selected(patterns: Patterns, *args: Any, **settings: Any) -> Selection:
    *_, last = select(patterns, *args, **settings)
    return last


def test_carcinoma_has_three_classes() -> None:
    found = selected(carcinoma(), resamples=30)
    assert [c.classes for c in found.candidates] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found.candidates[2].criteria.bic == pytest.approx(697.1357, abs=1e-4)
    advice = found.recommendation
    assert advice is not None and advice.classes == 3
    assert "lowest BIC (697.1)" in advice.reasons[0]
    assert "bootstrap test speaks for it" in advice.reasons[1]
    # tested up to the first that is not significant
    p_values = [c.p_value for c in found.candidates]
    last = p_values.index(None, 1) - 1
    assert p_values[0] is None and p_values[last + 1 :] == [None] * (7 - last)
    assert [p is not None and p >= 0.05 for p in p_values[1 : last + 1]] == [
        *[False] * (last - 1),
        True,
    ]
    likelihoods = [c.criteria.log_likelihood for c in found.candidates]
    assert (np.diff(likelihoods) > -1e-6).all()


def test_simulated_classes_are_counted() -> None:
    data, _ = households([0.4, 0.35, 0.25], INSIDE, 2000, seed=3)
    found = selected(pack(data), range(1, 6))
    assert found.recommendation is not None
    assert found.recommendation.classes == 3
    assert found.test is None


def test_the_state_grows_while_models_are_fitted() -> None:
    seen = [len(state.candidates) for state in select(carcinoma(), [1, 2])]
    assert sorted(set(seen)) == [0, 1, 2] and seen == sorted(seen)


def test_numbers_beyond_the_patterns_are_left_out() -> None:
    data = np.repeat(np.array([[0, 0, 1], [1, 1, 0], [0, 1, 1]]), 20, axis=0)
    assert selected(pack(data)).numbers == [1, 2, 3]


@pytest.mark.parametrize("numbers", [[], [0, 1], [2, 1], [2, 2]])
def test_numbers_of_classes_that_make_no_sense_are_refused(numbers: list[int]) -> None:
    with pytest.raises(InputError, match="ascending"):
        next(select(carcinoma(), numbers))


def candidate(
    classes: int,
    bic: float,
    *,
    smallest: float = 0.3,
    p: float | None = None,
    converged: bool = True,
    entropy: float = 0.8,
) -> Candidate:
    sizes = np.full(classes, 1 / classes)
    return Candidate(
        model=LatentClasses(sizes, np.full((classes, 5), 0.5), -1.0, 9, converged),
        criteria=Criteria(1000, classes, -1.0, bic, bic, bic, bic, bic, bic),
        degrees_of_freedom=10,
        relative_entropy=None if classes == 1 else entropy,
        error_rate=0.1,
        smallest=1.0 if classes == 1 else smallest,
        boundaries=0,
        finished=10,
        reached=5,
        p_value=p,
    )


def test_a_model_with_a_class_of_a_few_rows_is_passed_over() -> None:
    advice = recommend(
        [candidate(1, 900), candidate(2, 800), candidate(3, 700, smallest=0.004)]
    )
    assert advice.classes == 2
    assert "smallest class holds 0.40% of the rows (4.0)" in advice.reasons[1]


def test_a_model_with_a_class_below_ten_rows_is_passed_over() -> None:
    few = candidate(3, 700, smallest=0.05)
    few.criteria = replace(few.criteria, rows=180)  # a twentieth of them: 9 rows
    assert recommend([candidate(2, 800), few]).classes == 2
    few.criteria = replace(few.criteria, rows=220)
    assert recommend([candidate(2, 800), few]).classes == 3


@pytest.mark.parametrize(("p", "taken"), [(0.049, 3), (0.051, 2)])
def test_a_test_speaks_for_more_classes_below_one_in_twenty(
    p: float, taken: int
) -> None:
    advice = recommend([candidate(2, 800, p=0.01), candidate(3, 700, p=p)])
    assert advice.classes == taken


def test_resamples_are_fitted_from_split_classes_besides_random_starts() -> None:
    data, _ = households([0.6, 0.4], INSIDE[:2], 200, seed=3)
    patterns = pack(data)
    few, more = fitted(patterns, 2).best(), fitted(patterns, 3).best()
    starts = {
        len(state.fitting.starts)
        for state in likelihood_ratio(patterns, few, more, resamples=1, n_init=4)
        if state.fitting is not None and state.fitting.classes == 3
    }
    assert starts == {5}


def test_a_model_that_did_not_converge_is_passed_over() -> None:
    advice = recommend([candidate(1, 900), candidate(2, 800, converged=False)])
    assert advice.classes == 1
    assert "it did not converge" in advice.reasons[1]


def test_a_test_that_is_not_significant_leads_to_fewer_classes() -> None:
    advice = recommend(
        [candidate(1, 900), candidate(2, 800, p=0.01), candidate(3, 790, p=0.3)]
    )
    assert advice.classes == 2
    assert "does not speak for 3 classes against 2 (p = 0.300)" in advice.reasons[1]


def test_reservations_tell_what_the_choice_does_not_settle() -> None:
    advice = recommend(
        [candidate(1, 900), candidate(2, 701.5), candidate(3, 700, entropy=0.4)]
    )
    assert advice.classes == 3
    said = " ".join(advice.reservations)
    assert "BIC still falls at 3 classes" in said
    assert "hardly tells it from 2 classes" in said
    assert "overlap (relative entropy 0.40)" in said
