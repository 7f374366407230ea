"""Which entry of a derivative a formula is of, as it is written: ∂p[i]/∂x[j], ∂²f/∂x[i]∂x[j]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backprop_cli.formulas.notation import Notation, notation_of
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of a derivative: letters, or numbers, of the output's axes and of the leaf's."""

    output: tuple[str, ...]
    leaf: tuple[str, ...]

    def of_jacobian(self, output: str, leaf: str, names: Iterable[str]) -> dict[str, str]:
        """∂p[i]/∂x[j]; `names` are those of the spec, of which no two print alike."""
        return {n: one.derivative(_entry(one, output, self.output), _entry(one, leaf, self.leaf))
                for n, one in _set_in(names).items()}  # fmt: skip

    def of_hessian(self, output: str, first: str, second: str, names: Iterable[str]) -> dict[str, str]:
        """∂²f/∂x[i]∂y[j]."""
        return {n: one.derivative(one.label(output), _entry(one, first, self.output), _entry(one, second, self.leaf))
                for n, one in _set_in(names).items()}  # fmt: skip


def _set_in(names: Iterable[str]) -> dict[str, Notation]:
    return {name: notation_of(name, tuple(names)) for name in ("text", "latex", "mathml")}


def _entry(notation: Notation, name: str, letters: Sequence[str]) -> str:
    shown = notation.label(name)
    if not letters:
        return shown
    return notation.entry(shown if name.isidentifier() else notation.bracket(shown), [*letters])
