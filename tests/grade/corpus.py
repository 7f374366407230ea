"""The corpus of students' answers in `tests/data/grading`: what is marked against it, case by case.

`cases.yaml` holds answers to seven networks with what is wrong with each; `sloppy.yaml` the forms in which students
write; `keys.md` says what the keys of mistakes mean.  `measure` marks a choice of cases and returns what did not come
out, in the words of the bars at the end of `keys.md`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from backprop_cli.errors import BackpropError
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.evaluation import evaluated
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key, key_of
from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.results import Graded, Marked
from backprop_cli.tasks.grading.sheets import sheet_of
from tests import quick_yaml

DATA = Path(__file__).resolve().parent.parent / "data" / "grading"
NUMERIC = {
    "decimal_point", "slip_in_entry", "sign_of_entry", "row_copied", "rows_swapped", "shape", "digits",
    "rounded_early", "constant_factor", "another_node",
}  # fmt: skip
FACTORS = {"sign", "factor_2", "factor_n", "target_swapped"}


@lru_cache(maxsize=1)
def cases() -> tuple[dict[str, Any], ...]:
    """Every case of the corpus."""
    return tuple(quick_yaml.cases("grading/cases.yaml"))


@lru_cache(maxsize=1)
def forms() -> dict[str, Any]:
    """The forms in which students write."""
    found: dict[str, Any] = quick_yaml.cases("grading/sloppy.yaml")
    return found


@lru_cache(maxsize=1)
def more_forms() -> list[dict[str, Any]]:
    """Further forms: read, or refused with a reason."""
    found: list[dict[str, Any]] = quick_yaml.cases("grading/forms.yaml")["forms"]
    return found


@lru_cache
def key_named(text: str) -> Key:
    """A key, worked out once: a file of the corpus, or a spec in text."""
    if "\n" in text:
        return key_of(read_spec(text.encode(), "net.yaml", folder=None))
    return key_of(load_spec(str(DATA / text)))


def marked(key: str, answers: dict[str, Any]) -> Graded:
    """A sheet of answers, marked."""
    found = key_named(key)
    return grade(found, sheet_of(json.dumps({"answers": answers}).encode(), "a.json", found.names), Scheme())


@dataclass
class Measured:
    """What came out: counts, and the cases that did not."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def note(self, what: str, good: bool, case: object) -> None:
        """Count a check, and keep the case where it failed."""
        self.counts[what] += 1
        if not good:
            self.counts[f"{what}: failed"] += 1
            self.failures.append(f"{what}: {case}")

    def failed(self, what: str) -> float:
        """The share of failures of a kind."""
        return self.counts[f"{what}: failed"] / max(1, self.counts[what])


def group_of(case: dict[str, Any]) -> str:
    """The group of a mistake: of method, of sign and factor, of numbers."""
    keys = set(case["mistake"])
    return "factor" if keys & FACTORS else "numeric" if keys & NUMERIC and not _structural(case) else "structural"


def _structural(case: dict[str, Any]) -> bool:
    return bool(set(case["mistake"]) - NUMERIC - FACTORS) or isinstance(case.get("answer"), str)


def measure(chosen: Iterable[dict[str, Any]]) -> Measured:
    """Mark cases."""
    found = Measured()
    for case in chosen:
        answers = case.get("answers") or {case["item"]: case["answer"]}
        graded = marked(case["key"], answers)
        items = {one.item: one for one in graded.items}
        if case.get("status") == "right":
            found.note("right", items[case["item"]].status == "right", (case, items[case["item"]].reason))
        elif "mistake" in case:
            _wrong(found, case, items)
        for name in case.get("no_points_for", ()):
            found.note("no points", items[name].points == 0, (case, name))
    return found


def _wrong(found: Measured, case: dict[str, Any], items: dict[str, Marked]) -> None:
    name = case.get("item") or case["first"]
    one = items[name]
    short = {k: v for k, v in case.items() if k in ("key", "kind", "item", "first", "mistake", "answer")}
    short |= {} if "item" in case else {"answer": case["answers"][name]}
    said = f"{short} -> {one.status} {one.mistake} {one.reason!r}"
    found.note("wrong", one.status != "right" and not one.carried_forward, said)
    found.note(f"named, {group_of(case)}", one.mistake in case["mistake"], said)
    found.note("misnamed", one.mistake is None or one.mistake in case["mistake"], said)
    if "answers" in case:
        found.note("first", one.first, said)
        for other in case.get("carried_forward", ()):
            found.note("carried", items[other].carried_forward, f"{other} in {short}: {items[other].reason}")
        for other in case.get("own_mistake", ()):
            mark = items[other]
            found.note("own mistake", mark.status == "wrong" and not mark.carried_forward, f"{other} in {said}")
        for other in case.get("right", ()):
            found.note("right", items[other].status == "right", f"{other} in {said}")


def every(step: int, start: int = 0) -> Iterator[dict[str, Any]]:
    """Each `step`-th case: a sample whose cost is known."""
    yield from cases()[start::step]


# ── forms ────────────────────────────────────────────────────────────────────────────────────────


def written(form: dict[str, Any]) -> Graded | str:
    """A form, marked; a text where the whole sheet is refused."""
    key = key_named(forms()["keys"].get(form["key"], f"{form['key']}.key.yaml"))
    data = form["content"].encode("latin-1" if form.get("latin1") else "utf-8")
    try:
        sheet = sheet_of(data, f"a.{form.get('ext', 'yaml')}", key.names)
    except BackpropError as caught:
        return f"{caught.message} {caught.hint}"
    return grade(key, sheet, Scheme())


def not_understood(form: dict[str, Any]) -> list[str]:
    """What did not come out of a form as it must."""
    graded = written(form)
    if "refused" in form:
        said = [one for one in getattr(graded, "items", ()) if one.status != "missing"]
        return [] if said and all(one.status != "right" and one.reason for one in said) else [f"not refused: {said}"]
    if isinstance(graded, str):
        return [] if "error" in form and re.search(form["error"], graded) else [f"refused: {graded}"]
    marks = {(one.node, one.what): one for one in graded.items if one.status != "missing"}
    found = []
    for name in (*form.get("right", ()), *form.get("warned", ())):
        one = marks.get(tuple(name.split()))
        if one is None or one.status != "right":
            found.append(f"{name}: {one and (one.status, one.reason)} {[(m.item, m.reason) for m in graded.items]}")
        elif name in form.get("warned", ()) and not one.reason:
            found.append(f"{name}: right without a remark")
    if "error" in form and not any(re.search(form["error"], one.reason) for one in graded.items):
        found.append(f"no reason says {form['error']}")
    return found


def printed(form: dict[str, Any]) -> tuple[Key, dict[str, str]]:
    """What the program prints for a key, node by node, in some terms and a notation."""
    spec = load_spec(str(DATA / forms()["keys"][form["key"]]))
    found = {}
    for node in run(spec, Settings(terms=(form["terms"],), notations=(form["notation"],))).nodes:
        formula = None if node.gradient is None else node.gradient.formula.get(form["terms"])
        if isinstance(formula, Printed):
            found[node.name] = formula[form["notation"]]
    return key_named(forms()["keys"][form["key"]]), found


# ── further networks ─────────────────────────────────────────────────────────────────────────────


def more() -> Iterator[tuple[str, str, str, list[str]]]:
    """Mistakes in further networks: the spec, the node, the formula, the keys that may name it."""
    found = quick_yaml.cases("grading/more.yaml")
    for network, node, formula, mistake in found["mistakes"]:
        yield found["networks"][network], node, formula, mistake


def more_right() -> Iterator[tuple[str, str, str]]:
    """Right answers in further networks, in many spellings: the spec, the node, the formula."""
    found = quick_yaml.cases("grading/more.yaml")
    for network, node, formula in found["right"]:
        yield found["networks"][network], node, formula


def named_in(spec: str, node: str, formula: str) -> tuple[str | None, str | None]:
    """The mistake that is named for a formula, and for its numbers written with six digits."""
    key, item = key_named(spec), Item(node, ".formula")
    sheet = sheet_of(json.dumps({"answers": {item.name: formula}}).encode(), "a.json", key.names)
    answer = sheet.answers[item]
    assert isinstance(answer, Formula)
    numbers = [float(f"{entry:.6g}") for entry in evaluated(key, item, answer, "all")[0].ravel()]
    written = json.dumps({"answers": {f"{node}.grad": _nested(numbers, evaluated(key, item, answer, "all")[0].shape)}})
    both = (sheet, sheet_of(written.encode(), "a.json", key.names))
    one, other = (grade(key, each, Scheme()).items[0].mistake for each in both)
    return one, other


def _nested(flat: list[float], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    step = len(flat) // shape[0]
    return [_nested(flat[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]
