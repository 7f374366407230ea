r"""What the words of an answer stand for in a network: `\hat{Y}`, `δ`, `f'(z)`, `x_n`, a row of ones, brackets.

A name that the key has is never touched; what stands for nothing stays, and whoever evaluates it says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import reduce

from backprop_cli.engine.ops import OPS
from backprop_cli.errors import BackpropError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import everywhere, rebuilt
from backprop_cli.language.model import NodeSpec
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.grading.figures import CONSTANTS
from backprop_cli.tasks.grading.functions import PRIME
from backprop_cli.tasks.grading.items import Item, error_of, gradient_of, indexed, other_spelling
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.letters import IDENTITY, KRONECKER, Placed
from backprop_cli.tasks.grading.loose import ONES
from backprop_cli.tasks.grading.shifted import Shifted, shifted

MAX_PARTS = 200
"""Of a formula in which vectors of ones are looked for."""

PRODUCTS = frozenset({"·", "@"})


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the names of an answer to an item are understood."""

    key: Key
    item: Item
    text: Text
    shape: Callable[[ast.Expression], tuple[int, ...]]  # of an expression in the names of the key
    kronecker: bool = False  # whether δ_{ij} is 1 where i is j, and no gradient

    def expression(self, part: ast.Expression) -> ast.Expression:
        """The formula in the names of the key, but for what bears letters."""
        found = ast.parts(part)
        return everywhere(self._summed(part) if len(found) < MAX_PARTS and any(map(_ones, found)) else part, self._one)

    def _one(self, part: ast.Expression) -> ast.Expression:
        match part:
            case ast.Name() if part.name == ONES and ONES not in self.key.names:
                return ast.Number(part.start, part.end, Fraction(1), "1")
            case ast.Name() if _IDENTITY.fullmatch(part.name) and not self._known(part.name):
                return replace(part, name=IDENTITY)
            case ast.Name():
                return part if self._known(part.name) else self._meant(part, part.name) or part
            case ast.Call(arguments=(one,)) if part.function in self.key.names and part.function not in OPS:
                name = ast.Name(part.start, part.name_end, part.function)  # t (p - y) beside a node t
                return ast.Binary(part.start, part.end, "·", name, one.value)
            case ast.Call() if part.function == "grad" or isinstance(part, ast.Partial):
                return part
            case ast.Call() if len(part.arguments) == 1 and _ACTIVATION.fullmatch(part.function.removesuffix(PRIME)):
                return self._applied(part)
            case ast.Binary():
                return replace(part, left=_ungrouped(part.left), right=_ungrouped(part.right))
            case ast.Indexed() if self._is_factor(part):
                return ast.Binary(part.start, part.end, "·", part.operand, part.subscripts[0])
            case ast.Unary() | ast.Transposed() | ast.Inverted():
                return replace(part, operand=_ungrouped(part.operand))
        return part

    def placed(self, part: ast.Expression) -> Placed | None:
        """An operand with letters behind it: `x_n`, `P[n, k]`, `∂L/∂z_i`, `δ_2_j`; None for any other part."""
        match part:
            case ast.Name():
                return None if self._known(part.name) else self._split(part, part.name)
            case ast.Call(function="grad", arguments=(argument,)) if isinstance(inner := argument.value, ast.Name):
                if inner.name in self.key.names or (found := self._split(inner, inner.name)) is None:
                    return None
                return replace(part, arguments=(replace(argument, value=found[0]),)), found[1]
            case ast.Binary(operator="==") if all(self._letter(one) for one in (part.left, part.right)):
                return ast.Name(part.start, part.end, KRONECKER), (self._letter(part.left), self._letter(part.right))
            case ast.Indexed():
                letters = tuple(letter for one in part.subscripts if (letter := self._letter(one)))
                if len(letters) != len(part.subscripts) or {*letters} == {":"}:
                    return None
                operand = part.operand
                named = operand.name if isinstance(operand, ast.Name) and not self._known(operand.name) else ""
                return (self._rows(operand, named) or operand if named else operand), letters
        return None

    def _letter(self, subscript: ast.Expression) -> str | Shifted:
        """The letter of an axis, or a sum of letters, `:` for the whole of it; nothing for any other index."""
        if isinstance(subscript, ast.Name) and len(subscript.name) == 1 and subscript.name not in self.key.names:
            return subscript.name
        whole = isinstance(subscript, ast.Slice) and subscript.first is subscript.stop is subscript.step is None
        return ":" if whole else shifted(subscript) or ""

    def _split(self, part: ast.Expression, name: str) -> Placed | None:
        for stem, letters in indexed(name):
            if self._is_kronecker(stem) and len(letters) == 2 and letters[0] != letters[1]:
                return ast.Name(part.start, part.end, KRONECKER), letters
            found = self._rows(part, stem)
            if found is not None:
                return found, letters
        return None

    def _is_kronecker(self, stem: str) -> bool:
        return stem == IDENTITY and IDENTITY not in self.key.names or self.kronecker and stem in {"δ", "delta"}

    def _rows(self, part: ast.Expression, stem: str) -> ast.Expression | None:
        """What a name with letters is of: x of `x_n`, or X."""
        found = ast.Name(part.start, part.end, stem) if self._known(stem) else self._meant(part, stem)
        for lead in () if found else ("", "d", "δ"):
            capital = lead + stem.removeprefix(lead).capitalize()
            if found is None and stem.startswith(lead) and capital != stem:
                found = self._meant(part, capital)
        return found

    def _known(self, name: str) -> bool:
        if name in CONSTANTS:  # of a node pi_ beside it, π is another spelling
            return name in self.key.names or other_spelling(name, self.key.names) is None
        return name in self.key.names or name in self.key.sizes

    def _meant(self, part: ast.Expression, name: str) -> ast.Expression | None:
        """A node, or the gradient of one, by another spelling or by convention."""
        nodes = self.key.names
        node = other_spelling(name, nodes) or (self._output(name) if name.endswith("hat") else None)
        if node is not None:
            return ast.Name(part.start, part.end, node)
        node = gradient_of(name, nodes) or error_of(name, nodes) or (self._user() if name in {"δ", "delta"} else None)
        if node is None:
            return None
        inner = ast.Name(part.start, part.end, node)
        return ast.Call(part.start, part.end, "grad", (ast.Argument(None, inner, part.start, part.end),), part.start)

    def _output(self, name: str) -> str | None:
        r"""`\hat{Y}`: what is compared with Y, the one computed node of its shape that stands beside it."""
        graph, target = self.key.graph, other_spelling(name.removesuffix("hat"), self.key.names)
        if target is None:
            return None
        beside = {name for _, names in self._defined() if target in names for name in names}
        shape = graph.nodes[self.key.names[target]].shape
        nodes = (graph.nodes[self.key.names[one]] for one in beside - {target} if one in self.key.names)
        fitting = [node.name for node in nodes if not node.is_leaf and node.shape == shape]
        return fitting[0] if len(fitting) == 1 else None

    def _user(self) -> str | None:
        """`δ` alone: the gradient that arrives at the one node made of the item's."""
        users = [expression for expression, names in self._defined() if self.item.node in names]
        return users[0].name if len(users) == 1 else None

    def _defined(self) -> Iterator[tuple[NodeSpec, set[str]]]:
        """The computed nodes of the spec, and the names in the expression of each."""
        specs = (node.spec for node in self.key.graph.nodes if node.spec is not None and not node.anonymous)
        return ((spec, {one.name for one in ast.names(spec.expression)}) for spec in specs)

    def _is_factor(self, part: ast.Indexed) -> bool:
        """`y [m > 0]`, `W [a - b]`: a factor, with a gap before it, where `y[m > 0]` picks entries."""
        is_one = len(part.subscripts) == 1 and isinstance(part.subscripts[0], ast.Binary)
        return is_one and self.text.text[part.operand.end : part.operand.end + 1].isspace()

    def _summed(self, part: ast.Expression) -> ast.Expression:
        return rebuilt(self._with_ones(part) if isinstance(part, ast.Binary) else part, self._summed)

    def _with_ones(self, part: ast.Binary) -> ast.Expression:
        """`1ᵀ δ`: the rows of δ added up; `δ 1`: its columns; `x 1ᵀ`, `1 x`: x in every column, in every row."""
        factors: list[ast.Expression] = []
        left: ast.Expression = part
        while isinstance(left, ast.Binary) and left.operator in PRODUCTS:
            factors.insert(0, left.right)
            left = left.left
        factors.insert(0, left)
        if not any(map(_ones, factors)):
            return part
        made: list[ast.Expression] = []
        for at in range(len(factors) - 1, -1, -1):
            ones = _ones(factors[at])
            if not ones:
                made.insert(0, factors[at])
            elif made and ones == "row":
                made = [added_up(_multiplied(made), 0)]
            elif not made and ones == "column" and at:
                rest = _multiplied(factors[:at])
                inner = self._with_ones(rest) if isinstance(rest, ast.Binary) else rest
                return inner if self._is_number(inner) else added_up(inner, -1)
        return _multiplied(made) if made else part

    def _is_number(self, part: ast.Expression) -> bool:
        with suppress(BackpropError, ValueError):
            return self.shape(everywhere(part, self._one)) == ()
        return False

    # functions ───────────────────────────────────────────────────────────────────────────────────

    def _applied(self, part: ast.Call) -> ast.Expression:
        """`f(z)`, `f'(z)` of a function that has no such name: what the network applies to z, or to everything."""
        inner = part.arguments[0].value
        name = inner.name if isinstance(inner, ast.Name) else ""
        placed = self.placed(inner)
        if placed is not None and isinstance(placed[0], ast.Name):
            name = placed[0].name
        function = self.activation(name)
        if function is None or part.function.removesuffix(PRIME) in {*OPS, *self.key.graph.spec.functions}:
            return part
        suffix = PRIME if part.function.endswith(PRIME) else ""
        arguments = (part.arguments[0], *function.arguments[1:])
        return replace(part, function=function.function + suffix, arguments=arguments)

    def activation(self, node: str) -> ast.Call | None:
        """The function that the network applies to a node, entry by entry; where it has only one, that."""
        calls = [call for spec, _ in self._defined() if (call := self._activation(spec.expression))]
        of_node = [call for call in calls if node and isinstance(inner := call.arguments[0].value, ast.Name)
                   and inner.name == node]  # fmt: skip
        found = of_node or calls
        return found[0] if found and len({one.function for one in found}) == 1 else None

    def _activation(self, part: ast.Expression) -> ast.Call | None:
        if not isinstance(part, ast.Call) or not part.arguments:
            return None
        constant = all(isinstance(one.value, (ast.Number, ast.String)) for one in part.arguments[1:])
        own = part.function in self.key.graph.spec.functions
        return part if constant and (own or part.function in OPS and OPS[part.function].pointwise) else None


_IDENTITY = re.compile(r"I_(?:[A-Zn-pd]|\d+)")
"""The identity, with its size below it."""

_ACTIVATION = re.compile(r"(?!σ)[a-zα-ω]|phi|psi|act|activation")
"""What a function is called that has no name of its own."""


def _ungrouped(part: ast.Expression) -> ast.Expression:
    """`[a - b]` as an operand: square brackets for round ones."""
    return part.items[0] if isinstance(part, ast.Sequence) and part.bracket + str(len(part.items)) == "[1" else part


def _multiplied(factors: Sequence[ast.Expression]) -> ast.Expression:
    return reduce(lambda one, other: ast.Binary(one.start, other.end, "·", one, other), factors)


def _ones(part: ast.Expression) -> str:
    if isinstance(part, ast.Transposed):
        inner = part.operand
        is_one = isinstance(inner, ast.Number) and inner.text == "1"
        return "row" if is_one or _ones(inner) == "column" else ""
    return "column" if isinstance(part, ast.Name) and part.name == ONES else ""


def added_up(part: ast.Expression, axis: int) -> ast.Expression:
    """The sum along an axis, which stays where it is counted from the end."""
    number = ast.Number(part.start, part.end, Fraction(abs(axis)), str(abs(axis)))
    place = number if axis >= 0 else ast.Unary(part.start, part.end, number)
    keeps = ast.Name(part.start, part.end, "true" if axis < 0 else "false")
    given = [(None, part), ("axis", place), ("keepdims", keeps)]
    arguments = tuple(ast.Argument(name, value, part.start, part.end) for name, value in given)
    return ast.Call(part.start, part.end, "sum", arguments, part.start, library="own")
