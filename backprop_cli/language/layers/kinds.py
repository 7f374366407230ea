"""The table of layers: a new one is a function that adds nodes, and a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from backprop_cli.language.layers.attention import attention, encoder_block
from backprop_cli.language.layers.layer import INIT_KEYS, Expand
from backprop_cli.language.layers.plain import (
    ACTIVATIONS,
    OTHER_ACTIVATIONS,
    activation,
    dropout,
    embedding,
    flatten,
    linear,
    normalisation,
)
from backprop_cli.language.layers.recurrent import CELLS, recurrent
from backprop_cli.language.layers.windows import convolution, pooling


class Kind(NamedTuple):
    """A layer: what expands it, and its options; a value alone is the first of them."""

    expand: Expand
    keys: tuple[str, ...] = ()
    weights: bool = False  # it takes `init` and its options

    @property
    def options(self) -> tuple[str, ...]:
        """Every key it may have."""
        return (*self.keys, "name", *(INIT_KEYS if self.weights else ()))


_NORM = ("eps", "affine", "activation")
_WINDOWS = ("kernel", "stride", "padding")

KINDS: Mapping[str, Kind] = {
    "linear": Kind(linear, ("out", "bias", "activation"), weights=True),
    **dict.fromkeys(("conv1d", "conv2d"),
                    Kind(convolution, ("out", *_WINDOWS, "dilation", "groups", "bias", "activation"), weights=True)),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d"), Kind(pooling, _WINDOWS)),
    "flatten": Kind(flatten, ("start",)),
    **{name: Kind(activation, keys) for name, keys in ACTIVATIONS.items()},
    **dict.fromkeys(("layer_norm", "batch_norm", "rms_norm"), Kind(normalisation, _NORM)),
    "group_norm": Kind(normalisation, ("groups", *_NORM)),
    "dropout": Kind(dropout, ("mask", "p")),
    "embedding": Kind(embedding, ("num", "dim"), weights=True),
    "rnn": Kind(recurrent, ("hidden", "bias", "return", "activation"), weights=True),
    **{name: Kind(recurrent, ("hidden", "bias", "return"), weights=True) for name in CELLS if name != "rnn"},
    "attention": Kind(attention, ("heads", "bias", "mask", "causal"), weights=True),
    "encoder_block": Kind(encoder_block, ("heads", "ff", "norm", "activation", "bias", "mask", "causal", "eps"),
                          weights=True),
}  # fmt: skip

RESIDUAL = "residual"  # the one layer that holds layers; the section expands it

OTHER_KINDS = {
    **OTHER_ACTIVATIONS, "dense": "linear", "fc": "linear", "fully_connected": "linear", "affine": "linear",
    "conv": "conv2d", "convolution": "conv2d", "maxpool": "max_pool2d", "maxpool2d": "max_pool2d",
    "maxpool1d": "max_pool1d", "avgpool2d": "avg_pool2d", "avgpool1d": "avg_pool1d", "pool": "max_pool2d",
    "layernorm": "layer_norm", "batchnorm": "batch_norm", "batchnorm1d": "batch_norm", "batchnorm2d": "batch_norm",
    "rmsnorm": "rms_norm", "groupnorm": "group_norm", "multi_head_attention": "attention",
    "multiheadattention": "attention", "mha": "attention", "self_attention": "attention",
    "transformer": "encoder_block", "transformer_encoder": "encoder_block",
    "transformerencoderlayer": "encoder_block", "transformer_block": "encoder_block", "skip": "residual",
    "embed": "embedding", "reshape": "flatten",
}  # fmt: skip

OTHER_KEYS = {
    "out_features": "out", "units": "out", "size": "out", "features": "out", "out_channels": "out", "filters": "out",
    "kernel_size": "kernel", "hidden_size": "hidden", "num_heads": "heads", "dim_feedforward": "ff", "d_ff": "ff",
    "is_causal": "causal", "num_groups": "groups", "rate": "p", "start_dim": "start", "return_sequences": "return",
    "num_embeddings": "num", "embedding_dim": "dim", "initializer": "init", "weight_init": "init",
    "act": "activation", "nonlinearity": "activation", "norm_first": "norm", "label": "name",
}  # fmt: skip
