"""The careful words of rules, by the expressions that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backprop_cli.engine.interpret.scope import Meaning, V
from backprop_cli.engine.interpret.walk import evaluate_body
from backprop_cli.engine.ops.words import WORDS


def textbook(
    word: str, operands: Sequence[V], parameters: Mapping[str, Any], meaning: Meaning[V], body: str | None = None
) -> V:
    """What a word comes to in a meaning, by its row of the table, or by another expression of the same names."""
    names, expression = WORDS[word]
    return evaluate_body(body or expression, dict(zip(names, operands, strict=True)), meaning, None, parameters)
