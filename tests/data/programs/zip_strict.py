import torch
import itertools
xs = [torch.tensor(float(i), requires_grad=True) for i in range(1, 4)]
s = 0
for a, b in itertools.combinations(xs, 2):
    s = s + a * b
for i, j in itertools.product(range(2), repeat=2):
    s = s + xs[i] ** (j + 1)
s.backward()
