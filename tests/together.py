"""Many quick cases in one test: for each test of its own pytest and its workers take longer than such a case does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, Signature
from typing import Any

import pytest

from tests.draws import told


def by_function(cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A test of a function and what it is tried on, once for each function of these cases; what fails has its id."""
    groups: dict[str, list[Any]] = {}
    for case in cases:
        groups.setdefault(case.values[0].name, []).append(case)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def each(group: list[Any]) -> None:
            for case in group:
                with told(case.id):
                    test(*case.values)

        each.__signature__ = Signature([Parameter("group", Parameter.POSITIONAL_OR_KEYWORD)])  # type: ignore[attr-defined]
        return pytest.mark.parametrize("group", groups.values(), ids=groups)(each)  # type: ignore[no-any-return]

    return decorate
