import torch
x = torch.tensor([[0.5, 2.7, -1.3], [1., -2., 3.]], requires_grad=True)
m = x > 0
n = m.sum()
y = (x * m).sum() / n + x[m].mean() + (x.masked_fill(~m, 0.) ** 2).sum() + torch.where(m & (x < 2), x ** 3, torch.zeros_like(x)).sum()
y.backward()
