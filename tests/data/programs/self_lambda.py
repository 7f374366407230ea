import torch, torch.nn as nn
torch.manual_seed(0)
class Res(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, x, *args, **kw):
        return x + self.f(x, *args, **kw)
class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn
    def forward(self, x, **kwargs):
        return self.fn(self.norm(x), **kwargs)
net = nn.Sequential(*[Res(PreNorm(4, nn.Linear(4, 4))) for _ in range(2)])
x = torch.randn(3, 4)
net(x).square().mean().backward()
