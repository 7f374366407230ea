import numpy as np
np.random.seed(0)
def sigmoid(x): return 1 / (1 + np.exp(-x))
class LSTM:
    def __init__(self, n_in, n_h):
        z = n_in + n_h
        self.Wf = np.random.randn(n_h, z) / np.sqrt(z)
        self.Wi = np.random.randn(n_h, z) / np.sqrt(z)
        self.Wc = np.random.randn(n_h, z) / np.sqrt(z)
        self.Wo = np.random.randn(n_h, z) / np.sqrt(z)
        self.b = {k: np.zeros((n_h, 1)) for k in 'fico'}
        self.n_h = n_h
    def step(self, x, h, c):
        z = np.vstack((h, x))
        f = sigmoid(self.Wf @ z + self.b['f'])
        i = sigmoid(self.Wi @ z + self.b['i'])
        g = np.tanh(self.Wc @ z + self.b['c'])
        c = f * c + i * g
        o = sigmoid(self.Wo @ z + self.b['o'])
        h = o * np.tanh(c)
        return h, c, (z, f, i, g, c, o)
    def forward(self, xs):
        h = np.zeros((self.n_h, 1)); c = np.zeros((self.n_h, 1))
        self.cache = []
        for x in xs:
            h, c, k = self.step(x, h, c)
            self.cache.append(k)
        return h
net = LSTM(2, 3)
xs = [np.array([[1.0], [0.5]]), np.array([[-0.3], [0.8]]), np.array([[0.1], [0.2]])]
target = np.array([[0.2], [-0.1], [0.4]])
h = net.forward(xs)
loss = 0.5 * np.sum((h - target) ** 2)
# numeric check
eps = 1e-5
def num(W):
    g = np.zeros_like(W)
    for i in np.ndindex(W.shape):
        W[i] += eps; p = 0.5 * np.sum((net.forward(xs) - target) ** 2)
        W[i] -= 2 * eps; m = 0.5 * np.sum((net.forward(xs) - target) ** 2)
        W[i] += eps
        g[i] = (p - m) / (2 * eps)
    return g
print(loss)
