"""What a named node may be met as in a formula, from its definition: what `folding` looks for   (D2)."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Integer, Mul, Pow, S

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.factoring import factored_out, with_powers
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.opening import reopened
from backprop_cli.formulas.algebra.scalars import powers_of, split_scalar, split_sum
from backprop_cli.formulas.algebra.solved import SHORTEST, solutions
from backprop_cli.formulas.algebra.tidy import put_together

REDUCED = frozenset({"sum", "mean", "var", "std", "norm", "logsumexp", "max", "min"})
MAX_TERMS = 4  # of a sum that is looked for by one of them, among terms that hold the others
ROOTS = {"arcsin": "cos", "arccos": "sin"}
"""What √(1 - u²) is of a node that is one of these of u."""
MAX_DEFINITION = 40  # a longer one is not found in a formula that anybody reads


def name_definition(symbol: TensorSymbol, definition: Expr, facts: Facts) -> None:
    """Remember what a named node is defined as, by the parts that it can be recognised by."""
    if isinstance(definition, TensorSymbol) or tree_size(definition) > MAX_DEFINITION:
        return
    if _is_bare(definition):
        _name_whole(symbol, definition, facts)
        return
    _name_opened(symbol, definition, facts)
    for form, name in (*_forms(symbol, definition), *_softmax(symbol, definition, facts)):
        _name_whole(name, form, facts)
    _name_solutions(symbol, definition, facts)
    if isinstance(definition, Add) and len(definition.args) <= MAX_TERMS:
        facts.related[symbol] = [(t, symbol - definition + t) for t in definition.args if isinstance(t, Mul)]
    _name_part(symbol, factored_out(definition), facts)
    _name_root(symbol, definition, facts)
    _name_scaled(symbol, definition, facts)
    whole = with_powers(definition)  # (x/l)**(k - 1)/l is (x/l)**k/x, too
    if whole != definition:
        _name_part(symbol, whole, facts)
    summed = _summed(definition) if isinstance(definition, Mul) else None  # (g ⊙ q)ᵀk/r is Σ(g ⊙ q ⊙ k)/r, too
    if summed is not None:
        _name_part(symbol, call("sum", {"axis": None, "keepdims": False}, summed), facts)
    if isinstance(definition, Mul):  # probs is counts·scale, and scale is 1/total
        undone = {s: d for s in symbols_of(definition) if isinstance(d := facts.definitions.get(s), Pow)}
        if undone:
            _name_part(symbol, definition.xreplace(undone), facts)
    for name, part in (*_complements(symbol, definition), *_slopes(symbol, definition)):
        _name_part(name, part, facts)
    constant, rest = definition.as_coeff_Add()
    if constant != 0 and not isinstance(rest, Add):  # of D = 1 - 2 a/b, 2 a/b is 1 - D
        _name_part(constant - symbol, -rest, facts)


def _is_bare(definition: Expr) -> bool:
    """A short sum of a node and others, or operators: they share nothing, and it is met as it stands alone."""
    kinds = {*map(type, definition.args)} if isinstance(definition, Add) else set()
    return TensorSymbol in kinds and kinds <= {TensorSymbol, Apply} and tree_size(definition) < SHORTEST


def _name_solutions(symbol: TensorSymbol, definition: Expr, facts: Facts) -> None:
    """Parts of a definition as what they are in terms of the node; of d = √S - c, 1/√S is 1/(d + c)."""
    for part, form, divisor in solutions(symbol, definition):
        facts.solved.setdefault(part, (form, divisor))
        facts.solving.add(symbol)
        if isinstance(part, Add):
            facts.added.add(symbols_of(part))
        if isinstance(part, Pow) and divisor == 1:
            _name_part(form, part, facts)


def _name_whole(name: Expr, form: Expr, facts: Facts) -> None:
    """An operator or a sum, to be met as it stands."""
    facts.wholes.setdefault(form, name)
    facts.naming.add(symbols_of(form))
    if is_op(form, "matmul"):
        facts.longest_chain = max(facts.longest_chain, len(form.args))
    if isinstance(form, Add):
        added = symbols_of(form)
        facts.added.add(added)
        facts.unturned.setdefault(added, []).append((form, name))


def _name_opened(symbol: TensorSymbol, definition: Expr, facts: Facts) -> None:
    """F = 2 P R/(P + R) is 2 t/(a + b), too, where P is t/a and R is t/b."""
    opened = reopened(definition, facts)
    if opened != definition:
        constant, rest = opened.as_coeff_Add()
        facts.opened[symbol] = constant + put_together(rest, facts)
        name_definition(symbol, facts.opened[symbol], facts)


def _forms(symbol: Expr, definition: Expr) -> Iterator[tuple[Expr, Expr]]:
    """What a definition may be met as, and what that then is: m = (p + q)/2 as p + q, which is 2m; xᵀy as Σ(x ⊙ y)."""
    if not isinstance(definition, (Apply, Add)):
        sign, definition = definition.as_coeff_Mul()
        if sign != -1 or not isinstance(definition, Apply):
            return
        symbol = -symbol
    yield definition, symbol
    yield from _positive_part(symbol, definition)
    yield from _tanh(symbol, definition)
    yield from _kept(symbol, definition)
    if isinstance(definition, Add):
        factor, rest = split_sum(definition)
        if factor != 1:
            yield rest, symbol / factor
    parts = Add.make_args(definition)
    terms: list[Expr] = []
    for part in parts:
        inner = _summed(part)
        if inner is None:
            return
        terms.append(inner)
    if len({shape_of(t) for t in terms}) == 1:
        total = factored_out(Add(*terms))
        if isinstance(total, Mul):
            yield call("sum", {"axis": None, "keepdims": False}, total), symbol


def _positive_part(symbol: Expr, definition: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Where h is max(0, u), of a sum u without a name, u > 0 is h > 0."""
    if is_op(definition, "maximum") and S.Zero in definition.args:
        u = next((a for a in definition.args if isinstance(a, Add)), None)
        if u is not None:
            yield call("greater", {}, u, S.Zero), call("greater", {}, symbol, S.Zero)
            yield call("less", {}, S.Zero, u), call("greater", {}, symbol, S.Zero)


def _tanh(symbol: Expr, definition: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Where t is tanh x, σ(2x) is (1 + t)/2."""
    if is_op(definition, "tanh"):
        for sign in (1, -1):
            yield call("sigmoid", {}, 2 * sign * definition.args[0]), (1 + sign * symbol) / 2


def _slopes(symbol: Expr, definition: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Where t is tanh x, e²ˣ (1 - t)² is 1 - t²."""
    if is_op(definition, "tanh"):
        for sign in (1, -1):
            yield 1 - symbol**2, call("exp", {}, 2 * sign * definition.args[0]) * (1 - sign * symbol) ** 2


def _softmax(symbol: Expr, definition: Expr, facts: Facts) -> Iterator[tuple[Expr, Expr]]:
    """Where p is eˡ of a node l that is a log-softmax, the softmax is p."""
    softmax = facts.softmax_of(definition)
    if softmax is not None:
        yield softmax, symbol


def _kept(symbol: Expr, definition: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Where s is a sum over the columns, that sum with its axis kept is s[:, None]."""
    axis = definition.parameters.get("axis") if isinstance(definition, Apply) and definition.name in REDUCED else None
    if isinstance(definition, Apply) and isinstance(axis, int) and axis > 0 and not definition.parameters["keepdims"]:
        kept = call(definition.name, {**definition.parameters, "keepdims": True}, *definition.args)
        sign, name = symbol.as_coeff_Mul()
        yield kept, sign * call("expand_dims", {"axis": axis}, name)


def _complements(symbol: Expr, definition: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Of a share c a/(a + b) the rest of what it is a share of, c - y, which is c b/(a + b)."""
    powers = powers_of(definition)
    for total in (b for b, e in powers.items() if isinstance(b, Add) and e == -1):
        for term in total.args:
            above = {b: e for b, e in powers_of(term).items() if not b.is_number}
            if all(powers.get(b) == e for b, e in above.items()):
                share = definition * total / term
                rest = share * (total - term) / total
                yield share - symbol, rest
                yield share - symbol, rest / definition * symbol  # where b/(a + b) was read as y b/a before


def _summed(term: Expr) -> Expr | None:
    """c Σ t, or c xᵀy, as the c t that is summed; None for what is no sum over all entries."""
    if isinstance(term, TensorSymbol):
        return None
    factors = Mul.make_args(term)
    total = next((f for f in factors if isinstance(f, Apply) and f.name in {"sum", "matmul"}), None)
    if total is None or shape_of(term):
        return None
    inner = total.args[0] if total.name == "sum" else Mul(*total.args) if len(total.args) == 2 else None
    return None if inner is None else inner * Mul(*[f for f in factors if f is not total])


def _name_root(symbol: TensorSymbol, definition: Expr, facts: Facts) -> None:
    """Where t is arcsin u, √(1 - u²) is cos t; of a node u it says as much as that."""
    if isinstance(definition, Apply) and definition.name in ROOTS and definition.args[0].args:
        squared = 1 - definition.args[0] ** 2
        root = call(ROOTS[definition.name], {}, symbol)
        facts.factors.setdefault(squared, []).append((root, Pow(squared, S.Half)))


def _name_scaled(symbol: TensorSymbol, definition: Expr, facts: Facts) -> None:
    """L = gᵀy is c gᵀh, too, where y is c h, of a scalar c."""
    vectors = definition.args if is_op(definition, "matmul") else ()
    made = {a: facts.definitions.get(a) for a in vectors}
    scaled = {a: d for a, d in made.items() if isinstance(d, Mul) and not split_scalar(d)[0].is_number}
    if scaled:
        _name_part(symbol, call("matmul", {}, *(scaled.get(a, a) for a in definition.args)), facts)


def _is_plain(exponent: Expr) -> bool:
    """Whether a power alone says as much as a name for it: x, x², √x, but not 1/x or xⁿ⁻¹."""
    return bool(exponent.is_Rational and exponent > 0)


def _name_part(symbol: Expr, definition: Expr, facts: Facts) -> None:
    """A product by its factors; what has a minus in front, without it."""
    if not isinstance(definition, (Mul, Pow, Apply)):
        return
    powers = {b: e for b, e in powers_of(definition).items() if not b.is_number}
    if len(powers) > 1 or not all(isinstance(b, TensorSymbol) and _is_plain(e) for b, e in powers.items()):
        # every base is known, but one leads to it: the w of a thousand nodes f(x) w does not
        facts.divided.update(symbols_of(base) for base in powers if isinstance(base, Add))
        listed = [facts.factors.setdefault(base, []) for base in powers]
        min(listed, key=len).append((symbol, definition))
    base, exponent = definition.as_base_exp()
    root = 1 / exponent
    if isinstance(root, TensorSymbol) or isinstance(root, Integer) and root > 1:  # Σ xᵖ is fᵖ, where f is (Σ xᵖ)^(1/p)
        _name_part(Pow(symbol, root), base, facts)
        if isinstance(base, Add):
            facts.factors.setdefault(base, []).append((Pow(symbol, root), base))
