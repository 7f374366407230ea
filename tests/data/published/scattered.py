import torch
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
s = torch.tensor([7.0, 8.0, 9.0], requires_grad=True)
mask = torch.tensor([[True, False], [False, True]])
y = x.masked_scatter(mask, s)
loss = (y ** 3).sum()
loss.backward()
