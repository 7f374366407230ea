"""What `jacobian` and `hessian` share: the work on a spec, `--get`, and where the result goes."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import load, threads_for
from backprop_cli.cli.options import ReportChoice, SpecChoice
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import refuse_overwriting, sink_for, suffixed
from backprop_cli.errors import UsageError
from backprop_cli.records import dataclass, replace
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from backprop_cli.language.model import Spec
    from backprop_cli.tasks.jacobian.results import Differentiated

FORMATS = {"text": (".txt",), "json": (".json",), "csv": (".csv",), "markdown": (".md", ".markdown"),
           "latex": (".tex",), "html": (".html", ".htm")}  # fmt: skip
NOTATIONS = ("text", "code", "latex", "index")
EXAMPLES = "paths look like value, value[0,1], formula, formula.latex, formula.index, shape"
_PATH = re.compile(r"(?:(?P<name>.+)\.)?(?P<part>value|jacobian|hessian|formula|shape)(?P<notation>\.\w+)?"
                   r"(?:\[(?P<index>[^\[\]]*)\])?")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """Differentiate one spec."""

    kind: str
    choice: SpecChoice
    form: str
    view: View
    formulas: bool
    max_bytes: int
    get: str | None = None
    to: str | None = None
    vector: str | None = None

    def __call__(self, path: str) -> Done:
        """The results of one spec, rendered."""
        names, choice = asked_for(self.choice)
        spec = load(path, choice)
        threads_for(spec)
        from backprop_cli.tasks.jacobian.jacobian import Wanted

        wanted = Wanted(names, self.formulas and self.shows_formulas, self.max_bytes)
        results = list(self.results(whole(spec, names), wanted))
        if self.to == "spec":
            from backprop_cli.tasks.jacobian.as_spec import export

            return Done(export(spec, results))
        if self.get is not None:
            return Done(chain(value_at(results, self.get, self.view), "\n"))
        from backprop_cli.report.differentiated import streamed

        return Done(streamed(self.form)(results, self.view))

    @property
    def shows_formulas(self) -> bool:
        """Whether a formula is asked for; numbers alone never import sympy."""
        if self.to == "spec":
            return True
        return self.form != "csv" if self.get is None else ".formula" in f".{self.get}"

    def results(self, spec: Spec, wanted: Any) -> Iterator[Differentiated]:
        """What was asked for."""
        if self.kind == "jacobian":
            from backprop_cli.tasks.jacobian.jacobian import jacobians

            return jacobians(spec, wanted)
        from backprop_cli.tasks.jacobian.hessian import hessians

        return hessians(spec, wanted, self.vector)

    def warm(self) -> None:
        """One spec: there is nothing to prepare."""


def asked_for(choice: SpecChoice) -> tuple[tuple[str, ...], SpecChoice]:
    """What `--wrt` names, which may be nodes here, and the other choices; `all` is every leaf, as in the spec."""
    words = tuple(part.strip() for word in choice.wrt for part in word.split(","))
    return ((), choice) if words == ("all",) else (words, replace(choice, wrt=()))


def whole(spec: Spec, names: tuple[str, ...]) -> Spec:
    """The spec that goes back to every leaf where names are asked for."""
    return replace(spec, wrt="all") if names else spec


def unseeded(choice: SpecChoice, what: str) -> None:
    """There is no seed: one row is of one entry of the output.

    Raises:
        UsageError: E026.
    """
    if choice.grad_output is not None:
        raise UsageError("E026", f"a {what} has a row for each entry of the output, and no --grad-output",
                         hint="--output chooses an entry; run --grad-output gives a vector times it")


def form_of(spec: str, form: str | None, to: str | None, report: ReportChoice) -> str:
    """The format that is asked for: by name, or by the suffix of a file that is not the spec."""
    refuse_overwriting(report.out, (spec,))
    suffix = None if to else suffixed(report.out, FORMATS)
    return form or suffix or "text"


def begin(spec: str, job: Job, report: ReportChoice, limits: Limits) -> int:
    """Work on a spec and write what comes out."""
    unseeded(job.choice, job.kind.capitalize())
    return over((spec,), job, sink_for(report.out), Series(), limits, manner_now(), job.warm)


# ── one thing ────────────────────────────────────────────────────────────────────────────────────


def value_at(results: list[Differentiated], path: str, view: View) -> Iterable[str]:
    """What a path names, on one line, in pieces.

    Raises:
        UsageError: E023.
    """
    match = _PATH.fullmatch(path.strip())
    if match is None:
        raise UsageError("E023", f"cannot read the path {path!r}", hint=EXAMPLES)
    one = _named(results, match["name"])
    if match["part"] == "shape":
        return (json.dumps(list(one.shape)),)
    if match["part"] == "formula":
        return (_formula(one, (match["notation"] or ".text")[1:], view),)
    return _value(one, match["index"], path, view)


def _named(results: list[Differentiated], name: str | None) -> Differentiated:
    if name is None:
        return results[0]
    for one in results:
        if name in {one.output, one.wrt}:
            return one
    known = ", ".join(one.wrt for one in results)
    raise UsageError("E023", f"no derivative is called {name!r}", hint=f"there are those by {known}")


def _formula(one: Differentiated, notation: str, view: View) -> str:
    from backprop_cli.formulas.printed import Omitted

    if isinstance(one.formula, Omitted):
        raise UsageError("E023", f"{one.symbol} has no formula: {one.formula.why}")
    if notation not in NOTATIONS:
        raise UsageError("E023", f"no notation is called {notation!r}", hint=f"there are {', '.join(NOTATIONS)}")
    return view.plain(one.formula[notation])


def _value(one: Differentiated, index: str | None, path: str, view: View) -> Iterable[str]:
    from backprop_cli.cli.get import parse
    from backprop_cli.report.json_ import numbers

    if one.value is None:
        raise UsageError("E023", f"{one.symbol} has no numbers", hint="give every leaf a value")
    at = parse(f"value[{index}]").index if index is not None else ()
    try:
        picked = one.value[at] if at else one.value
    except IndexError:
        raise UsageError("E023", f"{path!r}: the index does not fit the shape {one.shape}") from None
    if picked.shape:
        return numbers(picked, view)
    return (repr(float(picked)) if view.precision is None else f"{float(picked):.{view.precision}g}",)
