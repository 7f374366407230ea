import torch
import torch.nn as nn
torch.manual_seed(0)
T = 10
betas = torch.linspace(1e-4, 0.02, T)
alphas = 1. - betas
alphas_bar = torch.cumprod(alphas, dim=0)
def extract(v, t, x_shape):
    out = torch.gather(v, index=t, dim=0).float()
    return out.view([t.shape[0]] + [1] * (len(x_shape) - 1))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Embedding(T, 3)
        self.lin = nn.Linear(3, 3)
    def forward(self, x, t):
        return self.lin(x * torch.sigmoid(self.time(t)))
net = Net()
x0 = torch.randn(4, 3)
t = torch.tensor([0, 3, 9, 5])
noise = torch.randn_like(x0)
x_t = extract(torch.sqrt(alphas_bar), t, x0.shape) * x0 + extract(torch.sqrt(1. - alphas_bar), t, x0.shape) * noise
loss = nn.functional.mse_loss(net(x_t, t), noise, reduction='none')
loss = loss.mean(dim=list(range(1, len(loss.shape)))).mean()
loss.backward()
