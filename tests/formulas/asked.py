"""Gradients that people asked for, or wrote by hand: our formula, its value, and its size beside the published one.

`python -m tests.formulas.asked` prints the table: every case longer than its publication, and the quantiles.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.formulas.formulate import PassFormulas, formulate
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import load_leaves
from tests import quick_yaml
from tests.formulas.published import value_of as drawn
from tests.readers.code import value_of

NEAR = 1e-8
DIMS = {"N": 4, "D": 3, "K": 2, "M": 5, "H": 6}
"""The sizes of the letters in the published_*.yaml."""

PUBLISHED = ("lines", "losses", "matrices", "passes", "sciences", "models", "learning", "fields", "more",
             "kinds")  # fmt: skip

STATED: Mapping[str, Mapping[str, Any]] = {
    "pos": {"positive": True}, "unit": {"positive": True}, "sym": {"symmetric": True}, "spd": {"symmetric": True},
    "prob": {"sums_to_one": -1}, "onehot": {"one_hot": -1}, "01": {"mask": True},
}  # fmt: skip
"""What a spec would state of leaves of a kind."""


@dataclass(frozen=True)
class Asked:
    """A spec, one of its nodes, and what was published as its gradient; `terms` are those that may be compared."""

    id: str
    spec: Mapping[str, Any]
    node: str
    published: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """Our shortest formula; `wrong` says what does not agree with what."""

    case: Asked
    text: str
    code: str
    size: int
    published: int
    wrong: str

    @property
    def ratio(self) -> float:
        """How long ours is against the publication."""
        return self.size / self.published


def cases() -> Iterator[Asked]:
    """All files, those with a formula that can be compared; one that names gradients is a step of the chain."""
    for c in (*_read("questions.yaml"), *_read("questions_more.yaml")):
        terms = ("local", "nodes") if "grad(" in c["published"] else ("nodes",)
        yield Asked(c["id"], c["spec"], c["leaf"], c["published"], terms)
    for c in _read("handwritten.yaml"):
        for node, code in c["hand"].items():
            yield Asked(f"{c['id']}:{node}", c["spec"], node, code, ("local", "nodes"))
    for c in (row for name in PUBLISHED for row in _read(f"published_{name}.yaml")):
        for node, code in c["published"].items():
            terms = ("local", "nodes") if "grad(" in code else ("nodes",)
            params = {*c["published"], *c.get("params", "").split()}
            yield Asked(f"{c['id']}:{node}", spec_of(c, params), node, code, terms)
    for c in _read("found_formulas.yaml"):
        if "code" in c["wanted"] and "command" not in c:
            yield Asked(c["id"], c["spec"], c.get("leaf") or c["node"], c["wanted"]["code"], ("local", "nodes"))


def spec_of(case: Mapping[str, Any], asked: Collection[str]) -> dict[str, Any]:
    """The spec of a row of the published_*.yaml: numbers of its kind for each leaf, a param if it is asked for."""
    leaves: dict[str, dict[str, Any]] = {"inputs": {}, "params": {}}
    for name, described in case["leaves"].items():
        shape, _, kind = str(described).partition(":")
        sizes = [s if s in DIMS else int(s) for s in shape.split()]
        value = drawn(case["id"] + name, f"{','.join(str(DIMS.get(s, s)) for s in sizes)}:{kind}").round(12)
        leaf = {"value": value.tolist(), "shape": sizes, **STATED.get(kind, {})}
        leaves["params" if name in asked else "inputs"][name] = leaf
    words = {*re.findall(r"\w+", json.dumps([case["leaves"], case["nodes"]]))} - {*case["leaves"], *case["nodes"]}
    return {"dims": {d: n for d, n in DIMS.items() if d in words}, **leaves, "nodes": case["nodes"]}


def _read(file: str) -> Sequence[Any]:
    return quick_yaml.cases(file)  # type: ignore[no-any-return]


def size(code: str) -> int:
    """Operators, calls, names, constants, attributes, subscripts, comparisons; a called function's name is free."""
    for constant in ("true", "false", "none"):
        code = re.sub(rf"\b{constant}\b", constant.title(), code)
    tree = ast.parse(code.strip(), mode="eval").body
    called = {n.func for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    skipped = (ast.Slice, ast.Tuple, ast.List)
    return sum(1 for n in ast.walk(tree) if isinstance(n, ast.expr) and n not in called and not isinstance(n, skipped))


_RUNS: dict[str, tuple[Graph, Computed]] = {}
_FORMULAS: dict[tuple[str, str], PassFormulas] = {}


def run_of(spec: Mapping[str, Any]) -> tuple[Graph, Computed]:
    """The spec, run; remembered, since several cases share one."""
    key = json.dumps(spec)
    if key not in _RUNS:
        graph = build(read_spec(quick_yaml.dump(spec).encode(), "asked.yaml", folder=None))
        _RUNS[key] = graph, compute(graph, load_leaves(graph))
    return _RUNS[key]


def formulas_of(spec: Mapping[str, Any], term: str) -> PassFormulas:
    """Its formulas in terms that some case compares; remembered, too."""
    key = json.dumps(spec), term
    if key not in _FORMULAS:
        graph, computed = run_of(spec)
        _FORMULAS[key] = formulate(graph, computed.values, computed.passes, (term,), ("text", "code"))[1]
    return _FORMULAS[key]


def measured(case: Asked) -> Measured:
    """Our shortest formula in the terms of the case, checked against the gradient and the publication."""
    graph, computed = run_of(case.spec)
    index = graph.names[case.node]
    gradient = np.asarray(computed.gradient(index), dtype=float)
    found = [formulas_of(case.spec, term)[index].get(term) for term in case.terms]
    formulas = [one for one in found if isinstance(one, Printed)]
    wrong = []
    for formula in formulas:
        if not (formula.deviation is not None and formula.deviation < NEAR):
            wrong.append(f"{formula.code} deviates by {formula.deviation}")
        elif not _near(value_of(formula.code, graph, computed), gradient):
            wrong.append(f"{formula.code}, read back, is something else")
    if not _near(value_of(case.published, graph, computed), gradient):
        wrong.append("the published form has another value")
    best = min(formulas, key=lambda f: size(f.code))
    return Measured(case, best.text, best.code, size(best.code), size(case.published), "; ".join(wrong))


def _near(a: Any, b: Any) -> bool:
    scale = max(1.0, np.abs(b).max(initial=0))
    return bool(np.allclose(np.broadcast_to(a, np.shape(b)), b, rtol=NEAR, atol=NEAR * scale))


def quantile(found: Sequence[Measured], part: float) -> float:
    """The ratio that `part` of all cases do not exceed."""
    ratios = sorted(m.ratio for m in found)
    return ratios[min(len(ratios) - 1, int(part * len(ratios)))]


def _table(chosen: Sequence[str]) -> None:
    found = []
    for case in cases():
        if chosen and not any(c in case.id for c in chosen):
            continue
        try:
            one = measured(case)
        except Exception as error:  # noqa: BLE001 (a table of everything, for a person)
            print(f"FAIL {case.id}: {type(error).__name__}: {error}")
            continue
        found.append(one)
        if one.wrong:
            print(f"WRONG {case.id}: {one.wrong}")
    for one in sorted(found, key=lambda m: m.ratio):
        if one.ratio > 1 or chosen:
            print(f"{one.ratio:5.2f} {one.case.id}\n      {one.text}\n      {one.case.published}")
    if found:
        over = [sum(m.ratio > limit for m in found) / len(found) for limit in (1.25, 1.5)]
        print(f"{len(found)} cases, median {quantile(found, 0.5):.2f}, p90 {quantile(found, 0.9):.2f}, "
              f"above 1.25 {over[0]:.1%}, above 1.5 {over[1]:.1%}, worst {quantile(found, 1):.2f}")  # fmt: skip


if __name__ == "__main__":
    _table(sys.argv[1:])
