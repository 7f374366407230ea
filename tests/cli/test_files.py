"""`-o FILE`: whole or not at all, and only onto nothing or a regular file."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.cli.streams import AtomicFile
from backprop_cli.errors import FileError
from backprop_cli.language.reader import content_of


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until `commit` the target is untouched; afterwards nothing else is left."""
    target = tmp_path / "out.txt"
    target.write_text("old")
    sink = AtomicFile(str(target))
    sink.write("∂")
    sink.write(b"\n")
    assert target.read_text() == "old"
    sink.commit()
    assert target.read_bytes() == "∂\n".encode()
    assert names(tmp_path) == {"out.txt"}


def test_a_discarded_file_leaves_no_trace(tmp_path: Path) -> None:
    """After an error the folder is as before."""
    sink = AtomicFile(str(tmp_path / "out.txt"))
    sink.write("half")
    sink.discard()
    assert names(tmp_path) == set()


def test_a_signal_right_after_the_file_is_there_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule: the file is known before it is made, so that Ctrl-C between the two finds it."""
    made = os.open

    def interrupted(*given: Any) -> int:
        os.close(made(*given))
        raise KeyboardInterrupt

    sink = AtomicFile(str(tmp_path / "out.txt"))
    monkeypatch.setattr(os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sink.write("half")
    assert len(names(tmp_path)) == 1
    sink.discard()
    assert names(tmp_path) == set()


def test_nothing_written_is_nothing_made(tmp_path: Path) -> None:
    """A command that wrote nothing does not make an empty file."""
    AtomicFile(str(tmp_path / "out.txt")).commit()
    assert names(tmp_path) == set()


def test_modes_are_kept(tmp_path: Path) -> None:
    """An existing file keeps its mode; a new one has what the umask gives."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        for path in (old, new):
            sink = AtomicFile(str(path))
            sink.write("x")
            sink.commit()
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (old, new)] == [0o640, 0o640]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """Writing through a symbolic link replaces the file it leads to, not the link."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    sink = AtomicFile(str(tmp_path / "link"))
    sink.write("new")
    sink.commit()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize(("path", "reason"), [
    ("/dev/null", "it is not a regular file"), ("/dev/full", "it is not a regular file"), (".", "it is a folder"),
    ("none/out", "the folder 'none' does not exist"), ("file/out", "Not a directory"),
    ("a" * 300, "File name too long"), ("nul\0", "not a file name"),
])  # fmt: skip
def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str) -> None:
    """Devices, folders and impossible names are refused before anything is computed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError) as caught:
        AtomicFile(path)
    assert caught.value.code == "E025"
    assert caught.value.message == f"cannot write {path!r}: {reason}"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    """A folder without permission gives E025."""
    tmp_path.chmod(0o555)
    with pytest.raises(FileError, match="Permission denied"):
        AtomicFile(str(tmp_path / "out")).write("x")


def test_results_in_files(in_process, folder: Path) -> None:
    """`-o` takes its format from the suffix, is UTF-8 with newlines, and leaves stdout empty."""
    starts = {"o.json": "{", "o.ndjson": '{"schema"', "o.csv": "spec,", "o.md": "# ", "o.txt": "small"}
    for name, start in starts.items():
        assert in_process("run", "small.yaml", "--color", "auto", "-o", name) == (0, "", "")
        text = (folder / name).read_bytes().decode("utf-8")
        assert text.startswith(start)
        assert "\r" not in text
    assert in_process("run", "small.yaml", "--format", "json", "-o", "-")[1].startswith("{")


def test_a_failed_spec_leaves_the_file(in_process, folder: Path) -> None:
    """Where no result came out the old file stays; where some did, the file holds them."""
    (folder / "o.json").write_text("old")
    assert in_process("run", "bad.yaml", "-o", "o.json")[0] == 2
    assert (folder / "o.json").read_text() == "old"
    assert in_process("run", "bad.yaml", "small.yaml", "-o", "o.json")[0] == 1
    assert json.loads((folder / "o.json").read_text())["spec"] == "small.yaml"


def test_a_spec_is_never_overwritten(in_process, folder: Path) -> None:
    """`-o` onto one of the specs, also by another path, is refused."""
    before = (folder / "small.yaml").read_text()
    code, out, err = in_process("run", "small.yaml", "-o", "./small.yaml")
    assert (code, out) == (2, "")
    assert err == "error[E026]: -o ./small.yaml would overwrite the spec itself\n"
    assert (folder / "small.yaml").read_text() == before


def test_npz(in_process, folder: Path) -> None:
    """`.npz` holds values and gradients; it is one whole result, so not for several specs."""
    import numpy as np

    assert in_process("run", "small.yaml", "-o", "o.npz") == (0, "", "")
    with np.load(folder / "o.npz", allow_pickle=False) as found:
        assert {name: float(found[name]) for name in found.files} == {
            "a": 2, "a.grad": 3, "b": 3, "b.grad": 2, "c": 6, "c.grad": 1,
        }  # fmt: skip
    assert in_process("run", "small.yaml", "net.yaml", "-o", "o.npz")[0] == 2


NET = "params: {w: {file: w.csv}}\nnodes: {y: sum(w**2)}\n"
READ = {
    "net.yaml": NET, "w.csv": "1\n2\n", "ann.md": "| item | answer |\n|---|---|\n| w.grad | [2, 4] |\n",
    "scheme.yaml": "spec: net.yaml\npoints: {w.grad: 2}\n",
    "names.txt": "Bob\nNet\nNames\n", "w.yaml": "w.grad: [2, 4]\n",
}  # fmt: skip


@pytest.mark.parametrize("line", [
    "run net.yaml -o w.csv", "step net.yaml --plot ./net.yaml", "jacobian net.yaml -o w.csv",
    "worksheet net.yaml --key w.csv", "worksheet net.yaml --key ./net.yaml",
    "worksheet net.yaml -o a.yaml --key a.yaml", "worksheet net.yaml --students names.txt -o .",
    "worksheet scheme.yaml --students names.txt -o .", "grade net.yaml ann.md -o ann.md",
    "grade scheme.yaml ann.md -o w.csv", "grade net.yaml ann.md --pages . --page-format markdown",
    "grade net.yaml w.yaml --pages . --page-format csv",
])  # fmt: skip
def test_what_is_read_is_never_written(in_process, folder: Path, line: str) -> None:
    """Whichever option names the file, or the folder it lies in: key, data, answers and lists stay as they are."""
    for name, text in READ.items():
        (folder / name).write_text(text, encoding="utf-8")
    code, _, err = in_process(*line.split())
    assert (code, err.count("would overwrite")) == (2, 1), err
    assert {name: (folder / name).read_text(encoding="utf-8") for name in READ} == READ
    assert not (folder / "a.yaml").exists()


@pytest.mark.parametrize("line", [
    "grade net.yaml small.yaml --pages small.yaml/pages", "import program.py -o small.yaml/",
    "worksheet net.yaml --students small.yaml -o small.yaml/sheets",
])  # fmt: skip
def test_a_folder_that_cannot_be_made(in_process, folder: Path, line: str) -> None:
    """It is told in one line, like a file that cannot be written."""
    (folder / "program.py").write_text("import numpy as np\nw = np.ones(2)\nloss = np.sum(w**2)\n")
    code, out, err = in_process(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("error[E025]: cannot write into 'small.yaml")


@pytest.mark.parametrize("line", ["worksheet net.yaml -o sheet.docx", "ops -o ops.png", "ops sin -o sin.csv"])
def test_an_unknown_suffix_is_refused(in_process, folder: Path, line: str) -> None:
    """No command writes its text into a file whose name promises something else."""
    code, out, err = in_process(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("error[E026]: no format of this command has the suffix")
    assert not (folder / line.rsplit(maxsplit=1)[-1]).exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_read_if_somebody_writes_into_it(tmp_path: Path) -> None:
    """A named one among the answers was waited for without an end; `<(...)` is one that is written into."""
    pipe = tmp_path / "answers.yaml"
    os.mkfifo(pipe)
    with pytest.raises(FileError, match="is a pipe, and nobody writes into it"):
        content_of(str(pipe))
    reading, writing = os.pipe()
    writer = threading.Timer(0.05, lambda: (os.write(writing, b"answers: {}"), os.close(writing)))
    writer.start()
    assert content_of(f"/dev/fd/{reading}") == b"answers: {}"
    writer.join()
    os.close(reading)
