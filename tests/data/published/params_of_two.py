import torch
import torch.nn as nn
torch.manual_seed(0)
rnn = nn.GRU(3, 4, batch_first=True)
head = nn.Linear(4, 1)
x = torch.randn(2, 3, 3)
y = torch.randn(2, 1)
out, h = rnn(x)
pred = head(out[:, -1, :])
loss = ((pred - y) ** 2).mean()
params = list(rnn.parameters()) + list(head.parameters())
l2 = 0
for p in params:
    l2 = l2 + (p ** 2).sum()
loss = loss + 0.5 * 1e-2 * l2
loss.backward()
