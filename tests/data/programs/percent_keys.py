import numpy as np
np.random.seed(1)
p = {}
dims = [3, 4, 2]
for l in range(1, len(dims)):
    p['W%d' % l] = np.random.randn(dims[l-1], dims[l]) * 0.3
    p['b%d' % l] = np.zeros(dims[l])
x = np.random.randn(5, 3)
h = np.tanh(x @ p['W%d' % 1] + p['b%d' % 1])
o = h @ p['W%d' % 2] + p['b%d' % 2]
loss = (o ** 2).mean()
do = 2 * o / o.size
dW2 = h.T @ do
dh = do @ p['W2'].T * (1 - h**2)
dW1 = x.T @ dh
