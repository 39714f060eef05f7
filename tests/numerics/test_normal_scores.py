"""Normal scores: exact to the last digits, and the same bits by either path."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtri

from flask_api.numerics import normal_scores as scores
from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import BLOCK, blocks
from flask_api.numerics.distributions import make
from flask_api.numerics.normal_scores import mixed, mixer, normal_scores
from flask_api.numerics.normal_scores_compiled import TILE, compiled
from flask_api.numerics.sampling import Sampler
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Shares and their scores, by Newton's steps in 40 digits on the error function.
KNOWN = [
    (0.25, -0.6744897501960817),
    (0.6859106949974794, 0.48429206016466725),
    (0.075, -1.439531470938456),
    (0.925, 1.4395314709384561),
    (0.9, 1.2815515655446006),
    (0.01, -2.326347874040841),
    (0.999, 3.090232306167813),
    (1e-05, -4.264890793922825),
    (0.9999999990686774, 6.009353565530744),
    (1e-10, -6.361340902404057),
    (1.4e-11, -6.656723091518184),
    (1e-12, -7.034483825301132),
    (0.9999999999999999, 8.209536151601387),
    (1e-20, -9.262340089798407),
    (1e-100, -21.273453560965326),
    (1e-300, -37.0470962993612),
    (0.5000000000009095, 2.2797651350911116e-12),
]
#: Scores of the algorithm differ from the truth by 6.4e-16 of it at most, as measured
#: against 40 digits at 3,900 shares (scipy's by 5.1e-16).
EXACT = 1e-15


def everywhere(n: int) -> Floats:
    """Shares of all sizes: even, near both ends, near the middle, and at the seams."""
    rng = stream(7)
    tiny = 10.0 ** -rng.uniform(1, 300, n)
    seams = np.array([0.075, 0.925, 0.5, math.exp(-25), 2.0**-54, 1 - 2.0**-53])
    beside = [np.nextafter(seams, 0), seams, np.nextafter(seams[:-1], 1)]
    near = 0.5 + rng.uniform(-1, 1, n) * 10.0 ** -rng.uniform(0.4, 16, n)
    ends = 1 - np.maximum(2.0**-53, 10.0 ** -rng.uniform(1, 16, n))
    return np.concatenate([rng.random(n), tiny, near, ends, *beside])


@pytest.mark.parametrize(("share", "score"), KNOWN)
def test_scores_are_exact_in_the_middle_and_the_tails(
    share: float, score: float
) -> None:
    assert normal_scores(np.array([share]))[0] == pytest.approx(score, rel=EXACT)


def test_scores_are_those_of_scipy_and_of_the_same_algorithm_in_python() -> None:
    u = everywhere(4_000)
    z = normal_scores(u)
    np.testing.assert_allclose(z, ndtri(u), rtol=2 * EXACT, atol=0)
    plain = statistics.NormalDist()  # AS 241 too
    known = np.array([plain.inv_cdf(p) for p in u.tolist()])
    np.testing.assert_allclose(z, known, rtol=2 * EXACT, atol=0)


def test_scores_rise_and_mirror() -> None:
    u = np.sort(stream(1).random(20_000))
    z = normal_scores(u)
    assert (np.diff(z) >= 0).all()
    half: Floats = np.arange(1.0, 1 << 12) * 2.0**-13
    assert (normal_scores(half) == -normal_scores(1 - half)).all()
    assert normal_scores(np.array([0.5]))[0] == 0


@pytest.mark.parametrize("n", [1, 2, TILE - 1, TILE, TILE + 1, 3 * TILE + 7])
def test_compiled_code_and_numpy_give_the_same_bits(n: int) -> None:
    shares, rng = everywhere(4 * TILE), stream(2)
    u = rng.permuted(np.tile(shares, (6, 1)), axis=1)[:, :n].copy()
    factor = np.tril(rng.normal(size=(6, 6)))
    one, other = mixed(u.copy(), factor), compiled()(u.copy(), factor)
    assert one.tobytes() == other.tobytes()
    np.testing.assert_allclose(one, factor @ ndtri(u), rtol=1e-12, atol=1e-12)


def test_a_column_does_not_depend_on_those_beside_it() -> None:
    u, factor = stream(3).random((4, 5_000)), np.tril(stream(4).normal(size=(4, 4)))
    for mix in (mixed, compiled()):
        whole = mix(u.copy(), factor)
        parts = [mix(u[:, a:b].copy(), factor) for a, b in ((0, 77), (77, 5_000))]
        assert whole.tobytes() == np.hstack(parts).tobytes()


def test_a_run_has_the_same_draws_by_either_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n = 2 * BLOCK
    inputs = {
        name: make({"kind": "lognormal", "mu": 0, "sigma": 1}) for name in "abcde"
    }
    ranks = np.full((4, 4), 0.4) + 0.6 * np.eye(4)

    def run() -> list[bytes]:
        sampler = Sampler(
            inputs, n, seed=2, correlation=Correlation(tuple("abde"), ranks)
        )
        drawn = [sampler.block(start, m) for start, m in blocks(n)]
        return [np.concatenate([x[name] for x in drawn]).tobytes() for name in inputs]

    monkeypatch.setattr(scores, "LEAST_IMPORTED", 4 * n)
    fast = run()
    monkeypatch.setattr(scores, "LEAST_IMPORTED", 4 * n + 1)
    assert mixer(4 * n) is mixed
    assert run() == fast


def test_few_draws_import_no_numba() -> None:
    code = (
        "import sys, numpy as np\n"
        "from flask_api.numerics.correlation import Correlation\n"
        "from flask_api.numerics.distributions import make\n"
        "from flask_api.numerics.sampling import Sampler\n"
        "one = make({'kind': 'normal', 'mean': 0, 'std': 1})\n"
        "tied = Correlation(('a', 'b'), np.array([[1, 0.5], [0.5, 1]]))\n"
        "Sampler({'a': one, 'b': one}, 10_000, seed=1, correlation=tied).block(0, 64)\n"
        "assert 'numba' not in sys.modules\n"
        "Sampler({'a': one, 'b': one}, 1 << 21, seed=1, correlation=tied)\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
