import numpy as np
np.random.seed(9)
corpus = "the quick brown fox jumps over the lazy dog".split()
vocab = sorted(set(corpus))
word_index = {w: i for i, w in enumerate(vocab)}
V, N = len(vocab), 3
def onehot(i):
    v = np.zeros(V)
    v[i] = 1
    return v
pairs = []
for i, w in enumerate(corpus[:3]):
    for j in range(max(0, i - 1), min(len(corpus), i + 2)):
        if j != i:
            pairs.append((word_index[w], word_index[corpus[j]]))
W1 = np.random.uniform(-0.8, 0.8, (V, N))
W2 = np.random.uniform(-0.8, 0.8, (N, V))
epochs = 4
for ep in range(epochs):
    loss = 0
    dW1, dW2 = np.zeros_like(W1), np.zeros_like(W2)
    for c, o in pairs:
        x = onehot(c)
        h = W1.T @ x
        u = W2.T @ h
        e = np.exp(u - np.max(u))
        yp = e / e.sum()
        loss += -np.log(yp[o])
        EI = yp - onehot(o)
        dW2 += np.outer(h, EI)
        dW1 += np.outer(x, W2 @ EI)
    W1 -= 0.05 * dW1
    W2 -= 0.05 * dW2
