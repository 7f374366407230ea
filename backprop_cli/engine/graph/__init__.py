"""Spec → Graph: nodes in topological order with their shapes, before a single array exists.

An inline expression makes anonymous nodes; equal ones inside a graph are one node (they only ever hold the same
value).  Arithmetic on literals is done here, exactly.
"""

from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.graph.building import build, plain
from backprop_cli.engine.graph.memory import Meter, held, memory_estimate, work_estimate
from backprop_cli.engine.graph.nodes import Graph, GraphPass, Hook, Node, activity, differentiable, rule_of

__all__ = [
    "Builder", "Graph", "GraphPass", "Hook", "Meter", "Node", "activity", "build", "differentiable", "held",
    "memory_estimate", "plain", "rule_of", "work_estimate",
]
