"""What a program defines or runs, as a name of it may stand for it: functions, classes, objects, layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backprop_cli.errors import SpecError
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.state.values import Library, Number, Opaque, Part, Tensor

WRITTEN: Final = " written"
"""What the frame of a layer holds that is written out in Python here: no name of a program."""


@dataclass(eq=False, slots=True)
class Frame:
    """Names of a function's run, and where else they are looked for."""

    outer: Frame | None = None
    names: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Frame] = field(default_factory=dict)  # global and nonlocal names
    inside: bool = False  # of a function
    caller: Frame | None = None
    yielded: list[object] | None = None  # what a generator has given
    hidden: frozenset[str] = frozenset()  # names that stand for something else here than in the key

    def find(self, name: str) -> Any:
        """The value of a name; KeyError where there is none."""
        frame: Frame | None = self.shared.get(name, self)
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.outer
        raise KeyError(name)

    def called(self, name: str) -> str:
        """What a value of this name is called; in a layer that is written out its place stands before it."""
        if self.outer is None or WRITTEN not in self.outer.names:
            return name
        owner = self.names.get("self")
        return f"{owner.path}.{name}".lstrip(".").replace(".", "_") if isinstance(owner, Part) else name

    def put(self, name: str, value: object) -> None:
        """Bind a name."""
        self.shared.get(name, self).names[name] = value


@dataclass(eq=False, slots=True)
class Function:
    """A function of the program, with what surrounds it."""

    name: str
    node: ast.FunctionDef | ast.Lambda
    frame: Frame
    defaults: Mapping[str, object]
    refused: SpecError | None = None  # a decorator that is not known
    mark: str = ""
    off: bool = False  # under `@torch.no_grad()`
    setter: Function | None = None  # of a property


@dataclass(frozen=True, slots=True)
class Bound:
    """A method with its object."""

    function: Function
    owner: object


@dataclass(eq=False, slots=True)
class Class:
    """A class of the program."""

    name: str
    node: ast.ClassDef
    bases: tuple[object, ...]
    names: dict[str, Any]

    def find(self, name: str) -> Any:
        """An attribute of the class or of its bases; None where there is none."""
        if name in self.names:
            return self.names[name]
        return next((f for base in self.bases if isinstance(base, Class) and (f := base.find(name)) is not None), None)

    def comes_from(self, other: Class) -> bool:
        """Whether it is another class, or inherits from it."""
        return self is other or any(isinstance(base, Class) and base.comes_from(other) for base in self.bases)

    def roots(self) -> Iterator[str]:
        """The library classes that it comes from."""
        for base in self.bases:
            if isinstance(base, Class):
                yield from base.roots()
            elif isinstance(base, Library):
                yield base.path

    def fields(self) -> list[str]:
        """What a dataclass or a NamedTuple holds, in order."""
        before = [name for base in self.bases if isinstance(base, Class) for name in base.fields()]
        own = [s.target.id for s in self.node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
        return [*before, *(name for name in own if name not in before)]

    @property
    def is_tuple(self) -> bool:
        """Whether its objects are tuples with names."""
        return "typing.NamedTuple" in self.roots()

    @property
    def is_keras(self) -> bool:
        """Whether it is a layer or a model of Keras."""
        return any(root.partition(".")[0] in {"tensorflow", "keras"} for root in self.roots())


@dataclass(eq=False, slots=True)
class Instance(Part):
    """An object of a class of the program."""

    kind: Class = field(kw_only=True)
    names: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Super:
    """`super()`."""

    instance: Instance


@dataclass(eq=False, slots=True)
class Layer(Part):
    """A layer of torch.nn: what it was made with, and its params once it is used."""

    kind: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Tensor] = field(default_factory=dict)
    parts: dict[str, object] = field(default_factory=dict)  # of a container
    more: list[object] = field(default_factory=list)  # what a layer without params hands on to its function
    normed: bool = False  # by weight_norm


@dataclass(frozen=True, slots=True)
class Differentiator:
    """`grad(f)` of autograd and jax."""

    function: object
    positions: tuple[int, ...]
    each: bool = False  # of each entry by itself: `elementwise_grad`


def kind_of(value: object) -> str:
    """A value in words."""
    if isinstance(value, Opaque | Library):
        return value.what if isinstance(value, Opaque) else value.path
    words = {Tensor: "a tensor", Number: "a number", Function: "a function", Instance: "an object", Class: "a class"}
    return words.get(type(value), f"a value of type {type(value).__name__}")
