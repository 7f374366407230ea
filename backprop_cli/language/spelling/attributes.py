"""What stands before and after a `.`: libraries, methods, attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from backprop_cli.errors import SpecError
from backprop_cli.language.expression.lexer import Token, error
from backprop_cli.language.expression.tree import Argument, Call, Expression, Indexed, Name, Number, String, Transposed
from backprop_cli.language.source import Text
from backprop_cli.language.spelling.calls import (
    PLACES,
    Misfit,
    has_function,
    is_method,
    is_pairs_alone,
    library_call,
    method_call,
)
from backprop_cli.language.spelling.torch_networks import FUNCTIONAL, layer_function

PREFIXES = {
    "np": "numpy", "numpy": "numpy", "jnp": "numpy", "jax": "numpy", "scipy": "numpy", "torch": "torch", "nn": "torch",
    "F": "torch", "math": "math", "tf": "tf", "self": "self",
}  # fmt: skip
"""What a library is called in front of a dot."""
_MODULES = frozenset(
    {"nn", "math", "functional", "linalg", "special", "numpy", "scipy", "lax", "fft", "random", "Tensor"})  # fmt: skip
_CONSTANTS = {"pi": "pi", "e": "e", "inf": "inf", "Inf": "inf", "nan": "nan", "NaN": "nan", "newaxis": "none",
              "tau": "tau"}  # fmt: skip
_TORCH_WORDS = frozenset({"dim", "keepdim", "unbiased", "correction", "dims"})


class Reader(Protocol):
    """What the parser offers here."""

    text: Text

    @property
    def token(self) -> Token:
        """The next token."""

    @property
    def following(self) -> Token:
        """The token after it."""

    def advance(self) -> Token:
        """Take the next token."""

    def accept(self, operator: str) -> bool:
        """Take an operator if it is next."""

    def sees(self, *operators: str) -> bool:
        """Whether one of these operators is next."""

    def arguments(self, function: str) -> tuple[tuple[Argument, ...], int]:
        """The arguments of a call, and where it ends."""

    def unexpected(self, expected: str) -> SpecError:
        """What is wrong where another token was expected."""


def respelled(reader: Reader, value: Expression, name: Token) -> Expression:
    """`value.name`, whose dot and name were just read: a library's function, a method or an attribute.

    Raises:
        SpecError: an attribute that is none, or arguments that the function there does not take.
    """
    if isinstance(value, Name) and value.name in PREFIXES and not _is_tensor(value.name, name.text):
        return _from_library(reader, value, name)
    if reader.sees("("):
        return _method(reader, value, name)
    if name.text in _ATTRIBUTES:
        return _ATTRIBUTES[name.text](value, name.end)
    hint = f"call it: .{name.text}()" if is_method(name.text) else None
    message = f"expected T or a method after '.', found {name.text!r}"
    raise error("E010", message, reader.text, name.start, name.end, hint)


def _is_tensor(prefix: str, name: str) -> bool:
    """`F.sum(0)`, `F.T`: a tensor called F, since torch.nn.functional has no such function; torch.real is one."""
    return name in _ATTRIBUTES and not has_function(PREFIXES[prefix], name) or prefix == "F" and name not in FUNCTIONAL


# ── a library's function ─────────────────────────────────────────────────────────────────────────


def _from_library(reader: Reader, value: Name, name: Token) -> Expression:
    library, path, last = PREFIXES[value.name], name.text, name
    while last.text in _MODULES and reader.accept("."):
        if reader.token.kind != "name":
            raise reader.unexpected("expected a name after '.'")
        last = reader.advance()
        path += f".{last.text}"
    if not reader.sees("("):
        return _constant(reader, value, path, last)
    arguments, end = reader.arguments(path)
    function = layer_function(last.text) if last.text[:1].isupper() and library == "torch" else None
    if function is not None and reader.sees("("):  # nn.LeakyReLU(0.1)(x)
        tensors, end = reader.arguments(function)
        arguments, path, last = (*tensors, *arguments), f"nn.functional.{function}", last._replace(text=function)
    call = Call(value.start, end, last.text, arguments, last.end, "" if library == "self" else library)
    if path.startswith("random."):
        message = f"{value.name}.{path} draws at random"
        hint = "write it as a leaf: {shape: [2, 3], init: normal, seed: 0}"
        raise error("E012", message, reader.text, value.start, last.end, hint)
    made = partial(library_call, call, library, path)
    found = _fitted(reader, call, f"{value.name}.{path}", call.start, made)
    return _one_of(reader, found)


def _fitted(reader: Reader, call: Call, spelled: str, at: int,
            made: Callable[[], tuple[Expression, ...]]) -> tuple[Expression, ...]:  # fmt: skip
    """The results of what a call stands for, or the error that says what the function there takes."""
    try:
        return made()
    except Misfit as caught:
        raise error("E015", f"{spelled} takes other arguments", reader.text, at, call.end, caught.usages) from None


def _constant(reader: Reader, value: Name, path: str, last: Token) -> Expression:
    if value.name == "self":
        return Name(value.start, last.end, path)
    if path in _CONSTANTS:
        return Name(value.start, last.end, _CONSTANTS[path])
    return String(value.start, last.end, path)  # a dtype; as a tensor it is refused


def _one_of(reader: Reader, found: tuple[Expression, ...]) -> Expression:
    """PyTorch's `max(x, dim)` is a pair: `[0]` and `.values` are the values, `[1]` and `.indices` the positions."""
    which = 0
    if len(found) > 1 and reader.sees("[") and reader.following.text in map(str, range(len(found))):
        reader.advance()
        which = int(reader.advance().text)
        if not reader.accept("]"):
            raise reader.unexpected("expected ']' to close the index")
    elif len(found) > 1 and reader.sees(".") and PLACES.get(reader.following.text, len(found)) < len(found):
        reader.advance()
        which = PLACES[reader.advance().text]
    return found[which]


# ── methods and attributes ───────────────────────────────────────────────────────────────────────


def _method(reader: Reader, value: Expression, name: Token) -> Expression:
    arguments, end = reader.arguments(name.text)
    itself = Argument(None, value, value.start, value.end)
    function = name.text
    if function.endswith("_") and not is_method(function):
        function = function.rstrip("_")  # in place, which a formula does not see
    call = Call(value.start, end, function, (itself, *arguments), name.end, "method")
    torch = bool({a.keyword for a in arguments} & _TORCH_WORDS)
    found = _fitted(reader, call, f".{function}", name.start, partial(method_call, call, torch=torch))
    named = reader.sees(".") and reader.following.text in PLACES
    return _one_of(reader, found) if torch or named or is_pairs_alone(function) else found[0]


def _call(function: str) -> Callable[[Expression, int], Expression]:
    def made(value: Expression, end: int) -> Expression:
        return Call(value.start, end, function, (Argument(None, value, value.start, value.end),), end, "own")

    return made


def _real(value: Expression, end: int) -> Expression:
    return value


def _named(what: str) -> Callable[[Expression, int], Expression]:
    """What is only handed on: a dtype, a device."""
    return lambda value, end: String(value.start, end, what)


def _gradient(value: Expression, end: int) -> Expression:
    """`x.grad`."""
    return Call(value.start, end, "grad", (Argument(None, value, value.start, value.end),), end)


_ATTRIBUTES: Mapping[str, Callable[[Expression, int], Expression]] = {
    "shape": _call("shape"), "size": _call("size"), "ndim": _call("ndim"), "grad": _gradient,
    **dict.fromkeys(("data", "real", "values"), _real), "dtype": _named("float"),
    "device": _named("device"), "T": lambda value, end: Transposed(value.start, end, value),
    **dict.fromkeys(("mT", "mH", "H"), lambda value, end: Transposed(value.start, end, value, True)),
}  # fmt: skip

__all__ = ["Indexed", "Number", "respelled"]
