"""The parts of sympy beyond its core that formulas ask for: polynomials, which cancel fractions, and the functions.

They are a quarter of sympy's modules. Loaded by themselves they take a quarter of the time: their packages have an
`__init__` that imports the rest.
"""

from __future__ import annotations

NAMES: dict[str, str] = {
    "sympy.functions.combinatorial.factorials": "RisingFactorial factorial",
    "sympy.functions.elementary.complexes": "Abs im re sign",
    "sympy.functions.elementary.exponential": "exp log",
    "sympy.functions.elementary.hyperbolic": "acosh acoth asinh atanh cosh sinh tanh",
    "sympy.functions.elementary.integers": "ceiling floor",
    "sympy.functions.elementary.miscellaneous": "Max Min root sqrt",
    "sympy.functions.elementary.piecewise": "Piecewise",
    "sympy.functions.elementary.trigonometric": "acos asin atan atan2 cos sin tan",
    "sympy.functions.special.delta_functions": "DiracDelta Heaviside",
    "sympy.functions.special.error_functions": "erf erfc erfinv",
    "sympy.functions.special.gamma_functions": "digamma loggamma polygamma",
    "sympy.ntheory.factor_": "divisors factorint multiplicity perfect_power",
    "sympy.ntheory.generate": "nextprime sieve",
    "sympy.ntheory.primetest": "isprime",
    "sympy.polys.orderings": "",
    "sympy.polys.polyerrors": "PolynomialError",
    "sympy.polys.polyoptions": "",
    "sympy.polys.polytools": "Poly cancel factor gcd",
    "sympy.polys.rationaltools": "together",
    "sympy.polys.rings": "",
    "sympy.printing.str": "",
    "sympy.sets.fancysets": "",
    "sympy.simplify.cse_opts": "",
    "sympy.simplify.radsimp": "",
}
"""The modules of the parts that are asked for, with what is taken of them by way of a package."""

HOMES = {name: module for module, names in NAMES.items() for name in names.split()}

PACKAGES = {f"sympy.{name}" for name in ("functions", "ntheory", "polys", "printing", "sets", "simplify")}
"""Those of which single modules are loaded."""
