"""Functions that PyTorch has in another form: exported scripts carry the source of those that they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def mask(condition: Any) -> Any:
    """True and false as 1 and 0."""
    return torch.as_tensor(condition).to(torch.get_default_dtype())


def huber(x: Any, delta: Any = 1) -> Any:
    """x²/2 where |x| <= delta, delta·(|x| - delta/2) elsewhere."""
    return torch.where(x.abs() <= delta, x * x / 2, delta * (x.abs() - delta / 2))


def bce_logits(z: Any, t: Any) -> Any:
    """Binary cross-entropy of a logit."""
    return torch.logaddexp(z, torch.zeros_like(z)) - t * z


def bce_probabilities(p: Any, t: Any) -> Any:
    """Binary cross-entropy of a probability, its logarithms at least -100."""
    return -(t * torch.log(p).clamp(min=-100) + (1 - t) * torch.log1p(-p).clamp(min=-100))


def gaussian_nll(mean: Any, target: Any, var: Any, eps: Any = 1e-6) -> Any:
    """(log var + (mean - target)²/var)/2; the gradient passes the bound on the variance."""
    v = var + (var.clamp(min=eps) - var).detach()
    return (torch.log(v) + (mean - target) ** 2 / v) / 2


def standardize(x: Any, axis: Any = -1, eps: Any = 1e-5) -> Any:
    """(x - mean)/√(var + eps)."""
    var = torch.var(x, dim=axis, correction=0, keepdim=True)
    return (x - torch.mean(x, dim=axis, keepdim=True)) / torch.sqrt(var + eps)
