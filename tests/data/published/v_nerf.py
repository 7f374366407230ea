import torch
import torch.nn as nn
torch.manual_seed(1)
class Embedder:
    def __init__(self, L):
        self.fns = [lambda x: x]
        for f in 2. ** torch.linspace(0., L - 1, steps=L):
            for p_fn in [torch.sin, torch.cos]:
                self.fns.append(lambda x, p_fn=p_fn, f=f: p_fn(x * f))
    def embed(self, x):
        return torch.cat([fn(x) for fn in self.fns], -1)
emb = Embedder(2)
mlp = nn.Sequential(nn.Linear(15, 8), nn.ReLU(), nn.Linear(8, 4))
pts = torch.rand(5, 3)
raw = mlp(emb.embed(pts))
z = torch.linspace(2., 6., 5)
dists = torch.cat([z[1:] - z[:-1], torch.tensor([1e10])])
alpha = 1. - torch.exp(-nn.functional.softplus(raw[..., 3]) * dists)
T = torch.cumprod(torch.cat([torch.ones(1), 1. - alpha + 1e-10], -1), -1)[:-1]
weights = alpha * T
rgb = torch.sum(weights[..., None] * torch.sigmoid(raw[..., :3]), -2)
loss = ((rgb - torch.tensor([0.2, 0.5, 0.8])) ** 2).mean()
loss.backward()
