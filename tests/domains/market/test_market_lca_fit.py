"""Latent class analysis: published numbers, a plain twin, a peer, and odd data."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.latent_class import fit as fit_module
from flask_api.domains.market.latent_class import kernel
from flask_api.domains.market.latent_class.fit import fit
from flask_api.domains.market.latent_class.information import standard_errors
from flask_api.domains.market.latent_class.model import (
    LatentClasses,
    model_of,
    posteriors,
    theta_of,
)
from flask_api.domains.market.latent_class.report import report
from flask_api.domains.market.patterns.patterns import pack
from flask_api.numerics.errors import InputError
from tests.domains.market.latent_class_by_hand import (
    carcinoma,
    fitted,
    households,
    likelihood_by_hand,
    published,
    step_by_hand,
)

SIZES = [0.5, 0.3, 0.2]
INSIDE = [
    [0.9, 0.9, 0.8, 0.1, 0.2, 0.1, 0.5, 0.1],
    [0.1, 0.2, 0.1, 0.9, 0.8, 0.9, 0.5, 0.2],
    [0.2, 0.8, 0.2, 0.8, 0.1, 0.7, 0.1, 0.9],
]


@pytest.mark.parametrize(
    ("classes", "likelihood"), [(2, -317.256837), (3, -293.704979), (4, -289.285849)]
)
def test_carcinoma_reaches_the_published_likelihoods(
    classes: int, likelihood: float
) -> None:
    state = fitted(carcinoma(), classes, n_init=20)
    best = state.best()
    assert best.log_likelihood == pytest.approx(likelihood, abs=1e-6)
    assert best.converged and state.phase == "finished" and state.reached >= 2
    theirs = published()["own_numpy_EM"][str(classes)]
    # its likelihood is as flat as 1e-9 along some sizes: four classes agree to 1e-4
    order = np.argsort(theirs["class_sizes"])[::-1]
    sizes, inside = np.array(theirs["class_sizes"]), np.array(theirs["prob_yes"])
    np.testing.assert_allclose(best.sizes, sizes[order], atol=1e-4)
    np.testing.assert_allclose(best.probabilities, inside[order], atol=3e-3)


@pytest.mark.parametrize("items", [3, 8, 21, 70])
@pytest.mark.parametrize("classes", [1, 3, 4, 9])
@pytest.mark.parametrize("gaps", [False, True])
def test_one_pass_is_a_step_of_expectation_maximisation(
    items: int, classes: int, gaps: bool
) -> None:
    random = np.random.default_rng(items)
    data = (random.random((400, items)) < 0.4).astype(np.uint8)
    missing = random.random(data.shape) < 0.2 if gaps else None
    sizes, p = (
        random.dirichlet(np.ones(classes)),
        random.uniform(0.1, 0.9, (classes, items)),
    )
    patterns, theta = pack(data, missing), theta_of(sizes, p)
    counts = np.where(patterns.informative(), patterns.counts, 0.0)
    progress = np.array([0.0, -np.inf, np.inf, 0.0, 1.0])
    kernel.climb()(
        patterns.codes, counts, items, patterns.gaps, theta, 1, 1, 1e-9, progress
    )
    if missing is not None:
        some = ~missing.all(axis=1)
        data, missing = data[some], missing[some]
    new_sizes, new_p = step_by_hand(data, missing, sizes, p)
    reached = likelihood_by_hand(data, missing, sizes, p)
    assert progress[kernel.REACHED] == pytest.approx(reached, rel=1e-13)
    np.testing.assert_allclose(theta[0, 0, :classes], new_sizes, rtol=1e-11)
    np.testing.assert_allclose(theta[0, 1 : 1 + items, :classes].T, new_p, rtol=1e-11)


def test_likelihoods_beyond_floating_point_are_told_in_logarithms() -> None:
    random = np.random.default_rng(0)
    data = (random.random((30, 3000)) < 0.5).astype(np.uint8)
    sizes, p = np.array([0.6, 0.4]), random.uniform(0.05, 0.95, (2, 3000))
    found = model_of(pack(data), theta_of(sizes, p)[0], 2, 0, True)
    reached = likelihood_by_hand(data, None, sizes, p)
    assert reached < -30 * 745  # no row's likelihood is a floating point number
    assert found.log_likelihood == pytest.approx(reached, rel=1e-13)
    state = fitted(pack(data), 2, n_init=2, max_iter=30)
    assert state.best().log_likelihood > reached


@pytest.mark.parametrize("gaps", [False, True])
def test_the_answer_stands_still_under_a_plain_step(gaps: bool) -> None:
    data, _ = households(SIZES, INSIDE, 1500, seed=3)
    random = np.random.default_rng(1)
    missing = random.random(data.shape) < 0.25 if gaps else None
    best = fitted(pack(data, missing), 3).best()
    assert best.log_likelihood == pytest.approx(
        likelihood_by_hand(data, missing, best.sizes, best.probabilities), rel=1e-12
    )
    sizes, p = step_by_hand(data, missing, best.sizes, best.probabilities)
    # changes below 1e-10 in log-likelihood are 1e-5 standard errors of 0.01 or more
    np.testing.assert_allclose(sizes, best.sizes, atol=1e-6)
    np.testing.assert_allclose(p, best.probabilities, atol=1e-6)


def test_the_likelihood_never_falls() -> None:
    data, _ = households(SIZES, INSIDE, 500, seed=5)
    patterns = pack(data)
    theta = theta_of(np.full(5, 0.2), np.random.default_rng(0).random((5, 8)))
    progress = np.array([0.0, -np.inf, np.inf, 0.0, 1.0])
    reached = []
    for _ in range(150):
        kernel.climb()(
            patterns.codes, patterns.counts, 8, False, theta, 1, 999, 1e-30, progress
        )
        reached.append(progress[kernel.REACHED])
    # rounding of sums of 500 logarithms
    assert all(b >= a - 1e-10 for a, b in pairwise(reached))


def test_known_classes_are_recovered_within_their_errors() -> None:
    data, chosen = households(SIZES, INSIDE, 20_000, seed=11)
    patterns = pack(data)
    best = fitted(patterns, 3).best()
    errors = standard_errors(patterns, best)
    # 27 numbers, each within 4 standard errors: missed once in 600 seeds
    assert (np.abs(best.sizes - SIZES) < 4 * errors.sizes).all()
    assert (np.abs(best.probabilities - INSIDE) < 4 * errors.probabilities).all()
    modal = patterns.expand(posteriors(patterns, best)).argmax(axis=1)
    assert (modal == chosen).mean() > 0.9


@pytest.mark.parametrize("low", [0.05, 0.3])
def test_stepmix_finds_no_better_likelihood(low: float) -> None:
    peer = pytest.importorskip("stepmix.stepmix", reason="a peer of development")
    random = np.random.default_rng(2)
    inside = random.uniform(low / 4, 2 * low, (3, 10))
    data, _ = households([0.4, 0.35, 0.25], inside, 400, seed=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = peer.StepMix(
            3, measurement="binary", n_init=2, random_state=0, progress_bar=0
        )
        theirs.fit(data)
        reached = 400 * theirs.score(data)
    best = fitted(pack(data), 3).best()
    assert best.log_likelihood >= reached - 1e-4
    # and the same function is computed: ours at their numbers
    p = np.clip(theirs.get_mm_df().to_numpy().reshape(10, 3).T, 1e-10, 1 - 1e-10)
    sizes = theirs.weights_
    assert likelihood_by_hand(data, None, sizes, p) == pytest.approx(reached, abs=1e-3)


def test_the_same_seed_gives_the_same_bits_whatever_the_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, _ = households(SIZES, INSIDE, 3000, seed=7)
    patterns = pack(data)
    once = fitted(patterns, 4, seed=5)
    monkeypatch.setattr(fit_module, "_WORK", 1)
    again = fitted(patterns, 4, seed=5)
    other = fitted(patterns, 4, seed=6)
    assert len(again.starts[0].trace) > len(once.starts[0].trace)
    for a, b in zip(once.starts, again.starts, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)
    assert once.starts[0].log_likelihood != other.starts[0].log_likelihood


def test_the_order_of_rows_and_classes_makes_no_difference() -> None:
    data, _ = households(SIZES, INSIDE, 2000, seed=8)
    best = fitted(pack(data), 3).best()
    turned = fitted(
        pack(data[::-1]), 3, n_init=0, given=best.taken(np.array([2, 0, 1]))
    )
    assert (np.diff(best.sizes) < 0).all()
    np.testing.assert_allclose(turned.best().sizes, best.sizes, atol=1e-6)
    np.testing.assert_allclose(
        turned.best().probabilities, best.probabilities, atol=1e-5
    )


def test_a_search_can_be_left_between_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "_WORK", 1)
    data, _ = households(SIZES, np.tile(INSIDE, 3), 5000, seed=9)
    seen: list[Any] = []
    for state in fit(pack(data), 3):
        seen.append((state.phase, state.current.number, state.iteration, state.change))
        assert state.done <= state.total
        assert state.sizes.sum() == pytest.approx(1)
        if len(seen) == 7:
            break
    assert seen[:2] == [("screening", 1, 3, None), ("screening", 1, 6, seen[1][3])]
    assert seen[1][3] > 0
    assert seen[6][1:3] == (2, 6)
    found = report(state)
    assert "stopped" in found.warnings[0]
    assert np.isneginf(found.log_likelihoods[2:]).all()


def test_screening_is_as_good_as_following_every_start() -> None:
    data, _ = households(SIZES, np.tile(INSIDE, 3), 5000, seed=10)
    patterns = pack(data)
    some = fitted(patterns, 3)
    every = fitted(patterns, 3, exhaustive_starts=True)
    assert sum(start.finished for start in some.starts) == 2
    assert sum(start.finished for start in every.starts) == 10
    assert some.done < every.done
    assert some.best().log_likelihood == pytest.approx(
        every.best().log_likelihood, abs=1e-6
    )


def test_too_few_iterations_are_told() -> None:
    state = fitted(carcinoma(), 4, n_init=3, max_iter=10)
    assert not state.best().converged
    assert all(start.iterations == 10 for start in state.starts)
    assert "did not converge within 10 iterations" in report(state).warnings[0]


def test_a_best_that_one_start_alone_found_is_told() -> None:
    state = fitted(carcinoma(), 4, n_init=3, seed=2)
    assert state.reached == 1
    assert "Only 1 of 3 finished starts" in report(state).warnings[0]
    twice = fitted(carcinoma(), 4, n_init=30)
    assert twice.reached > 1
    assert not any("Only 1" in said for said in report(twice).warnings)


def test_one_class_is_the_shares_of_the_products() -> None:
    data, _ = households(SIZES, INSIDE, 300, seed=1)
    state = fitted(pack(data), 1)
    np.testing.assert_allclose(state.best().probabilities[0], data.mean(axis=0))
    assert len(state.starts) == 1


def test_rows_without_a_known_value_change_nothing() -> None:
    data, _ = households(SIZES, INSIDE, 400, seed=2)
    missing = np.zeros(data.shape, bool)
    missing[0, 0] = True
    plain = report(fitted(pack(data, missing), 2))
    more = np.vstack([data, np.zeros((50, 8), np.uint8)])
    empty = np.vstack([missing, np.ones((50, 8), bool)])
    found = report(fitted(pack(more, empty), 2))
    assert found.criteria.rows == 400
    assert found.criteria.bic == pytest.approx(plain.criteria.bic, abs=1e-8)
    assert found.classification.modal_counts.sum() == 400
    assert any("50 rows have no known value" in said for said in found.warnings)


def test_more_classes_than_patterns_are_refused() -> None:
    with pytest.raises(InputError, match="at most 2") as told:
        next(fit(pack(np.array([[0, 1], [1, 0], [1, 0]])), 3))
    assert told.value.field == "params.n_classes"
    with pytest.raises(InputError, match="at most 1"):
        next(fit(pack(np.zeros((100, 5))), 2))  # all zeros


@pytest.mark.parametrize(
    "settings", [{"n_init": 0}, {"max_iter": 0}, {"tol": 0.0}, {"tol": float("nan")}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    name = next(iter(settings))
    with pytest.raises(InputError, match=name) as told:
        next(fit(carcinoma(), 2, **settings))
    assert told.value.field == f"params.{name}"


def test_a_product_nobody_answered_is_refused() -> None:
    missing = np.zeros((10, 3), bool)
    missing[:, 1] = True
    with pytest.raises(InputError, match="column 2 has no known value"):
        next(fit(pack(np.eye(10, 3), missing), 2))


def test_one_row_is_one_class_without_doubt() -> None:
    found = report(fitted(pack(np.array([[0, 1, 1]])), 1))
    assert found.criteria.log_likelihood == pytest.approx(0, abs=1e-8)
    assert found.boundaries == 3
    assert found.fit.degrees_of_freedom == 1 - 3


def test_nothing_bought_at_all_is_one_class_without_doubt() -> None:
    found = report(fitted(pack(np.zeros((50, 4), np.uint8)), 1))
    assert found.criteria.log_likelihood == pytest.approx(0, abs=1e-6)
    assert any("Columns 1, 2, 3, 4 have the same" in said for said in found.warnings)


def test_constant_and_duplicate_columns_are_named() -> None:
    data, _ = households(SIZES, INSIDE, 500, seed=6)
    data = np.column_stack([data, np.ones(500), data[:, 2]]).astype(np.uint8)
    found = report(fitted(pack(data), 3))
    assert any("Column 9 has the same value" in said for said in found.warnings)
    assert any("Columns 3 and 10 are alike" in said for said in found.warnings)
    names = [*"abcdefgh", "always", "copy"]
    told = report(fitted(pack(data), 3), names=names).warnings
    assert any("Column 'always' has the same value" in said for said in told)
    assert any("Columns 'c' and 'copy' are alike" in said for said in told)
    assert np.isfinite(found.criteria.bic)
    assert found.residuals.identical == [(2, 9)]


def test_fewer_rows_than_products_are_fitted_with_a_warning() -> None:
    random = np.random.default_rng(0)
    data = (random.random((12, 30)) < 0.5).astype(np.uint8)
    found = report(fitted(pack(data), 3))
    assert found.fit.degrees_of_freedom < 0
    assert any("negative degrees of freedom" in said for said in found.warnings)
    assert np.isfinite(found.model.probabilities).all()


def test_classes_of_another_fit_are_a_plain_model() -> None:
    model = LatentClasses(np.array([1.0]), np.array([[0.25, 0.5]]), 0.0, 0, True)
    patterns = pack(np.array([[1, 0], [0, 1]]))
    np.testing.assert_array_equal(posteriors(patterns, model), [[1.0], [1.0]])
    assert model.parameters == 2
