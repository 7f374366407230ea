"""The specs that come with the program: in the package where it is installed, beside it in a clone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backprop_cli.records import dataclass

PACKAGE = Path(__file__).resolve().parents[1]
START = "start/"
"""Specs to start one's own from; they go by their bare names."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A spec that comes with the program: the name that `backprop new` knows it by, and its file."""

    name: str
    path: Path

    @property
    def text(self) -> str:
        """The whole spec."""
        return self.path.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """The title in its first lines."""
        lines = self.text.splitlines()
        return next((line.removeprefix("title: ") for line in lines if line.startswith("title: ")), "")


def folder() -> Path:
    """Where the specs lie."""
    installed = PACKAGE / "specs"
    return installed if installed.is_dir() else PACKAGE.parent / "specs"


def shipped() -> dict[str, Shipped]:
    """Every spec by its name, those to start from first: `mlp`, `lstm`, `layers/mlp`."""
    found = [Shipped(name, path) for name, path in _files()]
    return {spec.name: spec for spec in sorted(found, key=_order)}


def _files() -> Iterator[tuple[str, Path]]:
    top = folder()
    for path in top.rglob("*.yaml"):
        name = path.relative_to(top).with_suffix("").as_posix()
        yield name.removeprefix(START), path


def _order(spec: Shipped) -> tuple[bool, bool, str]:
    return (spec.path.parent.name != START.strip("/"), "/" in spec.name, spec.name)
