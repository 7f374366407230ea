"""How a spec writes, where its formulas are to: 0.02 rather than 1/50, (r/c)² than r²/c², 1 + x² than x² + 1."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, Rational, S

from backprop_cli.records import dataclass, field

MAX_TERMS = 12  # of a sum whose order is remembered: the parts of a long one would be as many as its pairs
MAX_DIGITS = 8  # that a reader takes for a decimal that somebody wrote, or a product of two


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """The decimals that a spec writes, the quotients that it raises to a power, and its sums.

    `counts` are of its arrays' entries, and the whole numbers that it writes: 1/300 stays where one of them is 300.
    """

    decimals: frozenset[Rational] = frozenset()
    counts: frozenset[int] = frozenset()
    quotients: set[Expr] = field(default_factory=set)
    sums: dict[Expr, tuple[Expr, ...]] = field(default_factory=dict)  # with their terms in order

    def keep_sum(self, total: Expr, left: Expr, right: Expr) -> None:
        """Remember in which order the terms of a sum are written, what is added or taken off last."""
        if isinstance(total, Add) and len(total.args) <= MAX_TERMS:
            terms = (*self.sums.get(left, (left,)), *self.sums.get(right, (right,)))
            if len(terms) == len(total.args) and set(terms) == set(total.args):
                self.sums.setdefault(total, terms)  # `a + b` before `b + a`

    def keep(self, base: Expr) -> None:
        """Remember what is raised to a power, where it is a quotient."""
        if isinstance(base, Mul) and any(isinstance(f, Pow) and f.exp == -1 for f in base.args):
            self.quotients.add(base)

    def fraction(self, value: Rational) -> tuple[Expr, Expr]:
        """What stands above and below the fraction bar for a number: 0.02 for 1/50, 0.02/3 for 1/150."""
        if self.decimals and is_decimal(value):
            return value, S.One
        shares = (Rational(value.p * d.q, value.q * d.p) for d in self.decimals)
        share = min((s for s in shares if s.q < value.q), key=_size, default=value)
        above = Rational(value.p * share.q, value.q)
        if share is value or value.q in self.counts or not is_decimal(above):
            return value.as_numer_denom()
        return above, Rational(share.q)

    def with_quotients(self, above: list[Expr], below: list[Expr]) -> tuple[list[Expr], list[Expr]]:
        """Factors above and below a fraction bar, with (r/c)² for r²/c² where the spec raises r/c to a power.

        A power by a symbol, pᵃ/qᵃ, is always (p/q)ᵃ: that has a value wherever the two have one.  So is that of a sum
        alone, s²/(s + q)².
        """
        for exponent in _shared_powers(above, below):
            over, under = ([f for f in side if isinstance(f, Pow) and f.exp == exponent] for side in (above, below))
            quotient = Mul(*[f.base for f in over], *[1 / f.base for f in under])
            written = quotient in self.quotients or exponent % 2 == 0 and -quotient in self.quotients
            if written or not exponent.is_Integer or _reads_as_one(above, below):
                above = [*(f for f in above if f not in over), Pow(quotient, exponent, evaluate=False)]
                below = [f for f in below if f not in under]
        return above, below


def _reads_as_one(above: list[Expr], below: list[Expr]) -> bool:
    """Whether a power over a power, and nothing else, is one of a quotient: of a sum, which has brackets already."""
    sums = [f.base for f in (*above, *below) if isinstance(f, Pow) and isinstance(f.base, Add)]
    is_plain = not any(term.could_extract_minus_sign() for total in sums for term in total.args)
    return len(above) == 1 == len(below) and bool(sums) and is_plain


PLAIN_STYLE = Style()


def _size(value: Rational) -> tuple[int, int]:
    return int(value.q), abs(int(value.p))


def _shared_powers(above: list[Expr], below: list[Expr]) -> set[Expr]:
    """The whole powers, and those by symbols, that are both above and below."""
    over, under = ({f.exp for f in side if isinstance(f, Pow) and not (f.exp.is_number and not f.exp.is_Integer)}
                   for side in (above, below))  # fmt: skip
    return over & under


def is_terminating(value: Rational) -> bool:
    """Whether a rational has an end as a decimal: its denominator is 2ᵃ 5ᵇ."""
    return pow(10, value.q.bit_length(), value.q) == 0


def is_decimal(value: Rational) -> bool:
    """Whether a rational is a short decimal, and no half, quarter, ...: 0.02, 1.28."""
    if value.q % 5 or max(abs(value.p), value.q).bit_length() > 4 * MAX_DIGITS or not is_terminating(value):
        return False
    digits = abs(value.p) * 10 ** value.q.bit_length() // value.q
    return len(str(digits).rstrip("0")) <= MAX_DIGITS
