"""The machine-readable contract `backprop.jacobian/1`; several derivatives are a list under `results`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backprop_cli.formulas.printed import Omitted
from backprop_cli.report.json_ import laid_out, later, warning_of
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.jacobian.results import Differentiated

SCHEMA = "backprop.jacobian/1"


def document(found: Differentiated, view: View) -> dict[str, object]:
    """A derivative as plain data, its numbers to be written later."""
    formula = found.formula
    written = {"omitted": formula.why} if isinstance(formula, Omitted) else formula.told
    made: dict[str, object] = {
        "schema": SCHEMA, "spec": found.spec, "title": found.title, "kind": found.kind, "symbol": found.symbol,
        "output": found.output, "wrt": found.wrt, "dims": dict(found.dims), "shape": list(map(int, found.shape)),
        "value": later(found.value, view.precision), "formula": written,
    }  # fmt: skip
    if found.where:
        made["where"] = {one.name.code: one.formula.told for one in found.where}
    if found.block:
        made["block"] = found.block
    if found.entries:
        made["entries"] = {at: one.formula.text for at, one in found.entries.items()}
    if found.warnings:
        made["warnings"] = [warning_of(warning) for warning in found.warnings]
    return made


def render(results: Sequence[Differentiated], view: View = READING) -> str:
    """One object over several lines."""
    return "".join(pieces(results, view))


def pieces(results: Sequence[Differentiated], view: View = READING) -> Iterator[str]:
    """The same, of which only a small part is ever held."""
    documents = [document(one, view) for one in results]
    whole = documents[0] if len(documents) == 1 else {"schema": SCHEMA, "results": documents}
    return laid_out(whole, view)
