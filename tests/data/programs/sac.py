import torch
import torch.nn as nn
from torch.distributions import Normal
import copy
torch.manual_seed(0)
class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.mean = nn.Linear(4, 2)
        self.log_std = nn.Linear(4, 2)
    def forward(self, s):
        h = torch.relu(self.fc(s))
        return self.mean(h), torch.clamp(self.log_std(h), -20, 2)
    def sample(self, s, eps):
        mean, log_std = self(s)
        std = log_std.exp()
        normal = Normal(mean, std)
        x_t = mean + std * eps
        y_t = torch.tanh(x_t)
        log_prob = normal.log_prob(x_t) - torch.log(1 - y_t.pow(2) + 1e-6)
        return y_t, log_prob.sum(1, keepdim=True)
actor = Actor()
q1 = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))
q2 = copy.deepcopy(q1)
for p in q1.parameters(): p.requires_grad_(False)
for p in q2.parameters(): p.requires_grad_(False)
s = torch.randn(5, 3); eps = torch.randn(5, 2)
a, logp = actor.sample(s, eps)
sa = torch.cat([s, a], dim=-1)
q = torch.min(q1(sa), q2(sa))
actor_loss = (0.2 * logp - q).mean()
actor_loss.backward()
for p, tp in zip(q1.parameters(), q2.parameters()):
    tp.data.copy_(0.005 * p.data + 0.995 * tp.data)
