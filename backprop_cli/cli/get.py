"""`--get PATH`: one thing out of a result, for `$(...)` in a script."""

from __future__ import annotations

import json
import re
from typing import Any

from backprop_cli.errors import UsageError
from backprop_cli.formulas.printed import ASKED, TERMS, Omitted, Printed
from backprop_cli.records import dataclass, replace
from backprop_cli.report.arrays import strict
from backprop_cli.report.view import View
from backprop_cli.tasks.result import Gradient, NodeResult, Result

CODE = "E023"
PARTS = ("value", "grad", "formula", "shape", "tangent")
EXAMPLES = "paths look like loss, w1.grad, w1.grad[0,0], w1.formula, w1.formula.latex, w1.shape"

TANGENT = "tangent.formula"
"""The one part with a dot."""

DELTAS = ("δ_", "delta_")
"""How the names begin that compact formulas use for parts without a name."""

_PATH = re.compile(r"(?P<dotted>[^\[\]]+)(?:\[(?P<index>[^\[\]]*)\])?")
_AXIS = re.compile(r"-?\d{1,9}|(-?\d{1,9})?:(-?\d{1,9})?(:-?\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Path:
    """A path, taken apart: `w1.formula.latex`, `w1.grad[0,0]`."""

    text: str
    node: str
    part: str = "value"
    wanted: str | None = None  # the terms of the formula; None: nodes, else local
    notation: str = "text"
    index: tuple[int | slice, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The formulas that have to be derived for it."""
        named = ("compact",) if self.node.startswith(DELTAS) else ()
        if self.part == TANGENT:
            return ("local",)
        if self.part != "formula":
            return named
        return (self.wanted,) if self.wanted else ("local", "nodes", *named)


def parse(text: str) -> Path:
    """Take a path apart.

    Raises:
        UsageError: E023.
    """
    found = _PATH.fullmatch(text.strip())
    if not found:
        raise UsageError(CODE, f"cannot read the path {text!r}", hint=EXAMPLES)
    words = found["dotted"].split(".")
    place = next((i for i, word in enumerate(words) if i and word in PARTS), None)
    if place is None:
        return Path(text, found["dotted"], index=_index(found["index"], text))
    node, part, rest = ".".join(words[:place]), words[place], words[place + 1 :]
    if part == "formula":
        return _formula(text, node, rest, found["index"])
    if part == "tangent" and rest[:1] == ["formula"] and not {*rest[1:]} & {*TERMS, "index"}:
        return replace(_formula(text, node, rest[1:], found["index"]), part=TANGENT)
    if rest:
        raise UsageError(CODE, f"{text!r} goes on after '.{part}'", hint=EXAMPLES)
    return Path(text, node, part, index=_index(found["index"], text))


def _formula(text: str, node: str, rest: list[str], index: str | None) -> Path:
    terms = [word for word in rest if word in TERMS]
    notations = [word for word in rest if word in ASKED]
    if index is not None or len(terms) > 1 or len(notations) > 1 or len(terms) + len(notations) < len(rest):
        hint = f"terms: {', '.join(TERMS)}; notations: {', '.join(ASKED)}; as in w1.formula.local.code"
        raise UsageError(CODE, f"cannot read the path {text!r}", hint=hint)
    return Path(text, node, "formula", terms[0] if terms else None, notations[0] if notations else "text")


def _index(text: str | None, path: str) -> tuple[int | slice, ...]:
    if text is None:
        return ()
    axes = [axis.replace(" ", "") for axis in text.split(",")]
    if not all(_AXIS.fullmatch(axis) for axis in axes):
        raise UsageError(CODE, f"cannot read the index of {path!r}", hint="an index looks like [0], [0,1], [1:3]")
    return tuple(_axis(axis) for axis in axes)


def _axis(text: str) -> int | slice:
    if ":" not in text:
        return int(text)
    return slice(*(int(part) if part else None for part in text.split(":")))


# ── finding ──────────────────────────────────────────────────────────────────────────────────────


def find(result: Result, text: str, view: View) -> str:
    """What a path names, on one line.

    Raises:
        UsageError: E023, with what was probably meant.
    """
    path = parse(text)
    node = result.by_name.get(path.node)
    if node is None and path.node.startswith(DELTAS):
        return _delta(result, path, view)
    if node is None:
        raise _unknown(result, path)
    if path.part == "shape":
        return json.dumps(list(node.shape))
    if path.part == "value":
        return _shown(node.value, path, view)
    if path.part in {"tangent", TANGENT}:
        if node.tangent is None:
            raise UsageError(CODE, f"{path.node!r} has no tangent", hint="--tangent NAME=VALUE asks for forward mode")
        return _shown(node.tangent.value, path, view) if path.part == "tangent" else _of_tangent(node, path, view)
    if node.gradient is None:
        hint = f"{result.output!r} does not depend on it, or nothing to differentiate lies below"
        hint = f"--wrt {node.name} asks for it" if node.kind == "input" else hint
        raise UsageError(CODE, f"{path.node!r} has no gradient", hint=hint)
    if path.part == "grad":
        return _shown(node.gradient.value, path, view)
    return _written(node, node.gradient, path, view)


def _of_tangent(node: NodeResult, path: Path, view: View) -> str:
    """The formula of a tangent; a leaf's is a number that is given, and so is a 0."""
    assert node.tangent is not None
    if node.tangent.formula is None:
        raise UsageError(CODE, f"the tangent of {node.name!r} has no formula", hint=f"its value: {node.name}.tangent")
    return view.formula(node.tangent.formula, path.notation)


def _delta(result: Result, path: Path, view: View) -> str:
    """The value or the definition of a δ that compact formulas use."""
    found = {name: one for one in result.where for name in (one.name["text"], one.name["code"])}
    named = found.get(path.node)
    if named is None:
        known = ", ".join(one.name["code"] for one in result.where) or "none"
        hint = f"compact formulas of this spec use: {known}"
        raise UsageError(CODE, f"no compact formula uses {path.node!r}", hint=hint)
    if path.part == "formula":
        return view.formula(named.formula, path.notation)
    if path.part == "shape":
        return json.dumps(list(named.value.shape))
    return _shown(named.value, path, view)


def _written(node: NodeResult, gradient: Gradient, path: Path, view: View) -> str:
    """A formula; where its terms are left open the chained one, or one step where that is too long."""
    for terms in (path.wanted,) if path.wanted else ("nodes", "local"):
        formula = gradient.formula.get(terms)
        if isinstance(formula, Printed):
            return view.formula(formula, path.notation)
        if isinstance(formula, Omitted) and path.wanted:
            raise UsageError(CODE, f"{path.text!r} is left out: {formula.why}")
    raise UsageError(CODE, f"{node.name!r} has no formula")


def _unknown(result: Result, path: Path) -> UsageError:
    from backprop_cli.language.suggest import did_you_mean

    words = path.node.split(".")
    known = [node.name for node in result.nodes if not node.anonymous]
    if len(words) > 1 and words[0] in known:
        near = did_you_mean(words[1], PARTS, {"gradient": "grad", "g": "grad", "data": "value", "size": "shape"})
        return UsageError(CODE, f"{words[0]!r} has no part {words[1]!r}", hint=near or f"its parts: {', '.join(PARTS)}")
    return UsageError(CODE, f"no node is called {path.node!r}", hint=did_you_mean(words[0], known) or EXAMPLES)


def _shown(value: Any, path: Path, view: View) -> str:
    """A number as a float that round-trips, an array as nested lists."""
    if value is None:
        raise UsageError(CODE, f"{path.node!r} has no numbers")
    try:
        picked = value[path.index] if path.index else value
    except IndexError:
        shape = tuple(value.shape)
        raise UsageError(CODE, f"{path.text!r}: the index does not fit the shape {shape}") from None
    if picked.shape:
        return json.dumps(strict(picked, view.precision), allow_nan=False)
    number = float(picked)
    return repr(number) if view.precision is None else f"{number:.{view.precision}g}"
