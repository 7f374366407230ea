"""A spec as the command line wants it, and how many threads its arrays are worth."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.options import Written
from backprop_cli.cli.streams import refuse_overwriting
from backprop_cli.errors import UsageError
from backprop_cli.records import replace

if TYPE_CHECKING:
    from backprop_cli.cli.options import SpecChoice
    from backprop_cli.language.model import Spec

WORTH_THREADS = 5e9  # operations of a matrix product; starting the threads costs some 0.1 s


def load(path: str, choice: SpecChoice) -> Spec:
    """Read a spec and apply `--set`, `--output`, `--grad-output`, `--wrt` and `--dtype`; numpy comes after that.

    Raises:
        UsageError: E026 for an option of another kind of input than this.
    """
    _of_this_kind(path, choice)
    if choice.expressions:
        from backprop_cli.language.inline_spec import spec_of

        spec, choice = spec_of(choice.expressions, choice.shapes, choice.sets), replace(choice, sets=())
    else:
        spec = _read(path, choice)
    _protect(path, spec)
    threads_for(spec)  # before --grad-output makes an array
    if choice.sets:
        from backprop_cli.language.overrides import override

        spec = override(spec, list(choice.sets))
    if choice.output or choice.grad_output or choice.wrt or choice.dtype:
        from backprop_cli.language.overrides import replace_settings

        spec = replace_settings(spec, output=choice.output, grad_output=choice.grad_output,
                                wrt=list(choice.wrt) or None, dtype=choice.dtype)  # fmt: skip
    return _without_gradients(spec)


PYTHON = (".py", ".ipynb")


def _of_this_kind(path: str, choice: SpecChoice) -> None:
    """Every option that was given says something about an input of this kind."""
    if choice.which is not None and (choice.expressions or not path.endswith(PYTHON)):
        what = "-e" if choice.expressions else repr(path)
        raise UsageError("E026", f"--pass goes with a Python file, and {what} is none",
                         hint="--output chooses what to go back from")
    if choice.shapes and not choice.expressions:
        raise UsageError("E026", f"--shape goes with -e, and {path!r} is a file",
                         hint="--set NAME=VALUE gives a leaf another value")


def _without_gradients(spec: Spec) -> Spec:
    """With the gradients that nodes use as nodes; only then is the engine needed so early."""
    if not any("grad" in node.text.text for node in spec.nodes):
        return spec
    from backprop_cli.tasks.at_hand import without_gradients

    return without_gradients(spec)


def _protect(path: str, spec: Spec) -> None:
    """Whatever the command that runs is to write, it is neither the spec nor a file that the spec reads."""
    context = click.get_current_context(silent=True)
    for option in context.command.params if context is not None else ():
        if context is not None and isinstance(option.type, Written):
            written = context.params[str(option.name)]
            refuse_overwriting(written, (path,), option=option.opts[0])
            refuse_overwriting(written, spec.files, "a data file of the spec", option.opts[0])


def _read(path: str, choice: SpecChoice) -> Spec:
    """A spec, or a Python file as the spec of one of its backward passes."""
    from backprop_cli.language import reader

    if not path.endswith(PYTHON):
        return reader.load_spec(path)
    from backprop_cli.tasks.importing.reading import chosen, import_python

    one_thread()
    found = chosen(import_python(reader.content_of(path), path), choice.which, choice.output)
    return reader.read_spec(found.text.encode(), path, folder=os.path.dirname(path))


def one_thread() -> None:
    """Have numpy, not yet imported, start without a pool of threads, unless the user set its size."""
    if not {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS"} & os.environ.keys():
        os.environ["OPENBLAS_NUM_THREADS"] = "1"


def threads_for(spec: Spec) -> None:
    """One thread where the largest matrix product, guessed from the two largest leaves, is small."""
    sizes = sorted(_size(leaf.shape) for leaf in spec.leaves)[-2:]
    if len(sizes) < 2 or sizes[0] * sizes[1] / max(1, sizes[0]) ** 0.5 < WORTH_THREADS:
        one_thread()


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for axis in shape:
        size *= axis
    return size
