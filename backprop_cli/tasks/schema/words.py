"""What an editor says about each key of a spec."""

from __future__ import annotations

from collections.abc import Mapping

SECTION_WORDS: Mapping[str, str] = {
    "title": "A title for reports.",
    "description": "A sentence or more for reports.",
    "dtype": "The precision that everything is computed in: float64 (default) or float32.",
    "dims": "Named sizes, {N: 5, D: 3}: shapes may use them, and formulas print them.",
    "inputs": "Leaves that are data: not differentiated unless asked for in `wrt`.",
    "params": "Leaves whose gradient is wanted.",
    "nodes": "Computed nodes, 'name: expression', in any order.",
    "layers": "Layers that expand into ordinary params and nodes; `backprop show` prints them.",
    "functions": "Functions of your own: {swish: {args: [x], body: x * sigmoid(x)}}.",
    "output": "The node to go back from: a name, or an expression such as p[0]. Default: the last node written.",
    "grad_output": "The seed, PyTorch's `gradient=`: a number, an array of the output's shape, or `ones`.",
    "wrt": "Which leaves to differentiate; `all` for every one. Default: the params.",
    "hooks": "What replaces the gradient that arrives at a node: {z_1: 'clip(grad, -1, 1)'}.",
    "backward": "Several passes whose leaf gradients add up: [{output: a}, {output: b, grad_output: 2}].",
}

LEAF_WORDS: Mapping[str, str] = {
    "value": "A number or a nested list.",
    "shape": "Sizes of the axes, which may be names of `dims`. Alone: a leaf without numbers, enough for `derive`.",
    "file": "A data file (.npy, .npz with `key`, .csv) in the folder of the spec or below.",
    "key": "The array's name in an .npz file.",
}

INIT_WORDS: Mapping[str, str] = {
    "init": "How the numbers begin: a constant, or a random draw seeded by `seed` and the leaf's name.",
    "seed": "The seed of the random draw, a whole number from 0.",
    "std": "The standard deviation of `init: normal`.",
    "mean": "The mean of `init: normal`.",
    "low": "The lower bound of `init: uniform`.",
    "high": "The upper bound of `init: uniform`.",
    "gain": "The gain of a xavier or kaiming start.",
    "value": "The number of `init: constant`.",
}

STACK_WORDS: Mapping[str, str] = {
    "input": "The input or node that flows into the stack. Default: the first input.",
    "shape": "The shape of what flows in, where it is a node.",
    "stack": "The layers, one after the other.",
}

LAYER_WORDS: Mapping[str, str] = {
    "out": "How many features or channels come out.",
    "bias": "Whether there is a bias.",
    "activation": "A function applied to what comes out.",
    "kernel": "The size of the windows: one number, or one an axis.",
    "stride": "How far a window steps.",
    "padding": "Entries added on both sides, or `same`.",
    "dilation": "The distance between entries of a window.",
    "groups": "Into how many groups channels are divided.",
    "start": "The first axis that is flattened.",
    "eps": "What is added to a variance before its root is taken.",
    "affine": "Whether a scale and a shift are learned.",
    "mask": "The input that holds the mask.",
    "p": "The share that is dropped.",
    "num": "How many rows the table has.",
    "dim": "How long each row is.",
    "hidden": "The size of the hidden state.",
    "return": "Whether the last state or all of them flow on.",
    "heads": "How many heads attend.",
    "causal": "Whether a position sees only those before it.",
    "ff": "The size of the inner layer.",
    "norm": "Whether normalisation comes before or after.",
    "name": "What the names of its params and nodes end in, instead of a number.",
}
