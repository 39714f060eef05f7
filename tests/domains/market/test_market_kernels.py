"""What makes the market's models fast gives what the slow way gives."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.bayesian import kernels as bayesian
from flask_api.domains.market.bayesian.choice import sample_choice
from flask_api.domains.market.bayesian.factors import sample_factors
from flask_api.domains.market.bayesian.sampler import Effort
from flask_api.domains.market.choice import (
    enumeration_kernel,
    logit_kernel,
    mixed_kernel,
)
from flask_api.domains.market.correspondence.analysis import fit as map_of
from flask_api.domains.market.correspondence.rows import row_coordinates, row_maps
from flask_api.domains.market.nonnegative import fit as nonnegative
from flask_api.domains.market.nonnegative import kernel as parts_kernel
from flask_api.domains.market.patterns import patterns as patterns_module
from flask_api.domains.market.patterns.patterns import pack

#: Additions in another order: rounding of sums of some tens of numbers below 10.
ROUNDING = 1e-13


def last(states: Any) -> Any:
    *_, state = states
    return state


def purchases(rows: int, items: int, seed: int = 0, share: float = 0.4) -> Any:
    return (np.random.default_rng(seed).random((rows, items)) < share).astype(np.uint8)


@pytest.mark.parametrize("items", [1, 7, 8, 30, 64, 70])
@pytest.mark.parametrize("gaps", [False, True])
def test_sums_by_pattern_are_products_with_the_table(items: int, gaps: bool) -> None:
    random = np.random.default_rng(items)
    data = purchases(200, items, items)
    missing = random.random(data.shape) < 0.2 if gaps else None
    patterns = pack(data, missing)
    bought, otherwise = random.normal(size=(2, items, 3))
    whole = slice(0, patterns.size)
    ones = patterns.ones(whole).astype(float)
    zeros = patterns.seen(whole) - ones
    np.testing.assert_allclose(
        patterns.sums(whole, bought), ones @ bought, rtol=0, atol=ROUNDING * items
    )
    np.testing.assert_allclose(
        patterns.sums(whole, bought, otherwise),
        ones @ bought + zeros @ otherwise,
        rtol=0,
        atol=ROUNDING * items,
    )


@pytest.mark.parametrize("items", [1, 8, 30, 33])
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float64])
def test_every_type_packs_alike_across_blocks(
    monkeypatch: pytest.MonkeyPatch, items: int, dtype: Any
) -> None:
    monkeypatch.setattr(patterns_module, "UNPACKED", 64)
    data = purchases(200, items, 3)
    patterns = pack(data.astype(dtype))
    whole = np.concatenate([patterns.ones(part) for part in patterns.blocks()])
    assert len(patterns.blocks()) == -(-patterns.size // 64)
    np.testing.assert_array_equal(patterns.expand(whole), data)


@pytest.mark.parametrize("gaps", [False, True])
def test_rows_on_a_map_stand_where_their_standardised_purchases_lead(
    gaps: bool,
) -> None:
    data = purchases(500, 12, 1)
    missing = np.random.default_rng(2).random(data.shape) < 0.1 if gaps else None
    patterns = pack(data, missing)
    found = last(map_of(patterns, 4)).answer
    p, whole = found.shares, slice(0, patterns.size)
    z = (patterns.ones(whole) - p) / np.sqrt(p * (1 - p)) * patterns.seen(whole)
    places = z @ found.axes / np.sqrt(12)
    np.testing.assert_allclose(row_coordinates(patterns, found), places, atol=1e-12)
    (block,) = row_maps(patterns, found)
    np.testing.assert_allclose(block.coordinates, places, atol=1e-12)
    far = (z**2).sum(axis=1, keepdims=True) / 12
    np.testing.assert_allclose(block.cos2 * far, places**2, atol=1e-12)


def test_a_row_near_the_centre_keeps_its_digits() -> None:
    """Nearly all buy all: their distance is a millionth of the others'."""
    data = np.ones((4000, 10), np.uint8)
    data[np.arange(40), np.arange(40) % 10] = 0
    patterns = pack(data)
    found = last(map_of(patterns)).answer
    (block,) = row_maps(patterns, found)
    p = found.shares
    z = np.sqrt((1 - p) / p)  # of a row that bought all
    place = z @ found.axes / np.sqrt(10)
    shown = place**2 / (z @ z / 10)
    # both are sums of ten terms of one size: rounding only
    np.testing.assert_allclose(block.cos2[-1], shown, rtol=0, atol=1e-13)


def in_parts(rows: int) -> Any:
    """Purchases that are sums of four parts, and noise."""
    random = np.random.default_rng(4)
    parts, weights = random.random((4, 30)) ** 3, random.random((rows, 4)) ** 2
    return (random.random((rows, 30)) < weights @ parts).astype(np.uint8)


def test_parts_need_fewer_rounds_than_scikit_learn_for_no_larger_error() -> None:
    decomposition = importlib.import_module("sklearn.decomposition")
    data = in_parts(3000)
    peer = decomposition.NMF(4, init="nndsvda", max_iter=2000, tol=1e-4)
    peer.fit(data.astype(float))
    found = last(nonnegative.fit(pack(data), 4, n_init=1)).answer
    assert found.iterations < peer.n_iter_ / 1.5
    assert found.error <= peer.reconstruction_err_ * (1 + 1e-9)


def test_parts_are_the_same_bits_however_often_the_search_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns = pack(in_parts(1000))
    whole = last(nonnegative.fit(patterns, 4, n_init=2, seed=3)).answer
    monkeypatch.setattr(nonnegative, "_WORK", 1)  # each round is a block
    often = last(nonnegative.fit(patterns, 4, n_init=2, seed=3)).answer
    assert often.iterations == whole.iterations
    np.testing.assert_array_equal(often.weights, whole.weights)
    np.testing.assert_array_equal(often.components, whole.components)


def test_warm_leaves_nothing_to_compile_for_bayesian_runs() -> None:
    bayesian.warm()
    kernels: list[Any] = [
        bayesian.each_row(),
        bayesian.bilinear(),
        bayesian.integrated(),
    ]
    before = [list(kernel.signatures) for kernel in kernels]
    assert all(len(signatures) == 1 for signatures in before)
    data = purchases(60, 5, 6)
    missing = np.zeros(data.shape, bool)
    missing[3, 2] = True
    effort = Effort(1, 50, 10)
    holed = pack(data, missing)
    last(sample_factors(pack(data), 1, effort=effort, scores="integrated", seed=1))
    last(sample_factors(holed, 1, effort=effort, scores="integrated", seed=1))
    last(sample_choice(holed, random_effects=True, effort=effort, seed=1))
    assert [list(kernel.signatures) for kernel in kernels] == before


@pytest.mark.parametrize(
    "module", [logit_kernel, mixed_kernel, enumeration_kernel, parts_kernel]
)
def test_warm_readies_the_kernel_that_a_fit_calls(module: Any) -> None:
    module.warm()
    cached = [
        made
        for made in vars(module).values()
        if hasattr(made, "cache_info") and made.cache_info().currsize
    ]
    assert len(cached) == 1
