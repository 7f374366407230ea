"""A numpy script: the forward pass and the reverse pass line by line, each gradient with its formula."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Iterable, Iterator

from backprop_cli.export import numpy_helpers
from backprop_cli.export.gradient import gradient_of
from backprop_cli.export.numpy_table import NUMPY
from backprop_cli.export.script import leaf_code, script, title
from backprop_cli.spec.model import Spec

HELPERS = {name: function for name, function in inspect.getmembers(numpy_helpers, inspect.isfunction)
           if function.__module__ == numpy_helpers.__name__}  # fmt: skip
TAKEN = ("np", "math", "language", "name", "value", *dir(builtins), *HELPERS)
OWN = ("from backprop_cli.meanings.numbers import Words  # what numpy does not have: pip install backprop-cli",
       "", "language = Words()")  # fmt: skip


def export(spec: Spec, of: str | None = None) -> str:
    """The script."""
    found = gradient_of(spec)
    work = script(found.spec, NUMPY, TAKEN)
    forward: list[str] = []
    reverse: list[str] = []
    for node in work.order:
        formula = found.formulas.get(node.name)
        text = formula or node.text.text  # a formula, or what the spec says
        (forward if node.name not in found.gradients else reverse).append(work.line(node, text))
    leaves = [f"{work.names[leaf.name]} = {leaf_code(leaf, spec.dtype)}" for leaf in found.spec.leaves]
    sizes = [f"{work.names[name]} = {int(size)}" for name, size in spec.dims.items()]
    used = [*work.speech.used, *(["draw"] if any("draw(" in leaf for leaf in leaves) else [])]
    shown = [work.names[name] for name in (*found.outputs, *found.leaves)]
    body = (
        sizes, leaves, ["# forward pass", *forward], ["# reverse pass", *reverse],
        [f"for name, value in {{{', '.join(f'{name!r}: {name}' for name in shown)}}}.items():",
         "    print(f'{name} = {value}')"],
    )  # fmt: skip
    text = "\n\n".join("\n".join(block) for block in body if block) + "\n"
    functions = "".join("\n\n" + "\n".join(lines) + "\n" for lines in helpers(used))
    head = "\n".join([*title(spec, "The forward and the reverse pass"), "", *imports(used, text + functions)]) + "\n"
    return f"{head}{functions}{chr(10) if functions else ''}\n{text}"


def imports(used: Iterable[str], text: str) -> Iterator[str]:
    """What the script needs from elsewhere."""
    if "math." in text:
        yield from ("import math", "")
    yield "import numpy as np"
    if "language" in used:
        yield from OWN


def helpers(used: Iterable[str]) -> Iterator[list[str]]:
    """The sources of the functions that are called, each after those it calls itself."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        if name in HELPERS and name not in done:
            source = inspect.getsource(HELPERS[name])
            done[name] = ""  # conv calls itself
            for called in re.findall(r"\b(\w+)\(", source):
                add(called)
            done.pop(name)
            done[name] = untyped(source)

    for name in used:
        add(name)
    for source in done.values():
        yield source.rstrip().split("\n")


def untyped(source: str) -> str:
    """A function without its annotations."""
    head, _, body = source.partition("\n")
    plain = re.sub(r": Any = ([^,)]*)", r"=\1", head).replace(": Any", "").replace(" -> Any", "")
    return f"{plain}\n{body.replace(': Any = ', ' = ')}"
