"""The one place where an exception becomes text on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click

from backprop_cli.cli.app import SETTINGS, USAGE, app
from backprop_cli.cli.process import Interrupted
from backprop_cli.cli.streams import sink_for
from backprop_cli.errors import BackpropError, FileError, UsageError

PROGRAM = "backprop"
COMPLETE = "_BACKPROP_COMPLETE"


def invoke(argv: Sequence[str]) -> int:
    """Run a command line; its exit code, 128 + n where the process should die of signal n."""
    try:
        return _invoke(list(argv))
    except Interrupted as caught:
        return 128 + caught.number
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        return 141
    except click.ClickException as caught:
        return _report(_usage(caught), argv)
    except OSError as caught:
        return _report(_stream(caught), argv)
    except Exception as caught:  # noqa: BLE001 - the boundary: a traceback never reaches the user
        return _report(caught, argv)


def _invoke(argv: list[str]) -> int:
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(app, {}, PROGRAM, COMPLETE, instruction)
    if not argv:
        click.echo(app.get_help(click.Context(app, info_name=PROGRAM, **SETTINGS)), err=True)
        return 2
    try:
        with app.make_context(PROGRAM, list(argv), obj=tuple(argv)) as ctx:
            return int(app.invoke(ctx) or 0)
    except click.exceptions.Exit as caught:  # --help and --version
        sink_for(None)  # click writes nothing where there is nowhere to write
        return caught.exit_code
    except AttributeError:
        sink_for(None)  # or, an older one, fails there
        raise


def _report(error: Exception, argv: Sequence[str]) -> int:
    from backprop_cli.cli.problems import Manner, problems_of, tell

    found = problems_of(error)
    tell(found, None, Manner.of(argv, sys.stderr))
    return max(problem.exit_code for problem in found)


def _usage(error: click.ClickException) -> BackpropError:
    """A click error in our words."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else PROGRAM
    hint = f"'{command} --help' lists the options"
    if isinstance(error, click.NoSuchOption):
        from difflib import get_close_matches

        near = get_close_matches(error.option_name, error.possibilities or (), n=1, cutoff=0)
        hint = _elsewhere(error.option_name) or (f"did you mean {near[0]!r}?" if near else hint)
        return UsageError(USAGE, f"no such option {error.option_name!r}", hint=hint)
    text = error.format_message().strip().removesuffix(".")
    return UsageError(USAGE, text[:1].lower() + text[1:], hint=hint)


def _elsewhere(option: str) -> str:
    """Which commands have an option that this one lacks; nothing where none has."""
    ctx = click.Context(app)
    commands = [(name, app.get_command(ctx, name)) for name in app.list_commands(ctx)]
    found = [name for name, one in commands if one and any(option in param.opts for param in one.params)]
    return f"{option} belongs to {', '.join(found[:-1])}{' and ' if found[1:] else ''}{found[-1]}" if found else ""


_STREAM = {errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT}


def _stream(error: OSError) -> Exception:
    """click writes help by itself; everything else converts its own failures."""
    if error.errno in _STREAM:
        return FileError("E025", f"cannot write to standard output: {error.strerror}")
    return error
