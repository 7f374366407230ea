"""The text of a spec, line by line, with what each piece of it defines: pages show it beside the graph."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.language.model import Spec
from backprop_cli.language.source import GENERATED
from backprop_cli.tasks.result import Piece

MOST_LINES = 400
LONGEST = 240
"""Characters of a line: what is longer is an array that nobody reads here."""


def listing(spec: Spec) -> tuple[tuple[Piece, ...], ...]:
    """The lines of a spec as pieces; a file that is long is cut, and says so."""
    source = spec.source
    spans = _spans(spec)
    found = [_line(text, start, spans) for text, start in zip(source.lines[:MOST_LINES], source.starts, strict=False)]
    more = len(source.lines) - MOST_LINES
    return (*found, *([(Piece(f"… {more} more lines"),)] if more > 0 else []))


def _spans(spec: Spec) -> list[tuple[int, int, str]]:
    """Where each name is defined, from the first character to the one after the last; none lies in another.

    What `layers` wrote has no text of its own.
    """
    pieces = [(leaf.at, leaf.at, leaf.name) for leaf in spec.leaves]
    pieces += [(node.at, node.text, node.name) for node in spec.nodes]
    own = sorted((first.start, last.end, name, first is last) for first, last, name in pieces
                 if first.source is last.source is spec.source and first.style != GENERATED)  # fmt: skip
    found: list[tuple[int, int, str]] = []
    for at, (start, end, name, is_leaf) in enumerate(own):
        following = own[at + 1][0] if at + 1 < len(own) else len(spec.source.text)
        last = min(following, _end_of_line(spec, start)) if is_leaf else end  # a value, as far as it stands on the line
        if start < last and (not found or start >= found[-1][1]):
            found.append((start, last, name))
    return found


def _end_of_line(spec: Spec, offset: int) -> int:
    line, _ = spec.source.position(offset)
    return spec.source.starts[line - 1] + len(spec.source.lines[line - 1])


def _line(text: str, start: int, spans: list[tuple[int, int, str]]) -> tuple[Piece, ...]:
    return tuple(_pieces(text[:LONGEST], start, spans)) + ((Piece("…"),) if len(text) > LONGEST else ())


def _pieces(text: str, start: int, spans: list[tuple[int, int, str]]) -> Iterator[Piece]:
    at = 0
    for first, last, name in spans:
        low, high = max(first - start, at), min(last - start, len(text))
        if low < high:
            if at < low:
                yield Piece(text[at:low])
            yield Piece(text[low:high], name)
            at = high
    if at < len(text):
        yield Piece(text[at:])
