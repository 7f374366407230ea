import torch
import torch.nn as nn
torch.manual_seed(1)
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
net[0].register_forward_hook(lambda m, i, o: o * 2)
net[2].register_forward_pre_hook(lambda m, args: (args[0] + 1,))
x = torch.randn(5, 3)
loss = net(x).pow(2).mean()
loss.backward()
