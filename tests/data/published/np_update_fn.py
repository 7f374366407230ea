import numpy as np
def init_params(n_x, n_h, n_y):
    np.random.seed(2)
    return {"Wa": np.random.randn(n_h, n_x) * 0.1, "ba": np.zeros((n_h, 1)),
            "Wy": np.random.randn(n_y, n_h) * 0.1, "by": np.zeros((n_y, 1))}
def forward(X, p):
    A = np.tanh(p["Wa"] @ X + p["ba"])
    Yh = 1 / (1 + np.exp(-(p["Wy"] @ A + p["by"])))
    return Yh, {"A": A, "Yh": Yh}
def backward(p, c, X, Y):
    m = X.shape[1]
    dZ2 = c["Yh"] - Y
    dZ1 = p["Wy"].T @ dZ2 * (1 - c["A"] ** 2)
    return {"Wa": dZ1 @ X.T / m, "ba": dZ1.sum(axis=1, keepdims=True) / m,
            "Wy": dZ2 @ c["A"].T / m, "by": dZ2.sum(axis=1, keepdims=True) / m}
def update(p, g, learning_rate=1.2):
    return {k: p[k] - learning_rate * g[k] for k in p}
def model(X, Y, n_h, num_iterations=100):
    p = init_params(X.shape[0], n_h, Y.shape[0])
    for i in range(num_iterations):
        Yh, cache = forward(X, p)
        cost = -np.mean(Y * np.log(Yh) + (1 - Y) * np.log(1 - Yh))
        grads = backward(p, cache, X, Y)
        p = update(p, grads)
    return p, grads, cost
X = np.random.RandomState(0).randn(2, 9)
Y = (X[:1] * X[1:] > 0) * 1.0
num_iterations = 10
p, grads, cost = model(X, Y, 4, num_iterations)
