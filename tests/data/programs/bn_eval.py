import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU())
net.eval()
x = torch.randn(4, 3)
net(x).pow(2).sum().backward()
