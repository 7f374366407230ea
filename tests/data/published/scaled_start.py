import torch
torch.manual_seed(0)
W = torch.randn(3, 2, requires_grad=True)
b = torch.zeros(2, requires_grad=True)
with torch.no_grad():
    W *= 0.1
    b.fill_(0.5)
x = torch.randn(4, 3)
loss = (torch.tanh(x @ W + b) ** 2).sum()
loss.backward()
