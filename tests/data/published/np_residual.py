import numpy as np
np.random.seed(1)
W = np.random.randn(3, 3) * 0.3
x0 = np.random.randn(3)
acc = np.zeros(3)
x = x0
for i in range(4):
    acc = acc + W @ x
    y = np.sum(acc ** 2)
loss = y
a = 4 * (W @ x0)
dW = np.outer(2 * a * 4, x0)
dx0 = W.T @ (8 * a)
