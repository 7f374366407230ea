"""Jacobians and Hessians as nodes of a spec."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.errors import UsageError
from backprop_cli.formulas.printed import Omitted
from backprop_cli.language.model import NodeSpec, Spec
from backprop_cli.language.source import BY_PROGRAM, inline
from backprop_cli.language.writer import write
from backprop_cli.records import replace
from backprop_cli.tasks.export.prepared import expression_of, taken_names, unique
from backprop_cli.tasks.jacobian.results import Differentiated


def export(spec: Spec, results: Sequence[Differentiated]) -> str:
    """The YAML of the spec with a node for each derivative, the last one the output.

    Raises:
        UsageError: E023 where one has no formula.
    """
    taken, added = taken_names(spec), []
    for one in results:
        if isinstance(one.formula, Omitted):
            raise UsageError("E023", f"{one.symbol} cannot be written as a node: {one.formula.why}")
        name = unique(f"{one.kind}_{_word(one.output)}_{one.wrt}", taken)
        added.append(NodeSpec(name, *expression_of(one.formula.code), inline(name, BY_PROGRAM)))
    made = replace(spec, nodes=(*spec.nodes, *added), output=expression_of(added[-1].name), grad_output="ones",
                   grad_output_at=None, hooks={}, backward=())  # fmt: skip
    what = ", ".join(f"{node.name} is {one.symbol}" for node, one in zip(added, results, strict=True))
    return write(made, (f"Derivatives as nodes: {what}.",))


def _word(text: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in text).strip("_")
