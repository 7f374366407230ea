"""Sums as code: their terms, what stands in brackets in a term, and terms put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def split_sum(code: str) -> list[str]:
    """The terms of a sum with their signs: `a + b - c` as '+ a', '+ b', '- c'."""
    terms, depth, start, sign = [], 0, 0, "+ "
    for at, character in enumerate(code):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and code[at : at + 3] in {" + ", " - "}:
            terms.append(sign + code[start:at])
            sign, start = code[at + 1 : at + 3], at + 3
    return [*terms, sign + code[start:]]


def brackets_of(term: str) -> Iterator[tuple[int, int]]:
    """Where the brackets of a term stand that hold an expression, not the arguments of a call or an index."""
    depth = start = 0
    plain = True  # neither a comparison nor a tuple
    for at, character in enumerate(term):
        if character in "([":
            start, plain = (at, True) if depth == 0 else (start, plain)
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth == 0 and plain and term[start] == "(" and (start == 0 or term[start - 1] in " -"):
                yield start, at + 1
        elif depth == 1 and character in "<>=,":
            plain = False


def joined(terms: Sequence[str]) -> str:
    """The sum of terms with their signs."""
    return " ".join(terms).removeprefix("+ ")
