"""A spec's text with other numbers in it: comments, order and layout stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from backprop_cli.language.claims import CLAIMS
from backprop_cli.language.expanded import expanded
from backprop_cli.language.loader import compose
from backprop_cli.language.model import Leaf, Spec
from backprop_cli.language.source import Source
from backprop_cli.language.tree import Mapping as MappingNode
from backprop_cli.language.tree import Node, Scalar, Sequence
from backprop_cli.language.writer import array, flow, number, shape_tree, write

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

SECTIONS = ("inputs", "params")


Holds = Callable[[str, object, "NDArray[float64]"], bool]
"""Whether a claim, by its key and what it says, is true of an array."""


def with_values(spec: Spec, values: Mapping[str, NDArray[float64]], holds: Holds) -> str:
    """The text of the file that a spec was read from, with new values for some leaves.

    A number is replaced where it stands; a leaf that is drawn or read from a file gets its value written out, and a
    claim that does not hold of a new value is taken back.  Where a leaf stands in no section, since `layers` made it,
    the spec is written anew, expanded.
    """
    document = compose(spec.source)
    written = dict(_written(document.root))
    if any(name not in written for name in values):
        return _anew(spec, values, holds)
    leaves = {leaf.name: leaf for leaf in spec.leaves}
    changes = [change for name, value in values.items()
               for change in _changes(written[name], leaves[name], value, holds)]  # fmt: skip
    return _changed(spec.source, changes)


Change = tuple[int, int, str]


def _written(root: Node | None) -> Iterator[tuple[str, Node]]:
    """The leaves of the sections, by name."""
    for key, section in root.items if isinstance(root, MappingNode) else ():
        if key.raw in SECTIONS and isinstance(section, MappingNode):
            yield from ((name.raw, node) for name, node in section.items)


def _changes(node: Node, leaf: Leaf, value: NDArray[float64], holds: Holds) -> Iterator[Change]:
    """The replacements that give a leaf its value."""
    fields = {key.raw: inner for key, inner in node.items} if isinstance(node, MappingNode) else {"value": node}
    inner = fields.get("value")
    numbers = [] if inner is None else list(_scalars(inner))
    entries = value.reshape(-1).tolist()
    if numbers and len(numbers) == len(entries) and _rank(inner) == value.ndim:
        for old, new in zip(numbers, entries, strict=True):
            if old.value != new:
                yield old.start, old.end, number(new)
        untrue = [said for key, said in fields.items() if _is_false(key, said, value, holds)]
        yield from ((said.start, said.end, "false") for said in untrue)
        return
    start, end = _extent(node)
    yield start, end, _whole(node, leaf, value, holds)


def _is_false(key: str, said: Node, value: NDArray[float64], holds: Holds) -> bool:
    """Whether a field is a claim that the value contradicts."""
    return key in CLAIMS and isinstance(said, Scalar) and said.value is not False and not holds(key, said.value, value)


def _whole(node: Node, leaf: Leaf, value: NDArray[float64], holds: Holds) -> str:
    """A leaf's value in full; beside it the facts and the named sizes that the old mapping had."""
    kept = {"value": flow(array(value))}
    for key, inner in node.items if isinstance(node, MappingNode) else ():
        if key.raw == "shape":
            kept["shape"] = flow(shape_tree(leaf.shape))
        elif key.raw in CLAIMS and not _is_false(key.raw, inner, value, holds):
            kept[key.raw] = inner.source.text[slice(*_extent(inner))]
    return flow(array(value)) if len(kept) == 1 else "{" + ", ".join(f"{k}: {v}" for k, v in kept.items()) + "}"


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    for item in node.items if isinstance(node, Sequence) else ():
        yield from _scalars(item)


def _rank(node: Node | None) -> int:
    return 1 + _rank(node.items[0]) if isinstance(node, Sequence) and node.items else 0


def _extent(node: Node) -> tuple[int, int]:
    """Where a value begins and ends: a block ends with its last part, not where the next key begins."""
    if node.source.text[node.start : node.start + 1] in {"[", "{"} or isinstance(node, Scalar):
        return node.start, node.end
    parts = [inner for _, inner in node.items] if isinstance(node, MappingNode) else getattr(node, "items", [])
    return node.start, max((_extent(part)[1] for part in parts), default=node.end)


def _changed(source: Source, changes: list[Change]) -> str:
    pieces, position = [], 0
    for start, end, new in sorted(changes):
        pieces += [source.text[position:start], new]
        position = end
    return "".join((*pieces, source.text[position:]))


def _anew(spec: Spec, values: Mapping[str, NDArray[float64]], holds: Holds) -> str:
    from backprop_cli.records import replace

    def changed(leaf: Leaf) -> Leaf:
        value = values.get(leaf.name)
        if value is None:
            return leaf
        claims = {key: claim for key, claim in leaf.claims.items() if holds(key, claim.value, value)}
        return replace(leaf, load=lambda: value, written=None, claims=claims)

    plain = expanded(replace(spec, leaves=tuple(map(changed, spec.leaves))))
    return write(plain, ("Expanded: `layers` made some of the params that have new values here.",))
