"""`backprop export`: the gradient as a spec, or runnable code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import Memory, Plain, SpecChoice, spec_argument, takes
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import refuse_overwriting, sink_for
from backprop_cli.errors import UsageError
from backprop_cli.records import dataclass
from backprop_cli.tasks.export.targets import TARGETS

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec


@dataclass(frozen=True, slots=True)
class Job:
    """Write a spec as something else."""

    choice: SpecChoice
    target: str
    of: str | None
    max_bytes: int

    def __call__(self, path: str) -> Done:
        """The text of one spec."""
        from backprop_cli.tasks.export.targets import exporter

        spec = load(path, self.choice)
        one_thread()
        self.check(spec)
        return Done(exporter(self.target)(spec, self.of))

    def check(self, spec: Spec) -> None:
        """What is written holds the spec's numbers, and is to be run: it may take what `run` may."""
        if all(leaf.load is not None for leaf in spec.leaves):
            from backprop_cli.engine.graph import build
            from backprop_cli.engine.graph.memory import entries_of
            from backprop_cli.tasks.leaves import A_NUMBER, check_memory

            drawn = {leaf.name for leaf in spec.leaves if leaf.written and "init" in leaf.written}
            written = sum(entries_of(leaf.shape) for leaf in spec.leaves if leaf.name not in drawn)
            check_memory(build(spec), self.max_bytes, beside=0 if self.target == "spec" else A_NUMBER * written)

    def warm(self) -> None:
        """One spec: there is nothing to prepare."""


@click.command(short_help="runnable code, or the gradient as a spec")
@spec_argument
@click.option("--to", "target", type=click.Choice(list(TARGETS)), required=True, help="What to write.")
@click.option("--of", metavar="EXPR", help="With --to spec: go back from this gradient: w1, 'w1[0]', 'sum(grad(w1))'.")
@takes(choice=SpecChoice, plain=Plain, limits=Limits, memory=Memory)
def command(
    spec: str, target: str, of: str | None, choice: SpecChoice, plain: Plain, limits: Limits, memory: Memory
) -> int:
    """Write a spec as something that runs elsewhere.

    'spec' is the gradient as a spec: a node grad_w for each gradient; exported again, it gives second derivatives.
    'numpy' is a script of the forward and the reverse pass, line by line, each with its formula.  'torch' and 'jax'
    are scripts of the forward pass, with that library's gradients.  'torch-function' is a torch.autograd.Function whose
    backward is the derived formulas, line by line, with its gradcheck; a spec's own functions get one each.

    A formula is the textbook's, for any numbers; where that has no value at the spec's own numbers (norm(x) at 0, det
    of a singular matrix), it is the one that is right there, too.
    """
    if of is not None and target != "spec":
        raise UsageError("E026", "--of goes with --to spec", hint="--output chooses what a script goes back from")
    refuse_overwriting(plain.out, (spec,))
    job = Job(choice, target, of, memory.max_bytes)
    return over((spec,), job, sink_for(plain.out), Series(), limits, manner_now(), job.warm)
