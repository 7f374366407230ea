"""A command loads sympy's core, and the rest of sympy when it is needed; nobody can tell but by the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import sympy
from sympy.core import evalf as evaluation
from sympy.core.numbers import Float, Integer, Rational

from backprop_cli.cli.stand_ins import ANSWERS, STAND_INS
from backprop_cli.cli.sympy_parts import HOMES, PACKAGES

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "specs").rglob("*.yaml"))
SOME = [f"specs/{name}.yaml" for name in ("two_layer", "softmax_regression", "embedding", "layers/given")]
OPTIONS = ["--terms", "local", "--terms", "nodes", "--terms", "leaves", "--terms", "compact", "--format", "json"]
CORE = "from backprop_cli.cli.sympy_core import core_first; core_first(); import sys\n"
COMMANDS = {"run": OPTIONS, "check": [], "jacobian": []}
RUNS = """
import contextlib, io, json, os
import sympy, yaml, numpy
from backprop_cli.cli.boundary import invoke
for words in json.loads(sys.argv[1]):  # each in a process of its own: what one completes is not complete for the next
    sys.stdout.flush()
    if not os.fork():
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            assert invoke(words) == 0
        loaded = [name for name in ("sympy.polys", "sympy.matrices") if name in sys.modules]
        print(json.dumps([words[0], words[-1], len(loaded), out.buffer.getvalue().decode()]), flush=True)
        os._exit(0)
    os.wait()
"""


def python(code: str, *arguments: str) -> str:
    """What a Python process prints."""
    command = [sys.executable, "-c", code, *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


Results = dict[tuple[str, str], tuple[int, str]]


def results(start: str, asked: Sequence[tuple[str, str]]) -> Results:
    """Of each command and spec whether sympy's core was loaded (0), its parts (1) or all (2), and what was printed."""
    words = [[command, *COMMANDS[command], spec] for command, spec in asked]
    rows = map(json.loads, python(start + RUNS, json.dumps(words)).splitlines())
    return {(command, spec): (loaded, text) for command, spec, loaded, text in rows}


@pytest.mark.parametrize(("specs", "few"), [(SOME, SOME[1:2]), pytest.param(SPECS, SPECS, marks=pytest.mark.fuzz)],
                         ids=["some", "all"])  # fmt: skip
def test_every_command_says_the_same_with_the_core_alone(specs: list[str], few: list[str]) -> None:
    """Formulas in all terms and notations, independent answers and whole Jacobians, to the byte.

    For its formulas the main spec needs the core alone, and so do most, others its parts.
    """
    asked = [("run", spec) for spec in specs] + [(command, spec) for command in ("check", "jacobian") for spec in few]
    here, plain = results(CORE, asked), results("import sys\n", asked)
    assert list(plain) == asked
    assert {one: text for one, (_, text) in here.items()} == {one: text for one, (_, text) in plain.items()}
    assert all(loaded == 2 and len(text) > 100 for loaded, text in plain.values())
    assert all("backprop.run" in plain["run", spec][1] for spec in specs)
    runs = [here["run", spec][0] for spec in specs]
    assert here["run", "specs/two_layer.yaml"][0] == 0
    assert 0 < sum(runs) < len(specs) / 2
    assert max(runs) == 1
    for command in ("check", "jacobian"):
        assert sum(here[command, spec][0] == 2 for spec in few) <= len(few) / 10


def test_a_command_starts_so() -> None:
    """The process of `backprop run` has the core alone."""
    code = ("import sys; from backprop_cli.cli import process, boundary; process.prepare()\n"
            "boundary.invoke(['run', 'specs/two_layer.yaml'])\n"
            "print('alone', 'sympy.core' in sys.modules and 'sympy.polys' not in sys.modules)")  # fmt: skip
    assert python(code).splitlines()[-1] == "alone True"


WAYS = {
    "attribute": "sympy.sin",
    "names": "exec('from sympy import *')",
    "version": "sympy.__version__",
    "package": "import sympy.functions",
    "module": "import sympy.polys.polytools; assert sympy.polys.polytools.Poly is sympy.Poly",
    "module of stand-ins": "import sympy.polys.orderings; assert sympy.polys.orderings.lex((1,)) == (1,)",
    "module that the whole does not load": "import sympy.physics.units.systems",
    "stand-in's module": "import sympy.matrices.expressions.matexpr",
    "stand-in": "from sympy.functions.elementary.exponential import log; assert log(1) == 0",
    "attribute of a stand-in": "from sympy.functions.elementary.exponential import exp; exp.fdiff",
    "part": "assert sympy.cancel((before**2 - 1) / (before - 1)) == before + 1 and sympy.sin(1).evalf(2)",
    "package of parts": "sympy.sin; import sympy.polys.agca; assert sympy.polys.Poly is sympy.polys.polytools.Poly",
    "name beside the parts": "sympy.sin; from sympy.polys import QQ; from sympy.ntheory import totient, primetest",
    "stand-in beside the parts": "sympy.sin; from sympy.simplify.simplify import signsimp, simplify",
    "evaluation": "assert abs((before + 1).subs(before, sympy.Pow(3, sympy.S.Half)).evalf() - 2.732) < 1e-3",
}
AFTER = """
import pickle
sympy.Matrix
names = sorted(vars(sympy).keys() - {"combinatorics", "physics", "__builtins__"})
stale = [n for n, m in sys.modules.items() if n.startswith("sympy.") and
         (m.__spec__ is None or m.__spec__.name != n or type(m.__spec__.loader).__module__.startswith("backprop"))]
assert not stale, stale
assert sympy.__spec__.loader is sympy.__loader__ and not hasattr(sympy, "__getattr__")
from sympy.calculus.accumulationbounds import AccumBounds
assert isinstance(AccumBounds(1, 2) * 2, AccumBounds) and isinstance(sympy.Add(AccumBounds(1, 2), 1), AccumBounds)
assert sympy.Matrix([[1]]) * 2 == sympy.Matrix([[2]]) and sympy.MatrixSymbol("A", 2, 2) * 2
assert type(before) is sympy.Symbol and pickle.loads(pickle.dumps(1 / before + 1)) == 1 / before + 1
assert sympy.sin(1).evalf(3) == sympy.Float(sympy.N(sympy.sin(1), 3)) and sympy.exp(2).is_positive
assert sympy.cancel((before**2 - 1) / (before - 1)) == before + 1 and str(sympy.sqrt(before)) == "sqrt(x)"
print(names)
"""


FORKED = """
import os, sympy
before = sympy.Symbol("x")
if ALONE:
    assert "sympy.polys" not in sys.modules and sympy.Integer(2).is_positive and (-before).evalf() == -before
    assert "sympy.polys" not in sys.modules and sympy.core.evalf.evalf_table
for way in sys.argv[2:]:  # each in a process of its own
    sys.stdout.flush()
    if not os.fork():
        exec(sys.argv[1], {"sys": sys, "sympy": sympy, "before": before, "way": way})
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0, way
"""
LOOK = "exec(way)\n" + AFTER


@pytest.mark.skipif(not hasattr(os, "fork"), reason="is not installed")
def test_whatever_asks_for_more_gets_sympy_as_it_is() -> None:
    """An attribute, `*`, a package, a module, a call: afterwards all is as after a plain import, and works."""
    plain = python("import sys; ALONE = False" + FORKED, LOOK, *WAYS.values()).splitlines()
    found = python(CORE + "ALONE = True" + FORKED, LOOK, *WAYS.values()).splitlines()
    assert dict(zip(WAYS, found, strict=True)) == dict(zip(WAYS, plain, strict=True))


HELD = """
import sympy
from backprop_cli.cli.stand_ins import StandIn
sympy.cancel
assert "sympy.matrices" not in sys.modules
print([(n, k) for n, m in sys.modules.items() if n.startswith("sympy.") and m.__spec__ for k in vars(m)
       if isinstance(vars(m)[k], StandIn)])
"""


def test_no_module_keeps_what_stands_in() -> None:
    """What the parts import at their top is there: they ask once, and for good."""
    assert python(CORE + HELD) == "[]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="is not installed")
def test_parts_that_ask_for_more_are_loaded_with_all() -> None:
    """In a version of sympy in which they depend on what is no part."""
    less = "from backprop_cli.cli import sympy_parts; del sympy_parts.HOMES['gcd']\n"
    plain = python("import sys; ALONE = False" + FORKED, LOOK, "sympy.sin").splitlines()
    assert python(CORE + less + "ALONE = True" + FORKED, LOOK, "sympy.sin").splitlines() == plain
    assert python(CORE + less + "import sympy; sympy.sin; print('sympy.matrices' in sys.modules)") == "True\n"


def test_a_core_that_does_not_load_alone_is_no_error() -> None:
    """Then all of sympy is loaded, as ever."""
    broken = "sys.modules['sympy.core.mul'] = None\n"
    (plain,) = python("import sys; ALONE = False" + FORKED, AFTER, "").splitlines()
    assert python(CORE + broken + "ALONE = False" + FORKED, AFTER, "").splitlines() == [plain]


x, n = sympy.symbols("x n")
NUMBERS = [Integer(k) for k in range(-12, 200)] + [Rational(k, 7) for k in range(-9, 9)] + [Integer(10**30)]
OPERANDS = {
    "Abs": NUMBERS,
    "AssumptionsWrapper": NUMBERS,
    "fraction": [x, 2 * x, x * n, x + 1, 2 * x * (n + 1), x / 2, x / n, x**2, Rational(1, 3), Integer(4)],
    "im": [*NUMBERS, Float(0.5), sympy.pi, x, sympy.I],
    "is_extended_nonnegative": [*NUMBERS, x, sympy.pi, sympy.Dummy(real=True) ** 2],
    "is_extended_real": [*NUMBERS, x, sympy.pi, sympy.I],
    "is_infinite": [*NUMBERS, x, sympy.oo],
    "isprime": [k for k in NUMBERS if k.is_Integer],
    "logcombine": [*NUMBERS, x, 2 * x + n, x * sympy.exp(n), 2 * sympy.log(x)],
    "re": [*NUMBERS, Float(0.5), sympy.pi, x, sympy.I],
    "signsimp": [*NUMBERS, x, -x, x - n, n - x, (x - n) / (n - x), x * (1 - n), (n - x) * (1 - x) / (x - 1) ** 2, 1 - x,
                 sympy.exp(n - x) / (1 - sympy.exp(x - n)), sympy.Mul(2, x + n, evaluate=False), -(x - 1) * (x - n)],
    "sstr": [*NUMBERS, x, sympy.Dummy("d"), sympy.Wild("w"), x + 1, sympy.pi, sympy.oo],
}


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - {"monomial_key"}))
def test_an_answer_is_the_one_of_sympy(name: str) -> None:
    """What is answered in place of a function of sympy is what it answers; for some it leaves it to sympy."""
    home = next(module for module, names in STAND_INS.items() if name in names)
    real = getattr(import_module(home), name)
    found = [(ANSWERS[name](operand), real(operand)) for operand in OPERANDS[name]]
    answered = [(ours, theirs) for ours, theirs in found if ours is not None]
    assert len(answered) >= 4
    assert [ours for ours, _ in answered] == [theirs for _, theirs in answered]


POWERS = """
import sympy
from sympy import I, Pow, Rational, oo, sqrt, pi
x, p = sympy.Symbol("x"), sympy.Symbol("p", positive=True)
infinite = sympy.Symbol("m", infinite=True)
terms = [x, p, 2 * x, 1 / x, p**2, I, 2 * I, I * x, I * p, oo, -oo, I * oo, 1, 3, Rational(4, 3), pi, sqrt(2), infinite]
sums = [a + b for i, a in enumerate(terms) for b in terms[i:]]
sums += [x + p + 1, x + 1 + I, 1 / (1 + 1 / (1 + x)) + 1, sqrt(2) + pi + I]
exponents = [-2, -1, Rational(1, 2), Rational(-3, 2), 2, 3, x, p, I, -x]
print([str(Pow(s, e)) for s in sums for e in exponents])
"""


def test_powers_of_sums_are_those_of_sympy() -> None:
    """With i, infinities and numbers among the terms, and without."""
    assert python(CORE + POWERS) == python(POWERS)


def test_the_default_order_is_lexical() -> None:
    """`monomial_key()` leaves a monomial as it is; another order is left to sympy."""
    ours, theirs = ANSWERS["monomial_key"](None), sys.modules["sympy.polys.orderings"].monomial_key()
    assert ours((1, 0, 2)) == theirs((1, 0, 2))
    assert ANSWERS["monomial_key"]("grlex") is None


def test_stand_ins_stand_for_something() -> None:
    """Each name is there in sympy, under its module."""
    assert not [(m, n) for m, names in STAND_INS.items() for n in names if not hasattr(import_module(m), n)
                if n != "tan" or n in vars(evaluation)]  # fmt: skip


def test_names_of_parts_are_at_home() -> None:
    """What a package, or sympy, has by a name is what the module defines, and each of the parts' packages is one."""
    def packages(name: str, home: str) -> list[ModuleType]:
        return [p for p in map(import_module, ["sympy", ".".join(home.split(".")[:2])]) if hasattr(p, name)]

    found = [(name, home, packages(name, home)) for name, home in HOMES.items()]
    assert all(at for _, _, at in found)
    assert [n for n, home, at in found for p in at if getattr(p, n) is not getattr(import_module(home), n)] == []
    assert all(hasattr(import_module(package), "__path__") for package in PACKAGES)
