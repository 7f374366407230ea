"""A hand-written backward pass as answers: `dW2 = np.dot(h1.T, dscores)` says what the gradient of W2 is."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from backprop_cli.errors import Place
from backprop_cli.language.python.program import Program, read_program
from backprop_cli.records import dataclass

_BEFORE = re.compile(r"^(?:d|d_|grad_|grad|g_|dL_d|dloss_d|dl_d|delta_|∂)(?P<of>[^\W\d]\w*)$")
_AFTER = re.compile(r"^(?P<of>[^\W\d]\w*?)(?:_grad|_gradient|\.grad|Grad)$")
_TABLES = re.compile(r"^(?:self\.)?(?:grads?|gradients?|dparams|d)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a backward pass.

    `item` is the node whose gradient it gives (`W2`); None where it is a value of the writer's own,
    which later lines may
    use by its `target`.  `expression` is the right side as written, `adds` whether it is added to what stands already
    (`+=`), `line` where it stands, `text` the line itself.
    """

    item: str | None
    target: str
    expression: str
    line: int
    place: Place
    text: str
    adds: bool = False


def read_backward(text: str, names: Collection[str], file: str = "<python>") -> list[Line]:
    """The lines of a hand-written backward pass, in order.

    Args:
        text: Python source; it is parsed and never run.
        names: the nodes and leaves whose gradients are asked for.  A target is one of their gradients where it is
            called `d<name>`, `d_<name>`, `grad_<name>`, `<name>_grad`, `<name>.grad`, `grads["<name>"]`,
            `dparams["d<name>"]`; any other assignment is a value that later lines may use.
        file: its name, for places.

    Returns:
        The assignments, those in functions and loops too.  In their expressions `W.grad` and `grads["W"]` are called as
        the line that assigned them is (`dW`), so that a line may use earlier ones.

    Raises:
        SpecError: the text is not Python, or too large.
    """
    program = read_program(text.encode("utf-8", "replace"), file)
    return list(_lines(program, program.body, frozenset(names)))


def _lines(program: Program, body: Collection[ast.stmt], names: frozenset[str]) -> Iterator[Line]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _assigned(program, target, statement.value, names, False)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
            value = statement.value if isinstance(statement.op, ast.Add) else ast.UnaryOp(ast.USub(), statement.value)
            yield from _assigned(program, statement.target, value, names, True)
        elif isinstance(statement, ast.AugAssign):
            value = ast.BinOp(statement.target, statement.op, statement.value)
            yield from _assigned(program, statement.target, value, names, False)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from _assigned(program, statement.target, statement.value, names, False)
        else:
            for inner in ("body", "orelse", "finalbody"):
                yield from _lines(program, getattr(statement, inner, ()), names)


def _assigned(program: Program, target: ast.expr, value: ast.expr, names: frozenset[str], adds: bool) -> Iterator[Line]:
    if isinstance(target, ast.Tuple | ast.List):
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
            for one, part in zip(target.elts, value.elts, strict=True):
                yield from _assigned(program, one, part, names, adds)
        return
    called = gradient_of(target)
    item = next((n for n in (called, *_spellings(called)) if n in names), None) if called else None
    name = f"d{item}" if item is not None else name_of(target)
    if name is None:
        return
    place = program.place(target)
    written = ast.unparse(_Renaming(names).visit(_copy(value)))
    yield Line(item, name, written, place.line, place, place.source_line.strip(), adds)


def _spellings(name: str) -> tuple[str, ...]:
    return (name.lower(), name.upper(), name.removeprefix("_"))


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


class _Renaming(ast.NodeTransformer):
    """`W.grad` and `grads["W"]` on a right side, by the name of their line: `dW`."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._gradient(node) or self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        inner = self._gradient(node)
        if inner is not None:
            return inner
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(key, str) and key in self.names:
            return ast.Name(key, ast.Load())
        return self.generic_visit(node)

    def _gradient(self, node: ast.expr) -> ast.AST | None:
        called = gradient_of(node)
        return ast.Name(f"d{called}", ast.Load()) if called in self.names else None


def gradient_of(target: ast.expr) -> str | None:
    """The name whose gradient a target is called after; None where it is called after none."""
    if isinstance(target, ast.Attribute):
        if target.attr in {"grad", "gradient"}:
            return name_of(target.value)
        return gradient_of(ast.Name(target.attr, ast.Load()))
    if isinstance(target, ast.Subscript):
        table = ast.unparse(target.value) if isinstance(target.value, ast.Name | ast.Attribute) else ""
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        if isinstance(key, str):
            inside = gradient_of(ast.Name(key, ast.Load()))
            return key if _TABLES.match(table.rpartition(".")[2]) and inside is None else inside
        return gradient_of(target.value)
    if isinstance(target, ast.Name):
        found = _AFTER.match(target.id) or _BEFORE.match(target.id)
        return found["of"] if found else None
    return None


def name_of(target: ast.expr) -> str | None:
    """The name that a target ends in: `W1` of `self.W1`, of `params["W1"]`."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript):
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        return key if isinstance(key, str) and key.isidentifier() else name_of(target.value)
    return None
