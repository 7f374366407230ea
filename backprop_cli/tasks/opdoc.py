"""What the documentation says of a function, made from the registry and from the program itself.

The derivative rules are not written down anywhere: each function is put into a spec of its own, with an upstream
gradient g, and what the reverse pass finds for its operands is printed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.interpret import Scope, Shapes, interpret, usage
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS, Composite, Op
from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.engine.ops.base import Sample, show
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Claim, Leaf, NodeSpec, Shape, Size, Spec
from backprop_cli.language.source import Source, inline
from backprop_cli.records import dataclass, replace

UPSTREAM, OUTPUT = ("g", "δ"), ("y", "out")  # the second where an operand has the first for its name
LETTERS = "nmkpqrst"
MASKS = frozenset({"mask", "some"})  # domains of samples that draw 0 and 1
INFIX = {op: sign for sign, op in OPERATORS.items()}
_REDUCTIONS = ("sum", "mean", "max", "min", "logsumexp", "var", "std", "norm", "prod")
_LOSSES = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "kl_div", "hinge_embedding_loss",
           "binary_cross_entropy", "binary_cross_entropy_with_logits")
_VECTORS, _BATCH = {"input": (4,), "target": (4,)}, {"x": (2, 3, 7, 8)}
_FILTERS = {"x": (2, 3, 7, 8), "w": (4, 3, 5, 6), "b": (4,)}

WRITTEN: Mapping[str, tuple[str, Mapping[str, Shape]]] = {
    "index": ("x[0]", {"x": (2, 3)}),
    "scatter": ("scatter(x, '0', (2, 3))", {"x": (3,)}),
    "negative": ("-x", {"x": (2, 3)}),
    "matmul": ("a @ b", {"a": (2, 3), "b": (3, 4)}),
    "einsum": ("einsum('ij,jk->ik', a, b)", {"a": (2, 3), "b": (3, 4)}),
    **{name: (f"{name}(x, axis=-1)", {"x": (2, 3)}) for name in _REDUCTIONS},
    **{name: (f"{name}(input, target)", _VECTORS) for name in _LOSSES},
    "gaussian_nll_loss": ("gaussian_nll_loss(input, target, var)", {**_VECTORS, "var": (4,)}),
    "cross_entropy": ("cross_entropy(input, target)", {"input": (2, 3), "target": (2,)}),
    "nll_loss": ("nll_loss(input, target)", {"input": (2, 3), "target": (2,)}),
    "conv1d": ("conv1d(x, w, b)", {"x": (2, 3, 7), "w": (4, 3, 5), "b": (4,)}),
    "conv2d": ("conv2d(x, w, b)", _FILTERS),
    "max_pool2d": ("max_pool2d(x, 2)", _BATCH),
    "avg_pool2d": ("avg_pool2d(x, 2)", _BATCH),
    "batch_norm": ("batch_norm(x, weight=weight, bias=bias)", {"x": (2, 3), "weight": (3,), "bias": (3,)}),
    "scaled_dot_product_attention": ("scaled_dot_product_attention(q, k, v)",
                                     {"q": (2, 3), "k": (4, 3), "v": (4, 5)}),
}  # fmt: skip
"""Calls that say more than the samples do: what the language writes in another way than as arguments, and shapes
in which no two sizes are equal by accident."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The gradient of one operand, given the upstream gradient: in every notation."""

    operand: str
    text: str
    code: str
    latex: str


@dataclass(frozen=True, slots=True)
class OpDoc:
    """What is known of a function."""

    name: str
    usage: str
    doc: str
    group: str
    aliases: tuple[str, ...]
    call: str  # the call that `shapes` and `rules` are about
    shapes: str
    rules: tuple[Rule, ...]
    not_differentiable: tuple[str, ...]
    convention: str
    domain: str
    body: str | None  # of a function written in the language
    example: str
    output: str  # what the rules call the value, and the gradient that arrives at it
    upstream: str

    @property
    def sign(self) -> str | None:
        """The infix operator, where the function is one."""
        return INFIX.get(self.name)


def names() -> list[str]:
    """Every function, in the order of the documentation: by group, then by name."""
    every: list[Op | Composite] = [*OPS.values(), *COMPOSITES.values()]
    return [one.name for one in sorted(every, key=lambda one: (one.group or "~", one.name))]


def describe(name: str) -> OpDoc:
    """The documentation of a function; an alias is its function."""
    found = ALIASES.get(name, name)
    function: Op | Composite = OPS[found] if found in OPS else COMPOSITES[found]
    probe = _probe(function)
    graph = _graph(probe)
    rules = tuple(_rules(graph, probe)) if graph else ()
    ruled = {rule.operand for rule in rules}
    return OpDoc(
        name=found, usage=usage(found, function.signature), doc=function.doc, group=function.group or "others",
        aliases=tuple(sorted(alias for alias, target in ALIASES.items() if target == found)), call=probe.call,
        shapes=_shapes(probe), rules=rules, not_differentiable=tuple(n for n in probe.operands if n not in ruled),
        convention=getattr(function, "convention", ""), domain=getattr(function, "domain", ""),
        body=probe.body, example=function.example or probe.plain_call, output=probe.output, upstream=probe.upstream,
    )  # fmt: skip


# ── a spec of its own ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Probe:
    """A call of a function on operands with lettered sizes."""

    function: Op | Composite
    operands: Mapping[str, Shape]
    call: str
    plain_call: str
    body: str | None

    @property
    def upstream(self) -> str:
        """What the upstream gradient is called."""
        return UPSTREAM[UPSTREAM[0] in self.operands]

    @property
    def output(self) -> str:
        """What the value is called."""
        return OUTPUT[OUTPUT[0] in self.operands]


def _probe(function: Op | Composite) -> Probe:
    if function.name in WRITTEN:
        call, given = WRITTEN[function.name]
        body = _body(function, given, {}) if isinstance(function, Composite) else None
        return Probe(function, lettered(given), call, call, body)
    sample = _sample(function)
    listed = _operand_names(function, sample)
    present = {name: shape for name, shape in zip(listed, sample.shapes, strict=True) if shape is not None}
    body = _body(function, present, sample.parameters) if isinstance(function, Composite) else None
    texts = [name if shape is not None else "none" for name, shape in zip(listed, sample.shapes, strict=True)]
    while texts and texts[-1] == "none":
        texts.pop()
    given_ = {key: spelled(value) for key, value in sample.parameters.items()}
    return Probe(function, lettered(present), _call(function, texts, given_), _call(function, texts, {}), body)


def _sample(function: Op | Composite) -> Sample:
    """The sample that says most: every operand given, of the same rank, and not a single number."""

    def worth(sample: Sample) -> tuple[int, int, int]:
        given = [shape for shape in sample.shapes if shape is not None]
        ranks = {len(shape) for shape in given}
        return len(sample.shapes) - len(given), 0 in ranks, len(sample.parameters)

    return min(function.samples, key=worth)


def _operand_names(function: Op | Composite, sample: Sample) -> tuple[str, ...]:
    if function.signature.variadic:
        return tuple("abcdefgh"[: len(sample.shapes)])
    return function.signature.operands


def _call(function: Op | Composite, operands: list[str], parameters: Mapping[str, str]) -> str:
    given = [f"{name}={text}" for name, text in parameters.items()]
    if function.name in INFIX and len(operands) == 2:
        return f"{operands[0]} {INFIX[function.name]} {operands[1]}"
    if function.name == "einsum":
        return f"einsum({parameters.get('subscripts', '...')}, {', '.join(operands)})"
    if function.signature.variadic:
        operands = [f"[{', '.join(operands)}]"]
    return f"{function.name}({', '.join([*operands, *given])})"


def spelled(value: object) -> str:
    """A parameter as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple | list):
        inner = ", ".join(map(spelled, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float | Fraction) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(float(value) if isinstance(value, Fraction) else value)


def lettered(operands: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes in which equal sizes (but 1) have one letter."""
    letters: dict[int, Size] = {}

    def size(value: int) -> int:
        if value == 1 or value not in letters and len(letters) == len(LETTERS):
            return value
        return letters.setdefault(value, Size(value, LETTERS[len(letters) % len(LETTERS)]))

    return {name: tuple(map(size, shape)) for name, shape in operands.items()}


def _body(function: Composite, operands: Mapping[str, Shape], parameters: Mapping[str, Any]) -> str:
    whole = {**function.signature.parameters, **parameters}
    return function.body(dict(operands), **whole)


def _graph(probe: Probe) -> Graph | None:
    """The graph of `sum(g * f(...))`; None where nothing in it can be differentiated."""
    fixed, masks = probe.function.integer_operands, _masks(probe.function)
    leaves = [replace(_leaf(name, shape, "input" if name in fixed else "param"), claims=masks.get(name, {}))
              for name, shape in probe.operands.items()]
    value = _node(probe.output, probe.call)
    shape = _shape(probe)
    given = _leaf("upstream", shape, "input")
    upstream = _node(probe.upstream, "identity(upstream)")  # a node, so that it stands first in a product
    product = f"{probe.upstream} * {probe.output}"
    rest = _leaf("rest", (), "input")  # beside it, so that no formula calls the product of two numbers the loss
    loss = _node("loss", f"sum({product}) + rest" if shape else f"{product} + rest")
    try:
        return build(_spec([*leaves, given, rest], [value, upstream, loss]))
    except BackpropError as error:
        if error.code == "E017":
            return None
        raise


def _masks(function: Op | Composite) -> Mapping[str, Mapping[str, Claim]]:
    """What is stated of the operands that are 0/1 masks."""
    sample = _sample(function)
    named = zip(_operand_names(function, sample), sample.domains, strict=False)
    return {name: {"mask": Claim(True, inline(name))} for name, domain in named if domain in MASKS}


def _spec(leaves: list[Leaf], nodes: list[NodeSpec]) -> Spec:
    dims = {size.name: size for leaf in leaves for size in leaf.shape if isinstance(size, Size) and size.name}
    return Spec(Source.of("<function>", ""), dims=dims, leaves=tuple(leaves), nodes=tuple(nodes))


def _leaf(name: str, shape: Shape, kind: Any) -> Leaf:
    return Leaf(name, kind, shape, None, inline(name))


def _node(name: str, text: str) -> NodeSpec:
    whole = inline(text)
    return NodeSpec(name, parse(whole), whole, inline(name))


def _rules(graph: Graph, probe: Probe) -> Iterator[Rule]:
    printed, _, _ = formulate(graph, None, None, ("nodes",), ("text", "code", "latex"))
    for name in probe.operands:
        found = printed[0].get(graph.names[name], {}).get("nodes")
        if isinstance(found, Printed):
            yield Rule(name, found.text, found.code, found["latex"])


def _shape(probe: Probe) -> Shape:
    """The shape of the value."""
    text = inline(probe.call)
    found: Shape = interpret(parse(text), Scope(text, probe.operands.get), Shapes())
    return found


def _shapes(probe: Probe) -> str:
    """What becomes of the operands' shapes: `(n, m), (m,) → (n,)`."""
    given = ", ".join(show(shape) for shape in probe.operands.values())
    return f"{given} → {show(_shape(probe))}" if given else show(_shape(probe))
