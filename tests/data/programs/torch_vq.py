import torch
import torch.nn.functional as F
torch.manual_seed(0)
codebook = torch.randn(4, 2, requires_grad=True)
z = torch.randn(5, 2, requires_grad=True)
d = torch.sum(z ** 2, dim=1, keepdim=True) + torch.sum(codebook ** 2, dim=1) - 2 * z @ codebook.t()
idx = torch.argmin(d, dim=1)
zq = codebook[idx]
loss = F.mse_loss(zq.detach(), z) * 0.25 + F.mse_loss(zq, z.detach())
zq = z + (zq - z).detach()
loss = loss + zq.sin().sum()
loss.backward()
