"""`step --get PATH`: one thing of a step, for `$(...)` in a script."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from backprop_cli.cli.get import parse
from backprop_cli.errors import UsageError
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.report.arrays import strict
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.stepping.results import Stepped, Update

CODE = "E023"
EXAMPLES = "paths look like w5.new, w5.new[0,1], w5.old, w5.grad, w5.formula, w5.substituted, or the output's name"
_PATH = re.compile(r"(?P<name>\w+)(?:\.(?P<part>\w+))?(?:\.(?P<notation>\w+))?(?:\[(?P<index>[^\[\]]*)\])?")


def value_at(result: Stepped, path: str, view: View) -> str:
    """What a path names, on one line; the output's own name is the loss after the last step.

    Raises:
        UsageError: E023, with what was probably meant.
    """
    if path.strip() == result.output:
        return _loss(result, None, path, view)
    match = _PATH.fullmatch(path.strip())
    if match is None:
        raise UsageError(CODE, f"cannot read the path {path!r}", hint=EXAMPLES)
    name, part = match["name"], match["part"]
    one = next((update for update in result.params if update.name == name), None)
    if one is None:
        if name in result.output.split(" + "):
            return _loss(result, part, path, view)
        known = [update.name for update in result.params]
        raise UsageError(CODE, f"no param that moves is called {name!r}", hint=did_you_mean(name, known) or EXAMPLES)
    if part in {"formula", "substituted"} and match["index"] is None:
        return _written(one, part, match["notation"] or "text", path, view)
    values = {None: one.new, "new": one.new, "old": one.old, "grad": one.gradient}
    if part not in values or match["notation"]:
        raise UsageError(CODE, f"cannot read the path {path!r}", hint=EXAMPLES)
    return _shown(values[part], match["index"], path, view)


def _loss(result: Stepped, part: str | None, path: str, view: View) -> str:
    ends = {None: result.history[-1], "new": result.history[-1], "old": result.history[0]}
    if part not in ends:
        raise UsageError(CODE, f"cannot read the path {path!r}", hint=EXAMPLES)
    return _shown(ends[part].loss, None, path, view)


def _written(one: Update, part: str, notation: str, path: str, view: View) -> str:
    line = one.lines[-1]
    if part == "substituted" and notation == "text":
        if line.in_numbers is None:
            raise UsageError(CODE, f"{path!r}: too many numbers to put in", hint=f"{one.name}.new")
        return view.plain(line.in_numbers)
    if part != "formula" or notation not in {"text", "code", "latex"}:
        raise UsageError(CODE, f"cannot read the path {path!r}", hint=EXAMPLES)
    return view.plain(line.formula[notation])


def _shown(value: object, index: str | None, path: str, view: View) -> str:
    array = np.asarray(value)
    try:
        picked = array if index is None else array[parse(f"value[{index}]").index]
    except IndexError:
        raise UsageError(CODE, f"{path!r}: the index does not fit the shape {array.shape}") from None
    if np.ndim(picked):
        return json.dumps(strict(picked, view.precision), allow_nan=False)
    return repr(float(picked)) if view.precision is None else f"{float(picked):.{view.precision}g}"
