import torch
torch.manual_seed(0)
w = torch.randn(4, 3, requires_grad=True)
v = torch.randn(2, 3, requires_grad=True)
x = w * 2
x[torch.tensor([0, 2])] = v ** 2
x[[1, 3], [0, 2]] = 5.0
x[torch.tensor([3, 1]), torch.tensor([1, 1])] *= 3
y = torch.zeros(4)
y[[0, 3]] = x.sum(1)[[1, 2]]
loss = (x ** 2).sum() + (y ** 3).sum()
loss.backward()
