import torch
a = torch.tensor(2., requires_grad=True)
b = torch.tensor(3., requires_grad=True)
c = a * b
d = c + a
d.backward(retain_graph=True)
e = c * c
e.backward()
