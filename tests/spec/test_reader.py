from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from backprop_cli.errors import BackpropError, FileError, SpecError, UsageError
from backprop_cli.language import expression as ast
from backprop_cli.language.overrides import override, replace_settings
from backprop_cli.language.reader import SECTIONS, load_spec, read_spec

FULL = """\
title: A net
description: All keys at once
dims: {N: 2, D: 3}
inputs:
  x: {value: [[1, 2, 3], [4, 5, 6]], shape: [N, D]}
params:
  w: {shape: [D], init: normal, std: 0.1, seed: 3}
  b: 0.5
  free: {shape: [N, 4]}
nodes:
  c: 3
  z: swish(x @ w + b)
  loss: sum(z)/N + c
functions:
  swish:
    args: [x]
    body: x * sigmoid(x)
    grads: {x: grad(out) * (out + sigmoid(x) * (1 - out))}
output: z
grad_output: [1, 2]
wrt: [w, x]
hooks: {z: 'clip(grad, -1, 1)'}
dtype: float32
"""


def test_every_section_reaches_the_model(spec):
    """Rule: each key of the language has its field, with names, shapes and places."""
    found = spec(FULL)
    assert (found.title, found.description, found.dtype) == ("A net", "All keys at once", "float32")
    assert found.dims == {"N": 2, "D": 3}
    assert [(leaf.name, leaf.kind, leaf.shape) for leaf in found.leaves] == [
        ("x", "input", (2, 3)), ("w", "param", (3,)), ("b", "param", ()), ("free", "param", (2, 4)),
    ]
    assert [getattr(size, "name", None) for size in found.leaves[3].shape] == ["N", None]
    assert found.leaves[3].load is None
    assert [node.name for node in found.nodes] == ["c", "z", "loss"]
    assert found.functions["swish"].args == ("x",)
    assert list(found.functions["swish"].grads) == ["x"]
    assert found.output[1].text == "z"
    np.testing.assert_array_equal(found.grad_output, [1.0, 2.0])
    assert [text.text for text in found.wrt] == ["w", "x"]
    assert list(found.hooks) == ["z"]
    assert found.leaves[1].at.place().line == 7
    assert found.nodes[1].text.place(8, 13).source_line == "  z: swish(x @ w + b)"


def test_sections_may_stand_in_any_order(spec):
    """Rule: a shape may use a size that `dims` defines further down."""
    found = spec("nodes: {loss: sum(w)}\nparams: {w: {shape: [N]}}\ndims: {N: 4}\n")
    assert found.leaves[0].shape == (4,)


def test_a_yaml_number_is_an_expression(spec):
    """Rule: `c: 3` and `c: 1e-3` are expressions, exact."""
    found = spec("nodes: {a: 3, b: 1e-3, c: -2}\n")
    assert isinstance(found.nodes[1].expression, ast.Number)
    assert found.nodes[1].expression.value == Fraction(1, 1000)


def test_backward_is_a_list_of_passes(spec):
    """Rule: each pass has an output, and a seed of its own or none."""
    passes = spec("params: {w: 1}\nnodes: {a: w, b: 2*w}\nbackward: [{output: a, grad_output: ones}, {output: b}, b]\n")
    assert [(one.output_text.text, one.grad_output) for one in passes.backward] == [
        ("a", "ones"), ("b", None), ("b", None),
    ]


def test_wrt_all_and_a_single_name(spec):
    """Rule: `wrt` is `all`, a name or a list."""
    text = "params: {w: 1}\nnodes: {a: w}\nwrt: "
    assert spec(text + "all").wrt == "all"
    assert [one.text for one in spec(text + "w").wrt] == ["w"]


def test_whole_numbers_above_2_53_are_warned_about(spec):
    """Rule: float64 rounds them, so the spec says so."""
    found = spec("params: {w: [1, 9007199254740993]}\nnodes: {a: w}\n")
    assert found.warnings == (
        ("rounded", "w", "9007199254740993 is above 2**53 and is rounded to 9007199254740992"),
    )


def test_names_are_compared_in_nfc(spec):
    """Rule: é written as one character or as two is the same name."""
    found = spec("params: {e\u0301: 1}\nnodes: {a: 2*\u00e9}\n")
    assert found.leaves[0].name == "\u00e9"


# ── errors ───────────────────────────────────────────────────────────────────────────────────────

TAIL = "nodes: {a: 1}\n"

ERRORS = [
    ("Nodes: {a: 1}\n", "E007 1:1 `Nodes`: unknown key 'Nodes' in the spec (did you mean 'nodes'?)"),
    ("parameters: {a: 1}\n", "E007 1:1 `parameters`: unknown key 'parameters' in the spec (did you mean 'params'?)"),
    ("weights: 1\n", "E007 1:1 `weights`: unknown key 'weights' in the spec (did you mean 'params'?)"),
    ("graph: 1\n", "E007 1:1 `graph`: unknown key 'graph' in the spec (did you mean 'nodes'?)"),
    ("loss: a\n", "E007 1:1 `loss`: unknown key 'loss' in the spec (did you mean 'output'?)"),
    ("outptu: a\n", "E007 1:1 `outptu`: unknown key 'outptu' in the spec (did you mean 'output'?)"),
    ("params: {a: 1}\n" + TAIL,
     "E006 2:9 `a`: the name 'a' is already taken by 'params' (first on line 1)"),
    ("params: {w: 1}\ninputs: {w: 1}\n" + TAIL,
     "E006 1:10 `w`: the name 'w' is already taken by 'inputs' (first on line 2)"),
    ("params: {1w: 1}\n" + TAIL,
     "E009 1:10 `1`: '1w' is not a name: '1' does not belong in it (a name begins with a letter or '_')"),
    ("params: {w-1: 1}\n" + TAIL,
     "E009 1:11 `-`: 'w-1' is not a name: '-' does not belong in it (use '_' where a name needs a separator)"),
    ("params: {x₁: 1}\n" + TAIL,
     "E009 1:11 `₁`: 'x₁' is not a name: '₁' does not belong in it (write an index with '_': x_1)"),
    ("params: {grad: 1}\n" + TAIL, "E009 1:10 `grad`: 'grad' is reserved (call it 'grad_')"),
    ("params: {я: 1}\n" + TAIL,
     "E009 1:10 `я`: 'я' is not a name: 'я' does not belong in it (use letters, digits and '_')"),
    ("dims: {N: 0}\n" + TAIL, "E008 1:11 `0`: a size is a whole number from 1, found the number 0"),
    ("dims: {N: 2.5}\n" + TAIL, "E008 1:11 `2.5`: a size is a whole number from 1, found the number 2.5"),
    ("params: [1]\n" + TAIL, "E008 1:9 `[1]`: 'params' holds 'name: value' lines, found a list"),
    ("nodes: {a: [1, 2]}\n", ("E008 1:12 `[1, 2]`: node 'a' is an expression, found a list "
     "(quote an expression that begins with [ or {; numbers go under inputs or params)")),
    ("nodes:\n  a:\n", "E008 2:5 ``: node 'a' is an expression, found nothing"),
    ("nodes: {a: x $2}\n", "E010 1:14 `$`: unexpected character '$' (names need no sign in front)"),
    ("dtype: float16\n" + TAIL, "E008 1:8 `float16`: unknown dtype 'float16' (did you mean 'float64'?)"),
    ("grad_output: one\n" + TAIL,
     "E008 1:14 `one`: 'grad_output' is a number, an array or 'ones', found the text 'one'"),
    ("params: {w: 1}\nwrt: v\n" + TAIL, "E011 2:6 `v`: unknown leaf 'v' (the leaves are w)"),
    ("wrt: a\n" + TAIL, ("E008 1:6 `a`: 'a' is a node, not a leaf "
     "(every node's gradient is computed anyway; wrt chooses inputs and params)")),
    ("wrt: []\n" + TAIL, "E008 1:6 `[]`: wrt names at least one, found a list (leave 'wrt' out for the default)"),
    ("hooks: {b: grad}\n" + TAIL, "E011 1:9 `b`: unknown node 'b' in hooks"),
    ("backward: a\n" + TAIL,
     "E008 1:11 `a`: 'backward' is a list of passes, found the text 'a' (backward: [{output: a}, {output: b}])"),
    ("backward: [{grad_output: 1}]\n" + TAIL,
     "E008 1:12 `{grad_output: 1}`: a pass needs an 'output' ({output: loss, grad_output: 1})"),
    ("grad_output: 1\nbackward: [a]\n" + TAIL, ("E008 1:1 `grad_output`: with 'backward' each pass has its own "
     "'grad_output' (write {output: ..., grad_output: ...} in the list)")),
    ("functions: {f: {args: [x]}}\n" + TAIL,
     "E008 1:13 `f`: function 'f' needs 'body' ({args: [x], body: x * sigmoid(x)})"),
    ("functions: {f: {args: [x, x], body: x}}\n" + TAIL,
     "E006 1:27 `x`: function 'f' has the argument 'x' twice"),
    ("functions: {f: {args: x, body: x, grads: {y: 1}}}\n" + TAIL,
     "E007 1:43 `y`: unknown key 'y' in the grads of function 'f' (the keys are x)"),
    ("functions: {f: {arguments: x, body: x}}\n" + TAIL,
     "E007 1:17 `arguments`: unknown key 'arguments' in function 'f' (did you mean 'args'?)"),
    ("title: [a]\n" + TAIL, "E008 1:8 `[a]`: 'title' is text, found a list"),
    ("[1]", ("E008 1:1 `[1]`: a spec is a mapping, found a list (a spec needs at least 'params' (or 'inputs') and "
     "'nodes'; 'backprop new' prints one to start from)")),
    ("", ("E008 1:1 ``: the spec is empty (a spec needs at least 'params' (or 'inputs') and 'nodes'; "
     "'backprop new' prints one to start from)")),
    ("params: {w: 1}\n", ("E008 1:1 `params`: the spec has no nodes to compute (a spec needs at least 'params' (or "
     "'inputs') and 'nodes'; 'backprop new' prints one to start from)")),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_an_error_names_place_fact_and_next_step(text, message, errors_of):
    """Rule: one wrong thing gives one error, its caret under the very words, with what to do about it."""
    assert errors_of(text) == message


def test_all_errors_of_a_spec_come_at_once_in_file_order(errors_of):
    """Rule: an error in one entry does not hide those in others; a duplicate key is one of them."""
    text = "nodes: {a: x×2, b: 2 $x, a: 1}\nparams:\n  w: [1, true]\n  v: {shape: [M]}\nlos: a\n"
    assert [line[:8] for line in errors_of(text).splitlines()] == [
        "E010 1:1", "E010 1:2", "E006 1:2", "E008 3:1", "E024 4:1", "E007 5:1",
    ]


def test_a_wrong_size_does_not_make_its_shapes_wrong(errors_of):
    """Rule: an error is reported once, not again for everything that depends on it."""
    assert errors_of("dims: {N: x}\nparams: {w: {shape: [N]}}\nnodes: {a: w}\n").count("\n") == 0


def test_a_suggestion_is_a_key_that_exists():
    """Rule: synonyms lead to sections of the table only."""
    for text in ("network", "modules"):
        with pytest.raises(SpecError) as caught:
            read_spec(f"{text}: 1\nnodes: {{a: 1}}\n".encode(), "f", folder=None)
        assert "layers" in SECTIONS or "layers" not in (caught.value.hint or "")


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_spec_is_read_from_a_file_or_stdin(tmp_path, monkeypatch):
    """Rule: a path or '-', and the place's file is the path as given or '<stdin>'."""
    path = tmp_path / "net.yaml"
    path.write_text("nodes: {a: 1}\n")
    assert load_spec(str(path)).source.file == str(path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"nodes: {a: 1}\n")))
    assert load_spec("-").source.file == "<stdin>"


def test_data_files_of_a_spec_on_stdin_lie_in_the_current_folder(tmp_path, monkeypatch):
    """Rule: with '-', `file:` is relative to the current folder."""
    np.save(tmp_path / "w.npy", np.ones(2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"params: {w: {file: w.npy}}\nnodes: {a: w}\n")))
    assert load_spec("-").leaves[0].shape == (2,)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.yaml", "cannot read 'missing.yaml': No such file or directory"),
        (".", "'.' is a folder, not a spec"),
        ("a\0b", "cannot read 'a\\x00b': not a file name"),
        ("x" * 300, f"cannot read '{'x' * 300}': File name too long"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(path, message, tmp_path, monkeypatch):
    """Rule: E001 says why."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError) as caught:
        load_spec(path)
    assert (caught.value.code, caught.value.message) == ("E001", message)


def test_a_closed_stdin_is_an_error(monkeypatch):
    """Rule: a closed or absent stdin is E001, not a crash."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(FileError, match="closed"):
        load_spec("-")


def test_an_endless_file_is_not_read_to_its_end():
    """Rule: no more than the limit is ever read."""
    with pytest.raises(SpecError) as caught:
        load_spec("/dev/zero")
    assert caught.value.code == "E005"


def test_reading_a_spec_imports_no_numpy():
    """Rule: shapes are known without numpy, which costs a quarter of a second to import."""
    code = (
        "import sys\nfrom backprop_cli.language.reader import read_spec\n"
        "read_spec(b'params: {w: {shape: [2], init: normal}, v: [1, 2]}\\nnodes: {a: w}', 'f', folder=None)\n"
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "False"


# ── options ──────────────────────────────────────────────────────────────────────────────────────

NET = """\
dims: {N: 2}
inputs: {x: {value: [1, 2], shape: [N]}}
params: {w: 1.0, b: {shape: [2]}}
nodes: {p: x*w, loss: sum(p)}
grad_output: 2
"""


def test_set_replaces_any_leaf(spec, tmp_path, monkeypatch):
    """Rule: a value of `--set` is one as in a spec; kind and named sizes stay."""
    np.save(tmp_path / "b.npy", np.array([7.0, 8.0]))
    monkeypatch.chdir(tmp_path)
    found = override(spec(NET), ["w=3", "x=[5, 6]", "b={file: b.npy}"])
    values = {leaf.name: leaf.load().tolist() for leaf in found.leaves}
    assert values == {"x": [5.0, 6.0], "w": 3.0, "b": [7.0, 8.0]}
    assert found.leaves[0].shape[0].name == "N"
    assert found.leaves[0].kind == "input"
    assert override(found, ["w={shape: [N, 3], init: zeros}"]).leaves[1].shape == (2, 3)


SETS = [
    ("w", "E022 1:1 `w`: --set needs NAME=VALUE, found 'w' (--set 'w=[[1, 2], [3, 4]]')"),
    ("W=1", "E022 1:1 `W`: the spec has no leaf 'W' (did you mean 'w'?)"),
    ("loss=1", "E022 1:1 `loss`: 'loss' is a node, not a leaf (only leaves can be set)"),
    ("x=[1, 2, 3]", ("E022 1:1 `x`: 'x' has shape (N=2,) in the spec, not (3,) "
     "(change 'dims' in the spec for another size)")),
    ("w=[1, a]", "E008 1:7 `a`: w[1] is the text 'a', not a number (leaves are numbers; compute in nodes)"),
    ("w=*a", ("E004 1:3 `*a`: aliases (*) are not part of the spec language "
     "(write the value out; an expression does not begin with '*')")),
    ("w=null", "E008 1:1 `w`: 'w' has no value (write a number, a list, or {shape: [2, 3]})"),
    ("w=\udce9", None),
]


@pytest.mark.parametrize(("setting", "message"), SETS)
def test_a_bad_setting_is_an_error_at_its_place(setting, message, spec, show):
    """Rule: errors of `--set` stand in the option's own text, with suggestions."""
    with pytest.raises(BackpropError) as caught:
        override(spec(NET), [setting])
    assert caught.value.exit_code == 2
    assert message is None or show(caught.value) == message


def test_options_replace_settings(spec):
    """Rule: `--output`, `--grad-output`, `--wrt` and `--dtype` are read as in a spec."""
    found = replace_settings(spec(NET), output="p", grad_output="[1, 2]", wrt="x, w", dtype="float32")
    assert found.output[1].text == "p"
    assert found.output[1].source.file == "--output"
    np.testing.assert_array_equal(found.grad_output, [1, 2])
    assert [(name.text, name.place().column) for name in found.wrt] == [("x", 1), ("w", 4)]
    assert found.dtype == "float32"
    assert replace_settings(spec(NET), wrt=["x", "w"]).wrt[1].text == "w"
    assert replace_settings(spec(NET), wrt="all").wrt == "all"


def test_a_new_output_starts_with_the_default_seed(spec):
    """Rule: the spec's seed fitted the spec's output; `ones` fits every one."""
    assert replace_settings(spec(NET), output="p").grad_output is None
    ones = spec(NET.replace("grad_output: 2", "grad_output: ones"))
    assert replace_settings(ones, output="p").grad_output == "ones"


def test_a_seed_does_not_meet_several_passes(spec):
    """Rule: `--grad-output` beside `backward` is refused, unless an output is chosen too."""
    several = spec(NET.replace("grad_output: 2", "backward: [loss, w]"))
    with pytest.raises(UsageError, match="passes"):
        replace_settings(several, grad_output="3")
    assert replace_settings(several, output="loss", grad_output="3").backward == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "sum("}, "E010 1:5 ``: expected ')' to close the call of 'sum', found the end of the expression"),
        ({"wrt": "x,v"}, "E011 1:3 `v`: unknown leaf 'v' (the leaves are x, w, b)"),
        ({"dtype": "double"}, "E008 1:1 `double`: unknown dtype 'double' (did you mean 'float64'?)"),
        ({"grad_output": "two"}, "E008 1:1 `two`: 'grad_output' is a number, an array or 'ones', found the text 'two'"),
        ({"grad_output": ""}, "E022 1:1 ``: the option has no value"),
    ],
)
def test_bad_options_are_errors(options, message, spec, show):
    """Rule: an option's error stands in its text."""
    with pytest.raises(BackpropError) as caught:
        replace_settings(spec(NET), **options)
    assert show(caught.value) == message
