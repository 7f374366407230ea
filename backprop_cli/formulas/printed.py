"""What a printed formula is: its terms, its notations, and why one may be missing."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal
from unicodedata import normalize

from backprop_cli.formulas.marks import MARKED, marked, unmarked
from backprop_cli.language.names import is_word
from backprop_cli.records import dataclass, field

TERMS = ("local", "nodes", "compact", "leaves")
Terms = Literal["local", "nodes", "compact", "leaves"]
READ = ("local", "compact")
"""What people are shown."""
ASKED: tuple[str, ...] = ("text", "code", "latex", "mathml", "index")
"""What can be asked for: each is a module of `formulas.notation`, and this row."""
NOTATIONS = ("text", "code", "latex")
"""What every result holds; the others are made on demand."""

INDEXED = {"text": "index", MARKED["latex"]: "latex_index", MARKED["mathml"]: "mathml_index"}
"""What an entry in index notation is called in a Jacobian's formula, by the notation that it is set in."""


_ENTRY = r"\w+(\[[^\[\]]*\])"


def partial(output: str, name: str) -> str:
    """`∂loss/∂w`, `∂p[0]/∂a`; brackets where the output or the node is any other expression: `∂(a + b)/∂a`."""
    return f"∂{_one(output)}/∂{_one(name)}"


def _one(part: str) -> str:
    return part if is_word(part) or re.fullmatch(_ENTRY, part) else f"({part})"


def dotted(name: str) -> str:
    """ẋ_1 for x_1, loss˙ for loss: the tangent of a node."""
    single = re.fullmatch(r"[^\W\d_](_.*|\d.*)?", name)
    return normalize("NFC", f"{name[0]}\u0307{name[1:]}") if single else f"{name}˙"


def worst(deviations: Iterable[float]) -> float:
    """The largest of some deviations; NaN where one is, which `max` passes over."""
    found = [*deviations]
    return math.nan if any(map(math.isnan, found)) else max(found, default=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Printed(Mapping[str, str]):
    """A formula by notation; `deviation` is how far its value is from the gradient's (None: not evaluated).

    `uses` are the δ in it, by their names in `code`.
    """

    written: Mapping[str, str]
    deviation: float | None = None
    uses: tuple[str, ...] = ()

    def __getitem__(self, notation: str) -> str:
        written = self.written
        return written[notation] if notation in written else unmarked(written, notation)

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)

    @property
    def text(self) -> str:
        """As a student would write it by hand."""
        return self["text"]

    def marked(self, notation: str) -> str:
        """With the marks at which it may be broken, where it was written with them."""
        return marked(self.written, notation)

    @property
    def told(self) -> dict[str, str]:
        """What a machine is told: the notations that every result holds, and one entry where there is one."""
        return {name: self[name] for name in (*NOTATIONS, "index") if name in self}

    @property
    def code(self) -> str:
        """In the spec language."""
        return self.written["code"]


@dataclass(frozen=True, slots=True)
class Named:
    """The gradient of a part that has no name: what it is called in each notation, what it is, and its value.

    `at` is the part of the expression, as text, where it is one that the user wrote.
    """

    name: Mapping[str, str]
    formula: Printed
    node: str
    at: str = ""
    value: Any = None

    def equation(self, notation: str) -> str:
        """δ_h = ...."""
        return f"{self.name[notation]} = {self.formula[notation]}"


@dataclass(frozen=True, slots=True)
class Defined:
    """What a name in a formula stands for, where the spec does not say it."""

    name: Printed
    formula: Printed


@dataclass(frozen=True, slots=True)
class Brief:
    """The formula with a letter for what it says several times, for people to read."""

    formula: Printed
    letter: Defined


@dataclass(frozen=True, slots=True)
class Omitted:
    """A formula that is not shown, and why."""

    why: str


@dataclass(frozen=True, slots=True, eq=False)
class PassFormulas(Mapping[int, Mapping[str, Printed | Omitted]]):
    """The formulas of one backward pass, by node and terms; `where` has the δ in them, each before its first use."""

    by_node: Mapping[int, Mapping[str, Printed | Omitted]] = field(default_factory=dict)
    where: tuple[Named, ...] = ()

    def __getitem__(self, index: int) -> Mapping[str, Printed | Omitted]:
        return self.by_node[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.by_node)

    def __len__(self) -> int:
        return len(self.by_node)


def used_by(formulas: Iterable[Printed | Omitted], where: Iterable[Named], done: Collection[str] = ()) -> list[Named]:
    """The δ that formulas need, directly or through each other, in order; without those that are `done`."""
    listed = tuple(where)
    needed = {name for one in formulas if isinstance(one, Printed) for name in one.uses}
    for named in reversed(listed):
        if named.name["code"] in needed:
            needed.update(named.formula.uses)
    return [named for named in listed if named.name["code"] in needed and named.name["code"] not in done]
