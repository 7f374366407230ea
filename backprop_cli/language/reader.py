"""A spec's bytes to a `Spec`: the sections in turn, every error of the file in one go."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from stat import S_ISFIFO

from backprop_cli.errors import FileError, SpecError
from backprop_cli.language import sections
from backprop_cli.language.decode import MAX_BYTES
from backprop_cli.language.functions import Written, check_functions
from backprop_cli.language.loader import Document, load_document, raise_all
from backprop_cli.language.model import Spec
from backprop_cli.language.reading import Reading, unknown_key, wrong_type
from backprop_cli.language.tree import Mapping, Node, Scalar

Handler = Callable[[Reading, Scalar, Node], None]


def _layers(reading: Reading, key: Scalar, node: Node) -> None:
    """Few specs have layers: what they are is loaded for those."""
    from backprop_cli.language.layers import layers

    layers(reading, key, node)


SECTIONS: dict[str, Handler] = {  # in the order in which they are read, wherever they stand
    "title": sections.title,
    "description": sections.title,
    "dtype": sections.dtype,
    "dims": sections.dims,
    "inputs": sections.inputs,
    "params": sections.params,
    "nodes": sections.nodes,
    "layers": _layers,
    "functions": sections.functions,
    "output": sections.output,
    "grad_output": sections.grad_output,
    "wrt": sections.wrt,
    "hooks": sections.hooks,
    "backward": sections.backward,
}

COMPUTING = ("nodes", "layers")  # a spec without either computes nothing

OTHER_KEYS = {
    "parameters": "params", "weights": "params", "variables": "params", "leaves": "params", "values": "inputs",
    "graph": "nodes", "ops": "nodes", "operations": "nodes", "expressions": "nodes", "program": "nodes",
    "forward": "nodes", "loss": "output", "outputs": "output", "root": "output", "data": "inputs",
    "constants": "inputs", "x": "inputs", "sizes": "dims", "shapes": "dims", "dimensions": "dims", "name": "title",
    "gradient": "grad_output", "cotangent": "grad_output", "grad": "grad_output",
    "requires_grad": "wrt", "precision": "dtype", "type": "dtype", "network": "layers", "modules": "layers",
    "register_hook": "hooks", "passes": "backward", "custom": "functions", "defs": "functions",
}

NEEDS = "a spec needs at least 'params' (or 'inputs') and 'nodes'; 'backprop new' prints one to start from"


def load_spec(path: str) -> Spec:
    """Read a spec from a file, or from stdin where `path` is '-'.

    Data files of a spec on stdin are looked for in the current folder.

    Raises:
        FileError: E001 where it cannot be read.
        SpecError: what is wrong with it; Failures where there are several.
    """
    if path == "-":
        return read_spec(_stdin(), "<stdin>", folder="")
    return read_spec(_content(path), path, folder=os.path.dirname(path))


def read_spec(data: bytes, file: str, *, folder: str | os.PathLike[str] | None) -> Spec:
    """Read a spec from its bytes.

    Args:
        data: the YAML text.
        file: its name, for the places of errors.
        folder: where its data files lie; None for the current folder.

    Raises:
        SpecError: what is wrong with it; Failures where there are several.
    """
    return spec_of(load_document(data, file), folder=folder)


def spec_of(document: Document, *, folder: str | os.PathLike[str] | None) -> Spec:
    """The spec that a document is.

    Raises:
        SpecError: what is wrong with it; Failures where there are several.
    """
    reading = Reading(document.source, folder, errors=list(document.problems))
    with reading.collecting():
        _sections(reading, _top(document))
    raise_all(tuple(sorted(reading.errors, key=_position)))
    return Spec(source=document.source, dims=reading.dims, leaves=tuple(reading.leaves), nodes=tuple(reading.nodes),
                functions=reading.functions, warnings=tuple(reading.warnings), files=tuple(reading.files),
                **reading.settings)


def _position(error: Exception) -> tuple[int, int]:
    at = getattr(error, "at", None)
    return (at.line, at.column) if at else (0, 0)


def _top(document: Document) -> Mapping:
    """The mapping that a spec is."""
    if document.root is None or (isinstance(document.root, Scalar) and document.root.value is None):
        raise SpecError("E008", "the spec is empty", at=document.source.place(1, 1), hint=NEEDS)
    if not isinstance(document.root, Mapping):
        raise wrong_type(document.root, "a spec is a mapping", NEEDS)
    return document.root


def _sections(reading: Reading, top: Mapping) -> None:
    given = {key.raw: (key, value) for key, value in top.items}
    for key, _ in top.items:
        if key.raw not in SECTIONS:
            reading.errors.append(unknown_key(key, SECTIONS, "the spec", _other_keys()))
    for name, handle in SECTIONS.items():
        if name in given:
            with reading.collecting():
                handle(reading, *given[name])
    _check(reading, top, given)


def _other_keys() -> dict[str, str]:
    return {other: key for other, key in OTHER_KEYS.items() if key in SECTIONS}


def _check(reading: Reading, top: Mapping, given: dict[str, tuple[Scalar, Node]]) -> None:
    """What only the whole spec shows."""
    named = reading.settings.get("wrt")
    if isinstance(named, tuple) and not reading.errors:  # else a leaf may be missing because it is wrong
        reading.errors += sections.check_wrt(named, [leaf.name for leaf in reading.leaves],
                                             [node.name for node in reading.nodes])
    reading.errors += check_functions(reading.functions, _users(reading))
    if "grad_output" in given and "backward" in given:
        hint = "write {output: ..., grad_output: ...} in the list"
        reading.errors.append(SpecError("E008", "with 'backward' each pass has its own 'grad_output'",
                                        at=given["grad_output"][0].at.place(), hint=hint))
    if not reading.nodes and not reading.errors:
        at = next((given[key][0] for key in COMPUTING if key in given), top.items[0][0] if top.items else top)
        reading.errors.append(SpecError("E008", "the spec has no nodes to compute", at=at.at.place(), hint=NEEDS))


def _users(reading: Reading) -> Iterator[Written]:
    """Every expression that may call a function of the spec's own."""
    yield from ((node.expression, node.text) for node in reading.nodes)
    yield from reading.settings.get("hooks", {}).values()
    yield from ((one.output, one.output_text) for one in reading.settings.get("backward", ()))
    if "output" in reading.settings:
        yield reading.settings["output"]


def content_of(path: str) -> bytes:
    """The bytes of a file, or of stdin where `path` is '-'; at most one more than is read.

    Raises:
        FileError: E001.
    """
    return _stdin() if path == "-" else _content(path)


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────


def _content(path: str) -> bytes:
    """At most one byte more than is read: the loader says that it is too large."""
    try:
        with open(path, "rb", opener=_at_once) as stream:
            content = stream.read(MAX_BYTES + 1)
            if not content and S_ISFIFO(os.fstat(stream.fileno()).st_mode):
                raise FileError("E001", f"{path!r} is a pipe, and nobody writes into it")
            return content
    except IsADirectoryError:
        raise FileError("E001", f"{path!r} is a folder, not a spec") from None
    except (OSError, ValueError) as caught:
        reason = getattr(caught, "strerror", None) or "not a file name"
        raise FileError("E001", f"cannot read {path!r}: {reason}") from None


def _at_once(path: str, flags: int) -> int:
    """Open a file; a named pipe that nobody writes into would be waited for without an end."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor


def _stdin() -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except (OSError, ValueError, AttributeError):  # closed, or absent
        raise FileError("E001", "cannot read stdin: it is closed") from None
