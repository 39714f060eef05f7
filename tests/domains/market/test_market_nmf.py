"""Non-negative factorisation: exact tables, scikit-learn, optimality, odd data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.market.nonnegative import fit as fit_module
from flask_api.domains.market.nonnegative import kernel, starts
from flask_api.domains.market.nonnegative.fit import fit
from flask_api.domains.market.nonnegative.parts import Parts, hoyer
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.binary_tables import (
    Bytes,
    Floats,
    leaning,
    patterns_of,
    simple_structure,
)


def fitted(patterns: Patterns, components: int, **settings: Any) -> Parts:
    *_, last = fit(patterns, components, **settings)
    assert last.phase == "finished" and last.answer is not None
    return last.answer


def purchases(items: int = 12, factors: int = 3, rows: int = 500) -> Bytes:
    data, _ = leaning(simple_structure(items, factors, 0.75), 0.4, rows, 1)
    return data


def error_of(data: Bytes, patterns: Patterns, parts: Parts) -> float:
    rows = patterns.expand(parts.weights) @ parts.components
    return float(np.sqrt(((data - rows) ** 2).sum()))


def blocks_of_products() -> Bytes:
    """Three groups of products that are bought whole: rank 3, and no overlap."""
    groups = np.kron(np.eye(3, dtype=np.uint8), np.ones((1, 4), np.uint8))
    mixes = np.array(list(np.ndindex(2, 2, 2)), dtype=np.uint8)
    return np.repeat(mixes @ groups, [5, 9, 7, 3, 8, 2, 4, 6], axis=0)


@pytest.mark.parametrize("init", ["nndsvda", "nndsvd", "random"])
def test_a_table_of_three_parts_is_given_back_exactly(init: str) -> None:
    data = blocks_of_products()
    patterns = pack(data)
    found = fitted(patterns, 3, init=init, tol=1e-12, max_iter=5000)
    assert found.rank == 3 and found.error < 1e-6
    assert found.explained == pytest.approx(1.0, abs=1e-12)
    assert found.shares.sum() == pytest.approx(1.0, abs=1e-6)
    # each part is one group, of length 1: four products of 0.5
    np.testing.assert_allclose(np.sort(found.components.sum(axis=0)), 0.5, atol=1e-5)
    np.testing.assert_allclose(found.components.max(axis=0), 0.5, atol=1e-5)
    # Hoyer of 4 equal entries among 12: (sqrt(12) - 2) / (sqrt(12) - 1)
    expected = (np.sqrt(12) - 2) / (np.sqrt(12) - 1)
    np.testing.assert_allclose(found.sparsity, expected, atol=1e-4)


@pytest.mark.parametrize("rounds", [1, 2, 7, 30])
@pytest.mark.parametrize("components", [1, 3, 6])
def test_without_a_push_rounds_are_those_of_scikit_learn(
    rounds: int, components: int
) -> None:
    peer = pytest.importorskip("sklearn.decomposition")
    data = purchases()
    patterns = pack(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was not given rounds enough, on purpose
        theirs = peer.NMF(
            components, init="nndsvda", max_iter=rounds, tol=1e-30, random_state=0
        )
        weights = theirs.fit_transform(data.astype(np.float64))
    found = fitted(patterns, components, max_iter=rounds, tol=1e-30, push=0.0, n_init=1)
    assert theirs.n_iter_ == rounds
    # one part starts at its optimum (the first singular vector): nothing is left to do
    assert found.iterations == (min(rounds, 2) if components == 1 else rounds)
    ours = patterns.expand(found.weights) @ found.components
    # its singular vectors are from a randomised algorithm, ours exact
    np.testing.assert_allclose(ours, weights @ theirs.components_, atol=2e-5)
    assert found.error == pytest.approx(theirs.reconstruction_err_, rel=1e-7)


@pytest.mark.parametrize("threshold", [0.0, 1.2])
def test_the_error_is_no_larger_than_scikit_learns_after_no_more_rounds(
    threshold: float,
) -> None:
    peer = pytest.importorskip("sklearn.decomposition")
    data, _ = leaning(simple_structure(20, 4, 0.7), threshold, 2000, 3)
    theirs = peer.NMF(4, init="nndsvda", max_iter=2000, random_state=0)
    theirs.fit(data.astype(np.float64))
    found = fitted(pack(data), 4, n_init=1)
    assert found.converged and found.iterations <= theirs.n_iter_
    assert found.error <= theirs.reconstruction_err_ * (1 + 1e-9)


def test_at_rest_no_entry_can_be_moved_to_lessen_the_error() -> None:
    data = purchases()
    patterns = pack(data)
    found = fitted(patterns, 3, tol=1e-10, max_iter=20_000, n_init=1)
    w, h = patterns.expand(found.weights), found.components
    rest = data - w @ h
    for slope, x in [(-rest @ h.T, w), (-w.T @ rest, h)]:
        # 0 where an entry is free, >= 0 where it is held at 0
        assert np.abs(slope[x > 1e-7]).max() < 1e-4
        assert slope[x <= 1e-7].min() > -1e-4
    # so the error and what is given back are at right angles
    assert found.shares.sum() == pytest.approx(found.explained, abs=1e-6)
    assert (rest * (w @ h)).sum() == pytest.approx(0, abs=1e-2)


def test_shares_and_errors_are_what_they_say() -> None:
    data = purchases()
    patterns = pack(data)
    found = fitted(patterns, 3)
    error = error_of(data, patterns, found)
    assert found.error == pytest.approx(error, rel=1e-12)
    assert found.rmse == pytest.approx(error / np.sqrt(data.size), rel=1e-12)
    assert found.explained == pytest.approx(1 - error**2 / data.sum(), rel=1e-12)
    about = ((data - data.mean(axis=0)) ** 2).sum()
    assert found.explained_variance == pytest.approx(1 - error**2 / about, rel=1e-10)
    np.testing.assert_allclose(np.linalg.norm(found.components, axis=1), 1.0)
    assert (np.diff(found.shares) <= 0).all()
    assert found.components.min() >= 0 and found.weights.min() >= 0


def test_the_best_single_part_is_the_first_singular_vector() -> None:
    data = purchases()
    found = fitted(pack(data), 1, tol=1e-12, max_iter=5000)
    _, sizes, right = np.linalg.svd(data.astype(np.float64))
    np.testing.assert_allclose(found.components[0], np.abs(right[0]), atol=1e-6)
    assert found.explained == pytest.approx(sizes[0] ** 2 / data.sum(), abs=1e-10)


def test_patterns_with_counts_are_the_repeated_rows() -> None:
    patterns = patterns_of("lsat6_patterns.csv")
    data = np.repeat(
        patterns.ones(slice(None)), patterns.counts.astype(np.int64), axis=0
    )
    counted, repeated = fitted(patterns, 2), fitted(pack(data), 2)
    assert counted.error == repeated.error
    np.testing.assert_array_equal(counted.components, repeated.components)


def test_starts_tell_how_stable_parts_are() -> None:
    clear = fitted(pack(blocks_of_products()), 3, n_init=6)
    assert clear.stability is not None and clear.reached == 6
    np.testing.assert_allclose(clear.stability, 1.0, atol=1e-4)
    noise = (np.random.default_rng(1).random((300, 12)) < 0.5).astype(np.uint8)
    vague = fitted(pack(noise), 6, n_init=6)
    assert vague.stability is not None and vague.stability.min() < 0.95
    assert list(vague.starts) == sorted(vague.starts) and len(vague.starts) == 6
    assert fitted(pack(noise), 2, n_init=1).stability is None


def test_hoyers_sparsity_of_known_lines() -> None:
    lines = np.array([[0, 0, 0, 3.0], [2, 2, 2, 2], [1, 1, 0, 0], [0, 0, 0, 0]])
    half = 2 - np.sqrt(2)  # (sqrt(4) - 2 / sqrt(2)) / (sqrt(4) - 1)
    assert hoyer(lines, np.ones(4)) == pytest.approx([1, 0, half, 1])
    counts = np.array([3.0, 1.0])
    long = np.array([[0.2, 0.2, 0.2, 0.7]])
    short = hoyer(np.array([[0.2, 0.7]]), counts)
    assert short == pytest.approx(hoyer(long, np.ones(4)))


def test_groups_of_products_are_recovered() -> None:
    random = np.random.default_rng(4)
    groups = np.kron(np.eye(4), np.ones((1, 5)))
    wants = random.random((3000, 4)) < 0.3
    data = (random.random((3000, 20)) < 0.03 + 0.8 * (wants @ groups)).astype(np.uint8)
    found = fitted(pack(data), 4)
    likeness = found.components @ (groups / np.sqrt(5)).T
    # one part for each group, and next to nothing of the others
    assert (np.sort(likeness, axis=1)[:, -1] > 0.97).all()
    assert sorted(likeness.argmax(axis=1)) == [0, 1, 2, 3]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(10)))
def test_permuting_products_permutes_parts(seed: int, order: list[int]) -> None:
    data, _ = leaning(simple_structure(10, 2, 0.8), 0.3, 400, seed)
    plain = fitted(pack(data), 2, n_init=1, max_iter=30)
    moved = fitted(pack(data[:, order]), 2, n_init=1, max_iter=30)
    assert moved.error == pytest.approx(plain.error, rel=1e-9)
    np.testing.assert_allclose(moved.components, plain.components[:, order], atol=1e-7)


def test_the_same_seed_gives_the_same_bits_and_a_fit_can_be_watched() -> None:
    patterns = pack(purchases())
    once, again = (fitted(patterns, 3, seed=8) for _ in range(2))
    np.testing.assert_array_equal(once.components, again.components)
    assert once.starts == again.starts
    done = -1.0
    for state in fit(patterns, 3, n_init=3):
        assert state.done >= done
        done = state.done
        if state.current is not None and state.current.trace:
            assert state.best is not None
            assert state.best.squares <= state.current.squares
    assert done == 3


def test_more_blocks_of_rounds_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = pack(purchases())
    whole = fitted(patterns, 3, push=0.0)
    monkeypatch.setattr(fit_module, "_WORK", 1)  # a look after each round
    parts = fitted(patterns, 3, push=0.0)
    np.testing.assert_array_equal(whole.components, parts.components)


def test_products_never_or_always_bought_and_copies_are_named() -> None:
    data = purchases()
    data = np.column_stack([data, np.zeros_like(data[:, 0]), np.ones_like(data[:, 0])])
    data = np.column_stack([data, data[:, 0]])
    found = fitted(pack(data), 3)
    assert found.never == (12,) and (0, 14, False) in found.copies
    assert not found.components[:, 12].any()
    np.testing.assert_allclose(found.components[:, 0], found.components[:, 14])


def test_more_parts_than_the_rank_still_give_the_table_back() -> None:
    found = fitted(pack(blocks_of_products()), 5, tol=1e-12, max_iter=5000)
    assert found.rank == 3 and found.error < 1e-4
    assert np.isfinite(found.components).all()


def test_one_pattern_alone_is_one_part_without_variance() -> None:
    found = fitted(pack(np.tile([1, 0, 1], (9, 1))), 1)
    assert found.error < 1e-6 and found.explained_variance is None


@pytest.mark.parametrize(
    ("given_settings", "words", "field"),
    [
        ({"components": 4}, "4 components for 3 products", "n_components"),
        ({"components": 0}, "0 components", "n_components"),
        ({"components": 1, "init": "kmeans"}, "kmeans", "init"),
        ({"components": 1, "n_init": 0}, "0 starts", "n_init"),
        ({"components": 1, "max_iter": 0}, "0 iterations", "max_iter"),
        ({"components": 1, "tol": 0.0}, "more than 0", "tol"),
        ({"components": 1, "push": 1.0}, "push", "push"),
    ],
)
def test_settings_out_of_range_are_refused(
    given_settings: dict[str, Any], words: str, field: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        fitted(pack(np.eye(3, dtype=np.uint8)), **given_settings)
    assert caught.value.field in (field, f"params.{field}")


def test_data_without_parts_are_refused() -> None:
    with pytest.raises(InputError, match="nothing was bought"):
        fitted(pack(np.zeros((4, 3))), 1)
    with pytest.raises(InputError, match="one row"):
        fitted(pack(np.ones((1, 3))), 1)
    missing = np.eye(3, dtype=bool)
    with pytest.raises(InputError, match="missing values") as caught:
        fitted(pack(np.ones((3, 3)), missing), 1)
    assert caught.value.field == "missing"


def step_by_hand(x: Floats, w: Floats, h: Floats) -> tuple[Floats, Floats]:
    """One round of coordinate descent in plain loops."""
    w, h = w.copy(), h.copy()
    for k in range(w.shape[1]):
        if h[k].any():
            rest = x - w @ h + np.outer(w[:, k], h[k])
            w[:, k] = np.maximum(rest @ h[k] / (h[k] @ h[k]), 0)
    for k in range(w.shape[1]):
        if w[:, k].any():
            rest = x - w @ h + np.outer(w[:, k], h[k])
            h[k] = np.maximum(w[:, k] @ rest / (w[:, k] @ w[:, k]), 0)
    return w, h


@pytest.mark.parametrize("items", [3, 8, 13, 70])
@pytest.mark.parametrize("components", [1, 4, 5, 9])
def test_a_compiled_round_is_one_of_coordinate_descent(
    items: int, components: int
) -> None:
    random = np.random.default_rng(items)
    data = (random.random((130, items)) < 0.4).astype(np.uint8)
    patterns = pack(data)
    rows = patterns.ones(slice(None)).astype(np.float64)
    scale = np.sqrt(patterns.counts)[:, None]
    w0 = random.random((patterns.size, components))
    h0 = random.random((components, items))
    start = starts._start("random", w0, h0.T)
    kernel.descend()(
        *kernel.tiled(patterns.codes, patterns.counts),
        components,
        float(data.sum()),
        start.tiles,
        start.products,
        start.ahead,
        1,
        0.0,
        1e-30,
        start.progress,
    )
    wanted_w, wanted_h = step_by_hand(scale * rows, scale * w0, h0)
    ours = start.weights(patterns.size, components)
    np.testing.assert_allclose(ours * scale, wanted_w, atol=1e-10)
    np.testing.assert_allclose(
        start.products[:items, :components].T, wanted_h, atol=1e-10
    )
    error = ((scale * rows - wanted_w @ wanted_h) ** 2).sum()
    assert start.squares == pytest.approx(error, rel=1e-9)
