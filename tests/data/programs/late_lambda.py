import torch
x = torch.tensor([0.5, -1.0], requires_grad=True)
fs = []
for k in [1., 2., 3.]:
    fs.append(lambda z: z * k)
y = sum(f(x) for f in fs)
y.sum().backward()
