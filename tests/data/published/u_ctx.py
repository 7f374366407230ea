import torch
from contextlib import contextmanager
import time
torch.manual_seed(1)
@contextmanager
def timer(name):
    t0 = time.time()
    yield
    print(f'[{name}] {time.time() - t0:.3f}s')
@contextmanager
def scaled(w, s):
    yield w * s
w = torch.randn(3, requires_grad=True)
with timer('forward'):
    y = (w ** 2).sum()
with scaled(w, 3.0) as v:
    y = y + v.sum()
with timer('backward'):
    y.backward()
