import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
grads = {}
def hook(module, grad_input, grad_output):
    grads['h'] = grad_output[0]
net[1].register_full_backward_hook(hook)
x = torch.randn(4, 2)
net(x).sum().backward()
