"""What completes an argument in the shell: the names in the spec on the command line, functions, shipped specs.

Each is click's `shell_complete=` callback.  A spec that is absent or cannot be read completes nothing: pressing the
tabulator is never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os.path import isfile

import click

Completion = Callable[[click.Context, click.Parameter, str], list[str]]

SPEC_ARGUMENTS = ("specs", "spec", "key")
PARTS = (".grad", ".value", ".shape", ".formula", ".formula.local", ".formula.nodes", ".formula.latex", ".formula.code")


def _names(ctx: click.Context, leaves: bool, nodes: bool) -> list[str]:
    """The names in the spec that the command line has so far, in the order written."""
    from backprop_cli.errors import BackpropError
    from backprop_cli.language.reader import load_spec

    path = _spec_path(ctx)
    if path is None:
        return []
    try:
        spec = load_spec(path)
    except (BackpropError, OSError):
        return []
    return [*(leaf.name for leaf in spec.leaves if leaves), *(node.name for node in spec.nodes if nodes)]


def _spec_path(ctx: click.Context) -> str | None:
    """The spec on the command line; behind an option that waits for its value click leaves the words unparsed."""
    parsed = [ctx.params[name] for name in SPEC_ARGUMENTS if ctx.params.get(name)]
    words = [*(word for found in parsed for word in ((found,) if isinstance(found, str) else found)), *ctx.args]
    return next((str(word) for word in words if isfile(word)), None)


def _that_fit(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def of_spec(*, leaves: bool = True, nodes: bool = True, suffix: str = "") -> Completion:
    """Completes names of the spec, each with a suffix (`=` where a value follows)."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        return _that_fit((name + suffix for name in _names(ctx, leaves, nodes)), incomplete)

    return complete


def paths(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Completes a `--get` path: the names, and what can be had of one once its name is written."""
    names = _names(ctx, leaves=True, nodes=True)
    whole = [name + part for name in names for part in PARTS if incomplete.startswith(name)]
    return _that_fit([*names, *whole], incomplete)


def items(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Completes what `--points` prices: `w2.grad=`."""
    return _that_fit((f"{name}.grad=" for name in _names(ctx, leaves=True, nodes=True)), incomplete)


def function_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Completes the functions of the language."""
    from backprop_cli.engine.ops import COMPOSITES, OPS

    return _that_fit(sorted({*OPS, *COMPOSITES}), incomplete)


def shipped_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Completes the specs that come with the program."""
    from backprop_cli.cli.shipped import shipped

    return _that_fit(shipped(), incomplete)
