"""TensorFlow and Keras programs: each with the same in PyTorch beside it; both have one loss and the same gradients."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_cli
from backprop_cli.tasks.importing.reading import import_python
from tests.conftest import Backprop

TF = "import tensorflow as tf\nx = tf.constant([[1., -2.], [0.5, 3.], [-1., 0.25]])\n"
TORCH = ("import torch\nimport torch.nn.functional as F\ntorch.set_default_dtype(torch.float64)\n"
         "x = torch.tensor([[1., -2.], [0.5, 3.], [-1., 0.25]])\n")  # fmt: skip
W = "w = {}([[0.5, -0.2, 0.1], [0.3, 0.7, -0.6]]{})\n"
TF_W, TORCH_W = W.format("tf.Variable", ""), W.format("torch.tensor", ", requires_grad=True")
TAPE = "with tf.GradientTape() as tape:\n    {}\ng = tape.gradient(loss, [w])\n"

PAIRS = {
    "sums and means over axes": (
        TAPE.format("loss = tf.reduce_mean(tf.reduce_sum(tf.square(tf.matmul(x, w)), axis=1))"),
        "loss = (x @ w).square().sum(1).mean()"),
    "a product of what is turned": (
        TAPE.format("loss = tf.reduce_sum(tf.tanh(tf.matmul(w, x, transpose_a=True, transpose_b=True)))"),
        "loss = (w.T @ x.T).tanh().sum()"),
    "softmax with labels": (
        TAPE.format("loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits("
                    "labels=tf.constant([0, 2, 1]), logits=x @ w))"),
        "loss = F.cross_entropy(x @ w, torch.tensor([0, 2, 1]))"),
    "softmax with rows": (
        TAPE.format("loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(tf.one_hot([0, 2, 1], 3), x @ w))"),
        "loss = F.cross_entropy(x @ w, torch.tensor([0, 2, 1]))"),
    "sigmoids with logits": (
        TAPE.format("loss = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits("
                    "labels=tf.ones((3, 3)), logits=x @ w))"),
        "loss = F.binary_cross_entropy_with_logits(x @ w, torch.ones(3, 3), reduction='sum')"),
    "parts of given widths": (
        TAPE.format("a, b = tf.split(x @ w, [1, 2], axis=1)\n    loss = tf.reduce_sum(a * b)"),
        "a, b = torch.split(x @ w, [1, 2], 1)\nloss = (a * b).sum()"),
    "leaky slopes of its own": (
        TAPE.format("loss = tf.reduce_sum(tf.nn.leaky_relu(x @ w) ** 2)"),
        "loss = F.leaky_relu(x @ w, 0.2).pow(2).sum()"),
    "a seed of ones for what is no scalar": (TAPE.format("loss = (x @ w) ** 2"), "loss = ((x @ w) ** 2).sum()"),
    "steps that are unstacked": (
        TAPE.format("h = tf.zeros((3,))\n    for row in tf.unstack(x):\n"
                    "        h = tf.tanh(tf.linalg.matvec(w, row, True) + h)\n    loss = tf.nn.l2_loss(h)"),
        "h = torch.zeros(3)\nfor row in x:\n    h = torch.tanh(w.T @ row + h)\nloss = (h ** 2).sum() / 2"),
    "a tape inside a tape": (
        ("with tf.GradientTape() as outer:\n    with tf.GradientTape() as inner:\n"
        "        y = tf.reduce_sum(tf.exp(x @ w))\n"
        "    d = inner.gradient(y, w)\n    loss = tf.reduce_sum(d ** 2)\ng = outer.gradient(loss, w)\n"),
        "y = torch.exp(x @ w).sum()\nd, = torch.autograd.grad(y, w, create_graph=True)\nloss = (d ** 2).sum()"),
    "an optimizer that minimizes": (
        "opt = tf.keras.optimizers.SGD(0.1)\nopt.minimize(lambda: tf.reduce_sum((x @ w) ** 4), [w])",
        "loss = ((x @ w) ** 4).sum()"),
    "a layer of one's own": (
        ("class Linear(tf.keras.layers.Layer):\n    def build(self, shape):\n"
        "        self.w = tf.Variable([[0.5, -0.2, 0.1], [0.3, 0.7, -0.6]])\n    def call(self, x):\n"
        "        return tf.nn.relu(tf.matmul(x, self.w))\nlayer = Linear()\n"
        "with tf.GradientTape() as tape:\n    loss = tf.reduce_sum(layer(x) ** 3)\n"
        "g = tape.gradient(loss, layer.trainable_variables)\n"),
        "loss = (F.relu(x @ w) ** 3).sum()"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_tensorflow(name: str) -> None:
    """Rule: a TensorFlow program means what the same one means in PyTorch."""
    theirs, ours = PAIRS[name]
    first = backprop_cli.run(TF + ("" if "class" in theirs else TF_W) + theirs)
    second = backprop_cli.run(TORCH + TORCH_W + ours + "\nloss.backward()\n")
    wanted = second["w"].grad
    assert wanted is not None
    np.testing.assert_allclose(first["w"].grad, wanted, rtol=1e-12)


KERAS = """import numpy as np
from tensorflow import keras
from tensorflow.keras import layers
X = np.array([[1., -2.], [0.5, 3.], [-1., 0.25]])
y = np.array([[1.], [0.], [1.]])
model = keras.Sequential([layers.Input(shape=(2,)), layers.Dense(1, activation='sigmoid')])
"""


@pytest.mark.parametrize("rest", [
    "model.compile(optimizer='adam', loss='binary_crossentropy')\nmodel.fit(X, y, epochs=5)\n",
    ("import tensorflow as tf\nloss_fn = keras.losses.BinaryCrossentropy()\nwith tf.GradientTape() as tape:\n"
    "    loss = loss_fn(y, model(X))\ng = tape.gradient(loss, model.trainable_weights)\n"),
])  # fmt: skip
def test_keras(rest: str) -> None:
    """Rule: a model of layers that is fitted, or taped, has the gradients that a book gives for it."""
    run = backprop_cli.run(KERAS + rest)
    kernel, bias = run["dense_1_kernel"], run["dense_1_bias"]
    x, y = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]]), np.array([[1.0], [0.0], [1.0]])
    error = (1 / (1 + np.exp(-(x @ kernel.value + bias.value))) - y) / 3
    np.testing.assert_allclose(kernel.grad, x.T @ error, rtol=1e-9)
    np.testing.assert_allclose(bias.grad, error.sum(0), rtol=1e-9)


def test_a_loop_of_training() -> None:
    """Rule: of a loop that applies gradients the first round is read."""
    loop = ("opt = tf.optimizers.SGD(0.1)\nfor step in range(200):\n    with tf.GradientTape() as tape:\n"
            "        loss = tf.reduce_sum((x @ w) ** 2)\n    opt.apply_gradients(zip(tape.gradient(loss, [w]), [w]))\n"
            )  # fmt: skip
    assert len(import_python((TF + TF_W + loop).encode(), "tf.py")) == 1


def test_only_keras_builds() -> None:
    """Rule: a method `build` of a class that is no layer of Keras is what the program makes of it."""
    text = ("import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n"
            "        super().__init__()\n        self.scale = 2.0\n    def build(self, x):\n        self.scale = 5.0\n"
            "    def forward(self, x):\n        return (self.scale * x).sum()\n"
            "w = torch.tensor([1.0, 3.0], requires_grad=True)\nloss = Net()(w)\nloss.backward()\n")  # fmt: skip
    assert backprop_cli.run(text)["loss"].value == 2.0 * (1 + 3)


REFUSED = {
    "x = tf.placeholder(tf.float32, shape=(None, 2))\nloss = tf.reduce_sum(x * w)": "--shape x=4,2",
    "loss = tf.keras.layers.GRU(4, reset_after=False)(w)": "GRU with reset_after=False of Keras is not read",
    "loss = tf.keras.layers.ConvLSTM1D(4)(w)": "ConvLSTM1D of Keras is not read",
    "loss = tf.keras.layers.Conv2D(4, 3, dilation_rate=2)(w)": "__init__ takes no argument dilation_rate",
    "a = tf.keras.Input((3,))\nb = tf.keras.Input((3,))\nloss = tf.reduce_sum(tf.keras.Model(a, a + b)(w))":
        "an Input that is none of the model's inputs is used",
    "loss = tf.keras.layers.Dense(4, kernel_regularizer='l2')(w)": "Dense with a regularizer of Keras is not read",
    "loss = tf.reduce_sum(tf.gather_nd(w, [[0, 1]]))": "gather_nd",
    "loss = tf.reduce_sum(tf.gather(w, [0], batch_dims=1))": "gather takes other arguments",
}  # fmt: skip


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_not_read_is_named(code: str, backprop: Backprop) -> None:
    """Rule: what cannot be read is refused by its name."""
    done = backprop("import", "-", stdin=TF + TF_W + code + "\nopt = tf.optimizers.SGD(0.1)\nopt.minimize(loss)\n")
    assert done.code == 2
    assert REFUSED[code] in done.err


@pytest.mark.parametrize(("law", "start"), [
    ("tf.constant_initializer(2.0)", "kernel: [[2, 2], [2, 2]]"),
    ("tf.keras.initializers.Constant(value=0.5)", "kernel: [[0.5, 0.5], [0.5, 0.5]]"),
    ("tf.keras.initializers.RandomNormal(stddev=1.5)", "kernel: {shape: [2, 2], init: normal, std: 1.5, seed: 0}"),
    ("tf.keras.initializers.RandomUniform(-1., 3., seed=3)",
     "kernel: {shape: [2, 2], init: uniform, low: -1, high: 3, seed: 0}"),
    ("'he_normal'", "kernel: {shape: [2, 2], init: normal, seed: 0}"),
])  # fmt: skip
def test_a_law_that_is_told_its_numbers(law: str, start: str, backprop: Backprop) -> None:
    """Rule: a param starts from the law that is named, with the numbers that it is told."""
    text = f"{TF}d = tf.keras.layers.Dense(2, kernel_initializer={law})\n" + TAPE.replace("[w]", "d.variables").format(
        "loss = tf.reduce_sum(d(x)**2)")  # fmt: skip
    assert start in backprop("import", "-", stdin=text).out
