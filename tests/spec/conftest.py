"""Helpers of the spec tests: read a spec from text, and show errors the way a terminal does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backprop_cli.errors import BackpropError, Failures
from backprop_cli.language.reader import read_spec


def shown(caught: BackpropError) -> str:
    """Every error as 'code line:column text [hint]', with the characters the caret covers."""
    errors = caught.errors if isinstance(caught, Failures) else (caught,)
    return "\n".join(_one(error) for error in errors)


def _one(error: BackpropError) -> str:
    if error.at is None:
        return f"{error.code}: {error.message}"
    at = error.at
    covered = at.source_line[at.column - 1 : at.column - 1 + at.length]
    hint = f" ({error.hint})" if error.hint else ""
    return f"{error.code} {at.line}:{at.column} `{covered}`: {error.message}{hint}"


@pytest.fixture(scope="session")
def attempt():
    """Call a function; the error of ours that it raises, or None.  Any other exception escapes, and fails the test."""

    def call(function: Callable[[], object]) -> BackpropError | None:
        try:
            function()
        except BackpropError as caught:
            return caught
        return None

    return call


@pytest.fixture
def spec():
    """Read a spec from text or bytes."""

    def read(text: str | bytes, folder: Path | None = None):
        return read_spec(text if isinstance(text, bytes) else text.encode(), "net.yaml", folder=folder)

    return read


@pytest.fixture
def errors_of(spec):
    """The errors of a spec, as `shown` shows them."""

    def read(text: str | bytes, folder: Path | None = None) -> str:
        with pytest.raises(BackpropError) as caught:
            spec(text, folder)
        return shown(caught.value)

    return read


@pytest.fixture
def show():
    """`shown`, for tests that catch an error themselves."""
    return shown
