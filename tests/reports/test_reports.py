"""Public bug reports of other libraries, as specs: right values and gradients, true formulas, a fair `check`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.model import Spec
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.at_hand import without_gradients
from backprop_cli.tasks.calculate import Settings, compute
from backprop_cli.tasks.calculate import report as described
from backprop_cli.tasks.checks import check
from backprop_cli.tasks.checks.printed import PrintedBack
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, load_leaves
from backprop_cli.tasks.result import Result
from tests import quick_yaml

REPORTS: list[dict[str, Any]] = quick_yaml.cases("reports.yaml")
NEVER = ("zoo", "Abs(", "nan")
CHECKED = [one for one in REPORTS if one.get("check") is not None]


def cases(reports: Iterable[dict[str, Any]]) -> list[Any]:
    """Pytest parameters with the reports' own ids."""
    return [pytest.param(one, id=one["id"]) for one in reports]


def spec_of(report: dict[str, Any]) -> Spec:
    """The report's spec, read as a file, with the gradients in it as nodes."""
    text = quick_yaml.dump(report["spec"])
    return without_gradients(read_spec(text.encode(), report["id"], folder=None))


class Ran(NamedTuple):
    """A report's spec, its graph and numbers, and what `run` reports of them."""

    graph: Graph
    computed: Computed
    result: Result


@cache
def ran(name: str) -> Ran:
    """A report by its id, run once for all tests."""
    graph = build(spec_of(next(one for one in REPORTS if one["id"] == name)))
    computed = compute(graph, load_leaves(graph, DEFAULT_MAX_BYTES))
    return Ran(graph, computed, described(graph, computed, Settings()))


def numbers(value: Any) -> Any:
    """An array; empty ones have the shape that their brackets say."""
    return np.asarray(value, dtype=float)


def agrees(found: Any, wanted: Any, relative: float) -> bool:
    """The same shape and numbers, NaN for NaN."""
    one, two = numbers(found), numbers(wanted)
    return one.shape == two.shape and bool(np.allclose(one, two, rtol=relative, atol=1e-12, equal_nan=True))


@pytest.mark.parametrize("report", cases(REPORTS))
def test_values_and_gradients(report: dict[str, Any]) -> None:
    """Every number is the one that PyTorch gives, or mathematics where PyTorch errs."""
    nodes, relative = ran(report["id"]).result.by_name, report.get("rtol", 1e-9)
    for name, wanted in report["expected"]["values"].items():
        assert agrees(nodes[name].value, wanted, relative), (name, nodes[name].value, wanted)
    others = report["expected"].get("or_gradients", {})
    for name, wanted in report["expected"]["gradients"].items():
        gradient = nodes[name].gradient
        found = None if gradient is None else gradient.value
        if wanted is None or found is None:
            assert found is wanted, name
        else:
            right = [wanted, *others.get(name, [])]
            assert any(agrees(found, one, relative) for one in right), (name, found, wanted)


def codes(result: Result) -> Iterator[tuple[str, str]]:
    """Every printed code: (node, text)."""
    for node in result.nodes:
        for printed in node.gradient.formula.values() if node.gradient else ():
            if isinstance(printed, Printed):
                yield node.name, printed.code


@pytest.mark.parametrize("report", cases(one for one in REPORTS if one.get("formula")))
def test_formulas_say_what_the_numbers_do(report: dict[str, Any]) -> None:
    """Each printed formula, read back, is the gradient: also where that is NaN, or a convention."""
    graph, computed, result = ran(report["id"])
    single = 1e-5 if result.dtype == "float32" else 1e-7
    for name, code in codes(result):
        backs = [PrintedBack(graph, computed.values, gradients, result.where) for gradients in computed.passes]
        index = graph.names[name]
        found = [back.reading.value(code) for back in backs]
        wanted = [gradients[index] for gradients in computed.passes]
        assert any(np.allclose(one, two, rtol=single, atol=1e-9, equal_nan=True)
                   for one, two in zip(found, wanted, strict=True)), (name, code, found, wanted)  # fmt: skip


@pytest.mark.parametrize("report", cases(REPORTS))
def test_no_formula_holds_what_readers_do_not_know(report: dict[str, Any]) -> None:
    """No word of sympy's own, no NaN, and no invented name."""
    graph, _, result = ran(report["id"])
    known = {node.name for node in (*graph.spec.leaves, *graph.spec.nodes)}
    for name, code in codes(result):
        for word in (*NEVER, *report.get("never", ())):
            assert word not in code, (name, code)
        assert not [w for w in re.findall(r"\b_\w+", code) if w not in known], (name, code)


@pytest.mark.parametrize("report", cases(CHECKED))
def test_check_does_not_accuse_the_right(report: dict[str, Any]) -> None:
    """`check` exits as it should: 0 for what is right, kinks and undefined points included."""
    assert int(not check(spec_of(report)).ok) == report["check"]


@pytest.mark.parametrize("report", cases(one for one in REPORTS if one.get("warns")))
def test_what_is_odd_is_announced(report: dict[str, Any]) -> None:
    """A run on a singular point says so."""
    assert ran(report["id"]).result.warnings, json.dumps(report["spec"])
