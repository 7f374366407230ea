from __future__ import annotations

from fractions import Fraction

import pytest

from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression import parse
from backprop_cli.language.source import inline
from tests.draws import seeded
from tests.draws import text as letters
from tests.hostile.strategies import wild


def brackets(text: str) -> str:
    """An expression with every operation bracketed: its structure on one line."""
    return _bracketed(parse(inline(text)))


def _bracketed(node: ast.Expression | None) -> str:
    match node:
        case None:
            return ""
        case ast.Number(text=text) | ast.Name(name=text):
            return text
        case ast.String(value=value):
            return repr(value)
        case ast.Unary(operand=operand):
            return f"(-{_bracketed(operand)})"
        case ast.Binary(operator=operator, left=left, right=right):
            return f"({_bracketed(left)} {operator} {_bracketed(right)})"
        case ast.Call(function=function, arguments=arguments):
            return f"{function}({_arguments(arguments)})"
        case ast.Transposed(operand=operand, matrix=matrix):
            return f"{_bracketed(operand)}.{'mT' if matrix else 'T'}"
        case ast.Indexed(operand=operand, subscripts=subscripts):
            inner = f"({_bracketed(operand)})" if isinstance(operand, ast.Number) else _bracketed(operand)
            return f"{inner}[{', '.join(map(_bracketed, subscripts))}]"
        case ast.Slice(first=first, stop=stop, step=step):
            return ":".join(map(_bracketed, (first, stop, step)))
        case ast.Sequence(items=items, bracket=bracket):
            return bracket + ", ".join(map(_bracketed, items)) + {"[": "]", "(": ",)"}[bracket]
    return "..."


def _arguments(arguments: tuple[ast.Argument, ...]) -> str:
    words = [f"{one.keyword}={_bracketed(one.value)}" if one.keyword else _bracketed(one.value) for one in arguments]
    return ", ".join(words)


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("a + b*c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b @ c", "((a / b) @ c)"),
        ("-x**2", "(-(x ** 2))"),
        ("2**-x", "(2 ** (-x))"),
        ("a**b**c", "(a ** (b ** c))"),
        ("-a @ b", "((-a) @ b)"),
        ("a.T @ b", "(a.T @ b)"),
        ("x.mT[0]", "x.mT[0]"),
        ("a + b > c*d", "((a + b) > (c * d))"),
        ("(a > b)*(a < c)", "((a > b) * (a < c))"),
        ("f(x, axis=-1)", "f(x, axis=(-1))"),
        ("f(a == b)", "f((a == b))"),
        ("concat([a, b,], axis=0)", "concat([a, b], axis=0)"),
        ("reshape(x, (2, 3))", "reshape(x, (2, 3,))"),
        ("sum(x, (0,))", "sum(x, (0,))"),
        ("x[0]", "x[0]"),
        ("x[1:3, :]", "x[1:3:, ::]"),
        ("x[..., none]", "x[..., none]"),
        ("x[::2]", "x[::2]"),
        ("x[-1:]", "x[(-1)::]"),
        ("einsum('ij,jk->ik', a, b)", "einsum('ij,jk->ik', a, b)"),
        ("1e-3*σ_1", "(1e-3 * σ_1)"),
        ("2 x ⊙ y", "((2 * x) * y)"),
        ("2(a + b)/3", "((2 * (a + b)) / 3)"),
        ("-2 x²", "((-2) * (x ** 2))"),
        ("½ xᵀ · y", "((½ * x.mT) · y)"),
        ("√x/2", "(sqrt(x) / 2)"),
        ("|a - |b||", "abs((a - abs(b)))"),
        ("||a - b||² + ||a| - |b||", "((norm((a - b)) ** 2) + abs((abs(a) - abs(b))))"),
        ("∑_n(a) + ∑ b", "(Σ_n(a) + Σ(b))"),
        ("a | b & c > d", "((a or (b and c)) > d)"),
        ("not a > b or c", "(logical_not((a > b)) or c)"),
        ("[a = b]", "[(a == b)]"),
        ("∂loss/∂z · xᵀ", "(grad(z) · x.mT)"),
        ("log σ(x)", "logsigmoid(x)"),
        ("x.shape[0] // 2", "(shape(x)[0] // 2)"),
        ("x.sum(0)", "sum(x, axis=0)"),
        ("np.exp(x).T", "exp(x).T"),
        ("self.W @ x", "(W @ x)"),
        ("x.grad", "grad(x)"),
        ("1_000.5", "1_000.5"),
        ("+x", "x"),
        (" ( ( x ) ) ", "x"),
        ("1/2 * sum((y_2 - y)**2)", "((1 / 2) * sum(((y_2 - y) ** 2)))"),
    ],
)
def test_precedence_and_associativity_are_numpys(text, structure):
    """Rule: operators bind and associate as in Python, postfix tightest, comparisons loosest."""
    assert brackets(text) == structure


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", Fraction(1, 1000)), ("0.1", Fraction(1, 10)), (".5", Fraction(1, 2)), ("3.", Fraction(3))],
)
def test_literals_are_exact(text, value):
    """Rule: a literal is the fraction it is written as, not a float."""
    number = parse(inline(text))
    assert isinstance(number, ast.Number)
    assert number.value == value


ERRORS = [
    ("", "1:1 expected an expression, found the end of the expression", None),
    ("a +", "1:4 expected a value, found the end of the expression", None),
    ("g/2 x", "1:3 '/2 x' can be read in two ways", "write .../(2*x) or .../2*x"),
    ("W×x", "1:2 unexpected character '×'", "use @ for a matrix product, * for an elementwise one"),
    ("x'", "1:2 unexpected character \"'\"", "the transpose is written x.T or xᵀ"),
    ("a ** * b", "1:6 expected a value, found '*'", "use ** for powers"),
    ("a = b", "1:3 expected an operator or the end of the expression, found '='",
     "use == to compare; a node's name stands before the colon"),
    ("a < b < c", "1:7 comparisons do not chain", "multiply two masks: (a < b)*(b < c)"),
    ("f(x", "1:4 expected ')' to close the call of 'f', found the end of the expression", None),
    ("(x", "1:3 expected ')' to close the bracket, found the end of the expression", None),
    ("x[]", "1:2 empty index", "write x[0] or x[1:3, :]"),
    ("x[1:2:3:4]", "1:9 expected at most two ':' in a slice, found '4'", None),
    ("x.S", "1:3 expected T or a method after '.', found 'S'", None),
    ("x y", "1:3 expected an operator or the end of the expression, found 'y'",
     "an operator is missing between 'x' and 'y', or brackets: x(y)"),
    ("a if b else c", "1:3 expected an operator or the end of the expression, found 'if'",
     "use where(condition, a, b)"),
    ("'abc", "1:1 unexpected character \"'\"", "a string ends on its own line with the quote it began with"),
    ("1e999", "1:1 the number 1e999 is out of range", "numbers are float64: at most about 1.8e308"),
    ("1__0", "1:2 expected an operator or the end of the expression, found '__0'",
     "write '_' only between digits: 1_000"),
    ("a; b", "1:2 unexpected character ';'", "write one expression for each node"),
    (r"\frac{a}{b}", r"1:1 unexpected character '\\'", "write (a)/(b)"),
    (r"W \sigma(x)", r"1:3 unexpected character '\\'", "write sigmoid(x) or σ(x)"),
    (r"\sum_{i} x", r"1:1 unexpected character '\\'", "write sum(x) or sum(x, axis=0)"),
    (r"\hat{y}", r"1:1 unexpected character '\\'", "write y_hat"),
    (r"\alpha x", r"1:1 unexpected character '\\'", "write alpha, without the backslash"),
    ("ŷ - x̂", "1:6 unexpected character '\u0302'", "write x_hat"),
    ("A^{-1}", "1:3 unexpected character '{'", "write inv(A), or 1/x of a number"),
    ("x_{1}", "1:3 unexpected character '{'", "write _1"),
    ("w^T x", "1:5 expected an operator or the end of the expression, found 'x'", "the transpose is written x.T or xᵀ"),
    ("A^⊤", "1:3 unexpected character '⊤'", "the transpose is written x.T or xᵀ"),
    ("sin^2(s)", "1:6 expected an operator or the end of the expression, found '('", "write sin(x)**2"),
    ("sin^-1(s)", "1:7 expected an operator or the end of the expression, found '('", "write arcsin(x), or 1/sin(x)"),
    ("||x||_2", "1:6 expected an operator or the end of the expression, found '_2'", "write norm(x, 2)"),
    ("x || y", "1:7 expected '|' to close it, found the end of the expression", "masks are joined by & and |"),
    ("n!", "1:2 unexpected character '!'", "there is no factorial; write its number"),
    ("!m", "1:1 unexpected character '!'", "use == and != to compare, ~ to turn a mask round"),
    ("f'(x)", "1:2 unexpected character \"'\"", "the derivative of f(x) is grad(f(x), x)"),
    ("d/dx x", "1:6 expected an operator or the end of the expression, found 'x'",
     "the gradient of the output by x is grad(x) or ∂loss/∂x; of any number e it is grad(e, x)"),
    ("∂/∂x f", "1:2 expected the output after '∂', found '/'",
     "the gradient of the output by x is grad(x) or ∂loss/∂x; of any number e it is grad(e, x)"),
    ("0,5*x", "1:2 expected an operator or the end of the expression, found ','", "a decimal point is written '.'"),
    ("sin(x)cos(x)", "1:7 expected an operator or the end of the expression, found 'cos'",
     "an operator is missing before 'cos'"),
    ("<x, y>", "1:1 expected a value, found '<'", "use dot(x, y)"),
    ("–x", "1:1 unexpected character '–'", "this is a dash; minus is -"),
    ("__import__('os').system", "1:18 expected T or a method after '.', found 'system'", None),
    ("lambda: 0", "1:7 expected an operator or the end of the expression, found ':'", None),
]


@pytest.mark.parametrize(("text", "message", "hint"), ERRORS)
def test_syntax_errors_point_at_the_token(text, message, hint):
    """Rule: an error stands at the offending token and says what was expected, with a hint for usual slips."""
    with pytest.raises(SpecError) as caught:
        parse(inline(text))
    at = caught.value.at
    assert at is not None
    assert caught.value.code == "E010"
    assert f"{at.line}:{at.column} {caught.value.message}" == message
    assert caught.value.hint == hint


@pytest.mark.parametrize("text", ["+".join(["x"] * 900), "x" + "/3" * 600, "*".join(["x"] * 900), "x" + "@w" * 500])
def test_operators_in_a_row_are_one_level(text):
    """As long a row as there are tokens for: walks take it in a loop."""
    expression = parse(inline(text))
    assert sum(1 for _ in ast.parts(expression)) > 900
    assert next(ast.names(expression)).name == "x"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 65 + "x" + ")" * 65,
        "-" * 70 + "x",
        "2**" * 70 + "x",
        "f(" * 70 + "x" + ")" * 70,
        "Σ_i " * 70 + "x",
        "x" + "[0]" * 200,
        "x" + ".T" * 500,
        "x" + " " * 10_000,
        "x," * 1100,
    ],
)
def test_large_expressions_are_refused(text):
    """Rule: depth, height, tokens and length are limited, so that every walk over a tree may recurse."""
    with pytest.raises(SpecError) as caught:
        parse(inline(text))
    assert caught.value.code == "E016"


def test_a_full_stack_is_an_error_of_the_spec():
    """Rule: even where the caller's stack is nearly full, no RecursionError escapes."""

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            parse(inline("f(" * 60 + "x" + ")" * 60))

    with pytest.raises(SpecError, match="too deep"):
        deep(600)


def test_numbers_of_thousands_of_digits_do_not_crash():
    """Rule: Python's limit on int() is never met, in a mantissa or an exponent."""
    for text in ("9" * 5000, "1e" + "9" * 5000, "1e-" + "9" * 5000, "0." + "0" * 5000 + "1"):
        with pytest.raises(SpecError):
            parse(inline(text))


def test_names_come_left_to_right_with_repeats():
    """Rule: `names` gives every use of a name, but no function names and keywords."""
    used = ast.names(parse(inline("f(b, axis=a) + b[c:d] @ [e, (g, h)][0]")))
    assert [name.name for name in used] == ["b", "a", "b", "c", "d", "e", "g", "h"]


# ── fuzz ─────────────────────────────────────────────────────────────────────────────────────────

TOKENS = ["a", "sum", "1", "2.5", "1e9", "(", ")", "[", "]", ",", ":", "+", "-", "*", "/", "@", "**", ".T", ".", "...",
          "=", "==", "<", "'s'", " ", "\n", "^", "é", "ᵀ", "none"]


@seeded(100)
def test_only_spec_errors_escape(draw, attempt):
    """Rule: any text parses, or gives a SpecError with a place inside it."""
    text = draw.choice((wild(draw, 80), letters(draw, TOKENS, 40), letters(draw, TOKENS, 40)))
    caught = attempt(lambda: parse(inline(text)))
    if caught is not None:
        assert caught.code in {"E010", "E016"}
        assert caught.at is not None
        assert 1 <= caught.at.column <= len(text) + 1


def well_formed(draw, leaves=12):
    """An expression that is one."""
    if leaves <= 1 or draw.random() < 0.2:
        return draw.choice(["a", "b_1", "2", "1/2", "x.T", "x[0]", "σ"])
    one, other = well_formed(draw, leaves // 2), well_formed(draw, leaves // 2)
    form = draw.choice(("({0} {2} {1})", "-{0}", "f({0}, axis={1})", "({0})[1:2]"))
    return form.format(one, other, draw.choice("+-*/@"))


@seeded(100)
def test_what_is_well_formed_parses_and_keeps_its_structure(draw):
    """Rule: a bracketed print of a tree parses to the same tree."""
    structure = brackets(well_formed(draw))
    assert brackets(structure.replace(":]", "]")) == structure
