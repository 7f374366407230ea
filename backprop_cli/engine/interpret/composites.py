"""Functions that are written in the language: their bodies, and what is settled and said before one is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial

from backprop_cli.engine.interpret.scope import Meaning, V
from backprop_cli.engine.ops import Composite
from backprop_cli.engine.ops.base import Signature, fitted
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.language.source import Text, inline


@lru_cache(maxsize=512)
def body_of(text: str) -> tuple[Text, ast.Expression]:
    """A body, read once."""
    source = inline(text, "<function>")
    return source, ast.parse(source)


def settled_parameters(
    composite: Composite, parameters: Mapping[str, object], values: Mapping[str, V], meaning: Meaning[V]
) -> Mapping[str, object]:
    """The parameters; those left open that the data of an operand decide are settled where these are known."""
    parameters = fitted([meaning.shape(value) for value in values.values()][:1], parameters)
    known = getattr(meaning, "numbers_of", None)
    if composite.settle is None or known is None:
        return parameters
    return composite.settle({name: partial(known, value) for name, value in values.items()}, **parameters)


def announce(composite: Composite, shapes: Mapping[str, Shape], meaning: Meaning[V]) -> None:
    """What a function has to say of its operands' shapes goes to a meaning that listens: the graph."""
    listen = getattr(meaning, "warn", None)
    said = composite.warns(shapes) if composite.warns and listen else None
    if said and listen:
        listen(f"{composite.name}: {said}")


def operand_names(signature: Signature, count: int) -> tuple[str, ...]:
    """What a body calls its operands; those of a list are numbered."""
    return tuple(f"{signature.operands[0]}_{i}" for i in range(count)) if signature.variadic else signature.operands
