import torch
x = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
v = torch.tensor([5.0, 6.0], requires_grad=True)
y = torch.index_put(x, (torch.tensor([1, 3]),), v)
z = (y ** 2).sum()
z.backward()
