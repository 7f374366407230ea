"""Python's rules as a reading follows them, tied together."""

from __future__ import annotations

from typing import Final

from backprop_cli.tasks.importing.calls import called
from backprop_cli.tasks.importing.evaluate import attribute, evaluate
from backprop_cli.tasks.importing.machine import Rules
from backprop_cli.tasks.importing.operators import operate
from backprop_cli.tasks.importing.statements import execute
from backprop_cli.tasks.importing.targets import bind

RULES: Final = Rules(evaluate, execute, bind, called, attribute, operate)
