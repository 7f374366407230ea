"""The documentation, executed: transcripts are run, and sections made from the program are made again.

A fenced block marked `console` holds commands after `$ ` and, below each, what it prints (stdout and stderr). The
commands of a block share one shell, in a folder where `specs/` is the project's own. A section between
`<!-- made: NAME -->` and `<!-- end -->` is made by the function of that name below.

    python docs/transcripts.py            compare, and say what differs
    python docs/transcripts.py --write    write what the program does today, in place
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MADE = re.compile(r"^<!-- made: (\w+) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
_NOISE = re.compile(r"\b\d(\.\d+)?e-1[3-9]\b")
_LONG = re.compile(r"\b\d+\.\d{11,}(e-?\d+)?\b")

_SHIM = """#!/bin/sh
exec "{python}" -I -S "{client}" "{address}" "$@"
"""
_MARK = "\x1e"
_SESSION = f"mark() {{ local status=$?; printf '{_MARK}'; return $status; }}\n"


@dataclass(frozen=True)
class Piece:
    """A part of a page that the program can make again."""

    page: Path
    label: str
    start: int
    text: str
    make: Callable[[], str]

    @property
    def stale(self) -> bool:
        """Whether the program gives something else today."""
        return comparable(self.make()) != comparable(self.text)


def pieces(page: Path) -> Iterator[Piece]:
    """The transcripts of a page, and the sections made from the program."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        commands = commands_of(found[1])
        yield Piece(page, commands[0], found.start(1), found[1], partial(transcript, commands))
    for found in _MADE.finditer(text):
        yield Piece(page, found[1], found.start(2), found[2], partial(section, found[1]))


def comparable(text: str) -> str:
    """A text with the rounding noise taken out: the last digits, and how far 1e-16 is from 0, are the machine's."""
    return _LONG.sub(lambda found: f"{float(found[0]):.9g}", _NOISE.sub("0", text))


# ── transcripts ──────────────────────────────────────────────────────────────────────────────────


def commands_of(body: str) -> list[str]:
    """The commands of a transcript; a line that ends in a backslash goes on."""
    joined = body.replace("\\\n", "\0")
    return [line[2:].replace("\0", "\\\n") for line in joined.split("\n") if line.startswith("$ ")]


def transcript(commands: list[str]) -> str:
    """Run commands in one shell; the block as it should read."""
    outputs = shell(_SESSION + "".join(f"{command}\nmark\n" for command in commands)).split(_MARK)
    return "".join(f"$ {command}\n{output}" for command, output in zip(commands, outputs, strict=False))


def shell(script: str) -> str:
    """What a bash script prints, run beside the project's specs with `backprop` on the path."""
    from docs import warm

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        (folder / "specs").symlink_to(ROOT / "specs")
        shim = folder / "bin" / "backprop"
        client = folder / "bin" / "client"
        client.write_text(warm.CLIENT, encoding="utf-8")
        shim.write_text(_SHIM.format(python=sys.executable, client=client, address=warm.address()), encoding="utf-8")
        shim.chmod(0o755)
        done = subprocess.run(
            ["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", cwd=folder, check=False, timeout=900, env=environment(shim.parent),
        )  # fmt: skip
    return done.stdout


def environment(path: Path) -> Mapping[str, str]:
    """A plain terminal of 100 columns that shows UTF-8."""
    own = {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "100",
           "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "TERM": "dumb"}  # fmt: skip
    dropped = {"FORCE_COLOR", "NO_COLOR", "BACKPROP_DEBUG"}
    return {**{key: value for key, value in os.environ.items() if key not in dropped}, **own}


# ── sections made from the program ───────────────────────────────────────────────────────────────


def section(name: str) -> str:
    """The lines of a section, set apart from its markers."""
    return "\n".join(["", *SECTIONS[name](), "", ""])


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    cells = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *cells)]


def command_table() -> list[str]:
    """Every command and what it does."""
    from backprop_cli.cli.table import COMMANDS

    return table(("command", "does"), ((f"`backprop {name}`", row.help) for name, row in COMMANDS.items()))


def spec_table() -> list[str]:
    """Every shipped spec and what to look at in it."""
    from backprop_cli.language.reader import load_spec

    specs = ((path, load_spec(str(path))) for path in sorted((ROOT / "specs").rglob("*.yaml")))
    return table(("spec", "title", "look at"),
                 ((f"`{path.relative_to(ROOT)}`", spec.title or "", spec.description or "") for path, spec in specs))


def error_catalogue() -> list[str]:
    """Every error code: what it means, what provokes it, what is printed."""
    from docs.error_cases import page

    return list(page())[:-1]


def command_help() -> list[str]:
    """Every command's help."""
    from docs.manual import cli_page

    return cli_page()


def function_tables() -> list[str]:
    """Every function of the language, by group, with its sentence, its convention at kinks and its derivative rules."""
    from backprop_cli.report.functions import everything, tables

    return tables(everything())



def law_table() -> list[str]:
    """The laws of the algebra."""
    from backprop_cli.formulas.algebra.laws import LAWS

    return table(("id", "law", "for", "by"),
                 ((law.id, f"`{law.text}`", law.of, f"`{law.by}`") for law in LAWS.values()))


SECTIONS: Mapping[str, Callable[[], list[str]]] = {
    "commands": command_table, "specs": spec_table, "errors": error_catalogue, "cli": command_help,
    "functions": function_tables, "laws": law_table,
}  # fmt: skip


# ── the script ───────────────────────────────────────────────────────────────────────────────────


def rewrite(page: Path) -> bool:
    """Bring a page up to date, from its end to its start so that places stay right; whether it changed."""
    text = fresh = page.read_text(encoding="utf-8")
    for piece in sorted(pieces(page), key=lambda piece: -piece.start):
        if piece.stale:
            fresh = fresh[: piece.start] + piece.make() + fresh[piece.start + len(piece.text) :]
    page.write_text(fresh, encoding="utf-8", newline="\n")
    return fresh != text


def main(arguments: list[str]) -> int:
    """Compare or rewrite every page; 1 where something is out of date."""
    sys.path.insert(0, str(ROOT))  # for `docs` itself, which is in no package
    if arguments == ["--write"]:
        from docs.manual import write

        write()
        for page in PAGES:
            print(f"{page.relative_to(ROOT)}: {'written anew' if rewrite(page) else 'up to date'}")
        return 0
    stale = [piece for page in PAGES for piece in pieces(page) if piece.stale]
    for piece in stale:
        print(f"{piece.page.relative_to(ROOT)}: out of date: {piece.label} (`make docs` writes it anew)")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
