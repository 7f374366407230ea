"""`grade`: answers worked out by hand, marked item by item against a spec.

An item is a node's value (`loss`), its gradient as numbers (`w2.grad`) or as a formula (`w2.formula`). Formulas are
compared by what they evaluate to, at the spec's numbers and at two further draws of its leaves, never by their form.
"""
