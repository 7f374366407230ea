import numpy as np
np.random.seed(0)
X = np.random.randn(5, 3)
T = np.random.randn(5, 2)
A = np.random.randn(3, 4)
c = np.zeros(4)
B = np.random.randn(4, 2)
layers = [A, c, B]
epochs = 10
for it in range(epochs):
    h = np.tanh(X @ A + c)
    out = h @ B
    loss = np.mean((out - T) ** 2)
    g_out = 2 * (out - T) / out.size
    gB = h.T @ g_out
    g_h = g_out @ B.T * (1 - h ** 2)
    gA = X.T @ g_h
    gc = g_h.sum(axis=0)
    for p, g in zip(layers, [gA, gc, gB]):
        p -= 0.1 * g
