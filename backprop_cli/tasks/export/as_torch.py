"""A PyTorch script: the forward pass, and autograd's gradients."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from backprop_cli.engine.graph import Graph, build
from backprop_cli.language.model import Leaf, NodeSpec, Spec
from backprop_cli.language.unparse import ATOM
from backprop_cli.tasks.export import numpy_helpers, torch_helpers
from backprop_cli.tasks.export.code import Code
from backprop_cli.tasks.export.prepared import with_named_outputs
from backprop_cli.tasks.export.script import Script, helpers_of, leaf_code, literal, script, sources, title
from backprop_cli.tasks.export.torch_table import TORCH

HELPERS = {**helpers_of(torch_helpers), "draw": numpy_helpers.draw}
TAKEN = ("np", "torch", "F", "math", "grad", "name", "value", *dir(builtins), *HELPERS)


def export(spec: Spec, of: str | None = None) -> str:
    """The script."""
    spec = with_named_outputs(spec)
    work, graph = script(spec, TORCH, TAKEN), build(spec)
    leaves = torch_leaves(spec, graph, work)
    sizes = [f"{work.names[name]} = {int(size)}" for name, size in spec.dims.items()]
    forward = [_line(work, node) for node in work.order]
    body = (sizes, leaves, ["# forward pass", *forward], ["# reverse pass", *_reverse(work, graph)],
            _shown(work, graph))  # fmt: skip
    text = "\n\n".join("\n".join(block) for block in body if block) + "\n"
    used = [*work.speech.used, *(["draw"] if any("draw(" in leaf for leaf in leaves) else [])]
    functions = sources(HELPERS, used)
    head = "\n".join([*title(spec, "The forward pass, and autograd's gradients,"), *_notes(spec), "",
                      *torch_imports(text + functions)])  # fmt: skip
    return f"{head}\n{functions}{chr(10) if functions else ''}\ntorch.set_default_dtype(torch.{spec.dtype})\n\n{text}"


def _notes(spec: Spec) -> Iterator[str]:
    if any(function.grads for function in spec.functions.values()):
        yield "# autograd differentiates the functions' bodies: gradients written by hand are not used here"


def torch_imports(text: str) -> Iterator[str]:
    """What a script of this text imports."""
    if "math." in text:
        yield from ("import math", "")
    if "np." in text:
        yield "import numpy as np"
    yield "import torch"
    if "F." in text:
        yield "import torch.nn.functional as F"


def torch_leaves(spec: Spec, graph: Graph, work: Script) -> list[str]:
    """A line for each leaf: its numbers as a tensor, which asks for its gradient or not."""
    return [f"{work.names[leaf.name]} = {_leaf(leaf, graph.names[leaf.name] in graph.wrt)}" for leaf in spec.leaves]


def _leaf(leaf: Leaf, asked: bool) -> str:
    code = leaf_code(leaf, "float64")
    if code.startswith("draw("):
        made = f"torch.as_tensor({code}, dtype=torch.get_default_dtype())"
    else:
        made = f"torch.tensor({literal(leaf.load().tolist())})"
    return f"{made}.requires_grad_()" if asked else made


def _line(work: Script, node: NodeSpec) -> str:
    """A node; a number alone becomes a tensor."""
    found = work.code(node)
    if found.number:
        return f"{work.names[node.name]} = torch.tensor(float({found.text}))"
    return work.line(node, node.text.text)


def _reverse(work: Script, graph: Graph) -> Iterator[str]:
    """Autograd, asked to keep every gradient; hooks as PyTorch's own."""
    inner = [work.names[node.name] for node in graph.named() if node.index in graph.active and node.op is not None]
    if inner:
        yield f"for value in ({', '.join(inner)},):"
        yield "    value.retain_grad()"
    for index, hook in graph.hooks.items():
        node = graph.nodes[index]
        code = work.hook(hook.expression, hook.scope.text, Code("grad", ATOM, node.shape))
        yield f"{work.names[node.name]}.register_hook(lambda grad: {code.text})"
    for number, run in enumerate(graph.passes):
        node = graph.nodes[run.output]
        seed = "" if not node.shape and run.seed is None else f"gradient={_seed(work.names[node.name], run.seed)}"
        more = number + 1 < len(graph.passes)
        given = ", ".join(filter(None, (seed, "retain_graph=True" if more else "")))
        yield f"{work.names[node.name]}.backward({given})"


def _seed(name: str, seed: object) -> str:
    if seed is None or isinstance(seed, str):
        return f"torch.ones_like({name})"
    listed = seed.tolist()  # type: ignore[attr-defined]  # an array
    return f"torch.tensor({literal(listed)}).expand_as({name})"


def _shown(work: Script, graph: Graph) -> list[str]:
    leaves = [work.names[graph.nodes[i].name] for i in sorted(graph.wrt)]
    outputs = dict.fromkeys(work.names[graph.nodes[run.output].name] for run in graph.passes)
    values = [f"{name!r}: {name}" for name in outputs] + [f"{'grad_' + name!r}: {name}.grad" for name in leaves]
    return [f"for name, value in {{{', '.join(values)}}}.items():", "    print(f'{name} = {value}')"]
