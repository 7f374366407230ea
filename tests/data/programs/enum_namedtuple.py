from collections import namedtuple
from typing import NamedTuple
import torch
Batch = namedtuple('Batch', ['x', 'y'])
class Hyper(NamedTuple):
    lr: float = 0.1
    reg: float = 0.5
b = Batch(x=torch.tensor([[1., 2.], [3., 4.]]), y=torch.tensor([1., 0.]))
hp = Hyper(reg=0.25)
w = torch.tensor([0.1, -0.2], requires_grad=True)
x, y = b
loss = torch.mean((b.x @ w - y) ** 2) + hp.reg * w.pow(2).sum()
loss.backward()
