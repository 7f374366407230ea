"""The formats of a result: a new one is one module with a `render` and one row here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from backprop_cli.formulas.printed import NOTATIONS, READ, TERMS
from backprop_cli.records import dataclass
from backprop_cli.report.view import View
from backprop_cli.tasks.result import Result

Renderer = Callable[[Result, View], "str | bytes"]


@dataclass(frozen=True, slots=True)
class Format:
    """A row: where `render` lives, file suffixes that choose it, and how it goes on over several specs.

    `terms` are shown unless the user asks for others.  `prologue` precedes the first result, `between` each
    further one.
    """

    module: str
    doc: str
    suffixes: tuple[str, ...]
    terms: tuple[str, ...] = TERMS
    prologue: str = ""
    between: str = ""
    binary: bool = False
    goes_on: bool = False  # an error becomes a line of the output
    single: bool = False  # holds one whole result
    notations: tuple[str, ...] = NOTATIONS


FORMATS: dict[str, Format] = {
    "text": Format("text", "for reading in a terminal", (".txt",), READ, between="\n",
                   notations=("marked_text", "code")),
    "json": Format("json_", "one object a spec", (".json",)),
    "ndjson": Format("ndjson", "one line a spec, errors too", (".ndjson", ".jsonl"), goes_on=True),
    "csv": Format("csv_", "one line an entry", (".csv",), (), prologue="spec,name,kind,index,value,gradient\n"),
    "markdown": Format("markdown", "tables for a page", (".md", ".markdown"), READ, between="\n",
                       notations=("text", "code", "marked_latex")),
    "latex": Format("latex", "an align* body", (".tex",), READ, between="\n",
                    notations=("text", "code", "marked_latex")),
    "html": Format("html", "a page that one steps through", (".html", ".htm"), READ, single=True,
                   notations=("text", "code", "marked_mathml")),
    "npz": Format("npz", "values and gradients for numpy", (".npz",), (), binary=True, single=True),
}


def renderer(name: str) -> Renderer:
    """The callable of a format; only now is its module imported."""
    found: Renderer = import_module(f"backprop_cli.report.{FORMATS[name].module}").render
    return found


def streamed(name: str) -> Callable[[Result, View], str | bytes | Iterator[str]]:
    """The same, in pieces that are made when they are written, where the format can be."""
    module = import_module(f"backprop_cli.report.{FORMATS[name].module}")
    found: Callable[[Result, View], str | bytes | Iterator[str]] = getattr(module, "pieces", module.render)
    return found


SUFFIXES = {name: row.suffixes for name, row in FORMATS.items()}
"""Which format a file's suffix asks for."""
