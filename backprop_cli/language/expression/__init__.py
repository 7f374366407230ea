"""Expressions of the spec language: a lexer, a precedence parser and the only expression tree there is.

User text is read here and nowhere else; it never reaches Python's own parser or sympy's.
Grammar, loosest first (the precedences of Python and numpy):

    comparison :  sum [(> | >= | < | <= | == | !=) sum]
    sum        :  product (('+' | '-') product)*
    product    :  unary (('*' | '/' | '@') unary)*
    unary      :  ('-' | '+') unary | power
    power      :  postfix ['**' unary]
    postfix    :  atom ('.T' | '[' subscript (',' subscript)* ']')*
    atom       :  number | string | name | name '(' arguments ')' | '(' ... ')' | '[' ... ']'
"""

from backprop_cli.language.expression.lexer import MAX_CHARACTERS, MAX_TOKENS
from backprop_cli.language.expression.parser import MAX_DEPTH, MAX_EXPONENT, MAX_HEIGHT, parse
from backprop_cli.language.expression.tree import (
    Argument,
    Binary,
    Call,
    Ellipsis_,
    Expression,
    Indexed,
    Name,
    Number,
    Sequence,
    Slice,
    String,
    Transposed,
    Unary,
    children,
    in_a_row,
    level_of,
    names,
    parts,
)

__all__ = [
    "MAX_CHARACTERS",
    "MAX_DEPTH",
    "MAX_EXPONENT",
    "MAX_HEIGHT",
    "MAX_TOKENS",
    "Argument",
    "Binary",
    "Call",
    "Ellipsis_",
    "Expression",
    "Indexed",
    "Name",
    "Number",
    "Sequence",
    "Slice",
    "String",
    "Transposed",
    "Unary",
    "children",
    "in_a_row",
    "level_of",
    "names",
    "parse",
    "parts",
]
