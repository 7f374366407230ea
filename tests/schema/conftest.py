"""Helpers of the schema tests: a spec's document as plain data, and a client of a YAML language server."""

from __future__ import annotations

from typing import Any

import pytest

from backprop_cli.language.loader import load_document
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence


def plain(node: Node | None) -> Any:
    """A document as the JSON Schema sees it."""
    if isinstance(node, Mapping):
        return {key.raw: plain(value) for key, value in node.items}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


@pytest.fixture(scope="session")
def complaints():
    """What the schema has against a spec's text."""
    jsonschema = pytest.importorskip("jsonschema")
    from backprop_cli.tasks.schema.build import schema

    validator = jsonschema.Draft202012Validator(schema())

    def of(data: bytes) -> list[str]:
        return [error.message for error in validator.iter_errors(plain(load_document(data, "spec").root))]

    return of
