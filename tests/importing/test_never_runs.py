"""Source is read and never run, and hostile source is an ordinary error."""

from __future__ import annotations

import ast
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

    own = builtins.compile

    def only_a_tree(text: Any, file: Any, mode: str, flags: int = 0, *more: Any, **named: Any) -> Any:
        if not flags & ast.PyCF_ONLY_AST:
            raise Ran
        return own(text, file, mode, flags, *more, **named)

    for known in (END, f"import torch\nif torch.ones(2).sum() > 1:\n    x = 1\n{END}"):
        import_python(known.encode(), "warm.py")  # our own modules are loaded before the guard stands
    with monkeypatch.context() as guard:
        guard.setattr(builtins, "compile", only_a_tree)
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


NUMPY, TORCH = "import numpy as np\n", "import torch\n"
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
    "a text for each of its signs": "x = 'a' * 90_000\nx = x.replace('a', x)\nx = x.replace('', x)\n",
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
    "nested texts": "x = 'ab'\n" + "x = f'{x}{x}'\n" * 60,
    "lists that hold each other": f"{NUMPY}x = [1]\n" + "x = [x, x]\n" * 60 + "y = np.array(x)\nz = str(x)\n",
    "dicts that hold each other": "d = {}\n" + "d = {'a': d, 'b': d}\n" * 100 + "x = str(d)\n",
    "starred doubling": "b = [1] * 1000\n" + "b = [*b, *b]\n" * 40,
    "many parts": f"{TORCH}x = torch.split(torch.ones(10**6), 1)\ny = torch.unbind(torch.ones(10**6))\n",
    "a condition on large numbers": f"{TORCH}x = torch.ones(300, 300)\nwhile x.norm() < 1e300:\n    x = x @ x\n",
    "a condition on huge numbers": f"{TORCH}x = torch.ones(1).expand(10**9, 10**9)\nif x.sum() > 1:\n    pass\n",
    "draws without end": f"{TORCH}torch.manual_seed(0)\nfor i in range(2000):\n    x = torch.randn(900, 900)\n",
    "a long permutation": f"{TORCH}torch.manual_seed(0)\nx = torch.randperm(10**9)\n",
    "a function in itself": f"{TORCH}class A(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
                            "        return A.apply(x)\n    @staticmethod\n    def backward(ctx, g):\n"
                            "        return A.apply(g)\ny = A.apply(torch.ones(3))\n",
    "decorators": "@a\n@b(1)\n@(lambda f: f)\ndef f(): pass\n",
    "huge literal": "x = " + "9" * 5000 + "\n",
    "signs": "x = " + "-" * 3000 + "1\n",
    "comparisons": "x = " + "1 < " * 20000 + "1\n",
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
