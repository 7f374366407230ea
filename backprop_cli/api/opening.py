"""Whatever stands for a spec, opened: a path, text, a mapping, Python source, or a spec that is read already."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backprop_cli.errors import UsageError
from backprop_cli.language.model import Spec
from backprop_cli.language.python.program import is_python, looks_like_python
from backprop_cli.language.reader import content_of, read_spec

Source = str | os.PathLike[str] | Mapping[str, object] | Spec
"""A path to a spec or to Python source, YAML or Python as text, a mapping with a spec's keys, or a spec."""


def opened(source: Source, *, which: int | None = None, output: str | None = None) -> Spec:
    """The spec that a source stands for.

    Args:
        source: see `Source`.  Text is what has several lines, or a ': '; Python text is read, never run.
        which: of Python source with several backward passes, the number of one.
        output: or the output of one.

    Raises:
        FileError, SpecError, UsageError: what `backprop run` says of it.
    """
    if isinstance(source, Spec):
        return source
    if isinstance(source, Mapping):
        return read_spec(json.dumps(_plain(source)).encode(), "<mapping>", folder=Path.cwd())
    if isinstance(source, str) and ("\n" in source or ": " in source):
        return _text(source, which, output)
    path = os.fspath(source)
    data = content_of(path)
    if is_python(path):
        return python_spec(data, path, which, output)
    return read_spec(data, path, folder=Path(path).parent)


def _text(text: str, which: int | None, output: str | None) -> Spec:
    if looks_like_python(text.encode()):
        return python_spec(text.encode(), "<python>", which, output)
    return read_spec(text.encode(), "<text>", folder=Path.cwd())


def python_spec(data: bytes, file: str, which: int | None, output: str | None) -> Spec:
    """The spec of one of a program's backward passes."""
    from backprop_cli.tasks.importing.reading import chosen, import_python

    found = chosen(import_python(data, file), which, output)
    return read_spec(found.text.encode(), file, folder=Path(file).parent)


def changed(spec: Spec, values: Mapping[str, object] | None, output: str | None, grad_output: object, wrt: Any,
            dtype: str | None) -> Spec:  # fmt: skip
    """The spec with other values of leaves, another output, seed, leaves to differentiate, dtype."""
    from backprop_cli.language.overrides import override, replace_settings

    if values:
        spec = override(spec, [f"{name}={json.dumps(_plain(value))}" for name, value in values.items()])
    if output is None and grad_output is None and wrt is None and dtype is None:
        return spec
    seed = grad_output if grad_output is None or isinstance(grad_output, str) else json.dumps(_plain(grad_output))
    names = [wrt] if isinstance(wrt, str) else None if wrt is None else list(wrt)
    return replace_settings(spec, output=output, grad_output=seed, wrt=names, dtype=dtype)


def _plain(value: object) -> object:
    """A value as JSON has it; arrays and tensors as nested lists.

    Raises:
        UsageError: E022 for an object that stands for nothing in a spec.
    """
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    listed = getattr(value, "tolist", None)
    if listed is None:
        raise UsageError(
            "E022", f"an object of type {type(value).__name__} stands in a spec", hint="give numbers or lists"
        )
    return listed()
