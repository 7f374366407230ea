import numpy as np
def conv_forward(x, w, b, stride=1, pad=1):
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode='constant')
    Ho, Wo = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, Ho, Wo))
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    out[n, f, i, j] = np.sum(xp[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] * w[f]) + b[f]
    return out
np.random.seed(0)
x = np.random.randn(1, 2, 3, 3); w = np.random.randn(2, 2, 3, 3); b = np.random.randn(2)
out = conv_forward(x, w, b, 2, 1)
loss = np.sum(out ** 2)
dout = 2 * out
db = dout.sum(axis=(0, 2, 3))
