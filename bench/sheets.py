"""A course's sheets of answers to the two-layer network, and what marking one costs.

`python bench/sheets.py FOLDER [COUNT]` writes them, with the marking scheme in `FOLDER/exercise.yaml`, for a run on a
cluster: `backprop grade FOLDER/exercise.yaml FOLDER/sheets --cluster local --format totals`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from backprop_cli.cli.grade import Job, Keys
from backprop_cli.cli.options import SpecChoice
from backprop_cli.report.view import View

SPEC = Path(__file__).resolve().parent.parent / "specs" / "two_layer.yaml"
SCHEME = f"spec: {SPEC}\npoints: {{y_2.grad: 1, z_2.grad: 1, w2.grad: 2, y_1.grad: 1, z_1.grad: 1, w1.grad: 2}}\n"

x, y = np.array([[1.0]]), np.array([[1.0], [0.0]])
w1, w2 = np.array([[1.0], [2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
y_1 = 1 / (1 + np.exp(-w1 @ x))
y_2 = 1 / (1 + np.exp(-w2 @ y_1))


def answers(kind: int, draw: np.random.Generator) -> dict[str, object]:
    """A sheet of one of five kinds: right, a mistake that is carried on, formulas, a slip of the pen, guesses."""
    if kind == 2:
        return {"y_2.formula": "y_2 - y", "z_2.formula": "grad(y_2) * y_2", "w2.formula": "np.dot(dz_2, y_1.T)",
                "y_1.formula": "w2 @ grad(z_2)", "z_1.formula": "grad(y_1) * y_1 * (1 - y_1)"}  # fmt: skip
    d_y2 = (y - y_2) if kind == 1 else (y_2 - y)
    d_z2 = d_y2 * y_2 * (1 - y_2)
    d_y1 = w2.T @ d_z2
    d_z1 = d_y1 * y_1 * (1 - y_1)
    found = {"y_2": d_y2, "z_2": d_z2, "w2": d_z2 @ y_1.T, "y_1": d_y1, "z_1": d_z1, "w1": d_z1 @ x.T}
    if kind == 3:
        found["w2"][0, 1] *= 1.37
    if kind == 4:
        for name in ("w2", "y_1"):
            found[name] = found[name] * draw.uniform(0.2, 3.0, found[name].shape)
    return {f"{name}.grad": [[float(f"{v:.5g}") for v in row] for row in value] for name, value in found.items()}


def sheets(count: int) -> Iterator[tuple[str, str]]:
    """The name and the text of each sheet; the same ones every time."""
    draw = np.random.default_rng(0)
    for number in range(count):
        lines = [f"  {item}: {answer}" for item, answer in answers(number % 5, draw).items()]
        yield f"{number:06}.yaml", "\n".join([f"student: Student {number}", "answers:", *lines]) + "\n"


def written(folder: Path, count: int) -> Path:
    """The scheme's path, with the sheets written beside it."""
    (folder / "sheets").mkdir(parents=True, exist_ok=True)
    for name, text in sheets(count):
        (folder / "sheets" / name).write_text(text, encoding="utf-8")
    scheme = folder / "exercise.yaml"
    scheme.write_text(SCHEME, encoding="utf-8")
    return scheme


def seconds_each(count: int = 2000, before: int = 50) -> float:
    """Processor time to mark a sheet from its file, naming on, once the key's mistakes have been worked out."""
    with tempfile.TemporaryDirectory() as folder:
        scheme = written(Path(folder), before + count)
        job = Job(Keys(str(scheme), SpecChoice(), (), {}, 1 << 30), "totals", View())
        paths = sorted(str(path) for path in (Path(folder) / "sheets").iterdir())
        for path in paths[:before]:
            job(path)
        start = time.process_time()
        for path in paths[before:]:
            job(path)
        return (time.process_time() - start) / count


if __name__ == "__main__":
    written(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
