"""A text to the events of PyYAML's parsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

import yaml

from backprop_cli.language.source import Source
from backprop_cli.language.syntax import Trouble, error, syntax_error

_fast_parser: Any = None
with suppress(ImportError):  # PyYAML without libyaml: slower, otherwise the same
    from yaml._yaml import CParser

    _fast_parser = CParser


@cache
def _pure_parser() -> Callable[[str], Any]:
    """PyYAML's own parser without its composer; where libyaml is there, few texts need it."""
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PureParser(Reader, Scanner, Parser):
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)

    return PureParser


def events(text: str, source: Source, pure: bool) -> Iterator[object]:
    """The parser's events.

    libyaml from 0.2.6 on reads ahead and refuses what is nested too deeply by a limit of its own, before the events
    that our own guard counts have come.  PyYAML's own parser then goes on from there, so that the same file gets the
    same error at the same place with every version.

    Raises:
        SpecError: E003 where the text is not YAML.
    """
    if pure or _fast_parser is None:
        yield from _parsed(_pure_parser()(text), text, source)
        return
    given = 0
    try:
        for event in _parsed(_fast_parser(text), text, source):
            yield event
            given += 1
    except _TooDeepForLibyaml:
        yield from islice(_parsed(_pure_parser()(text), text, source), given, None)


class _TooDeepForLibyaml(Exception):
    """libyaml's own limit was met, which is none of ours."""


def _parsed(parser: Any, text: str, source: Source) -> Iterator[object]:
    """The events of one parser."""
    try:
        while parser.check_event():
            yield parser.get_event()
    except yaml.MarkedYAMLError as caught:
        if "nesting depth" in (caught.problem or ""):
            raise _TooDeepForLibyaml from None
        raise syntax_error(_trouble(caught, len(text)), source) from None
    except (ValueError, OverflowError):  # the pure parser on "\UFFFFFFFF"
        raise error(source, parser.index, "an escape stands for no character", "use single quotes") from None
    finally:
        parser.dispose()


def _trouble(caught: yaml.MarkedYAMLError, end: int) -> Trouble:
    at = caught.problem_mark.index if caught.problem_mark else end
    since = caught.context_mark.index if caught.context_mark else None
    return Trouble(caught.problem or "", caught.context or "", at, since)
