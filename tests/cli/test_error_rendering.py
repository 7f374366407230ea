"""How errors look: the whole text, compared."""

from __future__ import annotations

import json

import pytest

from backprop_cli.cli.problems import Manner, Problem, as_github, as_json, as_text, peek, problems_of
from backprop_cli.errors import BackpropError, Failures, LimitError, Place, SpecError

SIGMOD = Problem("E012", "unknown function 'sigmod'", 2, Place("net.yaml", 9, 8, 6, "  y_1: sigmod(z_1)"),
                 "did you mean 'sigmoid'?")  # fmt: skip
PLAIN = Manner()


def block(*lines: str) -> str:
    """Lines as one text."""
    return "\n".join(lines)


def test_an_error_points_at_the_token() -> None:
    """Code and message, file with line and column, the source line, a caret under the token, the hint after it."""
    assert as_text([SIGMOD], "net.yaml", PLAIN) == block(
        "error[E012]: unknown function 'sigmod'",
        "  --> net.yaml:9:8",
        "   |",
        " 9 |   y_1: sigmod(z_1)",
        "   |        ^^^^^^ did you mean 'sigmoid'?",
    )


def test_the_gutter_grows_with_the_line_number() -> None:
    """Line 1204 moves the bar, not the caret under its token."""
    problem = Problem("E011", "unknown name 'q'", 2, Place("net.yaml", 1204, 4, 1, "y: q"), None)
    assert as_text([problem], None, PLAIN) == block(
        "error[E011]: unknown name 'q'",
        "     --> net.yaml:1204:4",
        "      |",
        " 1204 | y: q",
        "      |    ^",
    )


def test_several_errors_are_counted() -> None:
    """Errors of one spec stand one after another, and their number at the end."""
    bare = Problem("E001", "cannot read 'w.npy': No such file or directory", 2)
    assert as_text([SIGMOD, bare], None, PLAIN) == block(
        "error[E012]: unknown function 'sigmod'",
        "  --> net.yaml:9:8",
        "   |",
        " 9 |   y_1: sigmod(z_1)",
        "   |        ^^^^^^ did you mean 'sigmoid'?",
        "",
        "error[E001]: cannot read 'w.npy': No such file or directory",
        "",
        "2 errors",
    )


def test_a_hint_without_a_place_has_a_line() -> None:
    """An error that stands in no file, or on an empty line, gives its hint below."""
    nowhere = Problem("E026", "no such command 'rum'", 2, None, "did you mean 'run'?")
    assert as_text([nowhere], None, PLAIN) == "error[E026]: no such command 'rum'\n  = did you mean 'run'?"
    empty = Problem("E008", "the spec is empty", 2, Place("net.yaml", 1, 1, 1, ""), "write nodes")
    assert as_text([empty], None, PLAIN) == "error[E008]: the spec is empty\n  --> net.yaml:1:1\n   = write nodes"


def test_a_hint_of_two_lines_is_aligned() -> None:
    """The second line of a hint stands under the first."""
    problem = Problem("E014", "m", 2, Place("n", 1, 1, 2, "ab"), "one\ntwo")
    assert as_text([problem], None, PLAIN).splitlines()[-2:] == ["   | ^^ one", "   |    two"]


@pytest.mark.parametrize(("line", "column", "length", "shown", "caret"), [
    ("\ty: foo", 5, 3, "    y: foo", "       ^^^"),
    ("\t\ty: foo", 6, 3, "        y: foo", "           ^^^"),
    ("名前: foo", 5, 3, "名前: foo", "      ^^^"),
    ("y: 名前 + 1", 4, 2, "y: 名前 + 1", "   ^^^^"),
    ("y: e\u0301 + foo", 9, 3, "y: e\u0301 + foo", "       ^^^"),
    ("y: \x1b[31m + foo", 12, 3, "y: \\x1b[31m + foo", "              ^^^"),
    ("y: a\u202eb + foo", 10, 3, "y: a\\u202eb + foo", "              ^^^"),
])  # fmt: skip
def test_the_caret_counts_columns_of_the_terminal(line: str, column: int, length: int, shown: str, caret: str) -> None:
    """Tabs, wide characters, combining marks and escaped control characters leave the caret under its token."""
    text = as_text([Problem("E011", "m", 2, Place("n", 1, column, length, line))], None, PLAIN)
    assert text.splitlines()[-2:] == [f" 1 | {shown}", f"   | {caret}"]


def test_a_long_line_is_shown_in_part() -> None:
    """Of a line of ten megabytes only what surrounds the token is shown."""
    line = "a" * 5_000_000 + "foo" + "b" * 5_000_000
    shown, caret = as_text([Problem("E010", "m", 2, Place("n", 1, 5_000_001, 3, line))], None, PLAIN).splitlines()[-2:]
    assert shown == " 1 | …" + "a" * 60 + "foo" + "b" * 37 + "…"
    assert caret == "   | " + " " * 61 + "^^^"


def test_user_text_in_errors_is_harmless() -> None:
    """Control characters in messages, hints and paths are escaped: an error cannot write to the terminal."""
    problem = Problem("E007", "unknown key 'a\x1b[2Jb'", 2, Place("x\x07.yaml", 1, 1, 1, ""), "c\x9b d\u2066")
    text = as_text([problem], None, PLAIN)
    assert text == "error[E007]: unknown key 'a\\x1b[2Jb'\n  --> x\\x07.yaml:1:1\n   = c\\x9b d\\u2066"


def test_colours_only_add_escapes() -> None:
    """With the escapes taken out, a coloured error is the plain one."""
    import re

    colored = as_text([SIGMOD], None, Manner(color=True))
    assert "\x1b[1;31m" in colored
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == as_text([SIGMOD], None, PLAIN)


def test_json_errors() -> None:
    """One line of `backprop.error/1`: every key is there, further errors of the spec in `errors`."""
    found = json.loads(as_json([SIGMOD], "net.yaml", PLAIN))
    assert found == {
        "schema": "backprop.error/1",
        "spec": "net.yaml",
        "error": {"code": "E012", "message": "unknown function 'sigmod'", "line": 9, "column": 8, "file": "net.yaml",
                  "hint": "did you mean 'sigmoid'?"},
    }  # fmt: skip
    two = json.loads(as_json([SIGMOD, Problem("E030", "m", 3)], None, PLAIN))
    assert [error["code"] for error in two["errors"]] == ["E012", "E030"]
    assert two["errors"][1]["line"] is None


def test_github_errors() -> None:
    """A workflow command, with what would end it or a property escaped."""
    assert as_github([SIGMOD], "net.yaml", PLAIN) == (
        "::error file=net.yaml,line=9,col=8,endColumn=14,title=E012::"
        "unknown function 'sigmod' (did you mean 'sigmoid'?)"
    )
    nasty = Problem("E001", "50% of\nit: a, b", 2, Place("a,b:c.yaml", 1, 1))
    assert as_github([nasty], None, PLAIN) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,col=1,endColumn=2,title=E001::50%25 of%0Ait: a, b"
    )


def test_exceptions_become_problems() -> None:
    """Our exceptions keep code and exit code, several are several, anything else is an internal error."""
    several = Failures([SpecError("E011", "a"), LimitError("E031", "b")])
    assert [(p.code, p.exit_code) for p in problems_of(several)] == [("E011", 2), ("E031", 3)]
    assert problems_of(BackpropError("E030", "x"))[0].exit_code == 3
    found = problems_of(ZeroDivisionError())[0]
    assert found.message == "internal error: ZeroDivisionError (BACKPROP_DEBUG=1 shows where)"


def test_a_library_that_cannot_be_imported_says_why() -> None:
    """numpy's own message is a page of advice; what failed is its cause."""
    advice = ImportError("IMPORTANT: PLEASE READ THIS\nfor advice")
    advice.__cause__ = ImportError("libblas.so: failed to map segment from shared object")
    found = problems_of(advice)[0]
    assert (found.exit_code, found.message) == (
        3, "a library cannot be imported: libblas.so: failed to map segment from shared object",
    )  # fmt: skip
    assert "ulimit -v" in str(found.hint)


@pytest.mark.parametrize(("words", "found"), [
    ("run --error-format json x", "json"), ("run --error-format=github", "github"), ("run x", None),
    ("run -- --error-format json", None), ("run --error-format", None),
])  # fmt: skip
def test_the_form_of_errors_is_read_before_parsing(words: str, found: str | None) -> None:
    """`--error-format` counts even where the rest of the command line is wrong."""
    assert peek(words.split(), "--error-format") == found


def test_errors_by_command(command) -> None:
    """The form and the file name are the command's; JSON results bring JSON errors unless another form is asked for."""
    assert command("run", "bad.yaml").stderr == block(
        "error[E012]: unknown function 'sigmod'",
        "  --> bad.yaml:2:12",
        "   |",
        " 2 | nodes: {c: sigmod(a)}",
        "   |            ^^^^^^ did you mean 'sigmoid'?",
        "",
    )
    for options in (["--format", "json"], ["--error-format", "json"], ["--error-format=json", "--bogus"]):
        done = command("run", "bad.yaml", *options)
        assert done.stdout == ""
        assert json.loads(done.stderr)["schema"] == "backprop.error/1"
    assert command("run", "bad.yaml", "--format", "json", "--error-format", "text").stderr.startswith("error[E012]")
    assert command("run", "bad.yaml", "--error-format", "github").stderr.startswith("::error file=bad.yaml,line=2,")
