"""The group of commands; a command's module is imported when it is the one to run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from backprop_cli import __version__
from backprop_cli.cli.table import COMMANDS
from backprop_cli.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

USAGE = "E026"


class Commands(click.Group):
    """The table of commands as a click group."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"backprop_cli.cli.{COMMANDS[cmd_name].module}").command
        found.name = cmd_name
        found.help = found.help or COMMANDS[cmd_name].help  # `python -OO` has no docstrings
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command to run.

        Raises:
            UsageError: E026, with the name that was probably meant.
        """
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(USAGE, f"no such command {args[0]!r}", hint=_meant(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name, from the table alone."""
        from click.shell_completion import CompletionItem

        rows = [CompletionItem(name, help=row.help) for name, row in COMMANDS.items() if name.startswith(incomplete)]
        return [*rows, *click.Command.shell_complete(self, ctx, incomplete)]


def _meant(name: str) -> str:
    if name.endswith((".yaml", ".yml")):
        return f"a spec follows a command: 'backprop run {name}'"
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), COMMANDS, n=1)
    return f"did you mean {near[0]!r}?" if near else "'backprop --help' lists the commands"


EPILOG = "A spec is a YAML file, or '-' for standard input.  'backprop COMMAND --help' says more about a command."


SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.command(cls=Commands, epilog=EPILOG, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="backprop", message="%(prog)s %(version)s")
def app(**_: object) -> None:
    """Every node's gradient of a network in a text file, as a formula and as a number."""
