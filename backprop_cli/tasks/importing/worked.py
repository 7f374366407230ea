"""The numbers of an exercise, while the program is still being read: what its loop does is told by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_cli.tasks.importing.exercise.exercises import Exercise
from backprop_cli.tasks.importing.state.record import Record
from backprop_cli.tasks.importing.written import sorted_sheet, yaml_of


def worked_out(record: Record, exercise: Exercise) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of all items, and the gradients of the params, by the names that the record has for them.

    Raises:
        BackpropError: the exercise makes no spec that can be run.
    """
    from backprop_cli.language.reader import read_spec
    from backprop_cli.tasks.calculate import Settings, run

    spelled = sorted_sheet(record, exercise).spelled
    text = yaml_of(record, exercise, None, [])
    nodes = run(read_spec(text.encode(), "<python>", folder=None), Settings(terms=())).by_name
    values = {name: np.asarray(nodes[word].value) for name, word in spelled.items() if word in nodes}
    found = {name: nodes[spelled[name]].gradient for name in exercise.params if name in spelled}
    return values, {name: one.value for name, one in found.items() if one is not None}
