import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import weight_norm
torch.manual_seed(0)
net = nn.Sequential(weight_norm(nn.Linear(3, 4)), nn.Tanh(), nn.Linear(4, 1))
x = torch.randn(4, 3)
net(x).pow(2).sum().backward()
