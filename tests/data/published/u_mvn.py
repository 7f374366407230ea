import torch
from torch.distributions import MultivariateNormal
torch.manual_seed(2)
loc = torch.zeros(3, requires_grad=True)
L = torch.tensor([[1.0, 0., 0.], [0.3, 0.8, 0.], [-0.2, 0.1, 1.2]], requires_grad=True)
x = torch.randn(5, 3)
d = MultivariateNormal(loc, scale_tril=torch.tril(L))
q = MultivariateNormal(loc, covariance_matrix=L @ L.T + torch.eye(3))
loss = -d.log_prob(x).mean() - q.log_prob(x).sum() + 0.1 * q.entropy()
loss.backward()
