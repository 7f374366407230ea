"""The shipped specs, each run once for all tests of one process: every gradient in all terms and notations."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from backprop_cli.engine.graph import Graph, build
from backprop_cli.formulas.formulate import PassFormulas
from backprop_cli.formulas.printed import ASKED
from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.calculate import Settings, compute, report
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import load_leaves
from backprop_cli.tasks.result import Result

FOLDER = Path(__file__).resolve().parents[1] / "specs"
SPECS = sorted(FOLDER.glob("*.yaml"))
TERMS = ("local", "nodes", "compact", "leaves")


class Shipped(NamedTuple):
    """A spec's graph, its numbers, and what `run` reports of them."""

    graph: Graph
    computed: Computed
    result: Result

    @property
    def total(self) -> PassFormulas:
        """The formulas of every gradient, those of several passes added up."""
        found = {self.graph.names[n.name]: n.gradient.formula for n in self.result.nodes if n.gradient}
        return PassFormulas(found, self.result.where)


@cache
def shipped(path: Path) -> Shipped:
    """A spec with numbers, run; what one term or notation says is the same whichever others are asked for."""
    graph = build(load_spec(str(path)))
    computed = compute(graph, load_leaves(graph))
    return Shipped(graph, computed, report(graph, computed, Settings(TERMS, ASKED)))


@cache
def by_entry(path: Path) -> Result:
    """The same in index notation alone, one step at a time: its letters are chosen for what is printed together."""
    return report(*shipped(path)[:2], Settings(("local",), ("index",)))
