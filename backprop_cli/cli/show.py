"""`backprop show`: the spec after `layers` and `functions` are expanded."""

from __future__ import annotations

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import load
from backprop_cli.cli.options import Plain, SpecChoice, spec_argument, takes
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import refuse_overwriting, sink_for
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """Expand a spec."""

    choice: SpecChoice

    def __call__(self, path: str) -> Done:
        """The YAML of one spec."""
        from backprop_cli.language.expanded import expanded
        from backprop_cli.language.writer import write

        return Done(write(expanded(load(path, self.choice))))

    def warm(self) -> None:
        """One spec: there is nothing to prepare."""


@click.command(short_help="layers and functions expanded")
@spec_argument
@takes(choice=SpecChoice, plain=Plain, limits=Limits)
def command(spec: str, choice: SpecChoice, plain: Plain, limits: Limits) -> int:
    """Print a spec with its layers and functions expanded.

    Layers become params and nodes, functions are written out where they are called.  What is printed is a spec that
    runs to the same numbers.
    """
    refuse_overwriting(plain.out, (spec,))
    job = Job(choice)
    return over((spec,), job, sink_for(plain.out), Series(), limits, manner_now(), job.warm)
