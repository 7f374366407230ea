import numpy as np
def f(x, w, b):
    return np.sum(np.maximum(0.01 * (x @ w + b), x @ w + b) ** 3)
def eval_numerical_gradient(f, x, h=1e-5):
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=['multi_index'], op_flags=['readwrite'])
    while not it.finished:
        ix = it.multi_index
        oldval = x[ix]
        x[ix] = oldval + h
        fxph = f(x)
        x[ix] = oldval - h
        fxmh = f(x)
        x[ix] = oldval
        grad[ix] = (fxph - fxmh) / (2 * h)
        it.iternext()
    return grad
rng = np.random.default_rng(0)
x = rng.normal(size=(3, 2))
w = rng.normal(size=(2, 2))
b = rng.normal(size=2)
loss = f(x, w, b)
z = x @ w + b
dz = 3 * np.maximum(0.01 * z, z) ** 2 * np.where(z > 0, 1, 0.01)
dw = x.T @ dz
db = dz.sum(0)
num = eval_numerical_gradient(lambda W: f(x, W, b), w)
print('max err', np.abs(num - dw).max())
