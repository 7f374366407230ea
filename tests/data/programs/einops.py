import torch
from torch import nn
from einops import rearrange, repeat, reduce
torch.manual_seed(0)

class Attention(nn.Module):
    def __init__(self, dim, heads = 2, dim_head = 4):
        super().__init__()
        inner_dim = dim_head * heads
        self.heads = heads
        self.scale = dim_head ** -0.5
        self.to_qkv = nn.Linear(dim, inner_dim * 3, bias = False)
        self.to_out = nn.Linear(inner_dim, dim)

    def forward(self, x):
        qkv = self.to_qkv(x).chunk(3, dim = -1)
        q, k, v = map(lambda t: rearrange(t, 'b n (h d) -> b h n d', h = self.heads), qkv)
        dots = torch.matmul(q, k.transpose(-1, -2)) * self.scale
        attn = dots.softmax(dim=-1)
        out = torch.matmul(attn, v)
        out = rearrange(out, 'b h n d -> b n (h d)')
        return self.to_out(out)

img = torch.randn(2, 1, 4, 4)
patches = rearrange(img, 'b c (h p1) (w p2) -> b (h w) (p1 p2 c)', p1=2, p2=2)
cls = nn.Parameter(torch.randn(1, 1, 4))
cls_tokens = repeat(cls, '1 1 d -> b 1 d', b=patches.shape[0])
x = torch.cat((cls_tokens, patches), dim=1)
attn = Attention(4)
x = attn(x) + x
pooled = reduce(x, 'b n d -> b d', 'mean')
loss = (pooled ** 2).sum()
loss.backward()
