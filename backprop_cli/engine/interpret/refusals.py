"""What is said of a name, a function, or operands that do not fit."""

from __future__ import annotations

from typing import NoReturn

from backprop_cli.engine.interpret.scope import CONSTANTS, Scope, failure
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.engine.ops.base import ParameterError, ShapeError, show
from backprop_cli.engine.ops.keywords import parameter
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.language.source import COMMAND_LINE
from backprop_cli.language.suggest import suggest

FUNCTION_SYNONYMS = {
    "mean_squared_error": "mse_loss", "mse": "mse_loss", "bce": "binary_cross_entropy", "avg": "mean",
    "average": "mean",
    "bce_with_logits": "binary_cross_entropy_with_logits", "crossentropy": "cross_entropy",
    "logistic": "sigmoid", "σ": "sigmoid", "tr": "trace", "matvec": "matmul",
    "softmax_cross_entropy": "cross_entropy", "swish": "silu", "power": "power", "log_det": "logdet",
}  # fmt: skip
"""What other libraries call a function, or people."""


def unknown_name(part: ast.Name, scope: Scope) -> SpecError:
    """A name that nothing has, or nothing that could stand here."""
    if part.name in CONSTANTS:
        return failure("E015", f"{part.name!r} is no tensor", scope.place(part))
    if part.name in OPS or part.name in COMPOSITES or part.name in ALIASES:
        return failure(
            "E011",
            f"{part.name!r} is a function; no node has this name",
            scope.place(part),
            f"call it: {part.name}(...)",
        )
    if part.name == "T":
        from backprop_cli.language.expression.hints import TRANSPOSE

        return failure("E011", "unknown name 'T'", scope.place(part), TRANSPOSE)
    near = suggest(part.name, [*scope.names(), *scope.dims])
    hint = f"did you mean {near!r}?" if near else "declare it under inputs or params, or write a node of that name"
    return failure("E011", f"unknown name {part.name!r}", scope.place(part), hint)


_NO_FUNCTION = {
    **{name: f"write 1/{of}(x)" for name, of in (("sec", "cos"), ("csc", "sin"), ("cosec", "sin"), ("cot", "tan"),
                                                 ("sech", "cosh"), ("csch", "sinh"), ("coth", "tanh"))},
    "root": "write x**(1/n)",
    **dict.fromkeys(("rand", "randn"), "random numbers are a leaf's: {shape: [2, 3], init: normal}"),
    "sqrtm": "no function here gives the square root of a matrix; sqrt(X) is that of each entry",
    "expm": "no function here gives the exponential of a matrix; exp(X) is that of each entry",
    "logm": "no function here gives the logarithm of a matrix; log(X) is that of each entry, logdet(X) that of det(X)",
    "eig": "eigvalsh(A) gives the eigenvalues of a symmetric matrix; there are no eigenvectors",
    "eigh": "eigvalsh(A) gives the eigenvalues of a symmetric matrix; there are no eigenvectors",
    "svd": "svdvals(A) gives the singular values; there are no singular vectors",
}
"""Functions of matrices that the language does not have, and what is near them."""


def unknown_function(part: ast.Call, scope: Scope) -> SpecError:
    """A function that there is not, and what is near it."""
    near = suggest(part.function, [*OPS, *COMPOSITES, *ALIASES, *scope.functions], FUNCTION_SYNONYMS)
    place = scope.origin or scope.text.place(part.start, part.name_end)
    if part.function in _NO_FUNCTION:
        return failure("E012", f"unknown function {part.function!r}", place, _NO_FUNCTION[part.function])
    if near is None and scope.lookup(part.function) is not None:
        return failure(
            "E012", f"{part.function!r} is a node, not a function", place, f"write {part.function}*(...) for a product"
        )
    return failure(
        "E012",
        f"unknown function {part.function!r}",
        place,
        f"did you mean {near!r}?" if near else "`backprop ops` lists the functions",
    )


def signature(function: str, slots: list[str]) -> str:
    """What a function takes, and what else was meant."""
    bases = "; of another base log2(x), log10(x), log(x)/log(b)" if function in {"log", "ln"} else ""
    return f"{function}({', '.join(slots)}){bases}"


def located(
    error: ShapeError | ParameterError,
    part: ast.Expression,
    operands: tuple[ast.Expression | None, ...],
    shapes: list[Shape],
    scope: Scope,
) -> SpecError:
    """What does not fit, in the user's own words, with the shapes of the operands."""
    if isinstance(error, ParameterError):
        at: ast.Expression | ast.Argument = part
        if isinstance(part, ast.Call):
            at = next(
                (a for a in part.arguments if parameter(a.keyword or "", (error.parameter,)) == error.parameter), part
            )
        of_two = f"{part.function}imum" if isinstance(part, ast.Call) else ""
        hint = f"of two operands it is {of_two}(a, b)" if of_two in OPS else None  # Python's max(x, 0)
        return SpecError("E015", str(error), at=scope.place(at), hint=hint)
    at = part if error.operand is None or operands[error.operand] is None else operands[error.operand] or part
    known = {
        scope.spell(p): show(s) for p, s in zip(operands, shapes, strict=True) if p is not None and not scope.origin
    }
    where = " and ".join(f"{text} is {shape}" for text, shape in known.items() if len(text) < 40)
    place = scope.place(at)
    bare = [p.name for p, s in zip(operands, shapes, strict=True) if isinstance(p, ast.Name) and not s]
    hint = f"a name without --shape is a number: --shape {bare[0]}=n,m" if bare and place.file == COMMAND_LINE else None
    return SpecError("E014", f"{error}" + (f"; {where}" if where else ""), at=place, hint=hint or error.hint)


def misplaced(part: ast.Expression, scope: Scope, meaning: object) -> NoReturn:
    """A string, a list or a star where a tensor is needed."""
    if isinstance(part, ast.String):
        raise failure("E015", "a string stands where a tensor is needed", scope.place(part))
    if isinstance(part, ast.Starred):
        raise failure("E015", "`*` stands where a tensor is needed", scope.place(part), "it is for sizes: *x.shape")
    raise failure(
        "E015",
        "a list stands where one tensor is needed",
        scope.place(part),
        "stack([a, b]) makes one tensor of several",
    )
