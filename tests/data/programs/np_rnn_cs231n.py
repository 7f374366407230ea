import numpy as np
np.random.seed(0)
N, T, D, H = 2, 3, 4, 5
x = np.random.randn(N, T, D)
h0 = np.random.randn(N, H)
Wx = np.random.randn(D, H)
Wh = np.random.randn(H, H)
b = np.random.randn(H)
h = np.zeros((N, T, H))
prev = h0
for t in range(T):
    prev = np.tanh(x[:, t].dot(Wx) + prev.dot(Wh) + b)
    h[:, t, :] = prev
dout = np.random.randn(*h.shape)
dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
dprev = np.zeros((N, H))
for t in reversed(range(T)):
    dh = dout[:, t] + dprev
    da = dh * (1 - h[:, t] ** 2)
    hp = h[:, t - 1] if t > 0 else h0
    dx[:, t] = da @ Wx.T
    dWx += x[:, t].T @ da
    dWh += hp.T @ da
    db += da.sum(0)
    dprev = da @ Wh.T
dh0 = dprev
