"""Modules that others import at their top and a command never uses: they are loaded when something of them is.

click imports `inspect` for a case that no command of ours meets, numpy `pickle` and `ctypes`; numpy also gives 600
functions their documentation, which nobody asks for here, and PyYAML defines loaders and dumpers beside its parser.
In a process that lives for one command such a module is there at once, and empty; the first wish for anything of it
runs it after all, in the same module object: from then on it is what a plain import gives. Of some a part is given
before that, the one that is asked for while others are imported. A module that is not found is none of ours. The
library does none of this.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def loaded_later() -> None:
    """Have this process load the modules of the table when they are used."""
    sys.meta_path.insert(0, Finder())


def cleandoc(doc: str) -> str:
    """As `inspect.cleandoc`: a docstring without its indentation and the empty lines around it."""
    first, *rest = doc.expandtabs().split("\n")
    indented = [len(line) - len(line.lstrip(" ")) for line in rest if line.strip(" ")]
    lines = [first.lstrip(" "), *(line[min(indented, default=0) :] for line in rest)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        del lines[0]
    return "\n".join(lines)


def signature(function: Callable[..., Any], **options: Any) -> Any:
    """As `inspect.signature`, but none for numpy's decorators: nobody asks a function of numpy for it here."""
    if sys._getframe(1).f_globals.get("__name__") == "numpy._core.overrides":
        return None
    assert sys.modules["inspect"].Signature, "whatever is not given loads it"
    return sys.modules["inspect"].signature(function, **options)


def _system() -> Mapping[str, Any]:
    """What `uuid` asks when it is imported."""
    return {"system": lambda: os.uname().sysname} if hasattr(os, "uname") else {}


def _parser() -> Mapping[str, Any]:
    """Of PyYAML what its parser needs; the names of the first four, as `yaml` itself has them."""
    parts = [import_module(f"yaml.{name}") for name in PARSER]
    return {name: value for part in parts[:4] for name, value in vars(part).items() if not name.startswith("_")}


def _reader() -> Mapping[str, Any]:
    """What libyaml's parser says of a character that YAML refuses, which we refuse before it."""
    return {"ReaderError": import_module("yaml.error").YAMLError}


PARSER = ("error", "tokens", "events", "nodes", "reader", "scanner", "parser", "composer", "constructor", "emitter",
          "serializer", "representer")  # fmt: skip
"""The modules whose errors libyaml's parser knows."""

LATER: dict[str, Callable[[], Mapping[str, Any]]] = {
    "ast": dict,
    "ctypes": dict,
    "inspect": lambda: {"cleandoc": cleandoc, "signature": signature},
    "numpy._core._add_newdocs": dict,  # which numpy leaves out itself under `python -OO`
    "numpy._core._add_newdocs_scalars": dict,
    "numpy._typing": lambda: {"NDArray": list},  # what annotations of numpy.linalg are made of
    "pickle": dict,
    "platform": _system,
    "textwrap": dict,
    "tokenize": dict,
    "yaml": _parser,
    "yaml.reader": _reader,
}
"""The modules, and what is given of each before it is loaded."""

NEEDED = {"ctypes": "_ctypes"}
"""Who imports the module may be glad that it fails where this one is missing."""


class Finder:
    """Finds the modules of the table, each once, and has them loaded later."""

    def __init__(self) -> None:
        self.left = dict(LATER)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module of the table, as it would be found without us but for its loader."""
        given = self.left.pop(name, None)
        if given is None or name in NEEDED and PathFinder.find_spec(NEEDED[name]) is None:
            return None
        found = PathFinder.find_spec(name, path)
        if found is not None and found.loader is not None:
            found.loader = Later(found.loader, given)  # type: ignore[assignment]
        return found


class Later:
    """Loads a module when something of it is wished for."""

    def __init__(self, real: Any, give: Callable[[], Mapping[str, Any]]) -> None:
        self.real = real
        self.give = give
        self.given: Mapping[str, Any] = {}
        self.lock = RLock()
        self.waiting = True
        self.running = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As its own loader makes it."""
        found: ModuleType | None = self.real.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        """Give the part that is given before."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.real
        self.module = module
        try:
            self.given = self.give()
        except Exception:  # noqa: BLE001 - a version that does not come apart so is loaded as a whole
            self.real.exec_module(module)
            return
        vars(module).update(self.given, __getattr__=self.wished_for)

    def wished_for(self, name: str) -> Any:
        """The module's `__getattr__`: run it, and look again."""
        with self.lock:  # another thread waits until all is there
            if self.running or name == "__path__":  # which `from` asks for, and a package has from the start
                raise AttributeError(f"module {self.module.__name__!r} has no attribute {name!r}")
            if self.waiting:
                self._run()
        return getattr(self.module, name)

    def _run(self) -> None:
        names = vars(self.module)
        for name in self.given:
            del names[name]
        self.running = True
        try:
            self.real.exec_module(self.module)
        except BaseException:
            names.update(self.given)  # and the next wish tries again
            raise
        finally:
            self.running = False
        self.waiting = False
        if names.get("__getattr__") == self.wished_for:  # else it has one of its own
            del names["__getattr__"]
