"""The rule of a step in words: why an op hands its gradient on as it does."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.graph import Graph, Node, rule_of

ROW = "a left factor's entry reaches a row of the product: adding up over it takes the right factor's transpose"
COLUMN = "a right factor's entry reaches a column of the product: adding up over it takes the left factor's transpose"

REASONS: Mapping[str, tuple[str, ...]] = {
    "identity": ("the same value under another name: the gradient is passed on",),
    "add": ("a sum passes the gradient on to each term",),
    "subtract": ("a difference passes the gradient on to its first term",
                 "a difference passes the gradient on to its second term with a minus"),
    "negative": ("a minus turns the gradient's sign",),
    "multiply": ("the slope of a product in one factor is the other factor",),
    "divide": ("(a/b)' in a is 1/b", "(a/b)' in b is -a/b²"),
    "power": ("(xⁿ)' = n xⁿ⁻¹", "(aˣ)' = aˣ log a"),
    "square": ("(x²)' = 2x",),
    "matmul": (ROW, COLUMN),
    "dot": ("the slope of a dot product in one vector is the other",),
    "outer": ("an entry of the left factor stands in a whole row: what comes back adds up over it",
              "an entry of the right factor stands in a whole column: what comes back adds up over it"),
    "sum": ("every entry weighs 1 in a sum",),
    "mean": ("every entry weighs one n-th in a mean of n",),
    "sigmoid": ("σ' = σ (1 - σ)",),
    "tanh": ("tanh' = 1 - tanh²",),
    "relu": ("the slope is 1 where the input is positive, else 0",),
    "exp": ("(eˣ)' = eˣ",),
    "log": ("(log x)' = 1/x",),
    "sqrt": ("(√x)' = 1/(2√x)",),
    "abs": ("|x|' is the sign of x",),
    "sin": ("sin' = cos",),
    "cos": ("cos' = -sin",),
    "softplus": ("softplus' = σ",),
    "softmax": ("every score moves every weight: ∂p[j]/∂s[k] = p[j] ([j = k] - p[k])",),
    "log_softmax": ("∂ log p[j]/∂s[k] = [j = k] - p[k]",),
    "cross_entropy": ("softmax and logarithm together have the slope p - t, divided by the number of rows",),
    "binary_cross_entropy_with_logits": ("sigmoid and logarithm together have the slope σ(z) - t",),
    "maximum": ("the gradient goes to the larger of the two",),
    "minimum": ("the gradient goes to the smaller of the two",),
    "max": ("the gradient goes to where the maximum is",),
    "min": ("the gradient goes to where the minimum is",),
    "where": ("", "the gradient goes to where the condition holds",
              "the gradient goes to where the condition does not hold"),
    "clip": ("the slope is 1 between the bounds, else 0",),
    "transpose": ("a transpose is undone by a transpose",),
    "reshape": ("the entries keep their values: the gradient gets the old shape back",),
    "index": ("only the entries that were picked get a gradient, the others get 0",),
    "take": ("each entry that was picked gets its gradient; one picked twice gets both",),
    "embedding": ("", "each row that was looked up gets its gradient; a row used twice gets both"),
    "concat": ("each part gets its own piece of the gradient",),
    "stack": ("each part gets its own piece of the gradient",),
    "conv1d": ("each entry of the input meets the kernel at several places: what comes back from them adds up",
               "every place where the kernel stood adds its part: a correlation of the input with what comes back",
               "the bias was added at every place: what comes back adds up"),
    "max_pool2d": ("the gradient goes to where the maximum of each window was",),
    "avg_pool2d": ("the gradient is spread evenly over each window",),
    "inv": ("from X · X⁻¹ = I: a change dX changes X⁻¹ by -X⁻¹ · dX · X⁻¹",),
    "logdet": ("∂ log det X/∂X = X⁻ᵀ",),
    "det": ("∂ det X/∂X = det X · X⁻ᵀ",),
    "trace": ("only the diagonal enters a trace, each entry with weight 1",),
    "layer_norm": ("a shift or a scaling of a row changes nothing: these two parts of the gradient are taken out",),
    "standardize": ("a shift or a scaling of a row changes nothing: these two parts of the gradient are taken out",),
    "batch_norm": ("a shift or a scaling of a column changes nothing: these two parts of the gradient are taken out",),
    "stop_gradient": ("nothing flows back",),
}  # fmt: skip
"""By op; a sentence for each operand, the last one for all further operands."""

SAME = {"conv2d": "conv1d", "max_pool1d": "max_pool2d", "avg_pool1d": "avg_pool2d"}


def reasons(graph: Graph, consumer: Node, target: Node) -> tuple[str, ...]:
    """The rules between a node and one that uses it, from the user back to the node, each once."""
    found: dict[str, None] = {}
    for op, position in route(graph, consumer, target):
        listed = REASONS.get(SAME.get(op, op), ())
        if listed and (text := listed[min(position, len(listed) - 1)]):
            found[text] = None
    return tuple(found)


def route(graph: Graph, consumer: Node, target: Node) -> list[tuple[str, int]]:
    """The ops on the way from a node's user back to it, through parts without a name, with the operand taken."""
    stack: list[tuple[Node, list[tuple[str, int]]]] = [(consumer, [])]
    while stack:
        node, path = stack.pop()
        for position, operand in enumerate(node.inputs):
            if node.op is None or rule_of(node, position) is None:
                continue
            step = [*path, (node.op.name, position)]
            if operand == target.index:
                return step
            if graph.nodes[operand].anonymous and operand in graph.active:
                stack.append((graph.nodes[operand], step))
    return []
