"""Functions that PyTorch has in another form: exported scripts carry the source of those that they call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_cli.engine.ops.tensor import Axes

if TYPE_CHECKING:
    import torch


def mask(condition: torch.Tensor) -> torch.Tensor:
    """True and false as 1 and 0."""
    return torch.as_tensor(condition).to(torch.get_default_dtype())


def huber(x: torch.Tensor, delta: float = 1) -> torch.Tensor:
    """x²/2 where |x| <= delta, delta·(|x| - delta/2) elsewhere."""
    return torch.where(x.abs() <= delta, x * x / 2, delta * (x.abs() - delta / 2))


def bce_logits(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of a logit."""
    return torch.logaddexp(z, torch.zeros_like(z)) - t * z


def bce_probabilities(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of a probability, its logarithms at least -100."""
    return -(t * torch.log(p).clamp(min=-100) + (1 - t) * torch.log1p(-p).clamp(min=-100))


def gaussian_nll(mean: torch.Tensor, target: torch.Tensor, var: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    """(log var + (mean - target)²/var)/2; the gradient passes the bound on the variance."""
    v = var + (var.clamp(min=eps) - var).detach()
    return (torch.log(v) + (mean - target) ** 2 / v) / 2


def standardize(x: torch.Tensor, axis: Axes = -1, eps: float = 1e-5) -> torch.Tensor:
    """(x - mean)/√(var + eps)."""
    var = torch.var(x, dim=axis, correction=0, keepdim=True)
    return (x - torch.mean(x, dim=axis, keepdim=True)) / torch.sqrt(var + eps)


def masked_softmax(x: torch.Tensor, seen: torch.Tensor, axis: int = -1) -> torch.Tensor:
    """Softmax over the entries that the 0/1 mask shows; 0 where it hides, also where it hides all."""
    x, seen = torch.broadcast_tensors(x, seen)
    top = torch.where(seen != 0, x, -torch.inf).amax(axis, keepdim=True).detach()
    below = torch.where(seen != 0, x - torch.where(top > -torch.inf, top, 0.0), 0.0)
    weights = torch.where(seen != 0, torch.exp(below), 0.0)
    total = weights.sum(axis, keepdim=True)
    return weights / torch.where(total > 0, total, 1.0)
