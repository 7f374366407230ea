import torch
import torch.nn as nn

class EMAScale(nn.Module):
    def __init__(self, dim, momentum=0.1):
        super().__init__()
        self.register_buffer('running', torch.ones(dim))
        self.register_parameter('gain', nn.Parameter(torch.full((dim,), 1.5)))
        self.momentum = momentum

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running.mul_(1 - self.momentum).add_(self.momentum * x.abs().mean(0))
        return x / self.running * self.gain

torch.manual_seed(7)
net = nn.Sequential(nn.Linear(3, 4), EMAScale(4), nn.Tanh(), nn.Linear(4, 1))
x = torch.randn(6, 3)
target = torch.randn(6, 1)
activations = {}
def get_activation(name):
    def hook(module, inp, out):
        activations[name] = out.detach()
    return hook
net[0].register_forward_hook(get_activation('fc0'))
loss = nn.functional.mse_loss(net(x), target)
loss.backward()
print(activations['fc0'].shape)
for name, p in net.named_parameters():
    print(name, p.grad.norm())
