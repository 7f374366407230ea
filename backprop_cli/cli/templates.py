"""The specs that `backprop new` starts from: a new one is a row."""

from __future__ import annotations

from typing import NamedTuple

MODELINE = """\
# yaml-language-server: $schema=backprop.schema.json
# (an editor completes keys and functions after: backprop schema -o backprop.schema.json)
"""


class Template(NamedTuple):
    """What a template is, and its text."""

    title: str
    body: str

    @property
    def text(self) -> str:
        """The whole spec."""
        return f"title: {self.title}\n{self.body}"


TEMPLATES: dict[str, Template] = {
    "scalar": Template("A chain of scalars", """\
params:
  a: 2.0
  b: -3.0
  c: 10.0
nodes:
  d: a * b
  e: d + c
  loss: tanh(e)
"""),
    "mlp": Template("Two-layer network on a batch", """\
dims: {N: 4, D: 3, H: 5}
inputs:
  X: {shape: [N, D], init: normal}
  y: {value: [[1], [0], [0], [1]], shape: [N, 1]}
params:
  W_1: {shape: [D, H], init: xavier_normal}
  b_1: {shape: [H], init: zeros}
  W_2: {shape: [H, 1], init: xavier_normal}
  b_2: {shape: [1], init: zeros}
nodes:
  z_1: X @ W_1 + b_1
  a_1: relu(z_1)
  z_2: a_1 @ W_2 + b_2
  p: sigmoid(z_2)
  loss: binary_cross_entropy(p, y)
"""),
    "layers": Template("The same by layers; 'backprop show' writes them out", """\
inputs:
  x: {shape: [4, 3], init: normal}
  t: [0, 2, 1, 2]
layers: [{linear: 5}, relu, {linear: {out: 3, name: logits}}]
nodes:
  loss: cross_entropy(z_logits, t)
"""),
    "softmax": Template("Softmax regression with cross-entropy", """\
dims: {N: 3, D: 2, C: 3}
inputs:
  X: {value: [[1.0, 2.0], [0.5, -1.0], [-1.5, 0.3]], shape: [N, D]}
  t: {value: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], shape: [N, C]}
params:
  W: {shape: [D, C], init: normal, std: 0.1}
  b: {shape: [C], init: zeros}
nodes:
  z: X @ W + b
  p: softmax(z)
  loss: -sum(t * log(p)) / N
"""),
    "rnn": Template("A recurrent network over three steps", """\
inputs:
  x_1: [0.5, -0.2]
  x_2: [0.1, 0.4]
  x_3: [-0.3, 0.8]
  y: [1.0, 0.0, -1.0]
params:
  W_x: {shape: [3, 2], init: xavier_normal}
  W_h: {shape: [3, 3], init: xavier_normal}
  b: {shape: [3], init: zeros}
nodes:
  h_1: tanh(W_x @ x_1 + b)
  h_2: tanh(W_x @ x_2 + W_h @ h_1 + b)
  h_3: tanh(W_x @ x_3 + W_h @ h_2 + b)
  loss: sum((h_3 - y)**2)
"""),
    "attention": Template("One head of attention", """\
dims: {T: 3, D: 2}
inputs:
  X: {shape: [T, D], init: normal}
  y: {shape: [T, D], init: normal, seed: 1}
params:
  W_q: {shape: [D, D], init: xavier_normal}
  W_k: {shape: [D, D], init: xavier_normal}
  W_v: {shape: [D, D], init: xavier_normal}
nodes:
  Q: X @ W_q
  K: X @ W_k
  V: X @ W_v
  S: Q @ K.T / sqrt(D)
  A: softmax(S)
  O: A @ V
  loss: mse_loss(O, y)
"""),
    "cnn": Template("A convolution, a pooling and a linear layer", """\
inputs:
  x: {shape: [2, 1, 6, 6], init: normal}
  t: [0, 2]
params:
  K: {shape: [2, 1, 3, 3], init: kaiming_normal}
  b: {shape: [2], init: zeros}
  W: {shape: [3, 8], init: kaiming_normal}
nodes:
  c: conv2d(x, K, b)
  a: relu(c)
  p: max_pool2d(a, 2)
  z: linear(flatten(p, start_dim=1), W)
  loss: cross_entropy(z, t)
"""),
}  # fmt: skip
