"""A marking scheme: the spec that is the key, and what its items are worth.

    spec: two_layer.yaml
    points:
      w2.grad: 2
      loss: 1
      w2.new: 1        # after a step; also y.jacobian[0, 1], loss.hessian(w)[0, 0], y.tangent
    step: {lr: 0.5}    # and for tangents: {x: [1.0, 0.0]}
    digits: 3          # and any other policy: allow, partial, carried, constant, rtol, atol

What it lists is what is asked for; a spec alone asks for the gradient of every param, for one point each. Any other
answer is marked too, and is worth nothing: the total is the same for everybody. An option replaces what the file says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_cli.errors import BackpropError, SpecError, UsageError
from backprop_cli.language import reader, tree
from backprop_cli.language.arrays import numbers
from backprop_cli.language.loader import load_document, raise_all
from backprop_cli.language.python.program import is_python
from backprop_cli.language.reading import known, mapping, scalar, wrong_type
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.grading.agreement import Closeness
from backprop_cli.tasks.grading.items import Item, item_of
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.mark import Scheme
from backprop_cli.tasks.grading.quantities import Impossible, Settings
from backprop_cli.tasks.stepping.rules import RULES
from backprop_cli.tasks.stepping.step import parameters_of

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

POLICIES: Mapping[str, tuple[float, float] | tuple[str, ...]] = {
    "digits": (0, 6), "rtol": (0, 1), "atol": (0, math.inf), "carried": (0, 1), "constant": (0, 1),
    "partial": ("true", "false"), "allow": ("later", "forward", "all"),
}  # fmt: skip
"""The policies of a scheme: between which numbers, or which words."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What KEY names: the path of a spec, and the points of a scheme (None: it is the spec itself) and its policies."""

    spec: str
    points: Mapping[str, tuple[float, Text]] | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)


def key_file(path: str) -> KeyFile:
    """Tell a scheme from a spec.

    Raises:
        FileError: E001 where it cannot be read.
        SpecError, Failures: it is a scheme with something wrong in it.
    """
    if path == "-" or is_python(path):
        return KeyFile(path)
    document = load_document(reader.content_of(path), path)
    root = document.root
    if not isinstance(root, tree.Mapping) or all(name.raw != "spec" for name, _ in root.items):
        return KeyFile(path)
    raise_all(document.problems)
    fields = known(root, ("spec", "points", "step", "tangents", *POLICIES), "a marking scheme")
    name = scalar(fields["spec"], "'spec' is the path of the key").raw
    points = None
    if "points" in fields:
        listed = mapping(fields["points"], "'points' holds 'item: points' lines").items
        points = {item.raw: (_points(value), item.text) for item, value in listed}
    policy = {key: _policy(key, fields[key]) for key in POLICIES if key in fields}
    return KeyFile(str(Path(path).parent / name), points, policy, _settings(fields))


def _settings(fields: Mapping[str, tree.Node]) -> Settings:
    """The step that is taken, and the tangents of leaves."""
    step = None
    if "step" in fields:
        lines = mapping(fields["step"], "'step' says how a param moves: step: {lr: 0.5}").items
        said = {name.raw: scalar(value, f"{name.raw!r} is a number, or the rule") for name, value in lines}
        step = {name: value.raw for name, value in said.items()}
        rule = step.get("rule", "sgd")
        if rule not in RULES:
            raise wrong_type(said["rule"], f"'rule' is one of {', '.join(RULES)}")
        for parameter in (word for word in said if word != "rule"):
            _check_parameter(rule, parameter, said[parameter])
    tangents: dict[str, Array] = {}
    if "tangents" in fields:
        for name, value in mapping(fields["tangents"], "'tangents' holds 'leaf: direction' lines").items:
            tangents[name.raw] = numbers(value, f"the tangent of {name.raw}").load()
    return Settings(step, tangents)


def _check_parameter(rule: str, name: str, node: tree.Scalar) -> None:
    """What is wrong with a parameter of the rule is told at its place."""
    try:
        parameters_of(RULES[rule], {name: node.raw})
    except UsageError as error:
        is_value = error.message.startswith("--")
        raise UsageError(error.code, error.message.removeprefix("--"), at=node.at.place(),
                         hint=None if is_value else error.hint) from None  # fmt: skip


def _policy(key: str, node: tree.Node) -> object:
    """The value of a policy."""
    allowed = POLICIES[key]
    value = node.value if isinstance(node, tree.Scalar) else None
    if isinstance(allowed[0], str):
        word = str(value).lower() if isinstance(value, bool) else value
        if word in allowed:
            return word == "true" if key == "partial" else word
        raise wrong_type(node, f"{key!r} is one of {', '.join(map(str, allowed))}")
    low, high = allowed
    if isinstance(value, bool) or not isinstance(value, int | float) or not (float(low) <= value <= float(high)):
        raise wrong_type(node, f"{key!r} is a number from {low} to {high}")
    return int(value) if key == "digits" else float(value)


def _points(node: tree.Node) -> float:
    value = node.value if isinstance(node, tree.Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value < math.inf):
        raise wrong_type(node, "points are a number from 0")
    return float(value)


def scheme_of(key: Key, file: KeyFile, options: Iterable[str], policy: Mapping[str, object]) -> Scheme:
    """What is asked for, from the key's file, `--points` and the other options.

    Raises:
        SpecError, UsageError: as `points_of`.
    """
    return _scheme(points_of(key, file, options), {**file.policy, **policy})


def points_of(key: Key, file: KeyFile, options: Iterable[str], *, asked: bool = True) -> dict[Item, float]:
    """The items that are asked for, and their points; without `asked` a spec alone asks for none.

    Raises:
        SpecError: E011 at a line of the scheme that names no item of the key.
        UsageError: E022 for such an option.
    """
    points = dict.fromkeys(key.asked, 1.0) if file.points is None and asked else {}
    for name, (worth, text) in (file.points or {}).items():
        problem, item = _item(key, name)
        if item is None:
            raise SpecError("E011", problem, at=text.place())
        points[item] = worth
    for option in options:
        name, _, number = option.rpartition("=")
        problem, item = _item(key, name)
        given = _number(number)
        if item is None or given is None:
            raise UsageError("E022", f"--points {option[:80]}: {problem or 'points are a number from 0'}",
                             hint="write --points w2.grad=2")  # fmt: skip
        points[item] = given
    return points


def _scheme(points: dict[Item, float], policy: Mapping[str, Any]) -> Scheme:
    closeness = Closeness(policy.get("rtol"), policy.get("atol", 0.0), policy.get("digits", 0))
    rest = {name: value for name, value in policy.items() if name in {"carried", "constant", "partial", "allow"}}
    return Scheme(points, closeness=closeness, **rest)


def _item(key: Key, name: str) -> tuple[str, Item | None]:
    """The item of a name; or what is wrong with it."""
    item = item_of(name, key.names)
    if item is None or not name:
        return "an item is called 'node', 'node.grad' or 'node.formula'", None
    if item.node not in key.graph.names:
        near = did_you_mean(item.node, key.graph.names)
        return f"no node is called {item.node[:64]!r}{f'; {near}' if near else ''}", None
    if item.what == "gradient" and not key.has_gradient(key.graph.names[item.node]):
        return f"{item.node} has no gradient", None
    try:
        key.right(item)
    except (Impossible, BackpropError) as caught:
        return str(caught), None
    return "", item


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None
