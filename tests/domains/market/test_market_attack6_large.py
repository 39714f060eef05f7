"""Many products: errors in steps or not at all, spectra by their largest values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from flask_api.domains.market.data.table import Table
from flask_api.domains.market.latent_class import information, inverting
from flask_api.domains.market.latent_class.criteria import Criteria
from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.latent_class.information import (
    MOST_NUMBERS,
    finding_errors,
    standard_errors,
)
from flask_api.domains.market.latent_class.inverting import inverse
from flask_api.domains.market.latent_class.model import LatentClasses
from flask_api.domains.market.latent_class.recommendation import Candidate, recommend
from flask_api.domains.market.latent_class.report import report
from flask_api.domains.market.latent_class.run import lca
from flask_api.domains.market.latent_class.selection import select
from flask_api.domains.market.latent_class.starts import Start
from flask_api.domains.market.patterns.patterns import pack
from flask_api.domains.market.patterns.spectrum import largest, whole
from flask_api.domains.market.patterns.stepwise import drained
from flask_api.domains.market.runs.model import Problem
from tests.domains.market.market_requests import households

Floats = npt.NDArray[np.float64]


def last(patterns: object, classes: int, **settings: int) -> Fitting:
    *_, state = fit(patterns, classes, seed=1, **settings)  # type: ignore[arg-type]
    return state


def definite(size: int, least: float) -> Floats:
    """A matrix with known eigenvalues, the smallest of them `least`."""
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(size, size)))
    return np.asarray((turn * np.linspace(least, 2, size)) @ turn.T)


@pytest.fixture
def stepwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices above 20 rows are large."""
    monkeypatch.setattr(inverting, "_SMALL", 20)
    monkeypatch.setattr(inverting, "_COLUMNS", 16)


@pytest.mark.usefixtures("stepwise")
def test_a_large_matrix_is_inverted_in_steps_as_a_small_one() -> None:
    matrix = definite(100, 0.5)
    shares = list(inverse(matrix))
    assert len(shares) >= 8 and shares == sorted(shares) and shares[-1] == 1.0
    found, known = drained(inverse(matrix))
    assert known
    # condition number 4: rounding of some 1e-15
    np.testing.assert_allclose(found @ matrix, np.eye(100), atol=1e-12)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.usefixtures("stepwise")
@pytest.mark.parametrize("least", [1e-10, 0.0, -1e-3])
def test_a_large_matrix_without_an_inverse_has_none(least: float) -> None:
    found, known = drained(inverse(definite(100, least)))
    assert not known
    assert np.isnan(found).all()


def test_errors_in_steps_are_those_of_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns = pack(households(400))
    model = last(patterns, 2, n_init=3).best()
    small = standard_errors(patterns, model)
    monkeypatch.setattr(inverting, "_SMALL", 5)
    stepwise = standard_errors(patterns, model)
    np.testing.assert_allclose(
        stepwise.probabilities, small.probabilities, rtol=1e-9
    )  # condition number some 1e3, of rounding 1e-16
    assert stepwise.identified and small.identified


def test_errors_of_very_many_numbers_are_left_with_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = last(pack(households(400)), 2, n_init=3)
    monkeypatch.setattr(information, "MOST_NUMBERS", 12)
    told = report(state)
    assert told.errors.identified is None
    assert told.errors.kind == "not computed"
    assert np.isnan(told.errors.probabilities).all()
    assert np.isnan(told.errors.sizes).all()
    assert any("more than 12 numbers; this one has 13" in w for w in told.warnings)
    assert not any("don't determine" in w for w in told.warnings)
    monkeypatch.setattr(information, "MOST_NUMBERS", MOST_NUMBERS)
    monkeypatch.setattr(information, "MOST_WORK", 100)
    said = standard_errors(state.patterns, state.best()).beyond
    assert said is not None and "would take many minutes" in said


def test_boundaries_are_told_where_errors_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = np.repeat([[1, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 0]], 20, axis=0)
    patterns = pack(data)
    model = last(patterns, 2, n_init=3).best()
    known = standard_errors(patterns, model).boundary
    assert known.any()
    monkeypatch.setattr(information, "MOST_WORK", 1)
    found = standard_errors(patterns, model)
    assert found.beyond is not None
    np.testing.assert_array_equal(found.boundary, known)


def test_errors_can_be_left_between_blocks() -> None:
    patterns = pack(households(400))
    work = finding_errors(patterns, last(patterns, 2, n_init=2).best())
    assert 0 < next(work) < 1
    work.close()


# -- spectra -------------------------------------------------------------------------


def test_the_largest_values_of_a_large_matrix_are_those_of_all() -> None:
    rng = np.random.default_rng(2)
    data = rng.normal(size=(300, 620)) + 3 * rng.normal(size=(300, 1))
    matrix = data.T @ data  # of rank 300
    values, vectors = np.linalg.eigh(matrix)
    found, axes = largest(matrix, 4)
    assert len(found) == 4
    np.testing.assert_allclose(found, values[::-1][:4], rtol=1e-12)
    alike = np.abs((axes * vectors[:, ::-1][:, :4]).sum(axis=0))
    np.testing.assert_allclose(alike, 1, atol=1e-9)
    every, first = drained(whole(matrix, 4))
    np.testing.assert_allclose(every, values[::-1], atol=1e-9 * values[-1])
    alike = np.abs((axes * first).sum(axis=0))
    np.testing.assert_allclose(alike, 1, atol=1e-9)
    np.testing.assert_array_equal(largest(matrix, 4)[1], axes)  # the same again


# -- searches ------------------------------------------------------------------------


def test_starts_agree_by_the_size_of_a_huge_log_likelihood() -> None:
    state = last(pack(households(200)), 2, n_init=3, )  # fmt: skip
    for start, value in zip(state.starts, (-5e8, -5e8 - 0.4, -5e8 - 0.6), strict=True):
        start.progress[0] = 0.0
        _told(start, value)
    assert state.reached == 2
    for start, value in zip(state.starts, (-5e5, -5e5 - 0.004, -5e5 - 0.02),
                            strict=True):  # fmt: skip
        _told(start, value)
    assert state.reached == 2


def _told(start: Start, value: float) -> None:
    """Put a start where it has that log-likelihood."""
    start.finished = True
    at = int(np.argmin(np.abs(start.progress - start.log_likelihood)))
    start.progress[at] = value
    assert start.log_likelihood == value


def candidate(classes: int, bic: float, identified: bool | None) -> Candidate:
    model = LatentClasses(
        np.full(classes, 1 / classes), np.full((classes, 9), 0.5), -1.0, 9, True
    )
    return Candidate(
        model, Criteria(100, 9, -1.0, bic, bic, bic, bic, bic, bic), 400, 0.9, 0.1,
        0.3, 0, 5, 5, identified=identified,
    )  # fmt: skip


def test_classes_that_the_data_do_not_determine_are_not_recommended() -> None:
    table = [candidate(1, 900.0, None), candidate(2, 800.0, True)]
    best = candidate(3, 700.0, None)
    assert recommend([*table, best]).classes == 3
    found = recommend([*table, replace(best, identified=False)])
    assert found.classes == 2
    assert "but the data don't determine all its numbers." in found.reasons[1]


def test_the_recommended_number_of_classes_was_looked_at() -> None:
    rng = np.random.default_rng(3)
    p = np.array([[0.9, 0.9, 0.1, 0.1], [0.1, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.9]])
    data = (rng.random((4000, 4)) < p[rng.integers(3, size=4000)]).astype(int)
    *_, state = select(pack(data), [1, 2, 3], n_init=5, seed=1)
    assert state.recommendation is not None
    looked = {c.classes: c.identified for c in state.candidates}
    assert looked[state.recommendation.classes] is True
    assert len(looked) == 3


def test_a_test_of_classes_is_not_all_but_done_before_it_begins() -> None:
    settings = {
        "n_classes": 2, "n_init": 3, "max_iter": 200, "tol": 1e-6,
        "exhaustive_starts": False, "bootstrap_resamples": 20,
        "robust_errors": False, "confidence_level": 0.95,
    }  # fmt: skip
    values = households(200).astype(np.uint8)
    table = Table(Path(), {"n_rows": 200, "columns": []})
    problem = Problem(values, tuple("abcdef"), 1, table)
    steps = list(lca(problem, settings))
    shares = [step.done / step.total for step in steps]
    first = next(n for n, step in enumerate(steps) if "resample 1/" in step.message)
    assert max(shares[:first]) < 0.3  # it was 0.99: the test was no part of the work
