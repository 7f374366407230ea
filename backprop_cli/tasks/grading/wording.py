"""Parts of a network as a student knows them: the names of the spec, never the ops behind them."""

from __future__ import annotations

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.tasks.grading.chain import Edge

CALLED = {
    "multiply": "the product", "divide": "the quotient", "power": "the power", "matmul": "the matrix product",
    "add": "the sum", "subtract": "the difference", "negative": "the minus sign", "transpose": "the transpose",
}  # fmt: skip
"""Ops that people do not call by a name."""


class Wording:
    """How the parts of one graph are called."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def owner(self, index: int) -> str:
        """A node's name; that of the node in whose expression it stands where it has none."""
        node = self.graph.nodes[index]
        return node.name.partition(".")[0] if node.anonymous else node.name

    def called(self, node: Node) -> str:
        """A step: `y_1 = sigmoid(z_1)`, `the power in loss`."""
        assert node.op is not None
        if node.spec is not None and not any(self.graph.nodes[i].anonymous for i in node.inputs):
            return f"{node.name} = {' '.join(node.spec.text.text.split())[:60]}"
        return f"{CALLED.get(node.op.name, node.op.name)} in {self.owner(node.index)}"

    def path(self, edge: Edge) -> str:
        """A way back: `the path back to q through m = q*s`."""
        return f"the path back to {self.owner(edge.operand)} through {self.called(edge.user)}"

    def factor(self, edge: Edge) -> str:
        """What a step multiplies the gradient by: `the factor 1/2 in loss`, `the local derivative of ...`."""
        others = [self.graph.nodes[i] for i in edge.user.inputs if i != edge.operand]
        name = edge.user.op.name if edge.user.op else ""
        if name == "multiply" or (name == "divide" and edge.position == 0):
            other = others[0] if len(others) == 1 else edge.user
            if other.kind == "constant" or not other.anonymous:
                over = "1/" if name == "divide" else ""
                what = other.value if other.kind == "constant" else other.name
                return f"the factor {over}{what} in {self.owner(edge.user.index)}"
        return f"the local derivative of {self.called(edge.user)}"

    def skipped(self, edge: Edge) -> str:
        """The key of the mistake to pass this step by."""
        op = edge.user.op
        others = [self.graph.nodes[i] for i in edge.user.inputs if i != edge.operand]
        if op is not None and op.name in {"multiply", "divide"} and others:
            return constant_key(self.graph, others[0])
        if op is not None and op.name.startswith("log") and op.pointwise and len(edge.user.inputs) == 1:
            return "log_derivative_missing"
        one = op is not None and len(edge.user.inputs) == 1
        return "activation_derivative_missing" if one else "step_missing"

    def twice(self, edge: Edge) -> str:
        """The key of the mistake to take this step twice."""
        key = self.skipped(edge)
        return key if key in {"factor_2", "factor_n"} else "step_twice"


def constant_key(graph: Graph, factor: Node) -> str:
    """The key of the mistake to leave out a factor."""
    value = None if factor.value is None or factor.kind != "constant" else float(factor.value)
    sizes = {float(size) for node in graph.nodes for size in node.shape}
    if value in {2.0, 0.5}:
        return "factor_2"
    return "factor_n" if value and (value in sizes or 1 / value in sizes) else "factor_missing"
