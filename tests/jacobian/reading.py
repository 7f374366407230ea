"""Reads an entry's formula as a person does: letters are numbers, Σ is a loop, outside of a tensor is 0."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    ">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal,
}  # fmt: skip
MOST = 13
"""No axis is longer: where a letter of a sum goes further, a tensor or a δ is 0."""


@dataclass
class Reader:
    """One text; `whole` says what a tensor is worth that is written without letters, `sizes` how far a letter goes."""

    text: str
    whole: Callable[..., Any]
    sizes: Mapping[str, int]
    letters: Mapping[str, int]
    at: int = field(default=0)

    def value(self) -> float:
        """The whole text."""
        found = self.sum()
        assert self.at == len(self.text), self.text[self.at :]
        return float(found)

    def inside(self, text: str, letters: Mapping[str, int] | None = None) -> Any:
        """A part of the text."""
        return Reader(text, self.whole, self.sizes, self.letters if letters is None else letters).value()

    def eat(self, *options: str) -> str:
        """One of these, if it comes next."""
        for option in options:
            if self.text.startswith(option, self.at):
                self.at += len(option)
                return option
        return ""

    def sum(self) -> Any:
        """Terms."""
        total = -self.product() if self.eat("-") else self.product()
        while sign := self.eat(" + ", " - "):
            total = total + self.product() if sign == " + " else total - self.product()
        return total

    def product(self) -> Any:
        """Factors; what stands side by side is multiplied."""
        found = self.factor()
        while self.at < len(self.text):
            if self.eat(" / ", "/"):
                found = found / self.factor()
            elif self.eat(" · ", " ⊙ ") or (self.text.startswith(" ", self.at) and self.text[self.at + 1] not in "+-"
                                            and self.text[self.at + 1] not in COMPARED and self.eat(" ")):
                found = found * self.factor()
            else:
                break
        return found

    def factor(self) -> Any:
        """An entry, a number, a bracket, a sum over letters; with its power."""
        if self.eat("-"):
            return -self.factor()
        if self.eat("√"):
            return np.sqrt(self.factor())
        if self.eat("Σ_"):
            return self.summed()
        found = self.atom()
        power = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+").match(self.text, self.at)
        if power:
            self.at = power.end()
            return found ** int(power[0].translate(POWERS))
        return found ** self.factor() if self.eat("^") else found

    def summed(self) -> float:
        """Over every number that each letter can be; the sum goes as far as its product does."""
        names = re.compile(r"\w+").match(self.text, self.at)
        assert names
        start = names.end() + 1
        totals = []
        for row in product(*(range(self.sizes.get(name, MOST)) for name in names[0])):
            inner = Reader(self.text, self.whole, self.sizes, {**self.letters, **dict(zip(names[0], row, strict=True))},
                           start)  # fmt: skip
            totals.append(inner.product())
            self.at = inner.at
        return float(np.sum(totals))

    def bracketed(self) -> str:
        """What stands in the bracket that opens here."""
        depth, start = 0, self.at
        while True:
            character = self.text[self.at]
            depth += (character in "([") - (character in ")]")
            self.at += 1
            if not depth:
                return self.text[start + 1 : self.at - 1]

    def place(self, text: str) -> int:
        """2i+a-1."""
        if "[" in text:
            return int(self.inside(text))
        if text.isidentifier() and text not in self.letters:
            return int(np.reshape(self.whole(text), ()))
        if wrapped := re.fullmatch(r"\((.*)\) mod (\d+)", text):
            return self.place(wrapped[1]) % int(wrapped[2])
        parts = re.findall(r"([-+]?)(\d*)([^\W\d]\w*)?", text)
        return sum((-1 if sign == "-" else 1) * int(number or 1) * (self.letters[name] if name else 1)
                   for sign, number, name in parts if number or name)  # fmt: skip

    def atom(self) -> Any:
        """δ, an indicator, an entry, a function's value, a number."""
        start = self.at
        if self.eat("δ["):
            self.at -= 1
            return float(len({self.place(part) for part in split(self.bracketed())}) == 1)
        if self.text[start] == "[":
            return self.compared(self.bracketed())
        if self.eat("|"):
            end = self.text.index("|", self.at)
            inner, self.at = self.text[self.at : end], end + 1
            return abs(self.inside(inner))
        if self.eat("∞"):
            return np.inf
        name = re.compile(r"[\d.]+(e[-+]?\d+)?|\w*").match(self.text, start)
        assert name
        self.at = name.end()
        if name[0][:1].isdigit():
            return float(name[0]) * (self.factor() if self.text.startswith("(", self.at) else 1)
        if self.text.startswith("(", self.at):
            self.bracketed()
        marks = re.compile("(ᵀ|⁻ᵀ)").match(self.text, self.at)
        self.at = marks.end() if marks else self.at
        while self.is_part():
            self.bracketed()
        base = self.text[start : self.at]
        if self.text.startswith("[", self.at):
            return self.entry(self.whole(base), [self.place(part) for part in split(self.bracketed())])
        return self.called(name[0], base)

    def is_part(self) -> bool:
        """Whether a bracket comes that takes a part of a tensor, as in eye(3)[:, [0, 0, 1]][k,i], not an entry."""
        if not self.text.startswith("[", self.at):
            return False
        ahead = replace(self).bracketed()
        return any(":" in part or part.startswith("[") for part in split(ahead))

    def compared(self, text: str) -> float:
        """[a ≥ b]."""
        if " ≤ " in text and " < " in text:
            low, middle, high = re.split(" ≤ | < ", text)
            return float(int(low) <= self.place(middle) < int(high))
        sign = next(s for s in COMPARED if f" {s} " in text)
        return float(COMPARED[sign](*(self.side(part) for part in text.split(f" {sign} "))))

    def side(self, text: str) -> float:
        """An index, or the value of a formula."""
        names = re.findall(r"[^\W\d]\w*", text)
        if re.fullmatch(r"[-+\w]+", text) and all(name in self.letters for name in names):
            return self.place(text)
        return float(self.inside(text))

    @staticmethod
    def entry(tensor: Any, where: list[int]) -> float:
        """0 outside."""
        inside = all(0 <= i < n for i, n in zip(where, np.shape(tensor), strict=True))
        return float(tensor[tuple(where)]) if inside else 0.0

    def called(self, name: str, base: str) -> Any:
        """A number of the spec, a bracket, or a function of entries."""
        if base.endswith("ᵀ") and (other := re.compile(r" · \w+").match(self.text, self.at)):  # xᵀ · y
            self.at, base = other.end(), base + other[0]
        found = self.whole(base)
        if found is not None and np.size(found) == 1:
            return float(np.reshape(found, ()))
        assert base.endswith(")"), base
        inner = base[len(name) + 1 : -1]
        if not name:
            return self.inside(inner)
        parts = split(inner)
        bound = {f"q{i}": self.inside(part) for i, part in enumerate(parts) if not re.match(r"\w+=", part)}
        given = [f"q{i}" if f"q{i}" in bound else part for i, part in enumerate(parts)]
        return float(self.whole(f"{name}({', '.join(given)})", bound))


def split(text: str) -> list[str]:
    """At the commas that stand in no bracket."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
