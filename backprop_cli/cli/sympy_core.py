"""sympy's core without the rest of sympy, for a process that lives for one command.

`import sympy` runs its `__init__`, which imports four hundred modules and takes longer than all the rest of a small
run. Formulas are made of sums, products, powers and numbers, which `sympy.core` defines by itself in a quarter of that
time. So here the first `import sympy` loads the core alone, and `sympy` holds its names. The first wish for anything
else, an attribute or a module, runs the `__init__` after all: `sympy` is then what a plain import gives, and what was
made before is of its classes, since the core's modules stay the same.

The core's own functions import names from elsewhere in sympy each time that they run; `stand_ins.py` says what is
given to them in their place. Of the core itself one question is left out that has no answer here (`quick_powers`). A
sympy whose core does not load by itself is imported whole. The library does none of this: who imports sympy beside it
gets it as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def core_first() -> None:
    """Have this process load sympy's core alone when it first imports sympy."""
    if "sympy" not in sys.modules:
        sys.meta_path.insert(0, CoreFirst())


class CoreFirst:
    """Finds sympy and loads its core; runs the rest when a module of it is to be found."""

    def __init__(self) -> None:
        self.whole: Any = None  # the loader of all of sympy
        self.root: ModuleType | None = None  # sympy, while its core alone is loaded
        self.given: dict[str, Any] = {}  # what it holds
        self.hollow: list[str] = []  # modules that hold stand-ins

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of sympy, which is loaded here, or of a module of it that is not loaded yet."""
        if name == "sympy":
            found = PathFinder.find_spec(name)
            if found is not None:
                self.whole, found.loader = found.loader, self  # type: ignore[assignment]
            return found
        if self.root is None or not name.startswith("sympy."):
            return None
        self.complete()
        if name in sys.modules:
            return Loaded(sys.modules[name]).spec
        return PathFinder.find_spec(name, sys.modules[name.rpartition(".")[0]].__path__)

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        """Load the core, or where it does not load by itself, all."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.whole
        try:
            core = import_module("sympy.core")
        except Exception:  # noqa: BLE001 - whatever it is, the whole sympy has it too, or has it not
            for name in [name for name in sys.modules if name.startswith("sympy.")]:
                del sys.modules[name]
            self.whole.exec_module(module)
            return
        from backprop_cli.cli.stand_ins import STAND_INS, stand_in

        quick_powers(core)
        self.given = {n: getattr(core, n) for n in core.__all__} | {"__getattr__": self.wished_for("sympy")}
        vars(module).update(self.given)
        for name in STAND_INS.keys() - sys.modules.keys():
            sys.modules[name] = hollow = ModuleType(name)
            wished_for = self.wished_for(name)
            given = {n: stand_in(n, partial(wished_for, n)) for n in STAND_INS[name]}
            vars(hollow).update(given, __path__=[], __getattr__=wished_for)
            self.hollow.append(name)
        self.root = module

    def wished_for(self, module: str) -> Callable[[str], Any]:
        """The `__getattr__` of a module that is not whole: the whole one's attribute."""

        def attribute(name: str) -> Any:
            if name.startswith("__") and module != "sympy":  # who looks through all modules wishes for nothing
                raise AttributeError(name)
            self.complete()
            return getattr(sys.modules[module], name)

        return attribute

    def complete(self) -> None:
        """Run sympy's `__init__`, once; evaluation has a table of classes, which are the real ones from then on."""
        module, self.root = self.root, None
        if module is None:
            return
        for name in self.given:
            delattr(module, name)
        for name in self.hollow:
            del sys.modules[name]
        self.whole.exec_module(module)
        evaluation = sys.modules["sympy.core.evalf"]
        if evaluation.evalf_table:
            evaluation._create_evalf_table()


def quick_powers(core: Any) -> None:
    """A power of a sum without i is itself, unless the sum is a number: said without asking whether a term is infinite.

    sympy asks that of each sum of two terms before it looks for i, which takes longer than all the rest of the power.
    """
    by_rule, i, factors = core.Add._eval_power, core.I, core.Mul.make_args

    def evaluated(total: Any, exponent: Any) -> Any:
        plain = not total.is_number and not any(i in factors(term) for term in total.args)
        return None if plain else by_rule(total, exponent)

    core.Add._eval_power = evaluated


class Loaded:
    """The loader of a module that is there; without it, importing it would run it once more."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.own = module, module.__spec__
        self.spec = ModuleSpec(module.__name__, self)  # type: ignore[arg-type]
        module.__spec__ = self.spec  # whose loader the import system takes, since the module is there

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """It has its own spec again."""
        module.__spec__ = self.own
