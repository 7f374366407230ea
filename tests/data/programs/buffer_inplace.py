import torch
torch.manual_seed(0)
w = torch.randn(3, requires_grad=True)
x = torch.randn(5, 3)
mean = torch.zeros(3)
with torch.no_grad():
    mean.add_(x.mean(0))
    mean.mul_(2.0)
loss = (((x - mean) * w) ** 2).sum()
loss.backward()
