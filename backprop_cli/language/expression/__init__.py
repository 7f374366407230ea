"""Expressions of the spec language: a lexer, a precedence parser and the only expression tree there is.

User text is read here and nowhere else; it never reaches Python's own parser or sympy's.
Grammar, loosest first (the precedences of Python and numpy):

    either     :  both ('or' both)*
    both       :  negation ('and' negation)*
    negation   :  'not' negation | comparison
    comparison :  mask [(> | >= | < | <= | == | !=) mask]
    mask       :  masks ('|' masks)*
    masks      :  sum ('&' sum)*
    sum        :  product (('+' | '-') product)*
    product    :  unary (('*' | '/' | '@' | '//' | '%' | '⊙' | '·' | '⋆' | '∗') unary)*, and `2 x`
    unary      :  ('-' | '+' | '~') unary | power
    power      :  postfix [('**' | '^') unary]
    postfix    :  atom ('.' attribute | '.' method '(' arguments ')' | '[' subscripts ']' | 'ᵀ' | '⁻¹' | '²' | ...)*
    atom       :  number | string | name | name '(' arguments ')' | '(' ... ')' | '[' ... ']' | '|' ... '|'
               |  '√' postfix | '∂' name '/' '∂' name

What numpy's and PyTorch's users write (`np.`, `F.`, methods) becomes our own functions in `language.spelling`.
"""

from backprop_cli.language.expression.dotted import parse
from backprop_cli.language.expression.lexer import MAX_CHARACTERS, MAX_TOKENS
from backprop_cli.language.expression.parser import MAX_DEPTH, MAX_EXPONENT, MAX_HEIGHT
from backprop_cli.language.expression.tree import (
    Argument,
    Binary,
    Call,
    Ellipsis_,
    Expression,
    Indexed,
    Inverted,
    Name,
    Number,
    Partial,
    Sequence,
    Slice,
    Starred,
    String,
    Transposed,
    Unary,
    calls,
    children,
    in_a_row,
    level_of,
    names,
    notes,
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
    "Inverted",
    "Name",
    "Number",
    "Partial",
    "Sequence",
    "Slice",
    "Starred",
    "String",
    "Transposed",
    "Unary",
    "calls",
    "children",
    "in_a_row",
    "level_of",
    "names",
    "notes",
    "parse",
    "parts",
]
