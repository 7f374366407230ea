import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
for name, p in net.named_parameters():
    if name.startswith('0'):
        p.requires_grad = False
x = torch.randn(4, 2)
net(x).pow(2).mean().backward()
