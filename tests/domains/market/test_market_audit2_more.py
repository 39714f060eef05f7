"""Published answers, and what a first audit's tests would have let through."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from flask_api.domains.market.bayesian.predictive import predictive
from flask_api.domains.market.clusters.hierarchy import cut, tree
from flask_api.domains.market.clusters.kmeans import kmeans
from flask_api.domains.market.correspondence.analysis import fit as map_of
from flask_api.domains.market.correspondence.rows import row_maps
from flask_api.domains.market.factors.extraction import extract
from flask_api.domains.market.factors.fit import fit as factors_of
from flask_api.domains.market.factors.fit_statistics import fit_statistics
from flask_api.domains.market.factors.parallel import Parallel, parallel_analysis
from flask_api.domains.market.factors.rotation import rotate
from flask_api.domains.market.factors.smoothing import smoothed
from flask_api.domains.market.factors.tetrachoric import tetrachoric
from flask_api.domains.market.nonnegative.fit import fit as parts_of
from flask_api.domains.market.patterns.pairs import pairs_of
from flask_api.domains.market.patterns.patterns import pack
from flask_api.domains.market.patterns.spectrum import largest
from tests.domains.market.binary_tables import Floats, leaning, simple_structure

#: 55 pupils after a school meal: nausea, vomiting, abdominal pain, fever, diarrhoea,
#: then whether they ate potatoes, fish, mayonnaise, courgettes, cheese, ice cream. The
#: survey `poison` of Husson, Le, Pages: Exploratory Multivariate Analysis by Example.
PUPILS = """
10111111111 00000111101 01111111111 00000110111 01111111111 00111101111 01111111111
11111111111 10111111111 01011111111 11111111111 01100111111 00111111111 00000110111
00000110101 01111111111 01111111101 11111111111 01111111111 00000110111 00111111111
00111111110 01111111011 01101111111 00111111101 00000111111 01110111111 01111110011
00000111111 11111111111 00111110111 00000110101 00000111111 00000111111 10111011111
11111111111 10101011111 00000111001 00111011111 11111111111 10111111111 00000111111
00111111111 11111111010 01111111011 00111111111 00000110110 00000111111 00000111111
00111111111 00000110111 00111111111 00000110100 01110111111 01111111111
"""


def last(states: Any) -> Any:
    *_, state = states
    return state


def test_food_poisoning_has_the_map_that_factominer_published() -> None:
    # printed by FactoMineR in the reference of factoextra (get_mca, facto_summarize):
    # not and then bought, of the first three products, on five dimensions
    coordinates = [
        [0.2673909, 0.12139029, -0.265583253, 0.03376130, 0.07370500],
        [-0.9581506, -0.43498187, 0.951673323, -0.12097801, -0.26410958],
        [0.4790279, -0.40919465, 0.084492799, 0.27361142, 0.05245250],
        [-0.7185419, 0.61379197, -0.126739198, -0.41041713, -0.07867876],
        [1.3180221, -0.03574501, -0.005094243, -0.15360951, -0.06986987],
        [-0.6411999, 0.01738946, 0.002478280, 0.07472895, 0.03399075],
    ]
    contributions = [
        [1.515869, 0.81100008, 4.670018e00, 0.08449397, 0.48977906],
        [5.431862, 2.90608363, 1.673423e01, 0.30277007, 1.75504164],
        [3.733667, 7.07226253, 3.627455e-01, 4.25893721, 0.19036376],
        [5.600500, 10.60839380, 5.441183e-01, 6.38840581, 0.28554563],
        [15.417637, 0.02943661, 7.192511e-04, 0.73219636, 0.18424268],
        [7.500472, 0.01432051, 3.499060e-04, 0.35620363, 0.08963157],
    ]
    pupil = [-0.3594324, -0.43604390, -1.20932223, 1.72464616, 0.04348157]
    share = [0.02485357, 0.0365775483, 0.2813443706, 0.5722083217, 0.0003637178]
    made = [0.700692, 2.67693398, 24.769968729, 56.404214518, 0.04360547]
    patterns = pack(np.array([[*map(int, answers)] for answers in PUPILS.split()]))
    found = last(map_of(patterns)).answer
    order = [1, 0, 3, 2, 5, 4]
    signs = np.sign(found.coordinates[1] / np.array(coordinates[0]))
    rows = last(row_maps(patterns, found))  # one block
    sixth = patterns.of_row[5]
    # 7 digits are printed
    np.testing.assert_allclose(
        found.coordinates[order] * signs, coordinates, rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(
        100 * found.contributions[order], contributions, rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(rows.coordinates[sixth] * signs, pupil, rtol=1e-6)
    np.testing.assert_allclose(rows.cos2[sixth], share, rtol=1e-6)
    np.testing.assert_allclose(100 * rows.contributions[sixth], made, rtol=1e-6)


def test_ability_tests_have_the_factors_that_r_prints() -> None:
    # ability.cov of R: 112 people, six tests (Bartholomew 1987), as `factanal` prints
    lower = """24.641 5.991 6.700 33.520 18.137 149.831 6.023 1.782 19.424 12.711
    20.755 4.936 31.430 4.757 52.604 29.701 7.204 50.753 9.075 66.762 135.292"""
    covariance = np.zeros((6, 6))
    covariance[np.tril_indices(6)] = [float(cell) for cell in lower.split()]
    covariance += np.tril(covariance, -1).T
    deviations = np.sqrt(np.diag(covariance))
    correlations = covariance / np.outer(deviations, deviations)
    found = last(extract(correlations, 2, "ml"))
    psi = [0.455, 0.589, 0.218, 0.769, 0.052, 0.334]
    np.testing.assert_allclose(found.uniquenesses, psi, atol=5.1e-4)
    unrotated = found.loadings()
    told = fit_statistics(correlations, unrotated, found.uniquenesses, 112)
    assert told.chi2 == pytest.approx(6.11, abs=5.1e-3)
    assert told.p_value == pytest.approx(0.191, abs=5.1e-4)
    promax = rotate(unrotated, "promax")
    loadings = [[0.364, 0.470], [1.023, np.nan], [0.811, np.nan]]
    others = [[np.nan, 0.671], [np.nan, 0.932], [np.nan, 0.508]]
    for place, known in zip([0, 4, 5, 1, 2, 3], loadings + others, strict=True):
        for k in range(2):
            if np.isnan(known[k]):  # R leaves out what is below 0.1
                assert abs(promax.loadings[place, k]) < 0.1
            else:  # R's varimax ends at a change of 1e-5: some thousandths
                assert promax.loadings[place, k] == pytest.approx(known[k], abs=2e-3)
    assert promax.correlations[0, 1] == pytest.approx(0.557, abs=2e-3)


def test_a_later_start_is_kept_where_it_finds_a_smaller_misfit() -> None:
    data, _ = leaning(simple_structure(15, 3, 0.8), 0.4, 60, 1)
    found = last(factors_of(pack(data), 3, extraction="ml", n_init=10)).answer
    assert found.starts[0] - min(found.starts) > 0.2
    assert found.objective == pytest.approx(min(found.starts), rel=1e-9)
    model = found.unrotated @ found.unrotated.T + np.diag(found.uniquenesses)
    observed = found.smoothing.correlations
    misfit = (
        np.linalg.slogdet(model)[1]
        - np.linalg.slogdet(observed)[1]
        + np.trace(np.linalg.solve(model, observed))
        - 15
    )
    assert misfit == pytest.approx(found.objective, rel=1e-6)


def test_fit_statistics_of_data_with_gaps_count_the_fewest_rows_of_a_pair() -> None:
    data, _ = leaning(simple_structure(6, 1, 0.7), 0.0, 400, 3)
    gaps = np.zeros(data.shape, bool)
    gaps[:150, 0] = gaps[100:300, 1] = True
    found = last(factors_of(pack(data, missing=gaps), 1)).answer
    assert found.rows == 100  # rows 300 to 399 know both the first and the second
    told = fit_statistics(
        found.smoothing.correlations, found.unrotated, found.uniquenesses, 100
    )
    assert found.statistics.chi2 == told.chi2
    assert found.tetrachoric.rows[2, 3] == 400


@pytest.mark.parametrize("init", ["nndsvd", "nndsvda"])
def test_a_start_at_the_optimum_stops_at_once(init: str) -> None:
    values = (np.random.default_rng(3).random((120, 17)) < 0.6).astype(np.uint8)
    found = last(parts_of(pack(values), 1, init=init, n_init=1)).answer
    assert found.converged
    assert found.iterations < 20


def test_the_rank_of_many_products_is_that_of_the_whole_table() -> None:
    values = (np.random.default_rng(0).random((660, 640)) < 0.1).astype(np.uint8)
    values[:, 630:] = values[:, :10]  # copies
    found = last(parts_of(pack(values), 2, n_init=1, max_iter=10)).answer
    assert found.rank == np.linalg.matrix_rank(values.astype(float)) == 630


@pytest.mark.parametrize("alike", [True, False])
def test_the_largest_eigenvalues_of_blocks_are_found(alike: bool) -> None:
    # 7 groups of 100 products, half of each the other way round: eigenvalues 1 + 100 c
    sizes = np.ones(7) if alike else np.linspace(1, 0.4, 7)
    signs = np.tile([1.0, -1.0], 350)
    matrix = np.kron(np.diag(sizes), np.ones((100, 100))) * np.outer(signs, signs)
    values, vectors = largest(matrix + np.eye(700), 6)
    np.testing.assert_allclose(values[:6], 1 + 100 * sizes[:6], rtol=1e-12)
    np.testing.assert_allclose(
        matrix @ vectors[:, :6], vectors[:, :6] * (values[:6] - 1), atol=1e-10
    )


def chance_by_hand(
    shares: Floats, gaps: Any, tables: int, random: np.random.Generator
) -> Floats:
    """Eigenvalues of tables drawn one cell after the other, (tables, items)."""
    found = []
    for _ in range(tables):
        drawn = (random.random(gaps.shape) < shares).astype(np.uint8)
        correlations = tetrachoric(pairs_of(pack(drawn, missing=gaps))).correlations
        found.append(np.linalg.eigvalsh(smoothed(correlations).correlations)[::-1])
    return np.array(found)


def test_chance_eigenvalues_of_data_with_gaps_are_those_drawn_by_hand() -> None:
    random = np.random.default_rng(5)
    shares = np.array([0.3, 0.4, 0.5, 0.6, 0.7])
    gaps = np.zeros((200, 5), bool)
    gaps[:120, 0] = gaps[60:160, 3] = True
    values = (random.random(gaps.shape) < shares).astype(np.uint8)
    tables = 250
    ours = last(parallel_analysis(pack(values, missing=gaps), shares, tables, 1))
    known = chance_by_hand(shares, gaps, tables, random)
    error = np.sqrt((ours.eigenvalues.var(axis=0) + known.var(axis=0)) / tables)
    assert (np.abs(ours.mean() - known.mean(axis=0)) < 4 * error).all()
    # of 250 some 12.5 tables exceed the 95 % point; both counts scatter by 3.4
    above = (known > ours.high()).sum(axis=0)
    assert (np.abs(above - 12.5) < 4 * 3.4 * np.sqrt(2)).all()
    whole = chance_by_hand(shares, np.zeros_like(gaps), 100, random)
    assert ours.mean()[0] - whole[:, 0].mean() > 10 * error[0]  # gaps matter


def test_chance_is_what_19_of_20_tables_stay_below() -> None:
    tables = np.arange(1, 22, dtype=float)[:, None] * np.ones(3)
    drawn = Parallel(21, 21, np.random.default_rng(0).permutation(tables))
    # the 20th of 21 in order: 20 of their 20 distances lie below it but one
    np.testing.assert_allclose(drawn.high(), 20.0)
    np.testing.assert_allclose(drawn.mean(), 11.0)
    assert drawn.factors(np.array([20.1, 20.0, 21.0])) == 1
    assert drawn.factors(np.array([20.1, 20.2, 20.3])) == 3


def test_the_largest_group_of_a_tree_comes_first() -> None:
    points = np.array([[9.0], [5.0], [5.1], [0.0], [0.1], [0.2]])
    for method in ("ward", "complete", "average", "single"):
        labels = cut(tree(points, method), 3)
        assert labels.tolist() == [2, 1, 1, 0, 0, 0]


def test_waic_is_its_formula_written_out() -> None:
    told = np.log(np.array([[0.2, 0.5], [0.4, 0.5], [0.9, 0.1]]))
    found = predictive(told, np.array([2.0, 1.0]))
    variance = [((told[:, i] - told[:, i].mean()) ** 2).sum() / 2 for i in (0, 1)]
    each = [-2 * (np.log(np.exp(told[:, i]).mean()) - variance[i]) for i in (0, 1)]
    assert found.waic == pytest.approx(2 * each[0] + each[1], rel=1e-12)
    assert found.effective_parameters == pytest.approx(2 * variance[0] + variance[1])
    mean = (2 * each[0] + each[1]) / 3
    squares = 2 * (each[0] - mean) ** 2 + (each[1] - mean) ** 2
    assert found.waic_se == pytest.approx(np.sqrt(3 * squares / 2), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_few_points_are_grouped_as_well_as_can_be(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(9, 2))
    least = np.inf
    for labels in product(range(3), repeat=8):  # the last one's group is the first
        of = np.array([*labels, 0])
        sums = [points[of == k] for k in range(3)]
        if all(len(some) for some in sums):
            apart = sum(float(((s - s.mean(axis=0)) ** 2).sum()) for s in sums)
            least = min(least, apart)
    found = kmeans(points, 3, np.random.default_rng(0))
    assert found.inertia == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_groups_are_no_wider_than_scikit_learns(seed: int) -> None:
    cluster = pytest.importorskip("sklearn.cluster")

    points = np.random.default_rng(seed).normal(size=(100, 3))
    found = kmeans(points, 15, np.random.default_rng(seed))
    peer = cluster.KMeans(15, n_init=30, random_state=seed).fit(points)
    # Lloyd's steps alone were 2 to 7 % above the best known; moves mend that
    assert found.inertia <= peer.inertia_ * 1.001
    centres = np.stack([points[found.labels == k].mean(axis=0) for k in range(15)])
    np.testing.assert_allclose(found.centres, centres, atol=1e-12)
    apart = float(((points - centres[found.labels]) ** 2).sum())
    assert found.inertia == pytest.approx(apart, rel=1e-12)
    sizes = np.bincount(found.labels)
    squared = ((points[:, None, :] - centres) ** 2).sum(axis=2)
    for point, group in enumerate(found.labels.tolist()):  # no single move wins
        n = int(sizes[group])
        win = squared[point, group] * n / (n - 1) if n > 1 else 0.0
        cost = np.delete(squared[point] * sizes / (sizes + 1), group)
        assert win <= cost.min() + 1e-9
