"""How a result is shown: what every renderer gets beside the result, and the colours of the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from backprop_cli.formulas import marks
from backprop_cli.formulas.printed import READ, TERMS, Printed
from backprop_cli.records import dataclass
from backprop_cli.report.plain import safe, to_ascii

if TYPE_CHECKING:
    from backprop_cli.tasks.result import Warned

DIGITS = 6

STYLES = {
    "heading": "1",
    "name": "1",
    "gradient": "36",
    "value": "32",
    "faint": "2",
    "warning": "33",
    "error": "1;31",
    "good": "32",
    "bad": "31",
}


def paint(text: str, style: str) -> str:
    """The text in a colour of the table."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if text else text


@dataclass(frozen=True, slots=True)
class View:
    """What the user asked for; `terms` in the order they are shown, `precision` None for the format's own."""

    terms: tuple[str, ...] = READ
    precision: int | None = None
    color: bool = False
    ascii: bool = False
    standalone: bool = False  # a whole LaTeX document
    width: int | None = None  # what text is broken to; None: nowhere
    full: bool = True  # every step of a derivation, not the key ones alone

    @property
    def digits(self) -> int:
        """Significant digits of a number that is read by people."""
        return self.precision or DIGITS

    def plain(self, text: str) -> str:
        """The program's own text, in ASCII where only that can be shown."""
        return to_ascii(text) if self.ascii else text

    def formula(self, written: Printed, notation: str = "text") -> str:
        """A formula on one line; in ASCII its marks tell a product of matrices from one by a scalar."""
        return marks.plain(self.plain(written.marked(notation)))

    def safe(self, text: str) -> str:
        """The user's text, made harmless."""
        return self.plain(safe(text))

    def paint(self, text: str, style: str) -> str:
        """The text in a colour, where colours are shown."""
        return paint(text, style) if self.color else text

    def heading(self, title: str | None, spec: str, about: Iterable[str] = (), settings: str = "") -> list[str]:
        """What a report starts with: its title, what it is about, where it comes from with its settings."""
        first = [self.paint(self.safe(title), "heading")] if title else []
        return [*first, *map(self.safe, about), self.paint(self.safe(spec) + settings, "faint")]

    def warned(self, warnings: Iterable[Warned]) -> list[str]:
        """Warnings, a line each, after the nodes that they are about."""
        label = self.paint("warning", "warning")
        return [": ".join((label, *map(self.safe, filter(None, (one.node, one.message))))) for one in warnings]


READING = View()
EVERYTHING = View(terms=TERMS)
