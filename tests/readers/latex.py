r"""LaTeX mathematics as a tree: commands, scripts and brackets, read the way that TeX reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.readers.trees import GREEK, Tree

TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|[A-Za-z]+|\d[\d.]*(?:e[+-]?\d+)?|\s+|.", re.DOTALL)
LETTERS = {word: letter for letter, word in GREEK.items() if letter != "ϕ"}
OPERATORS = {r"\odot": "⊙", r"\cdot": "·", r"\ge": "≥", r"\le": "≤", r"\ne": "≠", r"\sum": "∑", r"\partial": "∂",
             r"\top": "⊤", r"\times": "×", r"\,": "·", r"\star": "⋆", r"\ast": "∗"}  # fmt: skip
FUNCTIONS = {"log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "det", "max", "min"}
CLOSING = {"(": ")", "[": "]", "|": "|", r"\lceil": r"\rceil", r"\lfloor": r"\rfloor"}
OPENING = {r"\lceil": "⌈", r"\lfloor": "⌊"}


@dataclass
class Lexer:
    """Tokens, taken one by one."""

    tokens: list[str]
    place: int = 0

    @property
    def next(self) -> str:
        """The next token; nothing at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        """The next token, taken."""
        self.place += 1
        return self.tokens[self.place - 1]

    def expect(self, token: str) -> None:
        """The next token has to be this one."""
        found = self.take()
        assert found == token, (token, found, self.tokens)


def tree_of(text: str) -> Tree:
    """A formula as a tree."""
    lexer = Lexer([token for token in TOKEN.findall(text) if not token.isspace()])
    tree = _until(lexer, "")
    assert lexer.place == len(lexer.tokens), text
    return tree


def _until(lexer: Lexer, *ends: str) -> Tree:
    """Items up to a closing token, which is left."""
    tree: Tree = []
    while lexer.next and lexer.next not in ends:
        if lexer.next in {"^", "_"}:
            kind = "sup" if lexer.take() == "^" else "sub"
            base = tree.pop()
            assert base[0] != kind, "two scripts of one kind"
            tree.append((kind, base[1] if base[0] == "group" else [base], _argument(lexer)))
        elif lexer.next == "'" and tree and _ends_name(lexer):
            lexer.take()
            tree[-1] = _primed(tree[-1])
        else:
            tree.append(_item(lexer))
    return tree


def _ends_name(lexer: Lexer) -> bool:
    return lexer.tokens[lexer.place - 1] not in {",", "(", "[", "="}


def _primed(item: Any) -> Any:
    """δ': the mark belongs to the letter."""
    return ("sub", item[1], [*item[2], ("id", "'")]) if item[0] == "sub" else ("id", item[1] + "'")


def _argument(lexer: Lexer) -> Tree:
    """What a command takes: a group or one token."""
    if lexer.next == "{":
        lexer.take()
        tree = _until(lexer, "}")
        lexer.expect("}")
        return tree
    return [_item(lexer)]


def _item(lexer: Lexer) -> Any:
    token = lexer.take()
    if token == "{":
        lexer.place -= 1
        return ("group", _argument(lexer))
    if token == r"\left":
        return _brackets(lexer, lexer.take(), "left")
    if token in {"(", "[", r"\lceil", r"\lfloor"}:
        return _brackets(lexer, token, "plain")
    if token == r"\begin":
        return _grid(lexer)
    if token == r"\frac":
        return ("frac", _argument(lexer), _argument(lexer))
    if token == r"\sqrt":
        return ("sqrt", _argument(lexer))
    if token in {r"\hat", r"\bar", r"\tilde"}:
        return ("acc", token[1:], _argument(lexer))
    if token in {r"\mathrm", r"\operatorname", r"\mathtt", r"\mathbf", r"\texttt", r"\text"}:
        return _word(lexer, token)
    return _string(lexer) if token == "'" else _sign(token)


def _sign(token: str) -> Any:
    """An item of one token."""
    if token in OPERATORS:
        return ("op", OPERATORS[token])
    if token == r"\infty":
        return ("num", "∞")
    if token.startswith("\\"):
        word = token[1:]
        if word in FUNCTIONS:
            return ("fn", word)
        return ("id", LETTERS[word]) if word in LETTERS else ("op", word)
    if token[0].isdigit():
        return ("num", token)
    return ("id", token) if token.isalpha() else ("op", token)


def _brackets(lexer: Lexer, sign: str, kind: str) -> Any:
    """A pair of brackets and what stands between."""
    close = r"\right" if kind == "left" else CLOSING[sign]
    tree = _until(lexer, close)
    lexer.expect(close)
    if kind == "left":
        lexer.expect(CLOSING[sign])
    return ("br", OPENING.get(sign, sign), tree, kind)


def _grid(lexer: Lexer) -> Any:
    """A matrix: rows of cells."""
    for token in ("{", "bmatrix", "}"):
        lexer.expect(token)
    cells: list[list[Tree]] = [[]]
    while True:
        cells[-1].append(_until(lexer, "&", r"\\", r"\end"))
        token = lexer.take()
        if token == r"\end":
            break
        cells += [[]] if token == r"\\" else []
    for token in ("{", "bmatrix", "}"):
        lexer.expect(token)
    return ("grid", cells)


def _word(lexer: Lexer, command: str) -> Any:
    """A word that is set upright."""
    lexer.expect("{")
    text, depth = "", 1
    while depth:
        token = lexer.take()
        depth += (token == "{") - (token == "}")
        if depth:
            text += _plain(token)
    if command == r"\operatorname":
        return ("fn", text)
    if command == r"\mathbf":
        return ("id", "𝟏") if text == "1" else ("bold", text)
    if text[:1] == "'":
        return ("raw", text.strip("'"))
    return ("id", text)


def _plain(token: str) -> str:
    if token.startswith("\\"):
        return LETTERS.get(token[1:], "" if token == r"\ " else token[1:])
    return token


def _string(lexer: Lexer) -> Any:
    """A literal in quotes."""
    text = ""
    while lexer.next != "'":
        token = lexer.take()
        text += "" if token in {r"\texttt", "{", "}"} else _plain(token)
    lexer.take()
    return ("raw", text)
