import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import grad, value_and_grad
from autograd.scipy.special import logsumexp
import autograd.scipy.stats.norm as norm
def unpack(params):
    means, log_std = params['means'], params['log_std']
    return means, np.exp(log_std)
def loglik(params, data):
    means, std = unpack(params)
    lp = norm.logpdf(data[:, None], means[None, :], std[None, :])
    return np.sum(logsumexp(params['log_w'] - logsumexp(params['log_w']) + lp, axis=1))
data = np.array([0.1, 0.5, -1.2, 2.3, 1.9])
params = {'means': np.array([0.0, 2.0]), 'log_std': np.array([0.1, -0.2]), 'log_w': np.array([0.3, -0.3])}
objective = lambda p: -loglik(p, data)
g = grad(objective)(params)
print(g)
