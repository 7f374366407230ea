"""A spec, stepped: settings in, what happened out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.graph.memory import entries_of
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.errors import UsageError
from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.printed import NOTATIONS, TERMS, Named, Printed, partial, used_by
from backprop_cli.language.model import Spec
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.claims import contradictions
from backprop_cli.tasks.leaves import A_NUMBER, load_leaves
from backprop_cli.tasks.result import Warned
from backprop_cli.tasks.stepping.numbered import numbers_in
from backprop_cli.tasks.stepping.printing import (
    formula,
    letter,
    marked,
    printed,
    spelled,
    told_apart,
    upright,
)
from backprop_cli.tasks.stepping.results import Assignment, Moment, Stepped, Trace, Update
from backprop_cli.tasks.stepping.rules import RULES, Line, Parameters, Rule
from backprop_cli.tasks.stepping.training import Progress, Training, moving_bytes, recorded_bytes

WRITTEN_OUT, LONGEST = 9, 88
"""Arrays of so many entries are put in whole where that fits so many characters; of larger ones the first entry."""

CHAINED = tuple(term for term in ("compact", "nodes", "local") if term in TERMS)
"""What a gradient is shown as, the best first."""


@dataclass(frozen=True, slots=True)
class StepSettings:
    """How to step."""

    rule: str = "sgd"
    given: Mapping[str, str] = field(default_factory=dict)  # the rule's parameters as text, so that 0.1 is exact
    steps: int = 1
    every: int | None = None
    digits: int = 6
    formulas: bool = True
    max_bytes: int = 1 << 30
    written: bool = False  # the new spec, which holds every number as text


def step(spec: Spec, settings: StepSettings, tell: Progress | None = None) -> Stepped:
    """Move the params of a spec.

    Raises:
        UsageError: E022 for a parameter that the rule lacks, or out of its range.
        SpecError: what is wrong with the spec.
    """
    rule = RULES[settings.rule]
    parameters = parameters_of(rule, settings.given)
    graph = build(spec)
    text = A_NUMBER * sum(entries_of(graph.nodes[index].shape) for index in graph.wrt) if settings.written else 0
    every = settings.every or max(1, settings.steps // 10)
    beside = moving_bytes(graph, rule, parameters) + recorded_bytes(graph, rule, parameters, settings.steps, every)
    leaves = load_leaves(graph, settings.max_bytes, runs=2, beside=beside + text)  # the first run is kept
    training = Training(graph, leaves, rule, parameters)
    old = dict(training.leaves)
    training.run(settings.steps, every, tell)
    written, where = _gradients(training) if settings.formulas else ({}, ())
    lines = rule.lines(parameters)
    return Stepped(
        spec=spec.source.file, title=spec.title, output=moved_by(graph), rule=rule.name, doc=rule.doc,
        parameters={name: float(value) for name, value in parameters.items()},
        general=tuple(_general(lines, parameters)), steps=settings.steps, every=every,
        history=tuple(training.history), names=tuple(graph.names),
        params=tuple(_update(training, index, old[index], lines, written.get(index), settings)
                     for index in training.movers),
        warnings=(*_warnings(training.history, moved_by(graph)), *_claims(training)), where=where,
    )  # fmt: skip


def moved_by(graph: Graph) -> str:
    """What the params move against: the output, or all outputs of several passes, whose gradients add up."""
    return " + ".join(run.name for run in graph.passes)


# ── parameters ───────────────────────────────────────────────────────────────────────────────────

_BELOW_ONE = {"beta1", "beta2", "alpha"}
_SWITCHES = {"amsgrad", "centered"}


def parameters_of(rule: Rule, given: Mapping[str, str]) -> dict[str, Fraction]:
    """A rule's parameters: its defaults, and what is given.

    Raises:
        UsageError: E022.
    """
    found = dict(rule.defaults)
    for name, text in given.items():
        if name not in found:
            others = [other.name for other in RULES.values() if name in other.defaults]
            raise UsageError(
                "E022", f"the rule {rule.name} has no parameter {name!r}",
                hint=f"its parameters: {', '.join(found)}; {name} belongs to --rule {' or '.join(others)}",
            )  # fmt: skip
        found[name] = _number(name, text)
    return found


def _number(name: str, text: str) -> Fraction:
    option = f"--{name.replace('_', '-')}"
    try:
        value = _exact(text.strip())
    except (ValueError, ArithmeticError):
        raise UsageError("E022", f"{option} needs a number, found {text[:40]!r}", hint=f"{option} 0.1") from None
    if name in _SWITCHES and value not in {0, 1}:
        raise UsageError("E022", f"{option} is 0 or 1, found {text[:40]!r}", hint=f"{option} 1")
    if value < 0 or name in _BELOW_ONE and value >= 1 or value > 10**300:
        wanted = "a number from 0 up to, not including, 1" if name in _BELOW_ONE else "a number of 0 or more"
        raise UsageError("E022", f"{option} needs {wanted}, found {text[:40]!r}", hint=f"{option} 0.1")
    return value


def _exact(text: str) -> Fraction:
    """A number as it is written: a float says at once that 1e999999999, which would take hours to be made, is none."""
    rough = 1.0 if "/" in text else float(text)
    return Fraction(text if rough and math.isfinite(rough) else rough)


# ── formulas ─────────────────────────────────────────────────────────────────────────────────────


SLOPE = "<mfrac><mrow><mo>∂</mo><mi>L</mi></mrow><mrow><mo>∂</mo><mi>w</mi></mrow></mfrac>"


def _general(lines: tuple[Line, ...], parameters: Parameters) -> Iterator[Assignment]:
    """The rule itself, for a param w."""
    names = {"w": printed("w", "w", "w", marked("w")),
             "g": printed("∂L/∂w", "grad(w)", r"\frac{\partial L}{\partial w}", SLOPE)}  # fmt: skip
    letters = {name: value for name, value in parameters.items() if name != "lr"}
    for line in lines:
        yield Assignment(line.name, names["w"] if line.name == "w" else letter(line.name),
                         formula(line.code, letters, names), None)  # fmt: skip
        names = {"w": names["w"]} if line.name == "g" else names  # from there on g is the rule's own


def _gradients(training: Training) -> tuple[dict[int, Printed], tuple[Named, ...]]:
    """Each param's gradient at the start as a formula, chained where that is readable, and the δ that it uses."""
    from backprop_cli.formulas.formulate import formulate  # imports sympy

    start, graph = training.start, training.graph
    if start is None:
        return {}, ()
    _, total, _ = formulate(graph, start.values, start.passes, CHAINED, (*NOTATIONS, *MARKED.values()), only=graph.wrt)
    found = {}
    for index, formulas in total.items():
        shown = next((p for term in CHAINED if isinstance(p := formulas.get(term), Printed)), None)
        if shown is not None:
            found[index] = shown
    return found, tuple(used_by(found.values(), total.where))


def _update(training: Training, index: int, old: Any, lines: tuple[Line, ...], gradient: Printed | None,
            settings: StepSettings) -> Update:  # fmt: skip
    node = training.graph.nodes[index]
    first = training.first.get(index)
    if first is None:
        return Update(node.name, old, old, None, None, ())
    return Update(
        name=node.name, old=old, new=training.leaves[index], gradient=first.gradient, gradient_formula=gradient,
        lines=tuple(_lines(training, index, lines, settings)), traces=tuple(_traces(training, index)),
        state=dict(training.movers[index].state),
    )  # fmt: skip


def _traces(training: Training, index: int) -> Iterator[Trace]:
    """The tables of a small param, each column under what its line is called."""
    apart = {word: text.text for word, text in _apart(training, index).items() if word != "g"}
    for trace in training.traces(index):
        own = {"g": "gradient", "w": trace.entry}
        keys = trace.rows[0].values if trace.rows else ()
        yield replace(trace, heads={key: apart.get(key) or own.get(key) or spelled(key) for key in keys})


def _lines(training: Training, index: int, lines: tuple[Line, ...], settings: StepSettings) -> Iterator[Assignment]:
    """The lines for one param, with the numbers of the first step put in."""
    names = _names(training.graph, index, latex=settings.formulas)
    apart = _apart(training, index)
    names |= {word: text for word, text in apart.items() if word != "g"}
    first, parameters = training.first[index], training.parameters
    known = dict(first.given)
    for line in lines:
        code = line.first or line.code
        shown_as = formula(line.code, parameters, names)
        left = names["w"] if line.name == "w" else apart.get(line.name) or letter(line.name)
        put_in, entry = _put_in(code, parameters, known, first.found[line.name], settings)
        yield Assignment(line.name, left, shown_as, put_in, entry)
        known[line.name] = first.found[line.name]
        if line.name == "g":
            names |= {"g": left}


def _apart(training: Training, index: int) -> dict[str, Printed]:
    """The rule's letters that the spec has as names, as they are written for a param instead."""
    taken, name = training.graph.names, training.graph.nodes[index].name
    words = dict.fromkeys(line.name for line in training.rule.lines(training.parameters) if line.name != "w")
    return {word: told_apart(word, name, taken) for word in words if word in taken}


def _names(graph: Graph, index: int, latex: bool) -> dict[str, Printed]:
    """What the spec calls the param and its gradient."""
    name = graph.nodes[index].name
    text = partial(moved_by(graph), name)
    own, slope = (upright(name), marked(name)), (text, text)
    if latex:
        from backprop_cli.formulas.notation import notation_of  # imports sympy

        set_in = [notation_of(notation, tuple(graph.names)) for notation in ("latex", "mathml")]
        own = set_in[0].name(name), set_in[1].name(name)
        slope = tuple(n.gradient(moved_by(graph), name) for n in set_in)  # type: ignore[assignment]
    return {"w": printed(name, name, *own), "g": printed(text, f"grad({name})", *slope)}


def _put_in(code: str, parameters: Parameters, known: Mapping[str, Array | float], result: Array,
            settings: StepSettings) -> tuple[Printed, tuple[int, ...]]:
    """`0.4 - 0.5 · 0.082167 = 0.358916`; of a large array its first entry, and which that is."""
    position = (0,) * np.ndim(result)
    if not position or max(np.size(value) for value in known.values()) <= WRITTEN_OUT:
        whole = numbers_in(code, parameters, known, result, settings.digits)
        if not position or len(whole.text) <= LONGEST:
            return whole, ()
    first = {name: np.asarray(value)[position] if np.ndim(value) else value for name, value in known.items()}
    return numbers_in(code, parameters, first, np.asarray(result)[position], settings.digits), position


# ── what to tell ─────────────────────────────────────────────────────────────────────────────────


def _warnings(history: list[Moment], output: str) -> Iterator[Warned]:
    """Divergence, plainly."""
    first, last = history[0], history[-1]
    if not math.isfinite(last.loss):
        when = "at the start" if last.step == 0 else f"after step {last.step}"
        hint = "" if last.step == 0 else "; try a smaller --lr"
        yield Warned("diverged", output, f"it is {last.loss} {when}, and no further step was taken{hint}")
    elif last.loss > first.loss:
        yield Warned("grew", output, f"it grew from {first.loss:.6g} to {last.loss:.6g}; a smaller --lr may go down")


def _claims(training: Training) -> Iterator[Warned]:
    """What the spec states of a param, and a step has made untrue."""
    for index in training.movers:
        node = training.graph.nodes[index]
        for key, _, words in contradictions(node.leaf, np.asarray(training.leaves[index])):
            yield Warned("claim", node.name, f"it is declared {key}, which a step does not keep: {words}")
