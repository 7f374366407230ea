"""A numpy script: the forward pass and the reverse pass line by line, each gradient with its formula."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator

from backprop_cli.language.model import Spec
from backprop_cli.tasks.export import numpy_helpers
from backprop_cli.tasks.export.gradient import gradient_of
from backprop_cli.tasks.export.numpy_table import NUMPY
from backprop_cli.tasks.export.script import helpers_of, leaf_code, script, sources, title

HELPERS = helpers_of(numpy_helpers)
TAKEN = ("np", "math", "language", "name", "value", *dir(builtins), *HELPERS)
OWN = ("from backprop_cli.engine.numbers import Words  # what numpy does not have: pip install backprop-cli",
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
    functions = sources(HELPERS, used)
    head = "\n".join([*title(spec, "The forward and the reverse pass"), "", *imports(used, text + functions)]) + "\n"
    return f"{head}{functions}{chr(10) if functions else ''}\n{text}"


def imports(used: Iterable[str], text: str) -> Iterator[str]:
    """What the script needs from elsewhere."""
    if "math." in text:
        yield from ("import math", "")
    yield "import numpy as np"
    if "language" in used:
        yield from OWN
