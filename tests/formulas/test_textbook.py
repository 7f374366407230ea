"""The derivative of one line, as a book has it: without the line's own name, unless that says it in far fewer words."""

from __future__ import annotations

import pytest

from backprop_cli.formulas.printed import Printed
from tests.formulas.asked import formulas_of, run_of

LINES = {
    "x/(1 + x**2)": "(1 - x²)/(1 + x²)²",
    "(x**2 - 1)/(x**2 + 1)": "4 x / (x² + 1)²",
    "x**2/(a + x)": "(x + 2 a) · x / (a + x)²",
    "(x - a)/(x + a)": "2 a / (x + a)²",
    "a*x/(b + x)": "b · a / (b + x)²",
    "a*x**2/(b**2 + x**2)": "2 b² · a · x / (b² + x²)²",
    "a*x*(1 - x/b)": "(1 - 2 x / b) · a",
    "1/(1 + x)**2": "-2/(1 + x)³",
    "x/(exp(x) - 1)": "(exp(x) - x · exp(x) - 1)/(exp(x) - 1)²",
    "x*exp(-x)": "(1 - x) · exp(-x)",
    "sin(a*x)*exp(-x)": "(a · cos(a · x) - sin(a · x)) · exp(-x)",
    "x*sqrt(1 - x**2)": "(1 - 2 x²)/√(1 - x²)",
    "x*sqrt(a**2 - x**2)": "(a² - 2 x²)/√(a² - x²)",
    "x/sqrt(1 + x**2)": "1/(1 + x²)^(3/2)",
    "x/sqrt(a**2 - x**2)": "a²/(a² - x²)^(3/2)",
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))": "1 - f²",
    "(1 - exp(-2*x))/(1 + exp(-2*x))": "1 - f²",
    "(exp(2*x) - 1)/(exp(2*x) + 1)": "1 - f²",
    "exp(x)/(1 + exp(x))": "f · (1 - f)",
    "sqrt(a**2 - x**2)": "-x/f",
    "exp(sin(x))": "f · cos(x)",
    "a*exp(-b*x)": "-f · b",
    "x**x": "f · (log(x) + 1)",
    "x**2*log(x)": "x · (2 log(x) + 1)",
    "a**x/x": "f · (log(a) - 1/x)",
    "(a*x + b)/(x**2 + 1)": "(a - a · x² - 2 b · x)/(x² + 1)²",
    "1/(x**2 + 1)**(3/2)": "-3 x / (x² + 1)^(5/2)",
    "sin(x)/(1 + cos(x))": "1/(1 + cos(x))",
    "sin(x)/(a + cos(x))": "(a · cos(x) + 1)/(a + cos(x))²",
    "cosh(x)/sinh(x) - 1/x": "1/x² - 1/sinh(x)²",
    "cos(x)/sin(x)": "-1/sin(x)²",
    "pi*a*x**2": "2 π · a · x",
}


@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=LINES)
def test_the_derivative_of_a_line_is_the_book_s(line: str, expected: str) -> None:
    """In text, in the names of the line; what it evaluates to is the gradient."""
    spec = {"params": {"x": 0.7, "a": 2.0, "b": 3.0}, "nodes": {"f": line}}
    formula = formulas_of(spec, "nodes")[run_of(spec)[0].names["x"]]["nodes"]
    assert isinstance(formula, Printed)
    assert formula.text == expected
    assert formula.deviation is not None
    assert formula.deviation < 1e-12
