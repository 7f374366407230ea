import autograd.numpy as np
from autograd import elementwise_grad as egrad
def tanh(x):
    return (1.0 - np.exp(-2 * x)) / (1.0 + np.exp(-2 * x))
x = np.linspace(-2, 2, 5)
d = egrad(tanh)(x)
