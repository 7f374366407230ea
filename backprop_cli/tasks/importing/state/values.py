"""What a name of the program may stand for while it is read: arrays, numbers, what libraries give."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Literal

from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Expression
from backprop_cli.records import dataclass, field

Sizes = tuple[int, ...]


class Unread(Exception):
    """A part of the program that cannot be read; `error` says where, why and what to do."""

    def __init__(self, error: SpecError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(eq=False, slots=True)
class Start:
    """What a leaf starts from: numbers, or a rule with a shape."""

    shape: Sizes
    rule: str | None = None  # an `init` of the language
    options: dict[str, float] = field(default_factory=dict)
    data: object = None  # nested lists, or a number
    sizes: list[Item | None] = field(default_factory=list)  # the names of the axes
    whole: bool = False  # the data are whole numbers
    file: str | None = None
    by_class: bool = False  # of a class all of whose objects have gradients, those that nobody trains, too

    def constant(self) -> float | None:
        """The number that fills it, if one does."""
        if self.rule in {"zeros", "ones"}:
            return float(self.rule == "ones")
        return self.options.get("value") if self.rule == "constant" else None


@dataclass(eq=False, slots=True)
class Item:
    """Something that gets a name in the spec: a leaf, a node, or a plain number that formulas use."""

    base: str  # the author's name
    name: str  # unique in the whole program
    what: Literal["leaf", "node", "number"]
    line: int
    shape: Sizes = ()
    start: Start | None = None
    code: Expression | None = None
    value: Any = None  # of a number
    size: bool = False  # a number that counts something: `N, D = X.shape`
    param: bool | None = None  # None: the program does not say
    kind: str = "float"


@dataclass(eq=False, slots=True)
class Tensor:
    """An array; it is one object, as in Python, however many names it has, and changes when it is written into."""

    code: Expression | None
    item: Item | None = None
    start: Start | None = None  # a leaf that has no name yet
    kind: str = "float"  # float, int or bool
    param: bool | None = None
    grad: bool = False  # something that requires a gradient is in it
    of: tuple[Tensor, tuple[Any, ...] | None] | None = None  # whose memory it shares, and the part that it is of it
    known: Sizes | None = None
    broken: SpecError | None = None
    home: tuple[Part, str, ast.AST] | None = None  # a param without a name: whose it is, its key there
    answer: str | None = None  # of a hand-written backward pass: the node whose gradient it is meant to be

    @property
    def fresh(self) -> bool:
        """Whether it is a leaf without a name."""
        return self.code is None and self.start is not None

    @property
    def begins(self) -> Start | None:
        """What a leaf starts from, with or without a name; None for anything else."""
        return self.start or (self.item.start if self.item is not None else None)


@dataclass(frozen=True, slots=True)
class At:
    """JAX's `x.at`, and `x.at[index]`."""

    tensor: Tensor
    index: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A plain number of the program, with the expression that makes it in the spec."""

    value: Any
    code: Expression


class Dim(int):
    """A size, and the leaf and axis that it was asked of."""

    of: tuple[Item, int] | None = None


class Entries(Dim):
    """How many entries a tensor has; PyTorch's `x.size()` calls it for the shape."""

    tensor: Tensor | None = None


@dataclass(eq=False, slots=True)
class Unknown:
    """The value of what could not be read."""

    error: SpecError


@dataclass(frozen=True, slots=True)
class Library:
    """A module or a name in one: `torch.nn.functional`, `numpy.dot`."""

    path: str

    @property
    def root(self) -> str:
        """The library."""
        return self.path.partition(".")[0]

    @property
    def last(self) -> str:
        """The name itself."""
        return self.path.rpartition(".")[2]


@dataclass(eq=False, slots=True)
class Opaque:
    """Something whose calls change no number of the forward pass: an optimizer, a gradient, a figure."""

    what: str


@dataclass(frozen=True, slots=True)
class Handle:
    """What registering a hook gives: how it is taken off again."""

    remove: Callable[[], None]


@dataclass(frozen=True, eq=False, slots=True)
class Hook:
    """A function of the program that a module calls with what comes in, or with what goes out."""

    function: object
    with_kwargs: bool = False  # it sees the keywords, too

    def sees(self, part: object, given: list[object], named: dict[str, object]) -> list[object]:
        """The arguments that it is called with."""
        return [part, tuple(given), *([dict(named)] if self.with_kwargs else [])]


@dataclass(eq=False, slots=True)
class Part:
    """Something that has a place in a model: `blocks.0.attn`."""

    owner: Part | None = None
    key: str = ""
    training: bool = True
    before: list[Hook] = field(default_factory=list)  # hooks of the program, of what comes in
    after: list[Hook] = field(default_factory=list)  # and of what goes out
    refused: SpecError | None = None  # why it cannot be called

    @property
    def path(self) -> str:
        """The keys from the root; the root itself has none unless it is called."""
        before = self.owner.path if self.owner is not None else ""
        return f"{before}.{self.key}" if before else self.key

    def place(self, owner: Part | None, key: str) -> None:
        """Say whose part it is; what has a place keeps it."""
        if self.owner is None and not self.key:
            self.owner, self.key = owner, key


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function that is known, bound to what it works on."""

    name: str
    run: Callable[..., object]


@dataclass(frozen=True, slots=True)
class Draw:
    """The generator of an exported script: the one of a leaf of that name in a spec with that seed."""

    seed: int
    name: str


class Defaults(dict[Any, Any]):
    """`defaultdict(list)`: what a key that is not there gets."""

    __slots__ = ("factory",)

    def __init__(self, factory: object) -> None:
        super().__init__()
        self.factory = factory


class Pair(tuple[Any, ...]):
    """What `torch.max(x, dim)` gives: values and indices, also by these names."""

    __slots__ = ()


def plain(value: object) -> Any:
    """A number of the program as Python's own."""
    return value.value if isinstance(value, Number) else value


def is_number(value: object) -> bool:
    """Whether a value is one plain number."""
    return isinstance(value, int | float | Number) and not isinstance(value, bool)


