"""Sums over steps in answers are written out as far as steps go that anybody numbers."""

from __future__ import annotations

import pytest

from backprop_cli.tasks.grading import steps
from backprop_cli.tasks.grading.steps import MAX_STEPS, MAX_SUMS, written_out

NODES = ("h_1", "h_2", "h_3")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps at which a name was looked for."""
    found: list[int] = []
    known = steps._is_known

    def noted(name: str, step: int, nodes: object, gradient: object) -> bool:
        found.append(step)
        return known(name, step, nodes, gradient)  # type: ignore[arg-type]

    monkeypatch.setattr(steps, "_is_known", noted)
    return found


def test_a_sum_to_a_thousand_million_is_that_over_the_steps_there_are(asked: list[int]) -> None:
    """No step is looked for that nobody would number."""
    assert written_out("Σ_{t=1}^{1000000000} h_t", NODES, lambda _: False) == "((h_1) + (h_2) + (h_3))"
    assert len(asked) <= MAX_STEPS + 1


def test_sums_in_a_row_are_tried_a_few_times(asked: list[int]) -> None:
    """Σ_i five hundred times was as many times a hundred steps."""
    text = "Σ_i " * 490 + "b_i"
    assert written_out(text, NODES, lambda _: False) == text
    assert len(asked) <= MAX_SUMS * (MAX_STEPS + 1)
