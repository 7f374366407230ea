"""What the command line changes in a spec: `--set NAME=VALUE`, `--output`, `--grad-output`, `--wrt`, `--dtype`.

Options are read by the same code as the spec.  They come from the user who runs the program, not from the file, so a
data file named in one is looked for from the current folder and may lie anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backprop_cli.errors import UsageError
from backprop_cli.language.arrays import plain
from backprop_cli.language.decode import MAX_BYTES
from backprop_cli.language.expression import parse
from backprop_cli.language.loader import compose, raise_all
from backprop_cli.language.model import Leaf, Size, Spec
from backprop_cli.language.reading import Reading
from backprop_cli.language.sections import check_wrt, read_dtype, read_seed
from backprop_cli.language.source import Source, Text, inline
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Node
from backprop_cli.language.values import read_leaf
from backprop_cli.records import replace


def override(spec: Spec, settings: Iterable[str], *, option: str = "--set") -> Spec:
    """The spec with leaves replaced; each setting is 'NAME=VALUE', VALUE as in a spec: `w=[[1, 2]]`.

    Raises:
        UsageError: E022 for a setting that names no leaf, or whose shape contradicts `dims`.
        SpecError: what is wrong with a value, placed in the option's text; Failures where there are several.
    """
    leaves = {leaf.name: leaf for leaf in spec.leaves}
    reading = Reading(inline("").source, None, confined=False, dims=dict(spec.dims))
    for setting in settings:
        with reading.collecting():
            leaf = parse_set(reading, spec, setting, option)
            leaves[leaf.name] = leaf
    raise_all(tuple(reading.errors))
    changed = {leaf.name for leaf in leaves.values() if leaf not in spec.leaves}
    kept = tuple(warned for warned in spec.warnings if warned[1] not in changed)
    return replace(spec, leaves=tuple(leaves.values()), warnings=(*kept, *reading.warnings))


def parse_set(reading: Reading, spec: Spec, setting: str, option: str = "--set") -> Leaf:
    """The leaf that one setting makes, in place of the spec's."""
    whole = inline(setting, option)
    name, equals, value = whole.text.partition("=")
    if not equals or not value.strip():
        raise UsageError("E022", f"{option} needs NAME=VALUE, found {setting[:64]!r}", at=whole.place(),
                         hint=f"{option} 'w=[[1, 2], [3, 4]]'")
    before = _leaf(spec, Text(name.strip(), whole.source, 0, len(name)))
    at = Text(before.name, whole.source, 0, len(name))
    leaf = read_leaf(reading, at, before.kind, _yaml(whole.source, len(name) + 1))
    return replace(leaf, shape=_named(before, leaf, at))


def _leaf(spec: Spec, at: Text) -> Leaf:
    leaves = {leaf.name: leaf for leaf in spec.leaves}
    if at.text in leaves:
        return leaves[at.text]
    is_node = any(node.name == at.text for node in spec.nodes)
    message = f"{at.text!r} is a node, not a leaf" if is_node else f"the spec has no leaf {at.text[:64]!r}"
    hint = did_you_mean(at.text, leaves) or f"the leaves are {', '.join(list(leaves)[:8])}"
    raise UsageError("E022", message, at=at.place(), hint=hint if not is_node else "only leaves can be set")


def _named(before: Leaf, after: Leaf, at: Text) -> tuple[int, ...]:
    """The new shape with the names of the old one's sizes, which it must then have."""
    names = [isinstance(size, Size) and size.name for size in before.shape]
    if not any(names):
        return after.shape
    fits = len(before.shape) == len(after.shape) and all(
        old == new for name, old, new in zip(names, before.shape, after.shape, strict=True) if name
    )
    if not fits:
        message = f"{before.name!r} has shape {plain(before.shape)} in the spec, not {plain(after.shape)}"
        raise UsageError("E022", message, at=at.place(), hint="change 'dims' in the spec for another size")
    return tuple(old if name else new for name, old, new in zip(names, before.shape, after.shape, strict=True))


def _yaml(source: Source, skip: int = 0) -> Node:
    """The value in an option's text."""
    if len(source.text) > MAX_BYTES:
        raise UsageError("E005", "the value is too long", hint="put large arrays into a data file: w={file: w.npy}")
    document = compose(source, skip=skip)
    raise_all(document.problems)
    if document.root is None:
        raise UsageError("E022", "the option has no value", at=source.place(1, 1))
    return document.root


def replace_settings(
    spec: Spec,
    *,
    output: str | None = None,
    grad_output: str | None = None,
    wrt: str | Iterable[str] | None = None,
    dtype: str | None = None,
) -> Spec:
    """The spec with what the options say; None leaves a setting as it is.

    A new `output` replaces the spec's `backward` passes, and its `grad_output` unless that is `ones`: a seed fits one
    output.  `wrt` is names separated by commas, several of them, or `all`.

    Raises:
        SpecError: what is wrong with an option, placed in its text.
        UsageError: E022 where `--grad-output` meets `backward` passes.
    """
    changes: dict[str, Any] = {}
    if output is not None:
        text = inline(output, "--output")
        changes |= {"output": (parse(text), text), "own_output": spec.own_output or spec.output, "backward": ()}
        if not isinstance(spec.grad_output, str):
            changes |= {"grad_output": None, "grad_output_at": None}
    if grad_output is not None:
        changes |= _seed(spec, grad_output, is_ok=output is not None or not spec.backward)
    if wrt is not None:
        changes["wrt"] = _wrt(spec, [wrt] if isinstance(wrt, str) else list(wrt))
    if dtype is not None:
        changes["dtype"] = read_dtype(inline(dtype, "--dtype"))
    return replace(spec, **changes)


def _seed(spec: Spec, given: str, *, is_ok: bool) -> dict[str, object]:
    text = inline(given, "--grad-output")
    if not is_ok:
        raise UsageError("E022", "the spec has 'backward' passes, each with its own seed", at=text.place(),
                         hint="choose one output too: --output NAME")
    return {"grad_output": read_seed(_yaml(text.source)), "grad_output_at": text}


def _wrt(spec: Spec, given: list[str]) -> object:
    if [word.strip() for word in given] == ["all"]:
        return "all"
    named = tuple(name for word in given for name in _split(inline(word, "--wrt")))
    raise_all(tuple(check_wrt(named, [leaf.name for leaf in spec.leaves], [node.name for node in spec.nodes])))
    return named


def _split(text: Text) -> Iterable[Text]:
    """The names in 'x, w', each with its place."""
    at = 0
    for part in text.text.split(","):
        start = at + len(part) - len(part.lstrip())
        yield Text(part.strip(), text.source, start, start + len(part.strip()))
        at += len(part) + 1
