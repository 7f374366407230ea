"""`backprop completion`: a script for the shell, which asks `backprop` itself what fits."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from backprop_cli.cli.streams import sink_for

SHELLS = ("bash", "zsh", "fish")

WHERE = {
    "bash": '# in ~/.bashrc:  eval "$(backprop completion bash)"\n',
    "zsh": '# in ~/.zshrc, after compinit:  eval "$(backprop completion zsh)"\n',
    "fish": "# in ~/.config/fish/config.fish:  backprop completion fish | source\n",
}


@click.command(short_help="shell completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print a script that completes commands, options, file names, and the names in your spec.

    In bash: eval "$(backprop completion bash)"
    """
    from backprop_cli.cli.app import app
    from backprop_cli.cli.boundary import COMPLETE, PROGRAM

    found = get_completion_class(shell)
    assert found is not None
    made = found(app, {}, PROGRAM, COMPLETE)
    sink_for(None).write(WHERE[shell] + made.source_template % made.source_vars() + "\n")
    return 0
