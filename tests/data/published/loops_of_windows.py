import numpy as np
def conv_single_step(a_slice_prev, W, b):
    s = a_slice_prev * W
    Z = np.sum(s)
    return Z + float(b)
np.random.seed(1)
A_prev = np.random.randn(1, 4, 4, 2)
W = np.random.randn(2, 2, 2, 3)
b = np.random.randn(1, 1, 1, 3)
m, n_H_prev, n_W_prev, n_C_prev = A_prev.shape
f, f, n_C_prev, n_C = W.shape
stride = 2
n_H = int((n_H_prev - f) / stride) + 1
n_W = int((n_W_prev - f) / stride) + 1
Z = np.zeros((m, n_H, n_W, n_C))
for i in range(m):
    for h in range(n_H):
        for w in range(n_W):
            for c in range(n_C):
                a_slice = A_prev[i, h*stride:h*stride+f, w*stride:w*stride+f, :]
                Z[i, h, w, c] = np.sum(a_slice * W[:, :, :, c]) + b[0, 0, 0, c]
loss = np.mean(Z)
dZ = np.ones_like(Z) / Z.size
dW = np.zeros_like(W)
db = np.zeros_like(b)
for i in range(m):
    for h in range(n_H):
        for w in range(n_W):
            for c in range(n_C):
                a_slice = A_prev[i, h*stride:h*stride+f, w*stride:w*stride+f, :]
                dW[:, :, :, c] += a_slice * dZ[i, h, w, c]
                db[:, :, :, c] += dZ[i, h, w, c]
