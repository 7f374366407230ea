"""Expressions of the program: plain Python values are worked out, tensors become expressions of the language."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from backprop_cli.tasks.importing import calls, tensors
from backprop_cli.tasks.importing.builtins import BUILTINS
from backprop_cli.tasks.importing.calls import called
from backprop_cli.tasks.importing.machine import Machine, defaults_of, hashable, items_of, kind_of, truth
from backprop_cli.tasks.importing.spelling import binary, number
from backprop_cli.tasks.importing.values import (
    Bound,
    Builtin,
    Class,
    Dim,
    Draw,
    Frame,
    Function,
    Instance,
    Layer,
    Library,
    Number,
    Opaque,
    Pair,
    Super,
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)

USUAL: Final = {"np": "numpy", "numpy": "numpy", "torch": "torch", "F": "torch.nn.functional", "nn": "torch.nn",
                "math": "math"}  # fmt: skip
MAX_LENGTH: Final = 100_000
MAX_BITS: Final = 4_096
EXACT = (int, float, str, bytes, bool, type(None))


def evaluate(machine: Machine, node: ast.expr) -> Any:
    """The value of an expression.

    Raises:
        Unread: it cannot be read, or depends on what could not.
    """
    machine.step(node)
    read: Any = _EXPRESSIONS.get(type(node), _refused)
    return read(machine, node)


def _refused(machine: Machine, node: ast.expr) -> Any:
    raise machine.record.unread(node, f"an expression of this kind is not read: {type(node).__name__.lower()}")


def _constant(machine: Machine, node: ast.Constant) -> Any:
    if not isinstance(node.value, EXACT):
        raise machine.record.unread(node, "a complex number or `...` stands where a tensor is needed")
    return node.value


def _name(machine: Machine, node: ast.Name) -> Any:
    try:
        return machine.frame.find(node.id)
    except KeyError:
        pass
    if node.id in {"__name__", "__file__"}:
        return "__main__"
    if node.id in BUILTINS:
        return Builtin(node.id, BUILTINS[node.id])
    if node.id in machine.given:
        machine.used.add(node.id)
        value = machine.named(machine.given[node.id], node.id, node)
        machine.frame.put(node.id, value)
        return value
    found = machine.answers.named(node) if machine.answers is not None else None
    if found is not None:
        return found
    for module in _starred(machine):
        return Library(f"{module}.{node.id}")
    if node.id in USUAL:
        machine.record.note(node, f"{node.id} is taken for {USUAL[node.id]}, which the program does not import")
        return Library(USUAL[node.id])
    raise machine.record.unread(node, f"the name {node.id!r} is not known here",
                                f"give it a value: --set {node.id}=..., or a shape: --shape {node.id}=3,4")  # fmt: skip


def _starred(machine: Machine) -> list[str]:
    try:
        found: list[str] = machine.frame.find("*")
    except KeyError:
        return []
    return found


# ── operators ────────────────────────────────────────────────────────────────────────────────────

_PYTHON: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
_METHODS: Mapping[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.MatMult: "matmul", ast.Pow: "pow",
    ast.FloorDiv: "floordiv", ast.Mod: "mod",
}  # fmt: skip


def _binary(machine: Machine, node: ast.BinOp) -> Any:
    """Operators in a row in a loop: a long sum is no deep recursion."""
    row: list[ast.BinOp] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp):
        row.append(first)
        first = first.left
    value = machine.value(first)
    for one in reversed(row):
        value = operate(machine, one.op, value, machine.value(one.right), one)
    return value


def operate(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.expr) -> Any:
    """A binary operator on two values."""
    if isinstance(left, Unknown | Opaque) or isinstance(right, Unknown | Opaque):
        return _gone(machine, left, right, node)
    if isinstance(left, Instance) or isinstance(right, Instance):
        return _overloaded(machine, op, left, right, node)
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return tensors.arithmetic(machine, op, left, right, node)
    if is_number(left) and is_number(right):
        return _numbers(machine, op, left, right, node)
    return _plain(machine, op, left, right, node)


def _gone(machine: Machine, left: Any, right: Any, node: ast.AST) -> Any:
    for one in (left, right):
        if isinstance(one, Unknown):
            raise Unread(one.error)
    what = left if isinstance(left, Opaque) else right
    raise machine.record.unread(node, f"{kind_of(what)} stands in a formula",
                                "the forward pass is read; what is done with gradients is not")  # fmt: skip


def _overloaded(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.expr) -> Any:
    name = _METHODS.get(type(op), "?")
    for owner, other, method in ((left, right, f"__{name}__"), (right, left, f"__r{name}__")):
        if isinstance(owner, Instance) and isinstance(found := owner.kind.find(method), Function):
            return calls.inline(machine, found, [owner, other], {}, node)
    raise machine.record.unread(node, "an operator on an object that does not define it")


def _numbers(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.AST) -> Any:
    value = _plain(machine, op, plain(left), plain(right), node)
    if not (isinstance(left, Number) or isinstance(right, Number)) or type(op) not in _METHODS:
        return value
    exact = isinstance(op, ast.Pow)
    codes = [
        tensors.code_of(machine, left, node),
        number(plain(right)) if exact else tensors.code_of(machine, right, node),
    ]
    if isinstance(op, ast.FloorDiv | ast.Mod):
        return value
    return Number(value, binary(codes[0], op, codes[1]))


def _plain(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.AST) -> Any:
    left, right = plain(left), plain(right)
    if isinstance(op, ast.MatMult) or type(op) not in _PYTHON:
        raise machine.record.unread(node, "`@` needs two tensors")
    if isinstance(op, ast.Mod) and isinstance(left, str):
        return left
    _check_growth(machine, op, left, right, node)
    try:
        value = _PYTHON[type(op)](left, right)
    except (ArithmeticError, ValueError, TypeError) as caught:
        raise machine.record.unread(node, f"Python would stop here: {caught}"[:120]) from None
    return _small(machine, value, node)


def _check_growth(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.AST) -> None:
    """What would take all memory or time is refused before it is worked out."""
    too_large = machine.record.unread(node, "a number or a list becomes too large here")
    for one, other in ((left, right), (right, left)):
        repeats = isinstance(op, ast.Mult) and isinstance(one, list | tuple | str | bytes) and isinstance(other, int)
        if repeats and len(one) * other > MAX_LENGTH:
            raise too_large
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and isinstance(op, ast.Pow) and left.bit_length() * right > MAX_BITS:
        raise too_large
    if whole and isinstance(op, ast.LShift) and right > MAX_BITS:
        raise too_large


def _small(machine: Machine, value: Any, node: ast.AST) -> Any:
    if isinstance(value, list | tuple | str | bytes) and len(value) > MAX_LENGTH:
        raise machine.record.unread(node, "a list or a text becomes too long here")
    if isinstance(value, int) and value.bit_length() > MAX_BITS or isinstance(value, complex):
        raise machine.record.unread(node, "a number becomes too large here")
    return value


def _unary(machine: Machine, node: ast.UnaryOp) -> Any:
    value = machine.value(node.operand)
    if isinstance(node.op, ast.Not):
        return not truth(machine, value, node)
    if isinstance(value, Instance) and isinstance(found := value.kind.find("__neg__"), Function):
        return calls.inline(machine, found, [value], {}, node)
    if isinstance(value, Tensor):
        return tensors.unary(machine, node.op, value, node)
    if isinstance(value, Opaque):
        return _gone(machine, value, value, node)
    if isinstance(value, Number) and isinstance(node.op, ast.USub):
        return Number(-value.value, ast.UnaryOp(ast.USub(), value.code))
    signs: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos,
                                                               ast.Invert: operator.invert}  # fmt: skip
    try:
        return signs[type(node.op)](plain(value))
    except (TypeError, KeyError):
        raise machine.record.unread(node, f"a sign in front of {kind_of(value)}") from None


def _both(machine: Machine, node: ast.BoolOp) -> Any:
    value: Any = None
    for part in node.values:
        value = machine.value(part)
        if truth(machine, value, part) == isinstance(node.op, ast.Or):
            return value
    return value


_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


def _compare(machine: Machine, node: ast.Compare) -> Any:
    left = machine.value(node.left)
    for op, other in zip(node.ops, node.comparators, strict=True):
        right = machine.value(other)
        if isinstance(op, ast.Is | ast.IsNot):
            value: Any = _COMPARE[type(op)](left, right)
        elif isinstance(left, Tensor) or isinstance(right, Tensor):
            return tensors.compare(machine, op, left, right, node)
        elif isinstance(left, Opaque | Unknown) or isinstance(right, Opaque | Unknown):
            return _gone(machine, left, right, node)
        else:
            try:
                value = _COMPARE[type(op)](_bare(left), _bare(right))
            except TypeError:
                raise machine.record.unread(node, "these cannot be compared") from None
        if not value:
            return False
        left = right
    return True


def _bare(value: Any) -> Any:
    if isinstance(value, Library):
        return value.path
    return type(value)(map(plain, value)) if type(value) in {list, tuple} else plain(value)


def _choice(machine: Machine, node: ast.IfExp) -> Any:
    return machine.value(node.body if truth(machine, machine.value(node.test), node.test) else node.orelse)


# ── collections ──────────────────────────────────────────────────────────────────────────────────


def _items(machine: Machine, nodes: list[ast.expr]) -> list[Any]:
    found: list[Any] = []
    for one in nodes:
        if isinstance(one, ast.Starred):
            found += items_of(machine, machine.value(one.value), one)
        else:
            found.append(_lenient(machine, one))
    return found


def _lenient(machine: Machine, node: ast.expr) -> Any:
    """A value that may be unknown as long as nothing is computed from it."""
    try:
        return machine.value(node)
    except Unread as caught:
        return Unknown(caught.error)


def _dict(machine: Machine, node: ast.Dict) -> Any:
    found: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            inner = machine.value(value)
            if not isinstance(inner, dict):
                raise machine.record.unread(value, "`**` needs a dict")
            found.update(inner)
            continue
        name = hashable(machine, machine.value(key), key)
        try:
            made = machine.value(value)
            if isinstance(name, str) and name.isidentifier() and (isinstance(made, Tensor) and made.fresh):
                made = machine.named(made, name, value)
        except Unread as caught:
            made = Unknown(caught.error)
        found[name] = made
    return found


def _rounds(machine: Machine, generators: list[ast.comprehension], take: Callable[[], None]) -> None:
    if not generators:
        take()
        return
    first, *rest = generators
    for count, item in enumerate(items_of(machine, machine.value(first.iter), first.iter)):
        machine.step(first.iter)
        if count > MAX_LENGTH:
            raise machine.record.unread(first.iter, "this goes on too long")
        machine.bind(first.target, item, first.target)
        if all(truth(machine, machine.value(test), test) for test in first.ifs):
            _rounds(machine, rest, take)


def _comprehension(machine: Machine, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
    found: list[Any] = []
    outer = machine.frame
    machine.frame = Frame(outer, inside=True)
    try:
        _rounds(machine, node.generators, lambda: found.append(machine.value(node.elt)))
    finally:
        machine.frame = outer
    return _small(machine, found, node)


def _dict_comprehension(machine: Machine, node: ast.DictComp) -> Any:
    found: dict[Any, Any] = {}
    outer = machine.frame
    machine.frame = Frame(outer, inside=True)

    def take() -> None:
        key = hashable(machine, machine.value(node.key), node.key)
        value = machine.value(node.value)
        named = isinstance(key, str) and key.isidentifier() and isinstance(value, Tensor) and value.fresh
        found[key] = machine.named(value, key, node) if named else value

    try:
        _rounds(machine, node.generators, take)
    finally:
        machine.frame = outer
    return found


def _lambda(machine: Machine, node: ast.Lambda) -> Any:
    return Function("<lambda>", node, machine.frame, defaults_of(machine, node))


def _text(machine: Machine, node: ast.JoinedStr) -> Any:
    parts = []
    for one in node.values:
        if isinstance(one, ast.Constant):
            parts.append(str(one.value))
            continue
        value = plain(machine.value(one.value)) if isinstance(one, ast.FormattedValue) else ""
        parts.append(str(value)[:100] if isinstance(value, EXACT) else "?")
    return "".join(parts)


def _walrus(machine: Machine, node: ast.NamedExpr) -> Any:
    value = machine.value(node.value)
    machine.bind(node.target, value, node)
    return machine.value(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))


# ── attributes, items, calls ─────────────────────────────────────────────────────────────────────


def _attribute(machine: Machine, node: ast.Attribute) -> Any:
    if machine.answers is not None and (found := machine.answers.keyed(node)) is not None:
        return found
    owner = machine.value(node.value)
    return attribute(machine, owner, node.attr, node)


def attribute(machine: Machine, owner: Any, name: str, node: ast.AST) -> Any:
    """An attribute of a value."""
    if isinstance(owner, Library):
        return calls.library_constant(f"{owner.path}.{name}")
    if isinstance(owner, Tensor):
        return tensors.attribute(machine, owner, name, node)
    if isinstance(owner, Instance):
        return _of_instance(machine, owner, name, node)
    if isinstance(owner, Class):
        found = owner.find(name)
        return Builtin(name, lambda m, a, k, n: calls.class_call(m, owner, name, a, k, n)) if found is None else found
    if isinstance(owner, Opaque):
        return owner
    if isinstance(owner, Layer):
        return calls.layer_attribute(machine, owner, name, node)
    if isinstance(owner, Pair) and name in {"values", "indices"}:
        return owner[name == "indices"]
    if isinstance(owner, Draw):
        return Builtin(name, lambda m, a, k, n: calls.own_draw(m, owner, name, a, n))
    if isinstance(owner, Super):
        return _of_super(machine, owner, name, node)
    return calls.python_method(machine, owner, name, node)


def _of_instance(machine: Machine, owner: Instance, name: str, node: ast.AST) -> Any:
    if name in owner.names:
        return owner.names[name]
    if name == "__class__":
        return owner.kind
    found = owner.kind.find(name)
    if isinstance(found, Function):
        return calls.method(machine, found, owner, node)
    if found is not None:
        return found
    return calls.module_method(machine, owner, name, node)


def _of_super(machine: Machine, owner: Super, name: str, node: ast.AST) -> Any:
    for base in owner.instance.kind.bases:
        if isinstance(base, Class) and isinstance(found := base.find(name), Function):
            return calls.method(machine, found, owner.instance, node)
    return Builtin(name, lambda m, a, k, n: None)


def _subscript(machine: Machine, node: ast.Subscript) -> Any:
    if machine.answers is not None and (found := machine.answers.keyed(node)) is not None:
        return found
    owner = machine.value(node.value)
    if isinstance(owner, Tensor):
        return tensors.indexed(machine, owner, node.slice, node)
    if isinstance(owner, Opaque):
        return owner
    if isinstance(owner, Library):
        return Opaque(f"{owner.path}[...]")
    if isinstance(owner, Layer):
        return calls.layer_part(machine, owner, machine.value(node.slice), node)
    key = _slice(machine, node.slice) if isinstance(node.slice, ast.Slice) else machine.value(node.slice)
    key = hashable(machine, key, node) if isinstance(owner, dict) else plain(tensors.as_number(key))
    try:
        found = owner[key]
    except (TypeError, KeyError, IndexError, ValueError):
        raise machine.record.unread(node, f"{kind_of(owner)} has no item {str(key)[:40]!r}") from None
    if isinstance(found, Unknown):
        raise Unread(found.error)
    return (
        Dim(found)
        if isinstance(found, int) and not isinstance(found, bool | Dim) and isinstance(owner, Pair)
        else found
    )


def _slice(machine: Machine, node: ast.Slice) -> slice:
    ends = [None if end is None else plain(machine.value(end)) for end in (node.lower, node.upper, node.step)]
    return slice(*ends)


def _call(machine: Machine, node: ast.Call) -> Any:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        owner = machine.frame.find("self") if "self" in machine.frame.names else None
        return Super(owner) if isinstance(owner, Instance) else None
    function = machine.value(node.func)
    given, named = arguments(machine, node)
    if not isinstance(function, Function | Bound | Class | Instance):
        for one in (*given, *named.values()):
            if isinstance(one, Unknown):
                raise Unread(one.error)
    return called(machine, function, given, named, node)


def arguments(machine: Machine, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call."""
    given = _items(machine, node.args)
    named: dict[str, Any] = {}
    for one in node.keywords:
        value = _lenient(machine, one.value)
        if one.arg is not None:
            named[one.arg] = value
        elif isinstance(value, dict):
            named.update({str(key): inner for key, inner in value.items()})
    return given, named


_EXPRESSIONS: Mapping[type[ast.expr], Callable[[Machine, Any], Any]] = {
    ast.Constant: _constant, ast.Name: _name, ast.BinOp: _binary, ast.UnaryOp: _unary, ast.BoolOp: _both,
    ast.Compare: _compare, ast.IfExp: _choice, ast.List: lambda m, n: _items(m, n.elts),
    ast.Tuple: lambda m, n: tuple(_items(m, n.elts)), ast.Set: lambda m, n: _items(m, n.elts), ast.Dict: _dict,
    ast.ListComp: _comprehension, ast.GeneratorExp: _comprehension, ast.SetComp: _comprehension,
    ast.DictComp: _dict_comprehension, ast.Lambda: _lambda, ast.JoinedStr: _text, ast.NamedExpr: _walrus,
    ast.Attribute: _attribute, ast.Subscript: _subscript, ast.Call: _call,
}  # fmt: skip
