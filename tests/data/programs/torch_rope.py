import torch
torch.manual_seed(0)
def precompute_freqs_cis(dim, end, theta=10000.0):
    freqs = 1.0 / (theta ** (torch.arange(0, dim, 2)[: (dim // 2)].float() / dim))
    t = torch.arange(end)
    freqs = torch.outer(t, freqs).float()
    return torch.cos(freqs), torch.sin(freqs)
def apply_rope(x, cos, sin):
    x1, x2 = x[..., 0::2], x[..., 1::2]
    out = torch.stack([x1 * cos - x2 * sin, x1 * sin + x2 * cos], dim=-1)
    return out.flatten(-2)
q = torch.randn(2, 5, 4, requires_grad=True)
k = torch.randn(2, 5, 4, requires_grad=True)
cos, sin = precompute_freqs_cis(4, 5)
s = apply_rope(q, cos, sin) @ apply_rope(k, cos, sin).transpose(-1, -2)
loss = s.softmax(-1).square().sum()
loss.backward()
