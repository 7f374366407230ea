"""What a formula says several times, and is read better when it has a letter: softmax(k · q / √2), u[0]² + u[1]²."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator

from sympy import Add, Basic, Expr, Pow

from backprop_cli.formulas.algebra.expr import Apply, symbols_of

LETTERS = ("s", "r", "u", "z", "s_0", "r_0", "u_0", "z_0")
SHORTEST, LEAST = 12, 24
"""How long a part must be to get a letter, and how many characters that must save."""


def repeated(exprs: Iterable[Expr], text: Callable[[Expr], str]) -> Expr | None:
    """The part whose letter saves most, if it saves enough."""
    counts = Counter(part for expr in exprs for part in _parts(expr))
    saved = {part: _saved(len(text(part)), n) for part, n in counts.items() if n > 1}
    best = max(saved, key=lambda part: saved[part], default=None)
    return best if best is not None and saved[best] >= LEAST else None


def _parts(expr: Basic) -> Iterator[Expr]:
    """What may get a letter, as often as it stands there."""
    if isinstance(expr, Apply | Add | Pow) and symbols_of(expr):
        yield expr
    for arg in expr.args:
        yield from _parts(arg)


def _saved(length: int, times: int) -> int:
    return (times - 1) * (length - 1) if length >= SHORTEST else 0


def letter(taken: Container[str]) -> str | None:
    """A letter that nothing else has."""
    return next((name for name in LETTERS if name not in taken), None)
