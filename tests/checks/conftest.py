"""What the tests of `check` share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.checks import CheckReport, CheckResult, CheckSettings, check

Checked = Callable[..., CheckReport]


@pytest.fixture
def checked() -> Checked:
    """Check a spec, from its text; keywords are settings."""
    return lambda text, **settings: check(read_spec(text.encode(), "net.yaml", folder=None), CheckSettings(**settings))


@pytest.fixture
def one() -> Callable[[CheckReport, str], CheckResult]:
    """The result of a node."""
    return lambda report, name: next(r for r in report.results if r.node == name)
