"""What is made of the language: expressions that are right, nearly right and wild, and mutated files."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.language.reader import SECTIONS
from tests.draws import octets, several

ROOT = Path(__file__).parents[2]
SEEDS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("*.yaml"))]

FUNCTIONS = sorted({*OPS, *COMPOSITES, *ALIASES})
ATOMS = ["x", "v", "M", "T", "t", "n", "N", "1", "0", "-1", "2", "0.5", "1e-3", "1e308", "inf", "nan", "pi", "e",
         "none", "true", "'same'", "'ij,jk->ik'", "(0, 1)", "[0, 1]", "()", "[]", "10**9",
         "2**31", "99999999999999999999", "nope"]  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "**", "@", ">", "==", "<="]
SUBSCRIPTS = ["[0]", "[-1]", "[::2]", "[..., None]", "[1:, 0]", "[99]", "[[0, 0]]", "[None]", ".T", "[::0]", "[()]"]
KEYWORDS = ["axis", "keepdims", "dim", "p", "eps", "ord", "stride", "padding", "reduction", "n", "k", "shape", "zzz"]

HEADER = """\
dims: {N: 2}
inputs:
  t: [0, 1]
  n: 3
params:
  x: 0.7
  v: [0.5, -1.0, 2.0]
  M: {value: [[2.0, 0.5, 0.1], [0.3, 1.5, 0.2], [0.0, 0.4, 3.0]]}
  T: {shape: [N, 1, 4, 4], init: normal}
"""


def expression(draw: Random, leaves: int = 8) -> str:
    """An expression of the grammar; most do not fit together."""
    if leaves <= 1 or draw.random() < 0.3:
        return draw.choice(ATOMS)
    kind = draw.randrange(5)
    if kind == 0:
        return f"{draw.choice(FUNCTIONS)}({', '.join(several(draw, lambda: _argument(draw, leaves // 2), 3))})"
    inner = expression(draw, leaves // 2)
    if kind == 1:
        return f"{inner} {draw.choice(OPERATORS)} {expression(draw, leaves // 2)}"
    return (f"({inner}){draw.choice(SUBSCRIPTS)}", f"-{inner}", f"({inner})")[kind - 2]


def _argument(draw: Random, leaves: int) -> str:
    name = f"{draw.choice(KEYWORDS)}=" if draw.random() < 0.5 else ""
    return name + expression(draw, leaves)


def call(draw: Random) -> str:
    """A call of a function on tensors, a good part of which fit."""
    return f"{draw.choice(FUNCTIONS)}({', '.join(several(draw, lambda: draw.choice('xvMTt'), 3, least=1))})"


PLANES = [(0x20, 0x7F), (0, 0x20), (0x80, 0x800), (0x800, 0xD800), (0xE000, 0x10000), (0x10000, 0x110000)]


def wild(draw: Random, most: int = 40) -> str:
    """Any text: of letters, controls, and what UTF-8 writes in two, three and four bytes."""
    return "".join(several(draw, lambda: chr(draw.randrange(*draw.choice(PLANES))), most))


def spec(draw: Random) -> str:
    """A spec of a few nodes, summed to a scalar."""
    texts = several(draw, lambda: draw.choice((call, expression, expression, wild))(draw), 3, least=1)
    rows = "".join(f"  y{i}: {quoted(one)}\n" for i, one in enumerate(texts))
    more = draw.choice(["", "grad_output: ones\n", "wrt: all\n", "dtype: float32\n", "hooks: {x: 2 * grad}\n",
                        "backward: [y0, y0]\n", "output: y0[0]\n"])  # fmt: skip
    return f"{HEADER}nodes:\n{rows}  loss: sum(y0)\n{more}"


def quoted(one: str) -> str:
    """A text as a YAML scalar in single quotes."""
    return "'" + one.replace("'", "''") + "'"


def mutated(draw: Random) -> bytes:
    """A shipped spec with some of its bytes replaced, removed or doubled."""
    data = bytearray(draw.choice(SEEDS).encode())
    for _ in range(draw.randint(1, 6)):
        at, length = draw.randint(0, len(data)), draw.randint(0, 8)
        doubled = bytes(data[at : at + length]) * 3
        data[at : at + length] = draw.choice((octets(draw, 4), draw.choice(PIECES), doubled))
    return bytes(data)


PIECES = [b"{", b"[", b": ", b"- ", b"'", b'"', b"&a ", b"*a", b"<<: ", b"!!python/object ", b"| ", b"\t", b"\x00",
          b"\xff", b"\xe2\x80\xae", b"e9", b"**", b"9" * 30, b"(((", b")))", b"\n", b"#", b"shape: ", b"init: ",
          b"file: ../x.npy", b"~", b".inf", b".nan", b"-1", b"null", b"layers: [{linear: 2}]\n", b"output: ",
          b"grad_output: ones\n"]  # fmt: skip


def _saved(form: str) -> bytes:
    """A good data file of a form."""
    stream = io.BytesIO()
    array = np.arange(6.0).reshape(2, 3)
    if form == "npz":
        np.savez_compressed(stream, a=array)
    elif form == "npy":
        np.save(stream, array)
    else:
        stream.write(b"1.0,2.0,3.0\n4.0,5.0,6.0\n")
    return stream.getvalue()


GOOD_FILES = {form: _saved(form) for form in ("npy", "npz", "csv")}
INSERTED = [b"99999999999", b"-1", b"|O", b"(1e9,)", b"(", b"\x00", b"\xff\xff\xff\xff", b"nan", b",,", b"\n",
            b"1e999", b""]  # fmt: skip


def data_file(draw: Random) -> tuple[str, bytes]:
    """A data file, somewhat broken, and its form."""
    form = draw.choice(list(GOOD_FILES))
    data = bytearray(GOOD_FILES[form])
    for _ in range(draw.randint(0, 4)):
        at = draw.randint(0, len(data))
        data[at : at + draw.randint(0, 6)] = draw.choice((octets(draw, 4), draw.choice(INSERTED)))
    return form, bytes(data[: draw.randint(0, len(data))] if draw.random() < 0.5 else data)


WORDS = ["x", "normal", "N", "sum(x)", ""]
KEYS = ["value", "shape", "init", "file", "x", "args", "body", "grads", "output", "stack", "linear"]
NUMBERS = [0, -1, 3, 2**63, -(10**30), 0.5, -1e-300, 1e308, math.inf, -math.inf, math.nan]


def value(draw: Random, size: int = 10) -> Any:
    """A value where the language may want another; as JSON, which is YAML."""
    if size <= 1 or draw.random() < 0.3:
        return draw.choice([None, True, False, draw.choice(NUMBERS), draw.choice(NUMBERS), draw.choice(WORDS)])
    parts = several(draw, lambda: value(draw, size // 2), 4)
    return parts if draw.random() < 0.5 else {draw.choice(KEYS): part for part in parts}


def sections(draw: Random) -> str:
    """The sections of a spec, of any values."""
    return json.dumps({draw.choice([*SECTIONS, "nodse"]): value(draw) for _ in range(draw.randint(0, 5))})


SOURCES = {
    "specs": spec, "mutated": mutated, "sections": sections, "bytes": lambda draw: octets(draw, 200), "text": wild,
    "data files": data_file,
}  # fmt: skip
