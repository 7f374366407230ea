"""Index notation, evaluated entry by entry by a reader of its own: what is printed gives the gradient."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
TOKEN = re.compile(
    r"\s*(?:(?P<grad>∂[\w\[\]]+/∂\w+)|(?P<sum>Σ_[\w,]+)|(?P<number>\d[\d.]*(?:e[+-]?\d+)?)"
    r"|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)|(?P<name>[^\W\d][^\W⁰¹²³⁴⁵⁶⁷⁸⁹]*)|(?P<sign>.))"
)
GOLDEN: Any = json.loads((ROOT / "tests" / "data" / "specs_index.json").read_text(encoding="utf-8"))
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "σ": lambda x: 1 / (1 + math.exp(-x)), "tanh": math.tanh, "exp": math.exp, "log": math.log, "sin": math.sin,
    "cos": math.cos, "relu": lambda x: max(x, 0.0), "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sign": lambda x: float(np.sign(x)), "clip": lambda x, low, high: min(max(x, low), high),
    "maximum": max, "minimum": min,
}  # fmt: skip
OTHERS = "⊙ᵀ⁺σ" + "'"


@dataclass
class Reader:
    """Reads a formula in index notation and gives its value at indices."""

    tokens: list[tuple[str, str]]
    names: Mapping[str, Any]
    gradients: Mapping[str, Any]
    at: dict[str, int]
    sizes: dict[str, int] = field(default_factory=dict)
    place: int = 0

    def peek(self) -> str:
        """The next token, or nothing."""
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self, text: str = "") -> tuple[str, str]:
        """The next token, which has to be `text`."""
        found = self.tokens[self.place]
        assert not text or found[1] == text, (text, found, self.tokens)
        self.place += 1
        return found

    def total(self) -> float:
        """Terms."""
        value = self.term()
        while self.peek() in {"+", "-"}:
            value += self.term() if self.take()[1] == "+" else -self.term()
        return value

    def term(self) -> float:
        """A product; a Σ reaches to its end."""
        if self.peek() == "-":
            self.take()
            return -self.term()
        if self.peek().startswith("Σ_"):
            return self.over(self.take()[1][2:].split(","))
        value = self.factor()
        while self.peek() in {"·", "/"}:
            sign = self.take()[1]
            if self.peek().startswith("Σ_"):
                assert sign == "·"
                return value * self.term()
            other = self.factor()
            value = value * other if sign == "·" else value / other
        return value

    def over(self, letters: list[str]) -> float:
        """Σ over letters of a product, whose end is found by reading it once."""
        start, value = self.place, 0.0
        for numbers in itertools.product(*(range(self.sizes[letter]) for letter in letters)):
            self.place = start
            self.at.update(zip(letters, numbers, strict=True))
            value += self.term()
        return value

    def factor(self) -> float:
        """A part with its powers."""
        value = self.part()
        while self.place < len(self.tokens) and (self.tokens[self.place][0] == "power" or self.peek() == "^"):
            kind, text = self.take()
            value **= int(text.translate(POWERS)) if kind == "power" else self.factor()
        return value

    def part(self) -> float:
        """A number, an entry, a function, brackets."""
        kind, text = self.take()
        if kind == "number":
            return float(text)
        if text == "√":
            return math.sqrt(self.factor())
        if text == "(":
            value = self.total()
            self.take(")")
            return value
        if text == "[":
            left = self.total()
            sign = self.take()[1]
            right = self.total()
            self.take("]")
            return float({"=": left == right, ">": left > right, "<": left < right, "≥": left >= right,
                          "≤": left <= right, "≠": left != right}[sign])  # fmt: skip
        if text in FUNCTIONS and self.peek() == "(":
            self.take("(")
            arguments = [self.total()]
            while self.peek() == ",":
                self.take()
                arguments.append(self.total())
            self.take(")")
            return FUNCTIONS[text](*arguments)
        if text in self.at and self.peek() != "[":
            return float(self.at[text])
        return self.entry(known(kind, text, {"π": math.pi, **self.names}, self.gradients))

    def entry(self, array: Any) -> float:
        """An entry of an array whose axes of size 1 have no index."""
        squeezed = np.squeeze(np.asarray(array, dtype=float))
        index = []
        if squeezed.ndim:
            self.take("[")
            while not index or self.peek() == ",":
                if index:
                    self.take(",")
                place = int(self.index())
                index.append(place)
            self.take("]")
        return float(squeezed[tuple(index)])

    def index(self) -> float:
        """A letter, or letters added."""
        value = self.at[self.take()[1]]
        while self.peek() == "+":
            self.take()
            value += self.at[self.take()[1]]
        return value


def lettered(tokens: list[tuple[str, str]], names: Mapping[str, Any], gradients: Mapping[str, Any]) -> dict[str, int]:
    """How far each letter runs, by the arrays that it indexes alone."""
    sizes: dict[str, int] = {}
    for place, (kind, text) in enumerate(tokens[:-1]):
        array = known(kind, text, names, gradients)
        if array is None or tokens[place + 1][1] != "[":
            continue
        listed = "".join(t for _, t in tokens[place + 2 : [t for _, t in tokens].index("]", place)]).split(",")
        shape = np.squeeze(np.asarray(array)).shape
        sizes |= {letter: size for letter, size in zip(listed, shape, strict=True) if "+" not in letter}
    return sizes


def known(kind: str, text: str, names: Mapping[str, Any], gradients: Mapping[str, Any]) -> Any:
    """The array that a token names."""
    return gradients.get(text.rpartition("∂")[2]) if kind == "grad" else names.get(text)


def evaluated(text: str, gradient: Any, names: Mapping[str, Any], gradients: Mapping[str, Any]) -> Any:
    """The array that a printed equation gives, entry by entry."""
    left, _, right = text.partition(" = ")
    free = re.search(r"\[([^\[\]]*)\]$", left)
    letters = free[1].split(",") if free else []
    tokens = [(m.lastgroup or "", m[0].strip()) for m in TOKEN.finditer(right) if m[0].strip()]
    sizes = lettered(tokens, names, gradients)
    result = np.empty(np.squeeze(gradient).shape)
    sizes |= dict(zip(letters, result.shape, strict=True))
    for numbers in itertools.product(*map(range, result.shape)):
        reader = Reader(tokens, names, gradients, dict(zip(letters, numbers, strict=True)), sizes)
        result[numbers] = reader.total()
        assert reader.place == len(tokens), text
    return result


def is_entry_by_entry(text: str) -> bool:
    """Whether nothing in it is an operator that is written whole."""
    words = re.findall(r"([^\W\d_]\w*)\(", text)
    signs = text.replace("σ(", "")
    return not set(words) - set(FUNCTIONS) and not any(sign in signs for sign in (*OTHERS, ":", ")["))


def formulas(result: Result) -> dict[str, str]:
    """Each gradient of one step, in index notation."""
    return {node.name: formula["index"] for node in result.nodes if node.gradient
            and isinstance(formula := node.gradient.formula["local"], Printed)}  # fmt: skip


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_entry_is_what_is_printed(path: Path) -> None:
    """Each step of each shipped spec, evaluated entry by entry, is the gradient; operators written whole apart."""
    result = run(load_spec(str(path)), Settings(terms=("local",), notations=("index",)))
    if result.passes:
        return
    names: dict[str, Any] = {**result.dims, **{node.name: node.value for node in result.nodes}}
    gradients = {node.name: node.gradient.value for node in result.nodes if node.gradient}
    for name, text in formulas(result).items():
        if is_entry_by_entry(text) and np.size(gradients[name]) <= 64:
            found = evaluated(text, gradients[name], names, gradients)
            np.testing.assert_allclose(found, np.squeeze(gradients[name]), rtol=1e-9, atol=1e-12, err_msg=text)


def test_most_steps_are_entry_by_entry() -> None:
    """Four in five steps of the shipped specs have no operator that is written whole."""
    asked = Settings(terms=("local",), notations=("index",))
    found = [text for path in SPECS for text in formulas(run(load_spec(str(path)), asked)).values()]
    assert sum(map(is_entry_by_entry, found)) > 0.8 * len(found)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_entries_are_the_golden_ones(path: Path) -> None:
    """What is printed does not change unnoticed (`make golden` accepts it, once it was read)."""
    result = run(load_spec(str(path)), Settings(terms=("local",), notations=("index",)))
    assert list(formulas(result).values()) == GOLDEN[path.stem]


EQUATIONS = {
    ("two_layer", "w2"): "∂loss/∂w2[i,j] = ∂loss/∂z_2[i] · y_1[j]",
    ("two_layer", "y_1"): "∂loss/∂y_1[i] = Σ_j w2[j,i] · ∂loss/∂z_2[j]",
    ("attention", "s"): "∂loss/∂s[t,i] = (∂loss/∂a[t,i] - Σ_j ∂loss/∂a[t,j] · a[t,j]) · a[t,i]",
    ("cnn", "w"): "∂loss/∂w[i,j,k] = Σ_n,l,m x[n,l+j,m+k] · ∂loss/∂z[n,i,l,m]",
}


@pytest.mark.parametrize(("spec", "node"), EQUATIONS)
def test_equations(spec: str, node: str) -> None:
    """As Einstein would write them."""
    result = run(load_spec(str(ROOT / "specs" / f"{spec}.yaml")), Settings(terms=("local",), notations=("index",)))
    assert formulas(result)[node] == EQUATIONS[spec, node]


def test_a_wrong_index_is_caught() -> None:
    """The reader of this test tells a transpose from the matrix."""
    names = {"w": np.arange(4.0).reshape(2, 2), "v": np.array([1.0, 2.0])}
    right = evaluated("∂L/∂x[i] = Σ_j w[j,i] · v[j]", np.zeros(2), names, {})
    wrong = evaluated("∂L/∂x[i] = Σ_j w[i,j] · v[j]", np.zeros(2), names, {})
    np.testing.assert_allclose(right, names["w"].T @ names["v"])
    assert not np.allclose(right, wrong)
