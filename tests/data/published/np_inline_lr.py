import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(20, 3))
y = (X[:, 0] - X[:, 1] > 0).astype(float)
w = np.zeros(3)
b = 0.0
lr = 0.1
epochs = 200
for epoch in range(epochs):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    w -= lr * X.T @ (p - y) / len(y)
    b -= lr * np.mean(p - y)
