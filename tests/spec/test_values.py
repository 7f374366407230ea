from __future__ import annotations

import math
import os
import re
import struct
import tracemalloc
import zipfile
from zlib import crc32

import numpy as np
import pytest

from backprop_cli.errors import FileError
from backprop_cli.language.csvdata import csv_array, csv_shape
from backprop_cli.language.initial import INITS, fans
from tests.draws import octets, seeded, several, text


@pytest.fixture
def leaf(spec):
    """The only param of a spec, from its value's text."""

    def read(value, folder=None, dims="{N: 2, D: 3}"):
        return spec(f"dims: {dims}\nparams:\n  w: {value}\nnodes: {{loss: w}}\n", folder).leaves[0]

    return read


@pytest.fixture
def error_of(errors_of):
    """The errors of a param's value; its first character stands at 3:6."""

    def read(value, folder=None):
        return errors_of(f"dims: {{N: 2, D: 3}}\nparams:\n  w: {value}\nnodes: {{loss: w}}\n", folder)

    return read


# ── literals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("[1, 2]", [1, 2]),
        ("[[1], [2]]", [[1], [2]]),
        ("{value: [[1, 2, 3]], shape: [1, D]}", [[1, 2, 3]]),
        ("[.inf, -.inf, .nan]", [math.inf, -math.inf, math.nan]),
        ("{value: 2}", 2),
        ("[0x10, 1e-3, 017]", [16, 1e-3, 17]),
    ],
)
def test_literals_are_float64_arrays(text, value, leaf):
    """Rule: a number, a nested list or `value:` is an array of the shape as written."""
    found = leaf(text)
    assert found.load().dtype == np.float64
    np.testing.assert_array_equal(found.load(), value)
    assert found.shape == np.shape(value)


def test_a_shape_beside_a_value_names_its_sizes(leaf):
    """Rule: `shape` beside `value` gives the axes their names."""
    assert [getattr(size, "name", None) for size in leaf("{value: [[1, 2, 3], [4, 5, 6]], shape: [N, 3]}").shape] == [
        "N", None,
    ]


def any_float(draw):
    """Any float: of any bits, or one that people write."""
    (bits,) = struct.unpack("d", draw.randbytes(8))
    return draw.choice((bits, draw.uniform(-10, 10), float(draw.randint(-9, 9)), math.inf, -math.inf, -0.0, 5e-324))


@seeded(60)
def test_floats_round_trip(draw):
    """Rule: a float written by repr comes back as the same float."""
    from backprop_cli.language.reader import read_spec

    n = draw.randint(1, 4)
    rows = several(draw, lambda: [any_float(draw) for _ in range(n)], 8, least=1)
    text = "[" + ", ".join("[" + ", ".join(map(_yaml, row)) + "]" for row in rows) + "]"
    found = read_spec(f"params: {{w: {text}}}\nnodes: {{a: w}}\n".encode(), "f", folder=None)
    np.testing.assert_array_equal(found.leaves[0].load(), rows)


def _yaml(value: float) -> str:
    special = {math.inf: ".inf", -math.inf: "-.inf"}
    return ".nan" if math.isnan(value) else special.get(value, repr(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, true]", "E008 3:10 `true`: w[1] is true, not a number"),
        ("[[1, 2], [3, null]]", "E008 3:19 `null`: w[1, 1] is nothing, not a number"),
        ("[1, '2']", "E008 3:11 `2`: w[1] is the text '2', not a number (write numbers without quotes)"),
        ("1/3", "E008 3:6 `1/3`: w is the text '1/3', not a number (leaves are numbers; compute in nodes)"),
        ("[1, -inf]", "E008 3:10 `-inf`: w[1] is the text '-inf', not a number (write -.inf)"),
        ("[[1, 2], [3]]", ("E014 3:15 `[3]`: a ragged list: w[1] has 1 entry, w[0] has 2 entries "
         "(rows of an array are equally long)")),
        ("[1, [2]]", ("E014 3:10 `[2]`: a ragged list: w[1] has 1 entry, w[0] is a number "
         "(rows of an array are equally long)")),
        ("[[[1], [2]], [[1]]]", ("E014 3:19 `[[1]]`: a ragged list: w[1] has shape (1, 1), w[0] has shape (2, 1) "
         "(rows of an array are equally long)")),
        ("[[], [1]]", ("E014 3:11 `[1]`: a ragged list: w[1] has 1 entry, w[0] has 0 entries "
         "(rows of an array are equally long)")),
        ("[1, {a: 1}]", "E008 3:10 `{a: 1}`: w[1] is a mapping, not a number"),
        ("1e999", ("E008 3:6 `1e999`: the number 1e999 is out of range "
         "(numbers are float64: at most about 1.8e308; infinity is .inf)")),
        ("[[[[[[[[[1]]]]]]]]]", "E005 3:14 `[1]`: w has more than 8 axes"),
        ("", "E008 3:3 `w`: 'w' has no value (write a number, a list, or {shape: [2, 3]})"),
        ("{}", ("E008 3:6 `{}`: a leaf's mapping needs one of value, shape, init, file "
         "(write {value: ...}, {shape: [2, 3]}, {shape: [2, 3], init: normal} or {file: w.npy})")),
        ("{value: 3, shape: [N]}", ("E014 3:24 `[N]`: w has shape (), but its 'shape' says (N=2,) "
         "(to fill an array with one number: {shape: [...], init: constant, value: 3})")),
        ("{value: [1, 2], shape: [D]}", "E014 3:29 `[D]`: w has shape (2,), but its 'shape' says (D=3,)"),
        ("{shape: [M]}", "E024 3:15 `M`: unknown size 'M' (define it: dims: {M: 5})"),
        ("{shape: [n]}", "E024 3:15 `n`: unknown size 'n' (did you mean 'N'?)"),
        ("{shape: [2.5]}", "E008 3:15 `2.5`: a size is a whole number from 1, found the number 2.5"),
        ("{shape: [true]}", "E008 3:15 `true`: a size is a whole number from 1, found true"),
        ("{shape: [99999999999]}", "E005 3:15 `99999999999`: a size of more than 2147483647"),
        ("{shape: [1,1,1,1,1,1,1,1,1]}", "E005 3:14 `[1,1,1,1,1,1,1,1,1]`: a shape of more than 8 axes"),
        ("{shap: [2]}", "E007 3:7 `shap`: unknown key 'shap' in a leaf (did you mean 'shape'?)"),
        ("{shape: [2], std: 1}", "E007 3:19 `std`: 'std' does not go with 'shape' ('std' goes with 'init')"),
        ("{init: normal}", "E008 3:13 `normal`: an initial value needs a 'shape' ({shape: [2, 3], init: normal})"),
        ("{shape: 2, init: glorot_normal}",
         "E008 3:23 `glorot_normal`: unknown init 'glorot_normal' (did you mean 'xavier_normal'?)"),
        ("{shape: 2, init: uniform, std: 1}", ("E007 3:37 `1`: init 'uniform' has no option 'std' "
         "(it takes low, high, seed)")),
        ("{shape: 2, init: xavier_normal}", ("E008 3:23 `xavier_normal`: init 'xavier_normal' needs a shape of at "
         "least two axes: (out, in, ...)")),
        ("{shape: 2, init: normal, std: -1}", "E008 3:23 `normal`: init 'normal' needs a std of at least 0"),
        ("{shape: 2, init: normal, seed: -1}",
         "E008 3:37 `-1`: 'seed' is a whole number from 0, found the number -1"),
        ("{shape: 2, init: normal, std: .nan}", "E008 3:36 `.nan`: 'std' is a finite number, found the number .nan"),
    ],
)
def test_a_bad_leaf_is_an_error_at_the_very_entry(text, message, error_of):
    """Rule: the place and the index of what is no number, no shape, no option; and what to write."""
    assert error_of(text) == message


# ── initial values ───────────────────────────────────────────────────────────────────────────────


def test_draws_are_seeded_by_seed_and_name(leaf):
    """Rule: the generator is PCG64(SeedSequence([seed, crc32(name)])), so adding a param changes no other."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([7, crc32(b"w")])))
    expected = rng.normal(1.0, 0.1, (2, 3))
    found = leaf("{shape: [N, D], init: normal, mean: 1, std: 0.1, seed: 7}")
    np.testing.assert_array_equal(found.load(), expected)
    np.testing.assert_array_equal(found.load(), expected)


@pytest.mark.parametrize("name", INITS)
def test_every_init_makes_its_shape(name, leaf):
    """Rule: each kind of start gives a float64 array of the leaf's shape."""
    found = leaf(f"{{shape: [N, D], init: {name}}}").load()
    assert (found.shape, found.dtype) == ((2, 3), np.float64)


def test_a_scalar_can_be_drawn(leaf):
    """Rule: `shape: []` is a scalar."""
    assert leaf("{shape: [], init: normal}").load().shape == ()


def test_constants_and_the_identity(leaf):
    """Rule: constant, zeros, ones and eye are exact."""
    np.testing.assert_array_equal(leaf("{shape: 2, init: constant, value: 3}").load(), [3, 3])
    np.testing.assert_array_equal(leaf("{shape: [2, 3], init: eye}").load(), np.eye(2, 3))


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("xavier_normal", math.sqrt(2 / (30 * 9 + 40 * 9))), ("xavier_uniform", math.sqrt(2 / (30 * 9 + 40 * 9))),
        ("kaiming_normal", math.sqrt(2 / (30 * 9))), ("kaiming_uniform", math.sqrt(2 / (30 * 9))),
        ("normal", 1.0), ("uniform", 1 / math.sqrt(12)),
    ],
)
def test_scales_are_pytorchs(name, std, leaf):
    """Rule: the spread is PyTorch's, with the fans of a weight (out, in, *kernel); uniform means within sqrt(3) std."""
    found = leaf(f"{{shape: [40, 30, 3, 3], init: {name}}}").load()
    np.testing.assert_allclose(found.std(), std, rtol=0.03)
    if name.endswith("_uniform"):
        assert np.abs(found).max() <= math.sqrt(3) * std


def test_fans_count_the_kernel():
    """Rule: (out, in, *kernel) has fan_in = in * prod(kernel) and fan_out = out * prod(kernel)."""
    assert fans((40, 30, 3, 3)) == (270, 360)
    assert fans((5, 2)) == (2, 5)


# ── .npy and .npz ────────────────────────────────────────────────────────────────────────────────

ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array(3.5),
    np.arange(4, dtype=">i4"),
    np.array([True, False]),
    np.arange(3, dtype=np.float16),
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype.str}-{array.ndim}")
def test_npy_files_are_read_as_float64(array, leaf, tmp_path):
    """Rule: real arrays of any width and order give their numbers; the shape is known before loading."""
    np.save(tmp_path / "w.npy", array)
    found = leaf("{file: w.npy}", tmp_path)
    assert found.shape == array.shape
    np.testing.assert_array_equal(found.load(), array)
    assert (found.load().dtype, found.load().flags.c_contiguous) == (np.float64, True)


def test_a_file_takes_the_memory_of_its_numbers(leaf, tmp_path):
    """Rule: an .npy of floats is read to where it stays; of an .npz a piece at a time is unpacked."""
    array = np.random.default_rng(0).normal(size=(1000, 500))
    np.save(tmp_path / "w.npy", array)
    np.savez_compressed(tmp_path / "w.npz", array)
    for file, times in (("w.npy", 1.1), ("w.npz", 1.9)):
        found = leaf(f"{{file: {file}}}", tmp_path)
        tracemalloc.start()
        loaded = found.load()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        np.testing.assert_array_equal(loaded, array)
        assert peak <= times * array.nbytes


def test_npz_members_are_chosen_by_key(leaf, error_of, tmp_path):
    """Rule: `key` chooses; it may be left out where there is one array; a wrong one gets a suggestion."""
    np.savez(tmp_path / "one.npz", a=np.ones(2))
    np.savez_compressed(tmp_path / "two.npz", alpha=np.ones(2), beta=np.zeros(3))
    assert leaf("{file: one.npz}", tmp_path).shape == (2,)
    np.testing.assert_array_equal(leaf("{file: two.npz, key: beta}", tmp_path).load(), np.zeros(3))
    assert error_of("{file: two.npz}", tmp_path) == (
        "E020 3:13 `two.npz`: data file 'two.npz' holds 2 arrays (choose one with 'key': 'alpha', 'beta')"
    )
    assert error_of("{file: two.npz, key: alfa}", tmp_path) == (
        "E020 3:27 `alfa`: data file 'two.npz' has no array 'alfa' (did you mean 'alpha'?)"
    )


def test_a_shape_beside_a_file_names_its_sizes(leaf, error_of, tmp_path):
    """Rule: `shape` beside `file` must agree, and names the axes."""
    np.save(tmp_path / "w.npy", np.ones((2, 3)))
    assert leaf("{file: w.npy, shape: [N, D]}", tmp_path).shape[1].name == "D"
    assert error_of("{file: w.npy, shape: [D, N]}", tmp_path) == (
        "E014 3:27 `[D, N]`: w.npy has shape (2, 3), but its 'shape' says (D=3, N=2)"
    )


def _npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


BAD_FILES = [
    ("w.npy", b"", "not an .npy array"),
    ("w.npy", b"not numpy at all", "not an .npy array"),
    ("w.npy", b"\x93NUMPY\x09\x00\x00\x00", "not an .npy array"),
    ("w.npy", _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n"),
     "not an array of real numbers (float, int or bool)"),
    ("w.npy", _npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", b"0" * 16),
     "not an array of real numbers (float, int or bool)"),
    ("w.npy", _npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", b"0" * 8),
     "not an array of real numbers (float, int or bool)"),
    ("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os'),), }"),
     "not an array of real numbers (float, int or bool)"),
    ("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 9999999999), }"),
     "its header promises 799999999840000000008 bytes of numbers, it holds 0"),
    ("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", b"0" * 8),
     "its header promises 16 bytes of numbers, it holds 8"),
    ("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }"), "an empty array of shape (0,)"),
    ("w.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }", b"0" * 8),
     "an array of more than 8 axes"),
    ("w.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31), "an .npy header that is too long"),
    ("w.npz", b"PK\x03\x04 nothing more", "not an .npz file"),
    ("w.npz", b"PK\x05\x06" + b"\0" * 8 + struct.pack("<I", 2**30) + b"\0" * 6, "an .npz file of too many members"),
    ("w.npz", b"PK\x05\x06" + b"\0" * 8 + struct.pack("<I", 100) + b"\0" * 6, "a damaged .npz file"),
    ("w.csv", b"", "it holds no numbers"),
    ("w.csv", b"\xff\xfe1\0", "not UTF-8 text"),
    ("w.txt", b"1", "its name ends in '.txt', not in .npy, .npz or .csv"),
    ("w", b"1", "its name ends in '', not in .npy, .npz or .csv"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_malformed_data_files_are_errors(name, content, message, error_of, tmp_path):
    """Rule: headers are read by a pattern and checked against the file's length; no pickle, no huge allocation."""
    (tmp_path / name).write_bytes(content)
    assert error_of(f"{{file: {name}}}", tmp_path) == f"E020 3:13 `{name}`: data file {name!r}: {message}"


def test_an_npz_bomb_is_refused_before_it_inflates(error_of, tmp_path):
    """Rule: a member that would inflate beyond the limit is refused by its announced size."""
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as out:
        out.write(_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (35000000,), }"))
        for _ in range(280):
            out.write(bytes(1_000_000))
    assert "larger than 256 MB when unpacked" in error_of("{file: w.npz}", tmp_path)


def test_an_npz_whose_sizes_lie_is_refused(error_of, tmp_path):
    """Rule: the header of a member and the size in the directory must agree."""
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("a.npy", _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9,), }", b"0" * 8))
    assert "promises 72 bytes of numbers, it holds 8" in error_of("{file: w.npz}", tmp_path)


def test_a_file_that_changes_between_header_and_load_is_an_error(leaf, tmp_path):
    """Rule: what was checked is what is loaded, or an error."""
    np.save(tmp_path / "w.npy", np.ones(2))
    found = leaf("{file: w.npy}", tmp_path)
    np.save(tmp_path / "w.npy", np.ones(3))
    with pytest.raises(FileError, match="changed"):
        found.load()


# ── paths ────────────────────────────────────────────────────────────────────────────────────────

PATHS = [
    ("../out.npy", "E020", "outside the spec's folder"),
    ("../missing.npy", "E020", "outside the spec's folder"),
    ("/etc/passwd.csv", "E020", "outside the spec's folder"),
    ("link.npy", "E020", "outside the spec's folder"),
    ("linked/out.npy", "E020", "outside the spec's folder"),
    ("loop.npy", None, ""),
    ("missing.npy", "E001", "No such file or directory"),
    ("folder.npy", "E020", "not a regular file"),
    ("pipe.npy", "E020", "not a regular file"),
    ("huge.npy", "E020", "larger than 256 MB"),
    ("huge.csv", "E020", "larger than 64 MB"),
    ("'http://example.com/w.npy'", "E020", "an address; data is read from files only"),
    ("'file:///etc/w.npy'", "E020", "an address; data is read from files only"),
    ('"w\\0.npy"', "E020", "not a file name"),
    ("''", "E020", "not a file name"),
]


@pytest.fixture
def folder(tmp_path):
    """A spec's folder with what a hostile one could hold, and a file outside it."""
    inside = tmp_path / "spec"
    inside.mkdir()
    np.save(tmp_path / "out.npy", np.ones(1))
    (inside / "link.npy").symlink_to(tmp_path / "out.npy")
    (inside / "linked").symlink_to(tmp_path)
    (inside / "loop.npy").symlink_to(inside / "loop.npy")
    (inside / "folder.npy").mkdir()
    os.mkfifo(inside / "pipe.npy")
    for name in ("huge.npy", "huge.csv"):
        with (inside / name).open("wb") as out:
            out.truncate(300 * 2**20)
    return inside


@pytest.mark.parametrize(("name", "code", "message"), PATHS)
def test_data_files_lie_in_the_specs_folder(name, code, message, error_of, folder):
    """Rule: no path, link, pipe, device, address or oversized file gets a spec anything; no wait on a pipe."""
    found = error_of(f"{{file: {name}}}", folder)
    assert found.startswith(code or "E0")
    assert found.endswith(message)


def test_a_link_inside_the_folder_is_followed(leaf, tmp_path):
    """Rule: only where a file really lies counts."""
    np.save(tmp_path / "w.npy", np.ones(3))
    (tmp_path / "alias.npy").symlink_to("w.npy")
    assert leaf("{file: alias.npy}", tmp_path).shape == (3,)


# ── .csv ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("a,b\r\n1,2\r\n3,4", [[1, 2], [3, 4]]),
        ("# made by hand\n\n 1 , 2e-3 \n\n-3,+.5\n", [[1, 2e-3], [-3, 0.5]]),
        ("1\n2\n3\n", [1, 2, 3]),
        ("1,2,3", [1, 2, 3]),
        ("7", 7),
        ("\ufeff1,nan\n-inf,inf\n".lstrip("\ufeff"), [[1, math.nan], [-math.inf, math.inf]]),
    ],
)
def test_csv_is_read_as_loadtxt_would(text, value):
    """Rule: commas, blank lines, comments, one line of names; one column or row is a vector."""
    np.testing.assert_array_equal(csv_array(text), value)
    assert csv_shape(text) == np.shape(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3\n", "line 2 has 1 entries, the first has 2"),
        ("1,2\n3,x\n", "line 2, column 2: 'x' is not a number"),
        ("1,\n", "line 1, column 2: is empty"),
        ("1;2\n", "it holds no numbers"),
        ("1,2\n3;4\n", "line 2, column 1: '3;4' is not a number; separate numbers with commas"),
        ("1_0,2\n", "line 1, column 1: '1_0' is not a number"),
        ("1,1e999\n", "line 1: a number is out of range"),
        ("1,٣\n", "line 1, column 2: '٣' is not a number"),
        ("a,b\n", "it holds no numbers"),
        ("1,0x1F\n", "line 1, column 2: '0x1F' is not a number"),
    ],
)
def test_bad_csv_names_line_and_column(text, message):
    """Rule: an error says where in the file and what is there; float()'s own leniences are refused."""
    with pytest.raises(ValueError, match=rf"\A{re.escape(message)}\Z"):
        csv_array(text) if csv_shape(text) else None


def test_csv_errors_stand_at_the_file_name(leaf, tmp_path):
    """Rule: the shape is read at once, the numbers when loaded; both errors stand at the name in the spec."""
    (tmp_path / "w.csv").write_text("1,2\n3,x\n")
    found = leaf("{file: w.csv}", tmp_path)
    assert found.shape == (2, 2)
    with pytest.raises(FileError) as caught:
        found.load()
    assert caught.value.message == "data file 'w.csv': line 2, column 2: 'x' is not a number"
    assert caught.value.at is not None


def test_a_shape_may_make_a_column_of_a_csv_vector(leaf, tmp_path):
    """Rule: a `.csv` does not say (n,) or (n, 1), so `shape` may."""
    (tmp_path / "w.csv").write_text("1\n2\n")
    assert leaf("{file: w.csv}", tmp_path).shape == (2,)
    found = leaf("{file: w.csv, shape: [N, 1]}", tmp_path)
    assert found.shape == (2, 1)
    assert found.shape[0].name == "N"
    assert found.load().shape == (2, 1)


@seeded(100)
def test_any_csv_text_gives_numbers_of_its_shape_or_an_error(draw):
    """Rule: the shape found first is the shape loaded, and only ValueError escapes."""
    content = text(draw, "1234,.e-+nai;#\n\r \tx_", 40)
    try:
        shape = csv_shape(content)
        found = csv_array(content)
    except ValueError:
        return
    assert found.shape == shape


@seeded(100)
def test_any_bytes_in_a_data_file_are_an_error_or_numbers(draw, tmp_path, attempt):
    """Rule: only errors of ours escape, whatever a data file holds."""
    from backprop_cli.language.reader import read_spec

    suffix = draw.choice([".npy", ".npz", ".csv"])
    (tmp_path / f"w{suffix}").write_bytes(octets(draw, 80))
    spec = f"params: {{w: {{file: w{suffix}}}}}\nnodes: {{a: w}}\n".encode()

    def numbers():
        return read_spec(spec, "f", folder=tmp_path).leaves[0].load()

    caught = attempt(numbers)
    assert caught is None or caught.code == "E020"
