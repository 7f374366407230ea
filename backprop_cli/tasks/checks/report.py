"""A spec, checked: every node of every backward pass gets its answers, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, GraphPass, Node, build, rule_of
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import TERMS, PassFormulas, Printed
from backprop_cli.formulas.symbols import Trial
from backprop_cli.language.model import Spec
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.checks.excuses import excused, within_rounding
from backprop_cli.tasks.checks.functions import check_functions
from backprop_cli.tasks.checks.oracle import Effort, Oracle
from backprop_cli.tasks.checks.perturbed import FEWEST_ENTRIES, LONG_WAY, Perturbed
from backprop_cli.tasks.checks.printed import PrintedBack
from backprop_cli.tasks.checks.results import Answer, CheckReport, CheckResult, Index, Status, status_of
from backprop_cli.tasks.checks.rounding import MARGIN
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.diagnose import departing, first_nonfinite
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, load_leaves
from backprop_cli.tasks.places import listed

BUDGET = 5e9
"""Nanoseconds, roughly, that all differences of a spec may take."""

HOOKED = "changed by a hook: no derivative of the output"
SUM = "sum of the passes"


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How a spec is checked: which terms of the formulas, and which independent answers."""

    terms: tuple[str, ...] = TERMS
    differences: bool = True
    entries: bool = True
    max_bytes: int = DEFAULT_MAX_BYTES
    progress: Callable[[int, int], None] | None = None  # told how many gradients are done, of how many


def check(spec: Spec, settings: CheckSettings = CheckSettings()) -> CheckReport:
    """Every gradient of a spec, in float64 whatever its dtype, under each answer.

    Raises:
        SpecError, Failures: whatever `run` raises on the spec.
    """
    graph = build(replace(spec, dtype="float64"))
    return check_computed(graph, compute(graph, load_leaves(graph, settings.max_bytes, runs=2)), settings)


def check_computed(graph: Graph, computed: Computed, settings: CheckSettings = CheckSettings()) -> CheckReport:
    """The gradients of a run, under each answer."""
    trial = Trial(computed.values, computed.passes)
    printed, total, _ = formulate(graph, computed.values, None, settings.terms, ("code",), trial=trial) \
        if settings.terms else ([PassFormulas() for _ in graph.passes], PassFormulas(), ())  # fmt: skip
    work = Work(graph, computed, settings)
    results: list[CheckResult] = []
    for i, run in enumerate(graph.passes):
        for result in work.checked(run, i, printed[i]):
            results.append(result)
            if settings.progress is not None:
                settings.progress(len(results), work.shown * len(graph.passes))
    if len(graph.passes) > 1:
        results += work.sums(total)
    functions = tuple(check_functions(graph, computed.values))
    nonfinite = first_nonfinite(graph, computed.values)
    return CheckReport(graph.spec.source.file, graph.spec.title, tuple(results), functions, nonfinite)


class Work:
    """The answers of one spec, and what they share."""

    def __init__(self, graph: Graph, computed: Computed, settings: CheckSettings) -> None:
        self.graph = graph
        self.computed = computed
        self.settings = settings
        self.perturbed = Perturbed(graph, computed.values)
        self.effort = Effort()
        self.hooked = hooked(graph)
        self.departed = {n.index for n in graph.nodes if departing(n, computed.values)}
        self.shown = sum(1 for node in graph.named() if node.index in graph.active)
        self.users: dict[str, list[int]] = {}  # the named nodes that use one
        for node in graph.named():
            for name in graph.named_inputs(node):
                self.users.setdefault(name, []).append(node.index)
        self.budget = BUDGET / max(1, self.shown * len(graph.passes))

    def checked(self, run: GraphPass, number: int, printed: PassFormulas) -> Iterator[CheckResult]:
        """Every named node with a gradient in a pass, in the order of the reverse pass."""
        gradients, seed = self.computed.passes[number], self.computed.seeds[number]
        back = PrintedBack(self.graph, self.computed.values, gradients, printed.where, run.output)
        independent = Independent.of(self, run, seed)
        for node in reversed(self.graph.nodes):
            gradient = gradients[node.index]
            if gradient is None or node.index not in self.graph.active:
                continue
            if node.anonymous:
                independent.pass_by(node, gradient)
                continue
            if np.shape(gradient) != tuple(map(int, node.shape)):
                yield misshapen(node, run.name, gradient)
                continue
            within = [printed[user] for user in self.users.get(node.name, ()) if user in printed]
            answers = [back.answer(printed[node.index], gradient, within)] if printed.get(node.index) else []
            answers += independent.answers(node, gradient)
            found = verdict(self.graph, node, run.name, gradient, answers)
            yield replace(found, number=number + 1) if len(self.graph.passes) > 1 else found

    def sums(self, printed: PassFormulas) -> Iterator[CheckResult]:
        """The accumulated gradients of leaves; their parts were checked pass by pass."""
        back = PrintedBack(self.graph, self.computed.values, self.computed.passes[-1], printed.where)
        for node in reversed([n for n in self.graph.named() if n.is_leaf]):
            gradient = self.computed.gradient(node.index)
            passes = [p for p in self.computed.passes if p[node.index] is not None]
            if len(passes) > 1 and any(isinstance(one, Printed) for one in printed.get(node.index, {}).values()):
                yield verdict(self.graph, node, SUM, gradient, [back.answer(printed[node.index], gradient)])


@dataclass(frozen=True, slots=True)
class Independent:
    """The answers that use no rule, in one backward pass.

    `chosen` are the nodes behind one whose gradient departs from its function's; `confirmed` the gradients that
    differences confirmed, by node, `lengths` how many steps a part without a name is from the next of these.
    """

    work: Work
    run: GraphPass
    seed: Array
    oracle: Oracle
    chosen: set[int]
    confirmed: dict[int, Array] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    rounded: list[list[Any]] = field(default_factory=list)  # the gradients of some roundings, once they are asked for

    @classmethod
    def of(cls, work: Work, run: GraphPass, seed: Array) -> Independent:
        """The answers of a pass from a seed."""
        dependents = work.perturbed.dependents
        oracle = Oracle(work.graph, work.computed.values, dependents, run.output, seed, work.effort)
        return cls(work, run, seed, oracle, dependents.behind(work.departed, run.output))

    def pass_by(self, node: Node, gradient: Array) -> None:
        """Confirm what comes back to a part without a name, where the way on grows long: so one may end there."""
        work, index = self.work, node.index
        self.lengths[index] = steps = 1 + max((self.lengths.get(i, 0) for i in work.perturbed.dependents.users[index]),
                                              default=0)  # fmt: skip
        if steps > LONG_WAY // 2 and np.size(gradient) <= FEWEST_ENTRIES and index not in work.hooked \
                and work.settings.differences:  # fmt: skip
            self.differences(node, gradient)

    def differences(self, node: Node, gradient: Array) -> Answer:
        """Those of one node; where they confirm its gradient, the ways of others may end there."""
        work, index = self.work, node.index
        found = work.perturbed.answer(index, self.run.output, self.seed, gradient, work.budget, self.confirmed)
        if status_of([found]) == "ok" and found.checked == found.total:
            self.confirmed[index] = gradient
            self.lengths[index] = 0
        return found

    def answers(self, node: Node, gradient: Array) -> Iterator[Answer]:
        """Those about one node; nodes nearer to the output come first."""
        for answer in self.asked(node, gradient):
            yield within_rounding(answer, gradient, self.spread(node.index)) if answer.wrong else answer

    def spread(self, index: int) -> Any:
        """How far rounding may take a gradient, entry by entry."""
        if not self.rounded:
            self.rounded.extend(self.work.perturbed.rounded(self.run.output, self.seed))
        return MARGIN * np.ptp([draw[index] for draw in self.rounded], axis=0)

    def asked(self, node: Node, gradient: Array) -> Iterator[Answer]:
        """The answers as they come."""
        work, index = self.work, node.index
        if index in work.hooked:
            yield Answer("differences", total=math.prod(map(int, node.shape)), note=HOOKED)
            return
        if work.settings.differences:
            found = self.differences(node, gradient)
            yield excused(found) if index in self.chosen else found
        if work.settings.entries:
            found = self.oracle.answer(index, gradient)
            yield excused(found) if index in self.chosen else found


def hooked(graph: Graph) -> set[int]:
    """The nodes whose gradient comes, in part at least, through a hook."""
    found = set(graph.hooks)
    for node in reversed(graph.nodes):
        if node.index in found:
            found.update(operand for p, operand in enumerate(node.inputs) if rule_of(node, p) is not None)
    return found


# ── the verdict on a node ────────────────────────────────────────────────────────────────────────


def verdict(graph: Graph, node: Node, output: str, gradient: Array, answers: Sequence[Answer]) -> CheckResult:
    """What the answers say together."""
    status = status_of(answers)
    index = _worst(answers, status)
    numbers = _numbers(gradient, answers, index) if status == "wrong" and np.size(gradient) else None
    kept = tuple(replace(answer, found={}) for answer in answers)
    reason = _reason(graph, node, gradient, answers, status)
    return CheckResult(node.name, output, status, kept, index, numbers, reason)


def misshapen(node: Node, output: str, gradient: Array) -> CheckResult:
    """A gradient that cannot be one: nothing is compared with it."""
    reason = f"the gradient has shape {np.shape(gradient)}, the node {tuple(map(int, node.shape))}"
    return CheckResult(node.name, output, "wrong", (), reason=reason)


def _worst(answers: Sequence[Answer], status: Status) -> Index:
    """The entry that decided the status."""
    pick: dict[Status, Callable[[Answer], Sequence[Index]]] = {
        "wrong": lambda a: [a.index] if a.wrong else [], "kink": lambda a: a.kinks, "inconclusive": lambda a: a.unknown,
        "ok": lambda a: [],
    }  # fmt: skip
    return next((pick[status](a)[0] for a in answers if pick[status](a)), ())


def _numbers(gradient: Array, answers: Sequence[Answer], index: Index) -> dict[str, float]:
    """What each answer says at one entry, as far as it says anything there."""
    found = {"reverse pass": float(np.asarray(gradient)[index])}
    for answer in answers:
        for name, array in answer.found.items():
            value = float(array[index])
            if answer.name == "formula":
                found[f"formula ({name})"] = value
            elif not math.isnan(value):
                found[name] = value
    return found


def _reason(graph: Graph, node: Node, gradient: Array, answers: Sequence[Answer], status: Status) -> str:
    """Why, in a sentence."""
    wrong = [a for a in answers if a.wrong]
    finite = bool(np.isfinite(gradient).all())
    if status == "kink":
        hit = list(dict.fromkeys(index for a in answers for index in a.kinks))
        return f"on a kink or jump{listed(hit)}, where the derivative is a convention"
    if status == "inconclusive":
        silent = next(a for a in answers if a.unknown)
        hit = list(dict.fromkeys(index for a in answers for index in a.unknown))
        if silent.name == "formula":
            return f"{silent.note}{listed(hit)}" + ("; the reverse pass gives its limit" if finite else "")
        if silent.name == "entries":
            return f"sympy's derivative has no finite value{listed(hit)}, or none that rounding leaves"
        return f"differences say nothing{listed(hit)}: the output is not finite there, or rounding is larger"
    if not wrong:
        return ""
    if wrong[0].name == "formula":
        return wrong[0].note or (CONTRADICTED if finite else UNSTABLE)
    return f"the reverse pass is no derivative of the output: {_blame(graph, node)}" if finite else LOST


CONTRADICTED = "the printed formula does not say what the reverse pass found"
UNSTABLE = "computed step by step it is not finite, by its formula it is: the composition is numerically unstable here"
LOST = "computed step by step it is not finite, though the output has a derivative: the composition is unstable here"


def _blame(graph: Graph, node: Node) -> str:
    """Whose rule to look at: that of the operations that use the node, if what follows them is right."""
    users = [user for user in graph.nodes if node.index in user.inputs and user.index in graph.active]
    names = dict.fromkeys(user.op.name for user in users if user.op)
    return f"look at the rule of {' and '.join(names)}" if names else "look at the seed"
