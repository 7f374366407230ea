import torch
import torch.nn as nn
class PolyNet(nn.Module):
    def __init__(self, degree):
        super().__init__()
        self.coef = nn.ParameterList([nn.Parameter(torch.tensor(0.1 * (i + 1))) for i in range(degree + 1)])
        self.gates = nn.ParameterDict({'a': nn.Parameter(torch.ones(1)), 'b': nn.Parameter(torch.tensor([0.5]))})
    def forward(self, x):
        y = 0
        for i, c in enumerate(self.coef):
            y = y + c * x ** i
        return y * self.gates['a'] + self.gates['b']
    def string(self):
        return f'y = {self.coef[0].item()} + {self.coef[1].item()} x'
m = PolyNet(3)
x = torch.linspace(-1, 1, 5)
y = torch.sin(x)
criterion = torch.nn.MSELoss(reduction='sum')
loss = criterion(m(x), y)
loss.backward()
