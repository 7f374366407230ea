import torch
from torch import nn
torch.manual_seed(1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 5)
        self.fc2 = nn.Linear(5, 3)
    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))
net = Net()
x = torch.randn(7, 4)
y = torch.tensor([0, 2, 1, 1, 0, 2, 2])
loss_fn = nn.CrossEntropyLoss()
reg = 0.
for name, param in net.named_parameters():
    if 'weight' in name:
        reg += torch.norm(param, 1)
loss = loss_fn(net(x), y) + 1e-3 * reg
loss.backward()
