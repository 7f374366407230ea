"""∂²output/∂leaf² of a spec: the Jacobian of its gradient, which is an expression of the language again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.errors import SpecError, UsageError
from backprop_cli.formulas.printed import Omitted, Printed, partial
from backprop_cli.language.model import NodeSpec, Spec
from backprop_cli.language.overrides import replace_settings
from backprop_cli.language.source import inline
from backprop_cli.tasks.calculate import compute, load_leaves, seed_of
from backprop_cli.tasks.jacobian.jacobian import Wanted, check_name, has_numbers, one_jacobian, seeded
from backprop_cli.tasks.jacobian.numbers import Rows
from backprop_cli.tasks.jacobian.results import Differentiated


@dataclass(frozen=True, slots=True)
class GradientSpec:
    """A spec whose output is the gradient by one leaf."""

    spec: Spec
    node: str
    leaf: str


def hessians(spec: Spec, wanted: Wanted, vector: str | None = None) -> Iterator[Differentiated]:
    """The second derivatives by each pair of the leaves asked for; with a vector, the product of each Hessian with it.

    Raises:
        SpecError: what is wrong with the spec or the vector; E017 where the output depends on nothing asked for.
        UsageError: E018 for an output that is no number.
    """
    graph = scalar_graph(spec)
    params = frozenset(graph.names[leaf.name] for leaf in spec.leaves if leaf.kind == "param")
    names = wanted.wrt or tuple(graph.nodes[i].name for i in sorted(params & graph.active))
    for name in names:
        check_name(graph, name)
    pairs = [(name, name) for name in names] if vector is not None else combinations_with_replacement(names, 2)
    for first, second in pairs:
        gradient = gradient_of(spec, graph, first, wanted)
        if vector is None:
            yield _one(gradient, graph, second, wanted)
        else:
            yield _product(gradient, graph, vector, wanted)


def scalar_graph(spec: Spec) -> Graph:
    """The graph of a spec whose output is a number.

    Raises:
        UsageError: E018.
    """
    graph = build(seeded(spec))
    if any(int(n) != 1 for n in graph.output.shape):
        shape = tuple(map(int, graph.output.shape))
        raise UsageError("E018", f"a Hessian is of a number, and {graph.output_name!r} has shape {shape}",
                         hint=f"choose an entry: --output '{graph.output_name}[0]'")  # fmt: skip
    return graph


def gradient_of(spec: Spec, graph: Graph, name: str, wanted: Wanted) -> GradientSpec:
    """The spec with one more node, the gradient by `name` as its formula says it, or with a node a step of the chain.

    Raises:
        SpecError: E016 where even one step is too long for an expression.
    """
    from backprop_cli.formulas.formulate import formulate  # imports sympy
    from backprop_cli.tasks.export.gradient import gradient_nodes
    from backprop_cli.tasks.export.prepared import expression_of, unique

    values = compute(graph, load_leaves(graph, wanted.max_bytes)).values if has_numbers(graph) else None
    index = graph.names[name]
    scalar = replace(spec, grad_output=None, grad_output_at=None, hooks={}, backward=())
    _, total, _ = formulate(graph, values, None, ("nodes",), ("code",), only=frozenset({index}))
    formula = total[index]["nodes"]
    if isinstance(formula, Printed) and "grad(" not in formula.code:
        node = unique(f"grad_{name}", {*graph.names, *spec.dims})
        added = NodeSpec(node, *expression_of(formula.code), inline(node, "<generated>"))
        whole = replace(scalar, nodes=(*spec.nodes, added))
    else:
        whole, node = gradient_nodes(replace(scalar, wrt="all"), name)
    return GradientSpec(replace(whole, output=expression_of(node), grad_output="ones", wrt="all"), node, name)


def _one(gradient: GradientSpec, graph: Graph, name: str, wanted: Wanted) -> Differentiated:
    """∂²output/∂leaf∂name."""
    try:
        twice = build(gradient.spec)
        check_name(twice, name)
    except (SpecError, UsageError) as error:
        if error.code != "E017":
            raise
        return _nothing(gradient, graph, name)
    rows = Rows.of(twice, load_leaves(twice, wanted.max_bytes)) if has_numbers(twice) else None
    return _told(one_jacobian(twice, rows, name, wanted), gradient, graph)


def _told(found: Differentiated, gradient: GradientSpec, graph: Graph) -> Differentiated:
    """The result in the words of the spec that was asked about."""
    output = graph.output_name
    below = found.rows.removeprefix(f"∂{gradient.node}").replace(f"/∂{found.wrt}", f"∂{found.wrt}")
    rows = f"∂²{output}/∂{gradient.leaf}{below}" if found.rows else ""
    return replace(found, kind="hessian", symbol=second(output, gradient.leaf, found.wrt), output=output, rows=rows,
                   title=graph.spec.title)  # fmt: skip


def second(output: str, first: str, other: str) -> str:
    """`∂²loss/∂w²`, `∂²loss/∂w∂b`."""
    top = partial(output, first).removeprefix("∂").rpartition("/∂")[0]
    return f"∂²{top}/∂{first}²" if first == other else f"∂²{top}/∂{first}∂{other}"


def _nothing(gradient: GradientSpec, graph: Graph, name: str) -> Differentiated:
    """The gradient is constant in the leaf: zeros."""
    shape = tuple(int(n) for leaf in (gradient.leaf, name) for n in graph.nodes[graph.names[leaf]].shape)
    code = f"zeros({shape})" if shape else "0"
    formula = Printed({"text": "0", "code": code, "latex": "0", "index": "0"}, 0.0)
    return Differentiated(
        graph.spec.source.file, graph.spec.title, "hessian", second(graph.output_name, gradient.leaf, name),
        graph.output_name, name, shape, np.zeros(shape, dtype=graph.spec.dtype)[()], formula,
        dims={k: int(v) for k, v in graph.spec.dims.items()},
    )  # fmt: skip


def _product(gradient: GradientSpec, graph: Graph, vector: str, wanted: Wanted) -> Differentiated:
    """H · v, by one reverse pass over the gradient."""
    name = gradient.leaf
    aimed = replace_settings(gradient.spec, grad_output=vector)
    if aimed.grad_output_at is not None:
        aimed = replace(aimed, grad_output_at=replace(aimed.grad_output_at, source=inline(vector, "--vector").source))
    try:
        twice = build(aimed)
    except SpecError as error:
        if error.code != "E017":
            raise SpecError(error.code, error.message.replace("grad_output", "the vector")
                            .replace("the output", "the gradient"), at=error.at) from None  # fmt: skip
        twice = None
    if twice is None or graph.names[name] not in twice.active:
        none = _nothing(gradient, graph, name)
        shape = none.shape[: len(none.shape) // 2]
        value = np.zeros(shape, dtype=graph.spec.dtype)[()]
        return replace(none, shape=shape, value=value, symbol=f"{none.symbol} · v")
    return _with_product(twice, gradient, graph, wanted)


def _with_product(twice: Graph, gradient: GradientSpec, graph: Graph, wanted: Wanted) -> Differentiated:
    index = twice.names[gradient.leaf]
    rows = Rows.of(twice, load_leaves(twice, wanted.max_bytes)) if has_numbers(twice) else None
    value: Any = None if rows is None else rows.back(seed_of(twice, twice.passes[0]), index)
    formula: Printed | Omitted = Omitted("not asked for")
    if wanted.formulas:
        from backprop_cli.formulas.jacobian import product_formula

        formula = product_formula(twice, None if rows is None else rows.values, twice.passes[0], index)
    return Differentiated(
        graph.spec.source.file, graph.spec.title, "hessian",
        f"{second(graph.output_name, gradient.leaf, gradient.leaf)} · v", graph.output_name, gradient.leaf,
        tuple(map(int, twice.nodes[index].shape)), value, formula,
        dims={k: int(v) for k, v in graph.spec.dims.items()},
    )  # fmt: skip
