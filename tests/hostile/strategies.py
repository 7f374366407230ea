"""What hypothesis makes of the language: expressions that are right, nearly right and wild, and mutated files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS

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


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    argument = st.one_of(inner, st.builds("{}={}".format, st.sampled_from(KEYWORDS), inner))
    arguments = st.lists(argument, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), arguments),
        st.builds("{} {} {}".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({}){}".format, inner, st.sampled_from(SUBSCRIPTS)),
        st.builds("-{}".format, inner),
        st.builds("({})".format, inner),
    )


expressions = st.recursive(st.sampled_from(ATOMS), _grown, max_leaves=8)
"""Expressions of the grammar; most do not fit together."""

tensors = st.lists(st.sampled_from(["x", "v", "M", "T", "t"]), min_size=1, max_size=3)
calls = st.builds("{}({})".format, st.sampled_from(FUNCTIONS), tensors.map(", ".join))
"""Calls of a function on tensors, a good part of which fit."""

wild = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
"""Any text."""


@st.composite
def specs(draw: st.DrawFn) -> str:
    """A spec of a few nodes, summed to a scalar."""
    texts = draw(st.lists(st.one_of(calls, expressions, expressions, wild), min_size=1, max_size=3))
    rows = "".join(f"  y{i}: {quoted(text)}\n" for i, text in enumerate(texts))
    more = draw(st.sampled_from(["", "grad_output: ones\n", "wrt: all\n", "dtype: float32\n", "hooks: {x: 2 * grad}\n",
                                 "backward: [y0, y0]\n", "output: y0[0]\n"]))  # fmt: skip
    return f"{HEADER}nodes:\n{rows}  loss: sum(y0)\n{more}"


def quoted(text: str) -> str:
    """A text as a YAML scalar in single quotes."""
    return "'" + text.replace("'", "''") + "'"


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A shipped spec with some of its bytes replaced, removed or doubled."""
    data = bytearray(draw(st.sampled_from(SEEDS)).encode())
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        doubled = st.just(bytes(data[at : at + length]) * 3)
        new = draw(st.one_of(st.binary(max_size=4), st.sampled_from(PIECES), doubled))
        data[at : at + length] = new
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


@st.composite
def data_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A data file, somewhat broken, and its form."""
    form = draw(st.sampled_from(list(GOOD_FILES)))
    data = bytearray(GOOD_FILES[form])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 6))] = draw(st.one_of(st.binary(max_size=4), st.sampled_from(INSERTED)))
    return form, bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


WORDS = st.sampled_from(["x", "normal", "N", "sum(x)", ""])
KEYS = st.sampled_from(["value", "shape", "init", "file", "x", "args", "body", "grads", "output", "stack", "linear"])
yaml_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=10,
)
"""Values where the language may want others; as JSON, which is YAML."""
