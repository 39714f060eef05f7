"""Correspondence analysis: the long way, a peer, closed forms, and odd tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_api.domains.market.correspondence.analysis import Correspondence, fit
from flask_api.domains.market.correspondence.inertia import inertia
from flask_api.domains.market.correspondence.rows import row_coordinates, row_maps
from flask_api.domains.market.patterns.patterns import Patterns, pack
from flask_api.numerics.errors import InputError
from tests.domains.market.binary_tables import (
    Bytes,
    Floats,
    leaning,
    patterns_of,
    simple_structure,
)


def analysed(patterns: Patterns, components: int) -> Correspondence:
    *_, last = fit(patterns, components)
    assert last.answer is not None and last.done == last.total
    return last.answer


def purchases(rows: int = 400, seed: int = 1) -> Bytes:
    loadings = simple_structure(8, 2, 0.7) + np.linspace(0, 0.3, 8)[:, None] * [1, 0]
    return leaning(loadings, np.linspace(-1, 1, 8), rows, seed)[0]


class LongWay:
    """Correspondence analysis of a table of any numbers >= 0, by decomposing it."""

    def __init__(self, table: Floats) -> None:
        shares = table / table.sum()
        self.rows, self.columns = shares.sum(axis=1), shares.sum(axis=0)
        expected = np.outer(self.rows, self.columns)
        left, sizes, right = np.linalg.svd(
            (shares - expected) / np.sqrt(expected), full_matrices=False
        )
        self.eigenvalues = sizes**2
        self.row_points = left * sizes / np.sqrt(self.rows)[:, None]
        self.column_points = right.T * sizes / np.sqrt(self.columns)[:, None]
        self.contributions = right.T**2
        self.cos2 = self.column_points**2 / (self.column_points**2).sum(
            axis=1, keepdims=True
        )


def indicators(data: Any) -> Floats:
    """Columns by twos: bought, not bought."""
    values = np.asarray(data, dtype=np.float64)
    return np.stack([values, 1 - values], axis=2).reshape(len(values), -1)


def turned(ours: Floats, theirs: Floats) -> Floats:
    """Theirs with the signs of ours."""
    return theirs[:, : ours.shape[1]] * np.sign(
        (ours * theirs[:, : ours.shape[1]]).sum(axis=0)
    )


def test_the_map_is_that_of_the_table_of_indicators() -> None:
    data = purchases()
    patterns = pack(data)
    found, wanted = analysed(patterns, 8), LongWay(indicators(data))
    np.testing.assert_allclose(
        found.eigenvalues, wanted.eigenvalues[:8], rtol=0, atol=1e-14
    )
    for ours, theirs in [
        (found.coordinates, wanted.column_points),
        (patterns.expand(row_coordinates(patterns, found)), wanted.row_points),
    ]:
        np.testing.assert_allclose(ours, turned(ours, theirs), atol=1e-11)
    np.testing.assert_allclose(
        found.contributions, wanted.contributions[:, :8], atol=1e-11
    )
    np.testing.assert_allclose(found.cos2, wanted.cos2[:, :8], atol=1e-11)
    np.testing.assert_allclose(found.masses, wanted.columns, atol=1e-14)
    assert found.total_inertia == pytest.approx(1.0, abs=1e-13)


def test_carcinoma_ratings_agree_with_the_long_way() -> None:
    patterns = patterns_of("carcinoma_patterns.csv")
    found = analysed(patterns, 3)
    data = np.repeat(
        patterns.ones(slice(None)), patterns.counts.astype(np.int64), axis=0
    )
    assert len(data) == 118
    wanted = LongWay(indicators(data))
    np.testing.assert_allclose(found.eigenvalues, wanted.eigenvalues[:7], atol=1e-14)


def test_prince_finds_the_same_map() -> None:
    prince = pytest.importorskip("prince", reason="a peer of development")
    pandas = pytest.importorskip("pandas", reason="a peer of development")
    data = purchases(600)
    names = [f"p{i}" for i in range(8)]
    frame = pandas.DataFrame(data.astype(str), columns=names)
    peer = prince.MCA(n_components=3, engine="scipy").fit(frame)
    patterns = pack(data)
    found = analysed(patterns, 3)
    np.testing.assert_allclose(found.eigenvalues[:3], peer.eigenvalues_, atol=1e-11)
    ours = patterns.expand(row_coordinates(patterns, found))
    theirs = peer.row_coordinates(frame).to_numpy()
    np.testing.assert_allclose(ours, turned(ours, theirs), atol=1e-10)
    columns = peer.column_coordinates(frame).loc[
        [f"{name}__{value}" for name in names for value in (1, 0)]
    ]
    found_columns = turned(found.coordinates, columns.to_numpy())
    np.testing.assert_allclose(found.coordinates, found_columns, atol=1e-10)
    for correction, share in [
        ("benzecri", inertia(found).benzecri_share),
        ("greenacre", inertia(found).greenacre_share),
    ]:
        named = prince.MCA(n_components=3, engine="scipy", correction=correction)
        percent = named.fit(frame).percentage_of_variance_
        # where it keeps fewer dimensions than exceed 1/J it shares among those
        assert percent[0] == pytest.approx(100 * share[0], abs=1e-8)


def test_independent_products_have_equal_eigenvalues() -> None:
    grid = np.array(list(np.ndindex(2, 2, 2, 2)))
    # a full table with products of shares as counts: exactly independent
    counts = np.prod(np.where(grid == 1, [1, 2, 3, 4], [4, 3, 2, 1]), axis=1)
    found = analysed(pack(grid, counts=counts), 4)
    np.testing.assert_allclose(found.eigenvalues, np.full(4, 0.25), atol=1e-15)
    told = inertia(found)
    assert told.shown == 0
    assert not told.benzecri_share.any() and not told.greenacre_share.any()


def test_two_products_have_eigenvalues_of_half_one_plus_and_minus_phi() -> None:
    counts = np.array([40, 10, 20, 30])
    rows = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
    found = analysed(pack(rows, counts=counts), 2)
    phi = (40 * 30 - 10 * 20) / np.sqrt(50 * 50 * 60 * 40)
    np.testing.assert_allclose(found.eigenvalues, [(1 + phi) / 2, (1 - phi) / 2])
    told = inertia(found)
    # Benzecri: ((J/(J-1)) (l - 1/J))^2 = phi^2, all of it on one dimension
    assert told.adjusted == pytest.approx([phi**2, 0.0])
    assert told.benzecri_share == pytest.approx([1.0, 0.0])
    assert told.greenacre_share == pytest.approx([1.0, 0.0])


def test_greenacres_average_is_the_inertia_of_burts_table_off_its_diagonal() -> None:
    data = purchases()
    items = data.shape[1]
    table = indicators(data)
    burt = table.T @ table
    blocks = []
    for i in range(items):
        for j in range(items):
            if i != j:
                block = burt[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                blocks.append(LongWay(block).eigenvalues.sum())
    told = inertia(analysed(pack(data), 2))
    average = float(np.mean(blocks))
    np.testing.assert_allclose(told.greenacre_share * average, told.adjusted)
    assert told.benzecri_share.sum() == pytest.approx(1.0)
    assert told.raw_share.sum() == pytest.approx(1.0)
    assert (told.greenacre_share <= told.benzecri_share + 1e-15).all()


def test_contributions_and_cosines_sum_to_one() -> None:
    data = purchases()
    patterns = pack(data)
    found = analysed(patterns, 8)
    np.testing.assert_allclose(found.contributions.sum(axis=0), np.ones(8))
    np.testing.assert_allclose(found.cos2.sum(axis=1), np.ones(16))
    total = np.zeros(8)
    for block in row_maps(patterns, found):
        np.testing.assert_allclose(block.cos2.sum(axis=1), 1.0, atol=1e-10)
        total += patterns.counts[block.part] @ block.contributions
    np.testing.assert_allclose(total, np.ones(8))


def test_the_mean_of_the_map_is_its_centre_and_its_spread_the_inertia() -> None:
    data = purchases()
    patterns = pack(data)
    found = analysed(patterns, 4)
    rows = patterns.expand(row_coordinates(patterns, found))
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose((rows**2).mean(axis=0), found.eigenvalues[:4])
    np.testing.assert_allclose(found.masses @ found.coordinates, 0, atol=1e-14)
    # a bought column stands in the middle of its rows, stretched
    middle = rows[data[:, 2] == 1].mean(axis=0) / np.sqrt(found.eigenvalues[:4])
    np.testing.assert_allclose(found.bought()[2], middle, atol=1e-12)


def test_a_missing_value_counts_as_the_products_average() -> None:
    data = purchases().astype(np.float64)
    missing = np.random.default_rng(0).random(data.shape) < 0.2
    shares = np.ma.array(data, mask=missing).mean(axis=0).filled(np.nan)
    fuzzy = np.where(missing, shares, data)
    patterns = pack(data, missing)
    found, wanted = analysed(patterns, 3), LongWay(indicators(fuzzy))
    np.testing.assert_allclose(found.eigenvalues, wanted.eigenvalues[:8], atol=1e-13)
    assert found.total_inertia < 1
    for ours, theirs in [
        (found.coordinates, wanted.column_points),
        (patterns.expand(row_coordinates(patterns, found)), wanted.row_points),
    ]:
        np.testing.assert_allclose(ours, turned(ours, theirs), atol=1e-10)
    np.testing.assert_allclose(found.cos2, wanted.cos2[:, :3], atol=1e-11)
    blocks = np.concatenate([b.coordinates for b in row_maps(patterns, found)])
    np.testing.assert_allclose(blocks, row_coordinates(patterns, found), atol=1e-13)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(8)))
def test_permuting_products_permutes_the_map(seed: int, order: list[int]) -> None:
    data = purchases(300, seed)
    plain, moved = analysed(pack(data), 1), analysed(pack(data[:, order]), 1)
    np.testing.assert_allclose(moved.eigenvalues, plain.eigenvalues, atol=1e-14)
    np.testing.assert_allclose(moved.bought(), plain.bought()[order], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 7))
def test_calling_bought_not_bought_swaps_two_columns(seed: int, product: int) -> None:
    data = purchases(300, seed)
    other = data.copy()
    other[:, product] = 1 - other[:, product]
    plain, swapped = analysed(pack(data), 1), analysed(pack(other), 1)
    order = np.arange(16)
    order[2 * product], order[2 * product + 1] = 2 * product + 1, 2 * product
    # the sign of a dimension may turn with it
    ours, theirs = swapped.coordinates, plain.coordinates[order]
    np.testing.assert_allclose(ours, turned(ours, theirs), atol=1e-9)


def test_copies_take_dimensions_away_and_are_named() -> None:
    data = purchases()
    data = np.column_stack([data, data[:, 0], 1 - data[:, 1]])
    found = analysed(pack(data), 8)
    assert found.rank == 8
    assert found.copies == ((0, 8, False), (1, 9, True))
    np.testing.assert_allclose(found.coordinates[0], found.coordinates[16], atol=1e-12)
    with pytest.raises(InputError, match="have 8 dimensions") as caught:
        analysed(pack(data), 9)
    assert caught.value.field == "params.n_components"


def test_fewer_rows_than_products_have_fewer_dimensions() -> None:
    data = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]])
    assert analysed(pack(data), 2).rank == 2


@pytest.mark.parametrize(
    ("data", "components", "words", "field"),
    [
        ([[1, 0, 1]], 1, "one row", "data"),
        ([[1], [0]], 1, "1 product", "product_columns"),
        ([[0, 0], [0, 0]], 1, "always 0", "product_columns"),
        ([[1, 0], [1, 1]], 1, "column 1 .always 1", "product_columns"),
        ([[1, 0], [0, 1], [1, 1]], 3, "3 components for 2", "n_components"),
        ([[1, 0], [0, 1], [1, 1]], 0, "0 components", "n_components"),
    ],
)
def test_tables_without_a_map_are_refused(
    data: list[list[int]], components: int, words: str, field: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        analysed(pack(np.array(data)), components)
    assert caught.value.field in (field, f"params.{field}")


def test_the_data_are_read_in_blocks_that_can_be_left() -> None:
    data = (np.random.default_rng(1).random((40_000, 24)) < 0.5).astype(np.uint8)
    patterns = pack(data)
    states = [(state.done, state.answer is None) for state in fit(patterns, 2)]
    assert len(states) == len(patterns.blocks()) + 1
    assert all(running for _, running in states[:-1]) and not states[-1][1]
    assert states[0][0] < patterns.size == states[-1][0]
