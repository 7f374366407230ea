"""What the scripts have in common: their names, their leaves, their lines."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from backprop_cli.engine.graph import build, plain
from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Expression
from backprop_cli.language.initial import INITS, fans
from backprop_cli.language.model import Leaf, NodeSpec, Shape, Spec
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass
from backprop_cli.tasks.export.as_spec import printable
from backprop_cli.tasks.export.code import Code, Dialect, Speech, python_names, spoken

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Script:
    """A spec about to be written in Python."""

    spec: Spec
    names: Mapping[str, str]
    shapes: Mapping[str, Shape]
    order: tuple[NodeSpec, ...]  # each node after all it uses
    speech: Speech

    def line(self, node: NodeSpec, comment: str) -> str:
        """`z_1 = w1 @ x  # comment`."""
        return commented(f"{self.names[node.name]} = {self.code(node).text}", comment)

    def code(self, node: NodeSpec) -> Code:
        """A node's expression."""
        return spoken(node.expression, node.text, self.spec, self.shapes, self.names, self.speech)

    def hook(self, expression: Expression, text: Text, grad: Code) -> Code:
        """A hook's expression, in which `grad` is the gradient that arrives."""
        shapes, names = {**self.shapes, "grad": grad.shape or ()}, {**self.names, "grad": grad.text}
        return spoken(expression, text, self.spec, shapes, names, self.speech)


def script(spec: Spec, dialect: Dialect, taken: Iterable[str]) -> Script:
    """The parts of a script; `taken` are names that it needs for itself.

    Raises:
        SpecError: what is wrong with the spec.
    """
    spec = plain(spec)
    graph = build(spec)
    shapes = {name: graph.nodes[index].shape for name, index in graph.names.items()}
    names = python_names([*spec.dims, *shapes], taken)
    specs = {node.name: node for node in spec.nodes}
    order = tuple(specs[node.name] for node in graph.named() if node.name in specs)
    return Script(spec, names, shapes, order, Speech(dialect, names))


def commented(code: str, comment: str) -> str:
    """A line with its comment: beside it, or above where that is too long."""
    text = printable(" ".join(comment.split()))
    said = re.sub(r"\b(np|torch|F)\.| ", "", code.partition(" = ")[2])
    if text.replace(" ", "") == said:  # the code says it as well
        return code
    return f"{code}  # {text}" if len(code) + len(text) + 4 <= WIDTH else f"# {text}\n{code}"


def title(spec: Spec, what: str) -> Iterator[str]:
    """The first lines."""
    yield f"# {what} of {printable(spec.source.file)}, written by 'backprop export'."
    if spec.title:
        yield f"# {printable(spec.title)}"


# ── leaves ───────────────────────────────────────────────────────────────────────────────────────


def leaf_code(leaf: Leaf, dtype: str) -> str:
    """The array of a leaf as numpy code: its numbers, or the draw that makes them.

    Raises:
        SpecError: E019 where the leaf has none.
    """
    if leaf.load is None:
        raise SpecError("E019", f"{leaf.name!r} has a shape but no numbers", at=leaf.at.place(),
                        hint=f"give it a value, `init: normal`, or --set {leaf.name}=...")  # fmt: skip
    written = leaf.written or {}
    made = _draw(leaf, written) if written.get("init") in _DRAWS else None
    if made is None:
        return f"np.array({literal(leaf.load().tolist())}, dtype=np.{dtype})"
    return made if dtype == "float64" else f"{made}.astype(np.{dtype})"


def literal(value: Any) -> str:
    """Numbers as Python writes them; long lists over several lines."""
    if not isinstance(value, list):
        text = repr(value)
        return text if math.isfinite(value) else f"float('{text}')"
    parts = list(map(literal, value))
    whole = f"[{', '.join(parts)}]"
    if len(whole) <= WIDTH:
        return whole
    if isinstance(value[0], list):
        return "[" + ",\n ".join(part.replace("\n", "\n ") for part in parts) + "]"
    lines, line = [], ""
    for part in parts:
        if len(line) + len(part) > WIDTH - 4:
            lines.append(line)
            line = ""
        line += f"{part}, "
    return "[" + "\n ".join([*lines, line.removesuffix(", ")]) + "]"


_DRAWS = ("normal", "uniform", "xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform")


def _draw(leaf: Leaf, written: Mapping[str, Any]) -> str:
    kind = written["init"]
    given = {**INITS[kind].options, **written}
    shape = tuple(map(int, leaf.shape))
    family, _, law = kind.partition("_")
    if law:
        inputs, outputs = fans(shape)
        gain = float(given["gain"])
        std = gain * math.sqrt(2 / (inputs + outputs)) if family == "xavier" else gain / math.sqrt(inputs)
        first, second = (0.0, std) if law == "normal" else (-math.sqrt(3) * std, math.sqrt(3) * std)
    else:
        law = kind
        first, second = (given["mean"], given["std"]) if law == "normal" else (given["low"], given["high"])
    return f"draw({int(given['seed'])}, {leaf.name!a}).{law}({float(first)!r}, {float(second)!r}, {shape})"


# ── helpers ──────────────────────────────────────────────────────────────────────────────────────

Functions = Mapping[str, Callable[..., Any]]


def helpers_of(module: ModuleType) -> Functions:
    """The functions that a module defines."""
    return {name: function for name, function in inspect.getmembers(module, inspect.isfunction)
            if function.__module__ == module.__name__}  # fmt: skip


def sources(functions: Functions, used: Iterable[str]) -> str:
    """The sources of the functions that are called, each after those that it calls itself."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        if name in functions and name not in done:
            source = inspect.getsource(functions[name])
            done[name] = ""  # conv calls itself
            for called in re.findall(r"\b(\w+)\(", source):
                add(called)
            done.pop(name)
            done[name] = untyped(source)

    for name in used:
        add(name)
    return "".join(f"\n\n{source.rstrip()}\n" for source in done.values())


def untyped(source: str) -> str:
    """A function without its annotations."""
    lines = source.encode().splitlines(keepends=True)
    for line, start, end in sorted(_annotated(ast.parse(source)), reverse=True):
        lines[line - 1] = lines[line - 1][:start] + lines[line - 1][end:]
    head, colon, body = b"".join(lines).decode().partition(":\n")
    return re.sub(r"(\w+) = ", r"\1=", re.sub(r"\n\s+", " ", head)) + colon + body


def _annotated(tree: ast.Module) -> Iterator[tuple[int, int, int]]:
    """Line, first and last byte of each annotation, with the colon or the arrow before it."""
    for node in ast.walk(tree):
        given = node.annotation if isinstance(node, ast.arg | ast.AnnAssign) else getattr(node, "returns", None)
        if given is not None and given.end_col_offset is not None:
            sign = len(" -> " if isinstance(node, ast.FunctionDef) else ": ")
            yield given.lineno, given.col_offset - sign, given.end_col_offset
