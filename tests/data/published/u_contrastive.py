import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(1)
def nt_xent(z1, z2, temperature=0.5):
    N = z1.size(0)
    z = F.normalize(torch.cat([z1, z2], dim=0), dim=1)
    sim = z @ z.T / temperature
    sim.fill_diagonal_(float('-inf'))
    targets = torch.cat([torch.arange(N) + N, torch.arange(N)])
    return F.cross_entropy(sim, targets)
enc = nn.Linear(4, 3)
x1, x2 = torch.randn(3, 4), torch.randn(3, 4)
loss = nt_xent(enc(x1), enc(x2))
loss.backward()
