import torch
x = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
idx = torch.tensor([[0, 2, 1], [1, 1, 0]])
y = torch.zeros(2, 3).scatter_add(1, idx, x)
z = torch.zeros(2, 4).scatter_(1, torch.tensor([[3], [0]]), 1.0)
loss = (y ** 2).sum() + (z[:, :3] * x).sum() + x.gather(1, idx).prod(dim=1).sum() + torch.index_select(x, 1, torch.tensor([2, 0])).sum()
loss.backward()
