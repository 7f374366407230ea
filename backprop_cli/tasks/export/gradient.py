"""The gradient of a spec as a spec: the forward nodes, then a node for each gradient, in the order of the reverse pass.

Every `code` formula is an expression of the language, so the result can be run, checked, and exported again: its own
gradient is the second derivative.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node, build
from backprop_cli.engine.graph import plain as without_gradients
from backprop_cli.errors import SpecError
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import Printed, partial
from backprop_cli.formulas.symbols import Trial
from backprop_cli.language.expression import Call, Indexed, Name, parse
from backprop_cli.language.functions import walk
from backprop_cli.language.model import Leaf, NodeSpec, Spec
from backprop_cli.language.source import BY_PROGRAM, Text, inline
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.export.prepared import (
    Written,
    expression_of,
    taken_names,
    unique,
    with_named_outputs,
    without_shadows,
)
from backprop_cli.tasks.export.sums import brackets_of, joined, split_sum
from backprop_cli.tasks.leaves import has_numbers, load_leaves

PREFIX, SEED = "grad_", "seed_"
LONGEST_SUM = 48  # terms of one node; a long fan-out is added up in several


def gradient_spec(spec: Spec, of: str | None = None) -> Spec:
    """The spec whose nodes `grad_w` are the gradients.

    Args:
        spec: the spec to differentiate.
        of: the output of the result: a node or leaf or an entry of one (its gradient is meant) or an expression such as
            `sum(v * grad_w)`.  By default the gradient of the first leaf that can be differentiated again, and where
            there is none, the spec's own output.

    Raises:
        SpecError: what is wrong with the spec, or with `of`.
    """
    plain, work = _written(spec)
    return _aimed(plain, work, of)


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient of a spec in nodes, for code: the nodes that are gradients, their formulas, what to show of them."""

    spec: Spec
    gradients: frozenset[str]
    formulas: Mapping[str, str]  # gradient name: its formula as text
    outputs: tuple[str, ...]
    leaves: tuple[str, ...]  # the gradients of leaves


def gradient_of(spec: Spec) -> Gradient:
    """The gradient of a spec in nodes.

    Raises:
        SpecError: what is wrong with the spec.
    """
    plain, work = _written(spec)
    graph = work.graph
    outputs = tuple(dict.fromkeys(graph.nodes[run.output].name for run in graph.passes))
    leaves = tuple(work.final[graph.nodes[i].name] for i in sorted(graph.wrt) if graph.nodes[i].name in work.final)
    aimed = replace(plain, output=expression_of(graph.output_name), grad_output=_ones(graph), title=spec.title)
    return Gradient(aimed, frozenset(node.name for node in work.nodes), work.formulas, outputs, leaves)


def _written(spec: Spec) -> tuple[Spec, _Work]:
    """The spec with the gradients as nodes, its output yet to be chosen."""
    spec = without_shadows(with_named_outputs(without_gradients(spec)))
    graph = build(spec)
    work = _Work(graph, taken_names(spec))
    work.write()
    plain = replace(spec, leaves=(*spec.leaves, *work.seeds), nodes=(*spec.nodes, *work.nodes), grad_output=None,
                    grad_output_at=None, hooks={}, backward=(), title=_title(spec, graph))  # fmt: skip
    return plain, work


def _title(spec: Spec, graph: Graph) -> str:
    subject = f"Gradient of {graph.output_name}"
    return f"{subject}: {spec.title}" if spec.title else subject


# ── gradients as nodes ───────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Work:
    """The nodes of the gradients while they are written; `final` maps a node to the name of its whole gradient."""

    graph: Graph
    taken: set[str]
    nodes: list[NodeSpec] = field(default_factory=list)
    seeds: list[Leaf] = field(default_factory=list)
    final: dict[str, str] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Each pass in turn; the gradients of leaves add up over the passes."""
        printed, _, _ = formulate(self.graph, None, None, ("local",), ("text", "code"), trial=_trial(self.graph))
        found: list[Mapping[str, str]] = []
        for number, formulas in enumerate(printed):
            suffix = f"_pass_{number + 1}" if len(printed) > 1 else ""
            found.append(self.one_pass(number, formulas, suffix))
        self.final = dict(found[-1])
        for leaf in (self.graph.nodes[i].name for i in sorted(self.graph.wrt)) if len(found) > 1 else ():
            parts = [names[leaf] for names in found if leaf in names]
            if parts:
                self.final[leaf] = unique(PREFIX + leaf, self.taken)
                self.add(self.final[leaf], [f"+ {part}" for part in parts], {})

    def one_pass(self, number: int, formulas: Mapping[int, Mapping[str, object]], suffix: str) -> Mapping[str, str]:
        """The gradients of one pass, the output's first; node name to gradient name."""
        names: dict[str, str] = {}
        output = self.graph.passes[number].output
        order = sorted(formulas, key=lambda index: (index != output, -index))
        for index in order:
            name = self.graph.nodes[index].name
            names[name] = unique(PREFIX + name + suffix, self.taken)
        for index in order:
            formula = formulas[index]["local"]
            node = self.graph.nodes[index]
            if not isinstance(formula, Printed):
                raise self.too_long(node)
            self.formulas[names[node.name]] = f"{partial(self.graph.passes[number].name, node.name)} = {formula.text}"
            own = {**names, node.name: self.seed(number, suffix)} if index == output else names
            try:
                self.add(names[node.name], split_sum(formula.code), own)
            except SpecError as error:
                raise self.too_long(node) if error.code == "E016" else error from None
        return names

    def too_long(self, node: Node) -> SpecError:
        """The error for a formula that is no expression of the language's limits."""
        written = node.spec or node.leaf
        at = written.at.place() if written else self.graph.spec.source.place(1, 1)
        return SpecError("E016", f"the gradient of {node.name!r} is too long for one expression", at=at,
                         hint="write what uses it as several nodes")

    def seed(self, number: int, suffix: str) -> str:
        """A leaf with the seed of a pass, where it is an array; its name."""
        run = self.graph.passes[number]
        if run.seed is None or isinstance(run.seed, str):
            return ""  # such a seed is written in the formula itself
        node = self.graph.nodes[run.output]
        name = unique(SEED + node.name + suffix, self.taken)
        array = np.broadcast_to(np.asarray(run.seed, dtype=np.float64), tuple(map(int, node.shape)))
        self.seeds.append(Leaf(name, "input", node.shape, lambda: array, inline(name, BY_PROGRAM)))
        return name

    def add(self, name: str, terms: Sequence[str], names: Mapping[str, str], whole: str = "") -> None:
        """A gradient's node, or a part's of a whole one, the sum of signed terms in which gradients have these names.

        Of a sum that is too large for one expression its parts are nodes, and so is what stands in brackets in a term.

        Raises:
            SpecError: E016 where a term is too large and has no such parts.
        """
        whole = whole or name
        while len(terms) > LONGEST_SUM:
            terms = [self.part(whole, terms[i : i + LONGEST_SUM], names) for i in range(0, len(terms), LONGEST_SUM)]
        try:
            expression, text = expression_of(replaced_gradients(joined(terms), names))
        except SpecError as error:
            if error.code != "E016":
                raise
            self.add(name, self.smaller(whole, terms, names, error), names, whole)
            return
        self.nodes.append(NodeSpec(name, expression, text, inline(name, BY_PROGRAM)))

    def smaller(self, whole: str, terms: Sequence[str], names: Mapping[str, str], error: SpecError) -> list[str]:
        """The terms of a sum that is too large: its halves as nodes, or of one term its largest bracket."""
        if len(terms) > 1:
            half = len(terms) // 2
            return [self.part(whole, terms[:half], names), self.part(whole, terms[half:], names)]
        brackets = list(brackets_of(terms[0]))
        if not brackets:
            raise error
        start, end = max(brackets, key=lambda one: one[1] - one[0])
        inside = self.part(whole, split_sum(terms[0][start + 1 : end - 1]), names).removeprefix("+ ")
        return [terms[0][:start] + inside + terms[0][end:]]

    def part(self, whole: str, terms: Sequence[str], names: Mapping[str, str]) -> str:
        """A node for a part of a gradient, as a term."""
        part = unique(f"{whole}_part", self.taken)
        self.add(part, terms, names, whole)
        return f"+ {part}"


def _trial(graph: Graph) -> Trial | None:
    """The spec's own numbers, at which its gradient is to be right: their memory is the caller's to check."""
    if not has_numbers(graph):
        return None
    computed = compute(graph, load_leaves(graph, sys.maxsize))
    return Trial(computed.values, computed.passes)


def replaced_gradients(term: str, names: Mapping[str, str]) -> str:
    """A formula with the names of nodes in place of `grad(y)`."""
    found = []
    for part in walk(parse(inline(term, "<formula>"))):
        if isinstance(part, Call) and part.function == "grad":
            operand = part.arguments[0].value
            assert isinstance(operand, Name)
            found.append((part.start, part.end, names[operand.name]))
    for start, end, name in sorted(found, reverse=True):
        term = term[:start] + name + term[end:]
    return term


# ── what the result goes back from ───────────────────────────────────────────────────────────────


def _aimed(plain: Spec, work: _Work, of: str | None) -> Spec:
    """The spec with its output: what `of` says, or the first gradient that can be differentiated again."""
    if of is not None:
        return _output(plain, _asked(of, work))
    leaves = [work.graph.nodes[i].name for i in sorted(work.graph.wrt)]
    for name in (work.final[leaf] for leaf in leaves if leaf in work.final):
        try:
            return _output(plain, expression_of(name))
        except SpecError as error:  # a gradient that is constant in the params
            if error.code != "E017":
                raise
    return replace(plain, output=expression_of(work.graph.output_name), grad_output=_ones(work.graph))


def _ones(graph: Graph) -> Any:
    return "ones" if graph.output.shape else None


def _asked(of: str, work: _Work) -> Written:
    """`--of`: a node or leaf, or an entry of one, stands for its gradient; in an expression grad(w) does."""
    text = inline(of, "--of")
    expression = parse(text)
    whole = expression.operand if isinstance(expression, Indexed) else expression
    if isinstance(whole, Name) and whole.name in work.final:
        return expression_of(work.final[whole.name] + text.text[whole.end :])
    for part in walk(expression):
        if isinstance(part, Call) and part.function == "grad":
            _check_named(part, text, work)
    changed = replaced_gradients(text.text, work.final)
    return (expression, text) if changed == text.text else expression_of(changed)


def _check_named(part: Call, text: Text, work: _Work) -> None:
    """A gradient is asked for by the name of a node that has one.

    Raises:
        SpecError: E015, E011.
    """
    given = [argument.value for argument in part.arguments]
    if len(given) != 1 or not isinstance(given[0], Name):
        raise SpecError("E015", "grad takes the name of one node", at=text.place(part.start, part.end),
                        hint="the spec that is written has a node for each gradient: export it again to go further")
    if given[0].name not in work.final:
        raise SpecError("E011", f"{given[0].name!r} has no gradient", at=text.place(given[0].start, given[0].end),
                        hint=did_you_mean(given[0].name, work.final))


def _output(plain: Spec, output: Written) -> Spec:
    """The spec going back from an output, from ones where that is no scalar.

    Raises:
        SpecError: it does not depend on anything to differentiate, or is wrong.
    """
    aimed = replace(plain, output=output, grad_output="ones")
    graph = build(aimed)
    return aimed if graph.output.shape else replace(aimed, grad_output=None)
