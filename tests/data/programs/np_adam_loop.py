import numpy as np
rng = np.random.default_rng(7)
X = rng.normal(size=(8, 3)); true_w = np.array([1., -2., .5]); y = X @ true_w + .1 * rng.normal(size=8)
w = np.zeros(3); b = 0.0
m, v = np.zeros(3), np.zeros(3)
beta1, beta2, eps, lr = .9, .999, 1e-8, .1
for t in range(1, 2):
    pred = X @ w + b
    err = pred - y
    loss = (err ** 2).mean()
    gw = 2 * X.T @ err / len(y)
    gb = 2 * err.mean()
    m = beta1 * m + (1 - beta1) * gw
    v = beta2 * v + (1 - beta2) * gw ** 2
    mhat, vhat = m / (1 - beta1 ** t), v / (1 - beta2 ** t)
    w -= lr * mhat / (np.sqrt(vhat) + eps)
    b -= lr * gb
