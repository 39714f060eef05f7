"""Sobol indices of one output from its pick-freeze rows, added up block by block.

A row is the output at two independent points A and B and at their mixtures: AB_j is A
with column j from B, BA_j is B with column j from A. With values centred about c,

    first_j   B (AB_j - A)                              Saltelli et al. (2010)
    total_j   (A - AB_j)^2 / 2                          Jansen (1999)
    second_jk BA_j AB_k - A B - first_j - first_k       Saltelli (2002)
    g         (A^2 + B^2) / 2,     h = (A + B) / 2

every index is mean(feature) / V with V = mean(g) - mean(h)^2: a ratio of means. So its
standard error needs no resampling (delta method: the spread of feature - index g), and
a bootstrap of any size is one product of resampling counts and features.

Sources: doi:10.1016/j.cpc.2009.09.018, doi:10.1016/S0010-4655(98)00154-4,
doi:10.1016/S0010-4655(02)00280-1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.sensitivity.variance.pick_freeze import usable

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

#: Rows whose features are made at a time: they stay in the processor's cache.
_STRIP = 1024
#: Rows of the feature table before the indices' own: valid, h, g.
_HEAD = 3


@dataclass(frozen=True)
class Estimates:
    """Indices of one output with their standard errors.

    rows, failed   rows used, and rows left out because some value was not `usable`
    mean, variance of the output
    constant       it does not vary: all indices are 0
    first, total   shape (columns,); second shape (columns, columns), the part above
                   the diagonal filled, else NaN; None where not asked for
    *_error        standard errors, same shapes
    """

    rows: int
    failed: int
    mean: float
    variance: float
    constant: bool
    first: Floats
    total: Floats
    second: Floats | None
    first_error: Floats
    total_error: Floats
    second_error: Floats | None


def feature_count(columns: int, second: bool) -> int:
    """Length of one row's list of features."""
    return _HEAD + 2 * columns + (columns * (columns - 1) // 2 if second else 0)


class Accumulator:
    """Adds up the features of one output's rows.

    columns     number of inputs or groups, >= 1
    second      rows hold BA_j too, and second-order indices are wanted
    resamples   size of the bootstrap, 0 = none
    """

    def __init__(self, columns: int, second: bool, resamples: int = 0) -> None:
        self.columns, self.second = columns, second
        size = feature_count(columns, second)
        self.rows, self.failed = 0, 0
        self._largest = 0.0
        self._origin: float | None = None  # what the sums below are centred about
        self._sums = np.zeros(size)
        self._values = np.zeros(2 * columns + 2 if second else columns + 2)
        # about each block's own centre: moments for the standard errors
        self._local = np.zeros(size)
        self._squares = np.zeros(size)
        self._with_g = np.zeros(size)
        self._resampled = np.zeros((resamples, size))
        self._block: tuple[Floats, float] | None = None
        self._single: tuple[Singles, Floats] | None = None

    def add(self, y: Floats) -> None:
        """Take a block of rows.

        y   shape (values, n), values in the order A, AB_1.., BA_1.., B (BA only with
            `second`); a row with a value that is not `usable` gets weight 0
        """
        self._block = self._single = None
        good = usable(y)
        n = int(good.sum())
        self.failed += len(good) - n
        if not n:
            return
        sums = y.sum(axis=1) if n == len(good) else y[:, good].sum(axis=1)
        kept = y if n == len(good) else y[:, good]
        self._largest = max(self._largest, float(kept.max()), -float(kept.min()))
        if self._origin is None:
            self._origin = float(sums.sum() / (n * len(y)))
        self.rows += n
        self._values += sums - n * self._origin
        # the mean of all values so far: an estimate about it is as good as any
        centre = self._origin + float(self._values.sum() / (self.rows * len(y)))
        z = y - centre
        z[:, ~good] = 0.0  # then all its features are 0
        table, local = self._features(z, good)
        self._sums += self._moved(local, z.sum(axis=1), centre - self._origin)
        self._block = table, centre - self._origin

    def resample(self, low: int, counts: Floats | Singles) -> None:
        """Take the rows of the last block as some of the resamples hold them.

        low      number of the first of these resamples
        counts   how often each of them holds each row, shape (some resamples, n); in
                 single precision the product is too, which halves its time and leaves
                 an error of some 1e-6 where a resample scatters by 1e-2
        """
        if self._block is None:  # no row of it could be used
            return
        table, up = self._block
        if counts.dtype == np.float32:
            single, unit = self._in_single(table)
            part = (counts @ single.T).astype(np.float64) * unit
        else:
            part = counts @ table.T
        self._shift_head(part, up)
        self._resampled[low : low + len(counts)] += part

    def _in_single(self, table: Floats) -> tuple[Singles, Floats]:
        """`table` in single precision, in units in which no number overflows."""
        if self._single is None:
            size = float(table[2].mean()) or 1.0
            unit = np.full(len(table), size)
            unit[:2] = 1.0, np.sqrt(size)
            self._single = (table / unit[:, None]).astype(np.float32), unit
        return self._single

    def _features(self, z: Floats, good: Flags) -> tuple[Floats, Floats]:
        """The features of centred rows, shape (features, n), and their sums."""
        table = np.empty((len(self._sums), z.shape[1]))
        sums = np.zeros(len(table))
        for low in range(0, z.shape[1], _STRIP):
            strip = table[:, low : low + _STRIP]
            strip[0] = good[low : low + _STRIP]
            _fill(strip, z[:, low : low + _STRIP], self.columns, self.second)
            both = strip @ np.stack([np.ones(strip.shape[1]), strip[2]], axis=1)
            sums += both[:, 0]
            self._with_g += both[:, 1]
            self._squares += np.einsum("kn,kn->k", strip, strip)
        self._local += sums
        return table, sums

    def _moved(self, sums: Floats, values: Floats, up: float) -> Floats:
        """Sums of features about a centre lower by `up` than they were made about.

        values   sums of A, AB_1.., BA_1.., B about the old centre
        """
        out = sums.copy()
        self._shift_head(out[None], up)
        d = self.columns
        a, ab, b = values[0], values[1 : d + 1], values[-1]
        out[_HEAD : _HEAD + d] += up * (ab - a)
        if self.second:
            ba = values[d + 1 : 2 * d + 1]
            first, _ = np.triu_indices(d, 1)
            out[_HEAD + 2 * d :] += up * (ba - ab + a - b)[first]
        return out

    @staticmethod
    def _shift_head(sums: Floats, up: float) -> None:
        """Move sums of h and g, shape (.., features), to a centre lower by `up`."""
        n, h = sums[:, 0], sums[:, 1]
        sums[:, 2] += 2 * up * h + up * up * n
        sums[:, 1] += up * n

    def estimates(self) -> Estimates | None:
        """What the rows so far say; None as long as none could be used."""
        if self._origin is None:
            return None
        n = self.rows
        up = float(self._values.sum() / (n * len(self._values)))
        moved = self._moved(self._sums, self._values, -up) / n
        variance = float(moved[2] - moved[1] ** 2)
        mean = float(self._origin + up + moved[1])
        constant = self._is_constant(variance)
        index = np.zeros(len(moved)) if constant else moved / variance
        error = np.zeros(len(moved)) if constant else self._errors(index, variance)
        first, total, second = self._split(index)
        return Estimates(
            n,
            self.failed,
            mean,
            0.0 if constant else variance,
            constant,
            first,
            total,
            second,
            *self._split(error),
        )

    def _is_constant(self, variance: float) -> bool:
        """No more spread than rounding leaves in equal values."""
        return variance <= (8 * float(np.finfo(float).eps) * self._largest) ** 2

    def _errors(self, index: Floats, variance: float) -> Floats:
        """Delta method: the influence of a row on an index is (f - index g) / V."""
        n = self.rows
        if n < 2:
            return np.full(len(index), np.nan)
        mean = self._local / n
        spread = self._squares / n - mean**2
        common = self._with_g / n - mean * mean[2]
        influence = spread - 2 * index * common + index**2 * spread[2]
        error: Floats = np.sqrt(np.maximum(influence, 0.0) / (n - 1)) / variance
        return error

    def replicates(self) -> tuple[Floats, Floats, Floats | None]:
        """First, total and second-order indices of each resample.

        Shapes (resamples, columns), twice, and (resamples, pairs), pairs in the order
        (0, 1), (0, 2) .. (1, 2) ..; NaN where a resample holds no variance. Where the
        output is constant: 0.
        """
        d = self.columns
        sums = self._resampled
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / sums[:, :1]
            variance = means[:, 2] - means[:, 1] ** 2
            index = means / np.where(variance > 0, variance, np.nan)[:, None]
        known = self.estimates()
        if known is None or known.constant:
            index = np.zeros_like(sums)
        at = _HEAD + d
        return (
            index[:, _HEAD:at],
            index[:, at : at + d],
            index[:, at + d :] if self.second else None,
        )

    def _split(self, row: Floats) -> tuple[Floats, Floats, Floats | None]:
        d = self.columns
        at = _HEAD + d
        if not self.second:
            return row[_HEAD:at], row[at : at + d], None
        return row[_HEAD:at], row[at : at + d], square(row[at + d :], d)


def square(pairs: Floats, columns: int) -> Floats:
    """`pairs` above the diagonal of a square of NaN."""
    out = np.full((columns, columns), np.nan)
    out[np.triu_indices(columns, 1)] = pairs
    return out


def _fill(out: Floats, z: Floats, d: int, second: bool) -> None:
    """The features of rows `z`, shape (values, n), from h on into `out`."""
    a, ab, b = z[0], z[1 : d + 1], z[-1]
    np.add(a, b, out=out[1])
    out[1] *= 0.5
    np.multiply(a, a, out=out[2])
    out[2] += b * b
    out[2] *= 0.5
    first, total = out[_HEAD : _HEAD + d], out[_HEAD + d : _HEAD + 2 * d]
    np.subtract(ab, a, out=total)
    np.multiply(total, b, out=first)
    total *= total
    total *= 0.5
    if not second:
        return
    ba, both, at = z[d + 1 : 2 * d + 1], a * b, _HEAD + 2 * d
    for j in range(d - 1):
        pairs = out[at : at + d - 1 - j]
        np.multiply(ab[j + 1 :], ba[j], out=pairs)
        pairs -= first[j + 1 :]
        pairs -= both + first[j]
        at += d - 1 - j


def indices(y: Floats, *, second: bool) -> Estimates | None:
    """Sobol indices of given outputs, with their standard errors.

    y        shape (values, n), values in the order A, AB_1.., [BA_1..,] B
    second   whether `y` holds BA, and second-order indices are wanted

    None if no row is finite throughout. Equal to SALib on its own samples.
    """
    values = y.shape[0] - 2
    sums = Accumulator(values // 2 if second else values, second)
    sums.add(y)
    return sums.estimates()
