"""What the kinds of `limits.yaml` take, counted: calls of Python functions, which no slow or busy machine changes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from cProfile import Profile
from pathlib import Path
from string import ascii_letters
from types import FrameType
from typing import Any

import numpy as np
import pytest
from sympy.core.cache import clear_cache

from backprop_cli.engine.graph import build
from backprop_cli.engine.graph.gradients import with_gradients
from backprop_cli.engine.ops import contraction
from backprop_cli.formulas.algebra.budget import LONG, PLAINLY
from backprop_cli.formulas.algebra.definitions import name_definition
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import Delta, TensorSymbol, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.folding import folded
from backprop_cli.formulas.algebra.products import chain as product_of
from backprop_cli.formulas.algebra.products import multiplied_out
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.compact.evenly import Evenly, Paths
from backprop_cli.formulas.compact.parts import LONGEST
from backprop_cli.formulas.compact.reader import Reader
from backprop_cli.formulas.derivation import in_short
from backprop_cli.formulas.marks import PRODUCT, SUM
from backprop_cli.formulas.printed import Printed
from backprop_cli.formulas.reasons import CONSTANT, Reasons
from backprop_cli.formulas.remarks import STEPS_LEFT_OUT
from backprop_cli.formulas.symbols import symbols
from backprop_cli.formulas.tensors import run_pass
from backprop_cli.notices import heard
from backprop_cli.report import breaking, json_
from backprop_cli.report.fitting import broken
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.grading import tiers
from backprop_cli.tasks.grading.chain import Chain, Edge
from tests.conftest import Backprop

SLACK = 1.5
"""More than other versions of Python and sympy make of it, and less than twice."""


def chain(n: int) -> str:
    """Each node adds a part to the one before."""
    return "params: {w: 1.0}\nnodes:\n" + "".join(f"  n{i}: {f'n{i - 1}' if i else 'w'} + sin(w)\n" for i in range(n))


def dense(n: int) -> str:
    """Each node is made of all before it."""
    rows = (f"  n{i}: sin(w{''.join(f'+n{j}' for j in range(i))})\n" for i in range(n))
    return "params: {w: 1.0}\nnodes:\n" + "".join(rows)


def attention(n: int) -> str:
    """Softmaxes one after the other, with a quotient and a logarithm."""
    rows = (f"  h{i}: softmax(h{i - 1}*v)/h{i - 1}+log(h{i - 1})\n" for i in range(1, n))
    return f"params: {{v: [1.0, 2.0, 3.0]}}\nnodes:\n  h0: softmax(v)\n{''.join(rows)}  y: sum(h{n - 1})\n"


def params(n: int) -> str:
    """A param and a product each."""
    leaves = ", ".join(f"w{i}: {i}.5" for i in range(n))
    return f"params: {{{leaves}}}\nnodes: {{y: {' + '.join(f'w{i}*w{i}' for i in range(n))}}}\n"


def nested(n: int) -> str:
    """A function of one's own in itself."""
    body = "functions: {f: {args: [x], body: x*x*x}}\nparams: {w: 1.0}\n"
    return f"{body}nodes: {{y: {'f(' * n}w{')' * n}}}\n"


def composed(n: int) -> str:
    """Sines of sines."""
    return "params: {n0: 0.5}\nnodes:\n" + "".join(f"  n{i + 1}: sin(n{i})\n" for i in range(n))


def sums(n: int) -> str:
    """A product of sums."""
    return f"params: {{w: 2.0}}\nnodes: {{y: {'*'.join(f'(w+{i})' for i in range(n))}}}\n"


def factors(n: int) -> str:
    """A product of named scalars."""
    leaves, rows = ", ".join(f"w{i}: 0.5" for i in range(n)), "".join(f"  n{i}: tanh(w{i})\n" for i in range(n))
    return f"params: {{{leaves}}}\nnodes:\n{rows}  loss: {' * '.join(f'n{i}' for i in range(n))}\n"


def matrices(n: int) -> str:
    """One product of so many matrices."""
    names = [f"m{i}" for i in range(n)]
    leaves = ", ".join(f"{name}: [[0.5, 0.1], [0.2, 0.3]]" for name in names)
    return f"params: {{{leaves}}}\nnodes: {{y: 'sum({' @ '.join(names)})'}}\n"


CASES: dict[str, tuple[Callable[[int], str], int, int]] = {
    "chain": (chain, 400, 276), "dense": (dense, 6, 67), "attention": (attention, 2, 447),
    "params": (params, 50, 110), "nested": (nested, 20, 108), "composed": (composed, 100, 350),
    "sums": (sums, 40, 1580), "matrices": (matrices, 30, 698),
}  # fmt: skip
"""Name -> (its spec, how long, thousands of calls that it took when this was last looked at)."""


def reported(spec: Any) -> None:
    """A whole run, its report included."""
    json_.render(run(spec, Settings()))


def calls(work: Callable[[Any], object], given: Any) -> int:
    """How many functions of Python a piece of work calls."""
    clear_cache()
    counted = Profile(subcalls=False, builtins=False)
    counted.runcall(work, given)
    return sum(entry.callcount for entry in counted.getstats())


@pytest.mark.parametrize("name", CASES)
def test_the_work_is_what_it_was(name: str, spec_of: Callable[[str], Any]) -> None:
    """Rule: a change that makes the work half as much again is noticed; one that saves some lowers the number."""
    make, length, thousands = CASES[name]
    run(spec_of(make(2)), Settings())  # what is done once in a process
    assert calls(reported, spec_of(make(length))) < SLACK * 1000 * thousands


def test_a_product_of_scalars_is_put_together_in_pieces_past_the_budget(spec_of: Callable[[str], Any]) -> None:
    """Rule: once the budget is spent what flows on from part to part is a name, of scalars as of tensors."""
    graph = build(spec_of(factors(60)))
    made = symbols(graph)
    made.facts.budget.left = -1
    meaning = Evenly(made, graph.passes[0], Paths(graph), lambda expr: 3 * tree_size(expr))
    with at_work(made.facts.work):
        run_pass(meaning)
    parts = [expr for index, expr in meaning.found.items() if graph.nodes[index].anonymous]
    assert len(parts) > 50
    assert max(map(tree_size, parts)) < 10


@pytest.mark.parametrize("left", [10_000, 20_000])
def test_formulas_are_lines_where_the_budget_ends_on_the_way(left: int, spec_of: Callable[[str], Any]) -> None:
    """Rule: a compact formula that was half made when the budget ended is told by its parts, in a line of its own."""
    graph = build(spec_of(dense(15)))
    made = symbols(graph)
    made.facts.budget.left = left
    reader = Reader(made, graph.passes[0])
    with at_work(made.facts.work):
        found = reader.read({}).formulas
        lengths = [reader.length(expr) for index, expr in found.items() if not graph.nodes[index].anonymous]
    assert made.facts.budget.spent
    assert len(lengths) == 16
    assert max(lengths) <= LONGEST


def test_a_chain_of_names_is_evaluated_however_long() -> None:
    """Rule: each δ stands for the one before with its sign changed; thousands of them are no recursion."""
    delta = Delta("y", (), 0, TensorSymbol("w", (), 0, True))
    for _ in range(3000):
        delta = Delta("y", (), 0, -delta)
    assert Evaluator([np.float64(0.75)], (), "float64")(delta) == 0.75


def windowed(n: int) -> str:
    """Each node is made of the five before it."""
    rows = (f"  n{i}: sin(w{''.join(f'+n{j}' for j in range(max(0, i - 5), i))})\n" for i in range(n))
    return "params: {w: 1.0}\nnodes:\n" + "".join(rows)


def recurrent(n: int) -> str:
    """An RNN of so many steps."""
    return f"inputs: {{x: {{shape: [2, {n}, 3], init: normal}}}}\nlayers: [{{rnn: 4}}]\ngrad_output: ones\n"


def products(n: int) -> str:
    """Each node is a function of the one before, times one weight."""
    return "params: {w: 0.9}\nnodes:\n" + "".join(f"  n{i}: tanh({f'n{i - 1}' if i else 'w'})*w\n" for i in range(n))


@pytest.mark.parametrize("start", ["x", "2"], ids=["input", "number"])
def test_a_deep_factor_has_its_reason(start: str, spec_of: Callable[[str], Any]) -> None:
    """Rule: whether a factor is a constant is asked of graphs deeper than Python's stack, and answered rightly."""
    rows = "".join(f"  n{i}: sin({f'n{i - 1}' if i else start})\n" for i in range(1500))
    graph = build(spec_of(f"inputs: {{x: 0.5}}\nparams: {{w: 2.0}}\nnodes:\n{rows}  y: w * n1499\n"))
    constant = CONSTANT["multiply"] in Reasons(graph)(graph.output, graph.nodes[graph.names["w"]])
    assert constant == (start == "2")


@pytest.mark.parametrize("text", [
    f"params: {{w: 2.0}}\nnodes: {{y: {'1/(1+' * 60}w{')' * 60}}}\n",
    f"params: {{v: [1.0, 2.0, 3.0]}}\nnodes: {{y: 'sum({'softmax(' * 40}v{')' * 40}*v)'}}\n",
], ids=["quotients", "softmaxes"])  # fmt: skip
def test_past_the_budget_no_formula_needs_what_has_no_name(text: str, spec_of: Callable[[str], Any]) -> None:
    """Rule: the numbers stay and the result says so; every code that is printed names nodes and listed δ alone."""
    result = run(spec_of(text), Settings())
    assert any(warning.code == "budget" for warning in result.warnings)
    assert all(node.gradient is not None and np.isfinite(node.gradient.value).all() for node in result.nodes)
    names = {node.name for node in result.nodes} | {one.name["code"] for one in result.where}
    written = [one.formula.code for one in result.where]
    written += [f.code for node in result.nodes for f in node.gradient.formula.values() if isinstance(f, Printed)]
    used = {word for code in written for word in re.findall(r"[A-Za-z_][\w.]*", code)}
    assert used <= names | {"softmax", "sum", "axis", "grad", "keepdims", "true"}


def test_long_work_is_said_before_it_is_done(spec_of: Callable[[str], Any]) -> None:
    """Rule: whoever waits learns why before the formulas are found, once, and the result says it again."""
    long, short = (build(spec_of(products(n))) for n in (LONG // 2 + 1, LONG // 2))
    told: list[str] = []
    with heard(told.append):
        symbols(short)
        assert not told
        assert symbols(long).long
        assert symbols(long).long
    assert len(told) == 1
    assert f"{LONG + 2:,} steps" in told[0]


def test_a_spent_budget_is_said_at_once(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: every command that finds formulas says on stderr that some stay plain, whatever its result can say."""
    (path := tmp_path / "net.yaml").write_text(matrices(160), encoding="utf-8")
    for line in (["derive"], ["run"], ["run", "--error-format", "json"]):
        done = backprop(*line, path)
        assert done.code == 0
        assert done.err.count(f"warning: {PLAINLY}\n") == ("json" not in line)
    assert PLAINLY in " ".join(done.out.split())


LINEAR: dict[str, tuple[Callable[[int], str], int]] = {
    "params": (params, 50), "chain": (chain, 400), "windowed": (windowed, 20), "recurrent": (recurrent, 8),
    "products": (products, 60),
}  # fmt: skip
"""Name -> (its spec, a length from which on twice as much is twice the work)."""


@pytest.mark.parametrize("name", LINEAR)
def test_the_work_is_linear(name: str, spec_of: Callable[[str], Any]) -> None:
    """Rule: twice the length takes little more than twice the calls."""
    make, length = LINEAR[name]
    run(spec_of(make(2)), Settings())
    longer, shorter = (calls(reported, spec_of(make(n))) for n in (2 * length, length))
    assert longer < 2.3 * shorter


def one_sum(n: int) -> str:
    """One node of so many params, under another."""
    leaves = ", ".join(f"w{i}: 1.5" for i in range(n))
    return f"params: {{{leaves}}}\nnodes: {{s: {' + '.join(f'w{i} * w{i + 1}' for i in range(n - 1))}, loss: s**2}}\n"


LONG_LINES: dict[tuple[str, str], tuple[Callable[[int], str], int]] = {
    ("derive", "a chain"): (composed, 120), ("derive", "one sum"): (one_sum, 80),
    ("jacobian", "one sum"): (one_sum, 80), ("check", "one sum"): (one_sum, 120),
}  # fmt: skip
"""What a command is given -> (its spec, a length from which on twice as much is twice the work)."""


@pytest.mark.parametrize(("command", "what"), LONG_LINES)
def test_a_command_is_linear(command: str, what: str, backprop: Backprop, tmp_path: Path) -> None:
    """Rule: twice the length is worked out and written with little more than twice the calls, and the letters."""
    make, length = LONG_LINES[command, what]
    written: dict[int, int] = {}

    def done(n: int) -> int:
        (path := tmp_path / f"{n}.yaml").write_text(make(n), encoding="utf-8")

        def work(name: Path) -> None:
            written[n] = len(backprop(command, name).out)

        return calls(work, path)

    done(2)
    shorter, longer = done(length), done(2 * length)
    assert longer < 2.3 * shorter
    assert written[2 * length] < 2.3 * written[length]


def test_a_derivation_past_its_room_is_told_in_short(backprop: Backprop, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Rule: past its room a node has a run's compact formula and its value, which is said; one asked for has all."""
    (path := tmp_path / "S.yaml").write_text(dense(12), encoding="utf-8")
    monkeypatch.setattr(in_short, "ROOM", 2_000)
    monkeypatch.setattr(in_short, "A_NODE", 200)
    done = backprop("derive", path, "--width", 1000)
    steps = done.out.split("\n\n∂n11/∂")[1:]
    told = {step.partition("\n")[0]: step for step in steps}
    assert [*told] == [*(f"n{i}" for i in reversed(range(12))), "w"]
    assert all("\n  value " in step for step in steps)
    full = ["chain rule" in step or "seed" in step for step in steps]
    assert full.index(False) > 3
    assert not any(full[full.index(False):])
    assert f"∂n11/∂n0 = {backprop('run', path, '--get', 'n0.formula.compact').out.strip()}\n" in told["n0"]
    assert "n0 is used by n11, n10, n9, n8, n7, n6, n5, n4, n3, n2 and n1\n" in told["n0"]
    assert (done.out.count(STEPS_LEFT_OUT), done.err.count(f"warning: {STEPS_LEFT_OUT}\n")) == (1, 1)
    asked = backprop("derive", path, "w", "--width", 1000)
    assert asked.out.count("\n  chain rule") == 12
    assert STEPS_LEFT_OUT not in asked.err


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html"])
def test_a_derivation_is_no_cube(form: str, backprop: Backprop, tmp_path: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Rule: twice as many nodes that use all before them are four times as long a spec, and as long a derivation."""
    monkeypatch.setattr(in_short, "ROOM", 2_000)
    monkeypatch.setattr(in_short, "A_NODE", 200)

    def written(n: int) -> int:
        (path := tmp_path / f"{n}.yaml").write_text(dense(n), encoding="utf-8")
        return len(backprop("derive", path, "--format", form).out)

    assert written(26) < 4.5 * written(13)


def test_a_long_formula_is_broken_in_time_that_grows_with_it() -> None:
    """Rule: for each line only what may stand on it is looked at, counted in steps of Python's machine."""

    def steps(n: int) -> int:
        counted = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal counted
            if frame.f_code.co_filename != breaking.__file__:
                return None
            frame.f_trace_opcodes = True
            counted += event == "opcode"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            lines = broken(f" {SUM}+ ".join(f"a{i} {PRODUCT}* (b{SUM} + c)" for i in range(n)), 60)
        finally:
            sys.settrace(before)
        assert len(lines) > n // 6
        return counted

    assert steps(200) < 2.3 * steps(100)


def nest(function: str, n: int) -> str:
    """One call in another in one line, of a vector."""
    return f"params: {{w: [0.5, 0.2]}}\nnodes:\n  y: {f'{function}(' * n}w{')' * n}\n  L: sum(y)\n"


def test_a_nest_of_calls_is_typeset_part_by_part(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: calls in one another are printed once each, which takes what they are long: the square of their number."""

    def derived(n: int) -> int:
        (path := tmp_path / f"{n}.yaml").write_text(nest("sin", n), encoding="utf-8")
        return calls(lambda name: backprop("derive", name), path)

    derived(2)
    assert derived(32) < 5 * derived(16)


@pytest.mark.parametrize("sign", ["+", "-", "*"])
def test_operators_in_a_row_are_no_nest(sign: str, backprop: Backprop, tmp_path: Path) -> None:
    """Rule: a line of five hundred operators is derived, by the letters of its parts and as a node's own words."""
    row = f" {sign} ".join("w" * 500)
    for text in (f"sum({row})", f"-({row})"):
        (path := tmp_path / "S.yaml").write_text(f"params: {{w: 0.5}}\nnodes: {{L: '{text}'}}\n", encoding="utf-8")
        done = backprop("derive", path, "--steps", "brief" if text[0] == "-" else "full", "L")
        assert done.code == 0, done.err


def test_a_product_of_sums_looks_for_labels_where_one_may_be(spec_of: Callable[[str], Any]) -> None:
    """Rule: (w + 1)(w + 2)... of a vector w tries no factor beside 1 or 2, and what it tries it counts."""
    vectors = {n: sums(n).replace("2.0", "[2.0, 1.0]") + "grad_output: ones\n" for n in (4, 80, 160)}
    run(spec_of(vectors[4]), Settings())
    assert calls(reported, spec_of(vectors[160])) < 3 * calls(reported, spec_of(vectors[80]))


def test_an_entry_that_nobody_reads_is_not_written_out(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: each softmax makes an entry three times as long; a step says the entry only where it can be read."""
    twice = "backward: [{output: L, grad_output: 1}, {output: L, grad_output: 2}]\n"  # so that no part has a letter
    (few := tmp_path / "few.yaml").write_text(nest("softmax", 2) + twice, encoding="utf-8")
    (many := tmp_path / "many.yaml").write_text(nest("softmax", 7) + twice, encoding="utf-8")
    assert "∂L/∂w[i] = " in backprop("derive", few).out
    done: list[Any] = []
    assert calls(lambda name: done.append(backprop("derive", name)), many) < SLACK * 3_000_000
    assert "∂L/∂y = " in done[0].out
    assert "∂L/∂w[i] = " not in done[0].out


def test_letters_keep_an_entry_as_short_as_can_be_read(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: where parts of such a nest have letters, every step says an entry, within three lines."""
    (path := tmp_path / "nest.yaml").write_text(nest("softmax", 7), encoding="utf-8")
    done: list[Any] = []
    assert calls(lambda name: done.append(backprop("derive", name).out), path) < SLACK * 3_000_000
    entries = re.findall(r"∂L/∂\w\[i\] = .*\n(?: {30,}.*\n)*", done[0])
    assert len(entries) >= 7
    assert max(map(len, entries)) < 3 * 100


def test_a_gradient_written_down_is_as_long_as_its_parts(spec_of: Callable[[str], Any]) -> None:
    """Rule: each part of a gradient's expression is written once, however many contributions add up; no recursion."""

    def written(n: int) -> int:
        graph = build(spec_of(products(n)))
        spec, _ = with_gradients(graph, frozenset({graph.names["w"]}))
        return sum(len(node.text.text) for node in spec.nodes)

    assert written(400) < 2.3 * written(200)
    assert written(1500) < 1500 * 200


def test_the_search_for_a_mistake_is_bounded(backprop: Backprop, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Rule: a node with many users is not gone back to for each pair of them; the surest mistakes are looked for."""
    most = 3000
    monkeypatch.setattr(tiers, "MOST_WORK", most)
    counted: list[Edge] = []
    added_up = Chain.contribution

    def contribution(self: Chain, edge: Edge, *rest: Any) -> Any:
        counted.append(edge)
        return added_up(self, edge, *rest)

    monkeypatch.setattr(Chain, "contribution", contribution)
    (key := tmp_path / "key.yaml").write_text(products(40), encoding="utf-8")
    (answers := tmp_path / "answers.yaml").write_text("answers: {w.grad: 1.25}\n", encoding="utf-8")
    done = backprop("grade", key, answers)
    assert done.code == 1
    assert most < len(counted) < 12 * most


@pytest.mark.parametrize(("factors", "is_found"), [(10, True), (200, False)])
def test_a_long_product_of_matrices_is_not_searched(factors: int, is_found: bool) -> None:
    """Rule: a node is found in a product of matrices that a reader reads; a long one costs its length, not its cube."""
    facts = Facts()
    matrices = [TensorSymbol(f"m{place}", (2, 2), place, leaf=True) for place in range(factors)]
    named = TensorSymbol("o", (2, 2), factors)
    name_definition(named, multiplied_out(matrices[1:3]), facts)
    whole = product_of(list(matrices))
    before = facts.budget.left
    assert (named in symbols_of(folded(whole, facts))) == is_found
    assert before - facts.budget.left < 20 * factors


def test_the_rules_of_a_product_of_many_share_the_search_for_an_order(spec_of: Callable[[str], Any]) -> None:
    """Rule: einsum of n vectors looks for the order of its operands for itself and once for all its derivatives."""
    letters = ascii_letters[:23]
    product = f"einsum('{','.join(letters)}->', {', '.join('x' for _ in letters)})"
    before = contraction._searched.cache_info().misses
    run(spec_of(f"params: {{x: [1.0, 2.0]}}\nnodes:\n  y: {product}\n"), Settings(terms=()))
    assert contraction._searched.cache_info().misses - before == 2
