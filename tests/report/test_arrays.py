"""Arrays as people read them."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_cli.report.arrays import abridged, entries, lines, number, one_line, strict, summary


@pytest.mark.parametrize(("value", "digits", "shown"), [
    (1.0, 6, "1"), (0.1 + 0.2, 6, "0.3"), (0.1 + 0.2, 17, "0.30000000000000004"), (1e-9, 6, "1e-09"), (-0.0, 6, "0"),
    (1234567.0, 3, "1.23e+06"), (float("nan"), 6, "nan"), (float("-inf"), 6, "-inf"),
])  # fmt: skip
def test_numbers(value: float, digits: int, shown: str) -> None:
    """Significant digits without trailing zeros; minus zero is zero."""
    assert number(value, digits) == shown


@pytest.mark.parametrize(("value", "shown"), [
    (np.float64(0.5), ["0.5"]),
    (np.array([1.0, 0.25]), ["[1, 0.25]"]),
    (np.array([[1.0, -0.25], [-10.5, 3.0]]), ["[[  1,   -0.25],", " [-10.5,  3]]"]),
    (np.zeros((2, 1, 2)), ["[[[0, 0]],", " [[0, 0]]]"]),
    (np.zeros(0), ["[]"]), (np.zeros((0, 3)), ["[]"]), (np.zeros((2, 0)), ["[[],", " []]"]),
    (np.array([[1e-9], [2.5]]), ["[[1e-09],", " [2.5]]"]),
])  # fmt: skip
def test_layout(value: np.ndarray, shown: list[str]) -> None:
    """A row a line, decimal points under each other, brackets as in a spec."""
    assert lines(value, 6) == shown


def test_large_arrays_are_abridged() -> None:
    """Of a long axis the first and last three entries are shown."""
    value = np.arange(2000.0).reshape(100, 20)
    shown = lines(value, 6)
    assert len(shown) == 7
    assert shown[0] == "[[   0,    1,    2, …,   17,   18,   19],"
    assert shown[3] == " …,"
    assert shown[6] == " [1980, 1981, 1982, …, 1997, 1998, 1999]]"
    assert abridged(value)
    assert not abridged(np.zeros((12, 10)))
    assert summary(value, 6) == "min 0, mean 999.5, max 1999"


def test_any_rank_stays_readable() -> None:
    """Even rank 8 gives a few dozen lines at most."""
    assert len(lines(np.zeros((9,) * 8), 6)) < 60
    assert len(lines(np.zeros((2,) * 8), 6)) < 60


def test_summaries_of_wild_values_stay_silent() -> None:
    """Overflow and NaN in a summary are values, not warnings (which are errors in tests)."""
    assert summary(np.array([1e308, 1e308, np.nan]), 6) == "min nan, mean nan, max nan"
    assert summary(np.array([1e308, 1e308]), 6).startswith("min 1e+308, mean inf")


def test_one_line() -> None:
    """An array on one line has no padding."""
    assert one_line(np.array([[1.0, -0.25], [-10.5, 3.0]]), 6) == "[[1, -0.25], [-10.5, 3]]"


@pytest.mark.parametrize("value", [np.array([[1.0, -0.25], [-10.5, 3.0]]), np.arange(5.0), np.float64(2.5)])
def test_what_is_shown_in_full_can_be_pasted(value: np.ndarray) -> None:
    """The text of an array that is shown in full is the array."""
    import json

    np.testing.assert_array_equal(np.array(json.loads("".join(lines(value, 17)))), value)


def test_strict_values() -> None:
    """Floats as they are, what is not finite as text, rounded only when asked."""
    assert strict(np.array([0.1, np.inf, -np.inf, np.nan])) == [0.1, "inf", "-inf", "nan"]
    assert strict(np.float64(np.nan)) == "nan"
    assert strict(np.array([1e308, 1e308])) == [1e308, 1e308]
    assert strict(np.zeros((0, 2))) == []
    assert strict(None) is None
    assert strict(np.array([1 / 3]), precision=2) == [0.33]


def test_entries() -> None:
    """Every index with its entry, in row-major order; a scalar has the empty index."""
    value = np.arange(6.0).reshape(1, 2, 3)
    assert list(entries(value)) == [(index, float(value[index])) for index in np.ndindex(value.shape)]
    assert list(entries(np.float64(3.0))) == [((), 3.0)]
    assert list(entries(np.zeros((2, 0)))) == []
