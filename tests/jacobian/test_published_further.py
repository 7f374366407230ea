"""Jacobians and Hessians of published_further.yaml: the numbers, and formulas as short as those that were published."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.formulas.printed import Printed, partial
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.jacobian.hessian import hessians, second
from backprop_cli.tasks.jacobian.jacobian import Wanted, jacobians
from backprop_cli.tasks.jacobian.results import Differentiated
from backprop_cli.tasks.leaves import load_leaves
from tests import quick_yaml
from tests.formulas import asked
from tests.formulas.asked import size
from tests.jacobian.test_jacobian import check_second, differences
from tests.readers.code import value_of

CASES = quick_yaml.cases("published_further.yaml")

LONGER = {"h-bernoulli": 1.2, "j-pseudorange": 1.2, "h-spring": 1.1, "h-damped-oscillation": 1.3,
          "h-pseudo-huber": 1.1, "j-relativistic-momentum": 1.2}  # ()^(3/2), as in books, is longer than √()³
"""Those that are longer than published, and by how much at most."""


def blocks(case: Mapping[str, Any]) -> dict[str, str]:
    """What was published, by what it is by: one leaf, or two with a space."""
    found: dict[str, str] = case.get("by") or {case["wrt"]: case.get("hessian") or case.get("jacobian")}
    return found


def spec_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a row: a param for each leaf that is asked for, with numbers of its kind."""
    return asked.spec_of(case, {name for key in blocks(case) for name in key.split()}) | {"grad_output": "ones"}


def read(case: Mapping[str, Any]) -> Any:
    """The same, read."""
    return read_spec(json.dumps(spec_of(case)).encode(), "published", folder=None)


def found_of(case: Mapping[str, Any], formulas: bool = True) -> dict[str, Differentiated]:
    """What the program says for each block."""
    names = tuple(dict.fromkeys(name for key in blocks(case) for name in key.split()))
    output, is_second = list(case["nodes"])[-1], case["id"].startswith("h-")
    work = (hessians if is_second else jacobians)(read(case), Wanted(names, formulas))
    symbols = {one.symbol: one for one in work}

    def symbol(key: str) -> str:
        pair = key.split()
        return second(output, pair[0], pair[-1]) if is_second else partial(output, pair[0])

    return {key: symbols[symbol(key)] for key in blocks(case)}


def entries(code: str) -> Iterator[tuple[tuple[int, ...], str]]:
    """The entries of `stack([...])`, stacks in it too, each with its place."""

    def inside(part: ast.expr, at: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "stack":
            assert isinstance(part.args[0], ast.List)
            for number, one in enumerate(part.args[0].elts):
                yield from inside(one, (*at, number))
        elif at:
            yield at, ast.unparse(part)

    yield from inside(ast.parse(code, mode="eval").body, ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_as_published(case: Mapping[str, Any]) -> None:
    """Each block has the numbers of the published form, and its formula is as short."""
    graph = build(read(case))
    computed = compute(graph, load_leaves(graph))
    for key, one in found_of(case).items():
        published = blocks(case)[key]
        assert isinstance(one.formula, Printed), one.formula
        expected = np.asarray(value_of(published, graph, computed), dtype=float)
        np.testing.assert_allclose(one.value, np.broadcast_to(expected, one.shape), rtol=1e-8, atol=1e-9)
        assert one.formula.deviation is not None
        assert one.formula.deviation < 1e-9
        most = LONGER.get(case["id"], 1.0)
        assert size(one.formula.code) <= most * size(published), (one.formula.code, published)
        for at, entry in entries(published):
            written = one.entries[f"[{','.join(map(str, at))}]"].formula.text
            assert signs(written) <= signs(entry), (written, entry)


def signs(text: str) -> int:
    """Names, numbers and operators of an entry; products that are not written do not count in either."""
    return len(re.findall(r"\w+\[\d+\]|\w+|[-+/√²³⁴]", text.replace("**2", "²").replace("**3", "³")))


def is_stated_symmetric(case: Mapping[str, Any]) -> bool:
    """Whether an entry of a leaf cannot be moved alone."""
    return any(leaf.get("symmetric") for part in ("inputs", "params") for leaf in spec_of(case)[part].values())


@pytest.mark.parametrize("case", [case for case in CASES if not is_stated_symmetric(case)], ids=lambda case: case["id"])
def test_differences_agree(case: Mapping[str, Any]) -> None:
    """The numbers against central differences of values, or of the gradient, without any rule of second derivatives."""
    spec, found = spec_of(case), found_of(case, formulas=False)
    assert found
    leaves = {name: leaf["value"] for part in ("inputs", "params") for name, leaf in spec[part].items()}
    nodes = {name: re.sub(r"\b\w\b", lambda m: str(spec["dims"].get(m[0], m[0])), str(text))
             for name, text in case["nodes"].items()}  # fmt: skip
    for key, one in found.items():
        first, *others = key.split()
        if case["id"].startswith("h-"):
            check_second(leaves, nodes, list(nodes)[-1], first, np.asarray(one.value), *others)
        else:
            largest = max(1.0, float(np.abs(one.value).max(initial=0)))
            np.testing.assert_allclose(one.value, differences(read(case), first), rtol=1e-6, atol=1e-7 * largest)
