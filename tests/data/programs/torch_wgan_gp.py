import torch
import torch.nn as nn
torch.manual_seed(0)
D = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))
real, fake = torch.randn(3, 2), torch.randn(3, 2)
eps = torch.rand(3, 1)
inter = (eps * real + (1 - eps) * fake).requires_grad_(True)
d_inter = D(inter)
grads = torch.autograd.grad(outputs=d_inter, inputs=inter, grad_outputs=torch.ones_like(d_inter), create_graph=True, retain_graph=True, only_inputs=True)[0]
gp = ((grads.view(grads.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()
loss = D(fake).mean() - D(real).mean() + 10 * gp
loss.backward()
