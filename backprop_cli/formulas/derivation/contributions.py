"""What one consumer of a node hands back to it: the local derivative, the chain rule, and what is substituted."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.graph import Node
from backprop_cli.formulas.algebra.expr import GradSymbol, TensorSymbol, gradients_of, is_op, tree_size
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.closing import closing
from backprop_cli.formulas.derivation.flowing import Flowing
from backprop_cli.formulas.derivation.printing import joined
from backprop_cli.formulas.notation import NOTATIONS
from backprop_cli.formulas.notation.arguments import spell_static
from backprop_cli.formulas.notation.index import EntryLayout, TooLongError
from backprop_cli.formulas.remarks import is_activated, is_weighted
from backprop_cli.formulas.stepwise import rewritings
from backprop_cli.formulas.tensors import true_shape
from backprop_cli.formulas.worked import Algebra, Contribution, Equation, Maths, shapes_of_product
from backprop_cli.language.expression import parts
from backprop_cli.records import dataclass

LONGEST = 240
"""Characters of a formula that is read; what is longer stays in the names of the gradients above."""

LONGEST_ENTRY = 2 * LONGEST
"""Characters of one entry written out; notations with markup take many more to say the same."""

MARKUP = 40


def longest_entry(notation: str) -> int:
    """Beyond how many characters an entry is not written in a notation."""
    return LONGEST_ENTRY if notation == "text" else MARKUP * LONGEST_ENTRY


def is_long(expr: Expr) -> bool:
    """Whether it is certainly longer than what is read: each node of it takes a character at least."""
    return tree_size(expr) > LONGEST


@dataclass(slots=True)
class Contributions(Flowing):
    """Works out steps from a node's consumers back to it."""

    def consumers(self, node: Node) -> list[Node]:
        """The named nodes that use a node directly and lead to the output, latest first."""
        return [user for user in self.users.get(node.name, ()) if user.index in self.derived.local]

    def contribution(self, consumer: Node, target: Node) -> Contribution | None:
        """What flows from a consumer to one of the nodes it uses."""
        delta = self.above(consumer)
        places = self.flow(consumer, target, Formula(delta, consumer.shape))
        if not places:
            return None
        expr = places[0] if len(places) == 1 else self.plain(Add(*places))
        upstream = self.meaning.gradient_symbol(consumer)
        plain = TensorSymbol("δ", consumer.shape, consumer.index)
        factor = Mul(*[a for a in Mul.make_args(expr) if a is not delta])
        elementwise = delta in Mul.make_args(expr) and not factor.has(delta)
        slope = factor if elementwise else expr
        chain: dict[TensorSymbol, Expr] = {delta: upstream}
        above = self.put_together(consumer)
        chained = None if above is None or is_long(above) else above
        spoken: dict[str, int] = {}
        return Contribution(
            consumer=self.label(consumer), name=self.named(self.label(consumer)), definition=self.own_words(consumer),
            local=Equation(self.slope(consumer, target, elementwise),
                           self.maths(slope, {delta: plain})), is_map=not elementwise,
            upstream=self.partial(self.label(consumer)), chain=self.maths(expr, chain),
            substituted=None if chained is None else self.substituted(expr, delta, chained, target),
            notes=self.notes_of(consumer, target), reasons=self.because(consumer, target),
            shapes=shapes_of_product(expr, target),
            entry=self.entry(expr.xreplace(chain), target, spoken) if target.shape else None,
            algebra=() if chained is None else self.algebra(consumer, expr, delta, chained),
            entries=None if elementwise else self.entries(consumer, spoken),
            indices=tuple(f"{letter} < {spell_static(size)}" for letter, size in spoken.items() if letter),
            layer=self.layer(consumer, target, expr, delta),
            places=self.places([place.xreplace({delta: S.One}) if elementwise else place for place in places], slope,
                               {delta: plain}),
        )  # fmt: skip

    def places(self, parts: Sequence[Expr], slope: Expr, meant: dict[TensorSymbol, Expr]) -> Algebra | None:
        """Of a node that stands in a definition more than once: what comes back from each place, and why that is all.

        None where nothing happens when these are added up.
        """
        if len(parts) == 1 or (total := Add(*parts)) == slope or is_long(total):
            return None
        after, each = self.maths(slope, meant), [self.maths(part, meant) for part in parts]
        before = self.each(lambda n: joined([one[n] for one in each], NOTATIONS[n]))
        if before.text == after.text or len(before.text) > LONGEST // 2:
            return None
        return Algebra(before, after, closing(total, slope, self.derived.symbols.facts))

    def put_together(self, consumer: Node) -> Expr | None:
        """The formula of a consumer's gradient in node names, where it is known and holds no other's."""
        expr = self.derived.nodes.get(consumer.index)
        is_output = consumer.index == self.derived.run.output
        is_whole = expr is not None and (is_output or not gradients_of(expr) - {self.meaning.gradient_symbol(consumer)})
        return expr if is_whole else None

    def algebra(self, consumer: Node, expr: Expr, delta: GradSymbol, chained: Expr) -> tuple[Algebra, ...]:
        """What happens between the substituted line and what it simplifies to, part by part."""
        is_one = chained == 1 or is_op(chained, "ones") and delta in Mul.make_args(expr)
        if is_one:
            self.reached[consumer.index] = expr.xreplace({delta: S.One})
        if is_one or tree_size(chained) > LONGEST // 4:
            return ()
        found: dict[tuple[str, str], Algebra] = {}
        steps, self.reached[consumer.index] = rewritings(expr, delta, chained, self.derived.symbols.facts)
        for one in steps:
            before, after = self.maths(one.before, one.meant), self.maths(one.after)
            if before.text != after.text and len(before.text) <= LONGEST:
                found.setdefault((before.text, after.text), Algebra(before, after, one.laws))
        return tuple(found.values())

    def slope(self, consumer: Node, target: Node, elementwise: bool) -> Maths:
        """∂z/∂x, or δ for the map from it."""
        if elementwise:
            return self.each(lambda n: self.notation(n).gradient(self.label(consumer), target.name))
        return self.named("δ")

    def named(self, name: str) -> Maths:
        """A name, or the output's own words."""
        return self.each(lambda n: self.notation(n).label(name))

    def entry_layouts(self) -> dict[str, EntryLayout]:
        """The walks that print one entry, with the letters of the spec."""
        axes = self.work.axes
        return {name: EntryLayout(self.notation(name), style=self.style, axes=axes, longest=longest_entry(name))
                for name in self.notations}  # fmt: skip

    def entries(self, consumer: Node, spoken: dict[str, int]) -> Equation | None:
        """One entry of a node as the user wrote it, which shows where the entries of its operands go.

        How far its letters run goes to `spoken`.
        """
        if not consumer.shape or consumer.spec is not None and len(parts(consumer.spec.expression)) > LONGEST:
            return None
        layouts = self.entry_layouts()
        try:
            sides = {name: self.entry_of(consumer, layout) for name, layout in layouts.items()}
        except TooLongError:
            return None
        written = {name: side for name, side in sides.items() if side is not None}
        if len(written) < len(sides) or len(" = ".join(written[self.notations[0]])) > LONGEST // 2:
            return None
        spoken |= layouts[self.notations[0]].spoken
        return Equation(*(Maths({name: side[i] for name, side in written.items()}) for i in (0, 1)))

    def entry_of(self, consumer: Node, layout: EntryLayout) -> tuple[str, str] | None:
        """Both sides of one entry of a node, in its writer's words where it has any."""
        if consumer.spec is not None:
            return self.words.entry(consumer.spec, layout)
        symbols = self.derived.symbols
        made, left = symbols.definitions.get(consumer.index), symbols.nodes[consumer.index].expr
        return layout.sides(symbols.fold(made), left) if made is not None and isinstance(left, TensorSymbol) else None

    def layer(self, consumer: Node, target: Node, expr: Expr, delta: GradSymbol) -> Maths | None:
        """Of what goes into an activation: the gradient by those of the next layer, two steps in one."""
        above = self.derived.local.get(consumer.index)
        if above is None or not is_activated(target, self.consumers(target)):
            return None
        nexts = [self.graph.nodes[gradient.position] for gradient in gradients_of(above)]
        if not nexts or not all(is_weighted(n) and n.index != self.derived.run.output for n in nexts):
            return None
        found = self.maths(expr, {delta: above})
        return found if len(found.text) <= LONGEST // 2 else None

    def entry(self, expr: Expr, target: Node, spoken: dict[str, int]) -> Equation | None:
        """One step in index notation, None where it is too long; how far its letters run goes to `spoken`."""
        left, whole = self.meaning.gradient_symbol(target), true_shape(expr, target.shape)
        layouts = self.entry_layouts()
        try:
            sides = {name: layout.sides(whole, left) for name, layout in layouts.items()}
        except TooLongError:
            return None
        spoken |= layouts[self.notations[0]].spoken
        return Equation(*(Maths({name: side[i] for name, side in sides.items()}) for i in (0, 1)))

    def substituted(self, expr: Expr, delta: GradSymbol, chained: Expr, target: Node) -> Maths:
        """The chain line with the consumer's formula in it; a factor 1 is not worth writing."""
        if chained == 1 or is_op(chained, "ones") and delta in Mul.make_args(expr):
            return self.maths(true_shape(expr.xreplace({delta: S.One}), target.shape))
        return self.maths(expr, {delta: chained})
