import torch
import torch.nn as nn
torch.manual_seed(0)
class Base(nn.Module):
    scale = 2.0
    def __init__(self, dim, **kwargs):
        super().__init__()
        self.dim = dim
        self.opts = dict(act='relu', **kwargs)
        self.lin = nn.Linear(dim, dim)
    def forward(self, x):
        return getattr(torch, self.opts['act'])(self.lin(x)) * self.scale
class Child(Base):
    scale = 3.0
    def __init__(self, *args, gain=1.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.gain = gain
    def forward(self, x):
        y = super().forward(x)
        return y * self.gain + x
net = Child(3, gain=0.5, bias=True)
x = torch.randn(2, 3)
net(x).sum().backward()
