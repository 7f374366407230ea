import torch
from contextlib import contextmanager
torch.manual_seed(1)
class Ema:
    def __init__(self, w):
        self.w = w
        self.scale = 1.0
    @contextmanager
    def doubled(self, by=2.0):
        old = self.scale
        self.scale = by
        try:
            yield self
        finally:
            self.scale = old
    def __call__(self, x):
        return (self.w * x).sum() * self.scale
w = torch.randn(3, requires_grad=True)
m = Ema(w)
x = torch.randn(3)
with m.doubled(3.0) as inner:
    a = inner(x) ** 2
b = m(x) ** 2
(a + b).backward()
