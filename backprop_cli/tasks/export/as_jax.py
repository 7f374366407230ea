"""A JAX script: the forward pass as a function of the params, and JAX's gradients."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from typing import Any

from backprop_cli.engine.graph import Graph, GraphPass, build
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.errors import UsageError
from backprop_cli.language.model import Spec
from backprop_cli.language.unparse import POSTFIX
from backprop_cli.tasks.export import jax_helpers, numpy_helpers
from backprop_cli.tasks.export.code import Code, Dialect, Speech, call, template
from backprop_cli.tasks.export.numpy_table import TABLE as NUMPY_TABLE
from backprop_cli.tasks.export.numpy_table import language
from backprop_cli.tasks.export.prepared import with_named_outputs
from backprop_cli.tasks.export.script import Script, helpers_of, leaf_code, literal, script, sources, title

MISSING = ("conv_transpose", "conv_weight", "max_pool_indices", "max_unpool", "avg_unpool", "language")
HELPERS = {name: function for name, function in {**helpers_of(numpy_helpers), **helpers_of(jax_helpers)}.items()
           if name not in MISSING}  # fmt: skip
TAKEN = ("np", "jnp", "jax", "math", "forward", "pull", "name", "value", *dir(builtins), *HELPERS)
OWN = {"erf": "jax.scipy.special.erf", "erfc": "jax.scipy.special.erfc"}


def _index(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    """JAX takes arrays where numpy takes lists."""
    parts = (f"jnp.array({list(part)})" if isinstance(part, tuple) else index_text((part,))
             for part in parameters["index"])  # fmt: skip
    return f"{operands[0].within(POSTFIX)}[{', '.join(parts)}]"


TABLE = {
    **NUMPY_TABLE, **{name: call(target) for name, target in OWN.items()}, "relu": call("jax.nn.relu"),
    "relu6": call("jax.nn.relu6"), "gelu": template("jax.nn.gelu({0}, approximate={approximate} == 'tanh')"),
    "stop_gradient": call("jax.lax.stop_gradient"), "logcumsumexp": call("jax.lax.cumlogsumexp", "axis"),
    "cummax": call("jnp.maximum.accumulate", "axis"), "cummin": call("jnp.minimum.accumulate", "axis"),
    "index": _index,
}  # fmt: skip
JAX = Dialect("jnp", TABLE, "mask", language)


def export(spec: Spec, of: str | None = None) -> str:
    """The script.

    Raises:
        UsageError: the spec has hooks, or uses what JAX has no short word for.
    """
    if spec.hooks:
        raise UsageError("E022", "JAX has no hooks on gradients", hint="--to torch and --to numpy write them")
    spec = with_named_outputs(spec)
    work, graph = script(spec, JAX, TAKEN), build(spec)
    asked = [graph.nodes[i].name for i in sorted(graph.wrt)]
    functions_of = [_function(work, graph, run, number, asked) for number, run in enumerate(graph.passes)]
    missing = next((name for name in work.speech.used if name in MISSING), None)
    if missing:
        raise UsageError("E022", "export does not write all functions of this spec in JAX",
                         hint="--to numpy writes them")
    leaves = [f"{work.names[leaf.name]} = jnp.asarray({leaf_code(leaf, spec.dtype)})" for leaf in spec.leaves]
    sizes = [f"{work.names[name]} = {int(size)}" for name, size in spec.dims.items()]
    body = (sizes, leaves, *functions_of, _total(work, graph, asked))
    text = "\n\n".join("\n".join(block) for block in body if block) + "\n"
    used = [*work.speech.used, *(["draw"] if any("draw(" in leaf for leaf in leaves) else [])]
    functions = renamed(sources(HELPERS, [name for name in used if name != "draw"]))
    drawing = sources({"draw": numpy_helpers.draw}, [name for name in used if name == "draw"])
    subject = "The forward pass, and JAX's gradients (at kinks and ties by JAX's conventions)"
    head = "\n".join([*title(spec, subject), "", *_imports(spec, text + functions)])
    return f"{head}\n{functions}{drawing}{chr(10) if functions or drawing else ''}\n{text}"


def renamed(code: str) -> str:
    """numpy's functions as those of jax.numpy."""
    return re.sub(r"\bnp\.", "jnp.", code)


def _imports(spec: Spec, text: str) -> Iterator[str]:
    if "math." in text:
        yield from ("import math", "")
    yield from ("import jax", "import jax.numpy as jnp")
    yield "import numpy as np"
    if spec.dtype == "float64":
        yield from ("", 'jax.config.update("jax_enable_x64", True)')


def _function(work: Script, graph: Graph, run: GraphPass, number: int, asked: list[str]) -> list[str]:
    """The forward pass up to an output, and its gradients by the leaves asked for."""
    params = ", ".join(work.names[name] for name in asked)
    lines = [f"    {line}" for node in work.order for line in renamed(work.line(node, node.text.text)).split("\n")]
    output = work.names[graph.nodes[run.output].name]
    back = f"pass_{number + 1}" if len(graph.passes) > 1 else "gradients"
    return [
        f"def forward({params}):", *lines, f"    return {output}", "", "",
        f"{output}, pull = jax.vjp(forward, {params})", f"{back} = pull({_seed(output, run)})",
    ]  # fmt: skip


def _seed(output: str, run: GraphPass) -> str:
    if run.seed is None or isinstance(run.seed, str):
        return f"jnp.ones_like({output})"
    return f"jnp.broadcast_to(jnp.array({literal(run.seed.tolist())}), {output}.shape).astype({output}.dtype)"


def _total(work: Script, graph: Graph, asked: list[str]) -> list[str]:
    """The gradients, added up over the passes."""
    count = len(graph.passes)
    lines = [] if count == 1 else \
        [f"gradients = [sum(parts) for parts in zip({', '.join(f'pass_{i + 1}' for i in range(count))})]"]
    outputs = dict.fromkeys(work.names[graph.nodes[run.output].name] for run in graph.passes)
    names = ", ".join(repr(f"grad_{work.names[name]}") for name in asked)
    lines += [f"gradients = dict(zip([{names}], gradients))", ""]
    shown = ", ".join(f"{name!r}: {name}" for name in outputs)
    return [*lines, f"for name, value in {{{shown}, **gradients}}.items():", "    print(f'{name} = {value}')"]
