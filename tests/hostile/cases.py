"""Specs made to hurt: each with the first error's code that `run` must give, or `ok`.

Files that were written by hand, or have to be bytes, lie in tests/corpus; these are made here because they are long,
or because a line says what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters

SCALAR, VECTOR, MATRIX = "x: 2.0", "x: [1.0, 2.0, 3.0]", "x: [[2.0, 1.0], [0.5, 3.0]]"


def spec(expression: str, params: str = SCALAR) -> str:
    """A spec of one node."""
    return f"params: {{{params}}}\nnodes:\n  y: {expression}\n"


def drawn(*shape: int) -> str:
    """A param of random numbers."""
    return f"x: {{shape: {list(shape)}, init: normal}}"


def nested(before: str, after: str, depth: int) -> str:
    """A spec of one deeply nested expression."""
    return spec(f"{before * depth}x{after * depth}")


def chain(count: int, link: str) -> str:
    """A chain of nodes; `{0}` is the one before, `{1}` the one before that."""
    links = (f"  n{i}: {link.format(f'n{i - 1}', f'n{max(0, i - 2)}')}\n" for i in range(1, count))
    return f"params: {{x: 0.5}}\nnodes:\n  n0: x * 1\n{''.join(links)}"


def all_before(count: int, join: str, wrap: str) -> str:
    """Nodes that each use all before them."""
    rows = (f"  n{i}: {wrap.format(join.join(f'n{j}' for j in range(i)))}\n" for i in range(1, count))
    return f"params: {{x: 0.5}}\nnodes:\n  n0: x * 1\n{''.join(rows)}"


def functions(count: int, body: str, use: str) -> str:
    """Functions that each call the one before."""
    rows = (f"  f{i}: {{args: [x], body: '{body.format(f'f{i - 1}')}'}}\n" for i in range(1, count))
    return f"params: {{x: 0.5}}\nfunctions:\n  f0: {{args: [x], body: x*x + 1}}\n{''.join(rows)}nodes: {{y: '{use}'}}\n"


def own(text: str) -> str:
    """A spec that uses its own function f."""
    return f"functions: {{{text}}}\n{spec('f(x)')}"


NUMBERS = {
    "a tower of literals": (spec("9**9**9 * x"), "ok"),
    "a tower over a leaf": (spec("x**9**9**9"), "ok"),
    "a tower of towers": (spec("(9**9)**(9**9) * x"), "ok"),
    "a tower below one": (spec("x * 9**-9**9"), "ok"),
    "a large exponent": (spec("x**99999999"), "ok"),
    "powers in a row": (nested("", "**1.5", 60), "ok"),
    "a polynomial to a power": (spec("(" + "*".join(f"(x+{i})" for i in range(60)) + ")**60"), "ok"),
    "a binomial": (spec("(x+1)**1000"), "ok"),
    "x to itself": (spec("x**x**x**x**x**x"), "ok"),
    "a literal of 3000 digits": (spec(f"x * {'9' * 3000}"), "E010"),
    "a literal out of range": (spec("x * 1e999999999"), "E010"),
    "products of long literals": (spec("x * " + " * ".join(["9" * 300] * 30)), "ok"),
    "products of powers": (spec("x*(((2**10000)*(2**10000))*((2**10000)*(2**10000)))"), "ok"),
    "zero to minus one": (spec("0**-1 * x"), "ok"),
    "a root of minus one": (spec("(-1)**0.5 * x"), "ok"),
    "a division by zero": (spec("x/0"), "ok"),
    "zero by zero": (spec("0/0 * x"), "ok"),
    "a sum out of range": (spec("x * (1e308 + 1e308)"), "ok"),
    "a parameter out of range": (spec("norm(x, 1e308 * 10)", VECTOR), "E015"),
    "a tuple times a billion": (spec("sum(x, axis=(0, 1) * 1000000000)", MATRIX), "E015"),
    "text times a billion": (spec("sum(x, axis='a' * 1000000000)", MATRIX), "E015"),
    "nothing plus one": (spec("sum(x, axis=none + 1)", VECTOR), "E015"),
    "minus a text": (spec("sum(x, axis=-'a')", VECTOR), "E015"),
    "a quotient of infinity": (spec("norm(x, inf/2)", VECTOR), "E015"),
    "infinity": (spec("x * inf"), "ok"),
    "not a number": (spec("x * nan"), "ok"),
    "a seed that is not finite": ("params: {x: [0.5, 1]}\nnodes: {y: x*x}\ngrad_output: [1e308, .inf]\n", "ok"),
}

SIZES = {
    "arange": (spec("sum(x*arange(1000000000000))"), "E021"),
    "eye": (spec("sum(x*eye(1000000))"), "E021"),
    "zeros": (spec("sum(x*zeros((100000, 100000)))"), "E021"),
    "zeros of 28 digits": (spec(f"sum(x*zeros((1{'0' * 27},)))"), "E015"),
    "zeros of a negative size": (spec("sum(x*zeros((-1,)))"), "E015"),
    "no entries": (spec("sum(x*ones((0,)))"), "ok"),
    "one_hot": ("inputs: {t: [1, 2]}\nparams: {x: 2.0}\nnodes: {y: 'sum(x * one_hot(t, 1000000000))'}\n", "E021"),
    "pad": (spec("sum(pad(x, 1000000000))", VECTOR), "E021"),
    "tile": (spec("sum(tile(x, 1000000000))", VECTOR), "E021"),
    "repeat": (spec("sum(repeat(x, 1000000000))", VECTOR), "E021"),
    "broadcast_to": (spec("sum(broadcast_to(x, (1000000000, 3)))", VECTOR), "E021"),
    "kron": (spec("sum(kron(kron(x, x), kron(x, x)))", drawn(30, 30)), "E021"),
    "outer": (spec("sum(outer(x, x))", drawn(1_000_000)), "E021"),
    "diag": (spec("sum(diag(x))", drawn(100_000)), "E021"),
    "einsum": (spec("sum(einsum('i,j,k,l,m,n,o,p->ijklmnop', x, x, x, x, x, x, x, x))", drawn(100)), "E021"),
    "einsum of 16 axes": (spec("sum(einsum('ab,cd,ef,gh,ij,kl,mn,op->abcdefghijklmnop', x, x, x, x, x, x, x, x))",
                               MATRIX), "E014"),
    "einsum of 50 operands": (spec(f"sum(einsum('{','.join(['ij'] * 50)}->ij', {','.join('x' * 50)}))", MATRIX), "ok"),
    "einsum of 52 letters": (spec(f"einsum('{','.join(ascii_letters)}->', {','.join('x' * 52)})", VECTOR), "ok"),
    "einsum of 10^12 terms": (spec("einsum('i,j,k,l->', x, x, x, x)", drawn(1000)), "ok"),
    "einsum of 3000 letters": (spec(f"sum(einsum('{'a' * 3000}', x))", MATRIX), "E015"),
    "reshape to two unknowns": (spec("sum(reshape(x, (-1, -1)))", VECTOR), "E015"),
    "reshape to nothing": (spec("sum(reshape(x, (0, -1)))", VECTOR), "E014"),
    "reshape to eleven axes": (spec("sum(reshape(x, (3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)))", VECTOR), "E014"),
    "a leaf of 4 EB": (spec("sum(x)", drawn(2_147_483_647, 2_147_483_647)), "E021"),
    "padding of a convolution": (spec("sum(conv2d(x, x, padding=1000000000))", drawn(1, 1, 3, 3)), "E021"),
    "stride of a convolution": (spec("sum(conv_transpose2d(x, x, stride=1000000))", drawn(1, 1, 3, 3)), "E021"),
    "padding of a pooling": (spec("sum(max_pool1d(x, 1000000000, padding=500000000))", drawn(1, 1, 600)), "E021"),
    "named sizes": (f"dims: {{N: 2147483647}}\n{spec('sum(zeros((N, N, N, N))*x)')}", "E021"),
    "matrix_power": (spec("sum(matrix_power(x, 1000000000))", MATRIX), "ok"),
    "matrix_power below": (spec("sum(matrix_power(x, -1000000000))", MATRIX), "ok"),
    "a shift of 27 digits": (spec(f"sum(roll(x, 1{'0' * 26}))", VECTOR), "E015"),
    "a diagonal of 25 digits": (spec(f"sum(triu(x, 1{'0' * 24}))", MATRIX), "E015"),
    "an axis of 21 digits": (spec(f"sum(x, axis=1{'0' * 20})", VECTOR), "E015"),
    "an index of 27 digits": (spec(f"x[1{'0' * 26}]", VECTOR), "E015"),
    "a step of zero": (spec("sum(x[::0])", VECTOR), "E015"),
    "a hook": ("params: {x: 0.5}\nnodes: {y: x*x}\nhooks: {y: sum(grad*eye(100000))}\n", "E014"),
    "a hook of another shape": ("params: {x: 0.5}\nnodes: {y: x*x}\nhooks: {y: 'grad * ones((3,))'}\n", "E014"),
    "a gradient by hand": (own("f: {args: [x], body: x, grads: {x: sum(eye(100000))}}"), "E014"),
    "a pass": ("params: {x: 0.5}\nnodes: {y: x*x}\nbackward: [{output: 'sum(y*eye(100000))'}]\n", "E021"),
    "a layer": ("inputs: {x: [[1.0, 2.0]]}\nlayers: [{linear: 2147483647}]\nnodes: {y: sum(z_1)}\n", "E021"),
    "a million steps": ("inputs: {x: {shape: [2, 1000000, 3], init: normal}}\nlayers: [{lstm: 4}]\n", "E005"),
}

SHAPES_OF_TEXT = {
    "990 terms": (spec(" + ".join("x" * 990)), "ok"),
    "990 factors": (spec(" * ".join("x" * 990)), "ok"),
    "900 powers": (spec(" ** ".join("x" * 900)), "E016"),
    "400 divisions": (spec("x" + "/3" * 400), "ok"),
    "nested brackets": (nested("(", ")", 60), "ok"),
    "nested calls": (nested("tanh(", ")", 60), "ok"),
    "nested squares": (nested("(", "+x)**2", 30), "ok"),
    "nested fractions": (nested("1/(1+", ")", 50), "ok"),
    "nested maxima": (nested("maximum(x,", ")", 35), "ok"),
    "nested softmaxes": (spec(f"sum({'softmax(' * 50}x{')' * 50})", VECTOR), "ok"),
    "nested wheres": (nested("where(x>0,", ",x)", 50), "ok"),
    "a sum of reciprocals": (spec(" + ".join(f"1/(x+{i})" for i in range(100))), "ok"),
    "900 tensors in a list": (spec(f"sum(concat([{','.join('x' * 900)}]))", VECTOR), "ok"),
    "100 nodes": (chain(100, "sin({0})"), "ok"),
    "150 nodes that fan out": (chain(150, "{0} + {0} * {1}"), "ok"),
    "5000 params": ("params:\n" + "".join(f"  p{i}: 1.0\n" for i in range(5000)) + "nodes: {y: p1 * 2}\n", "ok"),
    "products of all before": (all_before(20, "*", "{0}"), "ok"),
    "sums of all before": (all_before(30, "+", "exp({0})"), "ok"),
    "functions that double": (functions(20, "{0}(x)*{0}(x)", "f19(x)"), "E016"),
    "functions that double, unequal": (functions(15, "{0}(x + 1)*{0}(x)", "f14(x)"), "E016"),
    "functions in functions": (functions(31, "{0}(x)", "f30(" + "tanh(" * 50 + "x" + ")" * 51), "ok"),
    "deep functions in functions": (functions(31, "tanh(" * 30 + "{0}(x)" + ")" * 30, "f30(x)"), "E016"),
    "functions in a ring": (own("f: {args: [x], body: g(x)}, g: {args: [x], body: f(x)}"), "E013"),
    "2000 layers": (f"inputs: {{x: [[1.0, 2.0]]}}\nlayers: [{', '.join(['{linear: 2}, relu'] * 500)}]\n", "E018"),
    "brackets": ("params: {a: " + "[" * 200_000 + "\n", "E005"),
    "10 MB of brackets": ("[" * 10_000_000, "E005"),
    "10 MB of one line": ("params: {a: " + "1" * 10_000_000 + "}\n", "E005"),
    "10 MB of braces": ("{a: " * 2_500_000, "E005"),
    "a million keys": ("params:\n" + "".join(f" a{i}: 1\n" for i in range(300_000)), "E005"),
    "a reversed name": (spec("'x * \u202e2'"), "E010"),
    "a hidden space": (spec("'x\u200b * 2'"), "E010"),
    "a Cyrillic function": (spec("'ехр(x)'"), "E012"),
    "a NUL in a string": (spec('"x\\0 * 2"'), "E010"),
    "an escape in a string": (spec('"x * \\e[31m2"'), "E010"),
    "an attribute": (spec("x.__class__"), "E010"),
    "a call of code": (spec("'__import__(\"os\").system(\"id\")'"), "E012"),
    "a shell": (spec("'`id` * x'"), "E010"),
}

CASES: Mapping[str, tuple[str, str]] = {**NUMBERS, **SIZES, **SHAPES_OF_TEXT}
