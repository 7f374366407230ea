"""What others import and a command never uses is loaded when it is used; nobody can tell but by the time."""

from __future__ import annotations

import ast
import inspect
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backprop_cli.cli.later import LATER, cleandoc

ROOT = Path(__file__).resolve().parents[2]
START = "from backprop_cli.cli.later import loaded_later; loaded_later()\n"
WAITING = """
def waiting():
    modules = list(sys.modules.items())
    return sorted(n for n, m in modules if "later" in getattr(vars(m).get("__getattr__"), "__module__", ""))
def run_already(names):
    return sorted(sys.modules.keys() & names - set(waiting()))
"""


def python(code: str, *arguments: str) -> str:
    """What a Python process prints."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", f"import sys\n{code}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_numbers_alone_leave_them_unloaded() -> None:
    """Neither numpy's documentation nor PyYAML's loaders, nor what both import beside, is run for numbers."""
    code = ("from backprop_cli.cli import process; process.prepare()\n" + WAITING +
            "from backprop_cli.cli import boundary\n"
            "boundary.invoke(['run', 'specs/two_layer.yaml', '--terms', 'none'])\n"
            "print((waiting(), run_already(set(sys.argv[1:]))))")  # fmt: skip
    waiting, run = ast.literal_eval(python(code, *LATER).splitlines()[-1])
    assert set(waiting) >= {"numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars", "numpy._typing"}
    assert set(waiting) >= {"yaml", "yaml.reader", "inspect", "pickle"}
    assert not run, "who imports one of the others differs from one Python to the next"


LOOK = """
from importlib import import_module
import numpy, click, yaml._yaml  # who imports them
for name in sys.argv[1:]:
    if not name.startswith("numpy."):
        module = import_module(name)
        getattr(module, "nothing", None)
        names = sorted(vars(module).keys() - {"__warningregistry__", "__builtins__"})
        print(name, names, module.__spec__.loader is module.__loader__)
import pickle, platform, textwrap, inspect, ctypes, numpy.typing
from pickle import *
from yaml import *
assert loads(dumps(3)) == 3 and safe_load("[1, {a: 2}]") == [1, {"a": 2}] == full_load("[1, {a: 2}]")
assert yaml.load("[1]", yaml.CSafeLoader) == [1] and yaml.dump([1])
assert yaml.reader.ReaderError.__mro__[1] is yaml.YAMLError
assert textwrap.dedent(" a") == "a" and inspect.signature(lambda x: x) and ctypes.c_int(3).value == 3
assert numpy.arange(3.0).ctypes.data and isinstance(numpy.linalg.eigh(numpy.eye(2)), tuple)
assert platform.system() and platform.python_version() and numpy.typing.NDArray[int]
import numpy._core._add_newdocs as newdocs
assert newdocs.add_newdoc and "sine" in numpy.sin.__doc__.lower()
"""


def test_whoever_asks_gets_the_module_as_it_is() -> None:
    """Its names are those after a plain import, by an attribute, by `from` and by `*`, and it works."""
    assert python(START + LOOK, *LATER) == python(LOOK, *LATER)


def test_each_is_there_at_once_and_one_object() -> None:
    """Importing one runs nothing of it; the first wish does, in the object that everybody has."""
    code = START + WAITING + (
        "import textwrap as first\nassert waiting() == ['textwrap']\nassert '__file__' in vars(first)\n"
        "assert first.fill('a b', 1) == 'a\\nb' and waiting() == []\nimport textwrap\nassert textwrap is first\n"
        "from threading import Thread\nimport pickle\nfound = []\n"
        "threads = [Thread(target=lambda: found.append(pickle.dumps)) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\nprint(len(found), len(set(found)))")  # fmt: skip
    assert python(code).split() == ["8", "1"]


def test_a_signature_is_told_to_all_but_numpy() -> None:
    """Also by the function that was there before the module was loaded, and by nothing else of it."""
    code = START + WAITING + (
        "from inspect import signature\nimport inspect, numpy\nassert 'inspect' in waiting()\n"
        "def f(a, b=1): ...\nprint(signature(f))\nassert waiting() and 'inspect' not in waiting()\n"
        "assert inspect.signature is not signature and inspect.signature(f) == signature(f)")  # fmt: skip
    assert python(code).strip() == "(a, b=1)"


def test_a_module_that_fails_does_so_when_it_is_imported() -> None:
    """numpy does without ctypes where that cannot be imported, and has to find out at once."""
    missing = "from backprop_cli.cli import later; later.NEEDED['ctypes'] = 'no_such_module'; later.loaded_later()\n"
    assert python(missing + WAITING + "import ctypes, pickle\nprint(*waiting())").split() == ["pickle"]


def test_a_version_that_does_not_come_apart_is_loaded_whole() -> None:
    """Where a module of PyYAML is not what we know, all of it is there at once."""
    other = "from backprop_cli.cli import later; later.PARSER += ('no_such_module',); later.loaded_later()\n"
    code = "import yaml\nprint(*waiting(), 'SafeLoader' in vars(yaml))"
    assert python(other + WAITING + code).split()[-1] == "True"
    assert python(START + WAITING + code).split()[-1] == "False"


@pytest.mark.parametrize("text", [
    "", "one", "  one  ", "one\n  two\n    three\n  ", "\n\n   a\n\n     b\n   c\n\n", "\ta\n\tb", "a\n\n",
    "a\n b\n  \n c",
    *filter(None, (getattr(np, name).__doc__ for name in ("sin", "einsum", "array", "ndarray", "linalg"))),
])  # fmt: skip
def test_cleandoc_is_that_of_the_standard_library(text: str) -> None:
    """A docstring's indentation, tabs and empty lines."""
    assert cleandoc(text) == inspect.cleandoc(text)


def test_the_system_is_named_alike() -> None:
    """What is given of `platform` says what it says."""
    given = LATER["platform"]()
    assert not given or given["system"]() == platform.system()
