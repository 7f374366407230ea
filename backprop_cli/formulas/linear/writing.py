"""A Jacobian's entries on paper: one matrix, a block of it, every entry in its place, or one entry for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from sympy import Expr

from backprop_cli.formulas.algebra.expr import Apply, shape_of
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.linear.deltas import shifts, unit
from backprop_cli.formulas.linear.indices import Indexing
from backprop_cli.formulas.linear.letters import Letter, NotLinearError
from backprop_cli.formulas.linear.matrix import matrix_of
from backprop_cli.formulas.linear.place import Place
from backprop_cli.formulas.linear.repeated import letter, repeated
from backprop_cli.formulas.linear.spelling import IndexLayout, code_of, layout, lettered
from backprop_cli.formulas.linear.terms import Entries
from backprop_cli.formulas.marks import COMMA, MARKED, plain
from backprop_cli.formulas.printed import INDEXED, Brief, Defined, Omitted, Printed
from backprop_cli.formulas.symbols import Symbols
from backprop_cli.language.source import BY_PROGRAM
from backprop_cli.records import dataclass, field, replace

TEX, PAGE = MARKED["latex"], MARKED["mathml"]
OUTSIDE = "an entry outside of a tensor is 0"
WRITTEN = ("text", "code", TEX, PAGE)
LONGEST_ENTRY = 72  # an entry's own formula that does not fit a line says less than the index notation
LONGEST_OF_FEW = 3 * LONGEST_ENTRY  # but more than a sum over unit vectors


def _listed(cells: Sequence[str], shape: tuple[int, ...], opening: str, closing: str, comma: str = ", ") -> str:
    """Cells as a list, of a matrix as a list of rows."""
    if len(shape) == 1:
        return f"{opening}{comma.join(cells)}{closing}"
    width = shape[1]
    rows = [_listed(cells[i : i + width], (width,), opening, closing, comma) for i in range(0, len(cells), width)]
    return _listed(rows, (len(rows),), opening, closing, comma)


def _is_wide(cells: Sequence[str], shape: tuple[int, ...]) -> bool:
    """Whether the columns of a matrix take more than a line of text."""
    width = shape[1] if len(shape) == 2 else 1
    return sum(max(map(len, cells[i::width])) for i in range(width)) > LONGEST_ENTRY


NAME = re.compile(r"[^\W\d]\w*")
BREAK = r" \\ "


def _typeset(cells: Sequence[str], shape: tuple[int, ...]) -> str:
    width = shape[1] if len(shape) == 2 else 1
    rows = [" & ".join(cells[i : i + width]) for i in range(0, len(cells), width)]
    return rf"\begin{{bmatrix}} {BREAK.join(rows)} \end{{bmatrix}}"


def _table(cells: Sequence[str], width: int) -> str:
    listed = [f"<mtd>{cell}</mtd>" for cell in cells]
    rows = "".join(f"<mtr>{''.join(listed[i : i + width])}</mtr>" for i in range(0, len(cells), width))
    return f"<mrow><mo>[</mo><mtable>{rows}</mtable><mo>]</mo></mrow>"


MATRIX: Mapping[str, Callable[[Sequence[str], tuple[int, ...]], str]] = {
    "text": lambda cells, shape: _listed(cells, shape, "[", "]"),
    "code": lambda cells, shape: _listed(cells, shape, "stack([", "])"),
    TEX: lambda cells, shape: _typeset([*map(plain, cells)], shape),  # no line ends inside a matrix
    PAGE: lambda cells, shape: _table(cells, shape[1] if len(shape) == 2 else 1),
}
"""How a small matrix is written out."""


@dataclass(frozen=True, slots=True)
class Written:
    """A Jacobian's formula; `block` says which entries it is, where it is not the whole."""

    formula: Printed | Omitted
    block: str = ""
    facts: tuple[str, ...] = ()
    rows: Place | None = None  # what the index notation is of; nothing where that would not be read
    literal: bool = False  # written out entry by entry
    entries: Mapping[Place, Printed] = field(default_factory=dict)
    brief: Brief | None = None
    where: tuple[Defined, ...] = ()


@dataclass(slots=True)
class Writing:
    """The entries on paper."""

    symbols: Symbols
    entries: Entries
    indexing: Indexing
    called: Mapping[Expr, str] = field(default_factory=dict)
    printed: list[Expr] = field(default_factory=list)

    @property
    def names(self) -> dict[Letter, str]:
        """What each letter is called, once it is known which are shown."""
        return lettered(self.entries, self.indexing.shown, self.symbols.graph.names)

    def brief(self, few: bool, found: Written) -> Brief | None:
        """The same with a letter for what is repeated."""
        names = self.names
        text = self.layout("text", names)
        name = letter({*self.symbols.graph.names, *map(str.lower, self.symbols.graph.spec.dims), *names.values()})
        part = repeated(self.printed, text)
        if name is None or part is None:
            return None
        shorter = replace(self, called={part: name}, printed=[]).written(few)
        if isinstance(shorter.formula, Omitted) or (shorter.literal, shorter.block) != (found.literal, found.block):
            return None
        return Brief(shorter.formula, self.defined(name, part))

    def defined(self, name: str, formula: Expr) -> Defined:
        """`name` = ..., in each notation."""
        layouts = {notation: self.layout(notation, self.names) for notation in WRITTEN}
        return Defined(Printed({n: one.notation.name(name) for n, one in layouts.items()}),
                       Printed({n: one(formula) for n, one in layouts.items()}))  # fmt: skip

    def made(self, formula: Printed) -> Iterator[Defined]:
        """The nodes in a formula that the program wrote, of a `grad(...)`, each before what it is made of."""
        graph = self.symbols.graph
        met = {*NAME.findall(formula.code)}
        for node in reversed(graph.spec.nodes):
            if node.name in met and node.at.source.file == BY_PROGRAM:
                met.update(NAME.findall(node.text.text))
                yield self.defined(node.name, self.tidied(self.symbols.definitions[graph.names[node.name]]))

    def said(self) -> list[str]:
        """What the index notation leaves unsaid: how far a sum goes that no tensor bounds, and what lies outside."""
        names = self.names
        bounds = [f"{names[a]} < {n}" for a, n in self.indexing.bounded.items() if a in names]
        return [*([f"in the sum {', '.join(bounds)}"] if bounds else []), *([OUTSIDE] if self.indexing.outside else [])]

    def written(self, few: bool) -> Written:
        """A matrix where the Jacobian is one, else a block of it, else its entries.

        Where rows or columns are computed one by one, and there are few, the matrix is written out.
        """
        entry = self.indexing.expression()
        names = self.names
        index = {key: self.layout(notation, names).entry(*entry) for notation, key in INDEXED.items()}
        if few and len(self.shape) in {1, 2} and self.by_rows and (literal := self.literal(names, LONGEST_OF_FEW)):
            return Written(Printed({**literal, **index}), literal=True)
        try:
            matrix = self.tidied(matrix_of(self.as_matrix))
        except NotLinearError:
            return self.of_higher_rank(names, index)
        self.printed.append(matrix)
        written = {name: self.layout(name, names)(matrix) for name in WRITTEN}
        written["code"] = self.shaped(written["code"], matrix)
        if len(written["text"]) <= LONGEST_ENTRY or not any(map(shifts, matrix.atoms(Apply))):
            return Written(Printed({**written, **index}))
        return self.shortest(few, names, {**written, **index})

    def shortest(self, few: bool, names: dict[Letter, str], written: dict[str, str]) -> Written:
        """Of a long matrix that is made by shifting rows: that, every entry in its place, or one entry for all."""
        literal = self.literal(names, LONGEST_ENTRY) if few and len(self.shape) == 2 else {}
        if literal and len(literal["text"]) < len(written["text"]):
            return Written(Printed({**written, **literal}), literal=True)
        if len(written["index"]) < len(written["text"]):
            whole = {notation: written[key] for notation, key in INDEXED.items()}
            return Written(Printed({**written, **whole}))
        return Written(Printed(written))

    @property
    def as_matrix(self) -> Entries:
        """The entries by rows and columns, whichever of output and leaf has the two axes: ∂tr(A·B)/∂A is Bᵀ."""
        real = [a for a in (*self.entries.output, *self.entries.leaf) if a is not None]
        return replace(self.entries, output=(real[0],), leaf=(real[1],)) if len(real) == 2 else self.entries

    @property
    def by_rows(self) -> bool:
        """Whether a row or a column stands for itself: a unit vector is among the factors."""
        return any(unit(expr) is not None for term in self.entries.terms for expr, _ in term.factors)

    def literal(self, names: dict[Letter, str], most: int) -> dict[str, str]:
        """Every entry in its place; nothing where an entry is longer than `most`."""
        indexing, texts = [], []
        for at in np.ndindex(*self.shape):
            indexing.append(Indexing(self.entries).at(at))
            texts.append(self.layout("text", names)(indexing[-1]))
            if len(texts[-1]) > most:
                return {}
        self.printed.extend(indexing)
        found = {}
        for notation in WRITTEN:
            layout = self.layout(notation, names)
            found[notation] = MATRIX[notation]([layout(entry) for entry in indexing], self.shape)
        if _is_wide(texts, self.shape):  # a list, in which lines end
            found["latex"] = found[TEX]
            cells = [self.layout(TEX, names)(entry) for entry in indexing]
            found[TEX] = _listed(cells, self.shape, "[", "]", f",{COMMA} ")
        return found

    def rows(self) -> Place:
        """`[i]`, `[j]`."""
        names = self.names
        sides = self.entries.output, self.entries.leaf
        return Place(*(tuple("0" if a is None else names[a] for a in side) for side in sides))

    def each(self) -> dict[Place, Printed]:
        """Every entry's own formula; none where one of them is long, and the others are not written then."""
        names = self.names
        layouts = {notation: self.layout(notation, names) for notation in INDEXED}
        axes, found = len(self.entries.output), {}
        for at in np.ndindex(*self.shape):
            expr, shown = Indexing(self.entries).at(at), tuple(map(str, at))
            one = Printed({name: layout(expr) for name, layout in layouts.items()})
            if len(one.text) > LONGEST_ENTRY:
                return {}
            found[Place(shown[:axes], shown[axes:])] = one
        return found

    def layout(self, notation: str, names: dict[Letter, str]) -> IndexLayout:
        """How a notation writes entries, with the letters that are given."""
        return layout(notation, names, self.symbols, self.called)

    def tidied(self, expr: Expr) -> Expr:
        """As any formula is."""
        return tidy(recognised(expr), self.symbols.facts)

    @property
    def shape(self) -> tuple[int, ...]:
        """The output's axes, then the leaf's."""
        return tuple(1 if a is None else int(a.size) for a in (*self.entries.output, *self.entries.leaf))

    def shaped(self, code: str, expr: Expr | None) -> str:
        """The code of a tensor of the Jacobian's own shape."""
        given = tuple(n for n in self.shape if n != 1) if expr is None else tuple(map(int, shape_of(expr)))
        if not given and expr is not None and self.shape:
            return f"zeros({self.shape})" if expr == 0 else f"broadcast_to({code}, {self.shape})"
        return code if given == self.shape else f"reshape({code}, {self.shape})"

    def of_higher_rank(self, names: dict[Letter, str], index: Mapping[str, str]) -> Written:
        """A tensor of more axes: one block, the same for every index that output and leaf share."""
        code = self.shaped(code_of(self.entries, self.layout("code", names)), None)
        block = self.block(names)
        if block is None:
            whole = {notation: index[key] for notation, key in INDEXED.items()}
            return Written(Printed({**whole, "code": code, **index}))
        written, where = block
        return Written(Printed({**written, "code": code, **index}), where)

    def block(self, names: dict[Letter, str]) -> tuple[dict[str, str], str] | None:
        """The matrix between the axes that are left where the shared ones are fixed."""
        terms, own = self.entries.terms, self.entries.output
        everywhere = [pair for pair in terms[0].equal if all(pair in t.equal for t in terms)] if terms else []
        shared = [(a, b) for a, b in everywhere if (a in own) != (b in own)]
        fixed = {a for pair in shared for a in pair}
        output, leaf = (tuple(a for a in side if a is not None and a not in fixed)
                        for side in (self.entries.output, self.entries.leaf))  # fmt: skip
        if not shared or len(output) > 1 or len(leaf) > 1:
            return None
        try:
            matrix = self.tidied(matrix_of(self.sliced(shared, fixed, Entries(output, leaf, ()))))
        except NotLinearError:
            return None
        self.printed.append(matrix)
        first = {a: names[o] for pair in shared for o in pair if o in self.entries.output for a in pair}
        whole = (*self.entries.output, *self.entries.leaf)
        where = ", ".join("0" if a is None else first[a] if a in fixed else ":" for a in whole)
        return {name: self.layout(name, names)(matrix) for name in ("text", TEX, PAGE)}, where

    def sliced(self, shared: Sequence[tuple[Letter, Letter]], fixed: set[Letter], around: Entries) -> Entries:
        """The entries with the shared letters fixed: tensors become their slices."""
        rest = {a for t in self.entries.terms for a in t.letters()} - fixed
        indexing = Indexing(self.entries, frozenset(rest))
        same = {b if a in self.entries.output else a: a if a in self.entries.output else b for a, b in shared}
        terms = []
        for term in self.entries.terms:
            own = replace(term, equal=tuple(p for p in term.equal if p not in shared)).renamed(same)
            factors = tuple(
                indexing.sliced(expr, letters) if fixed & set(letters) else (expr, letters)
                for expr, letters in own.factors
            )  # fmt: skip
            terms.append(replace(own, factors=factors))
        return Entries(around.output, around.leaf, tuple(terms))
