"""Source is read and never run, and hostile source is an ordinary error."""

from __future__ import annotations

import builtins
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.tasks.importing.reading import import_python

END = "\nimport torch\nw = torch.tensor(2.0, requires_grad=True)\nloss = w ** 2\nloss.backward()\n"


class Ran(Exception):
    """Something was run."""


@pytest.mark.parametrize("source", [
    "__import__('os').system('touch planted')",
    "exec('open(\"planted\", \"w\")')",
    "eval('1/0')",
    "compile('1', 'x', 'eval')",
    "import planted_module",
    "from planted_module import *",
    "open('planted', 'w').write('x')",
    "class A:\n    import os\n    os.system('touch planted')",
    "@print\ndef f(): pass",
    "x = [().__class__.__base__.__subclasses__()]",
    "def f(x=open('planted', 'w')): pass",
    "lambda: (yield)",
    "f'{open(\"planted\", \"w\")}'",
])
def test_nothing_is_run(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of a program is evaluated, compiled or imported; what it does beside its forward pass does not happen."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted_module.py").write_text("open('planted', 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))

    def planted(*_: Any, **__: Any) -> Any:
        raise Ran

    import_python(END.encode(), "warm.py")  # our own modules are loaded before the guard stands
    with monkeypatch.context() as guard:
        for name in ("eval", "exec"):
            guard.setattr(builtins, name, planted)
        guard.setattr(importlib, "import_module", planted)
        found = import_python((source + END).encode(), "hostile.py")
    assert found[0].output == "loss"
    assert not (tmp_path / "planted").exists()
    assert "planted_module" not in sys.modules


def test_the_plant_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: a program that is run does leave its mark."""
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", "open('planted', 'w')"], check=True)
    assert (tmp_path / "planted").exists()


HOSTILE = {
    "brackets": "x = " + "(" * 500 + "1" + ")" * 500,
    "lists": "x = " + "[" * 3000 + "]" * 3000,
    "calls": "x = " + "f(" * 400 + ")" * 400,
    "attributes": "x = a" + ".b" * 5000,
    "blocks": "".join(" " * i + "if 1:\n" for i in range(99)) + " " * 99 + "pass",
    "many lines": "x = 1\n" * 1_000_000,
    "many statements": "x = 1\n" * 21_000,
    "null": "x = 1\0",
    "not python": "def f(:\n",
    "walrus": "x = [y := 1, y := y + y]\n" * 100,
    "walrus bomb": "y = [1]\n" + "z = [(y := y + y) for i in range(100)]\n",
    "endless": "while True:\n    x = 1\n",
    "endless for": "for i in range(10 ** 12):\n    x = i\n",
    "huge range": "x = list(range(10 ** 12))\n",
    "huge list": "x = [0] * 10 ** 12\n",
    "huge power": "x = 10 ** 10 ** 10\n",
    "huge text": "x = 'a' * 10 ** 12\n",
    "doubling": "x = [1]\n" + "x = x + x\n" * 60,
    "recursion": "def f(x):\n    return f(x)\nx = f(1)\n",
    "two that call each other": "def f(x): return g(x)\ndef g(x): return f(x)\nx = f(1)\n",
    "lambda tower": "f = lambda x: x + x\nx = " + "f(" * 40 + "w" + ")" * 40,
    "nested loops": "for a in range(1000):\n  for b in range(1000):\n    for c in range(1000):\n      x = a * b * c\n",
    "shift": "x = 1 << 10 ** 10\n",
    "format": "x = '%1000000000d' % 1\n",
    "generator": "def f():\n    while True:\n        yield 1\nx = sum(f())\n",
    "async": "async def f():\n    pass\n",
    "tensor of many axes": "import numpy as np\nx = np.zeros((1,) * 100)\n",
    "large tensor": "import numpy as np\nnp.random.seed(0)\nx = np.random.randn(10 ** 6, 10 ** 6)\n",
}


def outcome(source: str) -> str:
    """The output that is read, or the code of the error, which has a place."""
    try:
        return import_python(source.encode(), "hostile.py")[0].output
    except BackpropError as error:
        return error.code if error.at else "no place"


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_source(kind: str) -> None:
    """Source written to do harm ends in an answer or in an error of its own kind, in steps that are counted."""
    assert outcome(HOSTILE[kind] + END) in {"loss", "E003", "E005", "E016", "E040"}


def test_undecodable_source() -> None:
    """Bytes that are no text are an error with a place."""
    with pytest.raises(BackpropError, match="UTF-8"):
        import_python(b"x = '\xff'", "x.py")
