"""sympy's core without the rest of sympy, for a process that lives for one command.

`import sympy` runs its `__init__`, which imports four hundred modules and takes longer than all the rest of a small
run. Formulas are made of sums, products, powers and numbers, which `sympy.core` defines by itself in a quarter of that
time. So here the first `import sympy` loads the core alone, and `sympy` holds its names. Where fractions are cancelled
or functions differentiated, the modules that do this are loaded too (`sympy_parts.py`), which takes another quarter.
The first wish for anything else, an attribute or a module, runs the `__init__` after all: `sympy` is then what a plain
import gives, and what was made before is of its classes, since the modules that were loaded stay the same.

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

from backprop_cli.cli.later import Later


def core_first() -> None:
    """Have this process load sympy's core alone when it first imports sympy."""
    if "sympy" not in sys.modules:
        sys.meta_path.insert(0, CoreFirst())


class CoreFirst:
    """Finds sympy and loads its core; runs the rest when a module of it is to be found."""

    def __init__(self) -> None:
        self.whole: Any = None  # the loader of all of sympy
        self.root: ModuleType | None = None  # sympy, while it is not whole
        self.given: dict[str, Any] = {}  # what it holds
        self.hollow: list[str] = []  # modules that hold stand-ins
        self.names: dict[str, str] = {}  # the modules of parts, with the names they are asked for
        self.homes: dict[str, str] = {}  # the modules of these names
        self.packages: set[str] = set()  # of parts
        self.parts: list[Part] = []  # those that are loaded
        self.parted = self.parting = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of sympy, which is loaded here, or of a module of it that is not loaded yet."""
        if name == "sympy":
            found = PathFinder.find_spec(name)
            if found is not None:
                self.whole, found.loader = found.loader, self  # type: ignore[assignment]
            return found
        if self.root is None or not name.startswith("sympy."):
            return None
        if self.parting:
            return self.part(name, path)
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
        from backprop_cli.cli.sympy_parts import HOMES, NAMES, PACKAGES

        self.names, self.homes, self.packages = NAMES, HOMES, PACKAGES
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

    def part(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """The spec of a module while the parts are loaded: a package that comes apart, or as it is found ever."""
        parent = name.rpartition(".")[0]
        if name not in self.packages and (parent == "sympy" or parent in self.hollow):
            raise UnfitError(name)
        found = PathFinder.find_spec(name, path)
        if name in self.packages and found is not None:
            found.loader = part = Part(found.loader, self)  # type: ignore[assignment]
            self.parts.append(part)
        return found

    def load_parts(self) -> None:
        """Load the polynomials and the functions, or where they ask for more, all of sympy."""
        replaced = [name for name in self.hollow if name in self.names]
        for name in replaced:
            del sys.modules[name]
        self.hollow = [name for name in self.hollow if name not in replaced]
        before, self.parted, self.parting = set(sys.modules), True, True
        try:
            for name in self.names:
                import_module(name)
        except Exception:  # noqa: BLE001 - another version of sympy, in which they depend on more
            for name in {name for name in sys.modules if name.startswith("sympy.")} - before:
                del sys.modules[name]
            self.parts, self.parting = [], False
            self.complete()
        self.parting = False
        evaluate_anew()

    def wished_for(self, module: str) -> Callable[[str], Any]:
        """The `__getattr__` of a module that is not whole: an attribute of a part, or of the whole one."""

        def attribute(name: str) -> Any:
            if name.startswith("__") and module != "sympy":  # who looks through all modules wishes for nothing
                raise AttributeError(name)
            home = self.homes.get(name, module)
            if home not in self.names:
                self.complete()
            elif not self.parted:
                self.load_parts()
            return getattr(import_module(home if self.root else module), name)

        return attribute

    def complete(self) -> None:
        """Run sympy's `__init__`, once; evaluation has a table of classes, which are the real ones from then on."""
        if self.parting:
            raise UnfitError
        module, self.root = self.root, None
        if module is None:
            return
        for name in self.given:
            delattr(module, name)
        for name in self.hollow:
            del sys.modules[name]
        self.whole.exec_module(module)
        for part in self.parts:
            part.finish()
        evaluate_anew()


class UnfitError(Exception):
    """A part asks for what is no part, as it may in another version of sympy."""


class Part(Later):
    """A package of sympy without its `__init__`, which runs when that of sympy does."""

    def __init__(self, real: Any, first: CoreFirst) -> None:
        super().__init__(real, dict)
        self.first = first

    def wished_for(self, name: str) -> Any:
        """What one of its modules defines; when sympy is whole, whatever there is."""
        if self.first.root is None:
            return super().wished_for(name)
        if f"{self.module.__name__}.{name}" in self.first.names:  # who asks for a module loads it next
            raise AttributeError(name)
        return self.first.wished_for(self.module.__name__)(name)

    def finish(self) -> None:
        """Run the `__init__`, unless something was wished for in the meantime."""
        if self.waiting:
            self._run()


def evaluate_anew() -> None:
    """Have evaluation look for its classes once more, if it has done so: some stood in for others."""
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
