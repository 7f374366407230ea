"""`make bench`: what the program costs, as ratios measured in one run.

Peers are timed where they are installed; nothing depends on them. A ratio says the same on a slow machine and on a
fast one, within the noise that a busy machine adds; a row over its goal is marked, and does not fail the run.
`python bench/bench.py WORD...` prints the rows whose names hold one of the words.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nets
import numpy as np
import sheets
from pairs import Job, Pair, compare, megabytes, process, seconds
from yaml._yaml import CParser

from backprop_cli.engine.graph import Graph, build, memory_estimate
from backprop_cli.formulas.formulate import formulate
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.jacobian.jacobian import seeded
from backprop_cli.tasks.jacobian.numbers import Rows
from backprop_cli.tasks.leaves import load_leaves

ROOT = Path(__file__).resolve().parent.parent
BACKPROP = [sys.executable, "-c", "import sys; from backprop_cli.cli import main; sys.exit(main())"]
TERMS = ("local", "nodes", "leaves")


@dataclass(frozen=True)
class Row:
    """One line of the table: what is measured, the ratio it should stay under, and how it is measured."""

    name: str
    goal: float
    measure: Callable[[], Pair]
    needs_torch: bool = False


def torch_module() -> Any:
    """PyTorch on one thread, or None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return torch


def python(*arguments: str) -> Job:
    """A Python process."""
    return process([sys.executable, *arguments])


def command(*arguments: str) -> Job:
    """A `backprop` process."""
    return process([*BACKPROP, *arguments])


# ── what is measured ─────────────────────────────────────────────────────────────────────────────


def whole_run() -> Pair:
    """The main job, from the shell and back, against a PyTorch script that prints the same numbers."""
    script = str(ROOT / "bench" / "two_layer_torch.py")
    return compare(command("run", str(ROOT / "specs" / "two_layer.yaml")), python(script), 7)


def start_up(*arguments: str) -> Pair:
    """A command that computes nothing, against what importing PyTorch alone costs."""
    return compare(command(*arguments), python("-c", "import torch"), 7)


def against_torch(ours: Callable[[], Graph], theirs: Callable[[Any], Job], repeats: int = 11) -> Callable[[], Pair]:
    """Forward and reverse pass of a network, against PyTorch's."""
    return lambda: compare(nets.engine(ours()), theirs(torch_module()), repeats)


def formulas(graph: Graph, terms: tuple[str, ...] = TERMS) -> Job:
    """Every formula of a graph, derived and printed in all notations."""
    return lambda: formulate(graph, None, None, terms)


def per_node(long: Graph, short: Graph, terms: tuple[str, ...] = TERMS, repeats: int = 5) -> Pair:
    """The time of a node's formulas in a long network against those in a short one."""
    pair = compare(formulas(long, terms), formulas(short, terms), repeats)
    many, few = len(long.nodes), len(short.nodes)
    return Pair(pair.ours / many, pair.theirs / few, pair.ratio * few / many)


def compact(graph: Graph) -> Pair:
    """The compact formulas against the two kinds that they are made from, with the names of parts in them."""
    return compare(formulas(graph, ("compact",)), formulas(graph, ("local", "nodes")), 5)


def by_size() -> Pair:
    """The time of the formulas for large tensors against small ones: they only see shapes."""
    return compare(formulas(nets.deep(200, 2048)), formulas(nets.deep(200, 4)), 21)


def peak(graph: Graph) -> float:
    """Peak bytes of a run over its values and gradients; what is loaded before it does not count again."""
    leaves = load_leaves(graph)
    tracemalloc.start()
    computed = compute(graph, leaves)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    copied = [n.name for n in graph.nodes if n.index in leaves and computed.values[n.index] is not leaves[n.index]]
    if copied:
        raise AssertionError(f"leaves were copied: {', '.join(copied)}")
    return used / memory_estimate(graph)


def memory() -> Pair:
    """Peak memory as a multiple of the values and gradients kept, for a network and for one twice as deep."""
    short, long = peak(nets.layers(100, 64)), peak(nets.layers(200, 64))
    return Pair(long, short, long / short)


def function(name: str) -> Callable[[], Pair]:
    """A function forth and back, against PyTorch's."""
    one = nets.FUNCTIONS[name]
    return lambda: compare(one.ours(), one.torch(torch_module()), 15)


def a_node(command_: str, short: int = 50, long: int = 500) -> Pair:
    """What a node of a long chain of sines costs against one of a short chain, beyond the start."""
    with tempfile.TemporaryDirectory() as folder:
        files = {length: Path(folder, f"{length}.yaml") for length in (1, short, long)}
        for length, file in files.items():
            file.write_text(nets.sines(length), encoding="utf-8")
        jobs = {length: command(command_, str(file), "--format", "json") for length, file in files.items()}
        found = [[seconds(job) for job in jobs.values()] for _ in range(7)]
    start, few, many = (min(column) for column in zip(*found, strict=True))  # differences of medians are mostly noise
    ours, theirs = (many - start) / (long - 1), (few - start) / (short - 1)
    return Pair(ours, theirs, ours / theirs)


def against_run(command_: str) -> Pair:
    """Another command on the chain of 500 sines, against `run`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "chain.yaml")
        file.write_text(nets.sines(500), encoding="utf-8")
        return compare(command(command_, str(file)), command("run", str(file)), 5)


def numbers_alone() -> Pair:
    """The main job without formulas, against the PyTorch script."""
    script = str(ROOT / "bench" / "two_layer_torch.py")
    return compare(command("run", str(ROOT / "specs" / "two_layer.yaml"), "--terms", "none"), python(script), 7)


def sheet() -> Pair:
    """What marking a sheet costs: the one row that is no ratio, with room for a slow machine."""
    spent = sheets.seconds_each()
    return Pair(spent, 1e-3, spent / 1e-3)


def number_list() -> Pair:
    """A spec of 100,000 numbers, read with its places, against the events of libyaml alone."""
    text = nets.literals()
    content = text.encode()

    def scan() -> None:
        parser = CParser(text)
        while parser.check_event():
            parser.get_event()

    return compare(lambda: read_spec(content, "numbers.yaml", folder=None), scan)


def array_file() -> Pair:
    """Peak bytes of a leaf from an .npy file, as a multiple of the array's."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "w.npy"), np.ones((2000, 1000)))
        graph = build(read_spec(b"params: {w: {file: w.npy}}\nnodes: {y: sum(w)}\n", "file.yaml", folder=Path(folder)))
        tracemalloc.start()
        leaf = load_leaves(graph)[0]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return Pair(peak, leaf.nbytes, peak / leaf.nbytes)


def json_memory() -> Pair:
    """Peak memory of a run that writes 81 MB of JSON: a row that is no ratio."""
    text = "params: {W: {shape: [1000, 985], init: normal}}\nnodes: {y: tanh(W), loss: sum(y**2)}\nwrt: [W]\n"
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "large.yaml"), Path(folder, "out.json")
        file.write_text(text, encoding="utf-8")
        used = megabytes([*BACKPROP, "run", str(file), "--format", "json"], str(out))
        return Pair(used, out.stat().st_size / 1e6, used)


def jacobian_rows(count: int = 64) -> Pair:
    """A Jacobian of so many rows against as many reverse passes."""
    draw = np.random.default_rng(0)
    nodes = {"h": "tanh(x @ W_1)", "y": "softmax(h @ W_2)"}
    given = {"W_1": draw.normal(size=(count, count)), "W_2": draw.normal(size=(count, count))}
    graph = build(seeded(nets.spec({"x": draw.normal(size=count)}, given, nodes)))
    rows = Rows.of(graph, load_leaves(graph))
    index, seed = graph.names["W_1"], np.ones(count)

    def one_by_one() -> Any:
        return np.stack([rows.back(seed, index) for _ in range(count)])

    return compare(lambda: rows.jacobian(index, 1 << 32), one_by_one)


ROWS = (
    Row("run specs/two_layer.yaml, whole process / PyTorch script", 0.24, whole_run, needs_torch=True),
    Row("the same, numbers alone (--terms none) / PyTorch script", 0.09, numbers_alone, needs_torch=True),
    Row("backprop --help / import torch", 0.06, lambda: start_up("--help"), needs_torch=True),
    Row("backprop completion bash / import torch", 0.06, lambda: start_up("completion", "bash"), needs_torch=True),
    Row("MLP 784-512-256-10, batch 256 / PyTorch", 0.95, against_torch(nets.mlp, nets.torch_mlp), True),
    Row("MLP 784-512-256-10, batch 256 / its products in numpy", 1.10,
        lambda: compare(nets.engine(nets.mlp()), nets.mlp_products(), 15)),
    Row("SGD steps of 784-256-10, batch 256 / its products in numpy", 1.15,
        lambda: compare(nets.training(), nets.training_products(), 15)),
    Row("1000 layers of 16x16 / PyTorch", 0.45, against_torch(nets.layers, nets.torch_layers), True),
    Row("10,000 scalar nodes / PyTorch", 0.08, against_torch(nets.chain, nets.torch_chain), True),
    *(Row(f"{name} / PyTorch", 4.0 if name == "cumprod" else 3.0, function(name), True) for name in nets.FUNCTIONS),
    Row("LSTM's formulas, time a node: 50 steps / 5 steps", 1.15,
        lambda: per_node(nets.recurrent(50), nets.recurrent(5))),
    Row("RNN's formulas, time a node: 500 steps / 50 steps", 1.3, lambda: per_node(nets.elman(500), nets.elman(50))),
    Row("encoder's formulas, time a node: 12 blocks / 3 blocks", 1.3,
        lambda: per_node(nets.encoder(12), nets.encoder(3))),
    Row("run of a chain, time a node: 500 sines / 50 sines", 1.3, lambda: a_node("run")),
    Row("check of 500 sines / run of them", 1.5, lambda: against_run("check")),
    Row("derive of 500 sines / run of them", 1.5, lambda: against_run("derive")),
    Row("formulas, time a node: 2000 nodes / 200 nodes", 1.3, lambda: per_node(nets.deep(2000), nets.deep(200))),
    Row("formulas: 2048x2048 tensors / 4x4 tensors", 1.05, by_size),
    Row("compact formulas / local and nodes: LSTM of 20 steps", 1.3, lambda: compact(nets.recurrent(20))),
    Row("compact formulas / local and nodes: encoder of 6 blocks", 1.3, lambda: compact(nets.encoder(6))),
    Row("compact formulas, time a node: 12 blocks / 3 blocks", 1.3,
        lambda: per_node(nets.encoder(12), nets.encoder(3), ("compact",))),
    Row("a Jacobian of 64 rows / 64 reverse passes", 1.0, jacobian_rows),
    Row("2,000 sheets marked, mistakes named: CPU ms a sheet", 8.0, sheet),
    Row("peak memory over values kept: 200 layers / 100 layers", 1.05, memory),
    Row("peak memory of an .npy leaf / its array", 1.1, array_file),
    Row("peak memory of a run that writes 81 MB of JSON, in MB", 200.0, json_memory),
    Row("100,000 numbers in YAML, read / libyaml's own scan", 0.5, number_list),
)  # fmt: skip


def lines(rows: tuple[Row, ...], *, has_torch: bool) -> Iterator[str]:
    """The table, a line at a time, and how many goals are met."""
    yield f"{'what':<58} {'ratio':>7} {'goal':>6}"
    met = measured = 0
    for row in rows:
        found, mark = "-", "PyTorch is not installed"
        if has_torch or not row.needs_torch:
            try:
                ratio = row.measure().ratio
                found = f"{ratio:.3f}" if ratio < 100 else f"{ratio:.0f}"
                mark = "met" if ratio <= row.goal else "NOT MET"
                met, measured = met + (ratio <= row.goal), measured + 1
            except Exception as error:  # noqa: BLE001 - the other rows are still worth their time
                mark = f"failed: {type(error).__name__}: {str(error)[:60]}"
        yield f"{row.name:<58} {found:>7} {row.goal:>6g}  {mark}"
    yield f"{met} of {measured} goals met"


def main(chosen: list[str]) -> None:
    """Print the table, or only the rows whose name holds one of the given words."""
    started = time.monotonic()
    rows = tuple(row for row in ROWS if not chosen or any(word in row.name for word in chosen))
    print(f"numpy {np.__version__}, Python {sys.version.split()[0]}, one thread, medians of interleaved pairs")
    for line in lines(rows, has_torch=importlib.util.find_spec("torch") is not None):
        print(line, flush=True)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
