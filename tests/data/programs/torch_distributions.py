import torch
from torch.distributions import Normal, kl_divergence
torch.manual_seed(0)
mu = torch.tensor([0.3, -0.2], requires_grad=True)
log_std = torch.tensor([0.1, -0.4], requires_grad=True)
q = Normal(mu, log_std.exp())
p = Normal(torch.zeros(2), torch.ones(2))
kl = kl_divergence(q, p).sum()
x = torch.tensor([0.5, 0.7])
nll = -q.log_prob(x).sum()
loss = nll + 0.5 * kl
loss.backward()
print(mu.grad, log_std.grad)
