import numpy as np
np.random.seed(1)
p = {}
dims = [3, 4, 2]
for l in range(1, len(dims)):
    p['W{}'.format(l)] = np.random.randn(dims[l-1], dims[l]) * 0.3
x = np.random.randn(5, 3)
a = x
acts = []
for l in range(1, 3):
    a = np.tanh(a @ p['W{:d}'.format(l)])
    acts.append(a)
loss = (a ** 2).sum()
d = 2 * a * (1 - a**2)
dW2 = acts[0].T @ d
dW1 = x.T @ (d @ p['W2'].T * (1 - acts[0]**2))
