"""Suggestions for a word that is not known: other case first, then another usual name, then similar spelling."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from itertools import islice

COMPARED = 1000
"""Names that a word is compared with by spelling; a spec of so many has no single one that was meant."""


def suggest(word: str, candidates: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str | None:
    """The candidate that `word` most likely means, or None.

    `synonyms` maps other names in lower case (`mean_squared_error`) to the one used here (`mse_loss`).
    """
    known = {candidate.casefold(): candidate for candidate in candidates}
    folded = unicodedata.normalize("NFKC", word).casefold()  # log₂
    if folded in known:
        return known[folded]
    if synonyms and folded in synonyms:
        return synonyms[folded]
    from difflib import get_close_matches

    similar = get_close_matches(folded[:64], islice(known, COMPARED), n=1, cutoff=0.6)  # cut: difflib is quadratic
    return known[similar[0]] if similar else None


def did_you_mean(word: str, candidates: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str | None:
    """The same as a hint."""
    found = suggest(word, candidates, synonyms)
    return f"did you mean {found!r}?" if found else None
