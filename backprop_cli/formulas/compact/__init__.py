"""Terms 'compact': the reverse pass with a reader's budget.

A formula that fits the line of a book when it is chained through is printed so.  One that does not is written with
names, evenly: the gradient of a node that several operands share, or that stands beside sibling paths, by its symbol;
a gradient that flows on to one place alone, as its formula.  A part of an expression has no name: where its gradient
forks it is called δ, after the node in whose expression it stands.  So the algebra still works across names (softmax
and cross-entropy collapse first), and what is left is what a textbook writes: δ_2 = (Wᵀ · δ_3) ⊙ σ'(z_2).
"""

from __future__ import annotations

from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.compact.parts import LINE, WHOLE
from backprop_cli.formulas.compact.reader import Compact, Reader
from backprop_cli.formulas.tensors import Derived


def compact(derived: Derived) -> Compact:
    """The compact formula of every active node's gradient, for one backward pass."""
    symbols = derived.symbols
    with at_work(symbols.facts.work):
        return Reader(symbols, derived.run).read(derived.whole if derived.longest <= WHOLE else {})


__all__ = ["LINE", "Compact", "compact"]
