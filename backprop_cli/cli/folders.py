"""A folder in place of files: a course of 100,000 sheets fits on no command line."""

from __future__ import annotations

import os
from collections.abc import Sequence

from backprop_cli.errors import FileError

SPECS = (".yaml", ".yml")
ANSWERS = (*SPECS, ".json", ".csv", ".md", ".txt", ".py", ".ipynb")


def files_of(paths: Sequence[str], suffixes: Sequence[str]) -> tuple[str, ...]:
    """The paths, a folder being the files in it with one of these suffixes, by name; hidden ones are left out.

    Of files that differ in their suffix alone the first in the order of the suffixes counts: a question sheet in
    Markdown beside its answers in YAML is no second sheet.

    Raises:
        FileError: E001 for a folder that cannot be read, or holds none of them.
    """
    found: list[str] = []
    for path in paths:
        found += _inside(path, suffixes) if os.path.isdir(path) else [path]
    return tuple(found)


def _inside(folder: str, suffixes: Sequence[str]) -> list[str]:
    try:
        listed = os.listdir(folder)
    except OSError as caught:
        raise FileError("E001", f"cannot read the folder {folder!r}: {caught.strerror}") from None
    chosen: dict[str, tuple[int, str]] = {}
    for name in listed:
        stem, dot, suffix = name.rpartition(".")
        if stem and dot + suffix.lower() in suffixes and not name.startswith("."):
            found = (list(suffixes).index(dot + suffix.lower()), name)
            chosen[stem] = min(found, chosen.get(stem, found))
    names = sorted(name for _, name in chosen.values())
    if not names:
        hint = f"it would end in {', '.join(suffixes)}"
        raise FileError("E001", f"the folder {folder!r} holds no file to read", hint=hint)
    return [os.path.join(folder, name) for name in names]
