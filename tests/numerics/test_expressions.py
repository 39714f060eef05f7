"""Formulas: Python's own reading of the same text is the oracle, and nothing else runs.

The oracle evaluates only texts that this file makes.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flask_api.numerics.errors import InputError
from flask_api.numerics.expressions import BLOCK, Expressions, Floats, read

XY = {"x": 1.5, "y": -0.75}


def one(text: str, **values: float) -> float:
    """The value of a formula of x, y and z at one point."""
    names = {**XY, **values}
    return float(read({"f": text}, names).evaluate(names)["f"][0])


def refusal(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read({"f": text}, ["x", "y", "units"], {"f": "model.formula"})
    assert caught.value.field == "model.formula"
    return caught.value


# -- what is understood ------------------------------------------------------------


def _joined(parts: st.SearchStrategy[str], signs: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(parts, st.sampled_from(signs), parts).map(" ".join)


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    truths = st.one_of(
        _joined(inner, ["<", "<=", ">", ">="]),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]} < {t[1]} <= {t[2]}"),
        st.tuples(inner, inner).map(lambda t: f"not {t[0]} < {t[1]}"),
        st.tuples(*[inner] * 4, st.sampled_from(["and", "or", "and not"])).map(
            lambda t: f"{t[0]} < {t[1]} {t[4]} {t[2]} > {t[3]}"
        ),
    )
    return st.one_of(
        _joined(inner, ["+", "-", "*", "- -", "* -"]),
        inner.map(lambda t: f"({t})"),
        inner.map(lambda t: f"-{t}"),
        inner.map(lambda t: f"{t} ** 2.0"),
        inner.map(lambda t: f"2.0 ** -({t}) / 3.0"),
        st.tuples(st.sampled_from(["abs", "sin", "cos", "tanh"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"max({t[0]}, {t[1]}, {t[2]})"),
        st.tuples(truths, inner, inner).map(lambda t: f"where({t[0]}, {t[1]}, {t[2]})"),
    )


TEXTS = st.recursive(
    st.sampled_from(["x", "y", "2.0", "0.5", "3.0", ".25", "1e-1"]),
    _numbers,
    max_leaves=15,
)
PYTHON: dict[str, Any] = {
    "__builtins__": {},
    **{name: getattr(math, name) for name in ("sin", "cos", "tanh")},
    "abs": abs,
    "max": max,
    "where": lambda c, a, b: a if c else b,
    **XY,
}


@given(TEXTS)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_a_formula_means_what_it_means_in_python(text: str) -> None:
    try:
        wanted = eval(text, PYTHON)
    except (OverflowError, ZeroDivisionError):
        assume(False)
    assume(not isinstance(wanted, complex) and abs(wanted) < 1e9)
    # roundings of two libraries' sin, cos and pow, through a few subtractions
    assert one(text) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-2**2", -4),
        ("2**3**2", 512),
        ("2**-1", 0.5),
        ("-2**-2", -0.25),
        ("8/4/2", 1),
        ("8-4-2", 2),
        ("1 < 2 < 3", 1),
        ("3 > 2 > 2", 0),
        ("1 + (2 > 1) + (2 > 1)", 3),
        ("not 1 < 2", 0),
        ("not not x", 1),
        ("1 or 1/x and 0", 1),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("floor(-0.5) + ceil(0.5)", 0),
        ("sqrt(16) + log(exp(2)) + log10(1000)", 9),
        ("tan(0) + tanh(0) + sin(0) + cos(0) + abs(-1)", 2),
        ("1.e2 + .5E1 + 1e+0", 106),
        ("x\n\t+ y\r\n", 0.75),
        ("((((x))))", 1.5),
        ("+x", 1.5),
        ("x == 1.5 and y != 1.5", 1),
    ],
)
def test_signs_bind_as_in_python(text: str, wanted: float) -> None:
    assert one(text) == pytest.approx(wanted, rel=1e-15)


def test_whole_columns_are_computed_as_numpy_does() -> None:
    x, y, z = np.random.default_rng(0).uniform(-3, 3, (3, 2 * BLOCK + 7))
    formulas = {
        "ishigami": "sin(x) + 7 * sin(y)**2 + 0.1 * z**4 * sin(x)",
        "split": "where(0 < x <= 2 or y > z, x * y, -exp(z))",
    }
    got = read(formulas, "xyz").evaluate({"x": x, "y": y, "z": z})
    wanted = np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)
    assert np.array_equal(got["ishigami"], wanted)
    inside = ((x > 0) & (x <= 2)) | (y > z)
    assert np.array_equal(got["split"], np.where(inside, x * y, -np.exp(z)))


def test_a_number_stands_for_a_column_of_it() -> None:
    x = np.arange(5.0)
    found = read({"a": "x * y", "b": "3", "c": "y"}, ["x", "y"])
    got = found.evaluate({"x": x, "y": 2.0})
    assert got["a"].tolist() == [0, 2, 4, 6, 8]
    assert got["b"].tolist() == [3] * 5
    assert got["c"].tolist() == [2] * 5
    assert found.evaluate({"x": 1.0, "y": 2.0})["a"].tolist() == [2]


def test_only_the_wanted_outputs_are_computed() -> None:
    found = read({"a": "x + 1", "b": "log(x) * 2"}, ["x"])
    assert list(found.evaluate({"x": 1.0}, ["b"])) == ["b"]
    assert found.names == {"x"}


def test_a_part_that_formulas_share_is_computed_once() -> None:
    found = read({"a": "exp(x) + 1", "b": "exp(x) * exp(x)"}, ["x"])
    assert [step.operation for step in found.steps].count("exp") == 1


def test_work_is_reported_block_by_block_and_can_be_ended() -> None:
    calls: list[int] = []
    x = np.zeros(3 * BLOCK)
    read({"f": "x"}, ["x"]).evaluate({"x": x}, between=lambda: calls.append(1))
    assert len(calls) == 3

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read({"f": "x"}, ["x"]).evaluate({"x": x}, between=stop)


# -- rows without an answer --------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1 / zero",
        "1 / (1 / zero)",
        "tanh(1 / zero)",
        "zero ** -1",
        "log(zero)",
        "exp(log(zero))",
        "log10(zero)",
        "sqrt(-x)",
        "log(-x)",
        "(-x) ** 0.5",
        "exp(1000 * x)",
        "x * 1e300 * 1e300",
        "exp(1000 * x) - exp(1000 * x)",
        "1 / zero > 2",
        "not 1 / zero",
        "where(1 / zero > 2, 1, 0)",
        "min(1, 1 / zero)",
        "max(1, log(-x))",
        "(1 / zero > 2) + 1",
        "1 / zero == 1 / zero",
    ],
)
def test_a_row_without_a_finite_value_is_nan(text: str) -> None:
    assert math.isnan(one(text, zero=0.0))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("where(x > 2, log(-x), 5)", 5),  # the branch not taken does not count
        ("x < 0 and log(-x) > 0", 0),  # nor what can't change a truth
        ("x > 0 or log(-x) > 0", 1),
        ("1 / (1 + exp(1000 * x))", 0),  # too large is still a number
        ("tanh(exp(1000 * x))", 1),
        ("zero ** 0", 1),
        ("0 ** x", 0),
    ],
)
def test_what_has_a_value_keeps_it(text: str, wanted: float) -> None:
    assert one(text, zero=0.0) == wanted


def test_only_the_rows_at_fault_are_nan() -> None:
    got = read({"f": "1 / x"}, ["x"]).evaluate({"x": np.array([-1.0, 0, 2, np.nan])})
    assert got["f"].tolist() == pytest.approx(
        [-1, math.nan, 0.5, math.nan], nan_ok=True
    )


def test_no_minus_zero_comes_out() -> None:
    assert math.copysign(1, one("-(x - x)")) == 1


# -- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "piece"),
    [
        ("__import__('os').system('true')", "line 1, column 1", "'__import__'"),
        ("x.__class__", "line 1, column 2", "'.'"),
        ("().x", "line 1, column 2", "')'"),
        ("eval(x)", "line 1, column 1", "'eval'"),
        ("lambda: x", "line 1, column 1", "'lambda'"),
        ("x if y else 1", "line 1, column 3", "'if'"),
        ("[x for x in y]", "line 1, column 1", "'['"),
        ("x := 3", "line 1, column 3", "':'"),
        ("x; y", "line 1, column 2", "';'"),
        ("'x'", "line 1, column 1", '"\'"'),
        ("x +\n  y @ 2", "line 2, column 5", "'@'"),
        ("f'{x}'", "line 1, column 1", "'f'"),
        ("x[0]", "line 1, column 2", "'['"),
        ("min(x, key=abs)", "line 1, column 8", "'key'"),
        ("x = 3", "line 1, column 3", "write =="),
        ("x ^ 2", "line 1, column 3", "write **"),
        ("x // y", "line 1, column 3", "floor"),
        ("x % y", "line 1, column 3", "remainder"),
        ("x & y", "line 1, column 3", "`and`"),
        ("2x", "line 1, column 2", "2 * ..."),
        ("x(2)", "line 1, column 1", "x * (...)"),
        ("sin", "line 1, column 1", "sin(...)"),
        ("sin(x, y)", "line 1, column 1", "1 value, got 2"),
        ("where(x, y)", "line 1, column 1", "3 values, got 2"),
        ("min(x)", "line 1, column 1", "at least 2"),
        ("sin()", "line 1, column 5", "')'"),
        ("(x + y", "line 1, column 7", "bracket of line 1, column 1"),
        ("x + y)", "line 1, column 6", "no bracket is open"),
        ("x +", "line 1, column 4", "the formula ends"),
        ("x, y", "line 1, column 2", "comma"),
        ("unit * 2", "line 1, column 1", "did you mean units?"),
        ("sine(x)", "line 1, column 1", "did you mean sin"),
        ("x == not y", "line 1, column 6", "'not'"),
        ("x + True", "line 1, column 5", "'True'"),
        ("x + 1_000", "line 1, column 6", "'_000'"),
        ("0x10", "line 1, column 2", "'x10'"),
        ("3j * x", "line 1, column 2", "'j'"),
        ("x\0", "line 1, column 2", "U+0000"),
        ("\u0445 + 1", "line 1, column 1", "CYRILLIC SMALL LETTER HA"),
        ("\uff58 + 1", "line 1, column 1", "FULLWIDTH"),
        ("x \u2212 1", "line 1, column 3", "MINUS SIGN"),
        ("x + \u0663", "line 1, column 5", "ARABIC-INDIC DIGIT THREE"),
        ("x\u00a0+ 1", "line 1, column 2", "NO-BREAK SPACE"),
        ("x # y", "line 1, column 3", "'#'"),
        ("x \\\n + y", "line 1, column 3", "'\\\\'"),
        ("9**9**9**9", "line 1, column 5", "no finite value"),
        ("x + 1/0", "line 1, column 6", "no finite value"),
        ("1e999", "line 1, column 1", "no finite value"),
        ("log(-1)", "line 1, column 1", "no finite value"),
    ],
)
def test_anything_else_is_refused_where_it_stands(
    text: str, where: str, piece: str
) -> None:
    error = refusal(text)
    assert str(error).startswith(where)
    assert piece in str(error)
    details = error.details
    assert isinstance(details, dict)
    assert f"line {details['line']}, column {details['column']}" == where


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_formula_is_refused(text: str) -> None:
    assert "empty" in str(refusal(text))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4000 + "x" + ")" * 4000,
        "-" * 9_000 + "x",
        "not " * 2_000 + "x",
        "x**" * 3_000 + "x",
        "sin(" * 2_000 + "x" + ")" * 2_000,
        "where(x," * 1_000 + "x",
        "x*" * 200 + "(" * 101,
        "9**" * 3_000 + "9",
        "x" * 1_000_000,
        "(" * 1_000_000,
        "x+" * 500_000,
    ],
    ids=lambda text: f"{text[:8]} of {len(text)}",
)
def test_no_formula_is_too_much_for_the_reader(text: str) -> None:
    began = time.process_time()
    refusal(text)
    assert time.process_time() - began < 0.5  # some 20 ms here


def test_what_is_just_allowed_is_computed() -> None:
    deep = "(" * 99 + "x" + ")" * 99
    assert one(deep) == 1.5
    assert "100 deep" in str(refusal(f"((({deep})))"))
    long = "+".join(["x"] * 5_000)
    assert one(long) == 7_500
    assert one("x" + " " * 9_999) == 1.5
    assert "10,001" in str(refusal("x" + " " * 10_000))


@given(st.text(max_size=40) | st.text("xy()+-*/.,<>=!0123 \n'_", max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text_is_computed_or_refused(text: str) -> None:
    try:
        found = read({"f": text}, ["x", "y"])
    except InputError as error:
        assert str(error)
    else:
        assert found.evaluate(XY)["f"].shape == (1,)


def test_a_tower_of_powers_ends_at_once() -> None:
    began = time.process_time()
    x = np.linspace(0.1, 1e6, 10_000)
    got = read({"f": "x**x**x**x**x"}, ["x"]).evaluate({"x": x})["f"]
    assert time.process_time() - began < 0.5
    assert np.isnan(got[-1]) and np.isfinite(got[0])


def test_memory_follows_the_block_and_not_the_rows() -> None:
    text = " + ".join(f"sin(x + {n})" for n in range(300))
    found = read({"a": text, "b": text.replace("+ sin", "* sin")}, ["x"])
    x = np.zeros(40 * BLOCK)
    tracemalloc.start()
    found.evaluate({"x": x})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # two results, and the 300 shared columns of one block
    assert peak < 3 * x.nbytes + 320 * BLOCK * 8


# -- slopes ------------------------------------------------------------------------


def complex_step(numpy_function: Any, x: Floats) -> Floats:
    """Derivative without cancellation (Squire & Trapp 1998), for smooth functions."""
    return np.asarray(numpy_function(x + 1e-30j).imag / 1e-30)


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("x + 2 - y * x", lambda x: x + 2 - 0.3 * x),
        ("x / (1 + x)", lambda x: x / (1 + x)),
        ("x**3 - 2**x", lambda x: x**3 - np.exp(x * np.log(2))),
        ("x**x", lambda x: np.exp(x * np.log(x))),
        ("sqrt(x) * exp(-x)", lambda x: np.sqrt(x) * np.exp(-x)),
        ("log(x) + log10(x)", lambda x: np.log(x) + np.log(x) / np.log(10)),
        ("sin(x) * cos(x) + tan(x)", lambda x: np.sin(x) * np.cos(x) + np.tan(x)),
        ("tanh(x**2)", lambda x: np.tanh(x**2)),
        ("-x", lambda x: -x),
        ("where(x > 1, x**2, -x)", lambda x: np.where(x.real > 1, x**2, -x)),
        ("min(x, 1) + max(x, 2)", lambda x: np.where(x.real < 1, x + 2, 1 + 0 * x)),
        ("abs(1 - x)", lambda x: np.where(x.real > 1, x - 1, 1 - x)),
        ("floor(x) * x + ceil(x)", lambda x: np.floor(x.real) * x),
        ("(x > 1) * x + (not x > 1 and 1)", lambda x: np.where(x.real > 1, x, 0 * x)),
    ],
)
def test_slopes_agree_with_the_complex_step(text: str, function: Any) -> None:
    x = np.array([0.11, 0.35, 0.77, 1.13, 1.9])
    found = read({"f": text}, ["x", "y"]).slopes({"x": x, "y": 0.3}, "x")
    y, slope = found["f"]
    assert y == pytest.approx(read({"f": text}, "xy").evaluate({"x": x, "y": 0.3})["f"])
    # exact but for roundings of either
    assert slope == pytest.approx(complex_step(function, x), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize(
    "text",
    ["abs(x)", "max(x, 0)", "where(x >= 0, 1, 2)", "floor(x)", "sqrt(x)", "1 / x"],
)
def test_there_is_no_slope_at_a_kink_or_a_jump(text: str) -> None:
    _, slope = read({"f": text}, ["x"]).slopes({"x": 0.0}, "x")["f"]
    assert math.isnan(slope[0])


def test_a_power_is_flat_where_its_exponent_is_zero() -> None:
    _, slope = read({"f": "x**y"}, "xy").slopes({"x": 0.0, "y": 0.0}, "x")["f"]
    assert slope.tolist() == [0]


def test_an_output_without_the_input_has_slope_zero() -> None:
    found = read({"f": "y", "g": "x"}, "xy").slopes({"x": 1.0, "y": 2.0}, "x")
    assert found["f"][1].tolist() == [0]
    assert found["g"][1].tolist() == [1]


def test_expressions_are_not_changed_by_use() -> None:
    found: Expressions = read({"f": "x + 1"}, ["x"])
    x = np.array([1.0, 2.0])
    first = found.evaluate({"x": x})["f"]
    first[:] = 0
    assert found.evaluate({"x": x})["f"].tolist() == [2, 3]
    assert x.tolist() == [1, 2]
