"""A `torch.autograd.Function`: the spec's forward pass, and the derived formulas as its backward, line by line."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from backprop_cli.engine.graph import Graph, build
from backprop_cli.language.expression import names as names_of
from backprop_cli.language.model import Function, Leaf, NodeSpec, Shape, Spec
from backprop_cli.language.unparse import ATOM
from backprop_cli.records import replace
from backprop_cli.tasks.export import numpy_helpers, torch_gradients, torch_helpers
from backprop_cli.tasks.export.as_torch import torch_imports, torch_leaves
from backprop_cli.tasks.export.code import Code, Speech, python_names, spoken
from backprop_cli.tasks.export.gradient import Gradient, gradient_of
from backprop_cli.tasks.export.prepared import with_named_outputs
from backprop_cli.tasks.export.script import Script, commented, helpers_of, literal, script, sources, title
from backprop_cli.tasks.export.torch_gradients import TORCH_WITH_GRADIENTS

HELPERS = {
    **helpers_of(torch_helpers), "draw": numpy_helpers.draw,
    **{name: one for name, one in helpers_of(torch_gradients).items() if not name.startswith("_")},
}  # fmt: skip
TAKEN = ("np", "torch", "F", "math", "ctx", "upstream", "grad_out", "total", "name", "value", *dir(builtins), *HELPERS)
KINKS = "the numbers lie on a kink, where differences mean nothing: they are moved a little"


def export(spec: Spec, of: str | None = None) -> str:
    """The script: a class for each own function with a gradient, one for the whole, and their gradcheck."""
    found = gradient_of(spec)
    work = script(found.spec, TORCH_WITH_GRADIENTS, TAKEN)
    graph = build(with_named_outputs(spec))
    own = [_own_class(one, graph, work.speech) for one in spec.functions.values() if one.grads]
    whole = _whole(spec, found, work, graph)
    names = [work.names[leaf.name] for leaf in spec.leaves]
    leaves = torch_leaves(spec, graph, work)
    seeds = [f"{work.names[leaf.name]} = torch.tensor({literal(leaf.load().tolist())})"
             for leaf in found.spec.leaves[len(spec.leaves) :]]  # fmt: skip
    sizes = [f"{work.names[name]} = {int(size)}" for name, size in spec.dims.items()]
    blocks = [sizes, seeds, *own, whole, leaves, list(_checked(spec, graph, class_name(spec), names, work))]
    text = "\n\n".join("\n".join(block) for block in blocks if block).replace("\n\n\n\n", "\n\n\n") + "\n"
    used = [*work.speech.used, *(["draw"] if "draw(" in text else [])]
    functions = sources(HELPERS, used)
    head = [*title(spec, "A torch.autograd.Function with the derived gradients"), "", *torch_imports(text + functions)]
    before = f"{chr(10).join(head)}\n{functions}{chr(10) if functions else ''}"
    return f"{before}\ntorch.set_default_dtype(torch.float64)\n\n{text}"


def class_name(spec: Spec) -> str:
    """`two_layer.yaml` is `TwoLayer`."""
    words = re.findall(r"[A-Za-z0-9]+", PurePath(spec.source.file).stem)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() and name not in TAKEN else f"Net{name}"


# ── the whole ────────────────────────────────────────────────────────────────────────────────────


def _whole(spec: Spec, found: Gradient, work: Script, graph: Graph) -> list[str]:
    leaves = [work.names[leaf.name] for leaf in spec.leaves]
    forward = [_line(work, node, node.text.text) for node in work.order if node.name not in found.gradients]
    reverse = [node for node in work.order if node.name in found.gradients]
    lines = [_line(work, node, found.formulas.get(node.name, node.text.text)) for node in reverse]
    given = _final(found, graph)
    used = {name.name for node in reverse for name in names_of(node.expression)}
    forward_names = [leaf.name for leaf in spec.leaves] + [n.name for n in work.order if n.name not in found.gradients]
    kept = [work.names[name] for name in forward_names if name in used]
    returned = ", ".join(
        f"upstream * {work.names[given[leaf.name]]}" if leaf.name in given else "None" for leaf in spec.leaves
    )
    return [
        "",
        f"class {class_name(spec)}(torch.autograd.Function):",
        '    """The forward pass of the spec, and its gradients as they were derived."""',
        "",
        "    @staticmethod",
        f"    def forward(ctx, {', '.join(leaves)}):",
        *_indented(forward),
        f"        ctx.save_for_backward({', '.join(kept)})",
        f"        return {_total(graph, work)}",
        "",
        "    @staticmethod",
        "    def backward(ctx, upstream):",
        *([f"        {', '.join(kept)}{',' if len(kept) == 1 else ''} = ctx.saved_tensors"] if kept else []),
        *_indented(lines),
        f"        return {returned}" + ("," if len(spec.leaves) == 1 else ""),
        "",
    ]


def _final(found: Gradient, graph: Graph) -> dict[str, str]:
    """The name of each leaf's whole gradient."""
    asked = [graph.nodes[index].name for index in sorted(graph.wrt)]
    by_gradient = dict(zip(found.leaves, found.leaves, strict=True))
    return {leaf: name for leaf in asked for name in by_gradient if _is_of(name, leaf)}


def _is_of(name: str, leaf: str) -> bool:
    return re.fullmatch(rf"grad_{re.escape(leaf)}(_pass_\d+)?(_\d+)?", name) is not None


def _indented(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield from (f"        {part}" for part in line.split("\n"))


def _line(work: Script, node: NodeSpec, comment: str) -> str:
    """A node; a number alone becomes a tensor."""
    code = work.code(node)
    text = f"torch.tensor(float({code.text}))" if code.number else code.text
    return commented(f"{work.names[node.name]} = {text}", comment)


def _total(graph: Graph, work: Script) -> str:
    """What is differentiated: the output, or the sum of what every pass starts from, each weighed by its seed."""
    terms = []
    for run in graph.passes:
        node = graph.nodes[run.output]
        name = work.names[node.name]
        if run.seed is None and not node.shape:
            terms.append(f"{name}.clone()" if node.is_leaf else name)
        elif run.seed is None or isinstance(run.seed, str):
            terms.append(f"{name}.sum()")
        else:
            terms.append(f"(torch.tensor({literal(run.seed.tolist())}) * {name}).sum()")
    return " + ".join(terms)


def _checked(spec: Spec, graph: Graph, name: str, leaves: list[str], work: Script) -> Iterator[str]:
    yield f"print('value:', {name}.apply({', '.join(leaves)}).item())"
    if graph.hooks:
        yield "# hooks change gradients on their way: differences of the value cannot confirm them"
        return
    if _on_a_kink(spec):
        yield f"# {KINKS}"
        yield "torch.manual_seed(0)"
        for index in sorted(graph.wrt):
            leaf = work.names[graph.nodes[index].name]
            yield f"{leaf} = ({leaf}.detach() + 0.1 * torch.rand_like({leaf})).requires_grad_()"
    symmetric = [
        work.names[leaf.name] for leaf in spec.leaves if graph.names[leaf.name] in graph.wrt and _is_symmetric(leaf)
    ]
    if not symmetric:
        yield f"print('gradcheck:', torch.autograd.gradcheck({name}.apply, ({', '.join(leaves)},)))"
        return
    given = ", ".join(f"({leaf} + {leaf}.T) / 2" if leaf in symmetric else leaf for leaf in leaves)
    yield "# differences of a symmetric matrix are taken between symmetric matrices"
    yield f"symmetric = lambda {', '.join(leaves)}: {name}.apply({given})"
    yield f"print('gradcheck:', torch.autograd.gradcheck(symmetric, ({', '.join(leaves)},)))"


def _is_symmetric(leaf: Leaf) -> bool:
    if len(leaf.shape) != 2 or leaf.shape[0] != leaf.shape[1] or leaf.shape[0] < 2:
        return False
    value = leaf.load()
    return bool((value == value.T).all())


def _on_a_kink(spec: Spec) -> bool:
    from backprop_cli.tasks.calculate import Settings, run

    return any(warned.code in {"kink", "tie"} for warned in run(spec, Settings(terms=())).warnings)


# ── functions of the spec's own ──────────────────────────────────────────────────────────────────


def _own_class(function: Function, graph: Graph, speech: Speech) -> list[str]:
    """A function with a gradient written by hand, as a class of its own, and its gradcheck."""
    shapes = _called_with(function, graph)
    names = python_names(function.args, (*TAKEN, "out"))
    label = class_name(replace(graph.spec, source=replace(graph.spec.source, file=function.name)))
    plain = replace(graph.spec, functions={n: f for n, f in graph.spec.functions.items() if n != function.name})
    body = spoken(function.body, function.body_text, plain, shapes, names, speech)
    grads = {
        arg: _by_hand(function, arg, {**shapes, "out": body.shape or ()}, names, plain, speech)
        for arg in function.grads
    }
    arguments = ", ".join(names[arg] for arg in function.args)
    returned = ", ".join(
        f"({grads[a].text}).sum_to_size({names[a]}.shape)" if a in grads else "None" for a in function.args
    )
    drawn = ", ".join(
        f"torch.rand({tuple(map(int, shapes[arg]))}, requires_grad={arg in grads})" for arg in function.args
    )
    return [
        "",
        f"class {label}(torch.autograd.Function):",
        f'    """{function.name}, with its gradient as it was written by hand."""',
        "",
        "    @staticmethod",
        f"    def forward(ctx, {arguments}):",
        *_indented([commented(f"out = {body.text}", function.body_text.text)]),
        f"        ctx.save_for_backward({arguments}, out)",
        "        return out",
        "",
        "    @staticmethod",
        "    def backward(ctx, grad_out):",
        f"        {arguments}, out = ctx.saved_tensors",
        f"        return {returned}" + ("," if len(function.args) == 1 else ""),
        "",
        "",
        f"print('gradcheck of {function.name}:', torch.autograd.gradcheck({label}.apply, ({drawn},)))",
    ]


def _by_hand(
    function: Function, arg: str, shapes: dict[str, Shape], names: dict[str, str], spec: Spec, speech: Speech
) -> Code:
    from backprop_cli.engine.interpret import Scope, interpret

    expression, text = function.grads[arg]
    codes = {name: Code(names.get(name, name), ATOM, shape) for name, shape in shapes.items()}
    upstream = Code("grad_out", ATOM, shapes["out"])
    scope = Scope(text, codes.get, gradient=lambda name: upstream if name == "out" else None, dims=spec.dims,
                  functions=spec.functions)  # fmt: skip
    found: Code = interpret(expression, scope, speech)
    return found


def _called_with(function: Function, graph: Graph) -> dict[str, Shape]:
    """The shapes of a function's arguments where it is called first; scalars where it is called nowhere."""
    call = next((node for node in graph.nodes if node.op is not None and node.op.name == function.name
                 and node.op.group == "functions"), None)  # fmt: skip
    shapes: list[Any] = [graph.nodes[i].shape for i in call.inputs] if call is not None else [()] * len(function.args)
    return dict(zip(function.args, shapes, strict=True))
