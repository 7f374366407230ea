"""The derivation of one node's gradient: all that its consumers contribute, the sum, what it simplifies to, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from sympy import Add, Expr, S

from backprop_cli.engine.graph import Node
from backprop_cli.engine.ops.base import show
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import GradSymbol, gradients_of, symbols_of
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.closing import cancelled, closing
from backprop_cli.formulas.derivation.contributions import LONGEST, Contributions, is_long, longest_entry
from backprop_cli.formulas.derivation.printing import joined, signs
from backprop_cli.formulas.notation import NOTATIONS
from backprop_cli.formulas.notation.numbers import NumbersLayout, numbers
from backprop_cli.formulas.remarks import TOO_LONG, remarks
from backprop_cli.formulas.tensors import seed_formula, true_shape
from backprop_cli.formulas.worked import Contribution, Maths, PutIn, Worked, fits
from backprop_cli.records import dataclass, field, replace

LONGEST_WAY = 12
"""Factors of ∂E/∂out · ∂out/∂net · ... that are read in one line."""

LONGEST_PUT_IN = 160
"""Characters of a formula with its numbers put in that are read."""


def shortened(parts: tuple[Contribution, ...]) -> tuple[tuple[Contribution, ...], bool]:
    """Contributions without the substituted lines that nobody reads, and whether there were any."""
    long = [part.substituted is not None and len(part.substituted.text) > LONGEST for part in parts]
    return tuple(replace(p, substituted=None) if cut else p for p, cut in zip(parts, long, strict=True)), any(long)


@dataclass(slots=True)
class Deriver(Contributions):
    """Works out one backward pass of a graph, node by node."""

    puts_in: dict[str, NumbersLayout] = field(default_factory=dict)  # by notation

    def worked(self, node: Node) -> Worked:
        """The derivation of one node's gradient."""
        facts = self.derived.symbols.facts
        facts.used.clear()
        with at_work(facts.work):
            self.reached.clear()
            found = [self.contribution(c, node) for c in self.consumers(node)]
            parts = tuple(c for c in found if c is not None)
            if self.rests_on_facts:
                self.touch_facts(node, parts)
        with at_work(self.work.printing):
            return self.put_in_words(node, parts)

    def put_in_words(self, node: Node, parts: tuple[Contribution, ...]) -> Worked:
        """The derivation from what each consumer contributes."""
        is_output = node.index == self.derived.run.output
        parts, long = shortened(parts)
        long |= any(is_long(above) for c in self.consumers(node) if (above := self.put_together(c)) is not None)
        seed = self.seed(node) if is_output else None
        whole = self.in_nodes(node)
        simplified = None if whole is None or is_long(whole) else self.simplified(whole, parts, seed)
        if whole is not None and is_long(whole) or simplified is not None and len(simplified.text) > LONGEST:
            simplified, long = None, True
        return Worked(
            name=self.label(node), left=self.partial(self.label(node)), shape=show(node.shape) if node.shape else "",
            contributions=parts, why=self.why(node, parts, simplified) if simplified is not None else (),
            total=self.total(parts, seed), simplified=simplified, seed=seed,
            notes=(*self.notes(node), *([TOO_LONG] if long and simplified is None else [])),
            facts=tuple(self.derived.symbols.facts.used.values()),
            value=None if self.gradients is None else self.gradients[node.index], hooked=node.index in self.graph.hooks,
            numbers=None if node.index in self.graph.hooks else self.numbers(node, self.derived.local),
            chain=(chain := self.whole_chain(node)),
            chain_numbers=None if chain is None else self.numbers(node, self.derived.nodes),
            remarks=remarks(node, self.consumers(node), parts, self.derived.symbols.unit),
        )  # fmt: skip

    def why(self, node: Node, contributions: tuple[Contribution, ...], simplified: Maths) -> tuple[str, ...]:
        """Why the parts together are the final form, where each was put together and something is left to do."""
        standing = contributions[0].substituted if len(contributions) == 1 else None
        if standing is not None and signs(standing.text) == signs(simplified.text):
            return ()
        parts = [part for part in self.reached.values() if part is not None]
        final = self.derived.nodes[node.index]
        if not parts or len(parts) < len(self.reached) or node.index in self.graph.hooks:
            return ()
        total = Add(*parts)
        is_sorted = signs(self.maths(total).text) == signs(self.maths(final).text)
        closed = () if is_sorted else closing(total, final, self.derived.symbols.facts)
        return tuple(dict.fromkeys((*cancelled(parts, total), *closed)))

    def seed(self, node: Node) -> Maths:
        """Where the pass starts: 1, ones, or what the spec gives as `grad_output`."""
        expr = seed_formula(self.meaning).expr
        if isinstance(expr, GradSymbol):
            return self.each(lambda n: NOTATIONS[n].said("grad_output, as given"))
        return self.maths(true_shape(expr, node.shape))

    def touch_facts(self, node: Node, parts: tuple[Contribution, ...]) -> None:
        """Run the chained rules once more, for the facts that they announce."""
        for part in parts:
            consumer = next(c for c in self.consumers(node) if self.label(c) == part.consumer)
            chained = self.derived.nodes.get(consumer.index)
            if chained is not None:
                self.flow(consumer, node, Formula(chained, consumer.shape))

    def notes(self, node: Node) -> tuple[str, ...]:
        """A hook is said in words."""
        hook = self.graph.hooks.get(node.index)
        if hook is None:
            return ()
        words = " ".join(hook.scope.text.text.split())
        return (f"a hook replaces the gradient that arrives at {node.name} by {words}",)

    def total(self, parts: tuple[Contribution, ...], seed: Maths | None) -> Maths | None:
        """The contributions of all paths, side by side."""
        if len(parts) + (seed is not None) < 2:
            return None
        sides = [*([seed] if seed else []), *(p.chain for p in parts)]
        return self.each(lambda n: joined([m[n] for m in sides], NOTATIONS[n]))

    def in_nodes(self, node: Node) -> Expr | None:
        """The formula in node names; None where it holds the gradients of others."""
        expr = self.derived.nodes.get(node.index)
        own = {self.derived.gradients.get(self.derived.run.output)}
        return None if expr is None or gradients_of(expr) - own else expr

    def simplified(self, expr: Expr, parts: tuple[Contribution, ...], seed: Maths | None) -> Maths | None:
        """The formula in node names, printed; None where a line says it already."""
        if seed is not None:
            final = self.maths(expr)
            return None if final.text == seed.text or isinstance(expr, GradSymbol) else final
        if len(parts) != 1:
            return self.side_by_side(expr) if len(self.reached) == len(parts) else self.maths(expr)
        final, last = self.maths(expr), parts[0].substituted or parts[0].chain
        return None if _factors(final.text) == _factors(last.text) else final

    def side_by_side(self, expr: Expr) -> Maths:
        """What the paths add up to, in their order; where more is done to it than that, as the formula has it."""
        final, terms = self.maths(expr), [term for term in self.reached.values() if term is not None]
        if len(terms) < len(self.reached) or Add(*terms) != expr:
            return final
        written = [self.maths(term) for term in terms]
        whole = self.each(lambda n: joined([one[n] for one in written], NOTATIONS[n]))
        return final if whole.text.startswith("-") or signs(whole.text) != signs(final.text) else whole

    def whole_chain(self, node: Node) -> Maths | None:
        """∂E/∂out · ∂out/∂net · ∂net/∂w, where one way of scalars leads from a node to the output."""
        way = [node]
        while way[-1].index != self.derived.run.output:
            users = self.consumers(way[-1])
            if len(way) > LONGEST_WAY or len(users) != 1 or users[0].shape or way[-1].shape:
                return None
            if way[-1].index in self.graph.hooks:
                return None
            way.append(users[0])
        slopes = [(self.label(after), before.name) for before, after in pairwise(way)][::-1]
        if len(slopes) < 2:
            return None
        return self.each(lambda n: NOTATIONS[n].times(S.One, S.One).join(self.notation(n).gradient(*s) for s in slopes))

    def numbers(self, node: Node, exprs: Mapping[int, Expr]) -> PutIn | None:
        """One step, or the whole formula, with its numbers put in: of a scalar, or of one entry."""
        expr = exprs.get(node.index)
        evaluator = self.evaluator
        if evaluator is None or self.gradients is None or expr is None or not symbols_of(expr):
            return None
        shape = tuple(map(int, node.shape))
        at = self.asked if self.asked is not None and fits(self.asked, shape) else (0,) * len(shape)
        if 0 in shape:
            return None
        found = f"{float(self.gradients[node.index][at]) + 0.0:.{self.digits}g}"  # no -0
        given = self.each(lambda n: self.figures(n, evaluator).put_in(expr, at))
        if not given.text or len(given.text) > LONGEST_PUT_IN or given.text == found:
            return None
        letters = tuple(map(str, at))
        left = self.each(lambda n: self.notation(n).gradient_at(self.derived.run.name, self.label(node), letters))
        shown = self.each(lambda n: NOTATIONS[n].figure(found))
        return PutIn(at, left if at else self.partial(self.label(node)), given, shown)

    def figures(self, notation: str, evaluator: Evaluator) -> NumbersLayout:
        """The walk that puts numbers in, in a notation."""
        if notation not in self.puts_in:
            self.puts_in[notation] = layout = numbers(evaluator, self.digits, notation, self.style)
            layout.longest = longest_entry(notation)
        return self.puts_in[notation]


def _factors(text: str) -> list[str]:
    """The factors of a product, in an order of their own: the same where no more was done than to sort them."""
    depth, found = 0, [""]
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign in "⊙·" and not depth:
            found.append("")
        else:
            found[-1] += sign
    return sorted(one.strip() for one in found)
