import numpy as np
rs = np.random.RandomState(3)
x = np.linspace(-2, 2, 9)
t = np.sin(2 * x)
centers = rs.uniform(-2, 2, 4)
weights = rs.randn(4)
gamma = 2.0
epochs = 50
for epoch in range(epochs):
    diff = x[:, None] - centers[None, :]
    phi = np.exp(-gamma * diff ** 2)
    pred = phi @ weights
    err = pred - t
    loss = 0.5 * np.mean(err ** 2)
    gw = phi.T @ err / len(x)
    gc = ((err[:, None] * weights) * phi * 2 * gamma * diff).mean(axis=0)
    weights, centers = weights - 0.1 * gw, centers - 0.1 * gc
