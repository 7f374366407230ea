import torch
from einops import rearrange, reduce, repeat, einsum
from einops.layers.torch import Rearrange
from torch import nn
torch.manual_seed(0)
x = torch.randn(2, 3, 4, 4, requires_grad=True)
a = reduce(x, 'b c (h 2) (w 2) -> b c h w', 'max')
b = rearrange(x, 'b c h w -> b (h w) c')
c = repeat(b.mean(1), 'b c -> b c k', k=3)
d = einsum(b, b, 'b i c, b j c -> b i j')
net = nn.Sequential(Rearrange('b c (h p) (w q) -> b (h w) (p q c)', p=2, q=2), nn.Linear(12, 2))
l = a.sum() + (b ** 2).mean() + c.sin().sum() + 0.01 * d.sum() + net(x).pow(2).sum()
e = rearrange([x[0], x[1]], 'b c h w -> (b c) h w')
l = l + reduce(e, 'n ... -> ...', 'mean').sum()
l.backward()
