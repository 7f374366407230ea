"""The laws of the algebra, as data: each is one row, written in the spec language itself.

A row says that its left side equals its right side wherever the left side has a value; the algebra writes the right
side.  Rows of `APPLIED` are applied from here, by `matching`; those of `FOUND` are what a procedure does (sums know
axes, transposes know ranks, `tidy` weighs costs), and `by` names its module.  Four tests come with every row: it is
true (also at 0, at ties, for sizes of 1), it fires, it settles, and a false twin of it is noticed.
"""

from __future__ import annotations

import re

from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Law:
    """`left = right`, for names of the shapes `of`: "A: n n invertible; x: n; y: *".

    A star is any shape.  The words after a shape are what its entries are drawn as (see the tests); `symmetric`
    and `positive` are also conditions; a `proved` symmetry is not taken for granted,
    and `nonzero` is what a run shows of itself.
    """

    id: str
    left: str
    right: str
    of: str
    by: str = "laws"

    @property
    def text(self) -> str:
        """The equation."""
        return f"{self.left} = {self.right}"

    @property
    def calls(self) -> tuple[str, ...]:
        """The operators by name that the left side holds, from left to right; no pattern has to be compiled for it."""
        return tuple(_SIGNS.get(word, word) for word in _CALLED.findall(self.left))


_SIGNS = {">": "greater", "<": "less"}
_CALLED = re.compile(r"[<>]|[a-z_]+(?=\()")


CHAINS = (
    Law("M3a", "eye(n) @ A", "A", "A: n m"),
    Law("M3b", "A @ eye(m)", "A", "A: n m"),
    Law("M3c", "eye(n) @ x", "x", "x: n"),
    Law("M4a", "inv(A) @ A", "eye(n)", "A: n n invertible"),
    Law("M4b", "A @ inv(A)", "eye(n)", "A: n n invertible"),
    Law("M7a", "A @ outer(x, y)", "outer(A @ x, y)", "A: n m; x: m; y: k"),
    Law("M7b", "outer(x, y) @ A", "outer(x, A.T @ y)", "A: m k; x: n; y: m"),
    Law("M7c", "outer(x, y) @ z", "(y @ z) * x", "x: n; y: m; z: m"),
    Law("M9a", "B @ inv(A @ B)", "inv(A)", "A: n n invertible; B: n n invertible"),
    Law("M9b", "inv(A @ B) @ A", "inv(B)", "A: n n invertible; B: n n invertible"),
    Law("M10a", "inv(X.T @ X) @ X.T", "pinv(X)", "X: n m tall"),
    Law("M10b", "X @ inv(X.T @ X)", "pinv(X).T", "X: n m tall"),
    Law("M11", "diag(u) @ diag(v)", "diag(u * v)", "u: n; v: n"),
    Law("K4e", "kron(A, B) @ kron(C, E)", "kron(A @ C, B @ E)", "A: n m; B: m k; C: m n; E: k n"),
    Law("M12", "diag(u) @ x", "u * x", "u: n; x: n"),
    Law("M13a", "pinv(A).T @ A.T", "A @ pinv(A)", "A: n m"),
    Law("M13b", "A.T @ pinv(A).T", "pinv(A) @ A", "A: n m"),
    Law("K1", "cholesky(S) @ cholesky(S).T", "S", "S: n n symmetric"),
    Law("G1a", "eigvecsh(S) @ eigvecsh(S).T", "eye(n)", "S: n n symmetric"),
    Law("G1b", "(eigvecsh(S) * eigvalsh(S)) @ eigvecsh(S).T", "S", "S: n n symmetric"),
    Law("G1c", "(eigvecsh(S) / eigvalsh(S)) @ eigvecsh(S).T", "inv(S)", "S: n n symmetric"),
    Law("G1d", "(eigvecsh(S) / eigvalsh(S)**2) @ eigvecsh(S).T", "inv(S) @ inv(S)", "S: n n symmetric"),
    Law("G2a", "(svd_u(X) * svdvals(X)) @ svd_vh(X)", "X", "X: n m tall"),
    Law("G2b", "(svd_u(X) / svdvals(X)) @ svd_vh(X)", "pinv(X).T", "X: n m tall"),
)
"""What two neighbours of a chain of matrix products are together."""

THREES = (
    Law("M14a", "A @ pinv(A) @ A", "A", "A: n m"),
    Law("M14b", "pinv(A) @ A @ pinv(A)", "pinv(A)", "A: n m"),
    Law("M14c", "A.T @ A @ pinv(A)", "A.T", "A: n m"),
    Law("M14d", "pinv(A) @ A @ A.T", "A.T", "A: n m"),
)
"""What three neighbours of a chain are together."""

CALLS = (
    Law("C1a", "inv(inv(A))", "A", "A: n n invertible"),
    Law("C1b", "inv(A.T)", "inv(A).T", "A: n n invertible"),
    Law("C1c", "inv(eye(n))", "eye(n)", ""),
    Law("C1d", "inv(diag(v))", "diag(1/v)", "v: n"),
    Law("C2a", "trace(A.T)", "trace(A)", "A: n n"),
    Law("C2b", "trace(outer(x, y))", "x @ y", "x: n; y: n"),
    Law("C2c", "trace(eye(n))", "n", ""),
    Law("C2d", "trace(diag(v))", "sum(v)", "v: n"),
    Law("C2e", "sum(A * eye(n))", "trace(A)", "A: n n"),
    Law("C2g", "sum(A * inv(A).T)", "n", "A: n n invertible"),
    Law("C2h", "sum(A * inv(A))", "n", "A: n n symmetric proved"),
    Law("K4b", "inv(kron(A, B))", "kron(inv(A), inv(B))", "A: n n invertible; B: m m invertible"),
    Law("K4c", "trace(kron(A, B))", "trace(A) * trace(B)", "A: n n; B: m m"),
    Law("K4d", "sum(kron(A, B))", "sum(A) * sum(B)", "A: n m; B: m k"),
    Law("K4g", "reshape(kron(x, y), (n, m))", "outer(x, y)", "x: n; y: m"),
    Law("C3a", "det(A.T)", "det(A)", "A: n n"),
    Law("C3b", "det(inv(A))", "1/det(A)", "A: n n invertible"),
    Law("C3c", "logdet(A.T)", "logdet(A)", "A: n n symmetric"),
    Law("C3d", "pinv(X.T)", "pinv(X).T", "X: n m tall"),
    Law("D4a", "diag(diag(v))", "v", "v: n"),
    Law("D4b", "diag(outer(x, y))", "x * y", "x: n; y: n"),
    Law("D4c", "diag(eye(n))", "ones((n,))", ""),
    Law("D4d", "diag(A.T)", "diag(A)", "A: n n"),
    Law("D4g", "diag(A @ diag(x))", "diag(A) * x", "A: n n; x: n"),
    Law("D4h", "diag(diag(x) @ A)", "diag(A) * x", "A: n n; x: n"),
    Law("D5a", "tril(diag(v))", "diag(v)", "v: n"),
    Law("D5b", "triu(diag(v))", "diag(v)", "v: n"),
    Law("D5c", "tril(eye(n))", "eye(n)", ""),
    Law("D5d", "tril(tril(A))", "tril(A)", "A: n m"),
    Law("D5e", "triu(triu(A))", "triu(A)", "A: n m"),
    Law("C2j", "sum(outer(x, y) * A)", "x @ A @ y", "x: n; A: n m; y: m"),
    Law("K2", "tril(cholesky(S).T @ diag(v))", "diag(diag(cholesky(S)) * v)", "S: n n symmetric; v: n"),
    Law("K3a", "solve(A, eye(n))", "inv(A)", "A: n n invertible"),
    Law("K3d", "solve(A, outer(x, y))", "outer(solve(A, x), y)", "A: n n invertible; x: n; y: m"),
    Law("K3b", "solve(A, inv(B))", "inv(B @ A)", "A: n n invertible; B: n n invertible"),
    Law("I5a", "exp(log(x))", "x", "x: *"),
    Law("I5b", "log(exp(x))", "x", "x: *"),
    Law("I5c", "exp(log_softmax(x))", "softmax(x)", "x: n"),
    Law("I5d", "exp(logsigmoid(x))", "sigmoid(x)", "x: *"),
    Law("P1", "abs(x)", "x", "x: * positive"),
    Law("P2", "sign(x)", "x**0", "x: * positive"),
    Law("P3", "relu(x)", "x", "x: * positive"),
    Law("P4", "x > 0", "x**0", "x: * positive"),
    Law("I6a", "abs(abs(x))", "abs(x)", "x: *"),
    Law("I6b", "relu(relu(x))", "relu(x)", "x: *"),
    Law("I6c", "sign(sign(x))", "sign(x)", "x: *"),
)
"""What an operator is of certain operands."""

PRODUCTS = (
    Law("I2a", "sinh(x) / cosh(x)", "tanh(x)", "x: *"),
    Law("I2b", "sin(x) / cos(x)", "tan(x)", "x: *"),
    Law("I2h", "tan(x) * cos(x)", "sin(x)", "x: *"),
    Law("I2i", "tanh(x) * cosh(x)", "sinh(x)", "x: *"),
    Law("I2j", "cos(x) / (tan(x) * sin(x))", "1 / tan(x)**2", "x: * nonzero"),
    Law("I2k", "cosh(x) / (tanh(x) * sinh(x))", "1 / tanh(x)**2", "x: * nonzero"),
    Law("I3a", "(x > 0) * relu(x)", "relu(x)", "x: *"),
    Law("I3d", "(x > 0) * maximum(x, 0)", "maximum(x, 0)", "x: *"),
    Law("I3e", "(0 < x) * maximum(0, x)", "maximum(0, x)", "x: *"),
    Law("I4a", "abs(x)**2", "x**2", "x: *"),
    Law("I4b", "x * sign(x)", "abs(x)", "x: *"),
    Law("I4c", "sign(x) / abs(x)", "1/x", "x: *"),
    Law("I4d", "sign(x) * abs(x)", "x", "x: *"),
    Law("I4e", "x**2 / abs(x)", "abs(x)", "x: *"),
    Law("I4h", "sign(x / y) / y", "sign(x) / abs(y)", "x: *; y: *"),
    Law("I4f", "x / abs(x)", "sign(x)", "x: * nonzero"),
    Law("M7d", "expand_dims(z, 1) * outer(x, y)", "outer(x * z, y)", "x: n; y: m; z: n"),
    Law("M7e", "outer(x, y) * z", "outer(x, y * z)", "x: n; y: m; z: m"),
)
"""What factors of an elementwise product are together."""

FOUND = (
    Law("A1", "p * (t / p)", "t", "p: * positive; t: *", by="sympy"),
    Law("A2", "x + x", "2 * x", "x: *", by="sympy"),
    Law("I3b", "(x > y)**2", "x > y", "x: *; y: *", by="expr"),
    Law("I3c", "(x < y)**2", "x < y", "x: *; y: *", by="expr"),
    Law("D6", "eye(n)**2", "eye(n)", "", by="expr"),
    Law("A3", "(x**2)**(3/2)", "abs(x)**3", "x: *", by="formula"),
    Law("A4", "maximum(x, x)", "x", "x: *", by="pointwise"),
    Law("A5", "where(m, x, x)", "x", "m: * mask; x: *", by="pointwise"),
    Law("A11", "x * (tril(ones((n, n))) > 0)", "x * tril(ones((n, n)))", "x: n n", by="pointwise"),
    Law("A6", "equal(x, x)", "x**0", "x: *", by="pointwise"),
    Law("M1a", "(c * A) @ B", "c * (A @ B)", "c:; A: n m; B: m k", by="products"),
    Law("M1b", "(c * A).T", "c * A.T", "c:; A: n m", by="transposes"),
    Law("M2", "(A - A) @ B", "zeros((n, k))", "A: n m; B: m k", by="products"),
    Law("M5", "x @ A", "A.T @ x", "x: n; A: n m", by="products"),
    Law("M6a", "A @ ones((m,))", "sum(A, axis=1)", "A: n m", by="products"),
    Law("M6b", "A.T @ ones((n,))", "sum(A, axis=0)", "A: n m", by="products"),
    Law("M6c", "sum(x * y)", "x @ y", "x: n; y: n", by="idioms"),
    Law("M6d", "sum(A * x, axis=1)", "A @ x", "A: n m; x: m", by="idioms"),
    Law("M6e", "sum(A * x[:, None], axis=0)", "A.T @ x", "A: n m; x: n", by="idioms"),
    Law("M6g", "sum(A * B * x, axis=1)", "(A * B) @ x", "A: n m; B: n m; x: m", by="idioms"),
    Law("M6h", "sum(A * softmax(x), axis=1)", "A @ softmax(x)", "A: n m; x: m", by="idioms"),
    Law("M8a", "matrix_power(A, 2) @ A", "matrix_power(A, 3)", "A: n n", by="powers"),
    Law("M8b", "matrix_power(A, 3) @ inv(A)", "A @ A", "A: n n invertible", by="powers"),
    Law("C1e", "inv(2 * A)", "inv(A) / 2", "A: n n invertible", by="products"),
    Law("C2f", "trace(2 * A)", "2 * trace(A)", "A: n n", by="products"),
    Law("C2k", "trace(outer(x, y) - eye(n))", "x @ y - n", "x: n; y: n", by="products"),
    Law("C2i", "trace(A + A.T)", "2 * trace(A)", "A: n n", by="products"),
    Law("I4g", "y / abs(x)**2", "y / x**2", "x: *; y: *", by="matching"),
    Law("T1", "A.T.T", "A", "A: n m", by="transposes"),
    Law("T2", "(A @ B).T", "B.T @ A.T", "A: n m; B: m k", by="transposes"),
    Law("T3", "(A + B.T).T", "A.T + B", "A: n m; B: m n", by="transposes"),
    Law("D8a", "flip(flip(x))", "x", "x: n", by="transposes"),
    Law("D8b", "flip(flip(A, axis=0))", "flip(A, axis=1)", "A: n m", by="transposes"),
    Law("T3b", "(A + B).T + B.T", "A.T + 2 * B.T", "A: n m; B: n m", by="merging"),
    Law("K4a", "kron(A, B).T", "kron(A.T, B.T)", "A: n m; B: m k", by="transposes"),
    Law("T6", "reshape(x, (1, n)).T", "x[:, None]", "x: n", by="transposes"),
    Law("T7", "inv(reshape(c, (1, 1))).T", "inv(reshape(c, (1, 1)))", "c: positive", by="transposes"),
    Law("T4a", "(X.T @ X).T", "X.T @ X", "X: n m", by="symmetry"),
    Law("T4b", "diag(v).T", "diag(v)", "v: n", by="symmetry"),
    Law("T4c", "A @ (X.T @ X) + A @ (X.T @ X).T", "2 * (A @ X.T @ X)", "A: k m; X: n m", by="symmetry"),
    Law("S1", "sum(c * ones((n,)))", "n * c", "c:", by="sums"),
    Law("S2", "sum(c * x)", "c * sum(x)", "c:; x: n", by="sums"),
    Law("S3a", "sum(c * softmax(x))", "c", "c:; x: n", by="facts"),
    Law("S3c", "sum(softmax(A))", "n", "A: n m", by="sums"),
    Law("S3b", "sum(x - mean(x))", "0 * sum(x)", "x: n", by="proofs"),
    Law("S4", "sum(one_hot(t, m) * p, axis=1)", "reshape(take_along_axis(p, t[:, None], 1), (n,))",
        "t: n label; p: n m", by="sifting"),
    Law("S4b", "sum(one_hot(0, n) * x)", "x[0]", "x: n", by="sifting"),
    Law("S5", "sum(2 * (softmax(x) - c))", "2 * (1 - n * c)", "c:; x: n", by="sums"),
    Law("S5b", "sum(softmax(x) * (y + 1))", "sum(softmax(x) * y) + 1", "x: n; y: n", by="sums"),
    Law("S8", "sum((A - mean(A, axis=0)) @ B, axis=0)", "0 * sum(B, axis=0)", "A: n m; B: m k", by="sums"),
    Law("S16", "sum(sum(A, axis=0))", "sum(A)", "A: n m", by="sums"),
    Law("S16b", "sum(sum(A, axis=1), axis=0)", "sum(A, axis=(0, 1))", "A: n m k", by="sums"),
    Law("S17", "n * c - sum(c + x)", "-sum(x)", "c:; x: n", by="totals"),
    Law("S18", "sum((x - c)**2 / x) / c**2 + sum(1/c - 1/x)", "sum(x - c) / c**2", "c:; x: n", by="totals"),
    Law("S19", "prod_others(x)", "prod(x) / x", "x: n positive", by="others"),
    Law("S22", "sum(A * (outer(x, y) - inv(A).T))", "x @ A @ y - n", "A: n n invertible; x: n; y: n", by="idioms"),
    Law("I10a", "y**2", "y**0", "y: * signs", by="labels"),
    Law("I10b", "(y * x - 1) * y", "x - y", "x: *; y: * signs", by="labels"),
    Law("I11", "(p @ y - y) * p", "(p @ y) * (p - y)", "p: n; y: n one_hot", by="labels"),
    Law("I11b", "(y - p @ y) * p", "(y - p) * (p @ y)", "p: n; y: n one_hot", by="labels"),
    Law("I11c", "p * y / (p @ y)", "y", "p: n nonzero; y: n one_hot", by="labels"),
    Law("I11d", "p[0]**c * (p[0] - one_hot(0, n)) * p", "p[0]**(c + 1) * (p - one_hot(0, n))", "p: n positive; c:",
        by="labels"),
    Law("I11f", "(c - c * y / (p @ y)) * p", "c * (p - y)", "p: n positive; y: n one_hot; c:", by="labels"),
    Law("A12", "(c - 1) / x - c * x**(c - 1)", "(c - 1 - c * x**c) / x", "x: * positive; c:", by="factoring"),
    Law("S21", "sum(x / (1 + x / c)) / c", "sum(x / (c + x))", "x: n positive; c: positive", by="totals"),
    Law("F1p", "A.T @ x - sum(x) * y", "(A - y).T @ x", "A: n m; x: n; y: m", by="merging"),
    Law("F1z", "(A - y).T @ (x - mean(x))", "A.T @ (x - mean(x))", "A: n m; x: n; y: m", by="products"),
    Law("F1u", "A @ (x - y) + z @ (y - x)", "(A - z) @ (x - y)", "A: n m; x: m; y: m; z: m", by="merging"),
    Law("F1v", "(A @ B) * x[:, None] + (x[:, None] * A) @ C", "x[:, None] * (A @ (B + C))",
        "A: n m; B: m k; C: m k; x: n", by="merging"),
    Law("F1w", "A.T @ A + A.T @ B @ A", "A.T @ (eye(n) + B) @ A", "A: n m; B: n n", by="merging"),
    Law("F1o", "1/a - (1/a + 1/b) * x", "(1 - x)/a - x/b", "a: positive; b: positive; x: n", by="brackets"),
    Law("S6", "sum(x, keepdims=true) * x", "sum(x) * x", "x: n", by="sums"),
    Law("R1", "reshape(reshape(A, (m, n)), (n, m))", "A", "A: n m", by="shapes"),
    Law("R1b", "reshape(sum(A, axis=1, keepdims=true) * reshape(x, (n, 1)), (n,))",
        "sum(A * reshape(x, (n, 1)), axis=1)", "A: n m; x: n", by="shapes"),
    Law("R1c", "reshape(sum(A, axis=(0, 2), keepdims=true), (m, 1))", "sum(A, axis=(0, 2))[:, None]", "A: n m k",
        by="shapes"),
    Law("D3", "v * eye(n)", "diag(v)", "v: n", by="idioms"),
    Law("D7", "A * (B - diag(1 / diag(A)))", "A * B - eye(n)", "A: n n invertible; B: n n", by="idioms"),
    Law("S20", "sum(A * outer(x, y), axis=1)", "x * (A @ y)", "A: n m; x: n; y: m", by="sums"),
    Law("S20b", "sum(A * outer(x, y), axis=0)", "(A.T @ x) * y", "A: n m; x: n; y: m", by="sums"),
    Law("S7", "(1 / sum(A, axis=1))[:, None] * A", "A / sum(A, axis=1, keepdims=true)", "A: n m", by="shapes"),
    Law("A7", "c * x > (c - 1) * x", "x > 0", "c:; x: *", by="pointwise"),
    Law("A7b", "x / 10 > x", "x < 0", "x: *", by="pointwise"),
    Law("A8b", "(x > 0) * y + (x < 0) * z", "where(x > 0, y, z)", "x: * nonzero; y: *; z: *", by="masks"),
    Law("I1f", "y * sigmoid(-x) / (1 - sigmoid(x))", "y", "x: *; y: *", by="functions"),
    Law("I1a", "exp(x) / (1 + exp(x))", "sigmoid(x)", "x: *", by="functions"),
    Law("I1b", "1 / (1 + exp(-x))", "sigmoid(x)", "x: *", by="functions"),
    Law("I1c", "exp(-x) / (1 + exp(-x))**2", "sigmoid(x) * (1 - sigmoid(x))", "x: *", by="functions"),
    Law("I1d", "exp(x) / sum(exp(x))", "softmax(x)", "x: n", by="idioms"),
    Law("I2c", "(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "tanh(x)", "x: *", by="functions"),
    Law("I2d", "(1 - exp(x)) / (1 + exp(x))", "-tanh(x / 2)", "x: *", by="functions"),
    Law("I2e", "y * cos(x)**2 + y * sin(x)**2", "y", "x: *; y: *", by="functions"),
    Law("I2f", "y * cosh(x)**2 - y * sinh(x)**2", "y", "x: *; y: *", by="functions"),
    Law("I2g", "1 - cosh(x)**2 / sinh(x)**2", "-1 / sinh(x)**2", "x: * nonzero", by="functions"),
    Law("I8a", "exp(x) * exp(y)", "exp(x + y)", "x: *; y: *", by="functions"),
    Law("I8b", "exp(x) / exp(y)", "exp(x - y)", "x: *; y: *", by="functions"),
    Law("I1i", "exp(x) / (exp(x) + exp(y))", "sigmoid(x - y)", "x: *; y: *", by="functions"),
    Law("I1j", "(x > 0) - sigmoid(-abs(x)) * sign(x)", "sigmoid(x)", "x: * nonzero", by="functions"),
    Law("I1e", "1 - sigmoid(-x)", "sigmoid(x)", "x: *", by="functions"),
    Law("I1k", "1 - 2 * sigmoid(-x)", "2 * sigmoid(x) - 1", "x: *", by="functions"),
    Law("D4e", "diag(outer(x, y) + outer(y, x))", "2 * x * y", "x: n; y: n", by="positions"),
    Law("D4f", "diag(A @ diag(x) @ B)", "(A * B.T) @ x", "A: n m; x: m; B: m n", by="positions"),
    Law("D4i", "diag(inv(A) - outer(x, x))", "diag(inv(A)) - x**2", "A: n n invertible; x: n", by="positions"),
    Law("I1l", "sigmoid(x) * (1 - y) - sigmoid(-x) * y", "sigmoid(x) - y", "x: *; y: *", by="functions"),
    Law("I1m", "y * sigmoid(x) + (y - 1) * sigmoid(-x)", "sigmoid(x) + y - 1", "x: *; y: *", by="functions"),
    Law("F1q", "x * (1 - y) - (1 - x) * y", "x - y", "x: *; y: *", by="brackets"),
    Law("F1ab", "(1 - (x/y)**2 / (1 + (x/y)**2)) / sqrt(1 + (x/y)**2)", "1 / sqrt(1 + (x/y)**2)**3",
        "x: *; y: * positive", by="brackets"),
    Law("F1r", "(y * (z + log(x)) + t - t * c / x) * x", "y * (z + log(x)) * x + t * (x - c)",
        "x: * positive; y: *; z: *; t: *; c: *", by="brackets"),
    Law("I4j", "sign(1 - x / y) / y", "sign(y - x) / abs(y)", "x: *; y: *", by="functions"),
    Law("I11e", "(sum(P * Y, axis=1, keepdims=true) - Y) * P", "sum(P * Y, axis=1, keepdims=true) * (P - Y)",
        "P: n m; Y: n m one_hot", by="labels"),
    Law("A8d", "(x > 0) * y + ((x > 0) - 1) * z", "where(x > 0, y, -z)", "x: *; y: *; z: *", by="masks"),
    Law("M6f", "sum((x - y) * (y - x))", "-sum((y - x)**2)", "x: n; y: n", by="idioms"),
    Law("S9", "norm(A, axis=1)[:, None]", "norm(A, axis=1, keepdims=true)", "A: n m", by="shapes"),
    Law("I1g", "1 - sigmoid(x - y)", "sigmoid(y - x)", "x: *; y: *", by="functions"),
    Law("R2c", "stack([x, y])[1]", "y", "x:; y:", by="positions"),
    Law("R2d", "(x * one_hot(1, 3))[1]", "x", "x:", by="positions"),
    Law("R2e", "(x - one_hot(0, n))[1:]", "x[1:]", "x: n", by="positions"),
    Law("R2f", "(x - one_hot(0, n))[0]", "x[0] - 1", "x: n", by="positions"),
    Law("R2b", "x * one_hot(0, 2) + y * one_hot(1, 2)", "stack([x, y])", "x:; y:", by="merging"),
    Law("A8", "(x > y) * z + (1 - (x > y)) * t", "where(x > y, z, t)", "x: *; y: *; z: *; t: *", by="masks"),
    Law("S10", "exp(x) / (n * mean(exp(x)))", "softmax(x)", "x: n", by="idioms"),
    Law("S10b", "y / (n * mean(x))", "y / sum(x)", "x: n; y: *", by="idioms"),
    Law("S11", "x[:, None] / y[:, None]", "(x / y)[:, None]", "x: n; y: n", by="idioms"),
    Law("S12", "sum((x[:, None] - x)**3, axis=1) - sum((x[:, None] - x)**3, axis=0)",
        "2 * sum((x[:, None] - x)**3, axis=1)", "x: n", by="pairwise"),
    Law("S13", "sum(A * B) + c * sum(A * C)", "sum(A * (B + c * C))", "A: n m; B: n m; C: n m; c:", by="merging"),
    Law("S13b", "sum(A * B) + c * sum((A @ B.T) * C)", "sum(A * (B + c * (C @ B)))",
        "A: n m; B: n m; C: n n; c:", by="merging"),
    Law("I1h", "exp(x) * sigmoid(-x)", "sigmoid(x)", "x: *", by="functions"),
    Law("I4i", "sign(x)**2 * (abs(x) - c > 0)", "abs(x) - c > 0", "x: *; c: positive", by="functions"),
    Law("I4k", "sign(x)**2 / sqrt(abs(x))", "1 / sqrt(abs(x))", "x: *", by="functions"),
    Law("I7", "m * softmax(where(m, x, -inf))", "softmax(where(m, x, -inf))", "m: n mask; x: n", by="labels"),
    Law("I7c", "m * exp(where(m, x, -inf) - c)", "exp(where(m, x, -inf) - c)", "m: n mask; x: n; c:", by="labels"),
    Law("A9", "x / sqrt(x * y)", "sqrt(x) / sqrt(y)", "x: * positive; y: * positive", by="formula"),
    Law("F1m", "(y + b - t) * (x + c) + (z - x - c) * (y + b)", "z * (y + b) - (x + c) * t",
        "x: *; y: *; z: *; t: *; b: *; c: *", by="brackets"),
    Law("S15", "sum(A * diag(x), axis=1)", "diag(A) * x", "A: n n; x: n", by="sifting"),
    Law("A10", "((y >= b)*(y <= c)*((y*x == clip(y, b, c)*x)/2 + (y*x > clip(y, b, c)*x))"
               " + (y*x == clip(y, b, c)*x)/2 + (y*x < clip(y, b, c)*x)) * x",
        "(y*x <= clip(y, b, c)*x) * x", "x: *; y: *; b: negative; c: positive", by="masks"),
    Law("F1l", "x**(1 - c) - y / x**c", "(x - y) / x**c", "x: * positive; y: *; c:", by="factoring"),
    Law("M15", "A.T @ (x - A @ pinv(A) @ x)", "zeros((m,))", "A: n m; x: n", by="residuals"),
    Law("K3c", "A.T @ (A @ solve(A.T @ A, A.T @ x) - x)", "zeros((m,))", "A: n m tall; x: n", by="residuals"),
    Law("E1a", "einsum('ij,jk->ik', A, B)", "A @ B", "A: n m; B: m k", by="contraction"),
    Law("E1b", "einsum('ij,ij->', A, B)", "sum(A * B)", "A: n m; B: n m", by="contraction"),
    Law("E1c", "einsum('i,j->ij', x, y)", "outer(x, y)", "x: n; y: m", by="contraction"),
    Law("E1d", "einsum('i,ij,j->', x, A, y)", "x @ A @ y", "x: n; A: n m; y: m", by="contraction"),
    Law("E2", "einsum('ikjl,kl->ij', reshape(kron(A, B), (n, m, k, k)), B)", "sum(B**2) * A", "A: n k; B: m k",
        by="contraction"),
    Law("F1a", "A @ x + B @ x", "(A + B) @ x", "A: n m; B: n m; x: m", by="merging"),
    Law("F1b", "A @ B - A @ C", "A @ (B - C)", "A: n m; B: m k; C: m k", by="merging"),
    Law("F1h", "2 * (A @ x) + 3 * (B @ x)", "(2*A + 3*B) @ x", "A: n m; B: n m; x: m", by="merging"),
    Law("M9c", "(B - inv(inv(S) @ A)) @ inv(S)", "B @ inv(S) - inv(A)", "A: n n invertible; B: n n; S: n n invertible",
        by="products"),
    Law("F1c", "outer(x, y) - outer(z, y)", "outer(x - z, y)", "x: n; y: m; z: n", by="merging"),
    Law("F1e", "sin(x) * y + A @ (sin(x) * y)", "(eye(n) + A) @ (sin(x) * y)", "A: n n; x: n; y: n", by="merging"),
    Law("F1f", "outer(A @ x, y) + outer(A @ y, x)", "A @ (outer(x, y) + outer(y, x))", "A: n n; x: n; y: n",
        by="merging"),
    Law("F1g", "(2 * p**(c - 1) * t - p**c) * p", "p**c * (2 * t - p)", "p: * positive; c:; t: *", by="factoring"),
    Law("F1d", "x * y + x * y * z", "x * y * (1 + z)", "x: *; y: *; z: *", by="factoring"),
    Law("F1t", "x @ z - y @ z", "(x - y) @ z", "x: n; y: n; z: n", by="merging"),
    Law("F1t2", "x @ A @ y + x @ z", "x @ (A @ y + z)", "x: n; A: n m; y: m; z: n", by="merging"),
    Law("F1s", "(x - y) * z + (y - x) * t * z", "(x - y) * (1 - t) * z", "x: *; y: *; z: *; t: *", by="factoring"),
    Law("F1n", "(x - 1) * (1 - x)", "-(x - 1)**2", "x: *", by="tidy"),
    Law("F1i", "c * (log(x) - 1) + c", "c * log(x)", "c:; x: * positive", by="brackets"),
    Law("F1j", "(y - b) * x * sin(t) + (y - b) * z * cos(t)", "(y - b) * (x * sin(t) + z * cos(t))",
        "y: *; b: *; x: *; z: *; t: *", by="factoring"),
    Law("F1k", "x * (x / c)**(t - 1) / c", "(x / c)**t", "x: * positive; c: positive; t: positive", by="factoring"),
    Law("F1x", "x / (x + y)**2 + y / (x + y)**2", "1 / (x + y)", "x: *; y: *", by="brackets"),
    Law("F1y", "(2 * x * z - 2 * y * t) * b", "2 * (x * z - y * t) * b", "x: *; y: *; z: *; t: *; b: *", by="idioms"),
    Law("Y1", "-(t/p - (1 - t)/(1 - p)) * p * (1 - p)", "p - t", "p: * unit; t: *", by="tidy"),
)
"""What a procedure does; each row is one example of it."""

APPLIED: dict[str, tuple[Law, ...]] = {"chain": CHAINS, "three": THREES, "call": CALLS, "product": PRODUCTS}
LAWS: dict[str, Law] = {law.id: law for law in (*CHAINS, *THREES, *CALLS, *PRODUCTS, *FOUND)}
"""Every law by its name; a derivation says which ones were used."""
