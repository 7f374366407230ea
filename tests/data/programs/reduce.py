from functools import reduce
import operator
import torch
xs = [torch.tensor(float(i), requires_grad=True) for i in range(1, 4)]
p = reduce(lambda a, b: a * b, xs)
q = reduce(operator.add, xs, torch.tensor(0.))
(p + q ** 2).backward()
