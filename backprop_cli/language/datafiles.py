"""Data files of leaves: `.npy`, `.npz` and `.csv`, written by anybody, so nothing in them is trusted.

A file must lie in the spec's folder (links followed), be a regular file and not be large.  Headers are read by our
own pattern, so the shape is known before anything is allocated, no pickle is ever loaded, and a compressed member
cannot grow beyond what its header announces.  Nothing is ever fetched.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from backprop_cli.errors import FileError
from backprop_cli.language.csvdata import csv_array, csv_shape
from backprop_cli.language.model import Shape
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.records import dataclass

if TYPE_CHECKING:
    import zipfile

    from numpy.typing import NDArray

MAX_BYTES: Final = 256 * 2**20
MAX_CSV_BYTES: Final = 64 * 2**20
MAX_DIRECTORY: Final = 2**20  # of a .npz: some ten thousand members
MAX_RANK: Final = 8
PIECE: Final = 2**20
STORED: Final = 0  # the two methods of a .zip that numpy uses
DEFLATED: Final = 8


@dataclass(frozen=True, slots=True)
class Data:
    """An array in a file; `loose`: axes of size 1 are not in the file, so a spec's shape may add them (.csv)."""

    shape: Shape
    read: Callable[[], NDArray[Any]]
    loose: bool = False

    def load(self) -> NDArray[Any]:
        """The float64 array."""
        return self.read().reshape(self.shape)


class _Bad(Exception):
    """The short fact about a malformed file."""


def data_file(folder: str | os.PathLike[str] | None, file: Text, key: Text | None, *, confined: bool = True) -> Data:
    """Find a data file and read its shape.

    Args:
        folder: what `file` is relative to; None where the spec stands in no folder.
        file: the path as written.
        key: the name of a member of an `.npz`.
        confined: whether the file must lie inside `folder`.

    Raises:
        FileError: E001 where it cannot be read, E020 where it is unsafe, too large or malformed.
    """
    with _reported(file):
        path = _resolve(folder, file.text, confined)
        suffix = path.suffix.lower()
        if suffix not in _READERS:
            raise _Bad(f"its name ends in {suffix!r}, not in .npy, .npz or .csv")
        if key is not None and suffix != ".npz":
            raise _Bad("'key' belongs to .npz files only")
        return _READERS[suffix](path, file, key)


@contextmanager
def _reported(file: Text) -> Iterator[None]:
    """Turn whatever goes wrong with a file into one error at its name in the spec."""
    try:
        yield
    except _Bad as caught:
        raise FileError("E020", f"data file {file.text!r}: {caught}", at=file.place()) from None
    except OSError as caught:
        reason = caught.strerror or "cannot be read"
        raise FileError("E001", f"data file {file.text!r}: {reason}", at=file.place()) from None


def _resolve(folder: str | os.PathLike[str] | None, name: str, confined: bool) -> Path:
    if "://" in name:
        raise _Bad("an address; data is read from files only")
    if not name.isprintable() or not name:
        raise _Bad("not a file name")
    home = Path(folder or "").resolve()
    try:
        path = (home / name).resolve()  # not strict: whether a file outside exists is nobody's business
    except RuntimeError:
        raise _Bad("a link that points to itself") from None
    if confined and not path.is_relative_to(home):
        raise _Bad("outside the spec's folder")
    return path


@contextmanager
def _opened(path: Path, limit: int) -> Iterator[IO[bytes]]:
    """A regular file of at most `limit` bytes; a pipe or device is refused without waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _Bad("not a regular file")
        if status.st_size > limit:
            raise _Bad(f"larger than {limit // 2**20} MB")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


# ── .npy ─────────────────────────────────────────────────────────────────────────────────────────

_DESCR = re.compile(r"'descr': '([<>|=]?)([a-zA-Z])(\d{1,3})'")
_ORDER = re.compile(r"'fortran_order': (True|False)")
_SHAPE = re.compile(r"'shape': \(((?:\d{1,18}L?, ?)*(?:\d{1,18}L?)?),?\)")
_LENGTHS = {1: 2, 2: 4, 3: 4}  # version: bytes of the header's length
_WIDTHS = {"f": (2, 4, 8, 16), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,)}


@dataclass(frozen=True, slots=True)
class _Header:
    """What an `.npy` says of itself before the numbers."""

    dtype: str
    fortran: bool
    shape: Shape
    bytes: int


def _header(stream: IO[bytes]) -> _Header:
    """Read an `.npy` header; the stream is left at the numbers."""
    magic = stream.read(8)
    if magic[:6] != b"\x93NUMPY" or len(magic) < 8 or magic[6] not in _LENGTHS:
        raise _Bad("not an .npy array")
    width = _LENGTHS[magic[6]]
    length = int.from_bytes(stream.read(width), "little")
    if length > 10_000:
        raise _Bad("an .npy header that is too long")
    text = stream.read(length).decode("latin-1")
    descr, order, shape = _DESCR.search(text), _ORDER.search(text), _SHAPE.search(text)
    if not (descr and order and shape) or int(descr[3]) not in _WIDTHS.get(descr[2], ()):
        raise _Bad("not an array of real numbers (float, int or bool)")
    sizes = tuple(int(size.rstrip("L")) for size in shape[1].replace(" ", "").split(",") if size)
    _check_shape(sizes)
    return _Header("".join(descr.groups()), order[1] == "True", sizes, math.prod(sizes) * int(descr[3]))


def _check_shape(shape: Shape) -> None:
    if len(shape) > MAX_RANK:
        raise _Bad(f"an array of more than {MAX_RANK} axes")
    if 0 in shape:
        raise _Bad(f"an empty array of shape {shape}")


def _numbers(stream: IO[bytes], expected: Shape) -> NDArray[Any]:
    """The array at the stream, whose header must still say what was read before."""
    import numpy as np

    header = _header(stream)
    if header.bytes > MAX_BYTES or header.shape != expected:
        raise _Bad("it has changed")
    flat = np.empty(math.prod(header.shape), dtype=header.dtype)
    _fill(flat.view(np.uint8).data, stream)
    order: Any = "F" if header.fortran else "C"
    return flat.reshape(header.shape, order=order).astype(np.float64, order="C", copy=False)


def _fill(room: memoryview, stream: IO[bytes]) -> None:
    """Read just so many bytes to where they are to stay; what unpacks them holds a piece at a time."""
    at = 0
    while at < len(room):
        some: int = stream.readinto(room[at : at + PIECE])  # type: ignore[attr-defined]
        if not some:
            raise _Bad("it was cut short or has changed")
        at += some


def _npy(path: Path, file: Text, key: Text | None) -> Data:
    with _opened(path, MAX_BYTES) as stream:
        header = _header(stream)
        _check_length(os.fstat(stream.fileno()).st_size - stream.tell(), header)

    def read() -> NDArray[Any]:
        with _reported(file), _opened(path, MAX_BYTES) as stream:
            return _numbers(stream, header.shape)

    return Data(header.shape, read)


def _check_length(actual: int, header: _Header) -> None:
    if actual != header.bytes:
        raise _Bad(f"its header promises {header.bytes} bytes of numbers, it holds {actual}")


# ── .npz ─────────────────────────────────────────────────────────────────────────────────────────


def _npz(path: Path, file: Text, key: Text | None) -> Data:
    with _opened(path, MAX_BYTES) as stream, _archive(stream) as archive:
        member = _member(archive, file, key)
        with archive.open(member) as inner:
            header = _header(inner)
            _check_length(member.file_size - inner.tell(), header)

    def read() -> NDArray[Any]:
        with (
            _reported(file),
            _opened(path, MAX_BYTES) as stream,
            _archive(stream) as archive,
            archive.open(member.filename) as inner,
        ):
            return _numbers(inner, header.shape)

    return Data(header.shape, read)


@contextmanager
def _archive(stream: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The archive, once its directory is known to be small: zipfile reads all of it at once."""
    import zipfile  # few specs have one
    import zlib

    _check_directory(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise _Bad("a damaged .npz file") from None


def _check_directory(stream: IO[bytes]) -> None:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 66_000))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise _Bad("not an .npz file")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory > MAX_DIRECTORY or b"PK\x06\x07" in tail[max(0, at - 20) : at]:
        raise _Bad("an .npz file of too many members")


def _member(archive: zipfile.ZipFile, file: Text, key: Text | None) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if key is None and len(members) != 1:
        raise FileError("E020", f"data file {file.text!r} holds {len(members)} arrays", at=file.place(),
                        hint=f"choose one with 'key': {_listed(members)}")
    name = next(iter(members)) if key is None else key.text
    if name not in members:
        hint = did_you_mean(name, members) or f"it holds {_listed(members)}"
        raise FileError("E020", f"data file {file.text!r} has no array {name!r}", at=(key or file).place(), hint=hint)
    member = members[name]
    if member.file_size > MAX_BYTES:
        raise _Bad(f"larger than {MAX_BYTES // 2**20} MB when unpacked")
    if member.compress_type not in {STORED, DEFLATED}:
        raise _Bad("packed in a way that numpy does not write")
    return member


def _listed(members: dict[str, Any]) -> str:
    shown = ", ".join(repr(name) for name in list(members)[:8])
    return shown + (", ..." if len(members) > 8 else "") if members else "no arrays"


# ── .csv ─────────────────────────────────────────────────────────────────────────────────────────


def _csv(path: Path, file: Text, key: Text | None) -> Data:
    try:
        shape = csv_shape(_csv_text(path))
    except ValueError as caught:
        raise _Bad(str(caught)) from None

    def read() -> NDArray[Any]:
        with _reported(file):
            return _csv_numbers(_csv_text(path))

    return Data(shape, read, loose=True)


def _csv_text(path: Path) -> str:
    with _opened(path, MAX_CSV_BYTES) as stream:
        try:
            return stream.read(MAX_CSV_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _Bad("not UTF-8 text") from None


def _csv_numbers(text: str) -> NDArray[Any]:
    try:
        return csv_array(text)
    except ValueError as caught:
        raise _Bad(str(caught)) from None


_READERS: dict[str, Callable[[Path, Text, Text | None], Data]] = {".npy": _npy, ".npz": _npz, ".csv": _csv}
