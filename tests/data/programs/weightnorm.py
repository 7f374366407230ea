import torch
import torch.nn as nn
from torch.nn.utils import weight_norm
torch.manual_seed(0)
lin = weight_norm(nn.Linear(3, 2), name='weight')
x = torch.randn(4, 3)
lin(x).pow(2).sum().backward()
