"""Layers of torch.nn that are several layers together, each as the program that its documentation says it is.

A class here is read as a class of the program is, where the program makes it; its nodes stand at that line.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.networks.datasets import DATA
from backprop_cli.tasks.importing.state.machine import Returned
from backprop_cli.tasks.importing.state.objects import WRITTEN, Frame
from backprop_cli.tasks.importing.state.values import Builtin, Library, Unknown

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

TORCH: Final = DATA + '''
class MultiheadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False,
                 kdim=None, vdim=None, batch_first=False, device=None, dtype=None):
        if add_bias_kv or add_zero_attn or kdim not in (None, embed_dim) or vdim not in (None, embed_dim):
            unread("MultiheadAttention with add_bias_kv, add_zero_attn, kdim or vdim")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.batch_first = batch_first
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * embed_dim, embed_dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dim)) if bias else None
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def heads(self, x, part):
        E, b = self.embed_dim, self.in_proj_bias
        y = F.linear(x, self.in_proj_weight[part * E:(part + 1) * E], None if b is None else b[part * E:(part + 1) * E])
        return y.reshape(*y.shape[:-1], self.num_heads, self.head_dim).transpose(-3, -2)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False):
        turned = query.dim() == 3 and not self.batch_first
        if turned:
            query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
        q, k, v = self.heads(query, 0), self.heads(key, 1), self.heads(value, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if attn_mask is not None:
            if attn_mask.dim() == 3:
                attn_mask = attn_mask.reshape(*scores.shape)
            scores = scores.masked_fill(attn_mask, -math.inf) if is_mask(attn_mask) else scores + attn_mask
        if key_padding_mask is not None:
            m = key_padding_mask[..., None, None, :]
            scores = scores.masked_fill(m, -math.inf) if is_mask(m) else scores + m
        weights = F.softmax(scores, dim=-1)
        out = (self.dropout(weights) @ v).transpose(-3, -2)
        out = self.out_proj(out.reshape(*out.shape[:-2], self.embed_dim))
        if turned:
            out = out.transpose(0, 1)
        if not need_weights:
            return out, None
        return out, weights.mean(dim=-3) if average_attn_weights else weights


class TransformerEncoderLayer(nn.Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        self.self_attn = nn.MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.linear1 = nn.Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias=bias)
        self.norm1 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm_first = norm_first
        self.activation = {"relu": F.relu, "gelu": F.gelu}.get(activation, activation)

    def attended(self, x, mask, padding):
        return self.dropout(self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False)[0])

    def fed(self, x):
        return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        if self.norm_first:
            x = src + self.attended(self.norm1(src), src_mask, src_key_padding_mask)
            return x + self.fed(self.norm2(x))
        x = self.norm1(src + self.attended(src, src_mask, src_key_padding_mask))
        return self.norm2(x + self.fed(x))


class TransformerDecoderLayer(nn.Module):
    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation="relu", layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):
        self.self_attn = nn.MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.multihead_attn = nn.MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first)
        self.linear1 = nn.Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(dim_feedforward, d_model, bias=bias)
        self.norm1 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm2 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm3 = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias)
        self.norm_first = norm_first
        self.activation = {"relu": F.relu, "gelu": F.gelu}.get(activation, activation)

    def fed(self, x):
        return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))

    def attended(self, part, x, y, mask, padding):
        return self.dropout(part(x, y, y, attn_mask=mask, key_padding_mask=padding, need_weights=False)[0])

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):
        first = self.norm1(tgt) if self.norm_first else tgt
        x = tgt + self.attended(self.self_attn, first, first, tgt_mask, tgt_key_padding_mask)
        x = x if self.norm_first else self.norm1(x)
        second = self.norm2(x) if self.norm_first else x
        x = x + self.attended(self.multihead_attn, second, memory, memory_mask, memory_key_padding_mask)
        x = x if self.norm_first else self.norm2(x)
        return x + self.fed(self.norm3(x)) if self.norm_first else self.norm3(x + self.fed(x))


class TransformerEncoder(nn.Module):
    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        self.layers = nn.ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.norm = norm

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(nn.Module):
    def __init__(self, decoder_layer, num_layers, norm=None):
        self.layers = nn.ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None):
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask)
        return tgt if self.norm is None else self.norm(tgt)


class Categorical(Distribution):
    def __init__(self, probs=None, logits=None, validate_args=None):
        self.log_probs = F.log_softmax(logits, -1) if probs is None else (probs / probs.sum(-1, keepdim=True)).log()

    def log_prob(self, value):
        return self.log_probs.gather(-1, value.unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        return -(self.log_probs.exp() * self.log_probs).sum(-1)


class Normal(Distribution):
    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = loc, scale

    def log_prob(self, value):
        return -((value - self.loc) ** 2) / (2 * self.scale ** 2) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class Bernoulli(Distribution):
    def __init__(self, probs=None, logits=None, validate_args=None):
        self.probs, self.logits = probs, logits

    def log_prob(self, value):
        if self.probs is None:
            return -F.binary_cross_entropy_with_logits(self.logits, value, reduction="none")
        return -F.binary_cross_entropy(self.probs, value, reduction="none")


class MultivariateNormal(Distribution):
    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if precision_matrix is not None:
            unread("MultivariateNormal with precision_matrix")
        self.loc = loc
        self.covariance = scale_tril @ scale_tril.mT if covariance_matrix is None else covariance_matrix

    def log_prob(self, value):
        away = value - self.loc
        far = ((away @ torch.linalg.inv(self.covariance)) * away).sum(-1)
        return -0.5 * (far + torch.logdet(self.covariance) + self.loc.shape[-1] * math.log(2 * math.pi))

    def entropy(self):
        return 0.5 * (self.loc.shape[-1] * (1 + math.log(2 * math.pi)) + torch.logdet(self.covariance))


def kl_divergence(p, q):
    if hasattr(p, "loc") and hasattr(q, "loc"):
        return (q.scale / p.scale).log() + (p.scale ** 2 + (p.loc - q.loc) ** 2) / (2 * q.scale ** 2) - 0.5
    if not hasattr(p, "log_probs") or not hasattr(q, "log_probs"):
        unread("kl_divergence of these")
    return (p.log_probs.exp() * (p.log_probs - q.log_probs)).sum(-1)


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    longest, rows = max([len(one) for one in sequences]), []
    for one in sequences:
        fill = torch.full((longest - len(one), *one.shape[1:]), padding_value, dtype=one.dtype)
        whole = [one, fill] if padding_side == "right" else [fill, one]
        rows.append(torch.cat(whole) if len(one) < longest else one)
    return torch.stack(rows, 0 if batch_first else 1)


class EmbeddingBag(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
                 mode="mean", sparse=False, _weight=None, include_last_offset=False, padding_idx=None):
        if max_norm is not None or scale_grad_by_freq or _weight is not None or padding_idx is not None:
            unread("EmbeddingBag with max_norm, scale_grad_by_freq, _weight or padding_idx")
        self.weight = nn.Parameter(torch.randn(num_embeddings, embedding_dim))
        self.mode, self.last = mode, include_last_offset

    def bag(self, rows, weights):
        if weights is not None:
            rows = rows * weights[:, None]
        return rows.max(dim=0)[0] if self.mode == "max" else getattr(rows, self.mode)(dim=0)

    def forward(self, input, offsets=None, per_sample_weights=None):
        if offsets is None:
            bags = [(row, None if per_sample_weights is None else per_sample_weights[i]) for i, row in enumerate(input)]
        else:
            starts = [int(start) for start in offsets]
            ends = [*starts[1:]] if self.last else [*starts[1:], len(input)]
            bags = [(input[a:b], None if per_sample_weights is None else per_sample_weights[a:b])
                    for a, b in zip(starts, ends)]
        return torch.stack([self.bag(F.embedding(one, self.weight), weights) for one, weights in bags])
'''


@cache
def _definitions(source: str) -> dict[str, str]:
    made = ast.ClassDef | ast.FunctionDef
    return {one.name: ast.unparse(one) for one in ast.parse(source).body if isinstance(one, made)}


def is_written(source: str, name: str) -> bool:
    """Whether a layer, or a function, is written out here."""
    return f"\nclass {name}(" in source or f"\ndef {name}(" in source


def definition_of(machine: Machine, source: str, name: str, names: Mapping[str, object], node: ast.AST) -> Any:
    """A layer's class, or a function, all of whose lines stand where the program uses it."""
    tree = ast.parse(_definitions(source)[name])
    for part in ast.walk(tree):
        for slot in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(part, slot) and hasattr(node, slot):
                setattr(part, slot, getattr(node, slot))
    frame = Frame(names=dict(names))
    with machine.within(frame, node):
        machine.run(tree.body)
    return frame.names[name]


def refused(machine: Machine, message: str, node: ast.AST) -> None:
    """What is made here is not read: a layer's `__init__` ends with that."""
    raise Returned(Unknown(machine.record.unread(node, message, "write its forward pass out").error))


def _unread(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    refused(machine, f"nn.{given[0]} is not read", node)


def _noted(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    machine.record.note(node, str(given[0]))


def _is_mask(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    return given[0].kind == "bool"


TORCH_NAMES: Final = {
    "torch": Library("torch"), "nn": Library("torch.nn"), "F": Library("torch.nn.functional"), "math": Library("math"),
    "copy": Library("copy"), "unread": Builtin("unread", _unread), "is_mask": Builtin("is_mask", _is_mask),
    "Distribution": Library("torch.distributions.Distribution"), "Dataset": Library("torch.utils.data.Dataset"),
    "note": Builtin("note", _noted), WRITTEN: True,
}  # fmt: skip
