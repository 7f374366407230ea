"""Where results go: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO

from backprop_cli.errors import FileError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))

PROBE = "∂⊙·σΣᵀ⁻¹…"


def ascii_only(stream: TextIO | None) -> bool:
    """Whether a stream cannot show formulas, by its encoding or because the user asked for the C locale."""
    if os.environ.get("LC_ALL") in {"C", "POSIX"} and not os.environ.get("PYTHONIOENCODING"):
        return True
    try:
        PROBE.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def color_wanted(choice: str, stream: TextIO | None) -> bool:
    """Whether to colour what goes to a stream: the option, then NO_COLOR and FORCE_COLOR, then the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    try:
        return stream is not None and os.environ.get("TERM") != "dumb" and stream.isatty()
    except ValueError:  # closed
        return False


class Sink(Protocol):
    """Takes a result piece by piece."""

    def write(self, data: str | bytes) -> None:
        """Take a piece."""

    def commit(self) -> None:
        """All is written."""

    def discard(self) -> None:
        """Something went wrong: leave no trace where that can be."""


def sink_for(path: str | None) -> Sink:
    """The sink for `-o`: None and '-' are standard output.

    Raises:
        FileError: E025 where it is plain at once that nothing can be written there.
    """
    return Stdout() if path in {None, "-"} else AtomicFile(str(path))


class Stdout:
    """Standard output; every piece is flushed, so that a failure is met here and not at exit."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise FileError("E025", "cannot write to standard output: it is closed")

    def write(self, data: str | bytes) -> None:
        """Write a piece.

        Raises:
            FileError: E025, for a full disk and the like.  BrokenPipeError passes: it ends the process.
        """
        encoding = sys.stdout.encoding or "utf-8"
        try:
            sys.stdout.flush()
            write_all(sys.stdout.buffer, data if isinstance(data, bytes) else data.encode(encoding, "backslashreplace"))
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as caught:
            raise FileError("E025", f"cannot write to standard output: {_reason(caught, 'it is closed')}") from None

    def commit(self) -> None:
        """Nothing is held back."""

    def discard(self) -> None:
        """What was written is written."""


def write_all(stream: BinaryIO, data: bytes) -> None:
    """Write all of it: a raw stream (PYTHONUNBUFFERED) takes a part and says how much, or nothing where it would wait.

    Raises:
        OSError: what kept the rest from being written.
    """
    raw = getattr(stream, "raw", stream)
    rest = memoryview(data)
    while rest:
        written = raw.write(rest)
        if written is None:
            import select

            select.select([], [raw], [])
        else:
            rest = rest[written:]


class AtomicFile:
    """A temporary file beside the target, renamed onto it when all is written.

    The target is nothing or a regular file (a device or a folder is refused; a link is followed) and keeps its mode.
    """

    def __init__(self, path: str) -> None:
        from pathlib import Path

        self.path = path
        self.temporary: Path | None = None
        self.descriptor = -1
        try:
            self.target = Path(os.path.realpath(path))
        except (OSError, ValueError) as caught:  # the current folder may have been deleted
            raise self._error(_reason(caught)) from None
        if path.endswith(_SEPARATORS):
            raise self._error("its name ends as a folder's does")
        self._check()

    def _check(self) -> None:
        try:
            mode = self.target.stat().st_mode
        except FileNotFoundError:
            if not self.target.parent.is_dir():
                raise self._error(f"the folder {os.path.dirname(self.path)!r} does not exist") from None
            return
        except (OSError, ValueError) as caught:
            raise self._error(_reason(caught)) from None
        if not stat.S_ISREG(mode):
            raise self._error("it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file")

    def write(self, data: str | bytes) -> None:
        """Write a piece to the temporary file.

        Raises:
            FileError: E025.
        """
        rest = memoryview(data if isinstance(data, bytes) else data.encode("utf-8", "backslashreplace"))
        try:
            if self.temporary is None:
                self._open()
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        except OSError as caught:
            self.discard()
            raise self._error(_reason(caught)) from None

    def _open(self) -> None:
        # It is ours before it is there: a signal that comes between the two leaves no file.
        self.temporary = path = self.target.with_name(f".{self.target.name[:50]}.{os.urandom(6).hex()}.tmp")
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        with suppress(FileNotFoundError, AttributeError):  # a new file's mode is the umask's; Windows has no fchmod
            os.fchmod(self.descriptor, stat.S_IMODE(self.target.stat().st_mode))

    def commit(self) -> None:
        """Put the file in its place.

        Raises:
            FileError: E025.
        """
        if self.temporary is None:
            return
        try:
            os.fsync(self.descriptor)
            os.close(self.descriptor)
            self._check()
            self.temporary.replace(self.target)
        except OSError as caught:
            self.discard()
            raise self._error(_reason(caught)) from None
        self.temporary = None

    def discard(self) -> None:
        """Remove the temporary file."""
        if self.temporary is not None:
            self.temporary.unlink(missing_ok=True)
            self.temporary = None

    def _error(self, reason: str) -> FileError:
        return FileError("E025", f"cannot write {self.path!r}: {reason}")


def write_file(path: str, text: str | bytes) -> None:
    """Write a file whole, or not at all.

    Raises:
        FileError: E025.
    """
    file = AtomicFile(path)
    try:
        file.write(text)
        file.commit()
    except BaseException:
        file.discard()
        raise


def _reason(error: BaseException, otherwise: str = "not a file name") -> str:
    """In the system's words; Python's own, of a name with a NUL, say the function that was called, or not."""
    return getattr(error, "strerror", None) or otherwise


def refuse_overwriting(out: str | None, read: Iterable[str], what: str = "the spec itself", option: str = "-o") -> None:
    """A result never replaces the spec it comes from, nor another file that the command reads.

    Raises:
        UsageError: E026.
    """
    if out in {None, "-"}:
        return
    for path in read:
        if path != "-" and _same(str(out), path):
            raise UsageError("E026", f"{option} {out} would overwrite {what}")


def folder_for(path: str) -> Path:
    """A folder to write into, which is made where there is none.

    Raises:
        FileError: E025.
    """
    from pathlib import Path

    try:
        (folder := Path(path)).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as caught:
        raise FileError("E025", f"cannot write into {path!r}: {_reason(caught)}") from None
    return folder


def _same(one: str, other: str) -> bool:
    """Whether two paths are one file, by whatever links."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or os.path.samefile(one, other)
    except (OSError, ValueError):  # one of them does not exist, so it is not the other
        return False


def suffixed(out: str | None, suffixes: Mapping[str, Sequence[str]]) -> str | None:
    """The format that the suffix of `-o` asks for; None where there is no suffix, or no file.

    Raises:
        UsageError: E026 for a suffix that no format has: a picture or a page of plain text would be a surprise.
    """
    suffix = os.path.splitext(out or "")[1].lower()
    if suffix in {"", "."} or out == "-":
        return None
    for name, ends in suffixes.items():
        if suffix in ends:
            return name
    known = ", ".join(end for ends in suffixes.values() for end in ends)
    raise UsageError("E026", f"no format of this command has the suffix {suffix!r}", hint=f"there are {known}")
