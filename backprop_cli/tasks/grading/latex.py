r"""A formula in LaTeX as the program's own text: `W_{2}^\top \frac{\partial L}{\partial z}` is `W2ᵀ · ∂L/∂z`.

Signs are replaced by a table, and two factors that stand side by side are given their `·`. What comes out is read by
the parser of expressions like any other answer; a command that has no row here stays, and the parser says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from backprop_cli.errors import SpecError
from backprop_cli.language.expression.cursor import MAX_DEPTH
from backprop_cli.language.expression.lexer import SUPERSCRIPTS
from backprop_cli.tasks.grading.items import indexed, other_spelling
from backprop_cli.tasks.grading.latex_commands import (
    ABOVE,
    ACCENTS,
    APPLIED,
    FRACTIONS,
    FUNCTIONS,
    LETTERS,
    NOTHING,
    SIGNS,
    UPRIGHT,
)
from backprop_cli.tasks.grading.loose import EQUALS, ONES
from backprop_cli.tasks.grading.pieces import Part, joined

TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[a-zA-Z]\d*|\s+|.", re.DOTALL)

_CASES = re.compile(r"\\begin\{cases\}(.*?)&(.*?)\\\\(.*?)&.*?\\end\{cases\}", re.DOTALL)
_CODE = r"[a-z][a-z0-9_]+(?=\()|(?<=[,\s])[a-z]+(?=\s*=)"
"""The function of a call as code writes it, and the name of an argument, among LaTeX: no letters side by side."""
_IF = re.compile(r"^\s*(?:\\(?:text|mathrm|textrm)\{\s*(?:if|for|where)\s*\}|if|for)\s*")
FIXED: Mapping[str, Part] = {
    "(": Part("(", "open"), r"\{": Part("(", "open"), "[": Part("[", "open"), ")": Part(")", "close"),
    r"\}": Part(")", "close"), "]": Part("]", "close"), r"\partial": Part("∂", "prefix"), r"\top": Part("ᵀ", "suffix"),
    "∂": Part("∂", "prefix"), "√": Part("√", "prefix"), **{sign: Part(sign, "suffix") for sign in SUPERSCRIPTS},
}  # fmt: skip


def is_latex(text: str) -> bool:
    """Whether an answer is written in LaTeX at all."""
    return "\\" in text


def to_text(latex: str, nodes: Collection[str]) -> str:
    """The same formula in the program's text; names are looked for among the nodes (`z_{2}`: z_2, or z2)."""
    latex = _CASES.sub(lambda found: rf"\operatorname{{where}}({_IF.sub('', found[2])}, {found[1]}, {found[3]})", latex)
    names = {"loss", *nodes}
    words = sorted((one for name in names for one in (name, f"d{name}") if len(one) > 1), key=len, reverse=True)
    stems = sorted({one.partition("_")[0] for one in words if "_" in one[2:]}, key=len, reverse=True)
    whole = rf"(?:{'|'.join(map(re.escape, words))})(?![a-zA-Z0-9_])"  # names, though no \mathrm says so
    begun = rf"(?:{'|'.join(map(re.escape, stems))})(?=_\{{)|" if stems else ""  # net of net_{o1}
    tokens = re.findall(rf"\\[a-zA-Z]+|\\.|{whole}|{begun}{_CODE}|{TOKEN.pattern}", latex, re.DOTALL)
    return joined(Reader([token for token in tokens if not token.isspace()], nodes).parts())


class Reader:
    """Tokens, taken from left to right."""

    def __init__(self, tokens: list[str], nodes: Collection[str]) -> None:
        self.tokens = tokens
        self.nodes = nodes
        self.at = 0
        self.depth = 0

    def parts(self, until: str = "") -> list[Part]:
        """The pieces up to a closing brace, or the end."""
        found: list[Part] = []
        self.deeper()
        while self.at < len(self.tokens):
            mark = self.next()
            if mark == until:
                break
            found += self.one(mark)
        self.depth -= 1
        return found

    def deeper(self) -> None:
        """Go into a group.

        Raises:
            SpecError: E016 for too many inside each other.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SpecError("E016", f"braces are nested more than {MAX_DEPTH} deep")

    def next(self) -> str:
        """The next token; nothing at the end."""
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def peek(self) -> str:
        """The token after that."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def group(self) -> list[Part]:
        """What stands in braces, or the one token that needs none."""
        mark = self.next()
        if mark == "{":
            return self.parts("}")
        if mark.isdigit() and len(mark) > 1:  # \frac12
            self.at -= 1
            self.tokens[self.at] = mark[1:]
            return [Part(mark[0], "number")]
        self.deeper()
        found = list(self.one(mark))
        self.depth -= 1
        return found

    def nabla(self) -> Iterator[Part]:
        r"""A gradient by its operator: `\nabla_{z_2} L`."""
        node = self.below()
        if self.peek() in {"L", "J", "E", "C", r"\mathcal", r"\ell"}:
            self.group() if self.next() == r"\mathcal" else None
        yield Part(f"grad({node})", "factor")

    def one(self, mark: str) -> Iterator[Part]:
        """The pieces that a token begins."""
        if mark in NOTHING:
            return
        if mark in READERS:
            yield from READERS[mark](self)
        elif mark in FIXED:
            yield FIXED[mark]
        elif mark in SIGNS or mark in "+-*/=<>,|":
            yield Part(SIGNS.get(mark, mark), "sign")
        elif mark[0].isdigit():
            yield Part(mark, "number")
        else:
            yield from self.name(mark)

    def braces(self) -> Iterator[Part]:
        """What stands in braces is one factor."""
        inner = self.parts("}")
        yield from inner if _bracketed(inner) or len(inner) == 1 else [Part(f"({joined(inner)})", "factor")]

    def fraction(self) -> Iterator[Part]:
        """A quotient, or a derivative."""
        top, bottom = joined(self.group()), joined(self.group())
        if re.match(r"d\W*\w", top) and re.match(r"d\W*\w", bottom) and not {top, bottom} & set(self.nodes):
            top, bottom = ("∂" + one[1:].lstrip(" ·") for one in (top, bottom))
        derivative = top.startswith("∂") and bottom.startswith("∂")
        yield Part(f"{top}/{bottom}" if derivative else f"(({top})/({bottom}))", "factor")

    def root(self) -> Iterator[Part]:
        """A square root."""
        yield Part(f"sqrt({joined(self.group())})", "factor")

    def power(self) -> Iterator[Part]:
        """What stands above: a transpose, an inverse, an exponent."""
        if self.peek() in {r"\top", "T", r"\intercal", r"\prime"}:
            self.next()
            yield Part("ᵀ", "suffix")
            return
        above = joined(self.group()).replace("- ", "-")
        yield Part(ABOVE.get(above, f"**({above})"), "suffix")

    def placed(self) -> Iterator[Part]:
        """An index behind a bracket."""
        index = _word(self.group())
        yield Part(f"[{index if set(index) & set(',+-') else ', '.join(index)}]", "suffix")

    def sum(self) -> Iterator[Part]:
        """A sum, by the letter or the number of its axis; by several letters one in the other; of those that fit."""
        below = self.below()
        number = re.fullmatch(r"axis(\d+)", below)
        letters, _, condition = re.sub(r"=.*?(?=,|$)", "", below, count=0 if "," in below else 1).partition(":")
        if self.peek() == "^":  # how far it goes
            self.next()
            self.group()
        if number:
            yield Part(f"Σ#{number[1]}", "function")
        else:
            yield from (Part(f"Σ_{letter}" if letter else "Σ", "function") for letter in letters.split(","))
        if condition:
            yield Part(f"({condition})", "factor")

    def below(self) -> str:
        """What stands below, without what is only there for the eye; nothing where nothing does."""
        if self.peek() in {r"\limits", r"\nolimits"}:
            self.next()
        if self.peek() != "_":
            return ""
        self.next()
        return _word(self.group())

    def name(self, mark: str) -> Iterator[Part]:
        r"""A name with its index; one letter each, as in mathematics, where it is not in \mathrm."""
        if mark == "d" and mark not in self.nodes and (found := self.gradient()):
            yield found
            return
        is_function = mark in FUNCTIONS and other_spelling(LETTERS.get(mark, mark), self.nodes) is None
        prime = "" if mark in UPRIGHT else self.prime() or (self.exponent() if is_function else "")
        if is_function and self.called():
            yield Part(FUNCTIONS[mark] + prime, "function")
            return
        if is_function and mark in APPLIED and not prime and self.at < len(self.tokens):  # \sin\theta, \ln q_i
            yield Part(f"{FUNCTIONS[mark]}({joined(list(self.unit()))})", "factor")
            return
        base = self.base(mark)
        prime = prime or self.prime()  # \mathrm{ReLU}'(z)
        if prime and base not in self.nodes:
            yield Part(base + prime, "function" if self.called() else "factor")
            return
        base += prime
        index = self.below().replace(",", "_")
        if base == "1" and mark in UPRIGHT and not set(index) & set("<>="):
            index, base = "", ONES if self.peek() not in {"[", "(", r"\{", r"\left"} else base
        if set(index) & {"+", "-"} and base not in {"1", ""}:  # x_{i+j}
            yield Part(f"{base}[{index.replace('_', ', ')}]", "factor")
            return
        if index:
            spelled = (f"{base}_{index}", f"{base}{index}")
            base = next((one for one in spelled if one in self.nodes), spelled[0])
            if spelled[1][0] == "1" and set(index) & set("<>="):  # an indicator
                base = f"({EQUALS.sub('==', index)})"
        if base == "1" and self.peek() in {"[", "(", r"\{", r"\left"}:  # an indicator, whose condition says it alone
            yield Part(f"({EQUALS.sub('==', joined(self.bracketed()))})", "factor")
            return
        function = base not in self.nodes and (mark in UPRIGHT or len(mark.strip("0123456789")) > 1) and self.called()
        yield Part(base, "function" if function else "factor")

    def gradient(self) -> Part | None:
        r"""`d\hat{x}`, `da_{1}`: a d before the name of a node."""
        start, mark = self.at, self.next()
        if mark[:1].isalpha() or mark in ACCENTS or mark in LETTERS:
            found = list(self.name(mark))
            name = found[0].text.partition("[")[0]
            stems = [name, *(stem for stem, _ in indexed(name))]
            if len(found) == 1 and found[0].kind == "factor" and any(other_spelling(one, self.nodes) for one in stems):
                return Part("d" + found[0].text, "factor")
        self.at = start
        return None

    def prime(self) -> str:
        """The prime of a derivative after a function's name."""
        if self.peek() == "'":
            return self.next()
        if self.tokens[self.at : self.at + 2] in (["^", r"\prime"], ["^", "'"]):
            self.at += 2
            return "'"
        return ""

    def unit(self) -> Iterator[Part]:
        """One factor with what stands below and above it."""
        yield from self.one(self.next())
        while self.peek() in {"^", "'"}:
            yield from self.one(self.next())

    def bracketed(self) -> list[Part]:
        """What stands in the brackets that open here."""
        found: list[Part] = []
        depth = 0
        while self.at < len(self.tokens):
            made = list(self.one(self.next()))
            depth += sum((part.kind == "open") - (part.kind == "close") for part in made)
            found += made
            if made and depth == 0:
                break
        return found[1:-1]

    def exponent(self) -> str:
        r"""`\tanh^2(z)`: the power of what a function gives."""
        found = re.match(r"\^ (?:(\d) |\{ (\d) \} )(?=\(|\\left)", " ".join(self.tokens[self.at : self.at + 5]))
        self.at += 0 if found is None else 2 if found[1] else 4
        return f"^{found[1] or found[2]}" if found else ""

    def called(self) -> bool:
        """Whether a bracket opens here."""
        return self.peek() in {"(", r"\left"}

    def base(self, mark: str) -> str:
        """A name without its index."""
        if mark in UPRIGHT:
            return _word(self.group())
        if mark in ACCENTS:
            accented = self.group() if self.peek() == "{" or self.peek()[:1] == "\\" else [Part(self.next(), "factor")]
            return _word(accented) + mark[1:]
        return LETTERS.get(mark, FUNCTIONS.get(mark, mark))


READERS: Mapping[str, Callable[[Reader], Iterator[Part]]] = {
    "{": Reader.braces, "^": Reader.power, "_": Reader.placed, r"\sqrt": Reader.root,
    **dict.fromkeys(FRACTIONS, Reader.fraction),
    **dict.fromkeys((r"\sum", "Σ", "∑"), Reader.sum), **dict.fromkeys((r"\nabla", "∇"), Reader.nabla),
}  # fmt: skip
"""By the token that begins it."""


def _word(parts: list[Part]) -> str:
    return joined(parts).replace(" ", "").replace("·", "")


def _bracketed(parts: list[Part]) -> bool:
    return bool(parts) and parts[0].kind == "open" and parts[-1].kind == "close"
