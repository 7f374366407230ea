"""What may be skipped where tests are run for others."""

from __future__ import annotations

import pytest

from tests.conftest import is_allowed_skip


@pytest.mark.parametrize(("reason", "allowed"), [
    ("Skipped: could not import 'torch': No module named 'torch'", True), ("Skipped: pdflatex is not installed", True),
    ("Skipped: flaky", False), ("Skipped: too slow here", False), ("Skipped: could not import 'sympy'", False),
])  # fmt: skip
def test_a_skip_needs_a_listed_reason(reason: str, allowed: bool) -> None:
    """In CI a test is skipped for a reason of the list, and for no other."""
    assert is_allowed_skip(reason) is allowed
