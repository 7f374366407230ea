"""`dataclass`, `field`, `fields` and `replace` as the standard library has them, for classes that are made at once.

The standard library writes the methods of each dataclass as text and compiles it when the class is defined: 0.7 ms a
class, a third of a run of numbers alone. Here all classes share methods that go through a tuple of fields. What one
sees is the same: frozen, slots, defaults, order of arguments, equality, hash, representation, patterns, pickles. So a
type checker is told that it is the standard library's, and to that a record looks like one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["dataclass", "field", "fields", "replace"]

T = TypeVar("T")
Put = Callable[[Any, Any], None]
ABSENT: Any = object()


class Field:
    """One field: its name, and what is known of it."""

    __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "name", "repr")

    def __init__(self, default: Any = ABSENT, default_factory: Any = ABSENT, init: bool = True, repr: bool = True,  # noqa: A002
                 compare: bool = True, kw_only: bool = False) -> None:  # fmt: skip
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.kw_only = kw_only

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is ABSENT and self.default_factory is ABSENT

    def value(self) -> Any:
        """What it holds where nothing is given; `ABSENT` where something must be."""
        return self.default if self.default_factory is ABSENT else self.default_factory()


class FrozenError(AttributeError):
    """An attribute of a frozen object was to be changed."""


def _dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True, kw_only: bool = False,
               weakref_slot: bool = False) -> Callable[[type[T]], type[T]]:  # fmt: skip
    """Make a class of annotated fields, as `dataclasses.dataclass` with these options does."""

    def made(cls: type[T]) -> type[T]:
        found = _fields_of(cls, kw_only)
        if slots:
            cls = _with_slots(cls, tuple(found), weakref_slot)
        else:
            _leave_defaults(cls, found)
        every = tuple(found.values())
        methods = {"__init__": _initialiser(cls, every), "__repr__": _representer(every)}
        if eq:
            methods |= _comparers(every, frozen)
        for name, method in {**methods, "__match_args__": _positional(every)}.items():
            if vars(cls).get(name) is None:  # a class with __eq__ and no __hash__ has None for it
                setattr(cls, name, method)
        for name, method in {**(_frozen(cls, every) if frozen else {}), "__fields__": every}.items():
            setattr(cls, name, method)
        cls.__dataclass_fields__ = _STANDARD  # type: ignore[attr-defined]
        return cls

    return made


# ── fields, and the class that has them ──────────────────────────────────────────────────────────


def _fields_of(cls: type, kw_only: bool) -> dict[str, Field]:
    """Those of the bases, then its own; one that is annotated again keeps its place."""
    found: dict[str, Field] = {}
    for base in cls.__mro__[:0:-1]:
        found.update({field.name: field for field in vars(base).get("__fields__", ())})
    for name, annotation in cls.__annotations__.items():
        if "ClassVar[" in str(annotation):
            continue
        given = vars(cls).get(name, ABSENT)
        one = given if isinstance(given, Field) else Field(given)
        one.name, one.kw_only = name, one.kw_only or kw_only
        found[name] = one
    return found


def _with_slots(cls: type[T], names: tuple[str, ...], weakref: bool) -> type[T]:
    """The class once more, with slots for what no base has one for; slots can only be had when a class is made."""
    taken = {name for base in cls.__mro__[1:-1] for name in vars(base).get("__slots__", ())}
    new = [name for name in (*names, *["__weakref__"] * weakref) if name not in taken]
    rest = {key: value for key, value in vars(cls).items() if key not in {*names, "__dict__", "__weakref__"}}
    kind: Any = type(cls)
    again: type[T] = kind(cls.__name__, cls.__bases__, {**rest, "__slots__": tuple(new)})
    again.__qualname__ = cls.__qualname__
    return again


def _leave_defaults(cls: type, found: dict[str, Field]) -> None:
    """Attributes of the class that are defaults stay; those that only describe a field go."""
    for name, one in found.items():
        if isinstance(vars(cls).get(name), Field):
            delattr(cls, name)
            if one.default is not ABSENT:
                setattr(cls, name, one.default)


def _putter(cls: type, name: str) -> Put:
    """What writes a field, frozen or not: the slot itself, or the object's dictionary."""
    slot = getattr(cls, name, None)
    if type(slot).__name__ == "member_descriptor":
        put: Put = slot.__set__  # type: ignore[union-attr]
        return put

    def into(self: Any, value: Any) -> None:
        self.__dict__[name] = value

    return into


# ── methods ──────────────────────────────────────────────────────────────────────────────────────


def _initialiser(cls: type, every: Sequence[Field]) -> Callable[..., None]:
    """`__init__`: the values in order; or by name, by default, computed afterwards."""
    taken = sorted((one for one in every if one.init), key=attrgetter("kw_only"))
    puts = [_putter(cls, one.name) for one in taken]
    plain = (_of_few if len(taken) < len(_FEW) else _of_many)(cls, taken, puts)
    in_order = sum(not one.kw_only for one in taken)
    later = [(one, _putter(cls, one.name)) for one in every if one.default_factory is not ABSENT
             or not one.init and one.default is not ABSENT]  # fmt: skip

    def finished(self: Any, /, *values: Any, **named: Any) -> None:
        plain(self, *values, **named)
        if some or len(values) < in_order or named:  # else all were given
            for one, put in later:
                if not one.init or getattr(self, one.name) is ABSENT:
                    put(self, one.value())
        if after:
            self.__post_init__()

    after = hasattr(cls, "__post_init__")
    some = any(not one.init or one.kw_only for one, _ in later)
    return finished if later or after else plain


_FEW: tuple[Callable[..., Any], ...] = (
    lambda: lambda self: None,
    lambda a: lambda self, p: a(self, p),  # noqa: PLW0108 - a slot has no code to be named anew
    lambda a, b: lambda self, p, q: a(self, p) or b(self, q),
    lambda a, b, c: lambda self, p, q, r: a(self, p) or b(self, q) or c(self, r),
    lambda a, b, c, d: lambda self, p, q, r, s: a(self, p) or b(self, q) or c(self, r) or d(self, s),
    lambda a, b, c, d, e: lambda self, p, q, r, s, t:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t),
    lambda a, b, c, d, e, f: lambda self, p, q, r, s, t, u:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u),
    lambda a, b, c, d, e, f, g: lambda self, p, q, r, s, t, u, v:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u) or g(self, v),
    lambda a, b, c, d, e, f, g, h: lambda self, p, q, r, s, t, u, v, w:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u) or g(self, v) or h(self, w),
    lambda a, b, c, d, e, f, g, h, i: lambda self, p, q, r, s, t, u, v, w, x:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u) or g(self, v) or
        h(self, w) or i(self, x),
    lambda a, b, c, d, e, f, g, h, i, j: lambda self, p, q, r, s, t, u, v, w, x, y:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u) or g(self, v) or
        h(self, w) or i(self, x) or j(self, y),
    lambda a, b, c, d, e, f, g, h, i, j, k: lambda self, p, q, r, s, t, u, v, w, x, y, z:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u) or g(self, v) or
        h(self, w) or i(self, x) or j(self, y) or k(self, z),
    lambda a, b, c, d, e, f, g, h, i, j, k, m: lambda self, p, q, r, s, t, u, v, w, x, y, z, n:
        a(self, p) or b(self, q) or c(self, r) or d(self, s) or e(self, t) or f(self, u) or g(self, v) or
        h(self, w) or i(self, x) or j(self, y) or k(self, z) or m(self, n),
)  # fmt: skip
"""What writes so many fields, each of which returns None: a large graph is made of millions of small records."""


def _of_few(cls: type, taken: Sequence[Field], puts: Sequence[Put]) -> Callable[..., None]:
    """A row of `_FEW` under the names of the fields, so that Python itself finds values by name and by default."""
    made: Any = _FEW[len(taken)](*puts)
    by_name = sum(one.kw_only for one in taken)
    made.__code__ = made.__code__.replace(
        co_name="__init__", co_qualname=f"{cls.__qualname__}.__init__", co_posonlyargcount=1,
        co_argcount=1 + len(taken) - by_name, co_kwonlyargcount=by_name,
        co_varnames=("self", *(one.name for one in taken)),
    )  # fmt: skip
    in_order = [one for one in taken if not one.kw_only]
    least = max((i for i, one in enumerate(in_order, 1) if one.required), default=0)
    made.__defaults__ = tuple(one.default for one in in_order[least:])
    made.__kwdefaults__ = {one.name: one.default for one in taken if one.kw_only and not one.required}
    found: Callable[..., None] = made
    return found


def _of_many(cls: type, taken: Sequence[Field], puts: Sequence[Put]) -> Callable[..., None]:
    """The same for any number of fields, in a loop."""
    whole = _completer(cls.__name__, taken)
    defaults = tuple(one.default for one in taken)
    in_order = sum(not one.kw_only for one in taken)
    least = max((i for i, one in enumerate(taken, 1) if one.kw_only or one.required), default=0)

    def plain(self: object, /, *values: Any, **named: Any) -> None:
        given = len(values)
        if named or not least <= given <= in_order:
            values = whole(values, named)
        elif given < in_order:
            values += defaults[given:]
        for put, value in zip(puts, values):  # noqa: B905 - they are as many
            put(self, value)

    return plain


def _completer(what: str, taken: Sequence[Field]) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, ...]]:
    """The values of all fields, from those in order, those by name, and the defaults."""
    names = [one.name for one in taken]
    in_order = [one.name for one in taken if not one.kw_only]
    defaults = {one.name: one.default for one in taken if not one.required}
    wanted = frozenset(names)

    def whole(values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        first = dict(zip(in_order, values))  # noqa: B905 - fewer or more, which is looked at below
        found = {**defaults, **first, **named}
        if found.keys() != wanted or len(first) < len(values) or not first.keys().isdisjoint(named):
            wrong = sorted(first.keys() & named.keys() | found.keys() ^ wanted) or f"more than {len(in_order)}"
            raise TypeError(f"the arguments of {what}() are {', '.join(names)}; see {wrong}")
        return tuple(map(found.__getitem__, names))

    return whole


def _values(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads these fields of an object."""
    if not names:
        return lambda self: ()
    return attrgetter(*names) if len(names) > 1 else attrgetter(*names, *names)  # of one alone it gives no tuple


def _comparers(every: Sequence[Field], frozen: bool) -> dict[str, Any]:
    """`__eq__`, between objects of one class, and a hash where these cannot change."""
    read = _values([one.name for one in every if one.compare])

    def equal(self: object, other: object) -> bool:
        return read(self) == read(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(read(self))

    return {"__eq__": equal, "__hash__": hashed if frozen else None}


def _representer(every: Sequence[Field]) -> Callable[[object], str]:
    """`__repr__`, as the call that makes the object."""
    names = [one.name for one in every if one.repr]

    def represented(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return represented


def _positional(every: Sequence[Field]) -> tuple[str, ...]:
    """`__match_args__`."""
    return tuple(one.name for one in every if one.init and not one.kw_only)


def _frozen(cls: type, every: Sequence[Field]) -> dict[str, Any]:
    """What refuses to change an object, and how one with slots is pickled all the same."""
    refusing = {"__setattr__": _refuse, "__delattr__": _refuse}
    if "__slots__" not in vars(cls):
        return refusing
    read, puts = _values([one.name for one in every]), [_putter(cls, one.name) for one in every]

    def state(self: object) -> tuple[Any, ...]:
        return read(self)

    def restore(self: object, values: tuple[Any, ...]) -> None:
        for put, value in zip(puts, values):  # noqa: B905 - a single value is read twice
            put(self, value)

    return {**refusing, "__getstate__": state, "__setstate__": restore}


def _refuse(self: object, name: str, value: object = None) -> NoReturn:
    raise FrozenError(f"{type(self).__name__} is frozen: {name!r} cannot be changed")


# ── what is done with records ────────────────────────────────────────────────────────────────────


def _fields(record: Any) -> tuple[Field, ...]:
    """The fields of a record or its class, in order."""
    found: tuple[Field, ...] = record.__fields__
    return found


def _replace(record: T, /, **changes: Any) -> T:
    """A record with other values for some fields."""
    in_order: list[Any] = []
    for one in _fields(record):
        if one.init:
            value = changes.pop(one.name) if one.name in changes else getattr(record, one.name)
            if one.kw_only:
                changes[one.name] = value
            else:
                in_order.append(value)
    return type(record)(*in_order, **changes)


class _Standard:
    """`__dataclass_fields__`, for `dataclasses.asdict` and its like: made when they ask."""

    def __get__(self, record: object, cls: Any) -> Any:
        import dataclasses

        rows: list[tuple[str, Any, Any]] = []
        for one in cls.__fields__:
            known = {name: getattr(one, name) for name in Field.__slots__ if name != "name"}
            given = {name: value for name, value in known.items() if value is not ABSENT}
            rows.append((one.name, "object", dataclasses.field(**given)))
        made: Any = dataclasses.make_dataclass(cls.__name__, rows)
        cls.__dataclass_fields__ = made.__dataclass_fields__  # from now on
        return made.__dataclass_fields__


_STANDARD = _Standard()

if TYPE_CHECKING:
    from dataclasses import dataclass, field, fields, replace
else:
    dataclass, field, fields, replace = _dataclass, Field, _fields, _replace
