from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backprop_cli.errors import Failures, SpecError
from backprop_cli.language.loader import load, load_document
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence, resolve
from tests.draws import octets, seeded, several, text
from tests.pace import within

PURE = pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])


def data(node: Node | None) -> object:
    """A tree as plain lists, dicts and values."""
    match node:
        case Sequence(items=items):
            return [data(item) for item in items]
        case Mapping(items=pairs):
            return {key.raw: data(value) for key, value in pairs}
        case Scalar(value=value):
            return value
    return None


def value_of(text: str, pure: bool = False) -> Scalar:
    """The value of the only entry of a mapping."""
    root = load(text.encode(), "f", pure=pure)
    assert isinstance(root, Mapping)
    value = root.items[0][1]
    assert isinstance(value, Scalar)
    return value


# ── scalars ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1", 1), ("-3", -3), ("+3", 3), ("017", 17), ("0o17", 15), ("0x1F", 31), ("1e-3", 1e-3), (".5", 0.5),
        ("1.", 1.0), ("1E5", 1e5), (".inf", math.inf), ("-.inf", -math.inf), ("true", True), ("False", False),
        ("null", None), ("~", None), ("", None), ("no", "no"), ("on", "on"), ("yes", "yes"), ("1:30", "1:30"),
        ("1_000", "1_000"), ("0b11", "0b11"), ("2020-01-01", "2020-01-01"), ("=", "="), ("inf", "inf"), ("1e", "1e"),
        ("١", "١"), ("-", "-"), (".", "."), ("-0x1F", "-0x1F"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(raw, value):
    """Rule: plain scalars are resolved by the YAML 1.2 core schema, not by PyYAML's 1.1."""
    found = resolve(raw)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_written_with_a_point():
    """Rule: `.nan` is not a number, `nan` is text."""
    assert math.isnan(resolve(".nan"))
    assert resolve("nan") == "nan"


@PURE
def test_quoted_scalars_are_text(pure):
    """Rule: quotes and block styles make text of anything."""
    assert data(load(b"[\"1\", 'true', null, '']", "f", pure=pure)) == ["1", "true", None, ""]
    assert value_of("a: |\n  1\n", pure).value == "1\n"


def test_a_number_of_thousands_of_digits_does_not_crash():
    """Rule: Python's limit on int() is never met."""
    assert resolve("9" * 5000) == math.inf


# ── places ───────────────────────────────────────────────────────────────────────────────────────

PLACED = [
    ("a: x + Q\n", (1, 8)),
    ("a: 'it''s Q'\n", (1, 11)),
    ('a: "\\x41\\u00e9 \\t Q"\n', (1, 19)),
    ('a: "x\\\n   + Q"\n', (2, 6)),
    ("a: x +\n   y\n   + Q\n", (3, 6)),
    ("a: |\n  x +\n    y Q\n", (3, 7)),
    ("a: |2-  # comment\n   x Q\n", (2, 6)),
    ("a: >-\n    x\n    y\n\n    Q\n", (5, 5)),
    ("a: >\r\n    x\r\n    y Q\r\n", (3, 7)),
    ("# é ∂\r\ra: 'é\u2028ñ Q'\r", (3, 9)),
    ("\ufeffa: Q\n", (1, 4)),
    ("{a: 'b\n\n\n Q'}\n", (4, 2)),
]


@PURE
@pytest.mark.parametrize(("text", "place"), PLACED)
def test_each_character_of_a_value_knows_its_place(text, place, pure):
    """Rule: whatever quoting, escapes, folding and line ends do, `Q` is found where an editor shows it."""
    found = value_of(text, pure).text
    at = found.place(found.text.index("Q"), found.text.index("Q") + 1)
    assert (at.line, at.column, at.length) == (*place, 1)
    assert at.source_line[at.column - 1] == "Q"


@PURE
@seeded(100)
def test_places_survive_every_quoting(draw, pure):
    """Rule: in any style, a place found by offset holds the very character of the value."""
    words = several(draw, lambda: text(draw, "abxyz+*'\"\\{}é∂\u2028\x85", 6, least=1), 8, least=1)
    style = draw.choice("'\"|>")
    value = value_of(_written(words, style), pure).text
    for offset, character in enumerate(value.text):
        at = value.place(offset, offset + 1)
        if character not in " \n":
            assert at.source_line[at.column - 1 :][:1] in {character, "\\"}


def _written(words: list[str], style: str) -> str:
    """A mapping whose value is the words, one a line, in a style."""
    if style == "'":
        return "a: '" + "\n  ".join(words).replace("'", "''") + "'\n"
    if style == '"':
        return 'a: "' + "\n  ".join(words).replace("\\", "\\\\").replace('"', '\\"') + '"\n'
    return f"a: {style}\n  " + "\n  ".join(words) + "\n"


def test_lines_end_as_in_editors():
    """Rule: LF, CR LF and CR end a line; U+2028 and U+0085, where PyYAML would end one, do not."""
    node = load("a: x\u2028\x85y\r\nb: 1\rc: 2\n".encode(), "f")
    assert isinstance(node, Mapping)
    assert [key.at.place().line for key, _ in node.items] == [1, 2, 3]
    assert data(node) == {"a": "x\u2028\x85y", "b": 1, "c": 2}


@PURE
def test_a_block_entry_covers_one_line_only(pure):
    """Rule: a caret never runs past the end of its line."""
    root = load(b"a: [1,\n 2]\n", "f", pure=pure)
    assert isinstance(root, Mapping)
    assert root.items[0][1].at.place().length == 3


# ── what is refused ──────────────────────────────────────────────────────────────────────────────

REFUSED = [
    (b"a: &x 1\n", "E004", (1, 4)),
    (b"a: *x\n", "E004", (1, 4)),
    (b"a: !!python/object:os.system 1\n", "E004", (1, 4)),
    (b"a: ! 1\n", "E004", (1, 4)),
    (b"a: 1\n<<: {b: 2}\n", "E004", (2, 1)),
    (b"a: 1\n---\nb: 2\n", "E004", (2, 1)),
    (b"%TAG ! tag:x,2000:\n---\na: 1\n", "E004", (1, 1)),
    (b"a: " + b"[" * 40, "E005", (1, 35)),
    (b"a: 1\nb: 2\na: 3\n", "E006", (3, 1)),
    (b"? [a]\n: 1\n", "E008", (1, 3)),
    (b"\xef\xbb\xbfa: \xff\n", "E002", (1, 4)),
    ("a: 1\n".encode("utf-16"), "E002", (1, 1)),
    (b"a: \x07\n", "E003", (1, 4)),
    (b"a: \x00b\n", "E003", (1, 4)),
    (b'a: "\\ud800"\n', "E003", None),
    (b'a: "\\UFFFFFFFF"\n', "E003", None),
    (b"a: {b: max(x, 0), c: 1}\n", "E003", (1, 8)),
    (b"- [max(x, 0), 1]\n", "E003", (1, 4)),
]


@PURE
@pytest.mark.parametrize(("text", "code", "place"), REFUSED)
def test_what_is_no_part_of_the_language_is_refused_at_its_place(text, code, place, pure):
    """Rule: aliases, anchors, tags, merge keys, several documents, depth and bad text are errors with a place."""
    with pytest.raises(SpecError) as caught:
        load(text, "f", pure=pure)
    assert caught.value.code == code
    assert caught.value.at is not None
    if place:
        assert (caught.value.at.line, caught.value.at.column) == place


SYNTAX = [
    ("a: [x] + 1\n", "1:8", "text after a value that is complete"),
    ("a: 'x' + 1\n", "1:8", "text after a value that is complete"),
    ("a: x[1: 3]\n", "1:7", "a second ': ' on one line"),
    ("a:\n\tb: 3\n", "2:1", "a tab begins this line or value"),
    ("a: @x\n", "1:4", "'@' cannot begin a value in YAML"),
    ("a: `x\n", "1:4", "'`' cannot begin a value in YAML"),
    ("a: - x\n", "1:4", "a list item '- ' is not allowed here"),
    ("a: > 3\n", "1:4", "'|' and '>' at the beginning of a value start a block of text on the next line"),
    ("a: 'x\nb: 1\n", "1:4", "a quote is opened here and never closed"),
    ("a: {b: p[0]}\n", "1:9", "a mapping in { } is not continued with ',' or closed with '}' here"),
    ("a: [1, 2\nb: 3\n", None, "a list is not continued with ',' or closed with ']' here"),
    ("a = 3\nb: 4\n", "2:2", "this line goes on with the value begun above, where no ': ' belongs"),
    ("s:\n  a: 3\n b: 4\n", "3:2", "this line does not belong to the section above"),
    ("a: * x\n", None, "'*' and '&' at the beginning of a value mean aliases in YAML"),
    ('a: "\\q"\n', None, "not an escape that YAML knows in double quotes"),
    ("a: 1\nb\n", "2:1", "expected 'name: value', found no ': ' on this line"),
    ("%x: 3\n", None, "'%' at the beginning of a line means a directive in YAML"),
]


@PURE
@pytest.mark.parametrize(("text", "place", "message"), SYNTAX)
def test_syntax_errors_speak_about_the_spec(text, place, message, pure):
    """Rule: both parsers' complaints become the same sentence, at the place where the user must look."""
    with pytest.raises(SpecError) as caught:
        load(text.encode(), "f", pure=pure)
    at = caught.value.at
    assert (caught.value.code, caught.value.message) == ("E003", message)
    assert at is not None
    assert caught.value.hint
    if place:
        assert f"{at.line}:{at.column}" == place


def test_a_comma_inside_brackets_in_a_flow_mapping_has_its_own_hint():
    """Rule: `{expr: max(x, 0)}`, which YAML reads as two keys, tells how to quote it."""
    with pytest.raises(SpecError) as caught:
        load(b"nodes: {a: 1, r: max(x, min(y, 0)), b: 2}\n", "f")
    assert caught.value.hint == "quote the expression: 'max(x, min(y, 0))'"


def test_duplicate_keys_do_not_hide_one_another():
    """Rule: duplicates are collected over the whole file."""
    with pytest.raises(Failures) as caught:
        load(b"a: {x: 1, x: 2}\na: 3\n", "f")
    assert [error.code for error in caught.value.errors] == ["E006", "E006"]


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"---\n...\n"])
def test_an_empty_document_is_an_error(text):
    """Rule: there is no tree of nothing."""
    document = load_document(text, "f")
    assert data(document.root) is None


# ── limits ───────────────────────────────────────────────────────────────────────────────────────

BOMBS = {
    "brackets": b"[" * 10_000_000,
    "brackets-4mb": b"[" * 4_000_000,
    "braces": b"{a: " * 1_000_000,
    "dashes": b"- " * 2_000_000,
    "questions": b"? " * 2_000_000,
    "numbers": b"[" + b"1," * 2_000_000 + b"]",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_meet_a_limit_quickly(name):
    """Rule: megabytes of brackets or of numbers give E005 within two seconds."""
    start = time.process_time()
    with pytest.raises(SpecError) as caught:
        load(BOMBS[name], "f")
    assert caught.value.code == "E005"
    assert within(time.process_time() - start, 2)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory of a process is read from /proc")
@PURE
def test_ten_megabytes_of_brackets_need_little_memory(pure, tmp_path):
    """Rule: 10 MB (and 4 MB) of brackets cost less than 500 MB and never crash the parser."""
    code = (
        "from pathlib import Path\n"
        "from backprop_cli.language.loader import load\n"
        "for size in (4_000_000, 10_000_000):\n"
        "    try:\n"
        f"        load(b'[' * size, 'f', pure={pure})\n"
        "    except Exception as caught:\n"
        "        print(caught.code)\n"
        "peak = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) // 1024 < 500)\n"  # ru_maxrss would count the parent before the exec
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["E005", "E005", "True"]


def test_large_arrays_load_fast():
    """Rule: 784 x 100 numbers are read in well under a second (0.2 s where this was written)."""
    rows = ",\n".join("[" + ", ".join(f"{i * j / 7:.6f}" for j in range(100)) + "]" for i in range(784))
    start = time.process_time()
    load(f"x: [{rows}]\n".encode(), "f")
    assert within(time.process_time() - start, 1)


# ── fuzz ─────────────────────────────────────────────────────────────────────────────────────────

YAML_ISH = "ab1.:-?,[]{}&*!|>'\"%@`#~<= \n\t\r\u2028\x85é\\x0"


@PURE
@seeded(100)
def test_only_spec_errors_escape(draw, pure, attempt):
    """Rule: any text gives a tree, or an error with a code and a place in the text."""
    content = text(draw, YAML_ISH, 60)
    caught = attempt(lambda: load(content.encode(), "f", pure=pure))
    assert caught is None or (caught.at is not None and 1 <= caught.at.line <= len(content) + 1)


@seeded(100)
def test_any_bytes_give_a_tree_or_an_error(draw, attempt):
    """Rule: bytes that are no text are refused with a place."""
    caught = attempt(lambda: load(octets(draw, 40), "f"))
    assert caught is None or caught.code in {"E002", "E003", "E004", "E005", "E006", "E008"}
