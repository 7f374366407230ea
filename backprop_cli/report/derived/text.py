"""A worked solution for a terminal: a heading a node, a line a step."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.formulas.marks import EQUAL, of_source
from backprop_cli.formulas.worked import Maths, Worked
from backprop_cli.records import dataclass
from backprop_cli.report.derived.lines import TOTAL, Line, Said, Value, lines_of
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.fitting import Array, Row, fitted
from backprop_cli.report.view import View

LABEL_WIDTH, NARROW = 18, 72
LABELLED = {"because", "shapes", "since"}


def render(solution: Solution, view: View) -> str:
    """The whole; each reason and each sign is explained where it first stands."""
    blocks: list[list[Row | str]] = [[view.paint(view.safe(solution.heading), "heading")]]
    blocks += [[line] for line in solution.opening(view.full, view.plain, lambda one: view.plain(one.text))]
    said: set[str] = set()
    for heading, worked in solution.sections():
        blocks += [[view.paint(view.safe(heading), "heading")]] if heading else []
        blocks += [[*_Node(view).rows(one, said)] for one in worked]
    blocks += [[TOTAL]] if len(solution.passes) > 1 else []
    return "\n\n".join("\n".join(fitted(block, view.width)) for block in blocks) + "\n"


@dataclass()
class _Node:
    """The rows of one node, a label before each; on a narrow page the label has a line of its own."""

    view: View
    left: str = ""  # of the equation before

    @property
    def narrow(self) -> bool:
        """Whether labels and equations have no room beside each other."""
        return self.view.width is not None and self.view.width < NARROW

    def rows(self, worked: Worked, said: set[str]) -> Iterator[Row | str]:
        """What there is to read of a node."""
        view = self.view
        shape = f"  {worked.shape}" if worked.shape and view.full else ""
        yield view.paint(view.plain(worked.left.text), "gradient") + view.paint(shape, "faint")
        for one in lines_of(worked, said, view.full):
            match one:
                case Line():
                    yield from self.equation(one)
                case Said():
                    yield from self.sentence(one)
                case Value():
                    yield from self.labelled("value", view.plain(one.left.text), Array(one.value, view.digits))

    def labelled(self, label: str, left: str, body: str | Array, sign: str = "=") -> Iterator[Row | str]:
        """A row, or one under its label."""
        if self.narrow:
            if label:
                yield f"  {label}"
            yield Row(f"    {left}" if left or not sign else "   ", body, sign)
        else:
            yield Row(f"  {label:<{LABEL_WIDTH - 1}} {left}", body, sign)

    def equation(self, one: Line) -> Iterator[Row | str]:
        """Both sides, or what numbers give, and why they are the same."""
        right = self.maths(one.right)
        if one.result is not None:
            place = f"{one.place}: " if one.place else ""
            yield from self.labelled(one.label, place, f"{right}{EQUAL} = {self.maths(one.result)}", "")
            return
        if one.left is None:
            self.left = "" if self.narrow else " " * len(self.left)
            yield from self.labelled(one.label, self.left, right, self.view.plain(one.sign))
        elif one.label == "algebra":  # the left side is as long as the right one
            yield from self.labelled(one.label, "", f"{self.maths(one.left)}{EQUAL} = {right}", "")
        else:
            self.left = ("path " if one.path else "") + self.view.plain(one.left.text)
            yield from self.labelled(one.label, self.left, right, self.view.plain(one.sign))
        for law in one.laws:
            yield from self.labelled("by", "", of_source(self.view.plain(law)), "")

    def maths(self, one: Maths) -> str:
        """A formula with its marks."""
        return self.view.plain(one.marked("text"))

    def sentence(self, one: Said) -> Iterator[Row | str]:
        """A sentence under its label, or in brackets where it says what a sign means."""
        text = self.view.plain(one.text)
        if one.label in LABELLED:
            yield from self.labelled(one.label, "", text, "")
        else:
            yield f"  ({text})" if one.label == "sign" else f"  {text}"
