"""Diagnostics of latent classes: published numbers, and the long way by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flask_api.domains.market.latent_class.model import LatentClasses, posteriors
from flask_api.domains.market.latent_class.report import report
from flask_api.domains.market.latent_class.residuals import residuals
from flask_api.domains.market.patterns.patterns import pack
from tests.domains.market.latent_class_by_hand import (
    carcinoma,
    fitted,
    households,
    joint_by_hand,
    published,
)

INSIDE = [
    [0.9, 0.8, 0.9, 0.2, 0.1, 0.2],
    [0.1, 0.3, 0.2, 0.7, 0.8, 0.9],
]


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_carcinoma_has_the_published_diagnostics(classes: int) -> None:
    found = report(fitted(carcinoma(), classes, n_init=20))
    theirs = published()["own_numpy_EM"][str(classes)]
    # stated to where that search ended, some 1e-8 below the maximum
    ours = found.criteria
    for name, value in (
        ("AIC", ours.aic),
        ("BIC", ours.bic),
        ("CAIC", ours.caic),
        ("aBIC", ours.abic),
    ):
        assert value == pytest.approx(theirs[name], abs=1e-5), name
    assert ours.parameters == theirs["n_par"]
    entropy = found.classification.relative_entropy
    # four classes: its likelihood is flat, and the other search ended 5e-5 away
    assert entropy == pytest.approx(theirs["relative_entropy"], abs=2e-5)
    assert sorted(found.classification.modal_counts) == theirs["modal_counts"]
    pair, largest = theirs["max_bvr"]
    i, j = np.unravel_index(
        np.nanargmax(found.residuals.bivariate), found.residuals.bivariate.shape
    )
    # pairs are counted from 0; flat for four classes, as above
    assert pair == "-".join(str(k) for k in sorted((int(i), int(j))))
    assert np.nanmax(found.residuals.bivariate) == pytest.approx(largest, rel=2e-4)
    assert (
        found.boundaries == (np.abs(np.array(theirs["prob_yes"]) - 0.5) > 0.4999).sum()
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_carcinoma_fits_as_polca_says(classes: int) -> None:
    theirs = published()["poLCA"][str(classes)]
    found = report(fitted(carcinoma(), classes)).fit
    assert found.degrees_of_freedom == theirs["df"]
    assert found.g2 == pytest.approx(theirs["Gsq"], abs=1e-5)
    # Pearson's statistic divides by tiny expectations: 1e-6 of where a search ends
    assert found.x2 == pytest.approx(theirs["Chisq"], rel=1e-6)
    assert found.sparse


def test_carcinoma_class_sizes_are_as_sure_as_polca_says() -> None:
    theirs = published()["poLCA"]["3"]
    errors = report(fitted(carcinoma(), 3)).errors
    # it takes outer products of scores for the information: not the same in 118 rows
    np.testing.assert_allclose(errors.sizes[::-1], theirs["P_se"], rtol=0.01)


def test_criteria_are_their_definitions() -> None:
    data, _ = households([0.6, 0.4], INSIDE, 500, seed=0)
    found = report(fitted(pack(data), 2))
    deviance, p, n = -2 * found.model.log_likelihood, 13, 500
    r = posteriors(pack(data), found.model)[pack(data).of_row]
    entropy = -(r * np.log(r)).sum()
    ours = found.criteria
    assert ours.parameters == p and ours.rows == n
    assert ours.aic3 == pytest.approx(deviance + 3 * p)
    assert ours.icl == pytest.approx(deviance + p * math.log(n) + 2 * entropy)
    assert ours.abic == pytest.approx(deviance + p * math.log((n + 2) / 24))
    entropy_share = found.classification.relative_entropy
    assert entropy_share == pytest.approx(1 - entropy / (n * math.log(2)))


@pytest.mark.parametrize("gaps", [False, True])
def test_memberships_and_their_table_are_those_of_the_rows(gaps: bool) -> None:
    data, _ = households([0.6, 0.4], INSIDE, 800, seed=1)
    random = np.random.default_rng(0)
    missing = random.random(data.shape) < 0.2 if gaps else None
    if missing is not None:
        missing[:, 0] = False  # no row without a known value
    patterns = pack(data, missing)
    found = report(fitted(patterns, 2))
    model, table = found.model, found.classification
    joint = np.exp(joint_by_hand(data, missing, model.sizes, model.probabilities))
    r = joint / joint.sum(axis=1)[:, None]
    np.testing.assert_allclose(patterns.expand(posteriors(patterns, model)), r, 1e-9)
    chosen = r.argmax(axis=1)
    np.testing.assert_array_equal(table.modal_counts, np.bincount(chosen))
    for k in range(2):
        average = r[chosen == k].mean(axis=0)
        np.testing.assert_allclose(table.average_posterior[k], average)
        assigned = [r[chosen == s, k].sum() / r[:, k].sum() for s in range(2)]
        np.testing.assert_allclose(table.assigned[k], assigned)
    assert table.error_rate == pytest.approx(1 - r.max(axis=1).mean())


@pytest.mark.parametrize("gaps", [False, True])
def test_residuals_are_those_of_the_rows(gaps: bool) -> None:
    data, _ = households([0.6, 0.4], INSIDE, 600, seed=2)
    random = np.random.default_rng(0)
    known = random.random(data.shape) > (0.2 if gaps else -1)
    patterns = pack(data, ~known)
    model = fitted(patterns, 2).best()
    found = residuals(patterns, model)
    p, sizes = model.probabilities, model.sizes
    i, j = 1, 4
    both = known[:, i] & known[:, j]
    x2 = 0.0
    for a in (0, 1):
        for b in (0, 1):
            seen = ((data[:, i] == a) & (data[:, j] == b) & both).sum()
            left, right = (
                (p[:, i] if a else 1 - p[:, i]),
                (p[:, j] if b else 1 - p[:, j]),
            )
            expected = both.sum() * (sizes * left * right).sum()
            x2 += (seen - expected) ** 2 / expected
            if a and b:
                q = expected / both.sum()
                away = (seen - expected) / math.sqrt(both.sum() * q * (1 - q))
    assert found.bivariate[i, j] == pytest.approx(x2)
    assert found.bivariate[j, i] == pytest.approx(x2)
    assert found.standardised[i, j] == pytest.approx(away)
    if not gaps:
        rest = data - posteriors(patterns, model)[patterns.of_row] @ p
        # the mean of what is left is 0 at the maximum
        np.testing.assert_allclose(found.correlation, np.corrcoef(rest.T), atol=1e-6)


def test_two_products_bought_together_stand_out() -> None:
    data, _ = households([0.6, 0.4], INSIDE, 2000, seed=3)
    random = np.random.default_rng(1)
    tied = random.random(2000) < 0.3
    data[tied, 5] = data[tied, 1]
    found = residuals(pack(data), fitted(pack(data), 2).best())
    i, j = np.unravel_index(np.nanargmax(found.bivariate), found.bivariate.shape)
    assert sorted((int(i), int(j))) == [1, 5]
    assert found.standardised[1, 5] > 3
    assert found.correlation[1, 5] > 0.1


def test_the_fit_to_all_patterns_is_that_of_the_whole_table() -> None:
    data, _ = households([0.6, 0.4], np.array(INSIDE)[:, :3], 400, seed=4)
    patterns = pack(data)
    state = fitted(patterns, 2)
    found, model = report(state).fit, state.best()
    cells = np.array(list(np.ndindex(2, 2, 2)), dtype=np.uint8)
    joint = joint_by_hand(cells, None, model.sizes, model.probabilities)
    expected = 400 * np.exp(joint).sum(axis=1)
    seen = np.array([(data == cell).all(axis=1).sum() for cell in cells])
    assert found.x2 == pytest.approx(
        ((seen - expected) ** 2 / expected).sum(), abs=1e-8
    )
    some = seen > 0
    g2 = 2 * (seen[some] * np.log(seen[some] / expected[some])).sum()
    assert found.g2 == pytest.approx(g2, abs=1e-8)
    assert found.degrees_of_freedom == 0 and found.g2_p is None
    assert not found.sparse


def test_missing_values_leave_the_fit_to_all_patterns_unknown() -> None:
    data, _ = households([0.6, 0.4], INSIDE, 400, seed=5)
    missing = np.zeros(data.shape, bool)
    missing[0, 0] = True
    found = report(fitted(pack(data, missing), 2)).fit
    assert found.g2 is None and found.x2 is None


def test_a_class_of_a_few_rows_and_overlapping_classes_are_told() -> None:
    random = np.random.default_rng(3)
    data = (random.random((2000, 5)) < 0.5).astype(np.uint8)
    said = report(fitted(pack(data), 3)).warnings
    assert any("Classes overlap" in each for each in said)
    few = np.vstack([np.zeros((2000, 5)), np.eye(5), np.ones((4, 5))])
    said = report(fitted(pack(few), 2)).warnings
    assert any("smallest class holds" in each for each in said)


def test_one_class_has_no_entropy() -> None:
    found = report(fitted(carcinoma(), 1))
    assert found.classification.relative_entropy is None
    assert found.classification.error_rate == 0
    assert found.errors.sizes == pytest.approx([0])
    model = found.model
    p = model.probabilities[0]
    # of a share, by the textbook
    expected = np.sqrt(p * (1 - p) / 118)
    np.testing.assert_allclose(found.errors.probabilities[0], expected, rtol=1e-9)


def test_a_class_nobody_is_assigned_to_has_no_average() -> None:
    model = LatentClasses(
        np.array([0.9, 0.1]), np.array([[0.5, 0.5], [0.5, 0.5]]), 0.0, 0, True
    )
    from flask_api.domains.market.latent_class.classification import classification

    table = classification(pack(np.array([[0, 1], [1, 0]])), model)
    assert np.isnan(table.average_posterior[1]).all()
    assert table.error_rate == pytest.approx(0.1)
    np.testing.assert_allclose(table.assigned, [[1, 0], [1, 0]])
