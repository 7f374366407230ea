import numpy as np
np.random.seed(0)
def im2col(x, kh, kw, stride=1, pad=0):
    N, C, H, W = x.shape
    out_h = (H + 2 * pad - kh) // stride + 1
    out_w = (W + 2 * pad - kw) // stride + 1
    img = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], 'constant')
    col = np.zeros((N, C, kh, kw, out_h, out_w))
    for y in range(kh):
        y_max = y + stride * out_h
        for xx in range(kw):
            x_max = xx + stride * out_w
            col[:, :, y, xx, :, :] = img[:, :, y:y_max:stride, xx:x_max:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * out_h * out_w, -1)
x = np.random.randn(2, 2, 4, 4)
W = np.random.randn(3, 2, 3, 3) * 0.1
b = np.zeros(3)
col = im2col(x, 3, 3, 1, 1)
col_W = W.reshape(3, -1).T
out = np.dot(col, col_W) + b
out = out.reshape(2, 4, 4, -1).transpose(0, 3, 1, 2)
loss = 0.5 * np.sum(out ** 2)
dout = out.transpose(0, 2, 3, 1).reshape(-1, 3)
db = np.sum(dout, axis=0)
dW = np.dot(col.T, dout).transpose(1, 0).reshape(3, 2, 3, 3)
