"""A spec made ready for export: outputs with names, own functions that hide no built-in one."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.language.expression import Call, Expression, Name, calls, parse
from backprop_cli.language.functions import walk
from backprop_cli.language.model import NodeSpec, Pass, Spec
from backprop_cli.language.names import MAX_NAME
from backprop_cli.language.source import BY_PROGRAM, Text, inline
from backprop_cli.records import replace

Written = tuple[Expression, Text]


def taken_names(spec: Spec) -> set[str]:
    """Every name of a spec."""
    return {*(leaf.name for leaf in spec.leaves), *(node.name for node in spec.nodes), *spec.dims}


def unique(wanted: str, taken: set[str]) -> str:
    """A new name like the wanted one, which is then taken."""
    name, count = wanted[:MAX_NAME], 1
    while name in taken:
        count += 1
        tail = f"_{count}"
        name = wanted[: MAX_NAME - len(tail)] + tail
    taken.add(name)
    return name


def with_named_outputs(spec: Spec) -> Spec:
    """An output such as `p[0]` gets a node, so that its gradient has a name."""
    taken, nodes = taken_names(spec), list(spec.nodes)

    def named(output: Written) -> Written:
        if isinstance(output[0], Name):
            return output
        name = unique("output_value", taken)
        nodes.append(NodeSpec(name, *output, output[1].standing_for(name)))
        return expression_of(name)

    passes = tuple(_passed(one, *named((one.output, one.output_text))) for one in spec.backward)
    output = named(spec.output) if spec.output and not spec.backward else None
    if output is None and not spec.backward and spec.nodes:
        output = expression_of(spec.nodes[-1].name)
    return replace(spec, nodes=tuple(nodes), output=output, backward=passes)


def without_shadows(spec: Spec) -> Spec:
    """Functions that hide a built-in one get another name: the formulas of gradients call the built-in ones."""
    hidden = [name for name in spec.functions if name in OPS or name in COMPOSITES or name in ALIASES]
    if not hidden:
        return spec
    taken = {*spec.functions, *OPS, *COMPOSITES, *ALIASES}
    names = {name: unique(f"own_{name}", taken) for name in hidden}

    def renamed(written: Written) -> Written:
        return renamed_calls(*written, names)

    functions = {}
    for function in spec.functions.values():
        body, text = renamed((function.body, function.body_text))
        name = names.get(function.name, function.name)
        grads = {arg: renamed(written) for arg, written in function.grads.items()}
        functions[name] = replace(function, name=name, body=body, body_text=text, grads=grads)
    nodes = []
    for node in spec.nodes:
        expression, text = renamed((node.expression, node.text))
        nodes.append(replace(node, expression=expression, text=text))
    hooks = {name: renamed(written) for name, written in spec.hooks.items()}
    return replace(spec, functions=functions, nodes=tuple(nodes), hooks=hooks)


def renamed_calls(expression: Expression, text: Text, names: Mapping[str, str]) -> Written:
    """An expression whose calls go to functions of other names."""
    found = [part for part in walk(expression) if isinstance(part, Call) and calls(part, names)]
    if not found:
        return expression, text
    code = text.text
    for part in sorted(found, key=lambda part: -part.start):
        code = code[: part.start] + names[part.function] + code[part.name_end :]
    whole = text.standing_for(code)
    return parse(whole), whole


def _passed(one: Pass, output: Expression, text: Text) -> Pass:
    return replace(one, output=output, output_text=text)


def expression_of(text: str) -> Written:
    """An expression of our own with its text."""
    whole = inline(text, BY_PROGRAM)
    return parse(whole), whole
