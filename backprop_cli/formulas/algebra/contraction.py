"""einsum by plainer operators: 'ij,jk->ik' is A·B, 'i,j->ij' is x yᵀ, a Kronecker product comes apart   (E1, E2).

Letters that operands share tie them together.  Groups without a letter of the result are scalars and come out; a
group whose letters go from one to the next is a chain of matrices; what is left stays an einsum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sympy import Expr, Mul, S

from backprop_cli.engine.ops.contraction import explicit
from backprop_cli.formulas.algebra.expr import is_op, shape_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, call, generic, materialize, scaled
from backprop_cli.formulas.algebra.products import chain, dot
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.transposes import swap


class Factor(NamedTuple):
    """An operand and a letter for each of its axes."""

    letters: str
    expr: Expr


def einsum(*xs: Formula, subscripts: str) -> Formula:
    """The product of the groups, as plain as each can be."""
    plain = generic("einsum", {"subscripts": subscripts}, xs)
    inputs, output = explicit(subscripts, tuple(len(x.shape) for x in xs))
    if plain.expr == 0 or any(not _fits(x, xs, inputs) for x in xs):
        return plain
    factor, factors = _apart(inputs, [materialize(x) for x in xs])
    scalars: list[Expr] = [factor]
    rest: list[Factor] = []
    for group in _groups(_without_identities(factors, output)):
        letters = "".join(f.letters for f in group)
        value = None if any(letter in output for letter in letters) else _chained(group, "")
        if value is None:
            rest += group
        else:
            scalars.append(value)
    return scaled(Mul(*scalars), Formula(_result(rest, output), plain.shape))


def _fits(x: Formula, xs: Sequence[Formula], inputs: Sequence[str]) -> bool:
    """Whether no axis of an operand is of size 1 and broadcast."""
    sizes: dict[str, set[int]] = {}
    for one, letters in zip(xs, inputs, strict=True):
        for letter, n in zip(letters, one.shape, strict=True):
            sizes.setdefault(letter, set()).add(int(n))
    return all(len(found) == 1 for found in sizes.values())


def _apart(inputs: Sequence[str], operands: Sequence[Expr]) -> tuple[Expr, list[Factor]]:
    """The scalars in front, and the operands: of a Kronecker product, its two factors."""
    scalar: Expr = S.One
    found: list[Factor] = []
    for letters, operand in zip(inputs, operands, strict=True):
        if not letters:
            scalar *= operand
            continue
        pulled, expr = split_scalar(operand)
        scalar *= pulled
        pair = _kronecker(expr) if len(letters) == 4 else None
        found += [Factor(letters, expr)] if pair is None else pair_of(letters, *pair)
    return scalar, found


def pair_of(letters: str, a: tuple[str, Expr], b: tuple[str, Expr]) -> list[Factor]:
    """The two factors of what has four axes; their axes by number."""
    return [Factor("".join(letters[int(i)] for i in at), expr) for at, expr in (a, b)]


def _kronecker(expr: Expr) -> tuple[tuple[str, Expr], tuple[str, Expr]] | None:
    """Of a Kronecker product, an identity or an outer product, cut into blocks: the two factors and their axes."""
    if not is_op(expr, "reshape"):
        return None
    n, p, m, q = expr.shape
    inner = expr.args[0]
    if is_op(inner, "kron") and shape_of(inner.args[0]) == (n, m):
        return ("02", inner.args[0]), ("13", inner.args[1])
    if is_op(inner, "eye") and (n, p) == (m, q):
        return ("02", call("eye", {"n": n})), ("13", call("eye", {"n": p}))
    if is_op(inner, "outer") and len(inner.shape) == 2 and inner.shape[0] == n * p:
        left, right = (call("reshape", {"shape": s}, a) for s, a in zip(((n, p), (m, q)), inner.args, strict=True))
        return ("01", left), ("23", right)
    return None


def _without_identities(factors: list[Factor], output: str) -> list[Factor]:
    """An identity matrix only says that two letters are one."""
    for i, one in enumerate(factors):
        others = factors[:i] + factors[i + 1 :]
        a, b = one.letters[0], one.letters[-1]
        if is_op(one.expr, "eye") and a != b:
            for gone, kept in ((a, b), (b, a)):
                if gone not in output and any(gone in f.letters for f in others):
                    renamed = [Factor(f.letters.replace(gone, kept), f.expr) for f in others]
                    return _without_identities(renamed, output)
    return factors


def _groups(factors: list[Factor]) -> list[list[Factor]]:
    """The operands that share letters, together."""
    groups: list[list[Factor]] = []
    for factor in factors:
        joined = [g for g in groups if any(set(f.letters) & set(factor.letters) for f in g)]
        groups = [g for g in groups if g not in joined] + [[f for g in joined for f in g] + [factor]]
    return groups


def _result(factors: list[Factor], output: str) -> Expr:
    if not factors:
        return S.One
    groups = _groups(factors)
    found = _chained(groups[0], output) if len(groups) == 1 else _outer(groups, output)
    if found is not None:
        return found
    subscripts = f"{','.join(f.letters for f in factors)}->{output}"
    return generic("einsum", {"subscripts": subscripts}, tuple(Formula(f.expr, shape_of(f.expr)) for f in factors)).expr


def _outer(groups: list[list[Factor]], output: str) -> Expr | None:
    """x yᵀ of two groups that are vectors."""
    if len(groups) != 2 or len(output) != 2:
        return None
    first, second = sorted(groups, key=lambda g: output[0] not in "".join(f.letters for f in g))
    left, right = _chained(first, output[0]), _chained(second, output[1])
    return None if left is None or right is None else call("outer", {}, left, right)


def _chained(group: list[Factor], output: str) -> Expr | None:
    """A group as a chain of matrices from the first letter of the result to the last, a product or a sum; or None."""
    if len({frozenset(f.letters) for f in group}) == 1 and all(len(set(f.letters)) == len(f.letters) for f in group):
        return _entrywise(group, output)
    letters = "".join(f.letters for f in group) + output
    if len(group) == 1 and not output and len(letters) == 2:
        return call("trace", {}, group[0].expr)
    if any(len(f.letters) > 2 for f in group) or any(letters.count(c) != 2 for c in letters):
        return None
    ends = [f for f in group if len(f.letters) == 1]
    if len(output) == 2:
        at, done, left = output[0], [], list(group)
    elif ends:
        start = min(ends, key=lambda f: f.letters == output)
        at, done, left = start.letters, [start.expr], [f for f in group if f is not start]
    else:
        return None
    return _walked(at, done, left, output)


def _walked(at: str, done: list[Expr], left: list[Factor], output: str) -> Expr | None:
    """From a letter to the operand that has it, and on by that operand's other letter."""
    while left:
        following = next((f for f in left if at in f.letters), None)
        if following is None:
            return None
        left.remove(following)
        turned = len(following.letters) == 2 and following.letters[0] != at
        done.append(swap(following.expr) if turned else following.expr)
        at = following.letters[0] if turned else following.letters[-1]
    if len(shape_of(done[0])) == 2:
        return chain(done)
    if len(output) == 1:  # from a vector to the letter of the result: the transposes, from the right
        return chain([swap(f) for f in reversed(done)])
    return dot(done[0], chain(done[1:]))


def _entrywise(group: list[Factor], output: str) -> Expr | None:
    """Operands of the same letters: multiplied entry by entry, and summed where the result has none of them."""
    first = output or group[0].letters
    if len(group[0].letters) > 2 or output and set(output) != set(first) or len(first) != len(group[0].letters):
        return None
    product = Mul(*[f.expr if f.letters == first else swap(f.expr) for f in group])
    if output:
        return product
    if len(first) == 1 and len(group) == 2:
        return dot(group[0].expr, group[1].expr)
    return call("sum", {"axis": None, "keepdims": False}, product)


RULES["einsum"] = einsum

