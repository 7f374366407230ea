import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(3)
class Block(nn.Module):
    def __init__(self, dim, heads, mlp_ratio=2):
        super().__init__()
        self.ln1 = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads)
        self.ln2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_ratio * dim), nn.GELU(), nn.Linear(mlp_ratio * dim, dim))
    def forward(self, x):
        h = self.ln1(x)
        mask = torch.triu(torch.ones(x.size(0), x.size(0)), diagonal=1).bool()
        a, _ = self.attn(h, h, h, attn_mask=mask, need_weights=False)
        x = x + a
        x = x + self.mlp(self.ln2(x))
        return x
blk = Block(6, 3)
x = torch.randn(4, 2, 6)
y = blk(x)
loss = y.mean()
loss = (y ** 2).mean()
loss.backward()
