"""Indices from Fourier spectra: what an output does at the frequencies of an input.

eFAST: all inputs run along one curve, each at a frequency of its own; the output's
spectrum at the frequency of one input and its harmonics is that input's first-order
part, the lower half of the spectrum is what all others do without it.
Saltelli, Tarantola, Chan (1999), doi:10.1080/00401706.1999.10485594.

RBD-FAST: any sample, sorted by one input, up on odd and down on even ranks; so the
input runs through one period. Tarantola, Gatelli, Mara (2006),
doi:10.1016/j.ress.2005.06.003; Plischke (2010), doi:10.1016/j.ress.2009.11.005; its
bias is taken off as in Tissot and Prieur (2012), doi:10.1016/j.ress.2012.06.010.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A part of an index above this is told where it is left out; points of half a wave.
_TELLING, _POINTS = 0.02, 4096


def frequencies(inputs: int, n: int, harmonics: int) -> Ints:
    """The frequency of the input that is asked about, then those of all others.

    n           points of the curve, above 4 harmonics^2
    harmonics   of the first, that are kept free of the others' (M)

    Shape (inputs,). The others share frequencies where there are too few.
    """
    if n <= 4 * harmonics**2:
        raise InputError(
            f"got {n} samples; with {harmonics} harmonics eFAST wants more than "
            f"{4 * harmonics**2} for each curve",
            field="config.samples",
        )
    first = (n - 1) // (2 * harmonics)
    most = first // (2 * harmonics)
    if most >= inputs - 1:
        others = np.floor(np.linspace(1, most, inputs - 1)).astype(np.int64)
    else:
        others = np.arange(inputs - 1) % most + 1
    return np.concatenate([[first], others]).astype(np.int64)


def curve_indices(y: Floats, harmonics: int) -> tuple[float, float]:
    """First-order and total index of the input whose curve `y`, shape (n,), is.

    Both 0 where y does not vary. Equal to SALib's eFAST on its own samples.
    """
    n = len(y)
    first = (n - 1) // (2 * harmonics)
    if _constant(y):
        return 0.0, 0.0
    spectrum = np.fft.rfft(_waving(y))[1 : math.ceil(n / 2)]
    power = spectrum.real**2 + spectrum.imag**2
    whole = float(power.sum())
    own = float(power[np.arange(1, harmonics + 1) * first - 1].sum())
    others = float(power[: first // 2].sum())
    return own / whole, 1 - others / whole


def sorted_indices(x: Floats, y: Floats, harmonics: int) -> tuple[Floats, Floats]:
    """First-order indices of all inputs by RBD-FAST, and their standard errors.

    x           inputs, shape (inputs, n), of a random sample or Latin hypercube (Sobol
                points hold less chance than the bias correction takes off)
    y           output, shape (n,), finite
    harmonics   summed for an input's part (M), 4 harmonics < n

    Shapes (inputs,). 0 for an input or an output that does not vary; an index near 0
    may come out negative: that is noise. Equal to SALib's on the same sample.

    The standard error is that of a share of variance explained by given functions: of
    1 - S, the mean of squared residuals / variance, by the delta method. What chance
    puts into the 2 M waves is a sum of squares, which the delta method counts twice.
    """
    count, n = x.shape
    if n <= 4 * harmonics:
        raise InputError(
            f"got {n} samples with a value; with {harmonics} harmonics RBD-FAST wants "
            f"more than {4 * harmonics}",
            field="config.samples",
        )
    if _constant(y):
        return np.zeros(count), np.zeros(count)
    z = _waving(y)
    variance = float(z @ z) / n
    chance = 2 * harmonics / n
    index, error = np.zeros(count), np.zeros(count)
    for i, column in enumerate(x):
        if column.min() == column.max():
            continue
        order = np.argsort(column)
        along = z[np.concatenate([order[::2], order[1::2][::-1]])]
        spectrum = np.fft.rfft(along)
        own = spectrum[1 : harmonics + 1]
        raw = 2 * float((own.real**2 + own.imag**2).sum()) / (n * n * variance)
        left = (1 - raw) / (1 - chance)  # of the variance, the bias taken off
        index[i] = 1 - left
        spectrum[0] = 0
        spectrum[harmonics + 1 :] = 0
        residual = along - np.fft.irfft(spectrum, n)
        influence = along**2 * left - residual**2 / (1 - chance)
        spread = float(influence @ influence) / (n * variance) ** 2
        noise = 2 * chance / n * left**2
        error[i] = math.sqrt(max(spread - noise, noise))
    return index, error


def left_out(inputs: Mapping[str, Distribution], harmonics: int) -> list[str]:
    """A note on inputs whose index comes out too small, as harmonics are left out.

    A straight line in an input is, along the search curve, a wave of its quantiles:
    where these have long tails or jumps, part of the wave lies above the harmonics.
    """
    u = (np.arange(_POINTS) + 0.5) / _POINTS
    short = {}
    for name, law in inputs.items():
        half = law.ppf(u)
        share = beyond(np.concatenate([half, half[::-1]]), harmonics)
        if share > _TELLING:
            short[name] = share
    if not short:
        return []
    said = ", ".join(f"{name} ({1 - share:.0%})" for name, share in short.items())
    return [
        f"{harmonics} harmonics hold only a part of a straight line in {said}, whose "
        "distributions have long tails or jumps: their first-order indices come out "
        "too small by some such part, which no interval holds; take more harmonics, "
        "or sobol"
    ]


def beyond(wave: Floats, harmonics: int) -> float:
    """Share of the variance of one period that lies above the harmonics."""
    if _constant(wave):
        return 0.0
    power = np.abs(np.fft.rfft(_waving(wave))) ** 2
    power[-1] /= 2  # the highest frequency has no mirror image
    return float(power[harmonics + 1 :].sum() / power.sum())


def _waving(y: Floats) -> Floats:
    """`y` less its mean, in a unit in which its squares are numbers."""
    y = np.ldexp(y, -int(np.frexp(np.abs(y).max())[1]))
    z = y - y.mean()
    return np.asarray(np.ldexp(z, -int(np.frexp(np.abs(z).max())[1])))


def _constant(y: Floats) -> bool:
    """No more spread than rounding leaves in equal values."""
    largest = float(np.abs(y).max())
    return float(np.ptp(y)) <= 8 * float(np.finfo(float).eps) * largest
