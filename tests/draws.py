"""What random tests draw: by a number where they are quick; by Hypothesis, which makes small what fails, where long.

Hypothesis mixes constants of the modules that are loaded into its draws, `derandomize` or not: each worker and each of
its versions would try others, and a quick test would fail here and not there. So every generator of the tests takes
Python's `Random`, and a quick test makes one from a number: the same draws everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from random import Random
from typing import Any

import pytest


def seeded(count: int) -> pytest.MarkDecorator:
    """A test of `draw` (see `conftest.py`): so many generators, the same in every run."""
    return pytest.mark.parametrize("draw", range(count), indirect=True)


def searched(count: int) -> Callable[[Any], Any]:
    """A test of `draw`: so many generators of Hypothesis's, new ones in every run; what fails is made small.

    Hypothesis is imported when such a test runs: no other test pays for it.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def search(*args: Any, **fixtures: Any) -> None:
            from hypothesis import HealthCheck, given, settings
            from hypothesis import strategies as st

            options = settings(
                max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck)
            )
            options(given(draw=st.randoms(use_true_random=False))(test))(*args, **fixtures)

        whole = signature(test)
        kept = [parameter for name, parameter in whole.parameters.items() if name != "draw"]
        search.__signature__ = whole.replace(parameters=kept)  # type: ignore[attr-defined]
        return search

    return decorate


@contextmanager
def told(drawn: object) -> Iterator[None]:
    """What fails within tells what was drawn."""
    try:
        yield
    except Exception as error:
        error.add_note(f"drawn: {drawn}")
        raise


def several(draw: Random, make: Callable[[], Any], most: int, least: int = 0) -> list[Any]:
    """A list of what is made."""
    return [make() for _ in range(draw.randint(least, most))]


def text(draw: Random, letters: Sequence[str], most: int, least: int = 0) -> str:
    """A text of letters, or of words."""
    return "".join(draw.choices(letters, k=draw.randint(least, most)))


def octets(draw: Random, most: int) -> bytes:
    """Any bytes."""
    return bytes(draw.choices(range(256), k=draw.randint(0, most)))
