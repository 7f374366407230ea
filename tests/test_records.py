"""Records are dataclasses: whatever the standard library makes of a class body, ours does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from backprop_cli import records

T = TypeVar("T")
Library = Any


def plain(dc: Library, **options: Any) -> Any:
    """Fields of every kind, a method, a constant of the class."""

    @dc.dataclass(**options)
    class Plain:
        """Says what it is."""

        first: int
        second: str = "two"
        third: list[int] = dc.field(default_factory=list)
        fourth: float = dc.field(default=4.0, compare=False)
        fifth: object = dc.field(default=None, repr=False)
        constant: ClassVar[int] = 7

        def double(self) -> int:
            return 2 * self.first

    return Plain


def computed(dc: Library, **options: Any) -> Any:
    """What is worked out when it is made."""

    @dc.dataclass(**options)
    class Computed:
        first: int
        twice: int = dc.field(init=False)
        known: int = dc.field(init=False, default=3)
        many: list[int] = dc.field(init=False, default_factory=list)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.first)

    return Computed


def inherited(dc: Library, **options: Any) -> Any:
    """Fields of a base come first, and keep their place when they are annotated again."""

    @dc.dataclass(**options)
    class Base:
        first: int
        second: str = "two"

    @dc.dataclass(**options)
    class Inherited(Base):
        third: float = 3.0
        second: str = "again"

    return Inherited


def by_name(dc: Library, **options: Any) -> Any:
    """Some can be given by name alone."""

    @dc.dataclass(**options)
    class ByName:
        first: int
        second: int = dc.field(kw_only=True)
        third: int = 3

    return ByName


def own_methods(dc: Library, **options: Any) -> Any:
    """What the class defines stays."""

    @dc.dataclass(**options)
    class Own:  # noqa: PLW1641 - the hash is what is tested
        first: int

        def __repr__(self) -> str:
            return f"<{self.first}>"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, int)

    return Own


def of_a_protocol(dc: Library, **options: Any) -> Any:
    """A generic class, and a mapping."""

    @dc.dataclass(**options)
    class Table(Mapping[str, T], Generic[T]):
        rows: dict[str, T]

        def __getitem__(self, key: str) -> T:
            return self.rows[key]

        def __iter__(self) -> Iterator[str]:
            return iter(())

        def __len__(self) -> int:
            return 0

    return Table


def empty(dc: Library, **options: Any) -> Any:
    """No field at all."""

    @dc.dataclass(**options)
    class Empty:
        pass

    return Empty


BODIES = (plain, computed, inherited, by_name, own_methods, of_a_protocol, empty)
OPTIONS: tuple[dict[str, bool], ...] = (
    {"frozen": True, "slots": True}, {"slots": True}, {"frozen": True}, {}, {"eq": False, "slots": True},
    {"frozen": True, "slots": True, "kw_only": True}, {"slots": True, "weakref_slot": True, "eq": False},
)  # fmt: skip
CALLS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((), {}), ((1,), {}), ((1, "a"), {}), ((1, 2, 3), {}), ((1, "a", [3], 5.0, 6), {}), ((1, 2, 3, 4, 5, 6), {}),
    ((1, 2), {"second": 3}), ((), {"first": 1}), ((1,), {"second": 2}), ((1,), {"fourth": 9.0, "fifth": 8}),
    ((1,), {"other": 2}), ((1,), {"third": 2.0}), (({"a": 1},), {}),
)  # fmt: skip
"""More than some of the bodies take: what is refused is compared too."""


def outcome(work: Callable[[], Any]) -> Any:
    """What it returns, or the kind of error."""
    try:
        return work()
    except Exception as caught:  # noqa: BLE001 - any is an outcome
        return next(kind for kind in (AttributeError, TypeError, ValueError, Exception) if isinstance(caught, kind))


def seen(cls: Any, given: tuple[tuple[Any, ...], dict[str, Any]]) -> dict[str, Any]:
    """What can be told of an object of a class."""
    one = outcome(lambda: cls(*given[0], **given[1]))
    if isinstance(one, type):
        return {"refused": one}
    again, names = cls(*given[0], **given[1]), [field.name for field in dataclasses.fields(cls)]
    found = {name: getattr(one, name, "absent") for name in names}
    hashed = outcome(lambda: hash(one) == hash(again))
    return {
        "values": {key: str(value) for key, value in found.items()},
        "repr": repr(one).partition("object at")[0],
        "equal": one == again, "to others": (one == 5, one == object(), one != again),
        "hash": hashed,
        "set": [outcome(lambda name=name: setattr(again, name, 1)) for name in names],
        "deleted": [outcome(lambda name=name: delattr(again, name)) for name in names[:1]],
        "unknown": outcome(lambda: setattr(again, "other", 1)) is None,
        "dictionary": hasattr(one, "__dict__"),
        "copied": str(outcome(lambda: copy.deepcopy(one))).partition("object at")[0],
        "standard": outcome(lambda: str(dataclasses.asdict(one))),
    }  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "none")
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_record_is_what_the_standard_library_makes(body: Callable[..., Any], options: dict[str, bool]) -> None:
    """For every way of giving values: what they are, how they print and compare, what is refused, and by what."""
    theirs, ours = outcome(lambda: body(dataclasses, **options)), outcome(lambda: body(records, **options))
    assert isinstance(ours, type)
    assert ours is theirs or ours.__qualname__.replace("records", "dataclasses") == theirs.__qualname__
    for name in ("__match_args__", "__doc__", "__slots__"):
        if getattr(theirs, name, None) is not None and not (name == "__doc__" and "(" in theirs.__doc__):
            assert getattr(ours, name) == getattr(theirs, name), name
    assert dataclasses.is_dataclass(ours)
    assert [field.name for field in records.fields(ours)] == [field.name for field in dataclasses.fields(theirs)]
    for given in CALLS:
        assert seen(ours, given) == seen(theirs, given), given


@pytest.mark.parametrize("options", OPTIONS[:4], ids=lambda options: "-".join(options) or "none")
def test_replace_is_that_of_the_standard_library(options: dict[str, bool]) -> None:
    """Some fields anew, the others as they were; what has no such field, or is not given, is refused."""
    for body in (plain, inherited, computed):
        ours, theirs = body(records, **options)(5), body(dataclasses, **options)(5)
        for changes in ({}, {"first": 6}, {"second": "b", "first": 1}, {"third": 4}, {"twice": 3}, {"other": 1}):
            found, expected = (outcome(partial(lib.replace, one, **changes))
                               for lib, one in ((records, ours), (dataclasses, theirs)))  # fmt: skip
            found, expected = (one if isinstance(one, type) else repr(one) for one in (found, expected))
            assert found == expected or {found, expected} == {TypeError, ValueError}, changes


def test_a_pattern_takes_the_fields_in_order() -> None:
    """`case Plain(first, second)` works."""
    match plain(records, frozen=True, slots=True)(1, "b"):
        case object(first=first) as one if type(one).__match_args__[:2] == ("first", "second"):
            assert first == 1
        case _:
            pytest.fail("did not match")


@records.dataclass(frozen=True, slots=True)
class Sent:
    """Goes to another process."""

    first: int
    second: tuple[int, ...] = ()


def test_a_frozen_record_goes_to_another_process() -> None:
    """Pickled and back it is equal, and frozen still."""
    for one in (Sent(1), Sent(2, (3,))):
        back = pickle.loads(pickle.dumps(one))
        assert back == one
        assert hash(back) == hash(one)
        with pytest.raises(AttributeError, match="frozen"):
            back.first = 3
