"""backprop: every node's gradient of a network in a text file, as a formula and as a number.

    import backprop_cli as backprop

    result = backprop.run("net.yaml")
    result["w2"].grad, result["w2"].formula

`run`, `derive`, `check` and `grade` are loaded when they are first used: the import itself costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backprop_cli.api.results import Checked, Marks, Node, Page, Run
    from backprop_cli.api.tasks import check, derive, grade, run
    from backprop_cli.errors import BackpropError

__version__ = "0.1.0"
__all__ = ["BackpropError", "Checked", "Marks", "Node", "Page", "Run", "check", "derive", "grade", "run"]

_HOMES = {
    **dict.fromkeys(("run", "derive", "check", "grade"), "backprop_cli.api.tasks"),
    **dict.fromkeys(("Run", "Node", "Page", "Checked", "Marks"), "backprop_cli.api.results"),
    "BackpropError": "backprop_cli.errors",
}


def __getattr__(name: str) -> Any:
    """A name of the API, from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'backprop_cli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """What there is to use."""
    return sorted([*__all__, "__version__"])
