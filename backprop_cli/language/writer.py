"""A spec back to YAML: text that loads again and runs to the same numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backprop_cli.language.model import Function, Leaf, Shape, Size, Spec
from backprop_cli.language.remarks import Remarks, sections_in_order
from backprop_cli.language.source import Text
from backprop_cli.language.tree import resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 100
Tree = str | list["Tree"] | dict[str, "Tree"]
"""YAML about to be written: scalars are text that is already quoted where it must be."""
LISTED = ("inputs", "params", "nodes")
"""The sections whose entries have comments of their own."""
SETTINGS = ("output", "grad_output", "wrt", "dtype")
"""Keys that a new spec may have for another reason, which the author's comment does not tell."""

# ── scalars ──────────────────────────────────────────────────────────────────────────────────────

_PLAIN = re.compile(r"[^\W\d_]\w*")
_RISKY_START = tuple("-?:,[]{}#&*!|>'\"%@`~= ")
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quoted(text: str, flow: bool = False) -> str:
    """Text as a YAML scalar: plain where that is safe, else in single quotes, else in double quotes with escapes."""
    if not all(character.isprintable() for character in text):
        return '"' + "".join(map(_escaped, text)) + '"'
    return text if _is_plain(text, flow) else "'" + text.replace("'", "''") + "'"


def _is_plain(text: str, flow: bool) -> bool:
    if _PLAIN.fullmatch(text):
        return resolve(text) == text
    start = text.removeprefix("-") if re.match(r"-[\w(.]", text) else text  # -x is plain text, - x a list
    if not start or start.startswith(_RISKY_START) or text != text.strip():
        return False
    return not re.search(r": |:$| #|\t" + (r"|[,:\[\]{}]" if flow else ""), text)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if character.isprintable():
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: float) -> str:
    """A number that reads back as the same float."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    whole = value == int(value) and abs(value) < 1e15 and str(value) != "-0.0"
    return str(int(value)) if whole else repr(float(value))


def array(values: NDArray[Any] | float) -> Tree:
    """An array as nested lists."""

    def listed(item: Any) -> Tree:
        return [listed(part) for part in item] if isinstance(item, list) else number(item)

    return listed(values if isinstance(values, int | float) else values.tolist())


def expression(text: Text, flow: bool = False) -> str:
    """An expression's text on one line."""
    one_line = " ".join(text.text.split()) if "\n" in text.text else text.text.strip()
    return quoted(one_line, flow)


# ── layout ───────────────────────────────────────────────────────────────────────────────────────


def flow(tree: Tree) -> str:
    """A value on one line."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(flow, tree)) + "]"
    return tree


def entry(key: str, tree: Tree, indent: int = 0) -> Iterator[str]:
    """The lines of `key: value`: on one line where it fits."""
    space = " " * indent
    line = f"{space}{key}: {flow(tree)}"
    if isinstance(tree, str) or not tree or len(line) <= WIDTH:
        yield line
    elif isinstance(tree, dict):
        yield f"{space}{key}:"
        for name, value in tree.items():
            yield from entry(name, value, indent + 2)
    else:
        yield f"{space}{key}:"
        yield from _items(tree, indent + 2)


def _items(items: Sequence[Tree], indent: int) -> Iterator[str]:
    """A list that is too long for one line: an item a line; numbers fill the lines."""
    space = " " * indent
    if all(isinstance(item, str) for item in items):
        yield from _filled(list(map(flow, items)), space)
        return
    for item in items:
        if isinstance(item, list) and len(flow(item)) + indent + 2 > WIDTH:
            first, *rest = _items(item, indent + 2)
            yield f"{space}- {first[indent + 2 :]}"
            yield from rest
        else:
            yield f"{space}- {flow(item)}"


def _filled(items: Sequence[str], space: str) -> Iterator[str]:
    line = space + "["
    for position, item in enumerate(items):
        piece = item + ("]" if position == len(items) - 1 else ",")
        if len(line) + len(piece) + 1 > WIDTH and line.strip() != "[":
            yield line
            line = space + " "
        line += ("" if line.endswith("[") else " " if line.strip() else "") + piece
    yield line


# ── sections ─────────────────────────────────────────────────────────────────────────────────────


def write(spec: Spec, comments: Iterable[str] = ()) -> str:
    """The YAML of a spec, with `comments` on top, and with those that its author wrote."""
    lines = [f"# {comment}" for comment in comments]
    remarks = Remarks(spec.source)
    entries = {leaf.name: leaf.at for leaf in spec.leaves} | {node.name: node.at for node in spec.nodes}
    for key, tree in _sections(spec):
        line = remarks.of_key(key, tree if key in SETTINGS and isinstance(tree, str) else "")
        if isinstance(tree, dict) and key != "dims":
            lines += remarks.around(line, [f"{key}:"])
            for name, value in tree.items():
                at = remarks.of_entry(entries[name]) if key in LISTED else None
                lines += remarks.around(at, entry(name, value, 2), 2)
        else:
            lines += remarks.around(line, entry(key, tree))
    return "\n".join(lines) + "\n"


def _sections(spec: Spec) -> Iterator[tuple[str, Tree]]:
    """The keys of a spec with their values, in the order of the documentation; leaves as they are written."""
    for key, text in (("title", spec.title), ("description", spec.description)):
        if text is not None:
            yield key, quoted(text)
    if spec.dims:
        yield "dims", {name: str(int(size)) for name, size in spec.dims.items()}
    for section, kind in sections_in_order(spec):
        found: dict[str, Tree] = {leaf.name: leaf_tree(leaf) for leaf in spec.leaves if leaf.kind == kind}
        if found:
            yield section, found
    if spec.functions:
        yield "functions", {name: _function(function) for name, function in spec.functions.items()}
    if spec.nodes:
        yield "nodes", {node.name: expression(node.text) for node in spec.nodes}
    yield from _settings(spec)


def _settings(spec: Spec) -> Iterator[tuple[str, Tree]]:
    if spec.output is not None:
        yield "output", expression(spec.output[1])
    if spec.grad_output is not None:
        yield "grad_output", _seed(spec.grad_output)
    if spec.wrt is not None:
        yield "wrt", "all" if spec.wrt == "all" else [text.text for text in spec.wrt]
    if spec.hooks:
        yield "hooks", {name: expression(text) for name, (_, text) in spec.hooks.items()}
    if spec.backward:
        yield "backward", [_pass(one.output_text, one.grad_output) for one in spec.backward]
    if spec.dtype != "float64":
        yield "dtype", spec.dtype


def _seed(seed: Any) -> Tree:
    return seed if isinstance(seed, str) else array(seed)


def _pass(output: Text, seed: object) -> Tree:
    found: dict[str, Tree] = {"output": expression(output, flow=True)}
    return found if seed is None else {**found, "grad_output": _seed(seed)}


def leaf_tree(leaf: Leaf) -> Tree:
    """A leaf's value: the numbers, or what the spec says instead of them; and what it states about them."""
    tree = _plain_leaf(leaf)
    claims: dict[str, Tree] = {key: str(claim.value).lower() for key, claim in leaf.claims.items()}
    return {**(tree if isinstance(tree, dict) else {"value": tree}), **claims} if claims else tree


def _plain_leaf(leaf: Leaf) -> Tree:
    if leaf.written is not None:
        said: Mapping[str, Tree] = {key: _said(value) for key, value in leaf.written.items()}
        return {**({"shape": shape_tree(leaf.shape)} if leaf.shape or "file" not in said else {}), **said}
    if leaf.load is None:
        return {"shape": shape_tree(leaf.shape)}
    values = array(leaf.load())
    named = any(isinstance(size, Size) and size.name for size in leaf.shape)
    return {"value": values, "shape": shape_tree(leaf.shape)} if named else values


def _said(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value, flow=True)
    return str(value) if isinstance(value, int) else number(value)


def shape_tree(shape: Shape) -> Tree:
    """A shape, its named sizes by name."""
    return [str(getattr(size, "name", None) or int(size)) for size in shape]


def _function(function: Function) -> Tree:
    found: dict[str, Tree] = {"args": list(function.args), "body": expression(function.body_text, flow=True)}
    if function.grads:
        found["grads"] = {name: expression(text, flow=True) for name, (_, text) in function.grads.items()}
    return found
