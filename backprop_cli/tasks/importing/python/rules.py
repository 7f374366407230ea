"""Python's rules as a reading follows them, tied together."""

from __future__ import annotations

from typing import Final

from backprop_cli.tasks.importing.python.calls import called
from backprop_cli.tasks.importing.python.evaluate import attribute, evaluate
from backprop_cli.tasks.importing.python.operators import operate
from backprop_cli.tasks.importing.python.statements import execute
from backprop_cli.tasks.importing.python.targets import bind
from backprop_cli.tasks.importing.state.machine import Rules

RULES: Final = Rules(evaluate, execute, bind, called, attribute, operate)
