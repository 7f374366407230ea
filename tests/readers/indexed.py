"""Index notation, read and evaluated: all entries of an equation at once, an axis a letter.

Shares nothing with what prints it but the numbers of the less usual functions, which have tests of their own.  What a
formula writes whole (`(A⁻¹)[j,i]`, `standardize(x)[n,d]`) is handed to `whole`, which gives it as an array (of
`argmax`, with over how many axes a window goes, numbers of entries and the shape that they count in); an entry outside
an array is 0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from backprop_cli.engine.numbers import Words, plain
from backprop_cli.engine.ops import OPS

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
ARRAY = re.compile(r"∂(?:\([^()]*\)|\w+(?:\[[^\[\]]*\])?)/∂(?P<of>\w+)|[^\W\d][^\W⁰¹²³⁴⁵⁶⁷⁸⁹]*'*|∞")
LISTED = re.compile(r"[-+\d.e, \[\]]+")
OVER = re.compile(r"(?P<sign>Σ|Π|max|min)_(?P<letters>[a-z]\w*(?:<\w+)?(?:,[a-z]\w*(?:<\w+)?)*) ")
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
PAIRS = {"(": ")", "[": "]", "⌊": "⌋", "⌈": "⌉"}
COMPARED: Mapping[str, Callable[..., Any]] = {
    "=": np.equal, "≠": np.not_equal, ">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal,
}  # fmt: skip
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "σ": lambda x: 1 / (1 + np.exp(-x)), "exp": np.exp, "log": np.log, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "sign": np.sign, "clip": np.clip, "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip
OUTERMOST: Mapping[str, Callable[..., Any]] = {"Σ": np.sum, "Π": np.prod, "max": np.max, "min": np.min}


@dataclass
class Reader:
    """Reads one formula; gradients are by the names of their nodes, letters are numbers along axes of their own."""

    text: str
    arrays: Mapping[str, Any]
    gradients: Mapping[str, Any]
    whole: Callable[..., Any]
    at: dict[str, Any] = field(default_factory=dict)
    place: int = 0

    # characters ──────────────────────────────────────────────────────────────────────────────────

    def sees(self, text: str) -> bool:
        """Whether the rest begins so."""
        return self.text.startswith(text, self.place)

    def takes(self, *texts: str) -> str:
        """The one of several that comes next, taken; nothing where none does."""
        for text in texts:
            if self.sees(text):
                self.place += len(text)
                return text
        return ""

    def expect(self, text: str) -> None:
        """What has to come next."""
        assert self.takes(text), (text, self.text[self.place :], self.text)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What a pattern takes."""
        found = pattern.match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def closing(self, start: int) -> int:
        """Where the bracket that opens at `start` has its other end."""
        depth = 0
        for place in range(start, len(self.text)):
            depth += self.text[place] in PAIRS
            depth -= self.text[place] in PAIRS.values()
            if not depth:
                return place
        raise AssertionError(self.text)

    # sums and products ───────────────────────────────────────────────────────────────────────────

    def total(self) -> Any:
        """Terms."""
        value = self.term()
        while sign := self.takes(" + ", " - "):
            value = value + self.term() if sign == " + " else value - self.term()
        return value

    def term(self) -> Any:
        """A product; a Σ reaches to its end, and so does one that divides."""
        if self.takes("-"):
            return -self.term()
        value = self.factor()
        while sign := self.takes(" · ", " / ", "/"):
            other = self.factor()
            value = value * other if sign == " · " else value / other
        return value

    def over(self, found: re.Match[str]) -> Any:
        """Σ over letters of a product: an axis more for each."""
        before, depth = dict(self.at), len(self.at)
        sizes = []
        for letter in found["letters"].split(","):
            name, _, count = letter.partition("<")
            sizes.append(int(self.arrays.get(count, count)) if count else self.size_of(name))
            assert name not in before, (name, self.text)
            self.at[name] = along(depth + len(sizes) - 1, sizes[-1])
        value = self.term()
        full = np.broadcast_to(value, np.broadcast_shapes(np.shape(value), (*sizes[::-1], *(1,) * depth)))
        self.at = before
        return OUTERMOST[found["sign"]](full, axis=tuple(range(full.ndim - depth)))

    def size_of(self, letter: str) -> int:
        """How far a letter runs: as far as the axis of the next array that it indexes alone."""
        for found in re.finditer(r"\[(?=[^\[\]]*\b" + letter + r"\b)", self.text[self.place :]):
            start = self.place + found.start()
            listed = self.text[start + 1 : self.closing(start)]
            slots = re.split(r",(?![^\[]*\])", listed)
            if letter in slots and start and not self.text[start - 1].isspace():
                shape = shaped(self.before(start), len(slots)).shape
                return int(shape[slots.index(letter)])
        raise AssertionError(f"how far does {letter} run in {self.text}?")

    def before(self, start: int) -> Any:
        """The array that ends where its index starts."""
        if self.text[start - 1] == ")":
            text = self.written(start)
            opening = start - len(text) + text.index("(")
            if not text.startswith("argmax("):
                return self.array_of(text)
            places = re.search(r"\(([^()]*)\) = $", self.text[: opening - len("argmax")])
            return self.whole(text, places[1].count(",") + 1 if places else 1)[0]
        if self.text[start - 1] == "]":  # X[[1, 1, 0]], of which an entry follows
            opening = next(p for p in range(start - 1, -1, -1) if self.text[p] == "[" and self.closing(p) == start - 1)
            if LISTED.fullmatch(self.text[opening:start]) and not re.search(r"[\w)]$", self.text[:opening]):
                return np.array(json.loads(self.text[opening:start]))  # a list of numbers
            return self.array_of(self.written(opening) + self.text[opening:start])
        return self.array_of(self.written(start))

    def written(self, end: int) -> str:
        """What is written whole and ends there: a name, a call, brackets."""
        if self.text[end - 1] == ")":
            opening = next(p for p in range(end - 1, -1, -1) if self.text[p] == "(" and self.closing(p) == end - 1)
            return re.search(r"\w*$", self.text[:opening])[0] + self.text[opening:end]  # type: ignore[index]
        return next(m[0] for m in ARRAY.finditer(self.text[:end]) if m.end() == end)

    # parts ───────────────────────────────────────────────────────────────────────────────────────

    def factor(self) -> Any:
        """A part with its powers."""
        value = self.part()
        while True:
            if found := self.match(re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")):
                value = np.power(value, float(found[0].translate(POWERS)))
            elif self.takes("^"):
                value = np.power(value, self.factor())
            else:
                return value

    def part(self) -> Any:
        """A number, a Σ, an entry, a function, brackets."""
        if found := self.match(NUMBER):
            return np.float64(found[0])
        if found := self.match(OVER):
            return self.over(found)
        if self.takes("√"):
            return np.sqrt(self.part())
        if self.takes("|"):
            return np.abs(self.until("|"))
        if self.takes("⌈"):
            return np.ceil(self.until("⌉"))
        if self.takes("⌊"):
            return np.floor(self.until("⌋"))
        if self.sees("[") and LISTED.fullmatch(listed := self.text[self.place : self.closing(self.place) + 1]):
            self.place += len(listed)
            return self.entry(np.array(json.loads(listed)))
        if self.takes("["):
            return self.condition()
        if self.sees("("):
            return self.bracketed()
        if self.takes("log σ("):
            return np.log(FUNCTIONS["σ"](self.until(")")))
        return self.named()

    def until(self, end: str) -> Any:
        """A sum up to a bracket."""
        value = self.total()
        self.expect(end)
        return value

    def condition(self) -> Any:
        """1 where it holds, else 0; places of several axes are one where all their indices are."""
        lefts = self.several()
        sign = self.takes(*(f" {sign} " for sign in COMPARED)).strip()
        rights = self.several(len(lefts))
        self.expect("]")
        holds = [np.asarray(COMPARED[sign](a, b), dtype=float) for a, b in zip(lefts, rights, strict=True)]
        if sign == "≠":
            return 1 - math.prod([1 - one for one in holds[1:]], start=1 - holds[0])
        return math.prod(holds[1:], start=holds[0])

    def several(self, count: int = 1) -> list[Any]:
        """One side of a condition: a value, or a place of several axes."""
        if found := self.match(re.compile(r"argmax\(")):
            self.place = self.closing(found.end() - 1) + 1
            flat, shape = self.whole(self.text[found.start() : self.place], count)
            entry = self.entry(flat).astype(int)
            return [entry] if count == 1 else [*np.unravel_index(entry, shape)]
        if re.match(r"\([^()\s]*,[^()\s]*\)( [=≠] |\])", self.text[self.place :]):
            self.expect("(")
            listed = [self.index()]
            while self.takes(","):
                listed.append(self.index())
            self.expect(")")
            return listed
        if re.match(r"(\w+(\[[^\[\]]*\])?|\([^()]*\)) mod \w+ = ", self.text[self.place :]):
            return [self.step()]  # a label that counts from the end
        if re.match(r"\[\w+ = \d+\]", self.text[self.place :]):
            return [self.index()]  # a place of a list: [m = 1]·2+[m = 2]
        return [self.index() if self.sees_index() else self.total()]

    def sees_index(self) -> bool:
        """Whether one side of a condition is made of letters and whole numbers."""
        side = re.match(r"[^\[\]]*?(?=\]| [=≠<>≥≤] )", self.text[self.place :])
        plain_ = side[0].replace(" mod ", "·") if side else ""
        words = re.findall(r"[\w.]+", plain_)
        return any(word in self.at for word in words) and " " not in plain_ and all(
            word in self.at or word.isdigit() for word in words)  # fmt: skip

    def bracketed(self) -> Any:
        """A sum, or an array of which an entry follows."""
        end = self.closing(self.place)
        if self.text[end + 1 : end + 2] == "[":
            inner = self.text[self.place : end + 1]
            self.place = end + 1
            return self.entry(self.array_of(self.gathered(inner)))
        self.expect("(")
        return self.until(")")

    def named(self) -> Any:
        """A function, a letter, a number by its name, an entry."""
        start = self.place
        found = self.match(ARRAY)
        assert found, (self.text[self.place :], self.text)
        name = found[0]
        if self.sees("("):
            return self.call(name, start)
        if name in self.at and not self.sees("["):
            return self.at[name]
        if name == "log" and self.takes(" "):  # log det(A), log softmax
            self.match(ARRAY)
            return self.call("", start)
        return self.entry(self.array_of(self.gathered(name)))

    def gathered(self, name: str) -> str:
        """An array with what a list takes of it, v[[1, 1, 0]], x[:, [0, 2]]: written whole."""
        if not re.match(r"\[[-\d,: .]*\[[-\d, ]*\][-\d,: .]*\]", self.text[self.place :]):
            return name
        start, self.place = self.place, self.closing(self.place) + 1
        return name + self.text[start : self.place]

    def call(self, name: str, start: int) -> Any:
        """A function of numbers; of an array, written whole."""
        end = self.closing(self.place)
        is_known = name in FUNCTIONS or name in OPS and OPS[name].pointwise
        if not is_known or self.text[end + 1 : end + 2] == "[":
            self.place = end + 1
            return self.entry(self.array_of(self.gathered(self.text[start : self.place])))
        self.expect("(")
        positional, keywords = [], {}
        while not self.takes(")"):
            if keyword := self.match(re.compile(r"(\w+)=('?)([^,()']+)\2")):
                keywords[keyword[1]] = literal(keyword[3])
            else:
                positional.append(self.total())
            self.takes(", ")
        if name in FUNCTIONS:
            return FUNCTIONS[name](*positional, **keywords)
        arrays = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in positional))
        return np.asarray(OPS[name].forward(Words("float64"), *arrays, **{k: plain(v) for k, v in keywords.items()}))

    def array_of(self, name: str) -> Any:
        """An array by its name; what is written whole is evaluated."""
        found = ARRAY.fullmatch(name)
        if found and found["of"]:
            return self.gradients[found["of"]]
        if name in self.arrays:
            return self.arrays[name]
        return {"π": math.pi, "e": math.e, "∞": math.inf}[name] if name in "πe∞" else self.whole(name)

    # entries ─────────────────────────────────────────────────────────────────────────────────────

    def entry(self, array: Any) -> Any:
        """The entry at an index, 0 outside; axes of size 1 have none."""
        listed = []
        if self.takes("["):
            listed.append(self.index())
            while self.takes(","):
                listed.append(self.index())
            self.expect("]")
        found = shaped(array, len(listed))
        places = np.broadcast_arrays(*(np.asarray(i, dtype=int) for i in listed)) if listed else []
        inside = np.ones(np.shape(places[0]) if places else (), dtype=bool)
        for place, size in zip(places, found.shape, strict=True):
            inside = inside & (place >= 0) & (place < size)
        return np.where(inside, found[tuple(np.where(inside, place, 0) for place in places)], 0.0)

    def index(self) -> Any:
        """2·i+a-1, ⌊i/4⌋ mod 2, t[n]."""
        value = self.step() if not self.sees("-") else 0
        while sign := self.takes("+", "-"):
            value = value + self.step() if sign == "+" else value - self.step()
        return value

    def step(self) -> Any:
        """2·i, ... mod 2."""
        value = self.unit()
        while sign := self.takes("·", " mod "):
            value = value * self.unit() if sign == "·" else value % self.unit()
        return value

    def unit(self) -> Any:
        """A number, a letter, brackets, a label."""
        if found := self.match(re.compile(r"\d+")):
            return int(found[0])
        if self.takes("⌊"):
            value = self.index()
            self.expect("/")
            value = value // self.unit()
            self.expect("⌋")
            return value
        if self.takes("("):
            value = self.index()
            self.expect(")")
            return value
        return np.asarray(self.part()).astype(int)


def shaped(array: Any, indices: int) -> Any:
    """An array without its axes of size 1, unless it has so many indices."""
    found = np.asarray(array, dtype=float)
    found = found if found.ndim == indices else np.squeeze(found)
    assert found.ndim == indices, (np.shape(array), indices)
    return found


def along(axis: int, size: int) -> Any:
    """0, 1, ... along an axis counted from the last."""
    return np.arange(size).reshape(size, *(1,) * axis)


def literal(text: str) -> Any:
    """A static argument."""
    words = {"none": None, "true": True, "false": False}
    return words[text] if text in words else Fraction(text) if re.fullmatch(r"-?[\d.e+-]+", text) else text


def evaluated(
    text: str, shape: tuple[int, ...], arrays: Mapping[str, Any], gradients: Mapping[str, Any],
    whole: Callable[..., Any],
) -> Any:  # fmt: skip
    """The array that an equation gives its left side, which has a shape."""
    left, _, right = text.partition(" = ")
    index = re.search(r"\[([^\[\]]*)\]$", left) if shape else None
    letters = index[1].split(",") if index else []
    squeezed = shape if len(letters) == len(shape) else tuple(size for size in shape if size != 1)
    assert len(letters) == len(squeezed) == len(set(letters)), text
    order = [*zip(letters, squeezed, strict=True)][::-1]
    reader = Reader(right, arrays, gradients, whole, {letter: along(p, size) for p, (letter, size) in enumerate(order)})
    with np.errstate(all="ignore"):
        value = reader.total()
    assert reader.place == len(right), (right[reader.place :], text)
    return np.broadcast_to(value, squeezed).reshape(shape)
