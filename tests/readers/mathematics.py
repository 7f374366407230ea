"""Typeset mathematics as a tree, and its value: what LaTeX and MathML have in common.

A tree is a list of items in the order in which they are read; an item is a tuple whose first word says what it is:
`id`, `num`, `op`, `raw`, and with trees in them `br` (brackets), `frac`, `sqrt`, `sup`, `sub`, `acc`, `group`.
What may be read in two ways is refused: a word without brackets that is followed by another factor, a number of
minus signs, a sum over an axis that has no one name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_cli.engine.ops import OPS
from tests.readers import values
from tests.readers.trees import (
    APPLIED,
    COMPARED,
    SIDE_BY_SIDE,
    Tree,
    canonical,
    compares,
    indexed_labels,
    is_keyword,
    is_sum,
    peeled,
    plain,
    separated,
    size_of,
    spelled_name,
    window_of,
    word_of,
)
from tests.readers.values import (
    Any_,
    Pending,
    UnclearError,
    Value,
    pointwise,
    product,
    reduction,
    settled,
    transposed,
    turned,
    value,
)

WORDS: Mapping[str, str] = {
    "log": "log", "logσ": "logsigmoid", "logdet": "logdet", "logΓ": "lgamma", "logΦ": "log_ndtr",
    "logsoftmax": "log_softmax", "σ": "sigmoid", "ψ": "digamma",
    "ReLU": "relu", "sgn": "sign", "tr": "trace", "arcosh": "arccosh", "arsinh": "arcsinh", "artanh": "arctanh",
    "erf^-1": "erfinv", "log_2": "log2", "log_10": "log10", "log₂": "log2", "log₁₀": "log10", "lnΓ": "lgamma",
    "logΓ(": "lgamma",
}  # fmt: skip
"""What a textbook's word for a function is in the language."""
BARE: Mapping[str, Callable[..., Any]] = {"log": np.log, "log_2": np.log2, "log_10": np.log10}
"""Words that may stand before their argument without brackets."""
MANY = {"max": "maximum", "min": "minimum"}


def named(names: Mapping[str, Any]) -> dict[str, Any]:
    """Values by canonical name.  Two nodes that look alike on paper are one too many."""
    found = {canonical(name): one for name, one in names.items()}
    assert len(found) == len(names), f"names that print alike: {sorted(names)}"
    return found


@dataclass
class Reader:
    """Reads a tree; `names` and `gradients` are by canonical name, gradients by 'output/node' or by δ."""

    names: Mapping[str, Value]
    gradients: Mapping[str, Value]

    def whole(self, tree: Tree, shape: tuple[int, ...]) -> Any:
        """The array that a formula stands for, where it has this shape."""
        return settled(self.total(tree), shape or None).array

    # sums and products ───────────────────────────────────────────────────────────────────────────

    def total(self, tree: Tree) -> Any_:
        """Terms."""
        parts: list[tuple[str, Tree]] = [("+", [])]
        for place, item in enumerate(tree):
            if item[0] == "op" and item[1] in "+-" and not (place and tree[place - 1] == ("op", "·")):
                if not parts[-1][1]:
                    if place:
                        raise UnclearError("two signs in a row")
                    parts[-1] = (item[1], [])
                else:
                    parts.append((item[1], []))
            else:
                parts[-1][1].append(item)
        result = None
        for sign, part in parts:
            term = self.term(part)
            if result is None:
                result = term if sign == "+" else pointwise(np.negative, term)
            else:
                result = pointwise(np.add if sign == "+" else np.subtract, result, term)
        assert result is not None
        return result

    def term(self, tree: Tree) -> Any_:
        """Factors between ⊙, each a chain of factors side by side."""
        chains: list[Tree] = [[]]
        for item in tree:
            if item == ("op", "⊙"):
                chains.append([])
            else:
                chains[-1].append(item)
        result = None
        for place, chain in enumerate(chains):
            factor = self.chain(chain, is_last=place == len(chains) - 1)
            result = factor if result is None else pointwise(np.multiply, result, factor)
        assert result is not None
        return result

    def chain(self, tree: Tree, is_last: bool) -> Any_:
        """Factors side by side, from the left."""
        waiting = list(tree)
        if not waiting:
            raise UnclearError("nothing where a factor should be")
        factors: list[Any_] = []
        place = window_of(waiting)
        if place is not None:
            left, right = (settled(self.chain(part, is_last)) for part in (waiting[:place], waiting[place + 1 :]))
            sign = waiting[place]
            given = self.arguments(sign[2])[1] if sign[0] == "sub" else {}
            return values.windowed(sign[1][0][1] if given else sign[1], left, right, given)
        while waiting:
            if factors and waiting[0] in SIDE_BY_SIDE:
                waiting = waiting[1:]
            factor, waiting, bare = self.factor(waiting)
            if bare and (waiting or not is_last):
                raise UnclearError("a word without brackets before another factor")
            factors.append(factor)
        return _multiplied(factors)

    def factor(self, tree: Tree) -> tuple[Any_, Tree, bool]:
        """The first factor, what follows, and whether it is a word that reaches to the end of the product."""
        first, rest = tree[0], tree[1:]
        if is_sum(first):
            operand, rest, _ = self.factor(rest)
            return self.reduced("sum", first, settled(operand)), rest, True
        word, after = word_of(tree, self.names)
        if word:
            return self.applied(word, after, first)
        return self.item(first), rest, False

    def applied(self, word: str, rest: Tree, first: Any) -> tuple[Any_, Tree, bool]:
        """A function of what follows: arguments in brackets, or one factor without."""
        while rest and rest[0] == APPLIED:
            rest = rest[1:]
        layers, inner = peeled(rest[0]) if rest else ([], None)
        if inner is not None and inner[0] == "br" and inner[1] == "(":
            made = self.call(word, inner[2], first)
            for kind, other in layers:
                made = self.postfix(kind, made, other)
            return made, rest[1:], False
        if word not in BARE or not rest:
            raise UnclearError(f"{word} without an argument")
        operand, rest, _ = self.factor(rest)
        return pointwise(BARE[word], operand), rest, True

    # one item ────────────────────────────────────────────────────────────────────────────────────

    def item(self, item: Any) -> Any_:
        """A number, a name, brackets, a fraction, a root, a power, an index."""
        kind = item[0]
        if kind == "num":
            return values.number(item[1])
        if kind == "group":
            return self.total(item[1])
        if kind == "br":
            return self.bracketed(item)
        if kind == "grid":
            return self.listed(item[1])
        if kind == "frac":
            return self.fraction(item[1], item[2])
        if kind == "sqrt":
            return values.root(self.total(item[1]))
        found = self.name(item)
        if found is not None:
            return found
        if kind in {"sup", "sub"}:
            return self.scripted(item)
        if item == ("id", "I"):
            return Pending(lambda met: value(np.eye(size_of(met))), sized=True)
        if item in {("id", "π"), ("id", "e"), ("id", "∞"), ("id", "inf")}:
            return value({"π": np.pi, "e": np.e, "∞": np.inf, "inf": np.inf}[item[1]])
        raise UnclearError(f"what is {item}?")

    def name(self, item: Any) -> Value | None:
        """A node or a δ by its name."""
        spelled = spelled_name(item)
        if spelled is None:
            return None
        if spelled in self.names:
            return self.names[spelled]
        return self.gradients.get(spelled)

    def scripted(self, item: Any) -> Any_:
        """A power, a transpose, an inverse, an entry."""
        kind, base, other = item
        if kind == "sub" and base == [("id", "𝟏")]:
            return value(np.ones(tuple(int(part[1]) if part[0] == "num" else int(self.item(part).array)
                                       for part in other if part[0] != "op")))  # fmt: skip
        if kind == "sub" and len(base) == 1 and base[0][0] == "bold":
            place = int(plain(other).replace("−", "-"))
            return Pending(lambda met: value(np.eye(size_of(met))[place]), sized=True, vector=True)
        if kind == "sup" and base == [("id", "e")] and "e" not in self.names:
            return pointwise(np.exp, self.total(other))
        return self.postfix(kind, self.total(base), other)

    def postfix(self, kind: str, base: Any_, other: Tree) -> Any_:
        """What stands above or below something."""
        if kind == "sub":
            inner = plain(other).replace("−", "-").strip()
            if not (inner.startswith("[") and inner.endswith("]")):
                raise UnclearError(f"an index {inner} of something that is no name")
            one = settled(base)
            labels = other[0][2] if other[0][0] == "br" else other[1:-1]
            if any(part[0] not in {"op", "num"} and plain([part]) != "None" for part in labels):
                return self.picked(one, separated(labels))
            entry = eval(f"np.s_[{inner[1:-1]}]", {"np": np})
            made = one.array[entry]
            return value(made, indexed_labels(one, entry, made))
        signs = "".join(part[1] if part[0] in {"op", "num"} else "?" for part in other)
        if signs == "⊤":
            return turned(base)
        one = settled(base) if isinstance(base, Value) else base
        if signs in {"-1", "-⊤"} and isinstance(one, Value) and one.rank > 1:
            inverse = value(np.linalg.inv(one.array), one.labels[::-1])
            return transposed(inverse) if signs == "-⊤" else inverse
        if signs in {"+", "+⊤"}:
            inverse = value(np.linalg.pinv(settled(base).array))
            return transposed(inverse) if signs == "+⊤" else inverse
        return pointwise(np.power, base, self.total(other))

    def picked(self, one: Value, places: list[Tree]) -> Value:
        """x[t], x[:, t], x[n, t[n]], x[n, t[n,k]]: labels; a letter stands for all places of its axis."""
        label = next((one for one, *_ in places if one[0] == "sub" and spelled_name(one) not in self.names), None)
        if label is None:
            return value(one.array[tuple(map(self.place, places))])
        _, base, inner = label
        labels, at = settled(self.total(base)).array.astype(int), places.index([label])
        letters = re.sub(r"[\[\], ]", "", plain(inner))
        if len(letters) == len(places) and len(places) > 1 and labels.ndim == len(places):
            return value(np.take_along_axis(one.array, labels, at))
        return value(np.take_along_axis(one.array, np.expand_dims(labels, at), at).squeeze(at))

    def place(self, tree: Tree) -> Any:
        """One of the places in brackets: all of an axis, a list of labels, a label."""
        if len(tree) == 1 and tree[0][:2] == ("br", "["):
            return [int(settled(self.total(label)).array) for label in separated(tree[0][2])]
        text = plain(tree).replace("−", "-").strip()
        if ":" in text or text in {"...", "None"}:
            return eval(f"np.s_[{text}]", {"np": np})
        return settled(self.total(tree)).array.astype(int)

    def bracketed(self, item: Any) -> Any_:
        """(a), |a|, [a > b], floor and ceiling."""
        _, sign, inner = item[:3]
        if sign == "(":
            return self.total(inner)
        if sign == "|":
            return pointwise(np.abs, self.total(inner))
        if sign in "⌈⌊":
            return pointwise(np.ceil if sign == "⌈" else np.floor, self.total(inner))
        place = next((i for i, part in enumerate(inner) if part[0] == "op" and part[1] in COMPARED), None)
        if place is None:
            return self.listed([[one] for one in separated(inner)])
        left, right = self.total(inner[:place]), self.total(inner[place + 1 :])
        compare = COMPARED[inner[place][1]]
        return pointwise(lambda a, b: compare(a, b).astype(float), left, right)

    def listed(self, cells: list[list[Tree]]) -> Value:
        """A matrix, or a column of numbers, which is a vector; a list in a list is a row."""
        rows = [[settled(self.total(cell)).array for cell in row] for row in cells]
        return value(np.array([row[0] if len(row) == 1 else row for row in rows]))

    def fraction(self, above: Tree, below: Tree) -> Any_:
        """A quotient, or ∂output/∂node."""
        if above[:1] == [("op", "∂")] and below[:1] == [("op", "∂")]:
            name = "".join(spelled_name(part) or "" for part in below[1:])
            if f"∂{name}" not in self.gradients:
                raise UnclearError(f"the gradient of {name!r}?")
            return self.gradients[f"∂{name}"]
        return pointwise(np.divide, self.total(above), self.total(below))

    # functions ───────────────────────────────────────────────────────────────────────────────────

    def reduced(self, name: str, sign: Any, operand: Value) -> Any_:
        """Σ_n x, mean_n(x)."""
        if sign[0] == "op" or sign[0] == "id":
            return reduction(name, operand, None)
        inner = plain(sign[2])
        match = re.fullmatch(r"axis[\s·]*(\(?[\d,\s−-]+\)?)", inner.strip())
        if match:
            axes = eval(match[1].replace("−", "-"))
            return reduction(name, operand, axes if isinstance(axes, tuple) else (axes,))
        return reduction(name, operand, values.axes_named(inner.strip(), operand))

    def call(self, word: str, inner: Tree, first: Any) -> Any_:
        """A function by its word."""
        positional, keywords = self.arguments(inner)
        if first[0] == "sub" and word in values.REDUCTIONS:
            return self.reduced(word, first, settled(positional[0]))
        if word in MANY and len(positional) == 2 and not keywords and isinstance(positional[1], Value | Pending):
            word = MANY[word]
        if word == "spread":
            return values.shared(settled(positional[0]), *positional[1:], **keywords)
        if word == "to_max":
            return values.to_max(settled(positional[0]), settled(positional[1]), positional[2:], keywords)
        word = WORDS.get(word, word)
        if word not in OPS:
            raise UnclearError(f"no function is called {word}")
        if word == "sum" and not keywords and len(positional) == 1:
            return reduction("sum", settled(positional[0]), None)
        return values.called(word, positional, keywords)

    def arguments(self, inner: Tree) -> tuple[list[Any], dict[str, Any]]:
        """Positional arguments and those by keyword."""
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for part in separated(inner):
            if is_keyword(part):
                place = part.index(("op", "="))
                keywords[plain(part[:place]).replace("\\", "")] = self.keyword(part[place + 1 :])
            else:
                positional.append(self.argument(part))
        return positional, keywords

    def keyword(self, part: Tree) -> Any:
        """A static argument, or a tensor by keyword."""
        found = self.static(part)
        return self.total(part) if found is ... else found

    def argument(self, part: Tree) -> Any:
        """A tensor, a list of tensors, a string, a tuple of sizes."""
        if part and part[0][0] == "raw":
            return part[0][1]
        if len(part) == 1 and part[0][0] == "br" and part[0][1] == "[" and not compares(part[0][2]):
            return [self.total(inner) for inner in separated(part[0][2])]
        if len(part) == 1 and part[0][0] == "br" and part[0][1] == "(" and (
                not part[0][2] or ("op", ",") in part[0][2]):  # fmt: skip
            return self.static(part)
        if not self.is_tensor(part):
            found = self.static(part)
            if found is not ...:
                return found
        return self.total(part)

    @staticmethod
    def is_tensor(part: Tree) -> bool:
        """Whether an argument is more than a plain number or word."""
        return not all(p[0] in {"num", "op"} or p[0] == "id" and p[1] in {"none", "true", "false", "inf"} for p in part)

    def static(self, part: Tree) -> Any:
        """A number, a word, a tuple; ... where it is none."""
        if len(part) == 1 and part[0][0] == "raw":
            return part[0][1]
        if len(part) == 1 and part[0][0] == "br" and part[0][1] == "(":
            return tuple(self.static(one) for one in separated(part[0][2]) if one)
        words = {"none": None, "true": True, "false": False, "inf": math.inf}
        if len(part) == 1 and part[0][0] == "id" and part[0][1] in words:
            return words[part[0][1]]
        if len(part) == 2 and part[0][0] == "op" and part[0][1] in "-−" and part[1] in {("id", "inf"), ("num", "∞")}:
            return -math.inf
        try:
            made = self.total(part)
        except UnclearError:
            return ...
        if isinstance(made, Pending) or made.rank:
            return ...
        number = float(made.array)
        return int(number) if number.is_integer() else number


def _multiplied(factors: list[Any_]) -> Any_:
    """From the left; where vectors make that impossible, a scalar of a row and a column comes first."""
    result = factors[0]
    for factor in factors[1:]:
        result = product(result, factor)
    return result
