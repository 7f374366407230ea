"""What the program computes, noted while it is read: leaves, nodes, backward passes, and what was assumed."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Mapping
from typing import Any, Final, Literal

from backprop_cli.engine.interpret import Scope, Shapes, interpret
from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language.expression import Expression, Name, parse
from backprop_cli.language.model import Function as Own
from backprop_cli.language.names import RESERVED
from backprop_cli.language.python.program import Program
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.state.codes import named
from backprop_cli.tasks.importing.state.values import Dim, Item, Number, Sizes, Start, Tensor, Unread

MAX_ITEMS: Final = 5_000
MAX_NOTES: Final = 200
LONGEST: Final = 60  # characters of a name, before a number that makes it unique


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was assumed or left out, and where; `leaf`: it is about what a leaf of that line starts from."""

    text: str
    line: int
    leaf: bool = False


@dataclass(frozen=True, slots=True)
class Backward:
    """One backward pass: where it starts, its seed, whose gradients it asks for, whether they add up."""

    output: Tensor
    seed: object  # None, or what `gradient=` was given
    line: int
    where: str
    wrt: tuple[Tensor, ...] | None  # None: `backward()`, which adds to the leaves
    epoch: int  # how often gradients were cleared before
    problem: SpecError | None = None  # why PyTorch would refuse it
    hooks: Mapping[str, Expression] = field(default_factory=dict)  # of items, as they are at this point


@dataclass(eq=False, slots=True)
class Record:
    """All that was found so far."""

    program: Program
    items: dict[str, Item] = field(default_factory=dict)
    shapes: dict[str, Sizes] = field(default_factory=dict)
    passes: list[Backward] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    hooks: dict[str, Expression] = field(default_factory=dict)  # of items, in which `grad` is what arrives
    functions: dict[str, Own] = field(default_factory=dict)  # with gradients of their author's own
    asked: list[Backward] = field(default_factory=list)  # gradients that more may be computed from
    base: str = ""  # the item whose gradients stand in other items
    epoch: int = 0
    failed: list[SpecError] = field(default_factory=list)  # why backward passes could not be read
    updated: set[str] = field(default_factory=set)  # names that the program moves against their gradients
    stepped: set[str] = field(default_factory=set)  # items that are params after a step
    moved: set[str] = field(default_factory=set)  # the items that these names stand for where it does
    seeded: set[str] = field(default_factory=set)  # names whose gradient the program says is 1
    named_gradients: set[str] = field(default_factory=set)
    met: frozenset[str] = frozenset()

    def gradients(self) -> set[str]:
        """The names whose gradients the program works out by hand."""
        return self.named_gradients

    @property
    def words(self) -> frozenset[str]:
        """Every name that stands in the program, attributes and keys too."""
        self.met = self.met or frozenset(word for part in self.program.body for word in words_of(part))
        return self.met

    # errors and notes ────────────────────────────────────────────────────────────────────────────

    def unread(self, node: ast.AST, message: str, hint: str | None = None, code: str = "E040") -> Unread:
        """A part of the program that cannot be read."""
        return Unread(SpecError(code, message, at=self.program.place(node), hint=hint))

    def note(self, node: ast.AST | None, text: str, *, leaf: bool = False) -> None:
        """Something that was assumed or left out: a comment in the spec."""
        line = getattr(node, "lineno", 0)
        told = text if node is None else f"{self.program.where(node)}: {text}"
        if len(self.notes) < MAX_NOTES and all(one.text != told for one in self.notes):
            self.notes.append(Note(told, line, leaf))

    # items ───────────────────────────────────────────────────────────────────────────────────────

    def unique(self, base: str) -> str:
        """A name that nothing else has: the author's, or with a number."""
        if base not in self.items:
            return base
        count = self.counts.get(base, 1) + 1
        while f"{base}_{count}" in self.items:
            count += 1
        self.counts[base] = count
        return f"{base}_{count}"

    def add(self, item: Item, node: ast.AST) -> Item:
        """Note an item.

        Raises:
            SpecError: E005 where there are too many; it ends the reading.
        """
        if len(self.items) >= MAX_ITEMS:
            hint = "make its loops shorter, or import one function"
            message = f"the program unrolls to more than {MAX_ITEMS:,} nodes"
            raise SpecError("E005", message, at=self.program.place(node), hint=hint)
        self.items[item.name] = item
        self.shapes[item.name] = item.shape
        return item

    def leaf(self, tensor: Tensor, base: str, node: ast.AST) -> None:
        """Give a leaf its name."""
        assert tensor.start is not None
        if tensor.home is not None:  # a param of a module is called after its place
            owner, key, node = tensor.home
            base = f"{owner.path}.{key}".lstrip(".").replace(".", "_")
        base = clean(base)
        item = Item(base, self.unique(base), "leaf", getattr(node, "lineno", 0), tensor.start.shape, tensor.start,
                    param=tensor.param, kind=tensor.kind)  # fmt: skip
        tensor.item = self.add(item, node)
        tensor.code = named(item.name)

    def name(self, tensor: Tensor, base: str, node: ast.AST) -> None:
        """Give a value its name: the author's."""
        if tensor.fresh:
            self.leaf(tensor, base, node)
        elif tensor.code is not None:
            base = clean(base)
            shape = self.shape(tensor, node)
            item = Item(base, self.unique(base), "node", getattr(node, "lineno", 0), shape, code=tensor.code,
                        kind=tensor.kind)  # fmt: skip
            tensor.item = self.add(item, node)
            tensor.code = named(item.name)

    def number(self, value: Any, base: str, node: ast.AST) -> Number:
        """Give a plain number its name."""
        base = clean(base)
        code = value.code if isinstance(value, Number) else None
        if isinstance(code, Name):
            return Number(value.value, code)
        raw = value.value if isinstance(value, Number) else value
        size = isinstance(value, Dim)
        item = self.add(Item(base, self.unique(base), "number", getattr(node, "lineno", 0), code=code,
                             value=int(raw) if size else raw, size=size), node)  # fmt: skip
        if isinstance(value, Dim) and value.of is not None:
            owner, axis = value.of
            if owner.start is not None and owner.start.sizes[axis : axis + 1] == [None]:
                owner.start.sizes[axis] = item
        return Number(item.value, named(item.name))

    # shapes ──────────────────────────────────────────────────────────────────────────────────────

    def shape(self, tensor: Tensor, node: ast.AST) -> Sizes:
        """The shape of a value.

        Raises:
            Unread: the expression is none of the language, or its shapes do not fit.
        """
        if tensor.broken is not None:
            raise Unread(tensor.broken)
        if tensor.fresh:
            assert tensor.start is not None
            return tensor.start.shape
        if tensor.item is not None:
            return tensor.item.shape
        if tensor.known is None:
            assert tensor.code is not None
            tensor.known = self.shape_of(tensor.code, node)
        return tensor.known

    def shape_of(self, code: Expression, node: ast.AST) -> Sizes:
        """The shape of an expression."""
        try:
            text = inline(unparse(code), "<python>")
            scope = Scope(text, self.shapes.get, self.shapes.get, lambda: self.shapes, functions=self.functions)
            found = interpret(parse(text), scope, Shapes())
        except BackpropError as error:
            raise self.unread(node, error.message, error.hint, error.code) from None
        return tuple(map(int, found))


def words_of(node: ast.AST) -> list[str]:
    """The names in a part of a program, those of attributes, and texts."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.append(part.id)
        elif isinstance(part, ast.Attribute):
            found.append(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.append(part.value)
    return found


def clean(name: str) -> str:
    """A name of the language from one of Python's."""
    text = unicodedata.normalize("NFC", name)[:LONGEST]
    made = "".join(c if _belongs(c) else "_" for c in text) or "x"
    made = f"_{made}" if made[0].isdigit() else made
    return f"{made}_" if made in RESERVED else made


def _belongs(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "_"
    return character.isalpha() and unicodedata.name(character, "").startswith(("LATIN ", "GREEK "))


Kind = Literal["float", "int", "bool"]


def leaf_of(shape: Sizes, **given: Any) -> Tensor:
    """A leaf without a name."""
    kind = given.pop("kind", "float")
    return Tensor(None, start=Start(tuple(shape), sizes=[None] * len(shape), **given), kind=kind)
