"""What `layers` expand to: names, shapes, beginnings; what `show` prints runs to the same numbers; errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError, Failures
from backprop_cli.language.expanded import expanded
from backprop_cli.language.layers.kinds import KINDS, OTHER_KEYS, OTHER_KINDS
from backprop_cli.language.model import Spec
from backprop_cli.language.reader import read_spec
from backprop_cli.language.writer import write
from backprop_cli.tasks.calculate import Settings, run

ReadSpec = Callable[..., Spec]

NETS = {
    "mlp": """
dims: {N: 5}
inputs: {x: {shape: [N, 4], init: normal}, t: {value: [0, 1, 2, 0, 1], shape: [N]}}
layers: [{linear: {out: 8, activation: sigmoid, init: kaiming_normal}}, {linear: {out: 3, name: head}}]
nodes: {loss: 'cross_entropy(z_head, t)'}
""",
    "cnn": """
dims: {N: 2}
inputs: {x: {shape: [N, 1, 8, 8], init: normal}, m: {shape: [N, 10], init: ones}}
layers:
  - conv2d: {out: 4, kernel: 3, padding: same, init: kaiming_uniform}
  - batch_norm
  - {leaky_relu: 0.2}
  - {max_pool2d: 2}
  - residual: [{conv2d: {out: 4, kernel: 3, padding: 1, name: skip}}, {gelu: tanh}]
  - avg_pool2d: {kernel: 2, stride: 1}
  - flatten
  - {linear: 10}
  - dropout: {mask: m, p: 0.25}
  - {log_softmax: -1}
nodes: {loss: '-mean(a_2[:, 0])'}
""",
    "sequence": """
dims: {N: 2, T: 3}
inputs: {x: {shape: [N, T, 4], init: normal}}
layers:
  encoder: {input: x, seed: 4, stack: [{encoder_block: {heads: 2, ff: 6}}, {gru: {hidden: 3, return: all}}, {lstm: 2}]}
  mu: {input: encoder, stack: [{linear: 2}]}
  scale: {input: encoder, init: normal, std: 0.1, stack: [{linear: 2}, softplus]}
nodes: {loss: sum((mu * scale)**2)}
""",
    "words": """
inputs: {x: [0, 2, 1]}
layers: [{embedding: {num: 3, dim: 4}}, {attention: {causal: true}}, rms_norm, {rnn: 2}]
""",
}


@pytest.mark.parametrize("text", NETS.values(), ids=list(NETS))
def test_shown_spec_runs_to_the_same_numbers(text: str, spec_of: ReadSpec) -> None:
    """What `show` prints has no layers, loads, and has every value and gradient of the original."""
    if "loss" not in text:
        text += "grad_output: ones\n"
    spec = spec_of(text)
    shown = write(expanded(spec))
    assert "layers:" not in shown
    ours, again = (run(one, Settings(terms=())) for one in (spec, spec_of(shown)))
    theirs = {node.name: node for node in again.nodes}
    assert set(theirs) == {node.name for node in ours.nodes}
    for node in ours.nodes:
        np.testing.assert_array_equal(node.value, theirs[node.name].value)
        if node.gradient is not None:
            np.testing.assert_array_equal(node.gradient.value, theirs[node.name].gradient.value)
    assert write(expanded(spec_of(shown))) == shown


def test_textbook_names(spec_of: ReadSpec) -> None:
    """Weights begin a new index; the activation, the norm, the pool after them share it."""
    spec = spec_of(NETS["cnn"])
    nodes = ["z_1", "n_1", "a_1", "p_1", "z_skip", "a_2", "r_2", "p_2", "f_2", "z_3", "d_3", "a_3", "loss"]
    assert [node.name for node in spec.nodes] == nodes
    assert [leaf.name for leaf in spec.leaves if leaf.kind == "param"] == ["W_1", "b_1", "gamma_1", "beta_1", "W_skip",
                                                                           "b_skip", "W_3", "b_3"]  # fmt: skip
    assert {node.name: node.text.text for node in spec.nodes}["z_1"] == "conv2d(x, W_1, b_1, padding=1)"


def test_named_stacks_name_their_last_node(spec_of: ReadSpec) -> None:
    """A stack's name is its value's, so that other stacks and nodes can use it."""
    texts = {node.name: node.text.text for node in spec_of(NETS["sequence"]).nodes}
    assert texts["mu"].startswith("encoder @ W_6 +")
    assert texts["scale"] == "softplus(z_7)"


def test_named_sizes_stay_named(spec_of: ReadSpec) -> None:
    """A batch of N stays N through every layer, also where a layer writes a shape down."""
    spec = spec_of(NETS["sequence"])
    assert "(N, T, 2, 2)" in {node.name: node.text.text for node in spec.nodes}["Q_h_1"]


@pytest.mark.parametrize(("init", "deviation"), [
    ("xavier_normal", (2 / 700) ** 0.5), ("xavier_uniform", (2 / 700) ** 0.5), ("kaiming_normal", (2 / 300) ** 0.5),
    ("kaiming_uniform", (2 / 300) ** 0.5), ("normal", 1.0), ("uniform", 12**-0.5),
])  # fmt: skip
def test_beginnings_read_the_fans_of_the_layer(init: str, deviation: float, spec_of: ReadSpec) -> None:
    """fan_in is the number of inputs of a layer, whatever way its weights are laid out."""
    start = "inputs: {x: {shape: [2, 300], init: normal}}\n"
    spec = spec_of(f"{start}layers: [{{linear: {{out: 400, init: {init}}}}}]\n")
    weights = {leaf.name: leaf for leaf in spec.leaves}["W_1"].load()
    assert weights.shape == (300, 400)
    assert abs(weights.std() / deviation - 1) < 0.01


def test_seeds_are_one_a_name(spec_of: ReadSpec) -> None:
    """A layer more changes no other layer's weights; a seed changes all of the stack's."""
    start = "inputs: {x: {shape: [2, 3], init: normal}}\nlayers: "

    def weights(layers: str) -> Any:
        return {leaf.name: leaf.load() for leaf in spec_of(start + layers).leaves}

    one, two = weights("[{linear: 3}]"), weights("[{linear: 3}, {linear: 3}]")
    np.testing.assert_array_equal(one["W_1"], two["W_1"])
    assert (two["W_1"] != two["W_2"]).all()
    assert (weights("{seed: 1, stack: [{linear: 3}]}")["W_1"] != one["W_1"]).all()


def test_given_params_are_used(spec_of: ReadSpec) -> None:
    """A param that the spec has under the layer's name is the layer's."""
    spec = spec_of("inputs: {x: [[1, 2]]}\nparams: {W_1: [[1], [2]]}\nlayers: [{linear: {out: 1, bias: false}}]\n")
    assert float(run(spec, Settings(terms=())).nodes[-1].value[0, 0]) == 5


def test_each_word_is_one() -> None:
    """Synonyms lead to layers and options that exist."""
    keys = {key for kind in KINDS.values() for key in kind.options}
    assert set(OTHER_KINDS.values()) <= {*KINDS, "residual"}
    assert set(OTHER_KEYS.values()) <= keys


ERRORS = {
    "layers: [{liner: 4}]": ("E012", "unknown layer 'liner'", "did you mean 'linear'?", "liner"),
    "layers: [dense]": ("E012", "unknown layer 'dense'", "did you mean 'linear'?", "dense"),
    "layers: [{linear: {units: 4}}]": ("E007", "unknown key 'units' in layer 'linear'", "did you mean 'out'?", "units"),
    "layers: [linear]": ("E008", "linear: needs 'out'", "linear: {out: 4}", "linear"),
    "layers: [{linear: 0}]": ("E008", "a size is a whole number from 1, found the number 0", None, "0"),
    "layers: [{linear: {out: 2, bias: 3}}]": ("E008", "'bias' is true or false, found the number 3", None, "3"),
    "layers: [{conv2d: {out: 2, kernel: 3}}]": (
        "E014", "conv2d: takes (batch, channels, height, width), but 'x' has shape (2, 3)", None, "conv2d"),
    "layers: [{attention: 2}]": ("E015", "attention: 3 features do not divide into 2 heads", None, "2"),
    "layers: [{residual: [{linear: 4}]}]": (
        "E014", "residual: its layers turn shape (2, 3) into (2, 4), so that the input cannot be added",
        "the last of them gives as many features as the first takes", "residual"),
    "layers: [{dropout: {mask: y}}]": ("E011", "dropout: unknown name 'y'", None, "y"),
    "layers: [{linear: {out: 2, activation: rleu}}]": (
        "E012", "unknown activation 'rleu'", "did you mean 'relu'?", "rleu"),
    "layers: [{linear: {out: 2, init: xavir_normal}}]": (
        "E008", "unknown init 'xavir_normal'", "did you mean 'xavier_normal'?", "xavir_normal"),
    "layers: [{linear: {out: 2, std: 1}}]": (
        "E007", "init 'xavier_uniform' has no option 'std'", "it takes gain, seed", "1"),
    "layers: {input: z, stack: [relu]}": ("E011", "unknown name 'z'", None, "z"),
    "layers: {input: h, stack: [relu]}\nnodes: {h: 2 * x}": (
        "E014", "layers have to know the shape of the node 'h'",
        "write it beside 'input': {input: h, shape: [N, 4], stack: [...]}", "h"),
    "layers: [{linear: 2}]\nnodes: {z_1: 2 * x}": (
        "E006", "linear: makes 'z_1', a name already taken by 'nodes'",
        "give the layer a name of its own: {name: hidden} makes z_hidden", "linear"),
    "layers: []": ("E008", "a stack is a list of layers, found a list",
                   "layers: [{linear: 4}, sigmoid, {linear: 3}]", "["),
    "layers: [{linear: 2, relu: 1}]": ("E008", "a layer is a word with its options, found a mapping",
                                       "write {linear: {out: 4, bias: false}}", "{"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ERRORS.items(), ids=list(ERRORS))
def test_errors_stand_at_the_layer(text: str, expected: tuple[str, str, str | None, str], spec_of: ReadSpec) -> None:
    """What is wrong with a layer is said at its word or option, with what would be right."""
    code, message, hint, at = expected
    with pytest.raises(BackpropError) as raised:
        spec_of("inputs: {x: [[1, 2, 3], [4, 5, 6]]}\n" + text)
    found = raised.value.errors[0] if isinstance(raised.value, Failures) else raised.value
    place = found.at
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert place is not None
    assert place.source_line[place.column - 1 :].startswith(at)


def test_shape_errors_of_expanded_nodes_stand_at_the_layer(spec_of: ReadSpec) -> None:
    """A node made by a layer points at the layer where it does not fit the rest of the spec."""
    layers = "layers:\n  input: h\n  shape: [1, 4]\n  stack: [{linear: 2}]\n"
    spec = spec_of("inputs: {x: [[1, 2, 3]]}\n" + layers + "nodes: {h: 2 * x}\n")
    with pytest.raises(BackpropError, match="W_1") as raised:
        run(spec)
    assert raised.value.at is not None
    assert raised.value.at.line == 5


def test_read_spec_refuses_too_many_nodes() -> None:
    """Unrolling a very long sequence is refused before it is done."""
    text = "inputs: {x: {shape: [100000, 2], init: normal}}\nlayers: [{rnn: 2}]\n"
    with pytest.raises(BackpropError, match="more than 20,000 nodes"):
        read_spec(text.encode(), "long.yaml", folder=None)
