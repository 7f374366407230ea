import torch
import torch.nn as nn
torch.manual_seed(5)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 3)
        self.norm = nn.LayerNorm(3)
        self.apply(self._init_weights)
        for n, p in self.named_parameters():
            if n.endswith('b.weight'):
                nn.init.xavier_uniform_(p)
    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.2)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            module.bias.data.zero_()
            module.weight.data.fill_(1.0)
    def forward(self, x):
        return self.norm(self.b(torch.relu(self.a(x))))
net = Net()
x = torch.randn(3, 4)
loss = net(x).pow(3).sum()
loss.backward()
