"""Networks of many kinds that no formula was written for: what is printed of them is short, and all of it is there."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result
from tests import quick_yaml

NETWORKS: Any = quick_yaml.cases("unseen.yaml")
LONGEST = 110


@cache
def calculated(name: str) -> Result:
    """The network with numbers for its leaves."""
    network, seed = NETWORKS[name], iter(range(99))
    leaves = {section: {leaf: {"shape": shape, "init": "normal", "std": 0.5, "seed": next(seed)}
                        for leaf, shape in network[section].items()} for section in ("inputs", "params")}  # fmt: skip
    text = quick_yaml.dump({**leaves, "nodes": network["nodes"]})
    return run(read_spec(text.encode(), f"{name}.yaml", folder=None), Settings(terms=("compact",)))


@pytest.mark.parametrize("name", NETWORKS)
def test_each_gradient_is_a_line_of_a_book(name: str) -> None:
    """No compact formula, nor the definition of a δ, is longer than a line; none is omitted; each gives its value."""
    result = calculated(name)
    formulas = {node.name: node.gradient.formula["compact"] for node in result.nodes if node.gradient}
    assert formulas.keys() >= NETWORKS[name]["params"].keys()
    for node, formula in formulas.items():
        assert isinstance(formula, Printed), (node, formula)
        assert formula.deviation is not None
        assert formula.deviation < 1e-9, (node, formula.text)
    lines = [f"∂{node} = {formula.text}" for node, formula in formulas.items()]  # type: ignore[union-attr]
    lines += [named.equation("text") for named in result.where]
    assert [line for line in lines if len(line) > LONGEST] == []


@pytest.mark.parametrize("name", NETWORKS)
def test_each_name_is_defined_before_its_use(name: str) -> None:
    """A δ stands in terms of those before it, and none is defined that nothing uses."""
    result, known = calculated(name), set[str]()
    for one in result.where:
        assert set(one.formula.uses) <= known, one.name["text"]
        known.add(one.name["code"])
    used = {name for node in result.nodes if node.gradient
            for name in getattr(node.gradient.formula["compact"], "uses", ())}  # fmt: skip
    assert known == used.union(*(one.formula.uses for one in result.where))
