"""run, derive, check, grade: the commands as functions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from backprop_cli.api.opening import Source, changed, opened
from backprop_cli.api.results import VIEW, Checked, Marks, Page, Run, unknown_terms
from backprop_cli.formulas.printed import TERMS


def run(source: Source, *, values: Mapping[str, object] | None = None, output: str | None = None,
        grad_output: object = None, wrt: str | Iterable[str] | None = None, dtype: str | None = None,
        terms: Iterable[str] = TERMS, which: int | None = None) -> Run:  # fmt: skip
    """Run a spec forward and back.

    Args:
        source: a path (`.yaml`, `.py`, `.ipynb`), YAML or Python as text, or a mapping with a spec's keys.
        values: other values of leaves, by name: numbers, lists, arrays.
        output: another node or expression to go back from.
        grad_output: the seed: a number, an array, or 'ones'.
        wrt: the leaves to differentiate, or 'all'.
        dtype: 'float64' or 'float32'.
        terms: what formulas are written in; none at all gives numbers alone, and never loads sympy.
        which: of Python source with several backward passes, the number of one.

    Returns:
        The nodes by name: `run(...)["w2"].grad`.

    Raises:
        SpecError, FileError, UsageError: what `backprop run` reports.
    """
    from backprop_cli.tasks.calculate import Settings
    from backprop_cli.tasks.calculate import run as calculate

    wanted = (terms,) if isinstance(terms, str) else tuple(terms)
    if not set(wanted) <= set(TERMS):
        raise unknown_terms(wanted, TERMS)
    spec = _spec(source, values, output, grad_output, wrt, dtype, which)
    return Run(spec, calculate(spec, Settings(terms=wanted)))


def derive(source: Source, *nodes: str, values: Mapping[str, object] | None = None, output: str | None = None,
           which: int | None = None) -> Page:  # fmt: skip
    """Derive the gradients of nodes (of all where none is named), step by step; shapes are enough.

    Raises:
        SpecError, FileError, UsageError: what `backprop derive` reports.
    """
    from backprop_cli.engine.graph import build
    from backprop_cli.formulas.derivation import work_out
    from backprop_cli.report.derived import FORMATS, renderer
    from backprop_cli.report.derived.solution import Solution
    from backprop_cli.tasks.calculate import compute
    from backprop_cli.tasks.leaves import load_leaves

    graph = build(_spec(source, values, output, None, None, None, which))
    known = all(node.leaf is None or node.leaf.load is not None for node in graph.nodes)
    computed = compute(graph, load_leaves(graph)) if known else None
    numbers, passes = (list(computed.values), [list(p) for p in computed.passes]) if computed else (None, None)
    forms = ("text", "markdown", "latex")
    notations = tuple({notation: None for form in forms for notation in FORMATS[form].notations})
    worked = work_out(graph, nodes, numbers, passes, notations=notations)
    solution = Solution(graph.spec.source.file, graph.spec.title, graph.output_name, worked)
    return Page(*(renderer(form)(solution, VIEW) for form in forms))


def check(source: Source, *, values: Mapping[str, object] | None = None, output: str | None = None,
          which: int | None = None) -> Checked:  # fmt: skip
    """Ask three independent answers for each gradient whether they agree.

    Raises:
        SpecError, FileError, UsageError: what `backprop check` reports.
    """
    from backprop_cli.tasks.checks import check as checked

    return Checked(checked(_spec(source, values, output, None, None, None, which)))


def grade(key: Source, answers: str | os.PathLike[str] | Mapping[str, object], *, output: str | None = None) -> Marks:
    """Mark answers against a spec.

    Args:
        key: what stands for the spec.
        answers: a path to a file of answers, or a mapping: `{"w2.grad": [[...]], "w1.formula": "grad(z) @ x.T"}`.
        output: another node to go back from.

    Raises:
        SpecError, FileError, UsageError: what `backprop grade` reports.
    """
    import json

    from backprop_cli.api.opening import _plain
    from backprop_cli.tasks.grading.key import key_of
    from backprop_cli.tasks.grading.mark import Scheme
    from backprop_cli.tasks.grading.mark import grade as marked
    from backprop_cli.tasks.grading.sheets import read_sheet, sheet_of

    worked = key_of(_spec(key, None, output, None, None, None, None))
    names = worked.graph.names
    if isinstance(answers, Mapping):
        sheet = sheet_of(json.dumps({"answers": _plain(answers)}).encode(), "<answers>", names)
    else:
        sheet = read_sheet(os.fspath(answers), names, worked.graph)
    return Marks(marked(worked, sheet, Scheme(other=1.0)))


def _spec(source: Source, values: Mapping[str, object] | None, output: str | None, grad_output: object,
          wrt: str | Iterable[str] | None, dtype: str | None, which: int | None) -> Any:  # fmt: skip
    spec = opened(source, which=which, output=output)
    from backprop_cli.tasks.at_hand import without_gradients

    return without_gradients(changed(spec, values, output, grad_output, wrt, dtype))
