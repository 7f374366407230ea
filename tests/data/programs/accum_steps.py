import torch
import torch.nn as nn
torch.manual_seed(0)
model = nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
data = torch.randn(4, 2); target = torch.randn(4, 1)
accumulation_steps = 2
opt.zero_grad()
for i in range(2):
    xb, yb = data[2*i:2*i+2], target[2*i:2*i+2]
    loss = nn.functional.mse_loss(model(xb), yb) / accumulation_steps
    loss.backward()
