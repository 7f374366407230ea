"""One walk over an expression under any meaning: building the graph, checking a printed formula, a user's rule.

The walk resolves names, binds arguments to a function's signature, evaluates static parameters, and unfolds the
functions that are written in the language itself.  What an op then *does* is the meaning's business:

    meaning.constant(value)                  a literal (Fraction), a named size, an infinity, or None
    meaning.apply(op, operands, parameters)  an op of the registry
    meaning.shape(value)                     the shape of a value
"""

from backprop_cli.engine.interpret import calls as calls  # enters its kinds of expressions
from backprop_cli.engine.interpret.binding import usage
from backprop_cli.engine.interpret.existing import unknown
from backprop_cli.engine.interpret.inspection import Shapes
from backprop_cli.engine.interpret.refusals import FUNCTION_SYNONYMS
from backprop_cli.engine.interpret.scope import Meaning, Scope
from backprop_cli.engine.interpret.textbook import textbook
from backprop_cli.engine.interpret.walk import evaluate_body, interpret

__all__ = ["FUNCTION_SYNONYMS", "Meaning", "Scope", "Shapes", "evaluate_body", "interpret", "textbook", "unknown",
           "usage"]  # fmt: skip
