import torch
x = torch.tensor(0.7, requires_grad=True)
y = x * 2
if 0 < y < 1:
    z = y ** 2
else:
    z = y ** 3
z.backward()
