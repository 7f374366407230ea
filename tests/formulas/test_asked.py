"""Gradients that people asked for: right, read back to the same value, and about as short as what was published."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.formulas.asked import Asked, Measured, cases, measured, quantile, size


@pytest.fixture(scope="module")
def found() -> Sequence[Measured]:
    """Every case, measured once."""
    return [measured(case) for case in cases()]


def test_sizes_are_counted_as_published() -> None:
    """Operators, calls, names, numbers, attributes and subscripts count; slices and a called function's name do not."""
    assert size("outer(x, x)") == 3
    assert size("A[0:2, 0:2] + A[2:4, 2:4] + A[0:2, 0:2].T + A[2:4, 2:4].T") == 29
    assert size("-inv(Sigma) @ sum(D, axis=0)") == 7


def test_a_wrong_publication_is_seen() -> None:
    """The measure itself notices a form with another value."""
    case = next(cases())
    assert not measured(case).wrong
    assert measured(Asked("planted", case.spec, case.node, f"2*({case.published})", case.terms)).wrong


def test_none_is_wrong(found: Sequence[Measured]) -> None:
    """Each printed formula evaluates to the gradient, also when it is read back as code; so does the published form."""
    assert not [(m.case.id, m.wrong) for m in found if m.wrong]


def test_about_as_short_as_published(found: Sequence[Measured]) -> None:
    """Half are as short as what was published, nine in ten nearly so, and none is half as long again."""
    assert quantile(found, 0.5) <= 1.0
    assert quantile(found, 0.9) <= 1.05
    assert not [(m.case.id, m.ratio, m.code) for m in found if m.ratio > 1.5]
