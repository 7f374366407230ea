import torch
import torch.nn as nn
from torch.func import functional_call, grad, vmap
torch.manual_seed(0)
net = nn.Linear(2, 1)
params = dict(net.named_parameters())
x, y = torch.randn(3, 2), torch.randn(3, 1)
def loss_fn(params, x, y):
    pred = functional_call(net, params, (x,))
    return ((pred - y) ** 2).mean()
loss = loss_fn(params, x, y)
loss.backward()
