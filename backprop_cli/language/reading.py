"""The state of reading one spec: what was found so far, which errors, and helpers every section uses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from collections.abc import Mapping as Table
from contextlib import contextmanager
from os import PathLike
from typing import Any

from backprop_cli.errors import BackpropError, Failures, SpecError
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.model import Function, Leaf, NodeSpec, Size, Warned
from backprop_cli.language.names import check_name
from backprop_cli.language.source import Source, Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence
from backprop_cli.records import dataclass, field


@dataclass(slots=True)
class Reading:
    """One spec while it is read; a section's handler adds what it finds."""

    source: Source
    folder: str | PathLike[str] | None
    confined: bool = True  # data files must lie in the folder
    errors: list[BackpropError] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    defined: dict[str, tuple[str, Text]] = field(default_factory=dict)  # name: section and place
    dims: dict[str, Size] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)
    nodes: list[NodeSpec] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)  # data files, as found from here
    settings: dict[str, Any] = field(default_factory=dict)  # further fields of the Spec

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep an error of the block and go on after it."""
        try:
            yield
        except BackpropError as caught:
            self.keep(caught)

    def keep(self, error: BackpropError) -> None:
        """Keep an error, or several, and go on."""
        self.errors += error.errors if isinstance(error, Failures) else [error]

    def define(self, text: Text, section: str) -> str:
        """Take a name for a section.

        Raises:
            SpecError: E009 for a bad name, E006 for one that is taken.
        """
        name = check_name(text)
        if name in self.defined:
            other, at = self.defined[name]
            message = f"the name {name!r} is already taken by {other!r}"
            raise SpecError("E006", message, at=text.place(), hint=f"first on line {at.place().line}")
        self.defined[name] = (section, text)
        return name

    def each(self, value: Node, section: str, handle: Callable[[Scalar, Node], None]) -> None:
        """Handle each entry of a section on its own: an error in one does not hide the next."""
        for key, item in mapping(value, f"'{section}' holds 'name: value' lines").items:
            try:
                handle(key, item)
            except BackpropError as caught:
                self.keep(caught)

    def warn(self, code: str, name: str, message: str) -> None:
        """Note something worth knowing that is no error."""
        self.warnings.append((code, name, message))


def describe(node: Node) -> str:
    """What a value is, in the words of an error message."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    assert isinstance(node, Scalar)
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return node.raw
    kind = "the text" if isinstance(node.value, str) else "the number"
    shown = node.raw if len(node.raw) <= 40 else node.raw[:37] + "..."
    return f"{kind} {shown!r}" if kind == "the text" else f"{kind} {shown}"


def wrong_type(node: Node, wanted: str, hint: str | None = None) -> SpecError:
    """An E008 that says what is wanted and what is there."""
    return SpecError("E008", f"{wanted}, found {describe(node)}", at=node.at.place(), hint=hint)


def mapping(node: Node, wanted: str) -> Mapping:
    """The node as a mapping, or E008."""
    if isinstance(node, Mapping):
        return node
    raise wrong_type(node, wanted)


def scalar(node: Node, wanted: str, hint: str | None = None) -> Scalar:
    """The node as a scalar that is not null, or E008."""
    if isinstance(node, Scalar) and node.value is not None:
        return node
    raise wrong_type(node, wanted, hint)


def known(table: Mapping, keys: Collection[str], what: str, synonyms: Table[str, str] | None = None) -> dict[str, Node]:
    """The values of a mapping by key.

    Raises:
        Failures: E007 for each key that is not one of `keys`; a single one is raised itself.
    """
    found = {key.raw: value for key, value in table.items}
    unknown = [unknown_key(key, keys, what, synonyms) for key, _ in table.items if key.raw not in keys]
    if unknown:
        raise unknown[0] if len(unknown) == 1 else Failures(unknown)
    return found


def unknown_key(key: Scalar, keys: Collection[str], what: str, synonyms: Table[str, str] | None = None) -> SpecError:
    """The E007 for a key."""
    hint = did_you_mean(key.raw, keys, synonyms) or f"the keys are {', '.join(keys)}"
    return SpecError("E007", f"unknown key {key.raw[:64]!r} in {what}", at=key.at.place(), hint=hint)


def expression(node: Node, what: str) -> tuple[Expression, Text]:
    """An expression with its text; a YAML number is one too.

    Raises:
        SpecError: E008 where it is no scalar, E010 or E016 where it does not parse.
    """
    hint = "quote an expression that begins with [ or {; numbers go under inputs or params"
    text = scalar(node, f"{what} is an expression", hint if not isinstance(node, Scalar) else None).text
    return parse(text), text


def name_list(node: Node, what: str) -> tuple[Text, ...]:
    """One name or a list of names."""
    items = node.items if isinstance(node, Sequence) else [node]
    if not items:
        raise wrong_type(node, f"{what} names at least one", f"leave {what!r} out for the default")
    return tuple(scalar(item, f"{what} holds names").text for item in items)
