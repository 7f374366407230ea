"""What a graph is said to take is what it takes, and a formula of anybody's is bounded before it runs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Meter, build, held, memory_estimate, rule_of, work_estimate
from backprop_cli.engine.graph.memory import Cost, costs
from backprop_cli.engine.graph.nodes import Node
from backprop_cli.engine.numbers import Numbers, Words, plain
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops import costs as rows
from backprop_cli.engine.ops.base import ShapeError
from backprop_cli.engine.passes import backward, forward, plan

WIDE, SQUARE = (150, 200), (90, 90)
SLACK = 1.15
SMALL = 40_000 + 8 * np.getbufsize()  # bytes of Python's own objects, and what numpy 2.0 reduces any array through

CASES: tuple[tuple[str, tuple[tuple[int, ...] | None, ...], dict[str, Any]], ...] = (
    ("conv2d", ((2, 3, 40, 40), (4, 3, 9, 9), (4,)), {}),
    ("conv2d", ((2, 4, 40, 40), (4, 2, 5, 5), None), {"groups": 2, "padding": 2, "stride": 2}),
    ("conv1d", ((2, 3, 3000), (4, 3, 9), (4,)), {}),
    ("conv_transpose2d", ((2, 3, 40, 40), (3, 4, 5, 5), None), {"stride": 2}),
    ("conv2d_weight", ((2, 3, 40, 40), (2, 4, 32, 32)), {"kernel_size": 9}),
    ("max_pool2d", ((2, 3, 50, 50),), {"kernel_size": 5, "stride": 1}),
    ("max_pool2d_indices", ((2, 3, 50, 50),), {"kernel_size": 5, "stride": 1}),
    ("avg_pool2d", ((2, 3, 50, 50),), {"kernel_size": 5, "stride": 1}),
    ("cumprod", ((200,),), {"axis": 0}), ("cumprod", ((20, 30, 40),), {"axis": 1}), ("cumsum", (WIDE,), {"axis": 0}),
    ("prod", (WIDE,), {}), ("prod_others", ((40, 50),), {"axis": 1}),
    ("cumprod_others", ((60,), (60,)), {"axis": 0}), ("softmax", (WIDE,), {}),
    ("log_softmax", (WIDE,), {}), ("logsumexp", (WIDE,), {"axis": 1}), ("var", (WIDE,), {"axis": 1}),
    ("norm", (WIDE,), {"axis": 1}), ("norm", (SQUARE,), {"ord": "nuc"}), ("standardize", (WIDE,), {}),
    ("sum", (WIDE,), {"axis": 0}), ("mean", (WIDE,), {"axis": 0}), ("max", (WIDE,), {"axis": 0}),
    ("matmul", ((200, 150), (150, 100)), {}), ("matmul", ((20, 30, 40), (40, 50)), {}),
    ("einsum", ((20, 30, 40), (20, 40, 25), (25, 10)), {"subscripts": "bij,bjk,kl->bil"}),
    ("outer", ((200,), (150,)), {}), ("inv", (SQUARE,), {}), ("det", (SQUARE,), {}), ("svdvals", (SQUARE,), {}),
    ("pinv", ((90, 70),), {}), ("solve", (SQUARE, (90, 50)), {}), ("matrix_power", (SQUARE,), {"n": 5}),
    ("take_along_axis", (WIDE, WIDE), {"axis": 1}), ("one_hot", ((2000,),), {"n": 100}),
    ("pad", (WIDE,), {"pad_width": 5}), ("roll", (WIDE,), {"shift": 3}), ("tril", (WIDE,), {}),
    ("diag", ((200,),), {}), ("arange", (), {"start": 100_000}), ("eye", (), {"n": 200}),
    ("concat", (WIDE, WIDE), {"axis": 0}),
    *((name, (WIDE,) * op.signature.required, {}) for name, op in OPS.items() if op.pointwise and name != "clip"),
)  # fmt: skip


def cost_of(op: Op, shapes: tuple[tuple[int, ...] | None, ...], parameters: Mapping[str, Any]) -> Cost:
    """What a step of this op is said to take, with gradients for all its operands."""
    from backprop_cli.engine.graph import memory

    node = Node(0, "y", "node", op.shape(*shapes, **parameters), op, tuple(range(len(shapes))), parameters)
    return memory._cost(node, shapes, tuple(shape is not None for shape in shapes))


def taken(op: Op, shapes: tuple[tuple[int, ...] | None, ...], parameters: Mapping[str, Any]) -> int:
    """Bytes that numpy takes at the peak of a step, forward besides its result or back: tracemalloc's count."""
    random = np.random.default_rng(3)
    operands = [None if shape is None else random.uniform(0.1, 0.5, shape) for shape in shapes]
    if op.integer_operands:
        operands[-1] = np.zeros(np.shape(operands[-1]))
    words, statics = Words(), {name: plain(value) for name, value in parameters.items()}
    node = Node(0, "y", "node", (), op, tuple(range(len(shapes))), parameters)
    with np.errstate(all="ignore"):
        result = op.forward(words, *operands, **statics)
        peaks = [_peak(op.forward, words, *operands, **statics) - result.nbytes]
        for position, shape in enumerate(shapes):
            rule = rule_of(node, position)
            if rule is not None and shape is not None:
                which = (position,) if op.signature.variadic else ()
                peaks.append(_peak(rule, words, *which, result, result, *operands, **statics))
    return max(peaks)


def _peak(function: Any, *arguments: Any, **parameters: Any) -> int:
    tracemalloc.start()
    try:
        function(*arguments, **parameters)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "shapes", "given"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_a_step_takes_what_is_declared(name: str, shapes: Any, given: dict[str, Any]) -> None:
    """Rule: forward and rules of an op take no more memory than the estimate says."""
    op = OPS[name]
    parameters = {**op.signature.parameters, **given}
    whole = tuple(shapes) + (None,) * (0 if op.signature.variadic else len(op.signature.operands) - len(shapes))
    assert taken(op, whole, parameters) <= SLACK * 8 * cost_of(op, whole, parameters).entries + SMALL


def test_an_undeclared_temporary_is_caught() -> None:
    """The test of the tests: a convolution that declares no windows takes more than it says."""
    name, shapes, given = CASES[0]
    liar = replace(OPS[name], temporary=rows.nothing)
    parameters = {**liar.signature.parameters, **given}
    declared = Meter()
    declared.entries, declared.transient = 0, liar.temporary((1,), *shapes, **parameters)
    assert taken(liar, shapes, parameters) > SLACK * 8 * declared.peak + SMALL


@pytest.mark.parametrize("name", OPS)
def test_every_rule_can_be_counted(name: str) -> None:
    """Rule: the rules of every op run on shapes alone, for every sample."""
    op = OPS[name]
    for sample in op.samples:
        cost = cost_of(op, sample.shapes, {**op.signature.parameters, **sample.parameters})
        assert cost.entries >= 0
        assert cost.work >= 0


@pytest.mark.parametrize("expression", [
    "sum(tanh(x @ x) @ x)", "sum(cumprod(x, axis=0))", "sum(softmax(x @ x.T) @ x)",
    "sum(x[None, None] * ones((9, 4, 1, 1)))",
    "sum(conv2d(x[None, None], ones((3, 1, 7, 7))))", "logdet(x @ x.T + 90 * eye(120))", "sum(dropout(x, x > 0, 0.5))",
])  # fmt: skip
def test_a_run_takes_what_is_estimated(expression: str, spec_of) -> None:
    """Rule: values, gradients and temporaries of a whole run stay below the estimate, and are no tenth of it."""
    leaf_x = "params: {x: {shape: [120, 120], init: normal, std: 0.1}}\n"
    graph = build(spec_of(f"{leaf_x}nodes: {{y: '{expression}'}}\n"))
    leaf = next(node for node in graph.nodes if node.leaf is not None)

    def run() -> None:
        meaning = Numbers(graph)
        steps = plan(graph, meaning)
        values = meaning.values = forward(graph, steps, meaning, {leaf.index: leaf.leaf.load()})
        backward(graph, steps, meaning, values, graph.output.index, np.float64(1))

    run()
    peak = _peak(run) - min(held(graph), 31 << 20)  # a block that is never touched; see keep_freed_memory
    assert peak <= SLACK * memory_estimate(graph) + SMALL
    assert peak + min(held(graph), 31 << 20) >= memory_estimate(graph) / 10


def test_nodes_count_whatever_their_shape(spec_of) -> None:
    """Rule: a long chain of scalars takes what its nodes take; the estimate is no less, and no four times as much."""
    rows = "".join(f"  n{i}: {f'n{i - 1}' if i else 'w'} + 0.5\n" for i in range(500))
    kept = []

    def run() -> None:
        kept.append(graph := build(spec_of(f"params: {{w: 1.0}}\nnodes:\n{rows}")))
        meaning = Numbers(graph)
        steps = plan(graph, meaning)
        values = meaning.values = forward(graph, steps, meaning, {0: np.float64(1)})
        kept.append(backward(graph, steps, meaning, values, graph.output.index, np.float64(1)))

    run()
    peak = _peak(run)
    assert peak <= memory_estimate(kept[0]) + SMALL
    assert memory_estimate(kept[0]) <= 4 * peak


def test_a_users_function_is_counted_inside(spec_of) -> None:
    """Rule: what a function with a gradient of its own computes on its way counts too."""
    inner = "functions: {f: {args: [x], body: 'sum(outer(x, x))', grads: {x: grad(out) * x}}}\n"
    graph = build(spec_of(inner + "params: {x: {shape: [1000], init: normal}}\nnodes: {y: f(x)}\n"))
    assert memory_estimate(graph) >= 8_000_000


@pytest.mark.parametrize(("expression", "says"), [
    ("svdvals(ones((2000, 2000)))", "numbers, at svdvals"),
    ("svdvals(ones((1400, 1400)))", "operations, at svdvals"),
    ("ones((900, 900)) @ ones((900, 900))", "operations, at matmul"),
    ("max_pool2d(ones((1, 1, 300, 300)), 60, stride=1)", "numbers, at max_pool2d"),
    ("conv2d(ones((1, 1, 500, 500)), ones((1, 1, 200, 200)))", "numbers, at conv2d"),
    ("max_pool2d(ones((1, 1, 700, 700)), 700)", "operations, at max_pool2d"),
    ("max_pool2d_indices(ones((1, 1, 300, 300)), 300)", "operations, at max_pool2d_indices"),
    ("avg_unpool2d(ones((1, 1, 1, 1)), (700, 700), 700)", "operations, at avg_unpool2d"),
    ("fold(ones((1, 90000, 1)), (300, 300), 300)", "operations, at fold"),
    ("conv_transpose2d(ones((1, 1, 100, 100)), ones((1, 1, 100, 100)))", "operations, at conv_transpose2d"),
    ("conv2d(ones((1, 30000, 3, 3)), ones((30000, 1, 3, 3)), groups=30000)", "operations, at conv2d"),
    ("svdvals(ones((300000, 2, 2)))", "operations, at svdvals"),
    ("cumprod_others(ones((900000,)), ones((900000,)), axis=0)", "operations, at cumprod_others"),
    ("interpolate(ones((1, 1, 7)), size=(1000000000000,))", "numbers, at arange"),
    ("pad(ones((7,)), 1000000000000, mode='wrap')", "axes of at most"),
    ("arange(0, 10000000000000000000000)", "numbers, at arange"),
])  # fmt: skip
def test_a_formula_is_bounded_before_it_runs(expression: str, says: str) -> None:
    """Rule: what exceeds a limit on memory or work is refused by its shapes, naming the function."""
    from backprop_cli.engine.interpret import Scope, interpret
    from backprop_cli.errors import SpecError
    from backprop_cli.language.expression import parse
    from backprop_cli.language.source import inline

    text = inline(expression)
    with pytest.raises((ShapeError, SpecError), match=says):
        interpret(parse(text), Scope(text, lambda name: None), Meter(10_000_000, 1 << 30))


def test_calls_are_work() -> None:
    """Rule: many small calls are bounded too, whatever they compute."""
    meter = Meter()
    for _ in range(1000):
        meter.apply(OPS["add"], ((2,), (2,)), {})
    meter.max_work = (1 << 30) // 40  # a formula of 40,000 calls is about all that a formula may take
    with pytest.raises(ShapeError, match="operations, at add"):
        meter.apply(OPS["add"], ((2,), (2,)), {})


def test_equal_steps_are_looked_at_once(spec_of, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: estimating a long chain costs one look a kind of step."""
    from backprop_cli.engine.graph import memory

    seen: list[Node] = []
    looked = memory._cost
    monkeypatch.setattr(memory, "_cost", lambda node, *rest: (seen.append(node), looked(node, *rest))[1])
    chain = "".join(f"  n{i}: sin({f'n{i - 1}' if i else 'w'})\n" for i in range(500))
    graph = build(spec_of(f"params: {{w: 1.0}}\nnodes:\n{chain}"))
    assert len(costs(graph)) == 501
    assert len(seen) == 1
    assert work_estimate(graph) > 500
